"""How alike two ranked lists are: overlap of their tops, of their items, of their order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .._arrays import Bools, Floats, Ints, inside, slabs
from .top import codes_of

EMPTY = -1

Measure: TypeAlias = Literal["rbo", "jaccard", "kendall"]

SLAB_CELLS = 2_000_000
"""Comparisons of two places that are held at once."""


def code_lists(*batches: Iterable[Sequence[Hashable]]) -> tuple[Ints, ...]:
    """Return batches of lists of item names as codes of one and the same numbering.

    Parameters
    ----------
    *batches : iterable of sequences
        One sequence of names a list; lists may differ in length.

    Returns
    -------
    tuple of (n, k) int arrays
        One a batch, all of the length of the longest list, padded with -1.

    Examples
    --------
    >>> first, second = code_lists([["a", "b"]], [["b", "c", "a"]])
    >>> first.tolist(), second.tolist()
    ([[0, 1, -1]], [[1, 2, 0]])
    """
    numbers: dict[Hashable, int] = {}
    coded = [
        [[numbers.setdefault(item, len(numbers)) for item in one] for one in batch]
        for batch in batches
    ]
    width = max((len(one) for batch in coded for one in batch), default=0)
    padded = []
    for batch in coded:
        array = np.full((len(batch), width), EMPTY, dtype=np.int64)
        for row, one in enumerate(batch):
            array[row, : len(one)] = one
        padded.append(array)
    return tuple(padded)


# ------------------------------------------------------------------------------------ two lists


def rank_biased_overlap(first: ArrayLike, second: ArrayLike, *, p: float = 0.9) -> Floats:
    """Return the extrapolated rank-biased overlap of each pair of lists.

    The expected agreement at the depth where a reader stops who goes on to the next place with
    chance `p`; beyond the end the lists are taken to agree as they did so far (RBO_ext, which also
    holds for lists of unequal length).

    Parameters
    ----------
    first, second : (n, k) array_like of int
        Lists as codes, see :func:`code_lists`.
    p : float
        In (0, 1): 0.9 gives the first ten places 86 % of the weight.

    Returns
    -------
    (n,) float array
        In [0, 1]; 1 for two empty lists, 0 where only one is empty.

    Raises
    ------
    InputError
        If the shapes differ, a list repeats an item or has a gap, or `p` leaves (0, 1).

    References
    ----------
    Webber, Moffat, Zobel (2010), "A similarity measure for indefinite rankings", ACM TOIS 28(4),
    equation 32.

    Examples
    --------
    >>> rank_biased_overlap([[1, 2, 3, 4, 5]], [[2, 3, 4, 1, 5]]).round(3)
    array([0.828])
    """
    one, other = _pair(first, second)
    inside("p", p, 0, 1)
    out = np.empty(len(one))
    for rows in _slabs(one):
        out[rows] = _rbo(one[rows], other[rows], p)
    return out


def _rbo(one: Ints, other: Ints, p: float) -> Floats:
    width = one.shape[1]
    lengths = np.stack([(one >= 0).sum(axis=1), (other >= 0).sum(axis=1)])
    short, long = lengths.min(axis=0), lengths.max(axis=0)
    overlap = _overlap(one, other)
    depth = np.arange(1, width + 1)
    weight = p**depth
    within = depth <= long[:, None]
    counted = (overlap[:, 1:] / depth * weight * within).sum(axis=1)
    rows = np.arange(len(one))
    at_short, at_long = overlap[rows, short], overlap[rows, long]
    beyond = (depth > short[:, None]) & within
    scale = np.where(short > 0, at_short / np.maximum(short, 1), 0.0)
    more = ((depth - short[:, None]) / depth * weight * beyond).sum(axis=1) * scale
    tail = (at_long - at_short) / np.maximum(long, 1) + scale
    found: Floats = (1 - p) / p * (counted + more) + tail * p**long
    return np.where(long == 0, 1.0, np.minimum(found, 1.0))


def _overlap(one: Ints, other: Ints) -> Ints:
    """Return (n, k + 1): items that the first d places of both lists have in common."""
    n, width = one.shape
    alike = (one[:, :, None] == other[:, None, :]) & (one >= 0)[:, :, None]
    row, place, counter = np.nonzero(alike)
    key = row * width + np.maximum(place, counter)
    counts = np.bincount(key, minlength=n * width).reshape(n, width)
    return np.concatenate([np.zeros((n, 1), dtype=np.int64), np.cumsum(counts, axis=1)], axis=1)


def jaccard(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return the share of the items in either list that are in both, whatever their places.

    Parameters
    ----------
    first, second : (n, k) array_like of int
        Lists as codes, see :func:`code_lists`. For the top only, hand in its columns.

    Returns
    -------
    (n,) float array
        In [0, 1]; 1 for two empty lists.

    Raises
    ------
    InputError
        If the shapes differ, or a list repeats an item or has a gap.

    References
    ----------
    Hannak et al. (2014), "Measuring price discrimination and steering on e-commerce web sites".

    Examples
    --------
    >>> jaccard([[1, 2, 3]], [[3, 4, -1]])
    array([0.25])
    """
    one, other = _pair(first, second)
    both = np.empty(len(one))
    for rows in _slabs(one):
        both[rows] = _overlap(one[rows], other[rows])[:, -1]
    either = (one >= 0).sum(axis=1) + (other >= 0).sum(axis=1) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def kendall_tau(first: ArrayLike, second: ArrayLike) -> Floats:
    """Return Kendall's tau-b of each pair of lists, over all items that are in either.

    An item that is in one list only is tied, in the other, with all else that is missing there,
    below everything that is listed.

    Parameters
    ----------
    first, second : (n, k) array_like of int
        Lists as codes, see :func:`code_lists`.

    Returns
    -------
    (n,) float array
        In [-1, 1]; NaN where there is nothing to order (fewer than two items in either list).

    Raises
    ------
    InputError
        If the shapes differ, or a list repeats an item or has a gap.

    References
    ----------
    Kendall (1945), Biometrika 33, 239-251 (tau-b). Fagin, Kumar, Sivakumar (2003), SIAM J. Discrete
    Math. 17, 134-160 (lists of the top k).

    Examples
    --------
    >>> kendall_tau([[1, 2, 3], [1, 2, 3]], [[1, 3, 2], [3, 2, 1]]).round(3)
    array([ 0.333, -1.   ])
    """
    one, other = _pair(first, second)
    out = np.empty(len(one))
    for rows in _slabs(one, factor=4):
        out[rows] = kendall_tau_b(*_union_ranks(one[rows], other[rows]))
    return out


