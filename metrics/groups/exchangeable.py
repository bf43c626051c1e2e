"""Tests that the groups of a table differ, where the row is the unit.

Null hypothesis: given the control features, group labels and outcomes are exchangeable (which group
a row belongs to says nothing about its outcome). The p-value conditions on the group sizes and on
the outcomes; its guarantee is said with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .._arrays import Floats, Ints
from ..result import Guarantee

TWO = 2

MOST_SHUFFLED = 20_000_000
"""Rows times permutations up to which prices are shuffled; beyond, Welch's t says the same."""

FUZZ = 1e-9
"""Statistics that differ by less are ties: rounding must not make a p-value smaller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTest:
    """A p-value with what it means, or the reason why there is none.

    `null` and `reason` are ids of sentences.
    """

    p_value: float | None
    null: str
    method: str
    guarantee: Guarantee | None
    n: int
    reason: str | None = None


NULL, NULL_MEANS = "groups.null_exchangeable", "groups.null_means"


def no_test(reason: str, n: int) -> GroupTest:
    """Return the absence of a test, with its reason.

    Examples
    --------
    >>> no_test("groups.one_group", 5).p_value is None
    True
    """
    return GroupTest(p_value=None, null=NULL, method="none", guarantee=None, n=n, reason=reason)


def rate_test(
    hits: ArrayLike,
    n: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    permutations: int = 999,
) -> GroupTest:
    """Return the p-value of the largest difference between the groups' rates.

    Two groups: Fisher's exact test. More: the largest difference under permutation of the rows'
    groups, drawn from its exact law given both margins, with p = (1 + k) / (1 + permutations).

    Parameters
    ----------
    hits, n : (groups,) array_like of int
        Rows with the outcome, and rows; groups without rows do not count.
    rng : numpy.random.Generator, optional
        Needed for more than two groups.
    permutations : int

    Returns
    -------
    GroupTest
        Guarantee "exact"; two-sided.

    Raises
    ------
    InputError
        If the shapes differ or a rate lies outside [0, 1].

    References
    ----------
    Fisher (1935), The Design of Experiments. Phipson, Smyth (2010), "Permutation p-values should
    never be zero", Stat. Appl. Genet. Mol. Biol. 9(1).

    Examples
    --------
    >>> round(rate_test([8, 1], [10, 6]).p_value, 6)
    0.034965
    """
    top, size = np.asarray(hits, dtype=np.int64), np.asarray(n, dtype=np.int64)
    if top.shape != size.shape or top.ndim != 1:
        raise InputError("metrics.shape", name="hits", need=str(size.shape), got=str(top.shape))
    if ((top < 0) | (top > size)).any():
        raise InputError("metrics.range", name="hits", need="[0, n]", got=str(top.tolist()))
    top, size = top[size > 0], size[size > 0]
    total = int(size.sum())
    if len(size) < TWO:
        return no_test("groups.one_group", total)
    if len(size) == TWO:
        p_value = _fisher(int(top[0]), size, int(top.sum()))
        return GroupTest(
            p_value=p_value, null=NULL, method="Fisher exact", guarantee="exact", n=total
        )
    if rng is None:
        return no_test("groups.needs_rng", total)
    drawn = rng.multivariate_hypergeometric(size, int(top.sum()), permutations, method="marginals")
    gap = np.ptp(drawn / size, axis=1)
    return GroupTest(
        p_value=_share(gap, float(np.ptp(top / size))),
        null=NULL,
        method=f"permutation of rows, largest difference, {permutations} draws",
        guarantee="exact",
        n=total,
    )


def _share(drawn: Floats, seen: float) -> float:
    as_large = int((drawn >= seen * (1 - FUZZ) - FUZZ).sum())
    return (1 + as_large) / (1 + len(drawn))


def _fisher(hit: int, size: Ints, hits: int) -> float:
    """Return the chance of a table no likelier than the one seen, given both margins."""
    from scipy.special import gammaln

    first, second = int(size[0]), int(size[1])
    support = np.arange(max(0, hits - second), min(first, hits) + 1)

    def log_choose(n: int, k: Ints) -> Floats:
        chosen: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return chosen

    logs = log_choose(first, support) + log_choose(second, hits - support)
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    seen = chances[hit - support[0]]
    return float(min(1.0, chances[chances <= seen * (1 + 1e-7)].sum()))


def mean_test(
    values: Sequence[Floats],
    *,
    rng: np.random.Generator | None = None,
    permutations: int = 999,
) -> GroupTest:
    """Return the p-value of the largest Welch-studentised difference between the groups' means.

    Parameters
    ----------
    values : sequence of (n,) float arrays
        The outcomes of each group; groups of fewer than two rows cannot be studentised and do not
        take part.
    rng : numpy.random.Generator, optional
        With it the rows are permuted, up to :data:`MOST_SHUFFLED` rows times permutations; without
        it, or beyond, the p-value is Welch's, times the number of pairs.
    permutations : int

    Returns
    -------
    GroupTest
        Permutation: exact for exchangeable rows, and asymptotically right where only the means are
        equal. Welch: asymptotic.

    References
    ----------
    Janssen (1997), Stat. Probab. Lett. 36, 9-21. Chung, Romano (2013), Ann. Statist. 41, 484-507.

    Examples
    --------
    >>> import numpy as np
    >>> same = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])]
    >>> mean_test(same, rng=np.random.default_rng(1)).p_value
    1.0
    """
    kept = [np.asarray(group, dtype=np.float64) for group in values if len(group) >= TWO]
    total = sum(map(len, kept))
    if len(kept) < TWO:
        return no_test("groups.one_group", total)
    sizes = np.array([len(group) for group in kept])
    pooled = np.concatenate(kept)
    # far from zero the sum of squares would lose what the spread is made of
    pooled = pooled - pooled.mean()
    if rng is None or total * permutations > MOST_SHUFFLED:
        return _welch(pooled, sizes)
    seen = _studentised(pooled[None, :], sizes)[0]
    drawn = np.concatenate(
        [
            _studentised(rng.permuted(np.tile(pooled, (count, 1)), axis=1), sizes)
            for count in _batches(permutations, total)
        ]
    )
    return GroupTest(
        p_value=_share(drawn, float(seen)),
        null=NULL,
        method=f"permutation of rows, largest Welch t, {permutations} draws",
        guarantee="exact",
        n=total,
    )


def _batches(count: int, rows: int) -> list[int]:
    step = max(1, min(count, 1_000_000 // max(1, rows)))
    return [min(step, count - start) for start in range(0, count, step)]


def _moments(rows: Floats, sizes: Ints) -> tuple[Floats, Floats]:
    """Return the groups' means and squared standard errors, each (k, groups)."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    mean = np.add.reduceat(rows, starts, axis=1) / sizes
    square = np.add.reduceat(rows * rows, starts, axis=1) / sizes
    variance = np.maximum(square - mean * mean, 0.0) / (sizes - 1)
    # what is left by rounding is no spread
    return mean, np.where(variance > FUZZ**2 * square, variance, 0.0)


