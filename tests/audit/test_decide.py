"""Verdicts from evidence: families, precedence, reasons, and that what was said stays said."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest

from evenhand.audit.decide import (
    Decision,
    Family,
    Health,
    decide,
    evidence_to_clear,
)
from evenhand.metrics.families import clear
from evenhand.metrics.result import Estimate
from evenhand.probes.protocol import Claims, Evidence, Hypothesis

SURE = 20.0
GUILTY = Claims(
    differs=SURE, differs_now=SURE, beyond=SURE, mean_beyond=SURE, inside=(-SURE, -SURE, -SURE)
)
FAIR = Claims(inside=(3.2, 4.0, 4.0))
OPEN = Claims()
HEALTHY = Health(positive=True)


def evidence(
    claims: Claims, number: int = 0, *, delivered: bool = True, limit: bool = True, n: int = 400
) -> Evidence:
    return Evidence(
        hypothesis=Hypothesis(
            id=f"h{number}", probe="pricing.twins", outcome="final", treatment="t", level="x"
        ),
        delivered=delivered,
        claims={1.0: claims},
        effect=Estimate(value=0.0, unit="log-ratio"),
        share=Estimate(value=0.0, unit="share") if limit else None,
        n=n,
        queries=3 * n,
        reason=None if delivered else "audit.reason_not_delivered",
    )


def verdicts(
    *claims: Claims,
    health: Health = HEALTHY,
    final: bool = False,
    left: int = 10_000,
    before: dict[str, Decision] | None = None,
    hypotheses: int | None = None,
    **options: Any,
) -> list[Decision]:
    items = [evidence(claim, i, **options) for i, claim in enumerate(claims)]
    family = Family(hypotheses=hypotheses or len(items), alpha=0.05, alpha_clear=0.05)
    found = decide(
        items,
        before or {},
        family=family,
        health=health,
        trials_left=left,
        budget=20_000,
        final=final,
    )
    return list(found.values())


def test_the_four_verdicts():
    real = Claims(differs=SURE, differs_now=SURE, inside=(0.0, 0.0, 0.0))
    labels = [one.label for one in verdicts(GUILTY, FAIR, real, OPEN)]
    assert labels == ["established", "inconclusive", "indicated", "inconclusive"]
    assert verdicts(FAIR)[0].label == "cleared"


def test_established_needs_a_dependence_as_well_as_a_size():
    size_only = Claims(beyond=SURE, mean_beyond=SURE)
    assert verdicts(size_only)[0].label == "inconclusive"


@pytest.mark.parametrize("weak", range(3))
def test_cleared_needs_the_mean_on_both_sides_and_the_share(weak):
    low, high = 2.9, 4.0  # log 20 lies between
    a, b, c = (low if part == weak else high for part in range(3))
    assert verdicts(Claims(inside=(a, b, c)))[0].label == "inconclusive"


def test_a_difference_that_is_shown_small_is_cleared_and_real():
    one = verdicts(Claims(differs=SURE, inside=(4.0, 4.0, 4.0)))[0]
    assert (one.label, one.real) == ("cleared", True)


def test_a_difference_beyond_the_limit_wins_over_one_within():
    assert verdicts(Claims(differs=9.0, beyond=9.0, inside=(9.0, 9.0, 9.0)))[0].label == (
        "established"
    )


@pytest.mark.parametrize(
    ("health", "claims", "label", "reason"),
    [
        (Health(harness=False, positive=True), GUILTY, "inconclusive", "audit.reason_harness"),
        (Health(harness=False, positive=True), FAIR, "inconclusive", "audit.reason_harness"),
        (Health(access=False, positive=True), FAIR, "inconclusive", "audit.reason_access"),
        (Health(access=False, positive=True), GUILTY, "established", None),
        (Health(positive=False), FAIR, "inconclusive", "audit.reason_positive"),
        (Health(positive=False), GUILTY, "established", None),
    ],
)
def test_controls_take_precedence(health, claims, label, reason):
    one = verdicts(claims, health=health)[0]
    assert (one.label, one.reason, one.closed) == (label, reason, True)


def test_while_the_positive_control_is_asked_nothing_is_cleared_and_nothing_closed():
    one = verdicts(FAIR, health=Health(positive=None))[0]
    assert (one.label, one.closed) == ("inconclusive", False)


def test_what_was_not_delivered_is_never_no_difference():
    one = verdicts(FAIR, delivered=False)[0]
    assert (one.label, one.reason) == ("inconclusive", "audit.reason_not_delivered")


def test_without_a_limit_a_difference_can_be_indicated_only():
    one = verdicts(Claims(differs=SURE, estimable=False), limit=False)[0]
    assert (one.label, one.reason, one.closed) == ("indicated", "audit.reason_no_limit", True)


def test_noise_that_hides_the_share_is_the_reason():
    noisy = Claims(inside=(5.0, 5.0, 5.0), estimable=False)
    one = verdicts(noisy)[0]
    assert (one.label, one.share, one.reason) == (
        "inconclusive",
        "not_estimable",
        "audit.reason_noise",
    )


def test_the_end_of_the_budget_says_how_much_more():
    slow = Claims(inside=(1.0, 4.0, 4.0))
    one = verdicts(slow, final=True)[0]
    assert one.reason == "audit.reason_budget"
    # (log 20 − 1) more at a rate of 1 in 400 blocks, three queries a block
    assert one.queries_needed == pytest.approx(3 * 400 * (math.log(20) - 1), rel=0.01)
    assert verdicts(OPEN, final=True)[0].reason == "audit.reason_budget_unknown"
    assert verdicts(OPEN, final=True, n=0)[0].reason == "audit.reason_no_answers"


def test_a_hopeless_hypothesis_is_closed_when_half_the_budget_is_spent():
    slow = Claims(inside=(0.1, 4.0, 4.0))
    assert not verdicts(slow, left=15_000)[0].closed
    assert verdicts(slow, left=9_000)[0].closed
    assert not verdicts(Claims(inside=(2.0, 4.0, 4.0)), left=9_000)[0].closed


def test_what_may_well_come_is_not_hopeless():
    """Flags that are still asked about stand against it now, and may be dropped by the next round."""
    pending = replace(Claims(inside=(0.1, 4.0, 4.0)), hoped=(2.5, 0.0))
    assert not verdicts(pending, left=9_000)[0].closed
    assert verdicts(replace(pending, hoped=(0.1, 0.0)), left=9_000)[0].closed


def test_what_was_not_asked_counts_in_the_family():
    """Three hypotheses share the level though one was evaluated."""
    just = math.log(2 / 0.05)
    claims = Claims(differs=just, beyond=just, mean_beyond=just)
    assert verdicts(claims, hypotheses=2)[0].label == "established"
    assert verdicts(claims, hypotheses=3)[0].label == "inconclusive"


def test_each_established_one_relaxes_the_rest():
    """k established leave (K − k)/alpha."""
    just = math.log(1 / 0.05) + 1e-9
    weak = Claims(differs=just, beyond=just, mean_beyond=just)
    assert [one.label for one in verdicts(GUILTY, weak)] == ["established", "established"]
    assert [one.label for one in verdicts(OPEN, weak)] == ["inconclusive", "inconclusive"]


def test_what_was_said_stays_said():
    first = verdicts(GUILTY, FAIR, FAIR, hypotheses=3)
    before = {one.evidence.hypothesis.id: one for one in first}
    later = verdicts(OPEN, OPEN, OPEN, hypotheses=3, before=before)
    assert later[0] is first[0]
    cleared = {f"h{i}": one for i, one in enumerate(verdicts(FAIR))}
    assert verdicts(OPEN, before=cleared)[0].label == "cleared"


def test_a_clearing_falls_when_access_turns_out_unequal():
    before = {"h0": verdicts(FAIR)[0]}
    one = verdicts(FAIR, before=before, health=Health(access=False, positive=True))[0]
    assert (one.label, one.reason) == ("inconclusive", "audit.reason_access")


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_evidence_to_clear_is_what_closed_testing_asks_for(k):
    """Raising a hypothesis to it clears, a hair below does not."""
    levels = (-3.0, 1.0, 2.5, 4.0)
    for rivals in itertools.product(levels, repeat=k - 1):
        claims = [Claims(inside=(0.0,) * 3), *(Claims(inside=(r,) * 3) for r in rivals)]
        family = Family(hypotheses=k, alpha=0.05, alpha_clear=0.05)
        needed = evidence_to_clear(claims, family)[0]
        for nudge, expected in ((1e-6, True), (-1e-6, False)):
            own = math.log(needed) + nudge
            table = [[own] * 3, *([r] * 3 for r in rivals)]
            assert clear(table, hypotheses=k, alpha_clear=0.05)[0] == expected


def test_intervals_are_at_the_level_of_the_claim():
    assert verdicts(FAIR)[0].level == pytest.approx(0.90)
    assert verdicts(GUILTY, OPEN, OPEN)[0].level == pytest.approx(1 - 0.05 / 3)


def test_the_printed_p_value_follows_the_family():
    one = verdicts(GUILTY, OPEN)[0]
    assert one.adjusted == pytest.approx(2 * math.exp(-SURE))
    assert verdicts(OPEN)[0].adjusted == 1.0
