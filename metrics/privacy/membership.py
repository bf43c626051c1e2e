"""Scores of people who are, and who are not, on a list: how well they tell the two apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats, inside
from ..fixed.rates import Table, newcombe
from ..result import Estimate, Interval
from .canary import lower_limit, rate_interval

FEWEST_FALSE = 5
"""Non-members that a false-positive rate must be worth: below, its threshold is an accident."""


def _sides(name: str, members: ArrayLike, others: ArrayLike) -> tuple[Floats, Floats, int]:
    """Return both columns without what is missing, and how many entries were."""
    columns = [
        inputs.numbers(name, label, values)
        for label, values in (("members", members), ("others", others))
    ]
    kept = [column[~np.isnan(column)] for column in columns]
    for label, column in zip(("members", "others"), kept, strict=True):
        inputs.at_least(name, label, len(column), 2)
    excluded = sum(map(len, columns)) - sum(map(len, kept))
    return kept[0], kept[1], excluded


def auc(members: ArrayLike, others: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the chance that a member's score is above a non-member's, ties counting half.

    Guarantee: asymptotic (DeLong's variance on the scale of log odds, so that the interval stays
    between 0 and 1). Where the two do not overlap at all its variance is 0 and would promise too
    much; then the interval is finite-sample: n pairs of people of whom each serves once are all in
    order with a chance of AUCⁿ.

    Parameters
    ----------
    members, others : (n,) and (m,) array_like of float
        More is more like a member; NaN is left out and counted.
    level : float

    Returns
    -------
    Estimate
        Unit ``"probability"``; .5 tells nothing.

    Raises
    ------
    InputError
        If a side has fewer than two scores.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44(3); Sun & Xu (2014), IEEE Signal
    Processing Letters 21(11).

    Examples
    --------
    >>> found = auc([0.9, 0.8, 0.4, 0.7], [0.1, 0.5, 0.3, 0.2])
    >>> found.value
    0.9375
    """
    inside("level", level, 0, 1)
    own, other, excluded = _sides("auc", members, others)
    above, below = placements(own, other)
    value = float(np.mean(above))
    variance = np.var(above, ddof=1) / len(own) + np.var(below, ddof=1) / len(other)
    return Estimate(
        value=value,
        unit="probability",
        interval=_auc_interval(value, float(variance), min(len(own), len(other)), level),
        n=len(own) + len(other),
        n_excluded=excluded,
    )


