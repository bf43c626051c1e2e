"""Independent arms: means, ratios and spreads, with labels dealt anew.

Dealing the labels anew is exact where the arms differ in nothing at all. Divided by Welch's
standard error it stays right in large samples where they differ in spread and size but not in the
mean, which the plain difference does not. Within strata labels are dealt stratum by stratum, so
what the strata hold equal stays equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Bools, Floats, slabs
from ..registry import register
from ..result import Alternative, Interval, MonteCarlo, TestResult
from . import permutation
from .absence import settled_squares
from .paired import as_ratio, new_seed
from .permutation import RESAMPLES, Generator

WELCH = "Janssen (1997), Stat. Prob. Letters 36(1); Chung & Romano (2013), AoS 41(2)"

_FARTHEST = 1e9
"""Standard errors after which a limit is taken to be infinite."""

EACH = 2
"""Answers that each arm must have for its spread to be known."""


class Stratum(NamedTuple):
    """Two arms in one stratum: values centred, treated first, with its weight."""

    values: Floats
    size: int
    weight: float


class Parts(NamedTuple):
    """Numerators and variances of the studentised difference, one entry an assignment."""

    gap: Floats
    variance: Floats


def stratum(treated: Floats, reference: Floats, weight: float = 1.0) -> Stratum:
    """Return one stratum; values that are all alike become exactly 0."""
    values = np.concatenate([treated, reference])
    centred = values - values.mean()
    if settled_squares(float(np.sum(centred**2)), float(np.sum(values**2))) == 0:
        centred = np.zeros(len(values))
    return Stratum(centred, len(treated), weight)


def _moments(part: Stratum, sums: Floats, shift: float = 0.0) -> Parts:
    """Return gap and variance of assignments from sums over those that they treat.

    `sums` are of y and y², and where an effect `shift` is taken off the treated first, also of
    their number and their y.
    """
    n, m = part.size, len(part.values) - part.size
    first, second = sums[:, 0], sums[:, 1]
    whole, squares = 0.0, float(np.sum(part.values**2))
    if shift:
        first = first - shift * sums[:, 2]
        second = second - 2 * shift * sums[:, 3] + shift**2 * sums[:, 2]
        own = part.values[:n]
        whole -= shift * n
        squares += n * shift**2 - 2 * shift * float(own.sum())
    rest = whole - first
    up = _variance(second, first, n, squares)
    down = _variance(squares - second, rest, m, squares)
    gap = part.weight * (first / n - rest / m)
    return Parts(gap, part.weight**2 * (up / n + down / m))


def _variance(second: Floats, first: Floats, n: int, scale: float) -> Floats:
    squares = second - first**2 / n
    # rounding must not turn no spread at all into a tiny one
    return np.where(squares > 1e-12 * scale, squares, 0.0) / (n - 1)


def _columns(part: Stratum, *, shifted: bool) -> Floats:
    own = (np.arange(len(part.values)) < part.size).astype(np.float64)
    columns = [part.values, part.values**2]
    if shifted:
        columns += [own, own * part.values]
    return np.stack(columns, axis=1)


def _assignments(parts: list[Stratum]) -> float:
    return prod(permutation.assignments(len(part.values), part.size) for part in parts)


def _studentised(found: list[Parts]) -> Floats:
    gap = sum((part.gap for part in found), np.zeros(1))
    variance = sum((part.variance for part in found), np.zeros(1))
    return permutation.ratio(gap, np.sqrt(variance))


def _crossed(found: list[Parts]) -> list[Parts]:
    """Return the parts of every combination of the strata's assignments."""
    gap = variance = np.zeros(1)
    for part in found:
        gap = np.add.outer(gap, part.gap).ravel()
        variance = np.add.outer(variance, part.variance).ravel()
    return [Parts(gap, variance)]


def observed(parts: list[Stratum]) -> tuple[float, float]:
    """Return the estimate and the studentised statistic of the data."""
    found = [_moments(part, _own(part, shifted=False)) for part in parts]
    return float(sum(part.gap[0] for part in found)), float(_studentised(found)[0])


def _own(part: Stratum, *, shifted: bool) -> Floats:
    sums: Floats = _columns(part, shifted=shifted)[: part.size].sum(axis=0)
    return sums[None]


@dataclass(frozen=True, slots=True)
class Dealt:
    """The studentised difference of arms and its p-value."""

    estimate: float
    statistic: float
    p_value: float
    method: str
    monte_carlo: MonteCarlo | None


