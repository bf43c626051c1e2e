"""Engine 1 against outside truth: enumeration of orders, crossing rates, and published costs."""

from itertools import permutations

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.metrics.dependence import (
    log_dependence,
    log_harness,
    log_one_sided,
    twin_accusations,
)

FULL = pytest.mark.prove
nulls = pytest.mark.parametrize("nulls", [1_000, pytest.param(10_000, marks=FULL)])
runs = pytest.mark.parametrize("runs", [100, pytest.param(1_000, marks=FULL)])


def triples(n):
    return np.full(n, 3)


# ---------------------------------------------------------------- exact: every order of a row


ROWS = {
    "plain": (4.61, 4.64, 4.58),
    "two alike": (4.6, 4.6, 4.7),
    "far": (4.6, 9.9, 4.61),
    "free treated": (-np.inf, 4.6, 4.62),
    "free reference and twin": (4.6, -np.inf, -np.inf),
    "all free": (-np.inf,) * 3,
    "tiny": (4.6, 4.6 + 1e-15, 4.6),
}


@pytest.mark.parametrize("asked", [2, 3])
@pytest.mark.parametrize("past", [0, 1, 25])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_over_all_orders_of_a_row_the_expected_factor_is_one(row, past, asked):
    rng = np.random.default_rng(past)
    before = rng.normal(4.6, 0.02, (past, 3))
    counts = np.append(rng.choice([2, 3], past), asked)
    orders = list(permutations(row[:asked]))
    stakes = []
    for order in orders:
        last = np.append(order, [0.0] * (3 - asked))
        path = log_dependence(np.vstack([before, last]), counts)
        stakes.append(np.exp(path[-1] - (path[-2] if past else 0.0)))
    assert np.isfinite(stakes).all()
    assert np.mean(stakes) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("gap", [0.0, 0.01, 3.0, np.inf])
def test_a_one_sided_pair_has_expectation_one_too(gap):
    rng = np.random.default_rng(3)
    high, low = rng.normal(0, 0.02, (2, 12))
    ends = []
    for one, other in ((0.0, -gap), (-gap, 0.0)):
        path = log_one_sided(np.append(high, one), np.append(low, other))
        ends.append(np.exp(path[-1] - path[-2]))
    assert np.mean(ends) == pytest.approx(1, abs=1e-12)


# --------------------------------------------------------------------------- what rows count


def test_equal_answers_are_no_evidence_at_all():
    prices = np.repeat(np.random.default_rng(1).normal(5, 1, (200, 1)), 3, axis=1)
    assert (log_dependence(prices, triples(200)) == 0).all()


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_row_with_a_missing_arm_counts_for_nothing_and_leaves_no_trace(missing):
    rng = np.random.default_rng(2)
    prices = rng.normal(5, 0.02, (60, 3))
    prices[:, 0] += 0.01
    plain = log_dependence(prices, triples(60))
    hole = rng.normal(50, 9, 3)
    hole[missing] = np.nan
    path = log_dependence(np.insert(prices, 30, hole, axis=0), triples(61))
    assert path[30] == path[29]
    np.testing.assert_allclose(np.delete(path, 30), plain, rtol=0, atol=1e-12)


def test_the_third_column_of_a_pair_is_ignored():
    rng = np.random.default_rng(4)
    prices = rng.normal(5, 0.02, (40, 3))
    other = prices.copy()
    other[:, 2] = rng.choice([np.nan, -np.inf, 77.0], 40)
    pairs = np.full(40, 2)
    assert (log_dependence(prices, pairs) == log_dependence(other, pairs)).all()


def test_the_order_of_reference_and_twin_and_the_unit_do_not_matter():
    rng = np.random.default_rng(5)
    prices = rng.normal(5, 0.02, (80, 3)) + rng.normal(0, 1, (80, 1))
    asked = rng.choice([2, 3], 80)
    plain = log_dependence(prices, asked)
    swapped = np.where(asked[:, None] == 3, prices[:, [0, 2, 1]], prices)
    np.testing.assert_allclose(log_dependence(swapped, asked), plain, atol=1e-9)
    np.testing.assert_allclose(log_dependence(prices + np.log(100), asked), plain, atol=1e-8)


