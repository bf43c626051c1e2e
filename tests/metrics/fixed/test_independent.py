"""Independent arms against full enumeration, scipy's exact laws and printed tables."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.fixed import permutation
from evenhand.metrics.fixed.distributions import brunner_munzel, energy_test, ks_test
from evenhand.metrics.fixed.independent import (
    mean_difference,
    price_ratio_independent,
    spread_difference,
)
from evenhand.metrics.fixed.rates import Table, cmh, fisher, newcombe, outcomes, score_ratio
from evenhand.metrics.fixed.stratified import conditional_disparity, stratified_difference
from evenhand.metrics.fixed.zero_inflated import two_part_independent

sides = pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])


def rng(seed=1):
    return np.random.default_rng(seed)


def orient(value, alternative):
    return {"two-sided": abs(value), "greater": value, "less": -value}[alternative]


def dealt(statistic, x, y, alternative):
    """P-value of a statistic over every assignment, by the definition."""
    pooled = np.r_[x, y]
    observed = orient(statistic(x, y), alternative)
    values = [
        orient(statistic(pooled[list(own)], np.delete(pooled, own)), alternative)
        for own in combinations(range(len(pooled)), len(x))
    ]
    return np.mean(np.array(values) >= observed - 1e-9)


def welch(x, y):
    return (x.mean() - y.mean()) / np.sqrt(x.var(ddof=1) / len(x) + y.var(ddof=1) / len(y))


# ---------------------------------------------------------------------------- what is drawn


@pytest.mark.parametrize(("n", "size"), [(300, 150), (301, 20), (1_000, 333), (520, 519), (300, 0)])
@pytest.mark.parametrize("draws", [40, 400])
def test_subsets_have_their_size_and_hold_every_row_alike(n, size, draws):
    bits = permutation.sized_bits(n, size, draws, rng())
    table = permutation.unpacked(bits, n)
    assert (table.sum(axis=0) == size).all()
    assert not permutation.unpacked(bits, len(bits) * 8)[n:].any()
    expected = draws * size / n
    spread = np.sqrt(max(expected * (1 - size / n), 1e-9))
    assert np.abs(table.sum(axis=1) - expected).max() <= 5 * spread + 3


@pytest.mark.parametrize("draws", [200, 30_000])
def test_all_subsets_of_a_size_are_equally_likely(draws):
    bits = permutation.sized_bits(6, 3, draws, rng(2))
    _, counts = np.unique(bits[0], return_counts=True)
    assert len(counts) == 20
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("columns", [1, 2, 3])
@pytest.mark.parametrize("draws", [10, 500])
def test_tables_and_products_give_the_same_sums(columns, draws):
    values = rng(3).normal(size=(301, columns))
    bits = permutation.fair_bits(301, draws, rng(4))
    np.testing.assert_allclose(
        permutation.bit_sums(bits, values), permutation.unpacked(bits, 301).T @ values, atol=1e-11
    )


def test_counts_of_few_prices_have_the_law_of_rows():
    prices = np.repeat([1.0, 2, 5], [4_000, 3_000, 1_000])
    values = np.stack([prices, prices**2], axis=1)
    few = permutation.sized_sums(values, 3_000, 2_000, rng(5))
    rows = permutation.bit_sums(permutation.sized_bits(8_000, 3_000, 2_000, rng(6)), values)
    for column in (0, 1):
        assert stats.ks_2samp(few[:, column], rows[:, column]).pvalue > 1e-3


def test_a_p_value_that_is_drawn_is_never_too_small():
    # uniform statistics: the p-value itself must be at least uniform, early stops included
    seeds = rng(7)
    found = np.array([
        permutation.monte_carlo(seeds.random, float(mark), resamples=999)[0]
        for mark in seeds.random(4_000)
    ])  # fmt: skip
    for level in (0.01, 0.05, 0.1, 0.2, 0.5):
        assert np.mean(found <= level) <= level + 3.3 * np.sqrt(level * (1 - level) / 4_000)
    assert found.min() > 0


# ------------------------------------------------------------------------------------- means


@sides
@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 5), (5, 5)])
def test_permutations_are_those_of_full_enumeration(n, m, alternative):
    x, y = rng(n).normal(0.8, 1, n), rng(m).normal(0, 2, m)
    found = mean_difference(x, y, rng=rng(), alternative=alternative)
    assert found.p_value == pytest.approx(dealt(welch, x, y, alternative))
    assert found.estimate == pytest.approx(x.mean() - y.mean())
    assert found.statistic == pytest.approx(stats.ttest_ind(x, y, equal_var=False).statistic)


@pytest.mark.parametrize("alternative", ["greater", "less"])
def test_permutations_are_those_of_scipy(alternative):
    x, y = rng(8).normal(0.8, 1, 6), rng(9).normal(0, 2, 7)
    peer = stats.permutation_test((x, y), welch, n_resamples=np.inf, alternative=alternative)
    found = mean_difference(x, y, rng=rng(), alternative=alternative)
    assert found.p_value == pytest.approx(peer.pvalue)


@pytest.mark.parametrize("n", [60, 400])
def test_drawn_permutations_agree_with_welch(n):
    x, y = rng(10).normal(0.25, 1, n), rng(11).normal(0, 2, 2 * n)
    peer = stats.ttest_ind(x, y, equal_var=False)
    found = mean_difference(x, y, rng=rng(), stop=False)
    assert found.p_value == pytest.approx(peer.pvalue, abs=0.02)
    limits, theirs = found.interval(0.9), peer.confidence_interval(0.9)
    assert limits is not None
    width = theirs.high - theirs.low
    assert (limits.low, limits.high) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)


def test_the_interval_is_every_shift_that_is_not_rejected():
    x, y = rng(12).normal(0.8, 1, 5), rng(13).normal(0, 2, 6)
    limits = mean_difference(x, y, rng=rng()).interval(0.9)
    assert limits is not None
    for edge, outwards in ((limits.low, -1), (limits.high, 1)):
        for step, rejected in ((-1e-5, False), (1e-5, True)):
            p = mean_difference(x - edge - outwards * step, y, rng=rng()).p_value
            assert p is not None
            assert (p <= 0.1) == rejected


def test_arms_without_any_spread_are_judged_by_their_labels():
    apart = mean_difference([2.0] * 4, [1.0] * 4, rng=rng())
    assert apart.p_value == pytest.approx(2 / 70)
    assert mean_difference([1.1] * 4, [1.1] * 3, rng=rng()).p_value == 1


def test_prices_are_compared_by_their_ratio():
    x, y = np.exp(rng(14).normal(4.1, 0.2, 6)), np.exp(rng(15).normal(4, 0.3, 5))
    found = price_ratio_independent(x, y, rng=rng())
    assert found.estimate == pytest.approx(stats.gmean(x) / stats.gmean(y))
    assert found.p_value == pytest.approx(dealt(welch, np.log(x), np.log(y), "two-sided"))


def test_spread_is_judged_by_distances_from_medians_taken_anew():
    x, y = rng(16).normal(0, 3, 5), rng(17).normal(9, 1, 6)

    def statistic(a, b):
        return welch(np.abs(a - np.median(a)), np.abs(b - np.median(b)))

    found = spread_difference(x, y, rng=rng())
    plain = dealt(statistic, x, y, "two-sided")
    aligned = dealt(statistic, x - np.median(x), y - np.median(y), "two-sided")
    assert found.p_value == pytest.approx(max(plain, aligned))
    assert found.statistic == pytest.approx(statistic(x, y))
    assert found.estimate == pytest.approx(
        np.abs(x - np.median(x)).mean() - np.abs(y - np.median(y)).mean()
    )


# ------------------------------------------------------------------------------------- strata


def crossed(values, own, strata):
    """Studentised stratified difference of every assignment; the observed one first."""
    gaps, variances = np.zeros(1), np.zeros(1)
    for level in dict.fromkeys(strata):
        rows = np.flatnonzero(strata == level)
        weight, size, found = len(rows) / len(values), int(own[rows].sum()), []
        actual = tuple(np.flatnonzero(own[rows]))
        for choice in sorted(combinations(range(len(rows)), size), key=lambda c: c != actual):
            x, y = values[rows[list(choice)]], np.delete(values[rows], choice)
            variance = x.var(ddof=1) / len(x) + y.var(ddof=1) / len(y)
            found.append((weight * (x.mean() - y.mean()), weight**2 * variance))
        gap, variance = np.array(found).T
        gaps, variances = np.add.outer(gaps, gap).ravel(), np.add.outer(variances, variance).ravel()
    return gaps, gaps / np.sqrt(variances)


def test_strata_are_dealt_one_by_one():
    strata, own = np.repeat([1, 2], [5, 6]), np.array([1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0])
    values = rng(18).normal(size=11) + 5 * strata + 0.5 * own
    gaps, t = crossed(values, own, strata)
    found = stratified_difference(values, own, strata, rng=rng())
    assert found.estimate == pytest.approx(gaps[0])
    assert found.p_value == pytest.approx(np.mean(np.abs(t) >= abs(t[0]) - 1e-9))


def test_strata_with_one_arm_say_nothing_and_are_counted():
    strata, own = (
        np.repeat([1, 2, 3], [5, 6, 4]),
        np.array([1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0] + [1] * 4),
    )
    values = rng(19).normal(size=15)
    found = stratified_difference(values, own, strata, rng=rng())
    inner = stratified_difference(values[:11], own[:11], strata[:11], rng=rng())
    assert (found.estimate, found.p_value) == (inner.estimate, inner.p_value)
    assert (found.n, found.n_excluded) == (11, 4)


# UC Berkeley, fall 1973 (Bickel, Hammel & O'Connell 1975): admitted, rejected of men and women
BERKELEY = [
    (512, 313, 89, 19), (353, 207, 17, 8), (120, 205, 202, 391),
    (138, 279, 131, 244), (53, 138, 94, 299), (22, 351, 24, 317),
]  # fmt: skip


def berkeley():
    columns = [
        (np.r_[np.ones(a), np.zeros(b), np.ones(c), np.zeros(d)], np.arange(a + b + c + d) < a + b)
        for a, b, c, d in BERKELEY
    ]
    departments = np.repeat(range(6), [sum(row) for row in BERKELEY])
    admitted, men = (np.concatenate(part) for part in zip(*columns, strict=True))
    return admitted, men.astype(int), departments


def test_berkeley_turns_round_when_departments_are_held_equal():
    admitted, men, departments = berkeley()
    found = conditional_disparity(admitted, men, departments, rng=rng(), resamples=999)
    assert found.marginal.estimate == pytest.approx(0.1416, abs=5e-5)
    assert found.marginal.p_value == 0.001
    assert found.conditional.estimate is not None
    assert found.conditional.estimate < 0 < found.explained


def test_berkeley_has_the_printed_common_odds_ratio():
    # R 4.3, mantelhaen.test(UCBAdmissions); Mantel-Haenszel X-squared = 1.4269, p-value = 0.2323
    admitted, men, departments = berkeley()
    found = cmh(admitted, men, departments)
    assert found.estimate == pytest.approx(0.9046968, abs=5e-8)
    limits = found.interval(0.95)
    assert limits is not None
    assert (limits.low, limits.high) == pytest.approx((0.7719074, 1.0603298), abs=5e-8)
    assert found.p_value == pytest.approx(0.2323, abs=0.02)  # R: chi-square; ours is exact


@sides
def test_cmh_is_the_law_over_all_tables_of_the_strata(alternative):
    values = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1])
    own = np.array([1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0])
    strata = np.repeat([1, 2], [6, 7])
    laws = []
    for level in (1, 2):
        rows = strata == level
        n, hits, size = rows.sum(), values[rows].sum(), own[rows].sum()
        laws.append(stats.hypergeom(n, hits, size).pmf(np.arange(8)))
    law, observed = np.convolve(*laws), int((values * own).sum())
    expected = {
        "greater": law[observed:].sum(),
        "less": law[: observed + 1].sum(),
        "two-sided": law[law <= law[observed] * (1 + 1e-7)].sum(),
    }[alternative]
    assert cmh(values, own, strata, alternative=alternative).p_value == pytest.approx(expected)


# ------------------------------------------------------------------------------------- rates


@sides
@pytest.mark.parametrize(
    "table", [(3, 4, 1, 4), (8, 2, 1, 5), (0, 7, 3, 9), (0, 5, 0, 5), (60, 400, 9, 120)]
)
def test_fisher_is_that_of_scipy(table, alternative):
    hits, n, other, m = min(table[0], table[1]), max(table[:2]), min(table[2:]), max(table[2:])
    found = fisher(outcomes(hits, n), outcomes(other, m), alternative=alternative)
    peer = stats.fisher_exact([[hits, n - hits], [other, m - other]], alternative=alternative)
    assert found.p_value == pytest.approx(peer.pvalue)


@pytest.mark.parametrize(
    ("table", "printed"),
    [  # Newcombe (1998), Statist. Med. 17: 873-890, table II (a) to (h), method 10
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((0, 10, 0, 10), (-0.2775, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((10, 10, 0, 10), (0.6075, 1.0)),
    ],
)
def test_differences_of_rates_have_the_printed_intervals(table, printed):
    found = newcombe(Table(*table), 0.95)
    assert (found.low, found.high) == pytest.approx(printed, abs=5.1e-5)


@pytest.mark.parametrize("table", [(36, 40, 16, 80), (3, 20, 9, 25), (1, 50, 7, 40)])
def test_ratios_of_rates_invert_the_score_of_scipy_free_algebra(table):
    from scipy.optimize import minimize_scalar

    hits, n, other, m = table
    limits = score_ratio(Table(*table), 0.95)
    for ratio in (limits.low, limits.high):

        def loss(q, ratio=ratio):
            return -stats.binom.logpmf(hits, n, ratio * q) - stats.binom.logpmf(other, m, q)

        top = min(1.0, 1 / ratio) * (1 - 1e-9)
        q = minimize_scalar(loss, bounds=(1e-9, top), method="bounded", options={"xatol": 1e-11}).x
        p = ratio * q
        score = (hits / n - ratio * other / m) / np.sqrt(
            p * (1 - p) / n + ratio**2 * q * (1 - q) / m
        )
        assert abs(score) == pytest.approx(1.959964, abs=1e-3)


def test_a_ratio_to_nothing_is_not_measured():
    found = fisher(outcomes(3, 9), outcomes(0, 9), measure="ratio")
    assert found.estimate is None
    limits = found.interval()
    assert limits is not None
    assert limits.high == np.inf
    assert limits.low > 0


# ------------------------------------------------------------------------------ distributions

# pain scores after surgery, the example of R's lawstat::brunner.munzel.test and of brunnermunzel 2.0
PAIN = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1], [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]


def test_tendency_is_that_of_scipy_and_of_the_printed_example():
    x, y = (np.array(side, dtype=float) for side in PAIN)
    found = brunner_munzel(y, x, rng=rng(), stop=False)
    peer = stats.brunnermunzel(x, y)
    assert found.estimate == pytest.approx(0.788961, abs=5e-7)
    assert found.statistic == pytest.approx(3.1375, abs=5e-5)
    assert found.statistic == pytest.approx(abs(peer.statistic))
    limits = found.interval(0.95)
    assert limits is not None
    assert (limits.low, limits.high) == pytest.approx((0.5952169, 0.9827052), abs=5e-7)
    # brunnermunzel.permutation.test: all 4,457,400 splits
    assert found.monte_carlo is not None
    drawn = found.monte_carlo.p_interval(0.999)
    assert drawn.low <= 0.00803764526405528 <= drawn.high


@sides
def test_tendency_of_large_arms_is_that_of_scipy(alternative):
    x, y = rng(20).normal(0.3, 1, 40), np.round(rng(21).normal(0, 3, 60), 1)
    peer = stats.brunnermunzel(x, y, alternative=alternative).pvalue
    ours = brunner_munzel(x, y, rng=rng(), alternative=alternative).p_value
    assert ours == pytest.approx(peer)


def test_arms_that_do_not_overlap_have_no_p_of_zero():
    found = brunner_munzel(np.arange(40.0) + 100, np.arange(40.0), rng=rng(), resamples=999)
    assert (found.estimate, found.p_value) == (1, 0.001)


@pytest.mark.parametrize("seed", range(4))
def test_small_tendency_is_full_enumeration(seed):
    x, y = np.round(rng(seed).normal(0.5, 1, 4), 1), np.round(rng(seed + 9).normal(0, 2, 5), 1)

    def statistic(a, b):
        with np.errstate(all="ignore"):
            value = -stats.brunnermunzel(a, b).statistic
        if np.isfinite(value):
            return value
        chance = np.mean(np.sign(np.subtract.outer(a, b)))
        return np.inf * chance if chance else 0.0

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = dealt(statistic, x, y, "two-sided")
    assert brunner_munzel(x, y, rng=rng()).p_value == pytest.approx(expected)


def energy(x, y):
    def mean(a, b):
        return np.abs(np.subtract.outer(a, b)).mean()

    return 2 * mean(x, y) - mean(x, x) - mean(y, y)


def test_energy_is_the_mean_distance_within_and_between():
    x, y = np.round(rng(22).normal(0, 1, 5), 1), np.round(rng(23).normal(1, 2, 4), 1)
    found = energy_test(x, y, rng=rng())
    assert found.estimate == pytest.approx(energy(x, y))
    assert found.p_value == pytest.approx(dealt(energy, x, y, "greater"))
    assert found.interval() is None


def test_the_largest_gap_is_that_of_scipy():
    x, y = rng(24).normal(0, 1, 6), rng(25).normal(0.7, 1, 7)
    peer = stats.ks_2samp(x, y, method="exact")
    found = ks_test(x, y, rng=rng())
    assert found.estimate == pytest.approx(peer.statistic)
    assert found.p_value == pytest.approx(peer.pvalue)


def test_distances_of_long_columns_are_drawn_alike():
    x, y = rng(26).normal(0, 1, 300), rng(27).normal(0.12, 1, 300)
    peer = stats.ks_2samp(x, y).pvalue
    found = ks_test(x, y, rng=rng(), stop=False, resamples=1_999)
    assert found.p_value == pytest.approx(peer, abs=0.06)


# ----------------------------------------------------------------------------------- two parts


def test_two_parts_find_how_many_and_how_much():
    x = np.r_[np.zeros(60), rng(28).normal(5, 1, 40)]
    y = np.r_[np.zeros(60), rng(29).normal(3, 1, 40)]
    found = two_part_independent(x, y, rng=rng(), resamples=999)
    assert found.size.p_value == 0.001
    assert found.lean.p_value is not None
    assert found.lean.p_value > 0.5
    assert found.joint.p_value == 0.001
    assert (found.dearer.value, found.cheaper.value) == (0.4, 0.4)


# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mean_difference([1.0], [1.0, 2], rng=rng()), "mean_difference: treated must be at least 2"),
        (lambda: mean_difference([1.0, 2], [np.nan, 2], rng=rng()), "reference must be at least 2"),
        (lambda: mean_difference([1.0, np.inf], [1.0, 2], rng=rng()), "finite"),
        (lambda: price_ratio_independent([1.0, -1], [1.0, 2], rng=rng()), "treated must be positive"),
        (lambda: stratified_difference([1.0, 2], [1, 0], [1, 1], rng=rng()), "strata must be at least 1"),
        (lambda: stratified_difference([1.0, 2], [1], [1, 1], rng=rng()), "treated"),
        (lambda: stratified_difference([1.0, 2], [1, 0], [1.0, np.nan], rng=rng()), "a label for every"),
        (lambda: fisher([1, 0.5], [1]), "fisher: treated must be 0, 1 or NaN, got 0.5"),
        (lambda: fisher([], [1]), "treated must be at least 1"),
        (lambda: fisher([1], [1], measure="odds"), "'difference' or 'ratio'"),  # type: ignore[arg-type]
        (lambda: outcomes(5, 3), "a whole number between 0 and n"),
        (lambda: cmh([np.nan], [1], [1]), "values must be at least 1"),
        (lambda: brunner_munzel([1.0], [1.0, 2], rng=rng()), "treated must be at least 2"),
        (lambda: energy_test([], [1.0], rng=rng()), "energy_test: treated"),
        (lambda: ks_test([1.0], [1.0], rng=rng(), resamples=3), "resamples"),
        (lambda: two_part_independent([0.0], [0.0, 1], rng=rng()), "treated must be at least 2"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
