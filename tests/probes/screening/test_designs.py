"""Runs of a screening, against what their books promise."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from evenhand.probes.screening.designs import DESIGNS, covering_array, hadamard, runs


@pytest.mark.parametrize("least", range(2, 70))
def test_any_two_columns_are_orthogonal(least: int) -> None:
    matrix = hadamard(least).astype(int)
    assert len(matrix) >= least
    assert set(matrix.ravel().tolist()) == {-1, 1}
    assert np.array_equal(matrix.T @ matrix, len(matrix) * np.eye(len(matrix), dtype=int))
    assert (matrix[:, 0] == 1).all()


def test_twelve_runs_are_the_design_of_plackett_and_burman() -> None:
    # Plackett and Burman (1946): the row + + - + + + - - - + -, turned about, and one of minus
    row = np.array([1, 1, -1, 1, 1, 1, -1, -1, -1, 1, -1])
    printed = np.vstack([*(np.roll(row, i) for i in range(11)), -np.ones(11, dtype=int)])
    ours = hadamard(12)[:, 1:].astype(int)
    # any two runs of either agree in the same number of columns, whatever the order and the signs
    for matrix in (ours, printed):
        same = matrix @ matrix.T
        assert set(same[~np.eye(12, dtype=bool)].tolist()) == {-1}


@pytest.mark.parametrize("levels", [[2] * 4, [2] * 9, [3, 2, 4, 2], [2, 2], [3, 3, 3, 3, 3]])
def test_every_combination_of_three_occurs(levels: list[int]) -> None:
    rows = covering_array(levels, np.random.default_rng(1))
    for group in combinations(range(len(levels)), min(3, len(levels))):
        wanted = set(product(*(range(levels[i]) for i in group)))
        assert wanted == {tuple(row) for row in rows[:, list(group)].tolist()}
    # a full factorial would do it too: the point is to need fewer
    assert len(rows) <= np.prod(levels)


@pytest.mark.parametrize("design", sorted(DESIGNS))
def test_runs_stay_within_the_levels_and_reach_all(design: str) -> None:
    levels = [2, 3, 2, 4]
    made = runs(design, levels, 60, np.random.default_rng(5))
    assert made.shape[0] == 60
    assert made.shape[2] == 4
    for place, n in enumerate(levels):
        assert set(np.unique(made[:, :, place]).tolist()) == set(range(n))


def test_a_factorial_is_balanced_in_every_block_and_free_of_aliases_over_blocks() -> None:
    made = runs("factorial", [2] * 7, 400, np.random.default_rng(2)).astype(float)
    assert (made.mean(axis=1) == 0.5).all()
    signs = (2 * made - 1).reshape(-1, 7)
    pairs = np.array([signs[:, i] * signs[:, j] for i, j in combinations(range(7), 2)])
    # in one block of eight runs each attribute is some pair of others; over blocks none is
    mixed = np.abs(pairs @ signs) / len(signs)
    assert mixed.max() < 0.15
    alone = np.array([signs[:8, i] * signs[:8, j] for i, j in combinations(range(7), 2)])
    assert np.abs(alone @ signs[:8] / 8).max() == 1