def _studentised(rows: Floats, sizes: Ints) -> Floats:
    mean, variance = _moments(rows, sizes)
    largest = np.zeros(len(rows))
    for i, j in combinations(range(len(sizes)), 2):
        gap = np.abs(mean[:, i] - mean[:, j])
        with np.errstate(divide="ignore", invalid="ignore"):
            size = gap / np.sqrt(variance[:, i] + variance[:, j])
        np.fmax(largest, np.where(gap > FUZZ * FUZZ, size, 0.0), out=largest)
    return largest


def _welch(pooled: Floats, sizes: Ints) -> GroupTest:
    from scipy.special import stdtr

    mean, variance = (part[0] for part in _moments(pooled[None, :], sizes))
    pairs = list(combinations(range(len(sizes)), 2))
    least = 1.0
    for i, j in pairs:
        both = variance[i] + variance[j]
        if both > 0:
            freedom = both**2 / (
                variance[i] ** 2 / (sizes[i] - 1) + variance[j] ** 2 / (sizes[j] - 1)
            )
            t = abs(mean[i] - mean[j]) / np.sqrt(both)
            least = min(least, 2 * float(stdtr(freedom, -t)))
    return GroupTest(
        p_value=min(1.0, least * len(pairs)),
        null=NULL_MEANS,
        method="Welch t" + (f", Bonferroni over {len(pairs)} pairs" if len(pairs) > 1 else ""),
        guarantee="asymptotic",
        n=len(pooled),
    )
