"""Coins and hits: checked by full enumeration and against another implementation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.privacy.coins import (
    coin_contrast,
    hit_rates,
    log_coin_evidence,
    smallest_hit_rate,
)

ALL = np.array(list(itertools.product([False, True], repeat=10)))


@pytest.mark.parametrize("seed", range(5))
def test_over_all_tosses_the_evidence_is_a_fair_bet_whatever_was_hit(seed):
    hits = np.random.default_rng(seed).random(10) < 0.6
    last = [math.exp(log_coin_evidence(coins, hits)[-1]) for coins in ALL]
    assert np.mean(last) == pytest.approx(1.0)


def test_over_all_tosses_the_evidence_ever_reaches_twenty_in_one_of_twenty_at_most():
    peaks = np.array([log_coin_evidence(coins, np.ones(10, bool)).max() for coins in ALL])
    assert 0 < np.mean(peaks >= math.log(20)) <= 0.05


def test_hits_on_tails_are_no_evidence():
    tails = np.zeros(60, bool)
    assert log_coin_evidence(tails, ~tails)[-1] < 0


def test_over_all_tosses_the_contrast_is_the_difference_of_the_chances():
    under_heads, under_tails = np.arange(10) < 6, np.arange(10) < 2
    means = [coin_contrast(c, np.where(c, under_heads, under_tails)).mean() for c in ALL]
    assert np.mean(means) == pytest.approx(0.6 - 0.2)


@pytest.mark.parametrize(("heads", "tails"), [((25, 100), (2, 100)), ((0, 40), (0, 60))])
def test_rates_have_the_limits_of_clopper_and_pearson(heads, tails):
    coins = np.repeat([True, False], [heads[1], tails[1]])
    hits = np.concatenate([np.arange(heads[1]) < heads[0], np.arange(tails[1]) < tails[0]])
    found = hit_rates(coins, hits, level=0.95).interval
    first, second = (stats.binomtest(*side).proportion_ci(0.975) for side in (heads, tails))
    assert found is not None
    assert found.low == pytest.approx(first.low - second.high)
    assert found.high == pytest.approx(first.high - second.low)


def test_one_side_of_the_coin_alone_measures_nothing():
    assert hit_rates([True, True], [True, False]).value is None


def test_the_smallest_rate_is_found_as_often_as_it_says():
    n = 200
    rate = smallest_hit_rate(n)
    rng = np.random.default_rng(4)
    coins = np.arange(n) % 2 == 0
    found = [
        log_coin_evidence(coins, coins & (rng.random(n) < rate)).max() >= math.log(20)
        for _ in range(1_000)
    ]
    assert stats.binomtest(sum(found), 1_000).proportion_ci(0.99).high >= 0.95
    assert np.mean(found) > 0.9


def test_columns_of_different_length_are_refused():
    with pytest.raises(InputError):
        log_coin_evidence([True], [True, False])