def deal(
    parts: list[Stratum],
    alternative: Alternative,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
) -> Dealt:
    """Return the studentised permutation test of strata (one stratum: two plain arms)."""
    estimate, statistic = observed(parts)
    mark = float(permutation.oriented(np.array(statistic), alternative))
    tables = [_columns(part, shifted=False) for part in parts]
    if _assignments(parts) <= permutation.ENUMERATE:
        every = [
            _moments(part, permutation.all_sized_sums(table, part.size))
            for part, table in zip(parts, tables, strict=True)
        ]
        values = permutation.oriented(_studentised(_crossed(every)), alternative)
        p = permutation.enumerated(values, mark)
        return Dealt(estimate, statistic, p, "permutation of Welch's t, all of them", None)

    def draw(draws: int) -> Floats:
        found = [
            _moments(part, permutation.sized_sums(table, part.size, draws, rng))
            for part, table in zip(parts, tables, strict=True)
        ]
        return permutation.oriented(_studentised(found), alternative)

    p, how = permutation.monte_carlo(draw, mark, resamples=resamples, stop=stop)
    return Dealt(estimate, statistic, p, "permutation of Welch's t, drawn", how)


def deal_limits(parts: list[Stratum], seed: int, level: float) -> Interval:
    """Return all shifts that the two-sided test does not reject, searched outwards."""
    rng = np.random.default_rng(seed)
    every = _assignments(parts) <= permutation.ENUMERATE
    sums = []
    for part in parts:
        table = _columns(part, shifted=True)
        if every:
            sums.append(permutation.all_sized_sums(table, part.size))
        else:
            sums.append(permutation.sized_sums(table, part.size, RESAMPLES, rng))
    estimate, _ = observed(parts)
    own = [_own(part, shifted=True) for part in parts]

    def kept(shift: float) -> bool:
        drawn = [_moments(part, one, shift) for part, one in zip(parts, sums, strict=True)]
        mine = [_moments(part, one, shift) for part, one in zip(parts, own, strict=True)]
        mark = abs(float(_studentised(mine)[0]))
        values = np.abs(_studentised(_crossed(drawn) if every else drawn))
        hits = int(permutation.extreme(values, mark).sum())
        p = hits / len(values) if every else (1 + hits) / (1 + len(values))
        return p > 1 - level

    mine = [_moments(part, one) for part, one in zip(parts, own, strict=True)]
    step = float(np.sqrt(sum(part.variance[0] for part in mine))) or max(abs(estimate), 1e-3)
    low, high = (_edge(kept, estimate, sign * step) for sign in (-1, 1))
    return Interval(low=low, high=high, level=level, method="inverted permutation of Welch's t")


def _edge(kept: Callable[[float], bool], start: float, step: float) -> float:
    """Return where `kept` ends when walking from `start` in steps that double."""
    inner, outer = start, start + step
    while kept(outer):
        if abs(outer - start) > _FARTHEST * abs(step):
            return inf if step > 0 else -inf
        inner, outer = outer, start + 2 * (outer - start)
    for _ in range(40):
        middle = 0.5 * (inner + outer)
        inner, outer = (middle, outer) if kept(middle) else (inner, middle)
    return outer


def dealt_result(
    found: Dealt, parts: list[Stratum], *, unit: str, alternative: Alternative, rng: Generator,
    n: int, excluded: int, null: str = "metrics.null_mean",
) -> TestResult:  # fmt: skip
    """Return the result of a studentised permutation, with intervals by its inversion."""
    return TestResult(
        estimate=found.estimate,
        unit=unit,
        p_value=found.p_value,
        null=null,
        alternative=alternative,
        method=found.method,
        reference=WELCH,
        guarantee="asymptotic",
        n=n,
        n_excluded=excluded,
        statistic=found.statistic,
        monte_carlo=found.monte_carlo,
        _limits=partial(deal_limits, parts, new_seed(rng)),
    )


