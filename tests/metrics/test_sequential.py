"""Sequential tests against exact expectations, printed boundaries and a public betting peer."""

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.sequential import (
    boundaries,
    discordant_pairs,
    group_sequential,
    log_mean_evidence,
    mean_interval,
    rate_difference,
)

FULL = pytest.mark.prove
nulls = pytest.mark.parametrize(
    ("runs", "most"), [(400, 2_000), pytest.param(4_000, 10_000, marks=FULL)]
)
sides = pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
TESTS = {"rates": rate_difference, "pairs": discordant_pairs}


def rng(seed=1):
    return np.random.default_rng(seed)


# ---------------------------------------------------------------------------------------- exact


@sides
@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("n", [1, 4, 9])
def test_under_the_null_the_expectation_is_one(test, n, alternative):
    # every sequence of coins, all equally likely
    total = 0.0
    for pattern in range(2**n):
        more = np.array([pattern >> place & 1 for place in range(n)])
        total += np.exp(TESTS[test](more, 1 - more, alternative=alternative).log_e[-1])
    assert total / 2**n == pytest.approx(1)


@pytest.mark.parametrize("test", TESTS)
def test_a_one_sided_bet_does_not_win_against_its_own_null(test):
    # rates on the far side: the expectation of every factor is at most 1
    for chance in (0.1, 0.3, 0.5):
        n, total = 8, 0.0
        for pattern in range(2**n):
            more = np.array([pattern >> place & 1 for place in range(n)])
            weight = chance ** more.sum() * (1 - chance) ** (n - more.sum())
            total += weight * np.exp(TESTS[test](more, 1 - more, alternative="greater").log_e[-1])
        assert total <= 1 + 1e-12


def test_pairs_that_agree_say_nothing():
    plain = discordant_pairs([1, 0, 1], [0, 1, 0])
    padded = discordant_pairs([1, 1, 1, 0, 0, 0, 1], [1, 0, 1, 0, 1, 0, 0])
    assert padded.log_e[-1] == pytest.approx(plain.log_e[-1])
    assert discordant_pairs([1, 0], [1, 0]).estimate is None
    assert discordant_pairs([1, 0], [1, 0]).p_value == 1


def test_the_lean_is_inside_while_its_own_mixture_is_small():
    found = discordant_pairs([1] * 30 + [0] * 9, [0] * 30 + [1] * 9)
    limits = found.interval(0.95)
    assert limits is not None
    # the mixture over the lean, summed up by quadrature instead of by the Beta function
    prior = stats.beta(0.5, 0.5)
    mixture = prior.expect(lambda lean: lean**30 * (1 - lean) ** 9)
    for lean in (limits.low, limits.high):
        assert mixture / (lean**30 * (1 - lean) ** 9) == pytest.approx(20, rel=1e-6)
    assert limits.low < 30 / 39 < limits.high


def test_what_is_missing_counts_for_nothing():
    found = rate_difference([1, np.nan, 0, 1], [0, 1, np.nan, 0])
    assert (found.n, found.n_excluded) == (2, 2)
    assert found.log_e == pytest.approx(rate_difference([1, 1], [0, 0]).log_e)


def test_the_bounded_mean_is_the_engine():
    x = rng().uniform(-1, 1, 300)
    assert log_mean_evidence(x, bound=1.0, limit=0.1, side="below").shape == (300,)
    assert mean_interval(x, bound=1.0, level=0.95).time_uniform


# ---------------------------------------------------------------------- never more than it says


@nulls
@pytest.mark.parametrize("rate", [0.02, 0.3])
@pytest.mark.parametrize("test", TESTS)
def test_looking_always_does_not_raise_false_alarms(test, rate, runs, most):
    draws, crossed, anyway = rng(int(100 * rate)), 0, 0
    for _ in range(runs):
        treated, reference = draws.random(most) < rate, draws.random(most) < rate
        # the adversary stops at the worst moment of all
        crossed += TESTS[test](treated, reference).stopped_at(0.05) is not None
        gap = abs(np.cumsum(treated.astype(int) - reference))
        anyway += bool(
            (gap[99:] > 1.96 * np.sqrt(2 * rate * (1 - rate) * np.arange(100, most + 1))).any()
        )
    assert stats.binom.sf(crossed - 1, runs, 0.05) > 0.01
    assert anyway > 0.15 * runs  # a z test looked at as often would


