"""What was established is measured again on a number of blocks that was fixed beforehand."""

import importlib.util
import math
from pathlib import Path

import numpy as np

from evenhand.audit.estimates import fresh_blocks, measured_again
from evenhand.probes.estimate import Fresh
from evenhand.probes.scores import FINAL

_spec = importlib.util.spec_from_file_location(
    "rehearsal", Path(__file__).parents[1] / "audit" / "rehearsal.py"
)
assert _spec is not None
assert _spec.loader is not None
rehearsal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rehearsal)


def audited(law, blocks, *, seed=0, queries=20_000, treatments=1):
    return rehearsal.rehearse(
        law,
        seed=seed,
        queries=queries,
        treatments=treatments,
        followups=lambda conduct: fresh_blocks(conduct, blocks),
    )


def test_an_established_effect_is_measured_on_as_many_fresh_blocks_as_asked_for():
    conduct = audited(rehearsal.loyal(0.05, 0.01), 150)
    (found,) = measured_again(conduct).values()
    assert found.n == 150
    assert found.interval is not None
    assert found.interval.low < math.log(1.05) < found.interval.high
    (decision,) = conduct.decisions.values()
    assert decision.label == "established"
    assert decision.evidence.n < 150, "the verdict stands on its own blocks"


def test_what_was_not_established_is_not_asked_again():
    conduct = audited(rehearsal.fair(0.01), 150)
    assert measured_again(conduct) == {}
    assert "estimate.pricing.twins" not in conduct.questions


def test_none_are_asked_where_the_plan_asks_for_none():
    assert measured_again(audited(rehearsal.loyal(0.05), 0)) == {}


def test_the_budget_ends_it():
    conduct = audited(rehearsal.loyal(0.05, 0.01), 5_000, queries=600)
    assert conduct.trials_left >= 0
    (found,) = measured_again(conduct).values()
    assert 50 < found.n < 300


def test_arms_of_one_probe_share_their_reference():
    law = rehearsal.priced(lambda seen: math.log(1.1) * (seen["t0"] + seen["t1"]), 0.01)
    conduct = audited(law, 40, treatments=2)
    waves = [t.wave for t in conduct.waves if t.question.startswith("estimate.")]
    assert sum(len(wave) for wave in waves) == 40 * 3
    assert len(measured_again(conduct)) == 2


def test_an_early_stop_is_biased_and_fresh_blocks_are_not():
    """An effect at the edge of what sixteen blocks show: evidence that stops early overstates it."""
    truth = math.log(1.02)
    stopped: list[float] = []
    fresh: list[float] = []
    for seed in range(30):
        conduct = audited(rehearsal.loyal(0.02, 0.03), 200, seed=seed)
        (decision,) = conduct.decisions.values()
        found = measured_again(conduct)
        if decision.label == "established":
            stopped.append(decision.evidence.effect.value or 0.0)
            fresh.append(next(iter(found.values())).value or 0.0)
    assert len(fresh) >= 20
    assert abs(np.mean(fresh) - truth) < 3 * np.std(fresh) / math.sqrt(len(fresh))
    assert np.mean(stopped) > truth


def test_a_question_says_what_it_is():
    question = Fresh(arms={2: {"t0": 1}}, paths={0: [0], 2: [0]}, treated=(2,), blocks=1)
    assert set(question.card.question) == {"zh", "en"}
    assert question.width == 3
    assert question.effect(rehearsal.Observed(), 2, score=FINAL, bound=0.4, level=0.95) is None