def test_long_runs_do_not_depend_on_how_they_are_cut():
    prices = np.random.default_rng(6).normal(5, 0.02, (20_000, 3))
    whole = log_dependence(prices, triples(20_000))
    np.testing.assert_array_equal(whole[:9_000], log_dependence(prices[:9_000], triples(9_000)))


def test_free_for_some_is_evidence_and_stays_bounded():
    prices = np.full((40, 3), np.log(100.0))
    prices[::4, 0] = -np.inf
    path = log_dependence(prices, triples(40))
    assert np.isfinite(path).all()
    assert (np.diff(path[::4]) <= np.log(3) + 1e-9).all()
    assert path[-1] > np.log(1000)


def test_nothing_asked_is_no_evidence():
    assert log_dependence(np.zeros((0, 3)), []).shape == (0,)
    assert log_one_sided([], []).shape == (0,)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        (np.zeros((4, 2)), [3] * 4),
        (np.zeros((4, 3)), [3] * 3),
        (np.zeros((4, 3)), [3, 3, 3, 1]),
        (np.full((1, 3), np.inf), [3]),
    ],
)
def test_what_cannot_be_used_is_refused(answers, asked):
    with pytest.raises(InputError):
        log_dependence(answers, asked)


# -------------------------------------------------------------------- never more than it says


def gauss(rng, n):
    return rng.normal(0, 0.02, (n, 3))


def t3(rng, n):
    return 0.02 * rng.standard_t(3, (n, 3))


def surge(rng, n):
    return gauss(rng, n) + np.where(rng.random((n, 3)) < 0.05, rng.uniform(0.1, 0.6, (n, 3)), 0)


def cents(rng, n):
    return np.log(np.round(np.exp(rng.normal(0, 0.02, (n, 3))), 2))


def zeros(rng, n):
    return np.where(rng.random((n, 3)) < 0.3, -np.inf, gauss(rng, n))


def mostly_equal(rng, n):
    return np.where(rng.random((n, 3)) < 0.9, 0.0, gauss(rng, n))


def drift(rng, n):
    return gauss(rng, n) * np.linspace(0.2, 5, n)[:, None] + np.linspace(0, 3, n)[:, None]


def buckets(rng, n):
    return 0.1 * rng.integers(0, 2, (n, 3)) + gauss(rng, n)


def memory(rng, n):
    """A vendor that sees the whole block and is cruel to one of the three at random."""
    out = gauss(rng, n)
    out[np.arange(n), rng.integers(0, 3, n)] += np.cumsum(rng.normal(0, 0.1, n))
    return out


NULL_LAWS = [gauss, t3, surge, cents, zeros, mostly_equal, drift, buckets, memory]


def crossings(law, seed, reps, n=150):
    rng = np.random.default_rng(seed)
    asked = np.where(rng.random(n) < 0.5, 3, 2)
    return sum(log_dependence(law(rng, n), asked).max() >= np.log(20) for _ in range(reps))


def too_many(found, of, cells, alpha=0.05):
    from scipy.stats import binom

    return binom.sf(found - 1, of, alpha) < 0.01 / cells


@nulls
@pytest.mark.parametrize("law", NULL_LAWS)
def test_under_the_null_it_hardly_ever_crosses(law, nulls):
    assert not too_many(crossings(law, 11, nulls), nulls, len(NULL_LAWS))


def test_the_crossing_rule_fails_where_the_arms_do_differ():
    def wider(rng, n):
        out = gauss(rng, n)
        out[:, 0] *= 3
        return out

    assert too_many(crossings(wider, 11, 60), 60, len(NULL_LAWS))


@nulls
def test_the_harness_check_keeps_its_level(nulls):
    rng = np.random.default_rng(12)
    found = sum(log_harness(*surge(rng, 120)[:, :2].T).max() >= np.log(20) for _ in range(nulls))
    assert not too_many(found, nulls, 1)


def test_the_harness_check_finds_a_twin_that_is_treated_unalike():
    rng = np.random.default_rng(13)
    reference, twin = gauss(rng, 100)[:, :2].T
    assert log_harness(reference, twin + 0.02).max() >= np.log(1000)