def test_drifting_rates_are_still_null():
    draws, crossed = rng(5), 0
    rate = 0.3 + 0.2 * np.sin(np.arange(2_000) / 200)
    for _ in range(400):
        found = rate_difference(draws.random(2_000) < rate, draws.random(2_000) < rate)
        crossed += found.stopped_at(0.05) is not None
    assert stats.binom.sf(crossed - 1, 400, 0.05) > 0.01


@pytest.mark.parametrize(
    ("p", "q", "most", "ons", "power"),
    [  # mean stopping of the online Newton bet, as the statistics of the project record it
        (0.4, 0.9, 500, 21.8, 1.0),
        (0.7, 0.4, 2_000, 55.8, 1.0),
        (0.4, 0.55, 4_000, 226.6, 1.0),
        (0.30, 0.33, 8_000, 5_258, 0.82),
    ],
)
@pytest.mark.parametrize("runs", [300, pytest.param(2_000, marks=FULL)])
def test_it_stops_no_later_than_online_newton(p, q, most, ons, power, runs):
    draws = rng(int(1_000 * q))
    stops = [
        rate_difference(draws.random(most) < q, draws.random(most) < p).stopped_at(0.05)
        for _ in range(runs)
    ]
    lengths = np.array([stop or most for stop in stops])
    assert lengths.mean() <= ons + 2 * lengths.std() / runs**0.5
    seen = np.mean([stop is not None for stop in stops])
    assert seen >= power - 2 * (0.25 / runs) ** 0.5 * (power < 1)


def online_newton(gaps):
    """Where betting by online Newton steps crosses 1 / .05 (Cutkosky & Orabona 2018); NaN: nowhere."""
    bet, curvature, wealth = np.zeros(len(gaps)), np.ones(len(gaps)), np.zeros(len(gaps))
    stop = np.full(len(gaps), np.nan)
    for place, gap in enumerate(gaps.T, 1):
        wealth += np.log1p(bet * gap)
        stop[np.isnan(stop) & (wealth >= np.log(20))] = place
        slope = gap / (1 + bet * gap)
        curvature += slope**2
        bet = np.clip(bet + 2 / (2 - np.log(3)) * slope / curvature, -0.5, 0.5)
    return stop


@pytest.mark.parametrize(
    ("p", "q", "most", "power"),
    [  # none of these was looked at when the bets were chosen; those four are the ones above
        (0.5, 0.8, 500, 1.0),
        (0.2, 0.35, 2_000, 1.0),
        (0.6, 0.5, 4_000, 1.0),
        # as far from each other as .30 and .33 for their spread and the number of pairs
        (0.10, 0.12, 8_000, 0.82),
        (0.60, 0.57, 9_000, 0.82),
    ],
)
@pytest.mark.parametrize("runs", [200, pytest.param(2_000, marks=FULL)])
def test_it_does_as_well_on_rates_it_was_not_tuned_on(p, q, most, power, runs):
    draws = rng(int(10_000 * q))
    treated, reference = (draws.random((runs, most)) < rate for rate in (q, p))
    peer = online_newton(treated.astype(float) - reference)
    ours = np.array(
        [rate_difference(*pair).stopped_at(0.05) for pair in zip(treated, reference, strict=True)],
        dtype=float,
    )
    longer = np.nan_to_num(ours, nan=most) - np.nan_to_num(peer, nan=most)
    assert longer.mean() <= 2 * longer.std() / runs**0.5
    seen = np.isfinite(ours).mean()
    assert seen >= power - 2 * (0.25 / runs) ** 0.5 * (power < 1)
    assert seen >= np.isfinite(peer).mean()


@pytest.mark.parametrize("runs", [100, pytest.param(2_000, marks=FULL)])
def test_pairing_saves_most_of_the_queries(runs):
    # the same margins, .30 and .33, with 4 % discordant pairs: .035 against .005
    draws = rng(9)
    stops = []
    for _ in range(runs):
        u = draws.random(4_000)
        treated, reference = u < 0.035, (u >= 0.035) & (u < 0.04)
        stops.append(discordant_pairs(treated, reference).stopped_at(0.05) or 4_000)
    assert np.mean(stops) <= 350 + 2 * np.std(stops) / runs**0.5