def placements(members: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Return for each score the part of the other side that it is rightly beyond; ties half.

    Examples
    --------
    >>> above, below = placements(np.array([3.0, 1.0]), np.array([1.0, 0.0]))
    >>> above.tolist(), below.tolist()
    ([1.0, 0.75], [0.75, 1.0])
    """
    return _beyond(members, np.sort(others)), _beyond(-others, np.sort(-members))


def _beyond(values: Floats, ordered: Floats) -> Floats:
    left = np.searchsorted(ordered, values, side="left")
    right = np.searchsorted(ordered, values, side="right")
    part: Floats = (left + right) / 2 / len(ordered)
    return part


def _auc_interval(value: float, variance: float, pairs: int, level: float) -> Interval:
    from scipy.special import expit, logit, ndtri

    if variance == 0 or value in {0.0, 1.0}:
        low = lower_limit(pairs, pairs, (1 - level) / 2)
        ends = {1.0: (low, 1.0), 0.0: (0.0, 1 - low)}.get(value, (value, value))
        return Interval(low=ends[0], high=ends[1], level=level, method="pairs, each once")
    half = float(ndtri((1 + level) / 2)) * math.sqrt(variance) / (value * (1 - value))
    centre = float(logit(value))
    return Interval(
        low=float(expit(centre - half)),
        high=float(expit(centre + half)),
        level=level,
        method="DeLong, log odds",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Advantage:
    """What a threshold that was fixed beforehand gives away.

    Parameters
    ----------
    threshold : float
    found : Estimate
        Of members, the part whose score is above it (true-positive rate).
    mistaken : Estimate
        The same of non-members (false-positive rate).
    people : Estimate
        100 × (the first − the second): of 100 people on the list so many more are given away than
        of 100 who are not.
    """

    threshold: float
    found: Estimate
    mistaken: Estimate
    people: Estimate


def advantage(
    members: ArrayLike, others: ArrayLike, *, threshold: float, level: float = 0.95
) -> Advantage:
    """Return how many more of 100 members than of 100 others score above a threshold.

    Guarantee: finite-sample for the two rates (Clopper and Pearson); the interval of the difference
    is Newcombe's, asymptotic. The threshold must come from other people than these: one that was
    chosen on them is too good.

    Parameters
    ----------
    members, others : (n,) and (m,) array_like of float
    threshold : float
        Scores strictly above it are called members.
    level : float

    Raises
    ------
    InputError
        If a side has fewer than two scores, or the threshold is no number.

    References
    ----------
    Yeom, Giacomelli, Fredrikson & Jha (2018), CSF; Newcombe (1998), Statistics in Medicine 17(8).

    Examples
    --------
    >>> found = advantage([0.9, 0.8, 0.4, 0.7], [0.1, 0.5, 0.3, 0.2], threshold=0.45)
    >>> found.found.value, found.mistaken.value, found.people.value
    (0.75, 0.25, 50.0)
    """
    name = "advantage"
    inside("level", level, 0, 1)
    own, other, excluded = _sides(name, members, others)
    if not math.isfinite(threshold):
        raise inputs.refusal(name, "threshold", "metrics.need_finite", threshold)
    hits, misses = int(np.sum(own > threshold)), int(np.sum(other > threshold))
    first, second = _rate(hits, len(own), level), _rate(misses, len(other), level)
    gap = hits / len(own) - misses / len(other)
    between = newcombe(Table(hits, len(own), misses, len(other)), level)
    return Advantage(
        threshold=threshold,
        found=first,
        mistaken=second,
        people=Estimate(
            value=100 * gap,
            unit="people of 100",
            interval=replace(between, low=100 * between.low, high=100 * between.high),
            n=len(own) + len(other),
            n_excluded=excluded,
        ),
    )


def _rate(hits: int, n: int, level: float) -> Estimate:
    return Estimate(value=hits / n, unit="rate", interval=rate_interval(hits, n, level=level), n=n)


def tpr_at_fpr(
    members: ArrayLike, others: ArrayLike, *, rate: float, level: float = 0.95
) -> Estimate:
    """Return the part of members above the score that at most `rate` of the others exceed.

    Guarantee: finite-sample given the threshold (Clopper and Pearson); the threshold itself is
    estimated from the non-members. Equal scores are never split: all of them are above it, or none.

    Parameters
    ----------
    members, others : (n,) and (m,) array_like of float
    rate : float
        False-positive rate, for example .01.
    level : float

    Returns
    -------
    Estimate
        Unit ``"rate"``.

    Raises
    ------
    InputError
        If `rate` is worth fewer than five non-members: below, nothing can be said of it.

    References
    ----------
    Carlini, Chien, Nasr, Song, Terzis & Tramèr (2022), IEEE S&P: membership inference attacks from
    first principles.

    Examples
    --------
    >>> tpr_at_fpr(np.arange(100) + 50, np.arange(100), rate=0.1).value
    0.6
    """
    name = "tpr_at_fpr"
    inside("rate", rate, 0, 1)
    inside("level", level, 0, 1)
    own, other, excluded = _sides(name, members, others)
    if rate * len(other) < FEWEST_FALSE:
        raise inputs.refusal(name, "rate", "metrics.need_resolution", rate)
    allowed = math.floor(rate * len(other))
    threshold = np.sort(other)[len(other) - allowed - 1]
    hits = int(np.sum(own > threshold))
    found = _rate(hits, len(own), level)
    return Estimate(
        value=found.value, unit="rate", interval=found.interval, n=len(own), n_excluded=excluded
    )
