"""Ranked lists against published examples, the definition, scipy, scikit-learn and enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import ndcg_score

from evenhand.errors import InputError
from evenhand.metrics.dependence import log_dependence
from evenhand.metrics.ranking import (
    alike,
    block_distances,
    code_lists,
    diversity,
    exposure_share,
    jaccard,
    kendall_tau,
    kendall_tau_b,
    list_distance,
    log_order_dependence,
    order_shift,
    outlyingness,
    price_at,
    price_ndcg,
    rank_biased_overlap,
)

FULL = pytest.mark.prove


def ragged(rng, *, pool=12, longest=8):
    """A list of random length without repeats."""
    return rng.permutation(pool)[: rng.integers(longest + 1)].tolist()


def lists(rng, n, *, pool=12, width=8):
    """Arrays of two batches of ragged lists over one pool, and the lists themselves."""
    one = [ragged(rng, pool=pool, longest=width) for _ in range(n)]
    other = [ragged(rng, pool=pool, longest=width) for _ in range(n)]
    return one, other, *code_lists(one, other)


# ------------------------------------------------------------------------------------------ RBO


def rbo_by_series(one, other, p, terms=3000):
    """Webber's definition: the agreement at every depth, extended beyond the ends, summed."""
    if not one and not other:
        return 1.0
    short, long = sorted((one, other), key=len)
    s, l = len(short), len(long)  # noqa: E741 - the paper's letters

    def x(d):
        return len(set(short[:d]) & set(long[:d]))

    def agreement(d):
        if d <= s:
            return x(d) / d
        scale = x(s) / s if s else 0.0
        d = min(d, l)
        return (x(d) + scale * (d - s)) / d

    return (1 - p) * sum(p ** (d - 1) * agreement(d) for d in range(1, terms))


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_overlap_is_the_series_of_its_definition(p):
    one, other, first, second = lists(np.random.default_rng(1), 300)
    expected = [rbo_by_series(a, b, p) for a, b in zip(one, other, strict=True)]
    assert rank_biased_overlap(first, second, p=p) == pytest.approx(expected, abs=1e-9)


def test_overlap_agrees_with_the_published_example():
    # Webber, Moffat, Zobel (2010), figure 5: agreement at depths 1 … 7, and their mean .312
    one, other = "abcdefg", "zcavwxy"
    agreements = [
        rank_biased_overlap(*code_lists([one[:d]], [other[:d]]), p=1 - 1e-9)[0] for d in range(1, 8)
    ]
    assert agreements == pytest.approx([0, 0, 0.667, 0.5, 0.4, 0.333, 0.286], abs=5e-4)
    assert np.mean(agreements) == pytest.approx(0.312, abs=5e-4)


def test_overlap_has_its_ends():
    first, second = code_lists(["abc", "abc", "", "", "abcdef"], ["abc", "xyz", "", "abc", "abc"])
    assert rank_biased_overlap(first, second) == pytest.approx([1, 0, 1, 0, 1])


# --------------------------------------------------------------------------- Jaccard and Kendall


def test_jaccard_is_that_of_sets():
    one, other, first, second = lists(np.random.default_rng(2), 300)
    expected = [
        len(set(a) & set(b)) / len(set(a) | set(b)) if a or b else 1.0
        for a, b in zip(one, other, strict=True)
    ]
    assert jaccard(first, second) == pytest.approx(expected)


def test_tau_of_partial_lists_is_scipys_over_the_union():
    one, other, first, second = lists(np.random.default_rng(3), 200)
    expected = []
    for a, b in zip(one, other, strict=True):
        items = sorted(set(a) | set(b))
        places = [[x.index(i) if i in x else 99 for i in items] for x in (a, b)]
        few = len(items) < 2
        expected.append(np.nan if few else stats.kendalltau(*places, variant="b").statistic)
    assert kendall_tau(first, second) == pytest.approx(expected, nan_ok=True)


