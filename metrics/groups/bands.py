"""Intervals of group metrics: one recipe for rates, means and quantiles.

A metric brings, for each group, limits at any critical value, and draws from the joint law of the
standardised deviations. From these follow

- the interval of each number, at the normal quantile;
- the simultaneous band, at the quantile of the largest deviation over all groups;
- the interval of each comparison, by squaring and adding the distances to the limits ("MOVER"),
  at the quantile of the largest deviation over all comparisons;
- the interval of the largest difference, the least ratio, the least and the greatest group, by
  projection: whatever the true values are, if all comparisons lie within theirs then so does it.

References
----------
Zou, Donner (2008), Statistics in Medicine 27, 1693-1702. Donner, Zou (2012), Statistical Methods in
Medical Research 21, 347-359. Newcombe (1998), Statistics in Medicine 17, 873-890.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._arrays import Floats, Ints

Limits = Callable[[float], tuple[Floats, Floats]]

MOST_PAIRS = 20_000
"""Above so many comparisons the critical value is Bonferroni's: it costs nothing."""


class Bounds(NamedTuple):
    """A value with its limits, each (k,)."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """What is known of one metric: (m,) columns, the cells first and the strata's overall after.

    Attributes
    ----------
    value, scale : (m,) float
        The metric and its standard error; NaN where it is not measured.
    n, excluded : (m,) int
        Rows it rests on, and rows left out because an outcome was missing.
    effective : (m,) float
        `n`, lowered by clustering.
    draws : (draws, m) float or None
        Standardised deviations from their joint law.
    correlation : (m, m) float or None
        Of the deviations; None: the cells are independent, and `to_overall` holds each cell's
        correlation with the overall value of its stratum.
    log : bool
        Whether ratios are differences on the log scale.
    """

    value: Floats
    scale: Floats
    n: Ints
    excluded: Ints
    effective: Floats
    limits: Limits
    draws: Floats | None
    to_overall: Floats
    correlation: Floats | None = None
    log: bool = False
    counted: bool = False
    method: str = ""

    def correlations(self, first: Ints, second: Ints) -> Floats:
        """Return the correlation of each pair of columns."""
        if self.correlation is not None:
            return self.correlation[first, second]
        overall = second >= len(self.to_overall)
        return np.where(overall, self.to_overall[np.minimum(first, len(self.to_overall) - 1)], 0.0)


def wilson(rate: Floats, n: Floats, critical: float) -> tuple[Floats, Floats]:
    """Return the score limits of rates at a critical value of the normal scale.

    Null hypothesis of the inverted test: the rate is the given one. Guarantee: asymptotic; never
    degenerate at 0 or 1.

    Parameters
    ----------
    rate, n : (k,) float array
        Observed rates and (effective) numbers of rows; where n is 0 nothing is known.
    critical : float
        1.96 for 95 %.

    References
    ----------
    Wilson (1927), JASA 22, 209-212.

    Examples
    --------
    >>> low, high = wilson(np.array([0.0, 0.5]), np.array([10.0, 10.0]), 1.96)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.2366], [0.2775, 0.7634])
    """
    square = critical * critical
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (rate * n + square / 2) / (n + square)
        half = critical * np.sqrt(rate * (1 - rate) * n + square / 4) / (n + square)
    known = n > 0
    low = np.where(known, np.where(rate <= 0, 0.0, np.maximum(centre - half, 0.0)), 0.0)
    high = np.where(known, np.where(rate >= 1, 1.0, np.minimum(centre + half, 1.0)), 1.0)
    return low, high


def difference(first: Bounds, second: Bounds, correlation: Floats) -> Bounds:
    """Return first - second with its limits.

    Examples
    --------
    >>> rates = np.array([56 / 70]), np.array([48 / 80])
    >>> ends = [wilson(rate, np.array([n]), 1.959964) for rate, n in zip(rates, (70.0, 80.0))]
    >>> both = [Bounds(rate, *limits) for rate, limits in zip(rates, ends)]
    >>> [round(float(x[0]), 4) for x in difference(*both, np.zeros(1))]  # Newcombe 1998, table II
    [0.2, 0.0524, 0.3339]
    """
    value = first.value - second.value
    down = _joined(first.value - first.low, second.high - second.value, correlation)
    up = _joined(first.high - first.value, second.value - second.low, correlation)
    return Bounds(value, value - down, value + up)


def _joined(one: Floats, other: Floats, correlation: Floats) -> Floats:
    with np.errstate(invalid="ignore", over="ignore"):
        product = np.where(correlation == 0, 0.0, 2 * correlation * one * other)
        square = np.maximum(one * one + other * other - product, 0.0)
    # where a limit is infinite nothing is known of the difference
    known = np.isfinite(square) | np.isnan(one) | np.isnan(other)
    return np.where(known, np.sqrt(square), np.inf)


def ratio(first: Bounds, second: Bounds, correlation: Floats) -> Bounds:
    """Return first / second with its limits; NaN where a limit is below 0.

    Examples
    --------
    >>> one, ten = (Bounds(*(np.array([x]) for x in given)) for given in ((2, 1, 4), (10, 8, 12)))
    >>> [round(float(x[0]), 3) for x in ratio(one, ten, np.zeros(1))]
    [0.2, 0.098, 0.417]
    """
    a, b = first.value, second.value
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        cross = np.where(correlation == 0, 0.0, correlation)
        low = _lower_ratio(a, b, first.low, second.high, cross)
        high = _upper_ratio(a, b, first.high, second.low, cross)
        value = a / b
    usable = (first.low >= 0) & (second.low >= 0)
    return Bounds(value, np.where(usable, low, np.nan), np.where(usable, high, np.nan))


def _lower_ratio(a: Floats, b: Floats, la: Floats, ub: Floats, r: Floats) -> Floats:
    middle = a * b - r * (a - la) * (ub - b)
    product = la * (2 * a - la) * ub * (2 * b - ub)
    root = np.sqrt(np.maximum(middle * middle - product, 0.0))
    low: Floats = np.where(la <= 0, 0.0, np.maximum(la * (2 * a - la) / (middle + root), 0.0))
    return low


def _upper_ratio(a: Floats, b: Floats, ua: Floats, lb: Floats, r: Floats) -> Floats:
    middle = a * b - r * (ua - a) * (b - lb)
    product = ua * (2 * a - ua) * lb * (2 * b - lb)
    root = np.sqrt(np.maximum(middle * middle - product, 0.0))
    high: Floats = np.where(lb <= 0, np.inf, (middle + root) / (lb * (2 * b - lb)))
    return high


def exponential(bounds: Bounds) -> Bounds:
    """Return the bounds of exp of what was bounded."""
    with np.errstate(over="ignore"):
        return Bounds(*(np.exp(part) for part in bounds))


def logarithm(bounds: Bounds) -> Bounds:
    """Return the bounds of log of what was bounded."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Bounds(*(np.log(part) for part in bounds))


