"""Absence and planning against scipy's t tests, exact binomial tails and printed power."""

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.fixed.absence import (
    accounts_needed,
    power_mean,
    power_tost,
    share_interval,
    share_upper,
    tost_independent,
    tost_paired,
    units_needed,
    welch,
)
from evenhand.metrics.planning import accounts_bound

LIMIT = float(np.log(1.01))


def rng(seed=1):
    return np.random.default_rng(seed)


def pairs(mean, sd, n, seed):
    reference = np.exp(rng(seed).normal(4, 0.3, n))
    return reference * np.exp(rng(seed + 1).normal(mean, sd, n)), reference


@pytest.mark.parametrize(
    ("claim", "tests"),
    [
        ("within", ((-LIMIT, "greater"), (LIMIT, "less"))),
        ("not-dearer", ((LIMIT, "less"),)),
        ("not-cheaper", ((-LIMIT, "greater"),)),
    ],
)
def test_absence_is_two_one_sided_tests(claim, tests):
    treated, reference = pairs(0.003, 0.02, 60, 1)
    gaps = np.log(treated / reference)
    expected = max(stats.ttest_1samp(gaps, at, alternative=side).pvalue for at, side in tests)
    found = tost_paired(treated, reference, ratio=0.01, claim=claim)
    assert found.p_value == pytest.approx(expected)
    assert found.estimate == pytest.approx(np.exp(gaps.mean()))


def test_independent_absence_is_welch_twice():
    x, y = np.exp(rng(3).normal(4, 0.02, 50)), np.exp(rng(4).normal(4, 0.05, 90))
    shifted = [
        stats.ttest_ind(np.log(x) + at, np.log(y), equal_var=False, alternative=side).pvalue
        for at, side in ((LIMIT, "greater"), (-LIMIT, "less"))
    ]
    assert tost_independent(x, y, ratio=0.01).p_value == pytest.approx(max(shifted))
    peer = stats.ttest_ind(np.log(x), np.log(y), equal_var=False)
    gap, error, freedom = welch(np.log(x), np.log(y))
    assert gap / error == pytest.approx(peer.statistic)
    assert freedom == pytest.approx(peer.df)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("seed", range(8))
def test_absence_is_claimed_when_the_interval_lies_inside(seed, alpha):
    treated, reference = pairs(0.002, 0.02, 40, 10 * seed)
    found = tost_paired(treated, reference, ratio=0.01)
    limits = found.interval(1 - 2 * alpha)
    assert limits is not None
    assert found.p_value is not None
    inside = limits.low > 1 / 1.01 and limits.high < 1.01
    assert inside == (found.p_value < alpha)


def test_clusters_are_the_unit_of_absence():
    treated, reference = pairs(0, 0.02, 60, 5)
    personas = np.repeat(range(20), 3)
    means = np.log(treated / reference).reshape(20, 3).mean(axis=1)
    expected = max(
        stats.ttest_1samp(means, at, alternative=side).pvalue
        for at, side in ((-LIMIT, "greater"), (LIMIT, "less"))
    )
    found = tost_paired(treated, reference, ratio=0.01, clusters=personas)
    assert found.p_value == pytest.approx(expected)
    assert found.n == 20


def test_a_vendor_without_any_noise_is_not_judged_by_a_spread_of_rounding():
    prices = np.array([99.9, 120.1, 80.3])
    for treated in (prices, prices * 1.1):
        found = tost_paired(treated, prices, ratio=0.01)
        assert found.p_value is None
        assert found.reason_text("zh") != found.reason_text("en")
    assert tost_independent([3.3] * 3, [3.3] * 3).p_value is None


@pytest.mark.parametrize(("hits", "n"), [(0, 30), (1, 30), (7, 50), (29, 30), (30, 30)])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_bounds_of_shares_are_those_of_scipy(hits, n, level):
    peer = stats.binomtest(hits, n).proportion_ci(level, method="exact")
    found = share_interval(hits, n, level=level)
    assert (found.low, found.high) == pytest.approx((peer.low, peer.high))
    one_sided = stats.binomtest(hits, n, alternative="less").proportion_ci(level, method="exact")
    assert share_upper(hits, n, level=level) == pytest.approx(one_sided.high)


def test_accounts_are_those_of_the_contract():
    assert (accounts_needed(0.02), accounts_needed(0.02, alpha=0.05 / 3)) == (149, 203)
    for share in (0.01, 0.02, 0.2):
        n = accounts_needed(share)
        assert accounts_bound(n, 0.05) <= share < accounts_bound(n - 1, 0.05)
        assert share_upper(0, n) == pytest.approx(accounts_bound(n, 0.05))


def test_power_is_the_printed_one():
    # the examples of R's ?power.t.test: n = 20, delta = 1: power = 0.8689528; power = .90: n = 22.02
    found = power_mean(20, effect=1, sd=1, alpha=0.05, design="independent")
    assert found == pytest.approx(0.8689528, abs=1e-6)
    need = units_needed(
        lambda n: power_mean(n, effect=1, sd=1, alpha=0.05, design="independent"), wanted=0.9
    )
    assert need == 23
    # R 4.3: power.t.test(delta = .5, sd = 2, type = "paired", power = .90): n = 170.05
    paired = units_needed(
        lambda n: power_mean(n, effect=0.5, sd=2, alpha=0.05, design="paired"), wanted=0.9
    )
    assert paired == 171


@pytest.mark.parametrize("design", ["paired", "independent"])
@pytest.mark.parametrize("n", [6, 15, 60])
def test_power_of_absence_is_what_is_seen(n, design):
    sd, ratio, runs = 0.1, 0.08, 20_000
    limit = np.log1p(ratio)
    freedom = n - 1 if design == "paired" else 2 * n - 2
    scale = sd * np.sqrt((1 if design == "paired" else 2) / n)
    mean = rng(6).normal(0, scale, runs)
    error = scale * np.sqrt(rng(7).chisquare(freedom, runs) / freedom)
    seen = np.mean(np.abs(mean) + stats.t.ppf(0.95, freedom) * error < limit)
    found = power_tost(n, ratio=ratio, sd=sd, alpha=0.05, design=design)
    assert found == pytest.approx(seen, abs=0.015)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tost_paired([1.0], [1.0]), "tost_paired: treated must be at least 2"),
        (lambda: tost_paired([1.0, 2], [1.0, 0]), "reference must be positive"),
        (lambda: tost_paired([1.0, 2], [1.0, 2], ratio=0), "ratio must be positive"),
        (lambda: tost_paired([1.0, 2], [1.0, 2], claim="same"), "'within'"),  # type: ignore[arg-type]
        (lambda: tost_independent([1.0], [1.0, 2]), "treated must be at least 2"),
        (lambda: share_interval(4, 3), "hits must be a whole number between 0 and n"),
        (lambda: share_upper(0, 0), "n must be at least 1"),
        (lambda: share_upper(0, 5, level=1), "level must be a number between 0 and 1"),
        (
            lambda: power_mean(1, effect=1, sd=1, alpha=0.05, design="paired"),
            "n must be at least 2",
        ),
        (lambda: power_mean(9, effect=1, sd=0, alpha=0.05, design="paired"), "sd must be positive"),
        (lambda: power_tost(9, ratio=1, sd=1, alpha=2, design="paired"), "alpha must be"),
        (lambda: accounts_needed(0), "share must be"),
        (lambda: units_needed(lambda _: 0.1), "power must be"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
