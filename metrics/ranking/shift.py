"""Does the order shown depend on the attribute? Between-arm distance against the twins' own.

In a block the treated arm A, its reference R and the reference's twin T each got a list. If the
lists do not depend on the label, the three are exchangeable, by random assignment; then so is each
arm's distance from the other two. The twins' own distance is the vendor's noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .. import _inputs as inputs
from .._arrays import Bools, Floats, slabs
from ..dependence import log_dependence
from ..registry import register
from ..result import Interval, MonteCarlo, TestResult
from .alike import Measure, list_distance

TRIPLE = 3
FUZZ = 1e-9
OFTEN = 20
"""Like blocks from which their counts are drawn at once instead of one by one."""
SLAB_SWAPS = 1_000_000


def outlyingness(distances: ArrayLike) -> Floats:
    """Return how far each arm of a block stands from the other two.

    Parameters
    ----------
    distances : (n, 3) array_like of float
        Treated-reference, treated-twin, reference-twin; NaN where a list is missing.

    Returns
    -------
    (n, 3) float array
        Of treated, reference and twin: the mean distance from the others.

    Raises
    ------
    InputError
        If the shape is another, or a distance is infinite or negative.

    Examples
    --------
    >>> outlyingness([[0.4, 0.6, 0.0]])
    array([[0.5, 0.2, 0.3]])
    """
    ar, at, rt = _distances(distances).T
    scores: Floats = np.stack([(ar + at) / 2, (ar + rt) / 2, (at + rt) / 2], axis=1)
    return scores


def log_order_dependence(distances: ArrayLike) -> Floats:
    """Return the evidence that the lists depend on the label.

    Null hypothesis: within each block the three lists are exchangeable. Guarantee: exact; under
    the null the chance that the result ever reaches ``log(1 / alpha)`` is at most alpha, for any
    noise of the vendor and any stopping rule. The three scores of a block are the same function of
    its unordered lists, so they are exchangeable when the lists are, and
    :func:`~evenhand.metrics.dependence.log_dependence` may bet on them.

    Parameters
    ----------
    distances : (n, 3) array_like of float
        Treated-reference, treated-twin, reference-twin, in the order asked; a block with a NaN
        counts for nothing. A block without a twin says nothing about order and is left out.

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each block.

    Raises
    ------
    InputError
        As :func:`outlyingness`.

    References
    ----------
    Hannak et al. (2014): differences between accounts beside those of identical controls. Ramdas et
    al. (2023), Statistical Science 38(4): e-processes.

    Examples
    --------
    >>> import numpy as np
    >>> steered = np.tile([0.5, 0.5, 0.1], (12, 1))
    >>> bool(log_order_dependence(steered)[-1] > np.log(20))
    True
    """
    scores = outlyingness(distances)
    return log_dependence(scores, np.full(len(scores), TRIPLE))


def block_distances(
    treated: ArrayLike,
    reference: ArrayLike,
    twin: ArrayLike,
    *,
    measure: Measure = "rbo",
    answered: ArrayLike | None = None,
) -> Floats:
    """Return the three distances of each block.

    Parameters
    ----------
    treated, reference, twin : (n, k) array_like of int
        Lists as codes of one numbering, see :func:`~evenhand.metrics.ranking.code_lists`.
    measure : {"rbo", "jaccard", "kendall"}
    answered : (n, 3) array_like of bool, optional
        Whether each arm got an answer. An empty list is an answer.

    Returns
    -------
    (n, 3) float array
        Treated-reference, treated-twin, reference-twin; NaN where either was not answered.

    Raises
    ------
    InputError
        If the shapes differ, or a list repeats an item or has a gap.

    Examples
    --------
    >>> block_distances([[1, 2]], [[2, 1]], [[2, 1]], measure="kendall")
    array([[1., 1., 0.]])
    """
    pairs = ((treated, reference), (treated, twin), (reference, twin))
    distances = np.stack([list_distance(*pair, measure) for pair in pairs], axis=1)
    if answered is None:
        return distances
    seen = np.asarray(answered, dtype=np.bool_)
    if seen.shape != distances.shape:
        need = str(distances.shape)
        raise InputError("metrics.shape", name="answered", need=need, got=str(seen.shape))
    both: Bools = np.stack(
        [seen[:, 0] & seen[:, 1], seen[:, 0] & seen[:, 2], seen[:, 1] & seen[:, 2]], axis=1
    )
    return np.where(both, distances, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShift:
    """How much farther the treated lists are from the others than twins are from each other.

    Attributes
    ----------
    shift : TestResult
        Mean of (treated-reference + treated-twin) / 2 - reference-twin, and whether it is above 0.
    between, within : float
        The two means.
    """

    shift: TestResult
    between: float
    within: float


@register(kind="distances", swap=None, scale="multiply", read="shift")
def order_shift(
    distances: ArrayLike, *, rng: np.random.Generator, resamples: int = 9_999
) -> OrderShift:
    """Return between-arm against twin distance, tested by swapping the labels within blocks.

    Null hypothesis: within each block the three lists are exchangeable, so each of them was as
    likely to be the treated one. Guarantee: exact, with p = (1 + k) / (1 + resamples); the
    intervals, Student's t over blocks, are asymptotic.

    Parameters
    ----------
    distances : (n, 3) array_like of float
        Treated-reference, treated-twin, reference-twin; blocks with a NaN are left out and counted.
    rng : numpy.random.Generator
    resamples : int
        At least 19.

    Returns
    -------
    OrderShift
        Its test is one-sided; `n` counts blocks.

    Raises
    ------
    InputError
        As :func:`outlyingness`, or if no block is complete or a parameter cannot be used.

    References
    ----------
    Anderson (2001), Austral Ecology 26, 32-46: permutation of distances. Phipson, Smyth (2010).

    Examples
    --------
    >>> import numpy as np
    >>> found = order_shift(np.tile([0.5, 0.5, 0.1], (8, 1)), rng=np.random.default_rng(1))
    >>> round(found.shift.estimate, 3), found.shift.p_value < 0.001
    (0.4, True)
    """
    name = "order_shift"
    inputs.draws(name, resamples)
    table = _distances(distances)
    kept = table[~np.isnan(table).any(axis=1)]
    inputs.at_least(name, "distances", len(kept), 1)
    # the gap if each of the three arms had been the treated one
    total = kept.sum(axis=1, keepdims=True)
    own = kept[:, ::-1]
    gaps = (total - own) / 2 - own
    seen = gaps[:, 0]
    how = _swapped(gaps, rng, resamples)
    shift = TestResult(
        estimate=float(seen.mean()),
        unit="distance",
        p_value=(1 + how.extreme) / (1 + how.draws),
        null="metrics.null_exchangeable",
        alternative="greater",
        method=f"label swaps within blocks, {resamples} draws",
        reference="Anderson (2001), Austral Ecology 26; Phipson & Smyth (2010), SAGMB 9(1)",
        guarantee="exact",
        n=len(kept),
        n_excluded=len(table) - len(kept),
        statistic=float(seen.sum()),
        monte_carlo=how,
        _limits=partial(_student, seen) if len(seen) > 1 else None,
    )
    return OrderShift(
        shift=shift, between=float(kept[:, :2].mean()), within=float(kept[:, 2].mean())
    )


def _swapped(gaps: Floats, rng: np.random.Generator, resamples: int) -> MonteCarlo:
    """Draw which arm was the treated one, through counts of like blocks."""
    kinds, counts = np.unique(gaps.round(12), axis=0, return_counts=True)
    drawn = np.zeros(resamples)
    often = counts > OFTEN
    for kind, count in zip(kinds[often], counts[often], strict=True):
        drawn += rng.multinomial(count, [1 / TRIPLE] * TRIPLE, size=resamples) @ kind
    rare = np.repeat(kinds[~often], counts[~often], axis=0)
    for rows in slabs(resamples, max(1, SLAB_SWAPS // max(1, len(rare)))):
        arms = rng.integers(TRIPLE, size=(rows.stop - rows.start, len(rare)), dtype=np.int8)
        drawn[rows] += rare[np.arange(len(rare)), arms].sum(axis=1)
    seen = gaps[:, 0].sum()
    as_large = int((drawn >= seen - FUZZ * max(1.0, float(np.abs(gaps).sum()))).sum())
    return MonteCarlo(draws=resamples, extreme=as_large, stopped=False)


def _student(values: Floats, level: float) -> Interval:
    from scipy.special import stdtrit

    n = len(values)
    half = float(stdtrit(n - 1, 0.5 + level / 2) * values.std(ddof=1) / np.sqrt(n))
    mean = float(values.mean())
    return Interval(low=mean - half, high=mean + half, level=level, method="Student t over blocks")


def _distances(distances: ArrayLike) -> Floats:
    table = np.asarray(distances, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != TRIPLE:  # noqa: PLR2004 - blocks of three distances
        raise InputError("metrics.shape", name="distances", need="(n, 3)", got=str(table.shape))
    if np.isinf(table).any():
        raise InputError("metrics.infinite", name="distances")
    if (table < 0).any():
        got = float(np.nanmin(table))
        raise InputError("metrics.range", name="distances", need="[0, inf)", got=got)
    return table
