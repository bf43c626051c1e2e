"""Whole distributions of independent arms: which arm tends to be larger, and any difference at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Bools, Floats, slabs
from ..registry import register
from ..result import Alternative, Interval, MonteCarlo, TestResult
from . import permutation
from .absence import student_tail
from .permutation import RESAMPLES, Generator

SMALL = 30
"""Arms below this size are judged by permutation instead of the t approximation."""

_NOTHING = 1e-24
"""A variance of shares below this is what rounding leaves of 0."""

_CELLS = 2**20
"""Labels worked on at once."""


class Ordered(NamedTuple):
    """Both arms pooled and sorted: distinct values, where each begins, whether treated."""

    values: Floats
    starts: np.ndarray
    treated: Bools

    @property
    def n(self) -> int:
        """Number of treated answers."""
        return int(self.treated.sum())


def _ordered(treated: Floats, reference: Floats) -> Ordered:
    pooled = np.concatenate([treated, reference])
    order = np.argsort(pooled, kind="stable")
    values, starts = np.unique(pooled[order], return_index=True)
    return Ordered(values, starts, order < len(treated))


class _Relative(NamedTuple):
    """Brunner and Munzel's estimate, error and degrees of freedom, one entry an assignment."""

    chance: Floats
    error: Floats
    freedom: Floats