def test_a_gap_the_other_way_is_never_evidence():
    rng = np.random.default_rng(14)
    high, low = gauss(rng, 100)[:, :2].T
    assert log_one_sided(high + 0.5, low).max() >= np.log(1000)
    assert log_one_sided(high - 0.5, low).max() < 0


# --------------------------------------------------------------------- what it costs (K = 3)


def scattered(noise, effect, n):
    def law(rng):
        out = rng.normal(0, noise, (n, 3))
        out[:, 0] += np.log1p(effect)
        return out

    return law


def rare(rng):
    out = np.zeros((600, 3))
    out[:, 0] = np.log(1.1) * (rng.random(600) < 0.05)
    return out


# blocks with and without a twin, as the contract of the verdicts states them; the rare case counts
# whole hits (the fifth, the ninth), so its median is that of a waiting time
COSTS = {
    "+5 %, noise 2 %": (scattered(0.02, 0.05, 60), 7, 10),
    "+2 %, noise 2 %": (scattered(0.02, 0.02, 150), 21, 30),
    "+1 %, noise 3 %": (scattered(0.03, 0.01, 900), 188, 210),
    "+1 %, no noise": (scattered(0.0, 0.01, 30), 6, 9),
    "5 % of contexts +10 %, no noise": (rare, 93, 171),
}


@runs
@pytest.mark.parametrize("asked", [3, 2], ids=["twin", "no twin"])
@pytest.mark.parametrize("name", COSTS)
def test_it_costs_no_more_blocks_than_the_contract_says(name, asked, runs):
    law, with_twin, without = COSTS[name]
    rng = np.random.default_rng(21)
    firsts = []
    for _ in range(runs):
        prices = law(rng)
        path = log_dependence(prices, np.full(len(prices), asked)) >= np.log(60)
        firsts.append(int(path.argmax()) + 1 if path.any() else len(prices) + 1)
    # the standard error of a median of a waiting time is about a tenth of it at 100 runs
    slack = 1 + 1.25 / np.sqrt(runs)
    assert np.median(firsts) <= (with_twin if asked == 3 else without) * slack


# ------------------------------------------------------------------------- negative control


def accusations(prices, *, alpha=0.05, draws=1000):
    rng = np.random.default_rng(31)
    return twin_accusations(
        prices, triples(len(prices)), ratio=0.01, bound=0.4, alpha=alpha, rng=rng, draws=draws
    )


@pytest.mark.parametrize("law", [gauss, surge, buckets, zeros])
def test_identical_customers_are_hardly_ever_accused(law):
    found, of = accusations(law(np.random.default_rng(32), 200))
    assert of == 1000
    assert not too_many(found, of, 4)


def test_even_a_lean_between_twins_is_undone_by_the_coin():
    prices = gauss(np.random.default_rng(33), 200)
    prices[:, 1] += 0.1
    found, of = accusations(prices)
    assert not too_many(found, of, 1)


def test_twins_that_always_agree_are_never_accused():
    assert accusations(np.zeros((300, 3))) == (0, 1000)
    assert twin_accusations(
        np.zeros((5, 3)), [2] * 5, ratio=0.01, bound=0.4, alpha=0.05, rng=np.random.default_rng(1)
    ) == (0, 1000)


def test_the_simulated_accusations_are_those_of_the_engine():
    prices = surge(np.random.default_rng(34), 80)
    found, of = accusations(prices, alpha=0.3, draws=4000)
    rng = np.random.default_rng(35)
    direct = 0
    for _ in range(1000):
        heads = rng.random(80) < 0.5
        one = np.where(heads, prices[:, 1], prices[:, 2])
        other = np.where(heads, prices[:, 2], prices[:, 1])
        direct += log_harness(one, other).max() >= np.log(1 / 0.3)
    share, truth = found / of, direct / 1000
    assert truth > 0.02
    # the harness check spends a ninth of its stake on bets that a pair cannot win
    assert abs(share - truth) < 5 * np.sqrt(truth / 1000) + 0.1 * truth


def test_more_blocks_than_can_be_simulated_are_drawn_from():
    found, of = accusations(gauss(np.random.default_rng(36), 3000), draws=20)
    assert of == 20
    assert found <= 6
