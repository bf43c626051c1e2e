"""Families against definitions written out, full enumeration and scipy."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.fixed.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    e_benjamini_hochberg,
    holm,
    step_down_arms,
    step_down_pairs,
)

# Benjamini & Hochberg (1995), section 3.2: fifteen sorted p-values of one trial
PRINTED = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
    0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0,
]  # fmt: skip


def rng(seed=1):
    return np.random.default_rng(seed)


def test_the_printed_example_finds_what_is_printed():
    order = rng().permutation(15)
    p = np.array(PRINTED)[order]
    assert set(p[benjamini_hochberg(p) <= 0.05]) == set(PRINTED[:4])
    assert set(p[holm(p) <= 0.05]) == set(PRINTED[:3])


@pytest.mark.parametrize("seed", range(5))
def test_step_up_is_that_of_scipy(seed):
    p = rng(seed).random(23) ** 3
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p))
    by = stats.false_discovery_control(p, method="by")
    np.testing.assert_allclose(benjamini_yekutieli(p), by)


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_the_closed_test_by_bonferroni(seed):
    p = rng(seed).random(5) ** 2
    closed = [
        max(
            min(1.0, len(family) * p[list(family)].min())
            for size in range(1, 6)
            for family in combinations(range(5), size)
            if j in family
        )
        for j in range(5)
    ]
    np.testing.assert_allclose(holm(p), closed)


@pytest.mark.parametrize("seed", range(5))
def test_e_values_are_judged_as_their_inverse_p_values(seed):
    e = np.exp(rng(seed).normal(2, 2, 12))
    p = np.minimum(1 / e, 1)
    expected = benjamini_hochberg(p) <= 0.1
    assert e_benjamini_hochberg(e, alpha=0.1).tolist() == expected.tolist()
    assert not e_benjamini_hochberg(np.ones(4), alpha=0.05).any()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg, benjamini_yekutieli])
def test_adjusting_keeps_order_and_never_lowers(adjust):
    p = rng(8).random(40)
    found = adjust(p)
    assert (found >= p).all()
    assert (np.diff(found[np.argsort(p)]) >= 0).all()
    assert adjust([]).shape == (0,)


def stepped(statistics):
    """Step-down maxT from all resampled statistics, the observed ones in the first row."""
    order = np.argsort(-statistics[0])
    adjusted, worst = np.empty(len(order)), 0.0
    for place, outcome in enumerate(order):
        top = statistics[:, order[place:]].max(axis=1)
        worst = max(worst, float(np.mean(top >= statistics[0, outcome] - 1e-9)))
        adjusted[outcome] = worst
    return adjusted


def test_step_down_of_pairs_is_that_of_all_turns():
    gaps = rng(2).normal(0, 1, (9, 4)) + np.array([1.0, 0.6, 0, 0])
    signs = np.array(list(product([1, -1], repeat=9)))
    statistics = np.abs(signs @ gaps) / np.sqrt((gaps**2).sum(axis=0))
    found = step_down_pairs(gaps, rng=rng(), resamples=20_000)
    np.testing.assert_allclose(found.adjusted, stepped(statistics), atol=0.015)
    alone = (statistics >= statistics[0] - 1e-9).mean(axis=0)
    np.testing.assert_allclose(found.p_values, alone, atol=0.015)
    np.testing.assert_allclose(found.estimates, gaps.mean(axis=0))


def test_step_down_of_arms_is_that_of_all_assignments():
    outcomes, treated = rng(3).normal(0, 1, (9, 3)), np.array([1, 1, 1, 1, 0, 0, 0, 0, 0])
    outcomes[:4, 0] += 1.5
    rows = []
    for own in sorted(combinations(range(9), 4), key=lambda own: own != (0, 1, 2, 3)):
        x, y = outcomes[list(own)], np.delete(outcomes, own, axis=0)
        error = x.var(axis=0, ddof=1) / 4 + y.var(axis=0, ddof=1) / 5
        rows.append(np.abs(x.mean(axis=0) - y.mean(axis=0)) / np.sqrt(error))
    statistics = np.array(rows)
    found = step_down_arms(outcomes, treated, rng=rng(), resamples=20_000)
    np.testing.assert_allclose(np.abs(found.statistics), statistics[0], rtol=1e-6)
    np.testing.assert_allclose(found.adjusted, stepped(statistics), atol=0.015)


@pytest.mark.parametrize("rows", [60, 400])
def test_packed_and_shuffled_labels_give_the_same_law(rows):
    outcomes, treated = rng(4).normal(0, 1, (rows, 3)), np.arange(rows) % 3 == 0
    found = step_down_arms(outcomes, treated, rng=rng(), resamples=4_999)
    peer = stats.ttest_ind(outcomes[treated], outcomes[~treated], equal_var=False).pvalue
    np.testing.assert_allclose(found.p_values, peer, atol=0.03)


def test_rows_that_miss_an_outcome_are_left_out_and_counted():
    outcomes, treated = rng(5).normal(0, 1, (30, 2)), np.arange(30) % 2
    holes = np.r_[outcomes, [[np.nan, 1.0]]]
    found = step_down_arms(holes, np.r_[treated, 1], rng=rng(), resamples=99)
    plain = step_down_arms(outcomes, treated, rng=rng(), resamples=99)
    assert (found.n, found.n_excluded) == (30, 1)
    assert found.adjusted.tolist() == plain.adjusted.tolist()


def test_a_constant_outcome_is_no_finding():
    outcomes = np.c_[rng(6).normal(0, 1, 40), np.full(40, 0.1)]
    found = step_down_arms(outcomes, np.arange(40) % 2, rng=rng(), resamples=99)
    assert found.p_values[1] == found.adjusted[1] == 1
    flat = step_down_pairs(np.c_[np.zeros(9), np.arange(9.0)], rng=rng(), resamples=99)
    assert flat.adjusted[0] == 1


@pytest.mark.parametrize("runs", [300, pytest.param(4_000, marks=pytest.mark.prove)])
def test_one_guilty_outcome_does_not_raise_false_alarms_among_the_others(runs):
    draws, false = rng(7), 0
    for _ in range(runs):
        gaps = draws.normal(0, 1, (40, 6)) + draws.normal(0, 1, (40, 1))
        gaps[:, 0] += 2
        found = step_down_pairs(gaps, rng=draws, resamples=199)
        assert found.adjusted[0] == 1 / 200
        false += bool((found.adjusted[1:] <= 0.05).any())
    assert stats.binom.sf(false - 1, runs, 0.05) > 0.01


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: holm([0.1, 1.2]), "holm: p_values must be numbers between 0 and 1, got 1.2"),
        (lambda: holm([0.1, np.nan]), "got nan"),
        (lambda: benjamini_hochberg([[0.1]]), "an array of one dimension"),
        (lambda: e_benjamini_hochberg([-1.0], alpha=0.1), "not negative"),
        (lambda: e_benjamini_hochberg([1.0], alpha=0), "alpha must be"),
        (lambda: step_down_arms([1.0, 2], [1, 0], rng=rng()), "outcomes must be an array of two"),
        (lambda: step_down_arms(np.ones((4, 2)), [1, 0], rng=rng()), "treated"),
        (
            lambda: step_down_arms(np.ones((3, 2)), [1, 0, 0], rng=rng()),
            "treated must be at least 2",
        ),
        (lambda: step_down_pairs(np.ones((0, 2)), rng=rng()), "gaps must be at least 1"),
        (lambda: step_down_pairs(np.ones((3, 2)), rng=rng(), resamples=5), "resamples"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
