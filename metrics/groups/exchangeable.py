"""Tests that the groups of a table differ, where the row is the unit.

Null hypothesis: given the control features, group labels and outcomes are exchangeable (which group
a row belongs to says nothing about its outcome). The p-value conditions on the group sizes and on
the outcomes; its guarantee is said with it. Few rows are dealt to the groups in every possible way,
many at random.

:func:`rate_test` and :func:`mean_test` take columns; :func:`counts_test` and :func:`samples_test`
are the same tests of a table that was counted or split already.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .. import _inputs as inputs
from .._arrays import Floats, Ints
from ..fixed import permutation
from ..fixed.independent import WELCH
from ..fixed.rates import Table, hypergeometric, law_p
from ..registry import register
from ..result import MonteCarlo, TestResult

TWO = 2

RESAMPLES = 999

MOST_SHUFFLED = 20_000_000
"""Rows times permutations up to which prices are shuffled; beyond, Welch's t says the same."""

MOST_DEALT = permutation.ENUMERATE // 4
"""Ways to deal the rows, or tables with the same margins, up to which all are looked at."""

FUZZ = 1e-9
"""Statistics that differ by less are ties: rounding must not make a p-value smaller."""

NULL, NULL_MEANS = "groups.null_exchangeable", "groups.null_means"
DRAWN = "Phipson & Smyth (2010), Stat. Appl. Genet. Mol. Biol. 9(1)"


def no_test(reason: str, n: int) -> TestResult:
    """Return the absence of a test, with its reason.

    Examples
    --------
    >>> no_test("groups.one_group", 5).p_value is None
    True
    """
    return TestResult(
        estimate=None, unit="", p_value=None, null=NULL, alternative="two-sided", method="none",
        reference="", guarantee="exact", n=n, reason=reason,
    )  # fmt: skip