# ------------------------------------------------------------------------------ critical values


def normal_quantile(level: float) -> float:
    """Return the two-sided normal quantile: 1.96 for .95."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def simultaneous(spread: Spread, columns: Ints, level: float) -> float:
    """Return the critical value of the band over these columns."""
    if spread.draws is None:
        return _bonferroni(len(columns), level)
    if not len(columns):
        return normal_quantile(level)
    return _greatest(np.abs(spread.draws[:, columns]), level)


def paired(spread: Spread, first: Ints, second: Ints, level: float) -> float:
    """Return the critical value of the band over the comparisons first - second."""
    if spread.draws is None or not 0 < len(first) <= MOST_PAIRS:
        return _bonferroni(len(first), level)
    one, other = spread.scale[first], spread.scale[second]
    with np.errstate(invalid="ignore", over="ignore"):
        both = one * one + other * other - 2 * spread.correlations(first, second) * one * other
        size = np.sqrt(np.maximum(both, 0.0))
    known = np.isfinite(size) & (size > 0)
    if not known.any():
        return normal_quantile(level)
    weight, counter = one[known] / size[known], other[known] / size[known]
    largest = np.zeros(len(spread.draws))
    for place, (i, j) in enumerate(zip(first[known], second[known], strict=True)):
        gap = weight[place] * spread.draws[:, i] - counter[place] * spread.draws[:, j]
        np.maximum(largest, np.abs(gap), out=largest)
    return _greatest(largest[:, None], level)


def _greatest(deviations: Floats, level: float) -> float:
    """Return the quantile of the rows' maxima, never less than for one number alone."""
    top = np.sort(np.nan_to_num(deviations).max(axis=1))
    place = min(len(top), int(np.ceil((len(top) + 1) * level))) - 1
    return max(float(top[place]), normal_quantile(level))


def _bonferroni(count: int, level: float) -> float:
    return normal_quantile(1 - (1 - level) / max(1, count))


# ---------------------------------------------------------------------------------- projections


class Range(NamedTuple):
    """One number with its limits."""

    value: float
    low: float
    high: float


NOTHING = Range(np.nan, np.nan, np.nan)


def largest_gap(gaps: Bounds) -> Range:
    """Return the largest absolute difference, with limits by projection."""
    if not len(gaps.value):
        return NOTHING
    low = np.maximum(np.maximum(gaps.low, -gaps.high), 0.0)
    high = np.maximum(gaps.high, -gaps.low)
    return Range(
        float(np.abs(gaps.value).max()), float(low.max(initial=0.0)), float(high.max(initial=0.0))
    )


def least_ratio(ratios: Bounds) -> Range:
    """Return the least ratio, each turned so that it is at most 1, with limits by projection."""
    value, low, high = ratios
    if not len(value):
        return NOTHING
    with np.errstate(divide="ignore", invalid="ignore"):
        folded = np.where(value > 1, 1 / value, value)
        least = np.minimum(low, 1 / high)
        most = np.where(low > 1, 1 / low, np.minimum(high, 1.0))
    seen = folded[~np.isnan(folded)]
    if not len(seen):
        return NOTHING
    return Range(float(seen.min()), float(least.min()), float(most.min()))


def span(band: Bounds) -> tuple[Range, Range]:
    """Return the largest difference and the least ratio of many groups, from their band.

    Examples
    --------
    >>> import numpy as np
    >>> ends = Bounds(np.array([1.0, 4.0]), np.array([0.5, 3.0]), np.array([2.0, 5.0]))
    >>> gap, least = span(ends)
    >>> tuple(gap), tuple(least)
    ((3.0, 1.0, 4.5), (0.25, 0.1, 0.6666666666666666))
    """
    value, low, high = band
    gap = Range(
        float(np.ptp(value)),
        max(0.0, float(low.max() - high.min())),
        float(high.max() - low.min()),
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        least = Range(
            float(value.min() / value.max()),
            float(low.min() / high.max()),
            float(np.fmin(high.min() / low.max(), 1.0)),
        )
    return gap, least if low.min() >= 0 else Range(least.value, np.nan, np.nan)
