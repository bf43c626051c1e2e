"""Matched pairs: the treated answer beside the reference's answer of the same context.

Turning the sign of a pair's gap is exchanging its two arms. Where the arms were assigned by lot
within the pair, every turn was as likely as the one that happened, whatever the noise; that makes
these tests exact. The studentised gap is judged by the same turns as the plain sum: the sum of
squares does not change when signs do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats
from ..registry import register
from ..result import Alternative, Interval, MonteCarlo, TestResult
from . import permutation
from ._lattice import signed_p, walsh_limits, walsh_median
from .permutation import RESAMPLES, Generator

HARTIGAN = "Hartigan (1969), JASA 64(328); Phipson & Smyth (2010), SAGMB 9(1)"


@dataclass(frozen=True, slots=True)
class Flips:
    """A sign-flip p-value and how it came about."""

    p_value: float
    statistic: float
    method: str
    monte_carlo: MonteCarlo | None


def flip(
    totals: Floats,
    alternative: Alternative,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
    step: float | None = None,
) -> Flips:
    """Return the sign-flip test of a column of gaps; zeros do not move whatever their sign."""
    moving = totals[totals != 0]
    if not len(moving):
        return Flips(1.0, 0.0, "sign flips, all gaps zero", None)
    unit_free = moving / np.abs(moving).max()
    scaled = (unit_free / np.sqrt(np.sum(unit_free**2)))[:, None]
    whole = float(scaled.sum())
    observed = float(permutation.oriented(np.array(whole), alternative))

    def turned(sums: Floats) -> Floats:
        return permutation.oriented(whole - 2 * sums[:, 0], alternative)

    if 2 ** len(moving) <= permutation.ENUMERATE:
        p = permutation.enumerated(turned(permutation.all_flip_sums(scaled)), observed)
        return Flips(p, whole, "sign flips, all of them", None)
    exact = None if step is None else signed_p(np.rint(moving / step).astype(np.int64), alternative)
    if exact is not None:
        return Flips(exact, whole, "sign flips, law of the sum", None)
    p, how = permutation.monte_carlo(
        lambda draws: turned(permutation.flip_sums(scaled, draws, rng)),
        observed,
        resamples=resamples,
        stop=stop,
    )
    return Flips(p, whole, "sign flips, drawn", how)


def flip_limits(totals: Floats, sizes: Floats, seed: int, level: float) -> Interval:
    """Return all means that the sign flips of ``totals − mean · sizes`` do not reject.

    For each subset that is turned, the mean at which its turn becomes as extreme as the data is the
    mean over that subset, so the limits are order statistics of subset means.
    """
    both = np.stack([totals, sizes], axis=1)
    if 2 ** len(totals) <= permutation.ENUMERATE:
        sums = permutation.all_flip_sums(both)[1:]
    else:
        sums = permutation.flip_sums(both, RESAMPLES, np.random.default_rng(seed))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, 0] / sums[:, 1]
    low, high = permutation.order_limits(means, level)
    return Interval(low=low, high=high, level=level, method="inverted sign flips")


def new_seed(rng: Generator) -> int:
    """Return a seed for what is drawn later, so that a result gives the same interval each time."""
    return int(rng.integers(2**63))


@register(kind="gaps", swap="negate", scale="multiply")
def sign_flip(
    gaps: ArrayLike,
    *,
    rng: Generator,
    clusters: ArrayLike | None = None,
    alternative: Alternative = "two-sided",
    unit: str = "log-ratio",
    step: float | None = None,
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether the mean gap of matched pairs is zero, by turning signs.

    Null hypothesis: every gap (or cluster of gaps) is symmetric about 0, which random assignment
    within the pair makes true when the arm does not matter. Guarantee: exact, under any noise. At
    most 100,000 turns are all looked at; else they are drawn, p = (1 + k) / (1 + draws), and
    plainly large p-values stop the drawing.

    Parameters
    ----------
    gaps : (n,) array_like of float
        Treated minus reference; log ratios, unless `unit` says otherwise. NaN: no answer, the pair
        is left out and counted. Pairs without a gap are kept in the estimate.
    rng : numpy.random.Generator
    clusters : (n,) array_like, optional
        Persona of each pair, where one persona was asked more than once: signs turn together.
    alternative : {"two-sided", "greater", "less"}
    unit : str
    step : float, optional
        Gaps are whole multiples of this, for example 0.01 for cents. Where the lattice is small
        enough the law of the sum is computed, and no chance enters.
    resamples : int
        At least 19.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    TestResult
        The mean gap; intervals by inversion of the same test, exact for gaps symmetric about it.
        `n` counts clusters where there are any.

    Raises
    ------
    InputError
        If a parameter cannot be used.

    References
    ----------
    Hartigan (1969), JASA 64(328); Phipson & Smyth (2010), SAGMB 9(1).

    Examples
    --------
    >>> import numpy as np
    >>> found = sign_flip([0.03, 0.02, 0.05, 0.01, 0.04], rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), found.p_value, found.method
    (0.03, 0.0625, 'sign flips, all of them')
    """
    name = "sign_flip"
    inputs.resampling(name, alternative, resamples)
    column = inputs.numbers(name, "gaps", gaps)
    there = ~np.isnan(column)
    inputs.at_least(name, "gaps", int(there.sum()), 1)
    totals, sizes = inputs.totals(name, column, there, clusters)
    _whole_steps(name, totals, step)
    found = flip(totals, alternative, resamples=resamples, rng=rng, stop=stop, step=step)
    return TestResult(
        estimate=float(totals.sum() / sizes.sum()),
        unit=unit,
        p_value=found.p_value,
        null="metrics.null_symmetric",
        alternative=alternative,
        method=found.method,
        reference=HARTIGAN,
        guarantee="exact",
        n=len(totals),
        n_excluded=int((~there).sum()),
        statistic=found.statistic,
        monte_carlo=found.monte_carlo,
        _limits=partial(flip_limits, totals, sizes, new_seed(rng)),
    )