def test_tau_with_ties_is_scipys():
    rng = np.random.default_rng(4)
    x, y = (
        rng.integers(5, size=(100, 9)).astype(float),
        rng.integers(4, size=(100, 9)).astype(float),
    )
    expected = [stats.kendalltau(a, b, variant="b").statistic for a, b in zip(x, y, strict=True)]
    assert kendall_tau_b(x, y) == pytest.approx(expected, nan_ok=True)
    x[0] = 3.0
    assert np.isnan(kendall_tau_b(x, y)[0])


# ------------------------------------------------------------------------------------- one list


def test_price_ndcg_is_scikit_learns():
    rng = np.random.default_rng(5)
    prices = rng.lognormal(4, 0.5, (60, 7))
    shown = np.tile(-np.arange(7.0), (60, 1))
    for k in (None, 1, 3):
        expected = [ndcg_score(p[None], s[None], k=k) for p, s in zip(prices, shown, strict=True)]
        assert price_ndcg(prices, k=k) == pytest.approx(expected)


def test_prices_at_the_top_are_of_what_is_there():
    prices = [[10.0, 20.0, np.nan], [5.0, np.nan, np.nan], [np.nan] * 3]
    assert price_at(prices, 2) == pytest.approx([15.0, 5.0, np.nan], nan_ok=True)
    assert price_ndcg(prices) == pytest.approx(
        [(10 + 20 / np.log2(3)) / (20 + 10 / np.log2(3)), 1.0, np.nan], nan_ok=True
    )


def test_exposure_is_the_sum_of_the_discounts():
    shares = exposure_share([[0, 1, 0, -1], [-1, -1, -1, -1]], 3)
    weights = 1 / np.log2([2, 3, 4])
    assert shares[0] == pytest.approx(
        [(weights[0] + weights[2]) / weights.sum(), weights[1] / weights.sum(), 0]
    )
    assert np.isnan(shares[1]).all()


def test_diversity_is_the_mean_over_pairs():
    rng = np.random.default_rng(6)
    features = rng.normal(size=(20, 5, 3))
    expected = [stats.describe(pairwise(one)).mean for one in features]
    assert diversity(features) == pytest.approx(expected)
    assert diversity([[1, 2, 3], [1, 1, -1], [4, -1, -1]]) == pytest.approx(
        [1, 0, np.nan], nan_ok=True
    )


def pairwise(points):
    return [np.linalg.norm(points[i] - points[j]) for i in range(len(points)) for j in range(i)]


# ----------------------------------------------------------------------------------------- laws

PAIRS = {
    "rbo": lambda a, b: list_distance(a, b, "rbo"),
    "jaccard": lambda a, b: list_distance(a, b, "jaccard"),
    "kendall": lambda a, b: list_distance(a, b, "kendall"),
}


def order_blind(first, _):
    """A measure that breaks the laws: it looks at the codes."""
    return first[:, 0].astype(float)


def symmetric(measure, first, second):
    return np.allclose(measure(first, second), measure(second, first), equal_nan=True)


def blind_to_names(measure, first, second):
    new = np.random.default_rng(0).permutation(20) + 40
    other = [np.where(codes >= 0, new[codes], -1) for codes in (first, second)]
    return np.allclose(measure(first, second), measure(*other), equal_nan=True)


def row_by_row(measure, first, second):
    alone = [measure(first[[i]], second[[i]])[0] for i in range(len(first))]
    return np.allclose(measure(first, second), alone, equal_nan=True)


def in_bounds(measure, first, second):
    found = measure(first, second)
    return np.all(np.isnan(found) | ((found >= -1e-12) & (found <= 1 + 1e-12)))


def itself_at_zero(measure, first, _):
    found = measure(first, first)
    return np.all(np.isnan(found) | (np.abs(found) < 1e-12))


LAWS = [symmetric, blind_to_names, row_by_row, in_bounds, itself_at_zero]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("measure", PAIRS)
def test_every_distance_keeps_the_law(measure, law):
    _, _, first, second = lists(np.random.default_rng(7), 80)
    assert law(PAIRS[measure], first, second)


