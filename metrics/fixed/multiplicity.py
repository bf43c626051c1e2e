"""Many tests at once: adjusted p-values, and what may be called a discovery.

For a family of primary hypotheses: :func:`holm`. For many outcomes of the same rows:
:func:`step_down_arms` and :func:`step_down_pairs`, which use how the outcomes hang together. For
exploration: :func:`benjamini_hochberg`, :func:`benjamini_yekutieli` under any dependence, and
:func:`e_benjamini_hochberg` for e-values. Of several seeds average the e-values; never take the
least p.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _inputs as inputs
from .._arrays import Bools, Floats, slabs
from ..registry import register
from ..result import Guarantee, TestResult
from . import permutation
from .permutation import RESAMPLES, Generator

Singles = NDArray[np.float32]

SLAB = 2_500
"""Draws whose labels are held at once."""

ROUNDING = 1e-4
"""Statistics of resamples are summed in single precision: what is closer than this ties, which can
only raise a p-value."""


def holm(p_values: ArrayLike) -> Floats:
    """Return Holm's adjusted p-values.

    Guarantee: the chance that any true null has an adjusted p of at most alpha is at most alpha,
    under any dependence.

    Parameters
    ----------
    p_values : (m,) array_like of float

    Returns
    -------
    (m,) float array
        In the order given.

    Raises
    ------
    InputError
        If a p-value leaves [0, 1].

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(4).tolist()
    [0.03, 0.06, 0.06]
    """
    p = inputs.probabilities("holm", "p_values", p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _placed(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Return Benjamini and Hochberg's adjusted p-values.

    Guarantee: of what has an adjusted p of at most q, a share of at most q is false on average, for
    p-values that are independent or positively dependent.

    Parameters
    ----------
    p_values : (m,) array_like of float

    Returns
    -------
    (m,) float array

    Raises
    ------
    InputError
        If a p-value leaves [0, 1].

    References
    ----------
    Benjamini & Hochberg (1995), JRSS-B 57(1).

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5]).round(4).tolist()
    [0.04, 0.0533, 0.0533, 0.5]
    """
    return _step_up(inputs.probabilities("benjamini_hochberg", "p_values", p_values), 1.0)


def benjamini_yekutieli(p_values: ArrayLike) -> Floats:
    """Return Benjamini and Yekutieli's adjusted p-values.

    Guarantee: as :func:`benjamini_hochberg`, under any dependence, at the price of a factor of
    1 + 1/2 + … + 1/m.

    Parameters
    ----------
    p_values : (m,) array_like of float

    Returns
    -------
    (m,) float array

    Raises
    ------
    InputError
        If a p-value leaves [0, 1].

    References
    ----------
    Benjamini & Yekutieli (2001), Annals of Statistics 29(4).

    Examples
    --------
    >>> benjamini_yekutieli([0.01, 0.04]).round(4).tolist()
    [0.03, 0.06]
    """
    p = inputs.probabilities("benjamini_yekutieli", "p_values", p_values)
    return _step_up(p, float(np.sum(1 / np.arange(1.0, len(p) + 1))))


def _step_up(p: Floats, factor: float) -> Floats:
    order = np.argsort(p, kind="stable")
    scaled = p[order] * factor * len(p) / np.arange(1.0, len(p) + 1)
    steps = np.minimum.accumulate(scaled[::-1])[::-1]
    return _placed(np.minimum(steps, 1.0), order)


def _placed(values: Floats, order: NDArray[np.intp]) -> Floats:
    out = np.empty(len(values))
    out[order] = values
    return out


