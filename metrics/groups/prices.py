"""Counts, means, geometric means and quantiles of groups, with their limits."""

from __future__ import annotations

import numpy as np

from ...errors import InputError
from .._arrays import Floats, Ints
from .bands import Spread, normal_quantile, wilson
from .cells import Cells, effective_rows, gaussian, joint, share_of_overall, with_t
from .measures import Measure


def count_spread(cells: Cells) -> Spread:
    """Return the numbers of rows: counted, not estimated."""
    n = cells.with_overall(cells.tally())
    values = n.astype(np.float64)
    none = np.zeros(len(n))
    return Spread(
        value=values,
        scale=none,
        n=n,
        excluded=np.zeros(len(n), dtype=np.int64),
        effective=values,
        limits=lambda _: (values, values),
        draws=None,
        to_overall=none[: cells.size],
        counted=True,
        method="counted",
    )


def price_spread(
    measure: Measure,
    cells: Cells,
    prices: Floats,
    *,
    rng: np.random.Generator | None,
    resamples: int,
) -> Spread:
    """Return what is known of a mean, geometric mean or quantile of prices.

    Parameters
    ----------
    measure : Measure
    cells : Cells
    prices : (n,) float
        NaN where there is no price.

    Raises
    ------
    InputError
        If a price is not above 0 and a geometric mean was asked for.
    """
    seen = ~np.isnan(prices)
    excluded = cells.with_overall(cells.tally() - cells.subset(seen).tally())
    part, prices = (cells, prices) if seen.all() else (cells.subset(seen), prices[seen])
    if measure.kind == "quantile":
        return _quantile_spread(measure, part, prices, excluded, rng, resamples)
    if measure.kind == "geometric" and len(prices):
        if prices.min() <= 0:
            raise InputError("groups.positive", name="y_pred", got=f"{prices.min():g}")
        prices = np.log(prices)
    return _mean_spread(measure, part, prices, excluded, rng, resamples)


def _mean_spread(
    measure: Measure,
    cells: Cells,
    y: Floats,
    excluded: Ints,
    rng: np.random.Generator | None,
    resamples: int,
) -> Spread:
    n = cells.with_overall(cells.tally())
    stratum = cells.size + cells.codes // cells.groups
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = cells.with_overall(cells.tally(y)) / n
        own, whole = y - mean[cells.codes], y - mean[stratum]
        squares = np.concatenate(
            [cells.tally(own * own), cells.with_overall(cells.tally(whole * whole))[cells.size :]]
        )
        scale: Floats = np.sqrt(squares / (n - 1) / n)
    freedom = n.astype(np.float64) - 1
    correlation = None
    if cells.clusters is not None:
        law = joint(cells, own / n[cells.codes], whole / n[stratum])
        scale = np.where(law.clusters > 1, law.scale, np.nan)
        freedom, correlation = law.clusters.astype(np.float64) - 1, law.correlation
    draws = gaussian(rng, resamples, correlation, len(n))
    if draws is not None and correlation is None:
        draws[:, cells.size :] = _stratum_draws(cells, draws, n, scale)

    def limits(critical: float) -> tuple[Floats, Floats]:
        known = (freedom > 0) & ~np.isnan(mean)
        half = np.full(len(mean), np.inf)
        half[known] = with_t(critical, freedom[known]) * scale[known]
        centre = np.nan_to_num(mean)
        return _unlogged(centre - half, measure), _unlogged(centre + half, measure)

    return Spread(
        value=_unlogged(mean, measure),
        scale=scale * (_unlogged(mean, measure) if measure.kind == "geometric" else 1.0),
        n=n,
        excluded=excluded,
        effective=np.where(n > 0, freedom + 1.0, 0.0),
        limits=limits,
        draws=draws,
        to_overall=share_of_overall(cells, n, scale),
        correlation=correlation,
        log=measure.kind == "geometric",
        method="Student t" if cells.clusters is None else "Student t over clusters",
    )


def _unlogged(values: Floats, measure: Measure) -> Floats:
    if measure.kind != "geometric":
        return values
    with np.errstate(over="ignore"):
        unlogged: Floats = np.exp(values)
    return unlogged


def _stratum_draws(cells: Cells, draws: Floats, n: Ints, scale: Floats) -> Floats:
    """Return the deviations of the strata's means that follow from those of their groups."""
    share = share_of_overall(cells, n, scale) * draws[:, : cells.size]
    summed = share.reshape(len(draws), cells.strata, cells.groups).sum(axis=2)
    draws_of_strata: Floats = np.nan_to_num(summed)
    return draws_of_strata


def _quantile_spread(
    measure: Measure,
    cells: Cells,
    y: Floats,
    excluded: Ints,
    rng: np.random.Generator | None,
    resamples: int,
) -> Spread:
    columns = _sorted_columns(cells, y)
    n = np.array([len(column) for column in columns])
    values = np.array([_linear(column, measure.q) for column in columns])
    below = np.array([measure.q if len(column) else np.nan for column in columns])
    effective, correlation = n.astype(np.float64), None
    if cells.clusters is not None:
        stratum = cells.size + cells.codes // cells.groups
        own = ((y <= values[cells.codes]) - measure.q) / n[cells.codes]
        whole = ((y <= values[stratum]) - measure.q) / n[stratum]
        law = joint(cells, own, whole)
        effective, correlation = effective_rows(below, n, law), law.correlation

    def limits(critical: float) -> tuple[Floats, Floats]:
        ends = wilson(below, effective, critical)
        pairs = [_order(column, lo, hi) for column, lo, hi in zip(columns, *ends, strict=True)]
        found = np.array(pairs).reshape(-1, 2)
        return found[:, 0], found[:, 1]

    usual = normal_quantile(0.95)
    low, high = limits(usual)
    with np.errstate(invalid="ignore"):
        scale = (high - low) / (2 * usual)
    return Spread(
        value=values,
        scale=scale,
        n=n,
        excluded=excluded,
        effective=effective,
        limits=limits,
        draws=gaussian(rng, resamples, correlation, len(n)),
        to_overall=np.zeros(cells.size),
        correlation=correlation,
        method="order statistics (Woodruff)",
    )


def _sorted_columns(cells: Cells, y: Floats) -> list[Floats]:
    """Return the sorted prices of each cell, then of each stratum."""
    order = np.lexsort((y, cells.codes))
    ends = np.cumsum(cells.tally())[:-1]
    own = np.split(y[order], ends)
    whole = [
        np.sort(np.concatenate(own[start : start + cells.groups]))
        for start in range(0, cells.size, cells.groups)
    ]
    return own + whole


def _linear(column: Floats, q: float) -> float:
    if not len(column):
        return np.nan
    place = q * (len(column) - 1)
    low = int(place)
    high = min(low + 1, len(column) - 1)
    return float(column[low] + (place - low) * (column[high] - column[low]))


def _order(column: Floats, low: float, high: float) -> tuple[float, float]:
    """Return the order statistics at two shares, rounded outwards; infinite beyond the data."""
    n = len(column)
    first = int(np.floor(n * low)) - 1
    last = int(np.ceil(n * high))
    return (
        float(column[first]) if first >= 0 else -np.inf,
        float(column[last]) if last < n else np.inf,
    )
