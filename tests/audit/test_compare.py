"""Two audits of one vendor: a change that is there is shown, one that is not is not claimed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.audit.evidence_for_tests import finished_by, prepared_evidence

from evenhand.audit.compare import Comparison, compare, movement
from evenhand.errors import UsageError
from evenhand.metrics.result import Interval


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    """The same vendor after it has begun to charge for a new phone."""
    return finished_by(tmp_path_factory.mktemp("dear"), "vendors_for_tests:dear", seed=11)


def moved(found: Comparison) -> tuple[float, float]:
    """How far the effect of the one hypothesis moved: both ends are there."""
    (one,) = found.changes
    assert one.low is not None
    assert one.high is not None
    return one.low, one.high


def test_the_same_vendor_has_not_changed(evidence):
    found = compare(evidence.run, evidence.other)
    assert [one.movement for one in found.changes] == ["none"]
    assert not found.changed
    assert not found.terms
    low, high = moved(found)
    assert low < 0 < high


def test_a_vendor_that_changed_is_shown_to_have(evidence, dear):
    found = compare(evidence.bundle, dear)
    (one,) = found.changes
    assert one.movement == "larger"
    assert (one.before, one.after) == ("cleared", "established")
    low, high = moved(found)
    assert low <= math.log(1.5) <= high
    back = compare(dear, evidence.bundle)
    assert back.changes[0].movement == "smaller"
    assert moved(back) == pytest.approx((-high, -low))


def test_an_audit_does_not_differ_from_itself(dear):
    (one,) = compare(dear, dear).changes
    assert one.movement == "none"


def test_a_stricter_level_claims_less(evidence, dear):
    wide, narrow = compare(evidence.run, dear, alpha=1e-4), compare(evidence.run, dear, alpha=0.2)
    assert moved(wide)[0] < moved(narrow)[0]
    assert moved(wide)[1] > moved(narrow)[1]


def test_audits_of_different_vendors_are_not_compared(evidence, tmp_path):
    stranger = finished_by(tmp_path, "vendors_for_tests:quote", changes={"a stranger": "another"})
    with pytest.raises(UsageError, match="another"):
        compare(evidence.run, stranger)


def test_audits_with_nothing_in_common_are_not_compared(evidence, tmp_path):
    other = finished_by(
        tmp_path, "vendors_for_tests:quote", changes={"levels: [new]": "levels: [newer]"}
    )
    with pytest.raises(UsageError):
        compare(evidence.run, other)


def test_other_limits_are_said(evidence, tmp_path):
    other = finished_by(tmp_path, "vendors_for_tests:quote", changes={"ratio: 5%": "ratio: 6%"})
    assert compare(evidence.run, other).terms == ("tolerance",)


def spread(low, high):
    return Interval(low=low, high=high, level=0.99, method="")


@pytest.mark.parametrize(
    ("was", "now", "then", "later", "expected"),
    [
        (0.1, 0.3, spread(0.05, 0.15), spread(0.2, 0.4), "larger"),
        (0.3, 0.1, spread(0.2, 0.4), spread(0.05, 0.15), "smaller"),
        (-0.1, -0.3, spread(-0.15, -0.05), spread(-0.4, -0.2), "larger"),
        (-0.1, 0.1, spread(-0.15, -0.05), spread(0.05, 0.15), "larger"),
        (0.1, 0.1, spread(0.0, 0.2), spread(0.2, 0.4), "none"),
        (None, 0.1, None, spread(0.2, 0.4), "unmeasured"),
        (0.1, 0.1, spread(0.0, 0.2), None, "unmeasured"),
    ],
)
def test_which_way(was, now, then, later, expected):
    assert movement(was, now, then, later) == expected


@pytest.mark.prove
def test_changes_are_claimed_no_more_often_than_promised():
    """Intervals at 1 − α/2 of two fair runs: they miss each other in at most α of all pairs."""
    rng, alpha, pairs, n = np.random.default_rng(20261123), 0.2, 4000, 50
    z = 1.2815515594457412  # scipy.stats.norm.ppf(0.9): two sides at 1 − α/2
    means = rng.standard_normal((pairs, 2, n)).mean(axis=2)
    half = z / math.sqrt(n)
    claimed = sum(
        movement(a, b, spread(a - half, a + half), spread(b - half, b + half)) != "none"
        for a, b in means.tolist()
    )
    assert claimed / pairs <= alpha
    assert claimed > 0
