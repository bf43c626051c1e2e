"""Who is asked in a screening: runs in which many attributes vary at once.

Every design gives each block its own runs, drawn by lot, so that over many blocks no attribute and
no pair of attributes stays mixed up with another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

from ..design import Codes, codes

Signs = NDArray[np.int8]

LEAST_RUNS = 8
STRENGTH = 3
TRIED = 40
"""Rows that the covering design chooses each of its rows from."""


def hadamard(least: int) -> Signs:
    """Return the smallest Hadamard matrix with at least so many rows that two constructions give.

    Paley's first for q + 1 rows, q a prime of the form 4 m + 3, and doubling. Its columns beside the
    first are the Plackett-Burman designs.

    Returns
    -------
    (n, n) int8 array
        Of 1 and −1; any two columns are orthogonal, the first is 1 throughout.

    References
    ----------
    Plackett and Burman (1946), The design of optimum multifactorial experiments, Biometrika 33.

    Examples
    --------
    >>> [len(hadamard(n)) for n in (3, 9, 13, 17, 25)]
    [4, 12, 16, 20, 32]
    >>> h = hadamard(12).astype(int)
    >>> bool((h.T @ h == 12 * np.eye(12)).all())
    True
    """
    size = max(4, -(-least // 4) * 4)
    while (found := _of_size(size)) is None:
        size += 4
    return found


def _of_size(size: int) -> Signs | None:
    if size == 1:
        return np.ones((1, 1), dtype=np.int8)
    if size % 4 == 0 and _is_prime(size - 1):
        return _paley(size - 1)
    half = _of_size(size // 2) if size % 2 == 0 else None
    return None if half is None else np.kron(np.array([[1, 1], [1, -1]], dtype=np.int8), half)


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, isqrt(number) + 1))


def _paley(q: int) -> Signs:
    squares = {i * i % q for i in range(1, q)}
    residue = np.array(
        [0 if i == 0 else 1 if i in squares else -1 for i in range(q)], dtype=np.int8
    )
    place = np.arange(q)
    core = residue[(place[:, None] - place) % q] + np.eye(q, dtype=np.int8)
    found = np.ones((q + 1, q + 1), dtype=np.int8)
    # signs of whole rows are free: these make the first column 1 throughout
    found[1:, 1:] = -core
    return found


def _factorial(levels: Sequence[int], blocks: int, rng: np.random.Generator) -> Codes:
    """Two levels a block: half of its runs show each; any two attributes vary independently."""
    matrix = hadamard(max(LEAST_RUNS, len(levels) + 1))
    found = np.zeros((blocks, len(matrix), len(levels)), dtype=np.int32)
    for block in range(blocks):
        columns = matrix[:, 1 + rng.permutation(len(matrix) - 1)[: len(levels)]]
        high = columns * rng.choice([-1, 1], size=len(levels)) > 0
        found[block] = np.where(high, _treated(levels, (1,), rng), 0)
    return codes(found)


def _random(levels: Sequence[int], blocks: int, rng: np.random.Generator) -> Codes:
    """Each attribute of each run by a coin of its own."""
    runs = len(hadamard(max(LEAST_RUNS, len(levels) + 1)))
    high = rng.random((blocks, runs, len(levels))) < 0.5  # noqa: PLR2004 - a fair coin
    return codes(np.where(high, _treated(levels, (blocks, runs), rng), 0))


def _covering(levels: Sequence[int], blocks: int, rng: np.random.Generator) -> Codes:
    """Every combination of levels of any three attributes occurs in every block."""
    rows = covering_array(levels, rng)
    named = [np.array([rng.permutation(n) for _ in range(blocks)]) for n in levels]
    return codes(np.stack([new[:, rows[:, i]] for i, new in enumerate(named)], axis=-1))


def _treated(
    levels: Sequence[int], shape: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.int64]:
    return rng.integers(1, np.array(levels), size=(*shape, len(levels)))


DESIGNS: Mapping[str, Callable[[Sequence[int], int, np.random.Generator], Codes]] = {
    "factorial": _factorial,
    "random": _random,
    "covering": _covering,
}
"""Name → number of levels of each attribute, of blocks, and a generator → codes by block and run."""


def runs(design: str, levels: Sequence[int], blocks: int, rng: np.random.Generator) -> Codes:
    """Return the runs of each block.

    Parameters
    ----------
    design : str
        One of :data:`DESIGNS`.
    levels : sequence of int
        How many levels each attribute has, the reference among them.
    blocks : int
    rng : numpy.random.Generator

    Returns
    -------
    (blocks, runs, attributes) codes
        0 is the reference.

    Examples
    --------
    >>> made = runs("factorial", [2] * 9, 5, np.random.default_rng(1))
    >>> made.shape, set(made.sum(axis=1).ravel().tolist())
    ((5, 12, 9), {6})
    """
    found = DESIGNS[design](levels, blocks, rng)
    return codes(found.ravel()).reshape(found.shape)


def covering_array(levels: Sequence[int], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return few rows in which every combination of levels of any three attributes occurs.

    Greedy: of several rows that hold a combination that is still missing, the one that adds most.

    References
    ----------
    Cohen, Dalal, Fredman and Patton (1997), The AETG system, IEEE Trans. Software Eng. 23.
    """
    width = min(STRENGTH, len(levels))
    groups = list(combinations(range(len(levels)), width))
    sizes = [prod(levels[i] for i in group) for group in groups]
    starts = np.cumsum([0, *sizes])
    missing = np.ones(int(starts[-1]), dtype=bool)
    rows: list[NDArray[np.intp]] = []
    while missing.any():
        wanted = int(rng.choice(np.flatnonzero(missing)))
        place = int(np.searchsorted(starts, wanted, side="right")) - 1
        tried = rng.integers(0, np.array(levels), size=(TRIED, len(levels)))
        shape = [levels[i] for i in groups[place]]
        tried[:, list(groups[place])] = np.unravel_index(wanted - int(starts[place]), shape)
        held = np.stack(
            [
                start
                + np.ravel_multi_index(tuple(tried[:, list(group)].T), [levels[i] for i in group])
                for group, start in zip(groups, starts[:-1].tolist(), strict=True)
            ],
            axis=1,
        )
        best = int(np.argmax(missing[held].sum(axis=1)))
        missing[held[best]] = False
        rows.append(tried[best].astype(np.intp))
    return np.array(rows)