@pytest.mark.parametrize("law", [symmetric, blind_to_names, in_bounds, itself_at_zero])
def test_a_measure_that_breaks_the_law_is_caught(law):
    _, _, first, second = lists(np.random.default_rng(7), 80)
    assert not law(order_blind, first + 2, second + 2)


def test_slabs_do_not_change_what_is_found(monkeypatch):
    _, _, first, second = lists(np.random.default_rng(8), 50)
    whole = {name: measure(first, second) for name, measure in PAIRS.items()}
    monkeypatch.setattr(alike, "SLAB_CELLS", 300)
    for name, measure in PAIRS.items():
        assert np.array_equal(measure(first, second), whole[name], equal_nan=True)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("groups.ranking_repeats", lambda: jaccard([[1, 1]], [[1, 2]])),
        ("groups.ranking_gap", lambda: jaccard([[1, 2]], [[-1, 2]])),
        ("metrics.shape", lambda: jaccard([[1, 2]], [[1, 2, 3]])),
        ("metrics.shape", lambda: jaccard([1, 2], [1, 2])),
        ("metrics.shape", lambda: jaccard([[1.5]], [[1.0]])),
        ("metrics.range", lambda: rank_biased_overlap([[1]], [[1]], p=1.0)),
        ("metrics.shape", lambda: kendall_tau_b([[1.0]], [[1.0, 2.0]])),
        ("metrics.range", lambda: price_at([[1.0]], 0)),
        ("metrics.shape", lambda: price_at([1.0], 1)),
        ("metrics.infinite", lambda: price_at([[np.inf]], 1)),
        ("metrics.range", lambda: price_ndcg([[-1.0]])),
        ("metrics.range", lambda: exposure_share([[0, 2]], 2)),
        ("metrics.shape", lambda: diversity([1, 2])),
        ("metrics.shape", lambda: outlyingness([[0.1, 0.2]])),
        ("metrics.range", lambda: outlyingness([[-0.1, 0.2, 0.3]])),
        ("metrics.infinite", lambda: outlyingness([[np.inf, 0.2, 0.3]])),
        ("metrics.shape", lambda: block_distances([[1]], [[1]], [[1]], answered=[True])),
        (
            "metrics.argument",
            lambda: order_shift([[0, 0, 0]], rng=np.random.default_rng(1), resamples=5),
        ),
        (
            "metrics.argument",
            lambda: order_shift(np.full((3, 3), np.nan), rng=np.random.default_rng(1)),
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence(message, call):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.message_id == message
    assert caught.value.text("zh")
    assert caught.value.text("en")


def test_an_unknown_measure_is_refused():
    worst: object = "worst"
    with pytest.raises(InputError):
        list_distance([[1]], [[1]], worst)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- blocks: is it the label?


def vendor(rng, blocks, *, noise=0.5, steer=0.0, pool=10, width=5):
    """Lists of the three arms: one order a block, shuffled by noise; the treated one sees dear first."""
    base = rng.normal(size=(blocks, 1, pool))
    dear = np.linspace(1, -1, pool)
    scores = base + noise * rng.standard_t(3, size=(blocks, 3, pool))
    scores[:, 0] += steer * dear
    return np.argsort(-scores, axis=2)[:, :, :width]


def chance(found):
    assert found.shift.p_value is not None
    return found.shift.p_value


@pytest.mark.parametrize("runs", [400, pytest.param(10_000, marks=FULL)])
@pytest.mark.parametrize("measure", ["rbo", "jaccard", "kendall"])
def test_a_vendor_that_does_not_look_is_accused_as_rarely_as_is_said(measure, runs):
    rng = np.random.default_rng(9)
    blocks, alpha = 60, 0.05
    arms = vendor(rng, runs * blocks).transpose(1, 0, 2)
    distances = block_distances(*arms, measure=measure).reshape(runs, blocks, 3)
    ever = sum(log_order_dependence(run).max() >= np.log(1 / alpha) for run in distances)
    fixed = sum(
        chance(order_shift(run, rng=rng, resamples=99)) <= alpha for run in distances[: runs // 4]
    )
    assert stats.binom.sf(ever - 1, runs, alpha) >= 0.001
    assert stats.binom.sf(fixed - 1, runs // 4, alpha) >= 0.001


def test_the_factor_of_a_block_averages_to_one_over_the_labels():
    # the exact statement behind the guarantee: whichever of the three lists was the treated one
    distances = np.array([[0.4, 0.7, 0.1], [0.3, 0.3, 0.3], [0.9, 0.2, 0.5]])
    swaps = [[0, 1, 2], [0, 2, 1], [2, 1, 0]]  # treated is A, R, T in turn: ar, at, rt
    paths = []
    for chosen in product(range(3), repeat=len(distances)):
        rows = np.array([distances[i, swaps[arm]] for i, arm in enumerate(chosen)])
        paths.append(log_order_dependence(rows)[-1])
    assert np.mean(np.exp(paths)) == pytest.approx(1.0)


def test_a_vendor_that_steers_is_found():
    rng = np.random.default_rng(10)
    arms = vendor(rng, 150, steer=1.5).transpose(1, 0, 2)
    distances = block_distances(*arms)
    found = order_shift(distances, rng=rng)
    assert log_order_dependence(distances)[-1] > np.log(1000)
    assert chance(found) < 0.001
    assert found.shift.estimate == pytest.approx(found.between - found.within)
    limits = found.shift.interval()
    assert limits is not None
    assert limits.low > 0


def test_scores_follow_the_lists_when_labels_are_swapped():
    ar, at, rt = 0.5, 0.2, 0.9
    assert outlyingness([[ar, at, rt]])[0][[1, 0, 2]] == pytest.approx(
        outlyingness([[ar, rt, at]])[0]
    )


def test_the_swapped_p_value_is_the_enumerated_one():
    rng = np.random.default_rng(11)
    distances = block_distances(*vendor(rng, 6, steer=1.0).transpose(1, 0, 2))
    gaps = np.stack(
        [
            distances[:, [0, 1]].mean(axis=1) - distances[:, 2],
            distances[:, [0, 2]].mean(axis=1) - distances[:, 1],
            distances[:, [1, 2]].mean(axis=1) - distances[:, 0],
        ],
        axis=1,
    )
    every = [gaps[np.arange(6), list(arms)].sum() for arms in product(range(3), repeat=6)]
    exact = np.mean(np.array(every) >= gaps[:, 0].sum() - 1e-9)
    found = order_shift(distances, rng=rng, resamples=40_000)
    assert chance(found) == pytest.approx(exact, abs=0.01)
    repeated = np.repeat(distances, 30, axis=0)  # like blocks are drawn as counts
    assert order_shift(repeated, rng=rng, resamples=999).shift.estimate == pytest.approx(
        found.shift.estimate
    )


def test_blocks_without_an_answer_are_left_out_and_counted():
    rng = np.random.default_rng(12)
    arms = vendor(rng, 20).transpose(1, 0, 2)
    answered = np.ones((20, 3), dtype=bool)
    answered[:5, 2] = False
    distances = block_distances(*arms, answered=answered)
    found = order_shift(distances, rng=rng)
    assert (found.shift.n, found.shift.n_excluded) == (15, 5)
    assert log_order_dependence(distances)[:5] == pytest.approx(np.zeros(5))
    assert log_order_dependence(distances)[-1] == pytest.approx(
        log_order_dependence(distances[5:])[-1]
    )


def test_one_block_shows_no_spread():
    one = order_shift([[0.5, 0.5, 0.1]], rng=np.random.default_rng(1), resamples=99)
    assert one.shift.interval() is None
    assert chance(one) > 0.2


def test_alike_lists_are_evidence_of_nothing():
    same = block_distances([[1, 2]] * 4, [[1, 2]] * 4, [[1, 2]] * 4)
    assert log_order_dependence(same).tolist() == [0.0] * 4
    assert log_order_dependence(same)[-1] == log_dependence(np.zeros((4, 3)), [3] * 4)[-1]
    assert chance(order_shift(same, rng=np.random.default_rng(1))) == 1.0
