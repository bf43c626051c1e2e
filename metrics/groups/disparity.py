"""Who is refused, and what a price would be that does not know the group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._arrays import Bools, Floats, inside
from ..result import Estimate, Interval
from .bands import Bounds, difference, normal_quantile, wilson
from .conditional import CellMeans, cell_means, complete_rows, linear, merged
from .table import Label, Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Disparity:
    """A group's share of the refusals beside its share of the acceptances.

    Attributes
    ----------
    group : tuple
    marginal, conditional : Estimate
        Share of the refused that are of the group, minus its share of the accepted: above 0 it is
        refused more than its share. The conditional one is the mean over strata, weighted by rows.
    """

    group: Label
    marginal: Estimate
    conditional: Estimate


def conditional_disparity(
    y_pred: Any,
    *,
    sensitive_features: Any,
    control_features: Any,
    pos_label: Any = None,
    level: float = 0.95,
) -> tuple[Disparity, ...]:
    """Return the demographic disparity of each group, marginal and conditional.

    Parameters
    ----------
    y_pred : (n,) array_like or series
        Decisions; yes is the favourable one.
    sensitive_features, control_features
        As :func:`~evenhand.metrics.groups.group_metrics`; rows with a missing feature are left out.
    pos_label : optional
        The favourable decision.
    level : float
        Of the intervals, in (0, 1): Newcombe's within a stratum, squared and added over strata.
        Guarantee: asymptotic.

    Returns
    -------
    tuple of Disparity
        One a group. Strata in which all or none are refused have no disparity and are left out
        (their rows stand in `n_excluded`).

    Raises
    ------
    InputError
        If a column cannot be used.

    References
    ----------
    Wachter, Mittelstadt, Russell (2021), "Why fairness cannot be automated", Computer Law & Security
    Review 41, 105567.

    Examples
    --------
    >>> a, b = conditional_disparity(
    ...     [1, 1, 0, 0, 1, 0, 0, 0],
    ...     sensitive_features=list("aaaabbbb"),
    ...     control_features=["all"] * 8,
    ... )
    >>> round(b.conditional.value, 4), b.conditional == b.marginal
    (0.2667, True)
    """
    inside("level", level, 0, 1)
    placed, y, left_out = complete_rows(
        y_pred, sensitive_features, control_features, "selection_rate", pos_label
    )
    return tuple(
        Disparity(
            group=label,
            marginal=_disparity(merged(placed), y, group, level, left_out),
            conditional=_disparity(placed, y, group, level, left_out),
        )
        for group, label in enumerate(placed.groups)
        if None not in label
    )


def _disparity(placed: Layout, y: Floats, group: int, level: float, left_out: int) -> Estimate:
    shape = (len(placed.strata), len(placed.groups))
    yes = np.bincount(placed.codes, y, placed.cells).reshape(shape)
    no = np.bincount(placed.codes, 1 - y, placed.cells).reshape(shape)
    accepted, refused = yes.sum(axis=1), no.sum(axis=1)
    both = (accepted > 0) & (refused > 0)
    rows = (accepted + refused)[both]
    n = int(rows.sum())
    excluded = left_out + len(y) - n
    if not n:
        return Estimate(value=None, unit="share", n=0, n_excluded=excluded)
    critical = normal_quantile(level)
    sides = []
    for part, whole in ((no, refused), (yes, accepted)):
        share = part[both, group] / whole[both]
        sides.append(Bounds(share, *wilson(share, whole[both], critical)))
    gap = difference(sides[0], sides[1], np.zeros(len(rows)))
    weight = rows / n
    value = float(weight @ gap.value)
    down = float(np.sqrt((weight**2) @ (gap.value - gap.low) ** 2))
    up = float(np.sqrt((weight**2) @ (gap.high - gap.value) ** 2))
    interval = Interval(
        low=value - down, high=value + up, level=level, method="Newcombe, added over strata"
    )
    return Estimate(value=value, unit="share", interval=interval, n=n, n_excluded=excluded)


# ------------------------------------------------------------------------ discrimination-free


@dataclass(frozen=True, slots=True, kw_only=True)
class FreePrice:
    """How far a group's prices lie from the discrimination-free price of their conditions.

    Attributes
    ----------
    group : tuple
    distance : Estimate
        Mean over the group's rows of price minus free price, in units of the price.
    price, free_price : float or None
        The two means.
    """

    group: Label
    distance: Estimate
    price: float | None
    free_price: float | None


def discrimination_free(
    price: Any, *, sensitive_features: Any, control_features: Any, level: float = 0.95
) -> tuple[FreePrice, ...]:
    """Return each group's mean distance from the discrimination-free price.

    The free price of conditions x is the mean price of each group at x, weighted by the groups'
    shares of the *whole* table: x is not allowed to stand in for the group.

    Parameters
    ----------
    price : (n,) array_like or series
        Rows with a missing price are left out.
    sensitive_features, control_features
        As :func:`~evenhand.metrics.groups.group_metrics`; conditions are the combinations of the
        control features. Rows with a missing feature are left out.
    level : float
        Of the intervals, in (0, 1): the distance is linear in the cells' means; Welch's t.
        Guarantee: asymptotic, given the shares.

    Returns
    -------
    tuple of FreePrice
        One a group. Conditions under which some group is not seen have no free price; their rows
        are left out and stand in `n_excluded`.

    Raises
    ------
    InputError
        If a column cannot be used.

    References
    ----------
    Lindholm, Richman, Tsanakas, Wüthrich (2022), "Discrimination-free insurance pricing", ASTIN
    Bulletin 52(1), 55-89.

    Examples
    --------
    >>> a, b = discrimination_free(
    ...     [10, 10, 14, 20, 24, 24],
    ...     sensitive_features=list("aababb"),
    ...     control_features=list("sssttt"),
    ... )
    >>> round(a.distance.value, 3), round(b.distance.value, 3)
    (-2.0, 2.0)
    """
    inside("level", level, 0, 1)
    placed, y, left_out = complete_rows(price, sensitive_features, control_features, "mean", None)
    means = cell_means(y, placed, rates=False)
    present = means.n.sum(axis=0) > 0
    share = means.n.sum(axis=0) / means.n.sum()
    whole: Bools = np.logical_not(np.any(means.n[:, present] == 0, axis=1))
    part = means.where(whole)
    left_out += int(means.n[~whole].sum())
    return tuple(
        _free_price(placed.groups[group], part, share, group, level, left_out)
        for group in np.flatnonzero(present).tolist()
    )


def _free_price(
    label: Label, means: CellMeans, share: Floats, group: int, level: float, left_out: int
) -> FreePrice:
    rows = means.n[:, group]
    n = int(rows.sum())
    unit = "units of price"
    if not n:
        nothing = Estimate(value=None, unit=unit, n=0, n_excluded=left_out)
        return FreePrice(group=label, distance=nothing, price=None, free_price=None)
    weight = rows / n
    free = -weight[:, None] * share[None, :]
    own = np.zeros(free.shape)
    own[:, group] = weight
    distance, _ = linear(means, own + free, level=level, unit=unit, n=n, left_out=left_out)
    used = np.nan_to_num(means.mean)
    return FreePrice(
        group=label,
        distance=distance,
        price=float((own * used).sum()),
        free_price=float(-(free * used).sum()),
    )