def _whole_steps(name: str, totals: Floats, step: float | None) -> None:
    if step is None:
        return
    steps = totals / inputs.positive(name, "step", step)
    if (np.abs(steps - np.rint(steps)) > 1e-6 * np.maximum(1, np.abs(steps))).any():
        raise inputs.refusal(name, "gaps", "metrics.need_steps", step)


@register(kind="price pairs", swap="reciprocal", scale="invariant")
def price_ratio(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    clusters: ArrayLike | None = None,
    alternative: Alternative = "two-sided",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether matched prices differ, in the ratio of their geometric means.

    Null hypothesis: the log ratio of every pair is symmetric about 0. Guarantee: exact, as
    :func:`sign_flip` of the log ratios, which this is.

    Parameters
    ----------
    treated, reference : (n,) array_like of float
        Prices, positive; NaN: no quote, the pair is left out and counted.
    rng : numpy.random.Generator
    clusters, alternative, resamples, stop
        As :func:`sign_flip`.

    Returns
    -------
    TestResult
        The ratio treated / reference, with intervals by inversion.

    Raises
    ------
    InputError
        If a price is not positive, or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> reference = np.array([100.0, 150, 80, 120, 95, 210])
    >>> found = price_ratio(reference * 1.05, reference, rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), found.p_value
    (1.05, 0.03125)
    """
    name = "price_ratio"
    inputs.resampling(name, alternative, resamples)
    up, down = inputs.both(name, treated, reference, read=inputs.prices)
    inputs.pairs(name, up, down)
    found = sign_flip(
        up - down,
        rng=rng,
        clusters=clusters,
        alternative=alternative,
        resamples=resamples,
        stop=stop,
    )
    return as_ratio(found)


def as_ratio(found: TestResult) -> TestResult:
    """Return a result on the log scale as a ratio."""
    estimate = None if found.estimate is None else float(np.exp(found.estimate))
    return replace(found, estimate=estimate, unit="ratio", _limits=partial(_ratio_limits, found))


def _ratio_limits(found: TestResult, level: float) -> Interval | None:
    inner = found.interval(level)
    if inner is None:
        return None
    return replace(inner, low=float(np.exp(inner.low)), high=float(np.exp(inner.high)))


@register(kind="gaps", swap="negate", scale="multiply")
def hodges_lehmann(
    gaps: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "log-ratio",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test the centre of matched gaps by signed ranks, with the Hodges-Lehmann estimate.

    Null hypothesis: every gap is symmetric about 0. Guarantee: exact; Wilcoxon's signed ranks
    given which gaps tie, zeros left out. A few wild gaps move neither estimate nor test much.

    Parameters
    ----------
    gaps : (n,) array_like of float
        Treated minus reference; NaN is left out and counted.
    rng : numpy.random.Generator
        Used beyond some hundred pairs, where the law is drawn.
    alternative, unit, resamples, stop
        As :func:`sign_flip`.

    Returns
    -------
    TestResult
        The median of all averages of two gaps; intervals between two of those averages.

    Raises
    ------
    InputError
        If a parameter cannot be used.

    References
    ----------
    Hollander, Wolfe & Chicken (2014), Nonparametric Statistical Methods, ch. 3.

    Examples
    --------
    >>> import numpy as np
    >>> found = hodges_lehmann([1.0, 2, 3, -0.5, 4], rng=np.random.default_rng(1))
    >>> found.estimate, found.p_value
    (2.0, 0.125)
    """
    name = "hodges_lehmann"
    inputs.resampling(name, alternative, resamples)
    kept, excluded = inputs.present(name, "gaps", inputs.numbers(name, "gaps", gaps))
    ranks = signed_ranks(kept)
    found = flip(ranks, alternative, resamples=resamples, rng=rng, stop=stop, step=1.0)
    return TestResult(
        estimate=walsh_median(kept),
        unit=unit,
        p_value=found.p_value,
        null="metrics.null_symmetric",
        alternative=alternative,
        method=found.method.replace("sign flips", "signed ranks"),
        reference="Hodges & Lehmann (1963), AMS 34(2); Hollander, Wolfe & Chicken (2014), ch. 3",
        guarantee="exact",
        n=len(kept),
        n_excluded=excluded,
        statistic=found.statistic,
        monte_carlo=found.monte_carlo,
        _limits=partial(walsh_limits, kept),
    )


def signed_ranks(gaps: Floats) -> Floats:
    """Return twice the midrank of each size, with the sign of its gap; whole numbers."""
    moving = gaps[gaps != 0]
    _, inverse, counts = np.unique(np.abs(moving), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    doubled: Floats = (2 * last - counts + 1)[inverse] * np.sign(moving)
    return doubled


@register(kind="binary pairs", swap="negate", scale=None)
def mcnemar(
    treated: ArrayLike, reference: ArrayLike, *, alternative: Alternative = "two-sided"
) -> TestResult:
    """Test whether matched yes / no answers depend on the arm (exact McNemar).

    Null hypothesis: a pair whose answers differ is as likely to lean either way. Guarantee: exact,
    given how many pairs differ; with none that differ, p = 1.

    Parameters
    ----------
    treated, reference : (n,) array_like of 0, 1 or NaN
        Pairs with a missing side are left out and counted.
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    TestResult
        The difference of the two shares; intervals by the score of the paired difference.

    Raises
    ------
    InputError
        If an answer is neither 0 nor 1, or the arms differ in length.

    References
    ----------
    McNemar (1947), Psychometrika 12(2); Tango (1998), Statistics in Medicine 17(8).

    Examples
    --------
    >>> found = mcnemar([1] * 9 + [0] * 11, [0] * 8 + [1] + [0] * 11)
    >>> round(found.estimate, 3), found.p_value
    (0.4, 0.0078125)
    """
    name = "mcnemar"
    inputs.side(name, alternative)
    kept = inputs.pairs(name, treated, reference, read=inputs.binary)
    more = int((kept.treated > kept.reference).sum())
    less = int((kept.treated < kept.reference).sum())
    n = len(kept.treated)
    return TestResult(
        estimate=(more - less) / n,
        unit="share",
        p_value=binomial_p(more, more + less, alternative),
        null="metrics.null_discordant",
        alternative=alternative,
        method="exact McNemar; score interval of the paired difference",
        reference="McNemar (1947), Psychometrika 12(2); Tango (1998), Statist. Med. 17(8)",
        guarantee="exact",
        n=n,
        n_excluded=kept.excluded,
        statistic=float(more),
        _limits=partial(_tango, more, less, n),
    )


def binomial_p(more: int, n: int, alternative: Alternative) -> float:
    """Return the p-value of `more` heads of `n` fair coins."""
    from scipy.special import bdtr

    tails = {
        "greater": float(bdtr(n - more, n, 0.5)),
        "less": float(bdtr(more, n, 0.5)),
        "two-sided": 2 * float(bdtr(min(more, n - more), n, 0.5)),
    }
    return min(1.0, max(tails[alternative], np.finfo(np.float64).tiny)) if n else 1.0


def _tango(more: int, less: int, n: int, level: float) -> Interval:
    """Invert the score test of the difference of two paired shares."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    estimate = (more - less) / n

    def score(delta: float) -> float:
        half = -more - less + (2 * n - more + less) * delta
        root = max(half * half + 8 * n * less * delta * (1 - delta), 0.0) ** 0.5
        rare = (root - half) / (4 * n)
        spread = n * (2 * rare + delta * (1 - delta))
        gap = more - less - n * delta
        return 0.0 if gap == 0 else gap / max(spread, 1e-300) ** 0.5

    edge = 1 - 1e-12
    low = -1.0 if score(-edge) <= z else brentq(lambda d: score(d) - z, -edge, estimate)
    high = 1.0 if score(edge) >= -z else brentq(lambda d: score(d) + z, estimate, edge)
    return Interval(low=float(low), high=float(high), level=level, method="score")
