"""Whole audits against laws of prices: verdicts, cost, order, and that nothing but the lock counts."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from evenhand.probes.design import TWIN, Observed
from evenhand.probes.protocol import Seen

_spec = importlib.util.spec_from_file_location(
    "rehearsal", Path(__file__).with_name("rehearsal.py")
)
assert _spec is not None
assert _spec.loader is not None
rehearsal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rehearsal)
fair, loyal, rare, priced, rehearse = (
    getattr(rehearsal, name) for name in ("fair", "loyal", "rare", "priced", "rehearse")
)


def only(conduct):
    (decision,) = conduct.decisions.values()
    return decision


def asked(conduct):
    return sum(len(turn.wave) for turn in conduct.waves if turn.question == "pricing.twins")


@pytest.mark.parametrize(
    ("law", "label", "mean", "share"),
    [
        (fair(0.0), "cleared", "inside", "inside"),
        (fair(0.02), "cleared", "inside", "inside"),
        (loyal(0.05, 0.01), "established", "outside", "undecided"),
        (loyal(-0.05, 0.01), "established", "outside", "undecided"),
        (rare(noise=0.005), "established", None, "outside"),
    ],
    ids=["fair", "fair-noisy", "dearer", "cheaper", "rare"],
)
def test_known_vendors_get_their_verdict(law, label, mean, share):
    one = only(rehearse(law, seed=3))
    assert one.label == label
    assert one.share == share
    assert mean is None or one.mean == mean


@pytest.mark.parametrize(
    ("law", "treatments", "most"),
    # the medians of the contract, and a quarter for waves that overshoot
    [(fair(0.0), 1, 773), (fair(0.02), 1, 1133), (fair(0.0), 3, 1459), (fair(0.02), 3, 2423)],
    ids=["quiet", "noisy", "quiet-3", "noisy-3"],
)
def test_clearing_costs_what_the_contract_says(law, treatments, most):
    costs = [asked(rehearse(law, seed=seed, treatments=treatments)) for seed in range(3)]
    assert 0.8 * most < np.median(costs) < 1.25 * most


def test_a_small_real_difference_is_within_the_limit_and_said_to_be_real():
    one = only(rehearse(loyal(0.004), seed=1))
    assert (one.label, one.real) == ("cleared", True)


def test_one_guilty_attribute_does_not_taint_the_others():
    law = priced(lambda seen: math.log(1.05) * seen["t1"], 0.01)
    conduct = rehearse(law, seed=4, treatments=3)
    assert [one.label for one in conduct.decisions.values()] == [
        "cleared",
        "established",
        "cleared",
    ]


def test_identity_buckets_are_noise_and_say_so():
    def law(seen, rng):
        bucket = rng.random(len(seen["base"])) < 0.5
        return seen["base"] * (1 + seen["nights"]) * np.where(bucket, 1.1, 1.0)

    one = only(rehearse(law, seed=2, queries=6_000))
    assert (one.label, one.reason) == ("inconclusive", "audit.reason_noise")


def test_a_vendor_that_answers_everybody_alike_whatever_is_asked_is_not_cleared():
    """A canned answer: nothing moves it, so it shows nothing."""
    one = only(rehearse(lambda seen, _: np.full(len(seen["base"]), 100.0), queries=3_000))
    assert (one.label, one.reason) == ("inconclusive", "audit.reason_positive")


def test_unequal_blocking_stops_clearing_and_accuses_nobody():
    def kinds(seen, rng):
        return np.where((seen["t0"] == 1) & (rng.random(len(seen["t0"])) < 0.3), 2, 0).astype(
            np.int8
        )

    one = only(rehearse(fair(), kinds=kinds, queries=4_000))
    assert one.label == "inconclusive"
    conduct = rehearse(fair(), kinds=kinds, queries=4_000)
    assert not conduct.health().access


def test_a_refused_treated_arm_counts_against_the_share():
    """Every tenth context refuses the treated level: never within the limit."""

    def kinds(seen, _):
        return np.where((seen["t0"] == 1) & (seen["context"] % 10 == 0), 1, 0).astype(np.int8)

    one = only(rehearse(fair(), kinds=kinds, queries=4_000))
    assert one.label != "cleared"
    assert one.share != "inside"


def test_a_harness_that_treats_twins_unlike_concludes_nothing():
    """Identical customers that differ by their place in the wave: here by arm, as no vendor can."""

    class Rigged:
        def __call__(self, turn, prices):
            return np.where(turn.wave.arm == TWIN, 1.2 * prices, prices)

    study = rehearsal.study()
    conduct = rehearsal.Conduct(
        study=study,
        questions=rehearsal.questions(study),
        rules=rehearsal.Rules(
            family=rehearsal.Family(hypotheses=1, alpha=0.05, alpha_clear=0.05), queries=3_000
        ),
        rng=lambda number: np.random.default_rng([0, number]),
    )
    while (turn := conduct.next()) is not None:
        prices = fair()(rehearsal.columns(study, turn.wave), np.random.default_rng(0))
        n = len(turn.wave)
        conduct.take(
            turn,
            Observed(
                waves=(turn.wave,),
                numbers=(turn.number,),
                kind=np.zeros(n, dtype=np.int8),
                reason=np.zeros(n, dtype=np.int8),
                values={"final": Rigged()(turn, prices)},
            ),
        )
    one = only(conduct)
    assert (one.label, one.reason) == ("inconclusive", "audit.reason_harness")


def test_the_budget_is_never_exceeded_and_its_end_is_said():
    for queries in (70, 200, 500):
        conduct = rehearse(fair(0.02), queries=queries)
        assert conduct.trials_left >= 0
        assert only(conduct).closed
        assert only(conduct).label == "inconclusive"
        assert only(conduct).reason is not None


def test_no_fresh_block_is_asked_while_survivors_of_a_round_would_settle_it():
    """Otherwise each round that a confirmation waits for costs another quarter of fresh blocks."""
    for seed in range(3):
        conduct = rehearse(rare(noise=0.02), seed=seed)
        assert only(conduct).label == "established"
        last = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"][-1]
        assert (last.again >= 0).all()


def test_a_decided_arm_is_left_out():
    law = priced(lambda seen: math.log(1.3) * seen["t1"])
    conduct = rehearse(law, treatments=2)
    last = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"][-1]
    assert 3 not in last.arm, "arm 3 is t1, established long before"


def test_controls_come_first_and_questions_take_turns():
    order = [turn.question for turn in rehearse(fair()).waves][:4]
    assert order[:3] == ["control.pilot", "control.positive", "pricing.twins"]


def test_a_wave_is_a_function_of_earlier_answers_only():
    """The same answers, the same waves; other answers, other waves only afterwards."""
    first, second = rehearse(fair(0.02), seed=9), rehearse(fair(0.02), seed=9)
    assert [t.wave.sha256() for t in first.waves] == [t.wave.sha256() for t in second.waves]
    other = rehearse(rare(0.2), seed=9)
    same = [
        a.wave.sha256() == b.wave.sha256() for a, b in zip(first.waves, other.waves, strict=False)
    ]
    assert same[:3] == [True] * 3
    assert not all(same)


def test_design_does_not_see_what_it_must_not():
    """`Seen` holds complete earlier waves of the question, and counts; nothing else."""
    assert set(Seen.__dataclass_fields__) == {
        "observed", "evidence", "undecided", "trials_left", "accuse_at", "clear_at", "wave_limit",
    }  # fmt: skip


def test_cleared_intervals_lie_within_the_limits():
    """The printed interval and the verdict are one claim."""
    for seed in range(4):
        one = only(rehearse(fair(0.02), seed=seed))
        interval, share = one.evidence.effect.interval, one.evidence.share.interval
        assert -math.log(1.01) < interval.low < interval.high < math.log(1.01)
        assert share.high < 0.02


def test_nothing_is_settled_without_a_limit():
    assert only(rehearse(loyal(0.05), limit=None)).label == "indicated"
