"""Families against brute force: the closed test over every subset."""

from itertools import combinations

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.metrics.families import accusation_level, accuse, adjusted, clear

ALPHA = 0.05


def subsets(k, member):
    others = [i for i in range(k) if i != member]
    for size in range(k):
        for rest in combinations(others, size):
            yield (member, *rest)


def closed_by_averages(e, alpha):
    """Reject j when every intersection that holds j is rejected by the average of its evidence."""
    k = len(e)
    return np.array(
        [all(np.mean(e[list(s)]) >= 1 / alpha for s in subsets(k, j)) for j in range(k)]
    )


def closed_by_bonferroni(e, alpha):
    """The same, each intersection tested by its largest evidence over its size."""
    k = len(e)
    return np.array(
        [all(np.max(e[list(s)]) >= len(s) / alpha for s in subsets(k, j)) for j in range(k)]
    )


def evidences(seed, k):
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(3.2, 1.5, k))
    return np.where(rng.random(k) < 0.1, 0.0, values)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_clearing_is_the_closed_test_with_averages(k):
    outcomes = set()
    for seed in range(300):
        e = evidences(seed, k)
        rng = np.random.default_rng(seed)
        columns = e[:, None] * np.exp(rng.exponential(1, (k, 3)))
        columns[np.arange(k), rng.integers(0, 3, k)] = e
        with np.errstate(divide="ignore"):
            found = clear(np.log(columns), hypotheses=k, alpha_clear=ALPHA)
        expected = closed_by_averages(e, ALPHA)
        assert found.tolist() == expected.tolist()
        outcomes.add(int(expected.sum()))
    assert outcomes >= {0, k}


@pytest.mark.parametrize("k", [2, 3, 5])
def test_hypotheses_without_evidence_count_whether_listed_or_left_out(k):
    for seed in range(100):
        e = evidences(seed, k) * 3
        with np.errstate(divide="ignore"):
            rows = np.repeat(np.log(e)[:, None], 3, axis=1)
        silent = np.vstack([rows, np.full((2, 3), -np.inf)])
        listed = clear(silent, hypotheses=k + 2, alpha_clear=ALPHA)
        assert clear(rows, hypotheses=k + 2, alpha_clear=ALPHA).tolist() == listed[:k].tolist()
        assert listed[:k].tolist() == closed_by_averages(np.append(e, [0, 0]), ALPHA)[:k].tolist()
        assert not listed[k:].any()


def test_fair_hypotheses_cost_what_one_costs_and_guilty_ones_raise_it():
    fair = np.full((5, 3), np.log(20.0))
    assert clear(fair, hypotheses=5, alpha_clear=ALPHA).all()
    one_guilty = np.vstack([np.full((4, 3), np.log(41.0)), np.full((1, 3), -np.inf)])
    assert clear(one_guilty, hypotheses=5, alpha_clear=ALPHA).tolist() == [True] * 4 + [False]
    assert not clear(one_guilty - np.log(41 / 39), hypotheses=5, alpha_clear=ALPHA).any()


def test_the_least_of_the_three_claims_counts():
    for weak in range(3):
        row = np.full((1, 3), np.log(1000.0))
        row[0, weak] = np.log(19.9)
        assert not clear(row, hypotheses=1, alpha_clear=ALPHA).any()


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_accusing_step_by_step_is_the_closed_test(k):
    outcomes = set()
    for seed in range(300):
        e = evidences(seed, k) * 2
        with np.errstate(divide="ignore"):
            log_e = np.log(e)
        done = np.zeros(k, bool)
        while True:
            more = (
                accuse(log_e, already=int(done.sum()), hypotheses=k, alpha=ALPHA)
                if not done.all()
                else done
            )
            if (more | done).sum() == done.sum():
                break
            done |= more
        assert done.tolist() == closed_by_bonferroni(e, ALPHA).tolist()
        outcomes.add(int(done.sum()))
    assert outcomes >= {0, k}


def test_an_adjusted_p_is_at_most_the_level_exactly_when_it_accuses():
    rng = np.random.default_rng(1)
    log_e = rng.normal(4, 2, 200)
    for already in (0, 1, 2):
        p = adjusted(log_e, already, 3)
        claimed = accuse(log_e, already=already, hypotheses=3, alpha=ALPHA)
        assert ((p <= ALPHA) == claimed).all()
        assert ((p > 0) & (p <= 1)).all()


def test_levels():
    assert accusation_level(3, 0, 0.06) == pytest.approx(0.02)
    assert accusation_level(3, 2, 0.06) == pytest.approx(0.06)


@pytest.mark.parametrize("settings", [(0, 0, 0.05), (3, 3, 0.05), (3, -1, 0.05), (3, 0, 0.0)])
def test_impossible_families_are_refused(settings):
    with pytest.raises(InputError):
        accusation_level(*settings)


def test_more_rows_than_hypotheses_are_refused():
    with pytest.raises(InputError):
        clear(np.zeros((3, 3)), hypotheses=2, alpha_clear=ALPHA)
    assert clear(np.zeros((0, 3)), hypotheses=2, alpha_clear=ALPHA).shape == (0,)
