"""What a plan may assume or ask of a vendor's noise: what it saves, and when it is taken back."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.decide import Family, Health, decide
from evenhand.audit.findings import _method
from evenhand.audit.plan import ProbeEntry
from evenhand.audit.planfile import parse
from evenhand.audit.run import begin, prepare, run
from evenhand.errors import PlanError
from evenhand.messages import both
from evenhand.metrics.planning import forecast
from evenhand.metrics.share import log_share_inside, survival
from evenhand.probes.pricing.twins import Twins, make
from evenhand.probes.shares import Limit

_spec = importlib.util.spec_from_file_location(
    "rehearsal", Path(__file__).with_name("rehearsal.py")
)
assert _spec is not None
assert _spec.loader is not None
rehearsal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rehearsal)

EXAMPLES = Path(__file__).parents[2] / "examples"
ALIKE = Limit.of(ratio=0.01, share=0.02, beyond=0.05, deterministic=True)
SHOWN = Limit.of(ratio=0.01, share=0.02, beyond=0.05, reproducible=0.8)


def only(conduct):
    (decision,) = conduct.decisions.values()
    return decision


def rarely_noisy(part):
    """A vendor that charges a quote in 1 / `part` a fifth more."""

    def law(seen, rng):
        surge = rng.random(len(seen["base"])) < part
        return seen["base"] * (1 + seen["nights"]) * np.where(surge, 1.2, 1.0)

    return law


@pytest.mark.parametrize(("gamma", "blocks"), [(1.0, 165), (survival(quiet=True), 343)])
def test_blocks_that_bound_the_share_by_themselves(gamma, blocks):
    path = log_share_inside(np.zeros(400, bool), share=0.02, gamma=gamma)
    assert int(np.argmax(path >= math.log(20))) + 1 == blocks


@pytest.mark.parametrize("quiet", [False, True])
def test_what_shows_in_eight_quotes_of_ten_costs_207_blocks(quiet):
    gamma = survival(quiet=quiet, reproducible=0.8)
    path = log_share_inside(np.zeros(400, bool), share=0.02, gamma=gamma)
    assert int(np.argmax(path >= math.log(20))) + 1 == 207


@pytest.mark.parametrize(
    ("limit", "most"),
    # the contract's figures with the mean; waves may overshoot by their last one
    [(ALIKE, 204), (SHOWN, 207)],
    ids=["deterministic", "reproducible"],
)
def test_a_quiet_vendor_is_cleared_sooner(limit, most):
    one = only(rehearsal.rehearse(rehearsal.fair(), limit=limit))
    assert one.label == "cleared"
    assert one.evidence.n <= most + 8 < only(rehearsal.rehearse(rehearsal.fair())).evidence.n
    assert one.evidence.assumption == ("holds" if limit is ALIKE else None)
    assert one.evidence.share.interval.high < 0.02


@pytest.mark.parametrize(
    ("deterministic", "reproducible", "most"),
    [(False, 0.5, 343), (True, 0.5, 204), (False, 0.8, 207)],
)
def test_check_forecasts_what_is_saved(deterministic, reproducible, most):
    found = forecast(
        hypotheses=1, ratio=0.01, share=0.02, beyond=0.05, noise=0.0, bound=math.log(1.5),
        alpha=0.05, alpha_clear=0.05, deterministic=deterministic, reproducible=reproducible,
    )  # fmt: skip
    assert found.blocks is not None
    assert 0.8 * most < found.blocks <= most


def test_the_assumption_is_withdrawn_for_all_blocks_when_twins_differ():
    law = rarely_noisy(0.02)
    assumed = only(rehearsal.rehearse(law, limit=ALIKE, seed=1))
    plain = only(rehearsal.rehearse(law, seed=1))
    assert assumed.evidence.assumption == "withdrawn"
    assert assumed.label == "cleared"
    assert assumed.evidence.n > 300, "the usual bound on the share again"
    assert abs(assumed.evidence.n - plain.evidence.n) <= 100


def test_a_vendor_that_is_not_what_the_plan_assumes_is_not_accused_for_it():
    for seed in range(10):
        one = only(rehearsal.rehearse(rarely_noisy(0.02), limit=ALIKE, seed=seed, queries=2_000))
        assert one.label != "established"


def test_a_deterministic_vendor_that_hits_too_many_is_never_cleared_by_the_assumption():
    for seed in range(10):
        law = rehearsal.rare(0.05)
        assert only(rehearsal.rehearse(law, limit=ALIKE, seed=seed)).label == "established"


def test_what_was_cleared_on_an_assumption_opens_again_when_it_is_withdrawn():
    cleared = only(rehearsal.rehearse(rehearsal.fair(), limit=ALIKE))
    name = cleared.evidence.hypothesis.id
    poor = replace(cleared.evidence.claims[1.0], inside=(1.0, 4.0, 4.0))
    now = replace(cleared.evidence, assumption="withdrawn", claims={1.0: poor})

    def after(evidence):
        return decide(
            [evidence], {name: cleared}, family=Family(hypotheses=1, alpha=0.05, alpha_clear=0.05),
            health=Health(positive=True), trials_left=9_000, budget=10_000, final=False,
        )[name]  # fmt: skip

    assert (after(now).label, after(now).closed) == ("inconclusive", False)
    assert after(replace(now, assumption="holds")) is cleared


def test_a_plan_sets_both():
    probe = make(
        {
            "treat": ("device",),
            "tolerance": {"ratio": 0.01, "share": 0.02, "beyond": 0.05},
            "assume": "deterministic",
            "reproducible": 0.8,
        }
    )
    assert isinstance(probe, Twins)
    assert probe.limit == replace(ALIKE, reproducible=0.8)


def changed(line):
    text = (EXAMPLES / "fair.yaml").read_text("utf-8")
    return text.replace("    direction: any\n", f"    direction: any\n    {line}\n")


@pytest.mark.parametrize(
    ("line", "says"),
    [("reproducible: 40%", "0.5"), ("reproducible: 1.5", "1"), ("assume: quiet", "deterministic")],
)
def test_mistakes_are_told(line, says):
    with pytest.raises(PlanError) as caught:
        parse(changed(line), EXAMPLES / "fair.yaml")
    (problem,) = caught.value.problems
    assert problem.key == f"probes[0].{line.split(':', maxsplit=1)[0]}"
    assert says in str(problem)


def test_the_record_says_what_was_assumed_and_what_became_of_it(tmp_path):
    text = changed("assume: deterministic").replace(
        "    treat:", "    reproducible: 80%\n    treat:"
    )
    audit = prepare(parse(text, EXAMPLES / "fair.yaml"))
    where = begin(audit, tmp_path / "run")
    run(audit, where)
    (finding,) = where.read_record().content.findings
    for language in ("zh", "en"):
        method = getattr(finding.method, language)
        assert both("audit.method_assumption_withdrawn")[language] in method
        assert both("audit.method_reproducible", quotes="80%")[language] in method


def test_an_assumption_that_holds_is_printed_too():
    one = only(rehearsal.rehearse(rehearsal.fair(), limit=ALIKE))
    said = _method(one.evidence, ProbeEntry(use="pricing.twins", assume="deterministic"))
    assert both("audit.method_assumption_holds")["en"] in said.en
    plain = replace(one.evidence, assumption=None)
    assert _method(plain, ProbeEntry(use="pricing.twins")).en == both("audit.method_gaps")["en"]
