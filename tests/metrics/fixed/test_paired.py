"""Matched pairs and blocks against full enumeration, scipy's exact laws and printed examples."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import optimize, stats

from evenhand.errors import InputError
from evenhand.metrics.fixed.blocked import block_permutation, elasticity, ladder_trend
from evenhand.metrics.fixed.crossed import two_way_mean
from evenhand.metrics.fixed.paired import hodges_lehmann, mcnemar, price_ratio, sign_flip
from evenhand.metrics.fixed.zero_inflated import two_part
from evenhand.metrics.result import Alternative

sides = pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])


def rng(seed=1):
    return np.random.default_rng(seed)


def p_of(found):
    assert found.p_value is not None
    return found.p_value


def orient(values, alternative):
    return {"two-sided": np.abs(values), "greater": values, "less": -values}[alternative]


def flipped(gaps):
    """Every turn of signs, by the definition."""
    return np.array([np.dot(signs, gaps) for signs in product([1, -1], repeat=len(gaps))])


def tail(values, observed, alternative):
    return np.mean(orient(values, alternative) >= orient(np.asarray(observed), alternative) - 1e-12)


# ------------------------------------------------------------------------------------ sign flips


@sides
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_flips_are_those_of_full_enumeration(n, alternative):
    gaps = rng(n).normal(0.3, 1, n)
    found = sign_flip(gaps, rng=rng(), alternative=alternative)
    assert found.p_value == pytest.approx(tail(flipped(gaps), gaps.sum(), alternative), abs=1e-15)
    assert found.estimate == pytest.approx(gaps.mean())
    assert found.guarantee == "exact"
    assert found.monte_carlo is None


@sides
def test_flips_are_those_of_scipy(alternative):
    gaps = rng(3).normal(0.3, 1, 10)
    peer = stats.permutation_test(
        (gaps,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative=alternative
    )
    assert sign_flip(gaps, rng=rng(), alternative=alternative).p_value == pytest.approx(peer.pvalue)


@sides
def test_studentised_flips_order_as_plain_ones(alternative):
    gaps = rng(4).normal(0.3, 1, 8)
    signs = np.array(list(product([1, -1], repeat=8))) * gaps
    t = signs.mean(axis=1) / (signs.std(axis=1, ddof=1) / 8**0.5)
    p = sign_flip(gaps, rng=rng(), alternative=alternative).p_value
    assert p == pytest.approx(tail(t, t[0], alternative), abs=1e-15)


def test_drawn_flips_lie_within_their_own_interval_of_the_exact_law():
    cents = np.rint(rng(5).normal(6, 60, 300)) / 100
    exact = sign_flip(cents, rng=rng(), step=0.01)
    drawn = sign_flip(cents, rng=rng(), stop=False)
    assert exact.monte_carlo is None
    assert drawn.monte_carlo is not None
    inside = drawn.monte_carlo.p_interval(0.999)
    assert inside.low < p_of(exact) < inside.high
    assert inside.low < p_of(drawn) < inside.high


@sides
@pytest.mark.parametrize("seed", range(6))
def test_the_lattice_law_is_that_of_full_enumeration(seed, alternative):
    from evenhand.metrics.fixed._lattice import signed_p

    cents = rng(seed).integers(-4, 7, 9)
    cents = cents[cents != 0]
    expected = tail(flipped(cents), cents.sum(), alternative)
    assert signed_p(cents, alternative) == pytest.approx(expected, abs=1e-12)


def test_zeros_say_nothing_and_are_counted_in_the_mean():
    gaps = np.array([0.1, 0.2, -0.05, 0.3])
    plain, padded = sign_flip(gaps, rng=rng()), sign_flip(np.r_[gaps, np.zeros(96)], rng=rng())
    assert padded.p_value == plain.p_value
    assert padded.estimate == pytest.approx(gaps.sum() / 100)
    assert (padded.n, plain.n) == (100, 4)
    assert sign_flip(np.zeros(50), rng=rng()).p_value == 1


def test_clusters_turn_whole():
    gaps, clusters = rng(6).normal(0.4, 1, 24), np.repeat(list("abcdefgh"), 3)
    totals = gaps.reshape(8, 3).sum(axis=1)
    found = sign_flip(gaps, rng=rng(), clusters=clusters)
    assert found.p_value == pytest.approx(tail(flipped(totals), totals.sum(), "two-sided"))
    assert found.n == 8


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_the_interval_is_every_mean_that_the_flips_do_not_reject(level):
    gaps = rng(7).normal(0.2, 1, 9)
    found = sign_flip(gaps, rng=rng()).interval(level)
    assert found is not None
    for edge, outwards, alternative in ((found.low, -1, "greater"), (found.high, 1, "less")):
        for step, rejected in ((-1e-7, False), (1e-7, True)):
            rest = gaps - (edge + outwards * step)
            assert (tail(flipped(rest), rest.sum(), alternative) <= (1 - level) / 2) == rejected


def test_too_few_pairs_bound_nothing():
    found = sign_flip([0.1, 0.2, 0.3], rng=rng()).interval(0.95)
    assert found is not None
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_early_stops_keep_to_large_p_values():
    far, near = (
        sign_flip(np.r_[np.ones(40), -np.ones(38)], rng=rng()),
        sign_flip(np.r_[np.ones(50), -np.ones(28)], rng=rng()),
    )
    assert far.monte_carlo is not None
    assert near.monte_carlo is not None
    assert far.monte_carlo.stopped
    assert far.monte_carlo.draws <= 200
    assert p_of(far) >= 0.1
    assert (near.monte_carlo.stopped, near.monte_carlo.draws) == (False, 9_999)


def test_prices_are_compared_by_their_ratio():
    reference = np.exp(rng(8).normal(4, 0.3, 9))
    treated = reference * np.exp(rng(9).normal(0.02, 0.03, 9))
    found, logs = price_ratio(treated, reference, rng=rng()), np.log(treated / reference)
    assert found.estimate == pytest.approx(np.exp(logs.mean()))
    assert found.p_value == pytest.approx(tail(flipped(logs), logs.sum(), "two-sided"))
    inner, outer = sign_flip(logs, rng=rng()).interval(), found.interval()
    assert inner is not None
    assert outer is not None
    assert (outer.low, outer.high) == pytest.approx((np.exp(inner.low), np.exp(inner.high)))


# ---------------------------------------------------------------------------------------- ranks

# Hollander & Wolfe, Nonparametric Statistical Methods, table 3.1 (Hamilton depression scale), which is
# the example of R's ?wilcox.test: V = 40, p-value = 0.01953
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]


def test_signed_ranks_give_the_printed_example():
    gaps = np.subtract(BEFORE, AFTER)
    found = hodges_lehmann(gaps, rng=rng(), alternative="greater")
    assert found.p_value == pytest.approx(0.01953, abs=5e-6)
    averages = np.sort([(one + other) / 2 for i, one in enumerate(gaps) for other in gaps[i:]])
    assert found.estimate == pytest.approx(np.median(averages))
    # P(V ≤ 5) = 10 / 512 by counting: the sixth average from either end bounds 96.1 %
    sums = [sum(ranks) for size in range(10) for ranks in combinations(range(1, 10), size)]
    assert np.mean(np.array(sums) <= 5) == 10 / 512
    limits = found.interval(0.96)
    assert limits is not None
    assert (limits.low, limits.high) == pytest.approx((averages[5], averages[-6]), abs=1e-12)


@sides
@pytest.mark.parametrize("n", [6, 13, 60])
def test_signed_ranks_are_those_of_scipy(n, alternative):
    gaps = rng(n).normal(0.2, 1, n)
    peer = stats.wilcoxon(gaps, alternative=alternative, method="exact").pvalue
    assert hodges_lehmann(gaps, rng=rng(), alternative=alternative).p_value == pytest.approx(peer)


def test_tied_ranks_are_those_of_full_enumeration():
    gaps = np.array([1.0, 1, -1, 2, 2, 3, -2, 5])
    ranks = stats.rankdata(np.abs(gaps)) * np.sign(gaps)
    expected = tail(flipped(ranks), ranks.sum(), "two-sided")
    assert hodges_lehmann(gaps, rng=rng()).p_value == pytest.approx(expected)


def test_averages_of_two_are_found_without_forming_them():
    gaps = rng(10).normal(size=1_600)
    found = hodges_lehmann(gaps, rng=rng(), resamples=99)
    i, j = np.triu_indices(1_600)
    averages = np.sort((gaps[i] + gaps[j]) / 2)
    assert found.estimate == pytest.approx(np.median(averages), abs=1e-12)
    limits = found.interval(0.95)
    assert limits is not None
    assert averages[0] < limits.low < np.median(averages) < limits.high < averages[-1]


# --------------------------------------------------------------------------------------- yes, no


@sides
@pytest.mark.parametrize(("more", "less"), [(0, 0), (1, 0), (9, 1), (12, 2), (40, 40)])
def test_discordant_pairs_are_coins(more, less, alternative):
    treated = np.r_[np.ones(more), np.zeros(less), np.ones(10)]
    reference = np.r_[np.zeros(more), np.ones(less), np.ones(10)]
    found = mcnemar(treated, reference, alternative=alternative)
    peer = stats.binomtest(more, more + less, alternative=alternative).pvalue if more else 1.0
    assert found.p_value == pytest.approx(peer)


@pytest.mark.parametrize(("more", "less", "n"), [(7, 2, 30), (0, 3, 25), (5, 5, 12), (12, 2, 50)])
def test_the_paired_difference_inverts_its_own_score(more, less, n):
    treated = np.r_[np.ones(more), np.zeros(n - more)]
    reference = np.r_[np.zeros(more), np.ones(less), np.zeros(n - more - less)]
    limits = mcnemar(treated, reference).interval(0.95)
    assert limits is not None
    for delta in (limits.low, limits.high):

        def loss(down, delta=delta):
            rest = 1 - 2 * down - delta
            terms = ((more, down + delta), (less, down), (n - more - less, rest))
            return -sum(count * np.log(max(chance, 1e-300)) for count, chance in terms if count)

        low, high = max(0.0, -delta), (1 - delta) / 2
        down = optimize.minimize_scalar(loss, bounds=(low, high), options={"xatol": 1e-12}).x
        spread = np.sqrt((2 * down + delta - delta**2) / n)
        assert abs(((more - less) / n - delta) / spread) == pytest.approx(1.959964, abs=1e-3)


# ------------------------------------------------------------------------------------- two parts


def test_both_parts_are_judged_by_the_larger():
    gaps = np.r_[np.zeros(30), 0.4, 0.1, 0.2, 0.3, -0.05, 0.25, 0.6]
    moving = gaps[gaps != 0]
    signs = np.array(list(product([1, -1], repeat=len(moving))))
    lean = np.abs((signs * np.sign(moving)).sum(axis=1)) / len(moving) ** 0.5
    size = np.abs((signs * moving).sum(axis=1)) / np.sqrt((moving**2).sum())
    top = np.maximum(lean, size)
    found = two_part(gaps, rng=rng())
    assert found.joint.p_value == pytest.approx(np.mean(top >= top[0] - 1e-12))
    assert found.lean.p_value == pytest.approx(np.mean(top >= lean[0] - 1e-12))
    assert found.size.p_value == pytest.approx(np.mean(top >= size[0] - 1e-12))
    assert (found.dearer.value, found.cheaper.value) == (6 / 37, 1 / 37)
    assert found.size.estimate == pytest.approx(moving.mean())


def test_no_gap_at_all_is_no_evidence():
    found = two_part(np.zeros(20), rng=rng())
    assert (found.joint.p_value, found.size.estimate, found.dearer.value) == (1, None, 0)
    assert found.size.interval() is None


# ---------------------------------------------------------------------------------------- blocks


def dealt(values, treated, blocks):
    """Sum of block gaps of every assignment, by the definition; the observed one first."""
    totals = np.zeros(1)
    for block in dict.fromkeys(blocks):
        rows = np.flatnonzero(blocks == block)
        size = int(treated[rows].sum())
        own = tuple(np.flatnonzero(treated[rows]))
        choices = sorted(combinations(range(len(rows)), size), key=lambda choice: choice != own)
        gaps = [
            values[rows[list(choice)]].mean() - np.delete(values[rows], choice).mean()
            for choice in choices
        ]
        totals = np.add.outer(totals, gaps).ravel()
    return totals


@sides
def test_blocks_of_any_shape_are_those_of_full_enumeration(alternative):
    blocks = np.repeat([1, 2, 3, 4], [3, 2, 4, 3])
    treated = np.array([1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1])
    values = rng(11).normal(size=12) + treated
    found = block_permutation(values, treated, blocks, rng=rng(), alternative=alternative)
    expected = dealt(values, treated, blocks)
    assert found.p_value == pytest.approx(tail(expected, expected[0], alternative))
    assert found.estimate == pytest.approx(expected[0] / 4)


def test_blocks_of_two_are_pairs():
    gaps = rng(12).normal(0.2, 1, 12)
    values, treated = np.c_[gaps, np.zeros(12)].ravel(), np.tile([1, 0], 12)
    found = block_permutation(values, treated, np.repeat(range(12), 2), rng=rng())
    pairs = sign_flip(gaps, rng=rng())
    assert found.p_value == pytest.approx(pairs.p_value)
    ours, theirs = found.interval(), pairs.interval()
    assert ours is not None
    assert theirs is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_drawn_blocks_agree_with_all_of_them(monkeypatch):
    blocks, treated = np.repeat(range(8), 3), np.tile([1, 0, 0], 8)
    values = rng(13).normal(size=24) + 0.5 * treated
    exact = block_permutation(values, treated, blocks, rng=rng())
    monkeypatch.setattr("evenhand.metrics.fixed.permutation.ENUMERATE", 0)
    drawn = block_permutation(values, treated, blocks, rng=rng(), stop=False)
    assert drawn.monte_carlo is not None
    inside = drawn.monte_carlo.p_interval(0.999)
    assert inside.low < p_of(exact) < inside.high
    one, other = exact.interval(), drawn.interval()
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.05)


def test_a_block_that_misses_an_answer_is_left_out_whole():
    values = np.array([3.0, 1, 1, np.nan, 2, 2, 4, 1, 2, 9, 9])
    treated, blocks = np.array([1, 0, 0] * 3 + [0, 0]), np.repeat([1, 2, 3, 4], [3, 3, 3, 2])
    found = block_permutation(values, treated, blocks, rng=rng())
    assert (found.n, found.n_excluded) == (2, 2)
    assert found.estimate == pytest.approx((2 + 2.5) / 2)


@sides
def test_ladders_are_those_of_full_enumeration(alternative):
    levels, blocks = np.tile([0.0, 1, 3], 3), np.repeat(range(3), 3)
    values = rng(14).normal(size=9) + 0.3 * levels
    orders = list(permutations(range(3)))
    totals, spread = np.zeros(1), 0.0
    for block in range(3):
        own = levels[blocks == block]
        answers = values[blocks == block] - values[blocks == block].mean()
        totals = np.add.outer(totals, [np.dot(answers, own[list(o)]) for o in orders]).ravel()
        spread += ((own - own.mean()) ** 2).sum()
    found = ladder_trend(values, levels, blocks, rng=rng(), alternative=alternative)
    assert found.p_value == pytest.approx(tail(totals, totals[0], alternative))
    assert found.estimate == pytest.approx(totals[0] / spread)


def test_the_interval_of_a_slope_is_every_slope_that_is_not_rejected():
    levels, blocks = np.tile([0.0, 1, 3, 4], 3), np.repeat(range(3), 4)
    values = rng(15).normal(size=12) + 0.5 * levels
    found = ladder_trend(values, levels, blocks, rng=rng())
    limits = found.interval(0.9)
    assert limits is not None
    edges: list[tuple[float, int, Alternative]]
    edges = [(limits.low, -1, "greater"), (limits.high, 1, "less")]
    for edge, outwards, alternative in edges:
        for step, rejected in ((-1e-6, False), (1e-6, True)):
            rest = values - (edge + outwards * step) * levels
            found = ladder_trend(rest, levels, blocks, rng=rng(), alternative=alternative)
            assert (p_of(found) <= 0.05) == rejected


def test_elasticity_is_found_where_it_was_put():
    ability = np.tile([200.0, 800, 5_000], 30)
    prices = 90 * ability**0.04 * np.exp(rng(16).normal(0, 0.02, 90))
    found = elasticity(prices, ability, np.repeat(range(30), 3), rng=rng())
    limits = found.interval(0.99)
    assert limits is not None
    assert limits.low < 0.04 < limits.high
    assert found.p_value == 1e-4


# --------------------------------------------------------------------------------------- crossed


def test_two_way_variance_is_the_double_sum_over_what_shares_a_side():
    n = 40
    rows, columns = rng(17).integers(0, 6, n), rng(18).integers(0, 5, n)
    gaps = rng(19).normal(0.2, 1, n) + rng(20).normal(size=6)[rows]
    centred = gaps - gaps.mean()

    def shared(same):
        return float((np.outer(centred, centred) * same).sum())

    one = np.equal.outer(rows, rows)
    other = np.equal.outer(columns, columns)
    cells = len(set(zip(rows.tolist(), columns.tolist(), strict=True)))
    ways = shared(one) * 6 / 5, shared(other) * 5 / 4
    variance = max(sum(ways) - shared(one & other) * cells / (cells - 1), *ways)
    t = gaps.sum() / variance**0.5
    found = two_way_mean(gaps, rows, columns)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 4))
    limits = found.interval(0.9)
    assert limits is not None
    half = stats.t.ppf(0.95, 4) * variance**0.5 / n
    assert (limits.low, limits.high) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_no_spread_is_said_and_not_divided_by():
    found = two_way_mean([0.1] * 4, [0, 0, 1, 1], [0, 1, 0, 1])
    assert found.p_value is None
    assert "spread" in str(found.reason_text("en"))
    assert found.interval() is None


# ------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sign_flip([0.1, np.inf], rng=rng()), "sign_flip: gaps must be finite"),
        (lambda: sign_flip([], rng=rng()), "sign_flip: gaps must be at least 1"),
        (lambda: sign_flip([np.nan], rng=rng()), "sign_flip: gaps must be at least 1"),
        (lambda: sign_flip([[0.1]], rng=rng()), "got (1, 1)"),
        (lambda: sign_flip(["a"], rng=rng()), "a column of numbers"),
        (lambda: sign_flip([0.1], rng=rng(), alternative="up"), "got 'up'"),  # type: ignore[arg-type]
        (lambda: sign_flip([0.1], rng=rng(), resamples=9), "resamples must be at least 19"),
        (lambda: sign_flip([0.1, 0.2], rng=rng(), clusters=[1]), "clusters"),
        (lambda: sign_flip([0.105], rng=rng(), step=0.01), "whole multiples of step"),
        (lambda: price_ratio([1.0, 0.0], [1.0, 1.0], rng=rng()), "treated must be positive"),
        (lambda: price_ratio([1.0, -2.0], [1.0, 1.0], rng=rng()), "got -2.0"),
        (lambda: price_ratio([1.0, 1.0], [1.0], rng=rng()), "as long as the others"),
        (lambda: mcnemar([2], [0]), "0, 1 or NaN"),
        (lambda: two_part([], rng=rng()), "two_part: gaps"),
        (lambda: block_permutation([1.0, 2], [1, 1], [1, 1], rng=rng()), "blocks must be at least"),
        (lambda: ladder_trend([1.0, 2], [1, 1], [1, 1], rng=rng()), "blocks must be at least"),
        (lambda: two_way_mean([0.1, 0.2], [1, 1], [1, 2]), "rows must be at least 2"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