def _relative(ordered: Ordered, treated: Bools) -> _Relative:
    """Return P(treated > reference) + ½ P(equal) for rows of labels (draws, n) in sorted order."""
    up = np.add.reduceat(treated, ordered.starts, axis=1, dtype=np.float64)
    size = np.diff(ordered.starts, append=len(ordered.treated))
    down = size - up
    n, m = up.sum(axis=1, keepdims=True), down.sum(axis=1, keepdims=True)
    # share of the other arm below a value, ties counted half
    below_up = (np.cumsum(down, axis=1) - 0.5 * down) / m
    below_down = (np.cumsum(up, axis=1) - 0.5 * up) / n
    chance = (up * below_up).sum(axis=1) / n[:, 0]
    spread_up = (up * (below_up - chance[:, None]) ** 2).sum(axis=1) / (n[:, 0] - 1)
    spread_down = (down * (below_down - 1 + chance[:, None]) ** 2).sum(axis=1) / (m[:, 0] - 1)
    parts = spread_up / n[:, 0], spread_down / m[:, 0]
    total = parts[0] + parts[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (parts[0] ** 2 / (n[:, 0] - 1) + parts[1] ** 2 / (m[:, 0] - 1))
    return _Relative(chance, np.sqrt(np.where(total > _NOTHING, total, 0.0)), freedom)


@register(kind="arms", swap="complement", scale="invariant")
def brunner_munzel(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test which of two independent arms tends to be larger (Brunner and Munzel).

    Null hypothesis: of one answer from each arm, either is as likely to be the larger, ties half
    each; shapes and spreads may differ. Guarantee: asymptotic. Below 30 answers in an arm, or where
    the arms do not overlap, the studentised statistic is compared with its own permutations (exact
    where the arms have one distribution).

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        Anything ordered; NaN is left out and counted. At least two answers in each arm.
    rng : numpy.random.Generator
    alternative : {"two-sided", "greater", "less"}
    resamples : int
        At least 19.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    TestResult
        P(treated > reference) + ½ P(equal); .5 is no tendency. Intervals by Student's t, inside
        [0, 1].

    Raises
    ------
    InputError
        If an arm is too small, or a parameter cannot be used.

    References
    ----------
    Brunner & Munzel (2000), Biometrical Journal 42(1); Neubert & Brunner (2007), CSDA 51(10).

    Examples
    --------
    >>> import numpy as np
    >>> found = brunner_munzel([4, 5, 6, 9], [1, 2, 3, 4.5], rng=np.random.default_rng(1))
    >>> found.estimate, found.method
    (0.9375, 'permutation of the Brunner-Munzel statistic, all of them')
    """
    name = "brunner_munzel"
    inputs.resampling(name, alternative, resamples)
    kept = inputs.arms(name, treated, reference, least=2)
    ordered = _ordered(kept.treated, kept.reference)
    own = _relative(ordered, ordered.treated[None])
    chance, error, freedom = (float(part[0]) for part in own)
    statistic = float(_studentised(own)[0])
    how: MonteCarlo | None = None
    if min(len(kept.treated), len(kept.reference)) >= SMALL and error > 0:
        p, method = _t_p(statistic, freedom, alternative), "Brunner-Munzel t"
    else:
        p, how, method = _permuted(
            ordered, statistic, alternative, resamples=resamples, rng=rng, stop=stop
        )
    return TestResult(
        estimate=chance,
        unit="probability",
        p_value=p,
        null="metrics.null_relative",
        alternative=alternative,
        method=method,
        reference="Brunner & Munzel (2000), Biom. J. 42(1); Neubert & Brunner (2007), CSDA 51(10)",
        guarantee="asymptotic",
        n=kept.n,
        n_excluded=kept.excluded,
        statistic=statistic,
        monte_carlo=how,
        _limits=partial(_t_limits, chance, error, freedom) if error > 0 else None,
    )


def _studentised(found: _Relative) -> Floats:
    return permutation.ratio(found.chance - 0.5, found.error)


def _t_p(statistic: float, freedom: float, alternative: Alternative) -> float:
    sides = 2 if alternative == "two-sided" else 1
    mark = float(permutation.oriented(np.array(statistic), alternative))
    return min(1.0, sides * student_tail(mark, freedom))


def _t_limits(chance: float, error: float, freedom: float, level: float) -> Interval:
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + level / 2)) * error
    low, high = max(0.0, chance - half), min(1.0, chance + half)
    return Interval(low=low, high=high, level=level, method="Brunner-Munzel t")


def _permuted(
    ordered: Ordered,
    statistic: float,
    alternative: Alternative,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
) -> tuple[float, MonteCarlo | None, str]:
    count, size = len(ordered.treated), ordered.n
    mark = float(permutation.oriented(np.array(statistic), alternative))

    def values(masks: Bools) -> Floats:
        return permutation.oriented(_studentised(_relative(ordered, masks)), alternative)

    if permutation.assignments(count, size) <= permutation.ENUMERATE // 4:
        masks = permutation.all_sized_sums(np.eye(count), size).astype(np.bool_)
        p = permutation.enumerated(values(masks), mark)
        return p, None, "permutation of the Brunner-Munzel statistic, all of them"
    p, how = permutation.monte_carlo(
        lambda draws: _slabbed(count, size, draws, rng, values),
        mark,
        resamples=resamples,
        stop=stop,
    )
    return p, how, "permutation of the Brunner-Munzel statistic, drawn"


def _slabbed(
    n: int,
    size: int,
    draws: int,
    rng: Generator,
    values: Callable[[Bools], Floats],
) -> Floats:
    """Return a statistic of labels dealt anew, a slab of draws at a time."""
    parts = [
        values(permutation.sized_masks(n, size, part.stop - part.start, rng))
        for part in slabs(draws, max(1, _CELLS // n))
    ]
    return np.concatenate(parts)


@register(kind="arms", swap="same", scale="multiply")
def energy_test(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether two independent arms have the same distribution, by their energy distance.

    Null hypothesis: the same distribution. Guarantee: exact (permutation). Sensitive to any
    difference, in place, spread or shape.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        NaN is left out and counted.
    rng : numpy.random.Generator
    unit : str
        Of the answers.
    resamples : int
        At least 19.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    TestResult
        2 E|X − Y| − E|X − X'| − E|Y − Y'|; no interval.

    Raises
    ------
    InputError
        If an arm is empty, or a parameter cannot be used.

    References
    ----------
    Székely & Rizzo (2013), J. Statistical Planning and Inference 143(8).

    Examples
    --------
    >>> import numpy as np
    >>> found = energy_test([0.0, 1], [0.0, 3], rng=np.random.default_rng(1))
    >>> found.estimate, found.p_value
    (1.0, 1.0)
    """
    return _distance(
        "energy_test", treated, reference, rng=rng, unit=unit, resamples=resamples, stop=stop
    )


@register(kind="arms", swap="same", scale="invariant")
def ks_test(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether two independent arms have the same distribution, by their largest gap.

    Null hypothesis: the same distribution. Guarantee: exact (permutation of Kolmogorov and
    Smirnov's distance), with ties too.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        NaN is left out and counted.
    rng, resamples, stop
        As :func:`energy_test`.

    Returns
    -------
    TestResult
        The largest difference of the two shares below a value. Intervals are finite-sample
        (Massart's constant for either arm).

    Raises
    ------
    InputError
        If an arm is empty, or a parameter cannot be used.

    References
    ----------
    Massart (1990), Annals of Probability 18(3).

    Examples
    --------
    >>> import numpy as np
    >>> found = ks_test([1.0, 2, 3, 4], [3.0, 4, 5, 6], rng=np.random.default_rng(1))
    >>> found.estimate, round(found.p_value, 4)
    (0.5, 0.7714)
    """
    return _distance(
        "ks_test", treated, reference, rng=rng, unit="share", resamples=resamples, stop=stop
    )


def _distance(
    name: str,
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    unit: str,
    resamples: int,
    stop: bool,
) -> TestResult:
    inputs.draws(name, resamples)
    kept = inputs.arms(name, treated, reference)
    ordered = _ordered(kept.treated, kept.reference)
    energy = name == "energy_test"
    measure = partial(_energy if energy else _largest_gap, ordered)
    observed = float(measure(ordered.treated[None])[0])
    count, size = len(ordered.treated), ordered.n
    p, how = _distance_p(measure, observed, count, size, resamples=resamples, rng=rng, stop=stop)
    return TestResult(
        estimate=observed,
        unit=unit,
        p_value=p,
        null="metrics.null_distribution",
        alternative="two-sided" if not energy else "greater",
        method="permutation of the " + ("energy distance" if energy else "largest gap"),
        reference="Székely & Rizzo (2013), JSPI 143(8)" if energy else "Massart (1990), AoP 18(3)",
        guarantee="exact",
        n=kept.n,
        n_excluded=kept.excluded,
        statistic=observed,
        monte_carlo=how,
        _limits=None if energy else partial(_gap_limits, observed, size, count - size),
    )


def _distance_p(
    measure: partial[Floats],
    observed: float,
    count: int,
    size: int,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
) -> tuple[float, MonteCarlo | None]:
    if permutation.assignments(count, size) <= permutation.ENUMERATE // 4:
        masks = permutation.all_sized_sums(np.eye(count), size).astype(np.bool_)
        return float(np.mean(measure(masks) >= observed * (1 - permutation.TOLERANCE))), None
    # relative, so that the unit of the answers does not matter
    unit = observed or 1.0
    return permutation.monte_carlo(
        lambda draws: _slabbed(count, size, draws, rng, measure) / unit,
        observed / unit,
        resamples=resamples,
        stop=stop,
    )


def _gaps(ordered: Ordered, treated: Bools) -> Floats:
    """Return the difference of the two shares at or below each distinct value."""
    up = np.add.reduceat(treated, ordered.starts, axis=1, dtype=np.float64)
    down = np.diff(ordered.starts, append=len(ordered.treated)) - up
    # the two shares apart, so that labels that change places give the same distance
    below = [np.cumsum(part, axis=1) for part in (up, down)]
    gaps: Floats = below[0] / below[0][:, -1:] - below[1] / below[1][:, -1:]
    return gaps


def _energy(ordered: Ordered, treated: Bools) -> Floats:
    found: Floats = 2 * (_gaps(ordered, treated)[:, :-1] ** 2 @ np.diff(ordered.values))
    return found


def _largest_gap(ordered: Ordered, treated: Bools) -> Floats:
    found: Floats = np.abs(_gaps(ordered, treated)).max(axis=1)
    return found


def _gap_limits(gap: float, n: int, m: int, level: float) -> Interval:
    room = sum(math.sqrt(math.log(4 / (1 - level)) / (2 * size)) for size in (n, m))
    low, high = max(0.0, gap - room), min(1.0, gap + room)
    return Interval(low=low, high=high, level=level, method="Massart's bands")
