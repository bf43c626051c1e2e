"""Gaps that share persona and item: both ways clustered, where both are drawn at random."""

from __future__ import annotations

from functools import partial
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats, Ints
from ..registry import register
from ..result import Alternative, Interval, TestResult
from . import permutation
from .absence import student_tail


@register(kind="crossed", swap="negate", scale="multiply")
def two_way_mean(
    gaps: ArrayLike,
    rows: ArrayLike,
    columns: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    unit: str = "log-ratio",
) -> TestResult:
    """Test whether the mean gap is zero where personas and items are both drawn at random.

    Null hypothesis: a mean gap of 0 over other personas and other items. Guarantee: asymptotic in
    the smaller number of clusters; two-way clustered variance, no less than that of either way
    alone, against Student's t with the smaller number of clusters less one.

    Parameters
    ----------
    gaps : (n,) array_like of float
        Treated minus reference; NaN is left out and counted.
    rows, columns : (n,) array_like
        Persona and item of each gap.
    alternative : {"two-sided", "greater", "less"}
    unit : str

    Returns
    -------
    TestResult
        The mean gap; no p-value, with the reason, where there is no spread at all.

    Raises
    ------
    InputError
        If there are fewer than two personas or items, or a parameter cannot be used.

    References
    ----------
    Cameron, Gelbach & Miller (2011), J. Business & Economic Statistics 29(2).

    Examples
    --------
    >>> import numpy as np
    >>> gaps = np.add.outer([0.0, 0.1, 0.2], [0.0, 0.01, 0.02, 0.03]).ravel()
    >>> found = two_way_mean(gaps, np.repeat(range(3), 4), np.tile(range(4), 3))
    >>> round(found.estimate, 3), round(found.p_value, 3)
    (0.115, 0.185)
    """
    name = "two_way_mean"
    inputs.side(name, alternative)
    column = inputs.numbers(name, "gaps", gaps)
    ways = [
        inputs.labels(name, which, values, len(column))
        for which, values in (("rows", rows), ("columns", columns))
    ]
    there = ~np.isnan(column)
    kept = column[there]
    labels = [np.unique(way[there], return_inverse=True)[1] for way in ways]
    sizes = [int(way.max(initial=-1)) + 1 for way in labels]
    for which, size in zip(("rows", "columns"), sizes, strict=True):
        inputs.at_least(name, which, size, 2)
    estimate = float(kept.mean())
    error = sqrt(_two_way_variance(kept, labels, sizes)) / len(kept)
    freedom = min(sizes) - 1
    told = error > permutation.TOLERANCE * abs(estimate)
    return TestResult(
        estimate=estimate,
        unit=unit,
        p_value=_t_p(estimate / error, freedom, alternative) if told else None,
        null="metrics.null_mean_gap",
        alternative=alternative,
        method="two-way clustered variance, Student's t",
        reference="Cameron, Gelbach & Miller (2011), JBES 29(2)",
        guarantee="asymptotic",
        n=len(kept),
        n_excluded=int((~there).sum()),
        statistic=estimate / error if told else None,
        reason=None if told else "metrics.no_spread",
        _limits=partial(_t_limits, estimate, error, freedom) if told else None,
    )


def _two_way_variance(kept: Floats, labels: list[Ints], sizes: list[int]) -> float:
    """Return the variance of the sum, clustered both ways."""
    centred = kept - kept.mean()
    both = labels[0] * sizes[1] + labels[1]
    alone = [
        float(np.sum(np.bincount(way, centred) ** 2)) * size / (size - 1)
        for way, size in zip(labels, sizes, strict=True)
    ]
    cells = len(np.unique(both))
    shared = float(np.sum(np.bincount(both, centred) ** 2)) * cells / (cells - 1)
    return max(sum(alone) - shared, *alone)


def _t_p(statistic: float, freedom: float, alternative: Alternative) -> float:
    sides = 2 if alternative == "two-sided" else 1
    mark = float(permutation.oriented(np.array(statistic), alternative))
    return min(1.0, sides * student_tail(mark, freedom))


def _t_limits(estimate: float, error: float, freedom: float, level: float) -> Interval:
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    return Interval(
        low=estimate - half, high=estimate + half, level=level, method="two-way clustered t"
    )
