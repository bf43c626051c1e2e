"""Rates of groups: score limits, and multinomial resamples of the cells' counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._arrays import Floats, Ints
from .bands import Spread, wilson
from .cells import Cells, Joint, effective_rows, gaussian, joint, share_of_overall
from .measures import Measure


def outcome_counts(cells: Cells, outcome: NDArray[np.int8]) -> Ints:
    """Return the counts (cells, 5) of the outcomes tn, fp, fn, tp and missing."""
    key = cells.codes * 5
    key += outcome
    key += 1
    counts = np.bincount(key, minlength=cells.size * 5).reshape(cells.size, 5)
    return np.roll(counts, -1, axis=1)


def rate_spread(
    measure: Measure,
    cells: Cells,
    outcome: NDArray[np.int8],
    counts: Ints,
    *,
    rng: np.random.Generator | None,
    resamples: int,
) -> Spread:
    """Return what is known of a rate: score limits, and multinomial resamples of the counts.

    Parameters
    ----------
    measure : Measure
    cells : Cells
    outcome : (n,) int8
        2 · y_true + y_pred, -1 where one of them is missing.
    counts : (cells, 5) int
        What :func:`outcome_counts` says of them.
    """
    top = cells.with_overall(counts[:, list(measure.numerator)].sum(axis=1))
    n = cells.with_overall(counts[:, list(measure.denominator)].sum(axis=1))
    excluded = cells.with_overall(counts[:, 4])
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = top / n
    if cells.clusters is None:
        effective = n.astype(np.float64)
        draws, correlation = _rate_draws(measure, cells, counts, rng, resamples), None
    else:
        law = _rate_law(measure, cells, outcome, rate, n)
        effective, correlation = effective_rows(rate, n, law), law.correlation
        draws = gaussian(rng, resamples, correlation, len(rate))
    scale = _score_scale(rate, effective)
    return Spread(
        value=rate,
        scale=scale,
        n=n,
        excluded=excluded,
        effective=effective,
        limits=lambda critical: wilson(rate, effective, critical),
        draws=draws,
        to_overall=share_of_overall(cells, n, scale),
        correlation=correlation,
        method="Wilson score" if cells.clusters is None else "Wilson score, effective sample size",
    )


def _score_scale(rate: Floats, n: Floats) -> Floats:
    """Return standard errors that are not 0 where the rate is 0 or 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        inner = (rate * n + 0.5) / (n + 1)
        scale: Floats = np.sqrt(inner * (1 - inner) / n)
    return scale


def _rate_draws(
    measure: Measure,
    cells: Cells,
    counts: Ints,
    rng: np.random.Generator | None,
    resamples: int,
) -> Floats | None:
    if rng is None:
        return None
    kinds = [k for k in range(4) if counts[:, k].any() or k in measure.denominator]
    smooth = (counts[:, kinds] + 1 / len(kinds)) / (counts[:, kinds].sum(axis=1) + 1)[:, None]
    top_columns = np.isin(kinds, measure.numerator)
    columns = np.isin(kinds, measure.denominator)
    top = np.empty((resamples, cells.size))
    n = np.empty((resamples, cells.size))
    for cell, total in enumerate(counts[:, kinds].sum(axis=1)):
        sample = rng.multinomial(total, smooth[cell], size=resamples)
        top[:, cell] = sample[:, top_columns].sum(axis=1)
        n[:, cell] = sample[:, columns].sum(axis=1)
    truth = smooth[:, top_columns].sum(axis=1) / smooth[:, columns].sum(axis=1)
    centre = (truth * n).reshape(resamples, cells.strata, cells.groups)
    noise = (truth * (1 - truth) * n).reshape(resamples, cells.strata, cells.groups)
    stratum_top = top.reshape(resamples, cells.strata, cells.groups).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = (top - truth * n) / np.sqrt(truth * (1 - truth) * n)
        whole = (stratum_top - centre.sum(axis=2)) / np.sqrt(noise.sum(axis=2))
    draws: Floats = np.nan_to_num(np.concatenate([own, whole], axis=1))
    return draws


def _rate_law(
    measure: Measure, cells: Cells, outcome: NDArray[np.int8], rate: Floats, n: Ints
) -> Joint:
    counted = np.isin(outcome, measure.denominator)
    part = cells.subset(counted)
    hit = np.isin(outcome[counted], measure.numerator).astype(np.float64)
    stratum = cells.size + part.codes // cells.groups
    own = (hit - rate[part.codes]) / n[part.codes]
    return joint(part, own, (hit - rate[stratum]) / n[stratum])