@register(kind="binary groups", swap=None, scale=None)
def rate_test(
    values: ArrayLike,
    groups: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Test whether several groups have the same rate, by the largest difference between two.

    Null hypothesis: group and outcome are exchangeable. Guarantee: exact. Two groups: Fisher's test.
    More: the largest difference under permutation of the rows' groups given both margins; all tables
    where those are few, else drawn, with p = (1 + k) / (1 + resamples).

    Parameters
    ----------
    values : (n,) array_like of 0, 1 or NaN
        NaN is left out and counted.
    groups : (n,) array_like
        Labels.
    rng : numpy.random.Generator, optional
        Needed for more than two groups where not all tables are looked at.
    resamples : int
        At least 19.

    Returns
    -------
    TestResult
        The largest difference of two groups' rates; two-sided, without an interval
        (:func:`~evenhand.metrics.groups.group_metrics` has those).

    Raises
    ------
    InputError
        If nothing was answered, or a parameter cannot be used.

    References
    ----------
    Fisher (1935), The Design of Experiments. Phipson & Smyth (2010), "Permutation p-values should
    never be zero", Stat. Appl. Genet. Mol. Biol. 9(1).

    Examples
    --------
    >>> found = rate_test([1, 1, 1, 0, 1, 0, 0, 0, 0], list("aaaabbbcc"))
    >>> found.estimate, round(found.p_value, 4)
    (0.75, 0.381)
    """
    name = "rate_test"
    inputs.draws(name, resamples)
    column, codes, excluded = _columns(name, inputs.binary(name, "values", values), groups)
    size = np.bincount(codes)
    hits = np.bincount(codes, column).astype(np.int64)
    return counts_test(hits, size, rng=rng, resamples=resamples, excluded=excluded)


@register(kind="groups", swap=None, scale="multiply")
def mean_test(
    values: ArrayLike,
    groups: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
) -> TestResult:
    """Test whether several groups have the same mean, by the largest Welch-studentised difference.

    Null hypothesis: group and outcome are exchangeable. Guarantee: exact (permutation of the rows'
    groups), and asymptotically right where only the means are equal.

    Parameters
    ----------
    values : (n,) array_like of float
        NaN is left out and counted.
    groups : (n,) array_like
        Labels; groups of fewer than two rows cannot be studentised and do not take part.
    rng : numpy.random.Generator, optional
        With it the rows are permuted, up to :data:`MOST_SHUFFLED` rows times resamples; without it,
        or beyond, the p-value is Welch's, times the number of pairs, and asymptotic.
    unit : str
        Of the outcomes.
    resamples : int
        At least 19.

    Returns
    -------
    TestResult
        The largest difference of two groups' means; two-sided, without an interval
        (:func:`~evenhand.metrics.groups.group_metrics` has those).

    Raises
    ------
    InputError
        If nothing was answered, or a parameter cannot be used.

    References
    ----------
    Janssen (1997), Stat. Probab. Lett. 36, 9-21. Chung, Romano (2013), Ann. Statist. 41, 484-507.

    Examples
    --------
    >>> import numpy as np
    >>> found = mean_test(
    ...     [1.0, 2, 3, 7, 8, 9], list("aaabbb"), rng=np.random.default_rng(1))
    >>> found.estimate, found.p_value
    (6.0, 0.1)
    """
    name = "mean_test"
    inputs.draws(name, resamples)
    column, codes, excluded = _columns(name, inputs.numbers(name, "values", values), groups)
    ordered = column[np.argsort(codes, kind="stable")]
    samples = np.split(ordered, np.cumsum(np.bincount(codes))[:-1])
    return samples_test(samples, rng=rng, unit=unit, resamples=resamples, excluded=excluded)


def _columns(name: str, column: Floats, groups: ArrayLike) -> tuple[Floats, Ints, int]:
    """Return the answers that are there, the groups' numbers of those, and how many are not."""
    codes = inputs.labels(name, "groups", groups, len(column))
    there = ~np.isnan(column)
    inputs.at_least(name, "values", int(there.sum()), 1)
    return column[there], codes[there], int((~there).sum())


# ----------------------------------------------------------------------------------------- rates


def counts_test(
    hits: ArrayLike,
    n: ArrayLike,
    *,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
    excluded: int = 0,
) -> TestResult:
    """Return :func:`rate_test` of counts.

    Parameters
    ----------
    hits, n : (groups,) array_like of int
        Rows with the outcome, and rows; groups without rows do not count.
    rng, resamples
        As :func:`rate_test`.
    excluded : int
        Rows left out before they were counted.

    Returns
    -------
    TestResult
        Without a p-value, and with the reason, where there are not two groups.

    Raises
    ------
    InputError
        If the shapes differ or a rate lies outside [0, 1].

    Examples
    --------
    >>> round(counts_test([8, 1], [10, 6]).p_value, 6)
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
    seen = float(np.ptp(top / size))
    how: MonteCarlo | None = None
    if len(size) == TWO:
        table = Table(int(top[0]), int(size[0]), int(top[1]), int(size[1]))
        low, law = hypergeometric(table)
        p, method = law_p(law, table.hits - low, "two-sided"), "Fisher exact"
    elif prod(map(int, size + 1)) <= MOST_DEALT:
        p = _every_table(size, int(top.sum()), seen)
        method = "permutation of rows, largest difference, all tables"
    elif rng is None:
        return no_test("groups.needs_rng", total)
    else:
        drawn = rng.multivariate_hypergeometric(size, int(top.sum()), resamples, method="marginals")
        p, how = _drawn(np.ptp(drawn / size, axis=1), seen)
        method = f"permutation of rows, largest difference, {resamples} draws"
    return TestResult(
        estimate=seen, unit="share", p_value=p, null=NULL, alternative="two-sided", method=method,
        reference="Fisher (1935), The Design of Experiments" if len(size) == TWO else DRAWN,
        guarantee="exact", n=total, n_excluded=excluded, statistic=seen, monte_carlo=how,
    )  # fmt: skip


def _every_table(size: Ints, hits: int, seen: float) -> float:
    """Return the chance of so large a difference over all tables with the same margins."""
    from scipy.special import gammaln

    tables = np.indices((size + 1).tolist()).reshape(len(size), -1).T
    tables = tables[tables.sum(axis=1) == hits]
    logs = -(gammaln(tables + 1) + gammaln(size - tables + 1)).sum(axis=1)
    chances = np.exp(logs - logs.max())
    extreme = _extreme(np.ptp(tables / size, axis=1), seen)
    return float(min(1.0, chances[extreme].sum() / chances.sum()))


def _extreme(drawn: Floats, seen: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = drawn >= seen * (1 - FUZZ) - FUZZ
    return found


def _drawn(drawn: Floats, seen: float) -> tuple[float, MonteCarlo]:
    extreme = int(_extreme(drawn, seen).sum())
    how = MonteCarlo(draws=len(drawn), extreme=extreme, stopped=False)
    return (1 + extreme) / (1 + len(drawn)), how


# ----------------------------------------------------------------------------------------- means


def samples_test(
    samples: Sequence[Floats],
    *,
    rng: np.random.Generator | None = None,
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    excluded: int = 0,
) -> TestResult:
    """Return :func:`mean_test` of the groups' outcomes.

    Parameters
    ----------
    samples : sequence of (n,) float arrays
        The outcomes of each group.
    rng, unit, resamples
        As :func:`mean_test`.
    excluded : int
        Rows left out before they were split.

    Returns
    -------
    TestResult
        Without a p-value, and with the reason, where not two groups have two rows.

    Examples
    --------
    >>> import numpy as np
    >>> same = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])]
    >>> samples_test(same, rng=np.random.default_rng(1)).p_value
    1.0
    """
    kept = [np.asarray(group, dtype=np.float64) for group in samples if len(group) >= TWO]
    total = sum(map(len, kept))
    if len(kept) < TWO:
        return no_test("groups.one_group", total)
    sizes = np.array([len(group) for group in kept])
    pooled = np.concatenate(kept)
    # far from zero the sum of squares would lose what the spread is made of
    pooled = pooled - pooled.mean()
    seen = float(_studentised(pooled[None, :], sizes)[0])
    how: MonteCarlo | None = None
    shuffled = rng is not None and total * resamples <= MOST_SHUFFLED
    if rng is None or not shuffled:
        p, method = _welch(pooled, sizes)
    elif _deals(sizes) <= MOST_DEALT:
        values = np.concatenate(
            [_studentised(pooled[rows], sizes) for rows in np.array_split(_dealt(sizes), 8)]
        )
        p = float(_extreme(values, seen).mean())
        method = "permutation of rows, largest Welch t, all of them"
    else:
        drawn = [
            _studentised(rng.permuted(np.tile(pooled, (count, 1)), axis=1), sizes)
            for count in _batches(resamples, total)
        ]
        p, how = _drawn(np.concatenate(drawn), seen)
        method = f"permutation of rows, largest Welch t, {resamples} draws"
    return TestResult(
        estimate=float(np.ptp([group.mean() for group in kept])), unit=unit, p_value=p,
        null=NULL if shuffled else NULL_MEANS, alternative="two-sided", method=method,
        reference=WELCH, guarantee="exact" if shuffled else "asymptotic", n=total,
        n_excluded=excluded + sum(map(len, samples)) - total, statistic=seen, monte_carlo=how,
    )  # fmt: skip


def _deals(sizes: Ints) -> float:
    """Return in how many ways the rows can be dealt to groups of these sizes."""
    left = np.cumsum(sizes)
    return prod(
        permutation.assignments(int(n), int(size)) for n, size in zip(left, sizes, strict=True)
    )


def _dealt(sizes: Ints) -> Ints:
    """Return all ways to deal the rows, one a row: those of the first group first, and so on."""
    n, size = int(sizes.sum()), int(sizes[0])
    if len(sizes) == 1:
        return np.arange(n)[None]
    chosen = permutation.all_sized_sums(np.eye(n), size) > 0
    own = np.nonzero(chosen)[1].reshape(-1, size)
    others = np.nonzero(~chosen)[1].reshape(-1, n - size)
    rest = _dealt(sizes[1:])
    left = others[:, rest].reshape(-1, n - size)
    return np.hstack([np.repeat(own, len(rest), axis=0), left])


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


def _welch(pooled: Floats, sizes: Ints) -> tuple[float, str]:
    """Return the least p-value of all pairs, times their number, and what was done."""
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
    p = max(min(1.0, least * len(pairs)), float(np.finfo(np.float64).tiny))
    return p, "Welch t" + (f", Bonferroni over {len(pairs)} pairs" if len(pairs) > 1 else "")