def e_benjamini_hochberg(e_values: ArrayLike, *, alpha: float) -> Bools:
    """Return which e-values are discoveries (e-BH).

    Guarantee: a share of at most alpha of them is false on average, under any dependence.

    Parameters
    ----------
    e_values : (m,) array_like of float
        Not negative; a mean of e-values of several seeds is one.
    alpha : float

    Returns
    -------
    (m,) bool array

    Raises
    ------
    InputError
        If an e-value is negative or NaN, or `alpha` leaves (0, 1).

    References
    ----------
    Wang & Ramdas (2022), JRSS-B 84(3).

    Examples
    --------
    >>> e_benjamini_hochberg([100.0, 35, 1, 0.2], alpha=0.05).tolist()
    [True, False, False, False]
    """
    name = "e_benjamini_hochberg"
    inputs.fraction(name, "alpha", alpha)
    e = np.asarray(e_values, dtype=np.float64)
    if e.ndim != 1:
        raise inputs.refusal(name, "e_values", "metrics.need_column", e.shape)
    if not (e >= 0).all():
        raise inputs.refusal(name, "e_values", "metrics.need_evalues", float(e[~(e >= 0)][0]))
    ranked = np.sort(e)[::-1]
    places = np.arange(1, len(e) + 1)
    enough = np.flatnonzero(places * ranked >= len(e) / alpha)
    least = ranked[enough[-1]] if len(enough) else np.inf
    found: Bools = e >= least
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyResult:
    """What a family of outcomes of the same rows showed, one entry an outcome.

    `p_values` are those of each outcome alone, `adjusted` those of the family. Both are valid as
    they stand: (1 + k) / (1 + draws).
    """

    estimates: Floats
    unit: str
    statistics: Floats
    p_values: Floats
    adjusted: Floats
    draws: int
    null: str
    method: str
    guarantee: Guarantee
    n: int
    n_excluded: int
    reference: str = "Westfall & Young (1993); Romano & Wolf (2005), JASA 100(469)"

    @property
    def joint(self) -> TestResult:
        """The test that no outcome differs, by the one that differs most plainly; two-sided."""
        most = int(np.argmax(np.abs(self.statistics)))
        return TestResult(
            estimate=float(self.estimates[most]),
            unit=self.unit,
            p_value=float(self.adjusted.min()),
            null=self.null,
            alternative="two-sided",
            method=self.method,
            reference=self.reference,
            guarantee=self.guarantee,
            n=self.n,
            n_excluded=self.n_excluded,
            statistic=float(self.statistics[most]),
        )