def _union_ranks(one: Ints, other: Ints) -> tuple[Floats, Floats]:
    """Return the places (n, 2k) of all items of either list, in the one and in the other."""
    width = one.shape[1]
    bottom, places = float(width), np.arange(width, dtype=np.float64)
    alike = (one[:, :, None] == other[:, None, :]) & (one >= 0)[:, :, None]
    of_one = np.where(alike.any(axis=2), alike.argmax(axis=2), bottom)
    new = ~alike.any(axis=1) & (other >= 0)
    first = np.concatenate(
        [np.where(one >= 0, places, np.nan), np.where(new, bottom, np.nan)], axis=1
    )
    second = np.concatenate(
        [np.where(one >= 0, of_one, np.nan), np.where(new, places, np.nan)], axis=1
    )
    return first, second


def kendall_tau_b(x: ArrayLike, y: ArrayLike) -> Floats:
    """Return Kendall's tau-b of each row of two arrays of scores, ties allowed.

    Parameters
    ----------
    x, y : (n, m) array_like of float
        Scores or places of m items; an item that is NaN in either counts for nothing.

    Returns
    -------
    (n,) float array
        In [-1, 1]; NaN where one side has nothing but ties.

    Raises
    ------
    InputError
        If the shapes differ.

    References
    ----------
    Kendall (1945), Biometrika 33, 239-251.

    Examples
    --------
    >>> kendall_tau_b([[1, 2, 2, 3]], [[1, 2, 3, 4]]).round(4)
    array([0.9129])
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if one.ndim != 2 or one.shape != other.shape:  # noqa: PLR2004 - rows of scores
        raise InputError("metrics.shape", name="y", need=str(one.shape), got=str(other.shape))
    out = np.empty(len(one))
    for rows in _slabs(one):
        out[rows] = _tau(one[rows], other[rows])
    return out


def _tau(x: Floats, y: Floats) -> Floats:
    first, second = np.triu_indices(x.shape[1], 1)
    seen = ~np.isnan(x) & ~np.isnan(y)
    both = seen[:, first] & seen[:, second]
    with np.errstate(invalid="ignore"):
        left = np.where(both, np.sign(x[:, first] - x[:, second]), 0.0)
        right = np.where(both, np.sign(y[:, first] - y[:, second]), 0.0)
    ordered = np.sqrt(np.abs(left).sum(axis=1) * np.abs(right).sum(axis=1))
    with np.errstate(invalid="ignore"):
        tau: Floats = np.where(ordered > 0, (left * right).sum(axis=1) / ordered, np.nan)
    return tau


def list_distance(first: ArrayLike, second: ArrayLike, measure: Measure = "rbo") -> Floats:
    """Return how far two lists are apart: 0 alike, 1 as unlike as can be.

    ``"rbo"`` is 1 - :func:`rank_biased_overlap` at p = 0.9, ``"jaccard"`` 1 - :func:`jaccard`,
    ``"kendall"`` (1 - :func:`kendall_tau`) / 2.

    Raises
    ------
    InputError
        If there is no such measure, or as the measure.

    Examples
    --------
    >>> list_distance([[1, 2]], [[2, 1]], "kendall")
    array([1.])
    """
    if measure == "rbo":
        return 1.0 - rank_biased_overlap(first, second)
    if measure == "jaccard":
        return 1.0 - jaccard(first, second)
    if measure == "kendall":
        return (1.0 - kendall_tau(first, second)) / 2
    raise InputError("groups.kind", known="rbo, jaccard, kendall", got=measure)


# --------------------------------------------------------------------------------------- checks


def _slabs(array: NDArray[Any], factor: int = 1) -> Any:
    width = max(1, array.shape[1])
    return slabs(len(array), max(1, SLAB_CELLS // (factor * width * width)))


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Ints, Ints]:
    one, other = _lists("first", first), _lists("second", second)
    if one.shape != other.shape:
        raise InputError("metrics.shape", name="second", need=str(one.shape), got=str(other.shape))
    return one, other


def _lists(name: str, values: ArrayLike) -> Ints:
    codes = codes_of(name, values)
    empty: Bools = codes < 0
    gap = np.any(empty[:, :-1] & ~empty[:, 1:], axis=1)
    if np.any(gap):
        raise InputError("groups.ranking_gap", name=name, row=int(np.argmax(gap)))
    ordered = np.sort(codes, axis=1)
    twice = np.any((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0), axis=1)
    if np.any(twice):
        raise InputError("groups.ranking_repeats", name=name, row=int(np.argmax(twice)))
    return codes
