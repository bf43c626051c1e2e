"""Showing that a difference is small, and how much data that takes.

Not being able to show a difference shows nothing. What is shown here is the reverse: the mean ratio
lies inside a limit that was set beforehand (two one-sided tests), or at most so many are affected
(a bound on a share).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats
from ..registry import register
from ..result import Interval, TestResult

Claim = Literal["within", "not-dearer", "not-cheaper"]
"""What is to be shown: inside the limit on both sides, or on one."""

TOST = "Schuirmann (1987), J. Pharmacokin. Biopharm. 15(6); Lakens (2017), SPPS 8(4)"


class _Mean(NamedTuple):
    """An estimate whose error is that of a Student t."""

    estimate: float
    error: float
    freedom: float


def _p_within(mean: _Mean, limit: float, claim: Claim) -> float:
    """Return the largest p-value of the one-sided tests that the claim consists of."""
    above = student_tail((mean.estimate + limit) / mean.error, mean.freedom)
    below = student_tail((limit - mean.estimate) / mean.error, mean.freedom)
    return {"within": max(above, below), "not-dearer": below, "not-cheaper": above}[claim]


def student_tail(t: float, freedom: float) -> float:
    """Return P(T ≥ t), never 0.

    Examples
    --------
    >>> round(student_tail(2.228139, 10), 4)
    0.025
    """
    from scipy.special import stdtr

    return max(float(stdtr(freedom, -t)), float(np.finfo(np.float64).tiny))


def _limits(mean: _Mean, level: float) -> Interval:
    """Return the t interval, as a ratio."""
    from scipy.special import stdtrit

    half = float(stdtrit(mean.freedom, 0.5 + level / 2)) * mean.error
    low, high = np.exp([mean.estimate - half, mean.estimate + half])
    return Interval(low=float(low), high=float(high), level=level, method="t of log prices")


def _absence(mean: _Mean, *, limit: float, claim: Claim, n: int, excluded: int) -> TestResult:
    told = mean.error > 0
    return TestResult(
        estimate=math.exp(mean.estimate),
        unit="ratio",
        p_value=_p_within(mean, limit, claim) if told else None,
        null="metrics.null_outside",
        alternative={"within": "two-sided", "not-dearer": "less", "not-cheaper": "greater"}[claim],  # type: ignore[arg-type]
        method="two one-sided t tests" if claim == "within" else "one-sided t test",
        reference=TOST,
        guarantee="asymptotic",
        n=n,
        n_excluded=excluded,
        reason=None if told else "metrics.no_spread",
        _limits=partial(_limits, mean) if told else None,
    )


def _claimed(function: str, claim: str, ratio: float) -> float:
    if claim not in get_args(Claim):
        raise inputs.refusal(function, "claim", "metrics.need_claim", repr(claim))
    return math.log1p(inputs.positive(function, "ratio", ratio))


@register(kind="price pairs", swap="reciprocal", scale="invariant")
def tost_paired(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    ratio: float = 0.01,
    clusters: ArrayLike | None = None,
    claim: Claim = "within",
) -> TestResult:
    """Show that matched prices are alike within a limit, on average.

    Null hypothesis: the geometric-mean ratio lies outside ``1 / (1 + ratio) … 1 + ratio`` (for
    ``"not-dearer"``: at or above ``1 + ratio``). Guarantee: asymptotic, a t test of log ratios; a
    rare large hit that was not drawn is not seen, so bound the share as well
    (:func:`share_upper`), and let :func:`~evenhand.metrics.bounded.log_mean_evidence` decide where
    the claim must hold in finite samples.

    Parameters
    ----------
    treated, reference : (n,) array_like of float
        Prices, positive; NaN: the pair is left out and counted.
    ratio : float
        The limit, 0.01 for 1 %; set before the data are seen.
    clusters : (n,) array_like, optional
        Persona of each pair; the cluster is then the unit.
    claim : {"within", "not-dearer", "not-cheaper"}
        ``"within"`` is equivalence, the others are non-inferiority.

    Returns
    -------
    TestResult
        The ratio. The claim holds at alpha when the interval at ``1 − 2 alpha`` lies inside the
        limit. No p-value, with the reason, where the gaps have no spread at all.

    Raises
    ------
    InputError
        If fewer than two pairs are complete, or a parameter cannot be used.

    References
    ----------
    Schuirmann (1987), J. Pharmacokinetics and Biopharmaceutics 15(6).

    Examples
    --------
    >>> found = tost_paired([100.2, 99.9, 100.1, 100], [100.0, 100, 100, 100.1], ratio=0.01)
    >>> found.p_value < 0.01
    True
    """
    name = "tost_paired"
    limit = _claimed(name, claim, ratio)
    up, down = inputs.both(name, treated, reference, read=inputs.prices)
    kept = inputs.pairs(name, up, down)
    gaps = up - down
    totals, sizes = inputs.totals(name, gaps, ~np.isnan(gaps), clusters)
    inputs.at_least(name, "treated", len(totals), 2)
    mean = _cluster_mean(totals, sizes)
    return _absence(mean, limit=limit, claim=claim, n=len(totals), excluded=kept.excluded)


def _cluster_mean(totals: Floats, sizes: Floats) -> _Mean:
    """Return the ratio of totals to sizes, its error from the residual totals."""
    count = len(totals)
    estimate = float(totals.sum() / sizes.sum())
    residuals = totals - estimate * sizes
    squares = settled_squares(float(np.sum(residuals**2)), float(np.sum(totals**2)))
    error = math.sqrt(squares * count / (count - 1)) / float(sizes.sum())
    return _Mean(estimate, error, count - 1)


def settled_squares(squares: float, scale: float) -> float:
    """Return a sum of squares, 0 where it is only what rounding leaves."""
    return squares if squares > 1e-24 * max(scale, 1e-300) else 0.0


@register(kind="price arms", swap="reciprocal", scale="invariant")
def tost_independent(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    ratio: float = 0.01,
    claim: Claim = "within",
) -> TestResult:
    """Show that the prices of two independent arms are alike within a limit, on average.

    Null hypothesis: the ratio of geometric means lies outside ``1 / (1 + ratio) … 1 + ratio`` (for
    ``"not-dearer"``: at or above ``1 + ratio``). Guarantee: asymptotic, Welch's t of log prices.

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        Prices, positive; NaN is left out and counted.
    ratio, claim
        As :func:`tost_paired`.

    Returns
    -------
    TestResult

    Raises
    ------
    InputError
        If an arm has fewer than two prices, or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> prices = np.linspace(99, 101, 200)
    >>> tost_independent(prices, prices, ratio=0.01).p_value < 0.05
    True
    """
    name = "tost_independent"
    limit = _claimed(name, claim, ratio)
    kept = inputs.arms(name, treated, reference, read=inputs.prices, least=2)
    mean = welch(kept.treated, kept.reference)
    return _absence(_Mean(*mean), limit=limit, claim=claim, n=kept.n, excluded=kept.excluded)


def welch(treated: Floats, reference: Floats) -> tuple[float, float, float]:
    """Return difference of means, its standard error, and Welch's degrees of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> [round(x, 4) for x in welch(np.array([1.0, 2, 3]), np.array([2.0, 4, 6]))]
    [-2.0, 1.291, 2.9412]
    """
    parts = [
        settled_squares(float(np.sum((side - side.mean()) ** 2)), float(np.sum(side**2)))
        / (len(side) - 1)
        / len(side)
        for side in (treated, reference)
    ]
    error = math.sqrt(sum(parts))
    sizes = (len(treated) - 1, len(reference) - 1)
    spread = sum(part**2 / size for part, size in zip(parts, sizes, strict=True))
    freedom = sum(parts) ** 2 / spread if spread > 0 else float(sum(sizes))
    return float(treated.mean() - reference.mean()), error, freedom


# --------------------------------------------------------------------------------------- shares


def share_interval(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """Return the exact interval of a share (Clopper-Pearson).

    Guarantee: exact; the share is left out with chance at most ``1 − level``, for independent
    units of a number fixed beforehand.

    Parameters
    ----------
    hits, n : int
    level : float

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        If `hits` is not between 0 and `n`, or `level` leaves (0, 1).

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4).

    Examples
    --------
    >>> found = share_interval(7, 50)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0582, 0.2674)
    """
    from scipy.special import betaincinv

    _counted("share_interval", hits, n)
    tail = (1 - inputs.fraction("share_interval", "level", level)) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Interval(low=low, high=high, level=level, method="Clopper-Pearson")


def share_upper(hits: int, n: int, *, level: float = 0.95) -> float:
    """Return the exact upper bound of a share: at most so many are affected.

    Guarantee: exact; the share lies above it with chance at most ``1 − level``.

    Parameters
    ----------
    hits, n : int
        Units beyond the limit, and all of them.
    level : float

    Returns
    -------
    float

    Raises
    ------
    InputError
        If `hits` is not between 0 and `n`, or `level` leaves (0, 1).

    Examples
    --------
    >>> round(share_upper(0, 149), 4), round(share_upper(3, 100), 4)
    (0.0199, 0.0757)
    """
    from scipy.special import betaincinv

    _counted("share_upper", hits, n)
    level = inputs.fraction("share_upper", "level", level)
    return float(betaincinv(hits + 1, n - hits, level)) if hits < n else 1.0


def _counted(function: str, hits: int, n: int) -> None:
    inputs.at_least(function, "n", n, 1)
    if not 0 <= hits <= n:
        raise inputs.refusal(function, "hits", "metrics.need_hits", hits)


# ------------------------------------------------------------------------------------- planning

Design = Literal["paired", "independent"]


def power_mean(n: int, *, effect: float, sd: float, alpha: float, design: Design) -> float:
    """Return the chance that a two-sided t test finds a mean effect.

    Parameters
    ----------
    n : int
        Units: pairs (blocks, clusters), or answers in each independent arm; at least 2.
    effect : float
        True mean gap, for example ``log(1.02)``.
    sd : float
        Standard deviation of one gap (paired), or of one answer within an arm (independent).
    alpha : float
        Two-sided.
    design : {"paired", "independent"}

    Returns
    -------
    float

    Raises
    ------
    InputError
        If a parameter leaves its range.

    References
    ----------
    Cohen (1988), Statistical Power Analysis.

    Examples
    --------
    >>> round(power_mean(20, effect=1.0, sd=1.0, alpha=0.05, design="independent"), 4)
    0.869
    """
    from scipy.special import stdtrit
    from scipy.stats import nct  # the special function lacks both tails

    name = "power_mean"
    inputs.at_least(name, "n", n, 2)
    inputs.positive(name, "sd", sd)
    critical = float(stdtrit(_freedom(n, design), 1 - inputs.fraction(name, "alpha", alpha) / 2))
    shift = abs(effect) / sd * math.sqrt(n / (2 if design == "independent" else 1))
    law = nct(_freedom(n, design), shift)
    return float(law.sf(critical) + law.cdf(-critical))


def _freedom(n: int, design: Design) -> int:
    return 2 * n - 2 if design == "independent" else n - 1


def power_tost(n: int, *, ratio: float, sd: float, alpha: float, design: Design) -> float:
    """Return the chance that equal prices are shown alike within a limit (:func:`tost_paired`).

    Parameters
    ----------
    n : int
        As :func:`power_mean`.
    ratio : float
        The limit, 0.01 for 1 %.
    sd : float
        Of the log gap (paired), or of one log price within an arm (independent).
    alpha : float
        Of each of the two one-sided tests.
    design : {"paired", "independent"}

    Returns
    -------
    float
        Owen's exact power where the mean gap is 0.

    Raises
    ------
    InputError
        If a parameter leaves its range.

    References
    ----------
    Owen (1965), Biometrika 52(3).

    Examples
    --------
    >>> round(power_tost(40, ratio=0.25, sd=0.3, alpha=0.05, design="independent"), 3)
    0.902
    """
    from scipy.special import chdtri, ndtr, stdtrit

    name = "power_tost"
    inputs.at_least(name, "n", n, 2)
    limit = math.log1p(inputs.positive(name, "ratio", ratio))
    inputs.positive(name, "sd", sd)
    freedom = _freedom(n, design)
    critical = float(stdtrit(freedom, 1 - inputs.fraction(name, "alpha", alpha)))
    reach = limit / sd * math.sqrt(n / (2 if design == "independent" else 1))
    # given the estimated spread, both tests pass when the mean lies within what it leaves
    spread = np.sqrt(chdtri(freedom, 1 - (np.arange(4_000) + 0.5) / 4_000) / freedom)
    room = np.maximum(reach - critical * spread, 0.0)
    return float(np.mean(2 * ndtr(room) - 1))


def units_needed(power: Callable[[int], float], *, wanted: float = 0.8) -> int:
    """Return the smallest number of units with which a power is reached.

    Parameters
    ----------
    power : callable
        Chance of success with n units, growing with n.
    wanted : float
        In (0, 1).

    Returns
    -------
    int
        At least 2.

    Raises
    ------
    InputError
        If `wanted` leaves (0, 1), or a million units do not suffice.

    Examples
    --------
    >>> units_needed(lambda n: power_mean(n, effect=1, sd=1, alpha=0.05, design="independent"),
    ...              wanted=0.9)
    23
    """
    inputs.fraction("units_needed", "wanted", wanted)
    high = 2
    while power(high) < wanted:
        if high >= MOST_UNITS:
            raise inputs.refusal("units_needed", "power", "metrics.need_reachable", power(high))
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle) >= wanted else (middle, high)
    return high


MOST_UNITS = 2**20


def accounts_needed(share: float, *, alpha: float = 0.05) -> int:
    """Return how many accounts without a hit bound the share of those affected.

    Parameters
    ----------
    share : float
        To be excluded, 0.02 for 2 %.
    alpha : float
        For K hypotheses that are all to be bounded, a K-th of it.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If a parameter leaves (0, 1).

    Examples
    --------
    >>> accounts_needed(0.02), accounts_needed(0.02, alpha=0.05 / 3)
    (149, 203)
    """
    inputs.fraction("accounts_needed", "share", share)
    inputs.fraction("accounts_needed", "alpha", alpha)
    return math.ceil(math.log(alpha) / math.log1p(-share))