@register(kind="outcomes", swap="negate", scale="multiply", read="joint")
def step_down_arms(
    outcomes: ArrayLike,
    treated: ArrayLike,
    *,
    rng: Generator,
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
) -> FamilyResult:
    """Test many outcomes of two independent arms, step-down by the largest Welch's t (maxT).

    Null hypothesis: the arms have the same distribution of those outcomes that are true nulls.
    Guarantee: the chance of any adjusted p of at most alpha among them is at most alpha; exact
    where the arms differ in no outcome, asymptotic where they differ in some.

    Parameters
    ----------
    outcomes : (n, m) array_like of float
        Rows with a missing outcome (NaN) are left out and counted.
    treated : (n,) array_like of 0 or 1
    rng : numpy.random.Generator
    unit : str
    resamples : int
        At least 19. Memory: 2,500 × n single-precision numbers.

    Returns
    -------
    FamilyResult
        Differences of means, two-sided.

    Raises
    ------
    InputError
        If an arm has fewer than two rows, or a parameter cannot be used.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing; Romano & Wolf (2005), JASA 100(469).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> outcomes, treated = rng.normal(size=(80, 5)), np.arange(80) % 2
    >>> outcomes[:, 0] += 2 * treated
    >>> (step_down_arms(outcomes, treated, rng=rng, resamples=999).adjusted < 0.05).tolist()
    [True, False, False, False, False]
    """
    name = "step_down_arms"
    inputs.draws(name, resamples)
    table = inputs.matrix(name, "outcomes", outcomes)
    arm = inputs.binary(name, "treated", treated)
    if len(arm) != len(table):
        raise inputs.refusal(name, "treated", "metrics.need_same_length", arm.shape)
    there = ~(np.isnan(table).any(axis=1) | np.isnan(arm))
    kept, own = table[there], arm[there] == 1
    size = int(own.sum())
    inputs.at_least(name, "treated", min(size, len(own) - size), 2)
    scaled = _scaled(kept - kept.mean(axis=0), kept)
    columns = np.concatenate([scaled, scaled**2], axis=1).T
    squares = columns[len(columns) // 2 :].sum(axis=1, keepdims=True)
    observed = _welch(columns @ own[:, None], squares, size, len(own) - size)[:, 0]
    singles, single_squares = columns.astype(np.float32), squares.astype(np.float32)

    def draw(draws: int) -> Singles:
        bits = permutation.sized_bits(len(own), size, draws, rng)
        masks = permutation.unpacked(bits, len(own)).astype(np.float32)
        return _welch(singles @ masks, single_squares, size, len(own) - size)

    raw, adjusted = _step_down(np.abs(observed), draw, resamples)
    return FamilyResult(
        estimates=kept[own].mean(axis=0) - kept[~own].mean(axis=0),
        unit=unit,
        statistics=observed,
        p_values=raw,
        adjusted=adjusted,
        draws=resamples,
        null="metrics.null_distribution",
        method="step-down maxT of Welch's t",
        guarantee="asymptotic",
        n=len(kept),
        n_excluded=int((~there).sum()),
    )


def _scaled(values: Floats, raw: Floats) -> Floats:
    """Return columns of size 1; what only rounding leaves of a constant `raw` one becomes 0."""
    spread = np.sqrt((values**2).mean(axis=0))
    some = spread > _NOTHING * np.abs(raw).max(axis=0, initial=0.0)
    scaled: Floats = np.where(some, values, 0.0) / np.where(some, spread, 1.0)
    return scaled


_NOTHING = 1e-12
"""A spread this much smaller than the values is none."""


def _welch(
    sums: NDArray[np.floating], squares: NDArray[np.floating], size: int, m: int
) -> NDArray[Any]:
    """Return Welch's t (outcomes, draws) from sums over the treated rows (2 · outcomes, draws).

    Columns are centred: what the treated rows do not hold, the others do with the opposite sign.
    """
    first, second = sums[: len(squares)], sums[len(squares) :]
    up, down = 1 / (size * (size - 1)), 1 / (m * (m - 1))
    # second·up + (squares − second)·down − first²·(up/size + down/m), in few passes
    variance = first * first
    variance *= -(up / size + down / m)
    variance += second * (up - down)
    variance += squares * down
    np.maximum(variance, np.finfo(np.float32).tiny, out=variance)
    found: NDArray[Any] = first * (1 / size + 1 / m) / np.sqrt(variance)
    return found


@register(kind="outcome gaps", swap="negate", scale="multiply", read="joint")
def step_down_pairs(
    gaps: ArrayLike,
    *,
    rng: Generator,
    unit: str = "log-ratio",
    resamples: int = RESAMPLES,
) -> FamilyResult:
    """Test many outcomes of matched pairs, step-down by the largest studentised gap (maxT).

    Null hypothesis: the gaps of those outcomes that are true nulls are jointly symmetric about 0.
    Guarantee: exact; the chance of any adjusted p of at most alpha among them is at most alpha,
    whatever the other outcomes do, since one turn of a pair turns all of its outcomes.

    Parameters
    ----------
    gaps : (n, m) array_like of float
        Treated minus reference; pairs with a missing outcome (NaN) are left out and counted.
    rng : numpy.random.Generator
    unit : str
    resamples : int
        At least 19.

    Returns
    -------
    FamilyResult
        Mean gaps, two-sided.

    Raises
    ------
    InputError
        If no pair is complete, or a parameter cannot be used.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> gaps = rng.normal(size=(60, 4)) + np.array([1.0, 0, 0, 0])
    >>> (step_down_pairs(gaps, rng=rng, resamples=999).adjusted < 0.05).tolist()
    [True, False, False, False]
    """
    name = "step_down_pairs"
    inputs.draws(name, resamples)
    table = inputs.matrix(name, "gaps", gaps)
    there = ~np.isnan(table).any(axis=1)
    kept = table[there]
    inputs.at_least(name, "gaps", len(kept), 1)
    scaled = _scaled(kept, kept) / np.sqrt(len(kept))
    whole, singles = scaled.sum(axis=0), scaled.T.astype(np.float32)
    total = whole.astype(np.float32)[:, None]

    def draw(draws: int) -> Singles:
        bits = permutation.fair_bits(len(kept), draws, rng)
        masks = permutation.unpacked(bits, len(kept)).astype(np.float32)
        turned: Singles = total - 2 * (singles @ masks)
        return turned

    raw, adjusted = _step_down(np.abs(whole), draw, resamples)
    return FamilyResult(
        estimates=kept.mean(axis=0),
        unit=unit,
        statistics=whole,
        p_values=raw,
        adjusted=adjusted,
        draws=resamples,
        null="metrics.null_symmetric",
        method="step-down maxT of sign flips",
        guarantee="exact",
        n=len(kept),
        n_excluded=int((~there).sum()),
    )


def _step_down(
    observed: Floats, draw: Callable[[int], Singles], resamples: int
) -> tuple[Floats, Floats]:
    """Return each outcome's own p-value and its step-down adjusted one."""
    # from the least extreme outcome up, so that a running maximum is over all that are less so
    order = np.argsort(observed, kind="stable")
    marks = (observed[order] * (1 - ROUNDING) - ROUNDING)[:, None]
    alone, joint = np.zeros(len(order)), np.zeros(len(order))
    for part in slabs(resamples, SLAB):
        found = np.abs(draw(part.stop - part.start)[order])
        alone += np.count_nonzero(found >= marks, axis=1)
        np.maximum.accumulate(found, axis=0, out=found)
        joint += np.count_nonzero(found >= marks, axis=1)
    stepped = np.maximum.accumulate((1 + joint[::-1]) / (1 + resamples))[::-1]
    return _placed((1 + alone) / (1 + resamples), order), _placed(stepped, order)