@register(kind="arms", swap="negate", scale="multiply")
def mean_difference(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether two independent arms have the same mean, by permutation of Welch's t.

    Null hypothesis: equal means. Guarantee: asymptotic under unequal spreads and sizes, and exact
    where the arms have the same distribution. At most 100,000 assignments are all looked at.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        NaN is left out and counted. At least two answers in each arm.
    rng : numpy.random.Generator
    alternative : {"two-sided", "greater", "less"}
    unit : str
        Of the answers.
    resamples : int
        At least 19.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    TestResult
        Mean of treated minus mean of reference; intervals by inversion under a shift.

    Raises
    ------
    InputError
        If an arm is too small, or a parameter cannot be used.

    References
    ----------
    Janssen (1997), Statistics & Probability Letters 36(1); Chung & Romano (2013), AoS 41(2).

    Examples
    --------
    >>> import numpy as np
    >>> found = mean_difference([3.0, 4, 5], [1.0, 2, 0], rng=np.random.default_rng(1))
    >>> found.estimate, found.p_value
    (3.0, 0.1)
    """
    name = "mean_difference"
    inputs.resampling(name, alternative, resamples)
    kept = inputs.arms(name, treated, reference, least=EACH)
    parts = [stratum(kept.treated, kept.reference)]
    found = deal(parts, alternative, resamples=resamples, rng=rng, stop=stop)
    return dealt_result(
        found, parts, unit=unit, alternative=alternative, rng=rng, n=kept.n, excluded=kept.excluded
    )


@register(kind="price arms", swap="reciprocal", scale="invariant")
def price_ratio_independent(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether the prices of two independent arms differ, in the ratio of geometric means.

    Null hypothesis: equal means of log prices. Guarantee: as :func:`mean_difference` of the logs,
    which this is.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        Prices, positive; NaN is left out and counted.
    rng, alternative, resamples, stop
        As :func:`mean_difference`.

    Returns
    -------
    TestResult
        The ratio treated / reference.

    Raises
    ------
    InputError
        If a price is not positive, or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> found = price_ratio_independent(
    ...     [110.0, 121, 133.1], [100.0, 110, 121], rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), found.p_value
    (1.1, 0.5)
    """
    name = "price_ratio_independent"
    return as_ratio(
        mean_difference(
            *inputs.both(name, treated, reference, read=inputs.prices),
            rng=rng,
            alternative=alternative,
            unit="log-ratio",
            resamples=resamples,
            stop=stop,
        )
    )


@register(kind="arms", swap="negate", scale="multiply")
def spread_difference(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether two independent arms scatter alike around their own medians.

    Null hypothesis: the mean distance from the arm's own median is the same. Guarantee: asymptotic
    where the arms differ in place, exact where they do not differ at all. Labels are dealt anew
    twice, to the answers as they are and to their distances from the own median with its sign;
    medians are taken anew each time, and the larger p-value counts.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        NaN is left out and counted. Log prices make the answer one about percent.
    rng, alternative, unit, resamples, stop
        As :func:`mean_difference`.

    Returns
    -------
    TestResult
        Difference of the mean distances, with intervals by inversion.

    Raises
    ------
    InputError
        If an arm has fewer than two answers, or a parameter cannot be used.

    References
    ----------
    Brown & Forsythe (1974), JASA 69(346).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> found = spread_difference(rng.normal(0, 3, 80), rng.normal(0, 1, 80), rng=rng)
    >>> found.estimate > 1, found.p_value < 0.01
    (True, True)
    """
    name = "spread_difference"
    inputs.resampling(name, alternative, resamples)
    kept = inputs.arms(name, treated, reference, least=EACH)
    sides = kept.treated, kept.reference
    aligned = [side - np.median(side) for side in sides]
    parts = [stratum(np.abs(aligned[0]), np.abs(aligned[1]))]
    found = max(
        (
            _scatter(
                np.concatenate(pool), kept, alternative, resamples=resamples, rng=rng, stop=stop
            )
            for pool in (sides, aligned)
        ),
        key=lambda one: one.p_value,
    )
    return dealt_result(
        found, parts, unit=unit, alternative=alternative, rng=rng, n=kept.n,
        excluded=kept.excluded, null="metrics.null_spread",
    )  # fmt: skip


_CELLS = 2**20
"""Answers whose medians are taken at once."""


def _scatter(
    pool: Floats,
    arms: inputs.Arms,
    alternative: Alternative,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
) -> Dealt:
    """Compare Welch's t of the distances from the own median with labels dealt anew to `pool`."""
    n, size = len(pool), len(arms.treated)
    estimate, _, statistic = (
        float(part[0]) for part in _distances(arms.treated[None], arms.reference[None])
    )
    mark = float(permutation.oriented(np.array(statistic), alternative))

    def values(masks: Bools) -> Floats:
        rows = np.broadcast_to(pool, masks.shape)
        treated, reference = rows[masks].reshape(-1, size), rows[~masks].reshape(-1, n - size)
        return permutation.oriented(_distances(treated, reference)[2], alternative)

    def draw(draws: int) -> Floats:
        return np.concatenate([
            values(permutation.sized_masks(n, size, part.stop - part.start, rng))
            for part in slabs(draws, max(1, _CELLS // n))
        ])  # fmt: skip

    if permutation.assignments(n, size) <= permutation.ENUMERATE // 4:
        masks = permutation.all_sized_sums(np.eye(n), size).astype(np.bool_)
        p = permutation.enumerated(values(masks), mark)
        return Dealt(estimate, statistic, p, "permutation of distances, all of them", None)
    p, how = permutation.monte_carlo(draw, mark, resamples=resamples, stop=stop)
    return Dealt(estimate, statistic, p, "permutation of distances, drawn", how)


def _distances(treated: Floats, reference: Floats) -> tuple[Floats, Floats, Floats]:
    """Return gap, standard error and Welch's t of the distances from each row's own median."""
    means, parts = [], []
    for side in (treated, reference):
        away = np.abs(side - np.median(side, axis=1, keepdims=True))
        scale = np.sum(away**2, axis=1)
        squares = np.sum((away - away.mean(axis=1, keepdims=True)) ** 2, axis=1)
        count = side.shape[1]
        parts.append(np.where(squares > _ROUNDING * scale, squares, 0.0) / (count - 1) / count)
        means.append(away.mean(axis=1))
    gap: Floats = means[0] - means[1]
    gap = np.where(np.abs(gap) > _ROUNDING * (means[0] + means[1]), gap, 0.0)
    error: Floats = np.sqrt(parts[0] + parts[1])
    return gap, error, permutation.ratio(gap, error)


_ROUNDING = 1e-12
"""Differences this much smaller than the distances are what rounding leaves of none."""
