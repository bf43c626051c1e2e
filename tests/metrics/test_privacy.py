"""What answers give away: bounds against binomial tails, AUC against its definition."""

import math

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.privacy.canary import (
    epsilon_bound,
    exposure,
    lower_limit,
    rate_interval,
)
from evenhand.metrics.privacy.membership import advantage, auc, tpr_at_fpr
from evenhand.metrics.result import Estimate


def ends(found: Estimate) -> tuple[float, float]:
    assert found.interval is not None
    return found.interval.low, found.interval.high


@pytest.mark.parametrize(("hits", "n"), [(1, 5), (5, 5), (37, 60), (99, 100)])
def test_the_limit_of_a_rate_is_where_the_binomial_tail_is_alpha(hits, n):
    low = lower_limit(hits, n, 0.05)
    assert stats.binom.sf(hits - 1, n, low) == pytest.approx(0.05)
    both = rate_interval(hits, n, level=0.9)
    truth = stats.binomtest(hits, n).proportion_ci(0.9, method="exact")
    assert (both.low, both.high) == pytest.approx((truth.low, truth.high))


def test_epsilon_is_the_log_odds_that_the_guesses_certify():
    found = epsilon_bound(45, 50, level=0.95)
    chance = 1 / (1 + math.exp(-found.value))
    assert stats.binom.sf(44, 50, chance) == pytest.approx(0.05)
    assert epsilon_bound(50, 50).value == pytest.approx(found.cap)
    assert epsilon_bound(45, 50, copies=3).value == pytest.approx(found.value / 3)
    assert epsilon_bound(0, 5).value == 0.0


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_a_bound_is_above_the_truth_no_more_often_than_it_says(level):
    """A vendor that is exactly 1-private, guessed at in the best way there is: randomised response."""
    rng = np.random.default_rng(5)
    chance, guesses, runs = math.e / (1 + math.e), 80, 4000
    right = rng.binomial(guesses, chance, runs)
    over = sum(epsilon_bound(int(v), guesses, level=level).value > 1 for v in right)
    assert stats.binom.sf(over - 1, runs, 1 - level) > 0.005


def test_the_best_of_a_grid_of_rules_is_no_bound():
    """Why the rule must be fixed beforehand: the largest bound over many guess counts lies often."""
    rng = np.random.default_rng(6)
    counts, false = range(5, 200, 5), 0
    for _ in range(300):
        right = np.cumsum(rng.random(200) < 0.5)
        false += any(epsilon_bound(int(right[r - 1]), r).value > 0 for r in counts)
    assert false / 300 > 0.15


def test_exposure_counts_bits():
    assert [exposure(rank, 4096) for rank in (1, 2, 4096)] == [12.0, 11.0, 0.0]


def test_auc_is_the_chance_of_the_right_order():
    rng = np.random.default_rng(1)
    own, other = rng.integers(0, 12, 40), rng.integers(0, 10, 55)
    above = (own[:, None] > other).mean() + (own[:, None] == other).mean() / 2
    assert auc(own, other).value == pytest.approx(above)
    assert auc(other, own).value == pytest.approx(1 - above)


def test_the_variance_of_auc_is_that_of_its_definition():
    """DeLong's structural components, from the matrix of all pairs."""
    rng = np.random.default_rng(2)
    own, other = rng.normal(0.7, 1, 60), rng.normal(0, 1, 80)
    psi = (own[:, None] > other).astype(float)
    variance = psi.mean(1).var(ddof=1) / 60 + psi.mean(0).var(ddof=1) / 80
    value = psi.mean()
    half = stats.norm.ppf(0.975) * math.sqrt(variance) / (value * (1 - value))
    logit = math.log(value / (1 - value))
    expected = [1 / (1 + math.exp(-(logit + side * half))) for side in (-1, 1)]
    assert ends(auc(own, other)) == pytest.approx(expected)


def test_without_leakage_the_interval_covers_one_half_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        low, high = ends(auc(rng.normal(size=50), rng.normal(size=70)))
        covered += low <= 0.5 <= high
    assert stats.binom.cdf(covered, 400, 0.95) > 0.005


def test_two_sides_that_do_not_overlap_do_not_promise_certainty():
    found = auc([3.0, 4.0, 5.0], [0.0, 1.0, 2.0, 2.5])
    assert found.value == 1.0
    assert ends(found)[0] == pytest.approx(0.025 ** (1 / 3))


def test_a_threshold_gives_people_away():
    own, other = np.arange(100) + 30.0, np.arange(100) + 0.0
    found = advantage(own, other, threshold=89.5)
    assert (found.found.value, found.mistaken.value) == (0.4, 0.1)
    assert found.people.value == pytest.approx(30)
    # Newcombe (1998), table II, (a): 56/70 against 48/80, .0524 to .3339
    rows = np.concatenate([np.ones(56), np.zeros(14)]), np.concatenate([np.ones(48), np.zeros(32)])
    printed = ends(advantage(*rows, threshold=0.5).people)
    assert printed == pytest.approx((5.24, 33.39), abs=0.005)


def test_ties_are_never_split_and_a_rate_below_resolution_is_refused():
    own, other = np.repeat([2.0, 1.0], 50), np.repeat([2.0, 1.0, 0.0], [5, 95, 100])
    assert tpr_at_fpr(own, other, rate=0.1).value == 0.5
    assert tpr_at_fpr(own, other, rate=0.025).value == 0.5
    with pytest.raises(InputError, match="five non-members"):
        tpr_at_fpr(own, other, rate=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: epsilon_bound(3, 0),
        lambda: epsilon_bound(4, 3),
        lambda: epsilon_bound(1, 3, copies=0),
        lambda: exposure(0, 5),
        lambda: auc([1.0], [1.0, 2.0]),
        lambda: auc([1.0, math.inf], [1.0, 2.0]),
        lambda: advantage([1, 2], [1, 2], threshold=math.nan),
        lambda: auc([1.0, 2.0], [1.0, 2.0], level=1.0),
    ],
)
def test_what_cannot_be_is_refused(call):
    with pytest.raises(InputError):
        call()
