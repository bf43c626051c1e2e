"""Twins and drift against vendors of rides, by the plan in examples/: what one attribute hides."""

import re
from pathlib import Path

import pytest

from evenhand.audit.planfile import parse
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import prepare
from evenhand.datasets.vendors import get

EXAMPLE = Path(__file__).parents[2] / "examples" / "loyal.yaml"
MORE = """    device: {role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: a}
    past_spend: {role: ability_to_pay, reference: 200, levels: LEVELS, because: b}
    tenure:
"""


def asked(vendor, treat, options="{}", *, levels="[5000]", seed=1, drift=False):
    """Rehearse an audit of a vendor of rides, and return the conduct."""
    text = EXAMPLE.read_text("utf-8").replace("vendors:loyal_markup", f"vendors:{vendor}")
    for name in ("device", "past_spend"):
        text = re.sub(
            rf"^    {name}: .*$", f'    {name}: "{{{{persona.{name}}}}}"', text, flags=re.MULTILINE
        )
    text = text.replace("    tenure:\n", MORE.replace("LEVELS", levels), 1)
    text = text.replace("treat: [tenure]", f"treat: [{treat}]\n    options: {options}")
    if drift:
        text = text.replace("probes:\n", "probes:\n  - use: pricing.drift\n")
    text = re.sub(r"^seed: .*$", f"seed: {seed}", text, flags=re.MULTILINE)
    return rehearse(prepare(parse(text, EXAMPLE.with_name(f"{vendor}.yaml"))))


def labels(conduct):
    return {one.evidence.hypothesis.treatment: one.label for one in conduct.decisions.values()}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_vendor_of_pairs_is_cleared_one_at_a_time_and_found_together(seed):
    both = "device, past_spend"
    assert set(labels(asked("pair_only", both, seed=seed)).values()) == {"cleared"}
    pairs = asked("pair_only", both, "{interactions: [[device, past_spend]]}", seed=seed)
    assert labels(pairs)["device+past_spend"] == "established"
    drawn = asked("pair_only", both, "{background: population}", seed=seed)
    assert set(labels(drawn).values()) == {"established"}


@pytest.mark.parametrize(
    "options", ["{interactions: [[device, past_spend]]}", "{background: population}"]
)
def test_a_flat_fare_is_cleared_however_it_is_asked(options):
    found = asked("flat_fare", "device, past_spend", options)
    assert set(labels(found).values()) == {"cleared"}


def test_a_ladder_of_spending_has_the_elasticity_that_was_planted():
    found = asked("spend_ladder", "past_spend", "{ladder: true}", levels="[1000, 2000, 5000]")
    last = list(found.decisions.values())[-1].evidence
    told = {one.name: one.estimate for one in last.described}
    assert told["elasticity"].value == pytest.approx(0.02, abs=0.004)
    assert told["elasticity"].interval.low < 0.02 < told["elasticity"].interval.high


def test_prices_that_spread_without_a_mean_are_found_by_their_share_and_told_as_wider():
    truth = get("wider_prices").truth.of("past_spend")
    found = asked("wider_prices", "past_spend", levels=f"[{truth.level}]")
    (decision,) = found.decisions.values()
    assert (truth.mean, truth.side) == (0.0, "guilty")
    assert (decision.label, decision.share) == ("established", "outside")
    spread = next(one for one in decision.evidence.described if one.name == "spread").estimate
    assert spread.value > 0
    assert spread.interval.low > 0


def test_drift_is_watched_beside_an_audit():
    found = asked("flat_fare", "device", drift=True)
    checks = {one.kind: one for one in found.checks(found.rng(0))["pricing.drift"]}
    assert {kind: one.passed for kind, one in checks.items()} == {"drift": True, "asking": True}
    assert labels(found) == {"device": "cleared"}
