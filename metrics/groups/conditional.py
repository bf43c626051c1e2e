"""Gaps at equal conditions, beside the gaps of everybody (Simpson's paradox is common).

Associational: conditions that the table does not hold are not held equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...errors import InputError
from .._arrays import Bools, Floats, Ints, inside
from ..result import Estimate, Interval
from .table import Label, Layout, binary, layout, numbers, plain

Kind = Literal["mean", "geometric_mean", "selection_rate"]
KINDS = ("mean", "geometric_mean", "selection_rate")
Weights = Literal["rows", "overlap"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalGap:
    """A group beside the reference group, with and without conditions held equal.

    Attributes
    ----------
    group, reference : tuple
        Labels of the sensitive features.
    marginal, conditional : Estimate
        Group minus reference: in units of y_pred, share, or log-ratio; `n` counts the rows of both.
    p_value : float or None
        Of the null hypothesis that the conditional gap is 0; asymptotic (Welch's t over cells).
    overlap : float
        Share of the rows of both groups that lie in strata where both are seen; only these count.
    turned : bool
        Whether the two gaps point in opposite directions, each with an interval that excludes 0.
    """

    group: Label
    reference: Label
    marginal: Estimate
    conditional: Estimate
    p_value: float | None
    overlap: float
    turned: bool


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Means of cells (strata, groups) with their squared errors and degrees of freedom."""

    n: Ints
    mean: Floats
    error: Floats
    freedom: Floats

    def where(self, strata: Bools) -> CellMeans:
        """Return some of the strata."""
        return CellMeans(
            self.n[strata], self.mean[strata], self.error[strata], self.freedom[strata]
        )


def conditional_gap(
    y_pred: Any,
    *,
    sensitive_features: Any,
    control_features: Any,
    kind: Kind = "mean",
    reference: Any = None,
    weights: Weights = "rows",
    pos_label: Any = None,
    level: float = 0.95,
) -> tuple[ConditionalGap, ...]:
    """Return each group's gap to the reference group, marginal and at equal conditions.

    The conditional gap is the mean over strata of the gap within the stratum. Null hypothesis of
    its p-value: that mean is 0. Guarantee: asymptotic; within-cell spreads may differ, and a cell
    of one row borrows the spread of its group.

    Parameters
    ----------
    y_pred : (n,) array_like or series
        Prices (``mean``, ``geometric_mean``) or decisions (``selection_rate``); rows with a missing
        value are left out and counted.
    sensitive_features, control_features
        As :func:`~evenhand.metrics.groups.group_metrics`; rows with a missing feature are left out.
    kind : {"mean", "geometric_mean", "selection_rate"}
        The geometric mean gives gaps as log-ratios.
    reference : label or tuple of labels, optional
        Default: the largest group.
    weights : {"rows", "overlap"}
        Of a stratum: the rows of both groups in it (the gap in this population), or
        n·m / (n + m) (the least variance; a regression with a dummy for each stratum).
    pos_label : optional
        The decision that counts as yes.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    tuple of ConditionalGap
        One for each group but the reference.

    Raises
    ------
    InputError
        If a column cannot be used, or there is no such kind or reference.

    References
    ----------
    Simpson (1951); Bickel, Hammel, O'Connell (1975), Science 187, 398-404. Cochran (1968),
    Biometrics 24, 295-313 (direct standardisation).

    Examples
    --------
    >>> gap, = conditional_gap(
    ...     [10, 10, 10, 20, 10, 20, 20, 20],
    ...     sensitive_features=list("aaaabbbb"),
    ...     control_features=list("ssststtt"),
    ...     reference="a",
    ... )
    >>> gap.marginal.value, gap.conditional.value
    (5.0, 0.0)
    """
    inside("level", level, 0, 1)
    if kind not in KINDS:
        raise InputError("groups.kind", known=", ".join(KINDS), got=kind)
    if weights not in {"rows", "overlap"}:
        raise InputError("groups.kind", known="rows, overlap", got=weights)
    placed, y, left_out = complete_rows(
        y_pred, sensitive_features, control_features, kind, pos_label
    )
    means = cell_means(y, placed, rates=kind == "selection_rate")
    whole = cell_means(y, merged(placed), rates=kind == "selection_rate")
    size = means.n.sum(axis=0)
    base = int(size.argmax()) if reference is None else _find(placed, reference)
    unit = {"mean": "units of y_pred", "geometric_mean": "log-ratio"}.get(kind, "share")
    return tuple(
        _gap(
            placed,
            means,
            whole,
            group,
            base,
            weights=weights,
            level=level,
            unit=unit,
            left_out=left_out,
        )
        for group in range(len(placed.groups))
        if group != base and size[group] > 0
    )


def _gap(
    placed: Layout,
    means: CellMeans,
    whole: CellMeans,
    group: int,
    base: int,
    *,
    weights: str,
    level: float,
    unit: str,
    left_out: int,
) -> ConditionalGap:
    both = (means.n[:, group] > 0) & (means.n[:, base] > 0)
    part = means.where(both)
    one, other = part.n[:, group], part.n[:, base]
    seen = int(one.sum() + other.sum())
    rows = int(means.n[:, group].sum() + means.n[:, base].sum())
    weight = one + other if weights == "rows" else one * other / np.maximum(one + other, 1)
    sides = [group, base]
    marginal, _ = _contrast(
        whole, np.ones(1), sides, level=level, unit=unit, n=rows, left_out=left_out
    )
    if seen:
        share = weight / weight.sum()
        conditional, p_value = _contrast(
            part, share, sides, level=level, unit=unit, n=seen, left_out=left_out + rows - seen
        )
    else:
        conditional = Estimate(value=None, unit=unit, n=0, n_excluded=left_out + rows)
        p_value = None
    turned = _side(marginal) * _side(conditional) < 0
    return ConditionalGap(
        group=placed.groups[group],
        reference=placed.groups[base],
        marginal=marginal,
        conditional=conditional,
        p_value=p_value,
        overlap=seen / rows if rows else 0.0,
        turned=turned,
    )


def _side(gap: Estimate) -> int:
    """Return the sign of a gap whose interval excludes 0; else 0."""
    if gap.interval is None:
        return 0
    return int(gap.interval.low > 0) - int(gap.interval.high < 0)


def _contrast(
    means: CellMeans,
    share: Floats,
    sides: list[int],
    *,
    level: float,
    unit: str,
    n: int,
    left_out: int,
) -> tuple[Estimate, float | None]:
    """Return the weighted mean over strata of first - second side, and its p-value."""
    coefficients = np.zeros(means.mean.shape)
    coefficients[:, sides[0]], coefficients[:, sides[1]] = share, -share
    return linear(means, coefficients, level=level, unit=unit, n=n, left_out=left_out)


def linear(
    means: CellMeans, coefficients: Floats, *, level: float, unit: str, n: int, left_out: int
) -> tuple[Estimate, float | None]:
    """Return a linear combination of cell means with its interval, and the p-value of 0."""
    from scipy.special import stdtr, stdtrit

    used = coefficients != 0
    factor = coefficients[used]
    value = float((factor * means.mean[used]).sum())
    terms = factor * factor * means.error[used]
    variance = float(terms.sum())
    estimate = {"unit": unit, "n": n, "n_excluded": left_out}
    if not np.isfinite(variance):  # nowhere a second row: no spread is known
        return Estimate(value=value, **estimate), None  # type: ignore[arg-type]
    if variance == 0:
        interval = Interval(low=value, high=value, level=level, method="Welch t over cells")
        return Estimate(value=value, interval=interval, **estimate), None  # type: ignore[arg-type]
    spread = variance**0.5
    freedom = variance**2 / float((terms * terms / means.freedom[used]).sum())
    half = float(stdtrit(freedom, 0.5 + level / 2) * spread)
    interval = Interval(
        low=value - half, high=value + half, level=level, method="Welch t over cells"
    )
    p_value = float(2 * stdtr(freedom, -abs(value) / spread))
    return Estimate(value=value, interval=interval, **estimate), p_value  # type: ignore[arg-type]


def complete_rows(
    y_pred: Any, sensitive: Any, control: Any, kind: str, pos_label: Any
) -> tuple[Layout, Floats, int]:
    """Return the rows in which nothing is missing, and how many were left out."""
    raw = plain(y_pred)
    placed = layout(sensitive, control, len(raw))
    if kind == "selection_rate":
        coded = binary("y_pred", raw, pos_label)
        y = np.where(coded < 0, np.nan, coded.astype(np.float64))
    else:
        y = numbers("y_pred", raw)
    kept = ~np.isnan(y) & placed.named("beside")[placed.codes]
    if not kept.any():
        raise InputError("groups.empty", name="y_pred")
    y = y[kept]
    if kind == "geometric_mean":
        if y.min() <= 0:
            raise InputError("groups.positive", name="y_pred", got=f"{y.min():g}")
        y = np.log(y)
    complete = Layout(
        placed.sensitive, placed.control, placed.groups, placed.strata, placed.codes[kept]
    )
    return complete, y, int(len(kept) - kept.sum())


def merged(placed: Layout) -> Layout:
    """Return the layout with all strata taken together."""
    codes = placed.codes % len(placed.groups)
    return Layout(placed.sensitive, (), placed.groups, ((),), codes)


def _find(placed: Layout, reference: Any) -> int:
    label = reference if isinstance(reference, tuple) else (reference,)
    if label not in placed.groups:
        known = ", ".join(map(str, placed.groups[:10]))
        raise InputError("groups.no_group", name="reference", got=str(label), known=known)
    return placed.groups.index(label)


def cell_means(y: Floats, placed: Layout, *, rates: bool) -> CellMeans:
    """Return the means of the cells; `rates`: with the binomial spread, which is never 0."""
    shape = (len(placed.strata), len(placed.groups))
    size = placed.cells
    n: Ints = np.bincount(placed.codes, minlength=size).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(placed.codes, y, size) / n
    rest = y - mean[placed.codes]
    square = np.asarray(np.bincount(placed.codes, rest * rest, size), dtype=np.float64)
    n, mean = n.reshape(shape), mean.reshape(shape)
    if rates:
        inner = (np.nan_to_num(mean) * n + 0.5) / (n + 1)
        spread, freedom = inner * (1 - inner), np.maximum(n, 1.0) * 1e9
    else:
        spread, freedom = _spreads(n, square.reshape(shape))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = spread / n
    return CellMeans(n, mean, error, freedom)


def _spreads(n: Ints, square: Floats) -> tuple[Floats, Floats]:
    """Return variances within cells; a cell of one row has that of its group, else of all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        own = square / (n - 1)
        freedom = np.broadcast_to((n - np.minimum(n, 1)).sum(axis=0), n.shape)
        group = np.broadcast_to(square.sum(axis=0), n.shape) / freedom
        everybody = square.sum() / max(1, int((n - np.minimum(n, 1)).sum()))
    borrowed = np.where(freedom > 0, group, everybody if square.sum() > 0 else np.nan)
    all_freedom = np.where(freedom > 0, freedom, (n - np.minimum(n, 1)).sum())
    alone = n <= 1
    return np.where(alone, borrowed, own), np.where(alone, all_freedom, n - 1.0)