# ---------------------------------------------------------------------------------- fixed looks


# constants for two-sided tests of 1 to 10 looks: Jennison & Turnbull (2000), tables 2.1 and 2.3
PRINTED = {
    ("pocock", 0.1): [1.645, 1.875, 1.992, 2.067, 2.122, 2.164, 2.197, 2.225, 2.249, 2.270],
    ("pocock", 0.05): [1.960, 2.178, 2.289, 2.361, 2.413, 2.453, 2.485, 2.512, 2.535, 2.555],
    ("pocock", 0.01): [2.576, 2.772, 2.873, 2.939, 2.986, 3.023, 3.053, 3.078, 3.099, 3.117],
    ("obrien-fleming", 0.05): [
        1.960, 1.977, 2.004, 2.024, 2.040, 2.053, 2.063, 2.072, 2.080, 2.087,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("rule", "alpha"), PRINTED)
def test_bounds_are_the_printed_ones(rule, alpha):
    found = [boundaries(looks, alpha=alpha, rule=rule)[-1] for looks in range(1, 11)]
    assert found == pytest.approx(PRINTED[rule, alpha], abs=6e-4)


@pytest.mark.parametrize("rule", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize(("looks", "alpha"), [(2, 0.05), (3, 0.2), (5, 0.01)])
def test_bounds_are_left_as_rarely_as_said_by_another_integration(rule, looks, alpha):
    # z at look i and at look j of the same sum correlate by sqrt(i / j): Genz's integral of scipy
    bounds = boundaries(looks, alpha=alpha, rule=rule)
    at = np.arange(1.0, looks + 1)
    law = stats.multivariate_normal(
        cov=np.sqrt(np.minimum.outer(at, at) / np.maximum.outer(at, at)),
        seed=1, maxpts=200_000, abseps=1e-7,
    )  # fmt: skip
    assert 1 - law.cdf(bounds, lower_limit=-bounds) == pytest.approx(alpha, abs=1e-5)


@pytest.mark.parametrize("rule", ["pocock", "obrien-fleming"])
def test_the_bounds_of_one_look_are_the_usual_one(rule):
    assert boundaries(1, rule=rule)[0] == pytest.approx(stats.norm.ppf(0.975))


@pytest.mark.parametrize("rule", ["pocock", "obrien-fleming"])
def test_fixed_looks_keep_their_level(rule):
    draws = rng(11)
    crossed = sum(
        group_sequential(draws.normal(0, 1, 200), looks=5, rule=rule).p_value <= 0.05
        for _ in range(1_000)
    )
    assert stats.binom.sf(crossed - 1, 1_000, 0.05) > 0.001


@pytest.mark.parametrize("rule", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize("seed", range(10))
def test_it_stops_when_its_p_value_says_so(rule, seed):
    found = group_sequential(rng(seed).normal(0.2, 1, 150), looks=5, rule=rule)
    assert (found.stopped_at is not None) == (found.p_value <= found.alpha)
    assert (found.n == 150) == (found.stopped_at in {None, 5})


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: rate_difference([0.5], [1]), "rate_difference: treated must be 0, 1 or NaN"),
        (lambda: rate_difference([1, 1], [1]), "as long as the others"),
        (lambda: discordant_pairs([], []), "discordant_pairs: treated must be at least 1"),
        (lambda: discordant_pairs([1], [0], alternative="up"), "alternative"),  # type: ignore[arg-type]
        (lambda: discordant_pairs([1], [0]).stopped_at(0), "alpha must be"),
        (lambda: discordant_pairs([1], [0]).interval(1), "level must be"),
        (lambda: boundaries(0), "looks must be at least 1"),
        (lambda: boundaries(3, rule="haybittle"), "'pocock'"),  # type: ignore[arg-type]
        (lambda: group_sequential([0.1] * 5, looks=5), "gaps must be at least 2"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
