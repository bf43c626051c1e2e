"""Families: what may be claimed when several hypotheses share one error rate.

Accusing and clearing are two families, each with a level of its own: for one hypothesis only one of
the two kinds of claim can be false. All evidence is on the log scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ._arrays import Bools, Floats, floats, inside

CLAIMS = 3
"""Clearing needs three: share inside, mean not above, mean not below."""


def accusation_level(hypotheses: int, already: int, alpha: float) -> float:
    """Return the level at which one hypothesis is accused.

    Parameters
    ----------
    hypotheses : int
        K, all primary hypotheses of the plan, undelivered ones included.
    already : int
        How many are established already.
    alpha : float
        Level of the family.

    Returns
    -------
    float
        ``alpha / (K − already)``.

    Raises
    ------
    InputError
        If an argument leaves its range.

    Examples
    --------
    >>> accusation_level(5, 0, 0.05), accusation_level(5, 3, 0.05)
    (0.01, 0.025)
    """
    inside("hypotheses", hypotheses, 0, np.inf)
    inside("already", already, -1, hypotheses)
    return inside("alpha", alpha, 0, 1) / (hypotheses - already)


def accuse(log_e: ArrayLike, *, already: int, hypotheses: int, alpha: float) -> Bools:
    """Return which hypotheses are accused: those with ``e ≥ (K − already) / alpha``.

    Guarantee: with e-processes (running maxima allowed) the chance of any false accusation, at any
    time, is at most alpha. It is the closed test with Bonferroni's e-value, stepped down by what is
    established; arbitrary dependence between the hypotheses is allowed.

    Parameters
    ----------
    log_e : (k,) array_like of float
        Of the hypotheses that are still open.
    already : int
        How many are established already.
    hypotheses : int
        K, all primary hypotheses of the plan.
    alpha : float
        Level of the family.

    Returns
    -------
    (k,) bool array

    Raises
    ------
    InputError
        If an argument leaves its range.

    Examples
    --------
    >>> import numpy as np
    >>> accuse(np.log([61.0, 59.0]), already=0, hypotheses=3, alpha=0.05)
    array([ True, False])
    >>> accuse(np.log([59.0]), already=1, hypotheses=3, alpha=0.05)
    array([ True])
    """
    evidence = np.asarray(log_e, dtype=np.float64)
    accused: Bools = evidence >= -np.log(accusation_level(hypotheses, already, alpha))
    return accused


def adjusted(log_e: ArrayLike, already: int, hypotheses: int) -> Floats:
    """Return the adjusted p-values ``min(1, (K − already) / e)`` of the rule of :func:`accuse`.

    Parameters
    ----------
    log_e : array_like of float
        Running maxima.
    already, hypotheses : int
        As for :func:`accuse`.

    Returns
    -------
    float array
        Of the shape of `log_e`.

    Examples
    --------
    >>> import numpy as np
    >>> adjusted(np.log([300.0, 2.0]), 0, 3)
    array([0.01, 1.  ])
    """
    evidence = np.asarray(log_e, dtype=np.float64)
    p: Floats = np.exp(np.minimum(0.0, np.log(hypotheses - already) - evidence))
    return p


def clear(log_e: ArrayLike, *, hypotheses: int, alpha_clear: float) -> Bools:
    """Return which hypotheses are cleared, by closed testing with averages.

    Guarantee: with e-processes of one filtration, all read at the same moment, the chance of any
    false clearing, at any time, is at most `alpha_clear`; arbitrary dependence is allowed. A
    hypothesis is cleared when for every m the average of its evidence and of its m smallest rivals
    reaches ``1 / alpha_clear``.

    Parameters
    ----------
    log_e : (k, 3) array_like of float
        Per hypothesis: share inside, mean not above, mean not below. The least of the three counts.
        A hypothesis that was never delivered is a row of ``-inf``, or is left out.
    hypotheses : int
        K, all primary hypotheses of the plan; rows that are missing count as no evidence at all.
    alpha_clear : float
        Level of the family.

    Returns
    -------
    (k,) bool array

    Raises
    ------
    InputError
        If there are more rows than hypotheses, or an argument leaves its range.

    Examples
    --------
    >>> import numpy as np
    >>> clear(np.log([[20.0, 30, 30], [25, 21, 22]]), hypotheses=2, alpha_clear=0.05)
    array([ True,  True])
    >>> clear(np.log([[20.0, 30, 30], [25, 21, 22]]), hypotheses=3, alpha_clear=0.05)
    array([False, False])
    """
    rows = floats("log_e", log_e, columns=CLAIMS)
    if len(rows) > hypotheses:
        need = f"({hypotheses}, {CLAIMS})"
        raise InputError("metrics.shape", name="log_e", need=need, got=str(rows.shape))
    threshold = -np.log(inside("alpha_clear", alpha_clear, 0, 1))
    evidence = np.nan_to_num(rows.min(axis=1, initial=np.inf), nan=-np.inf, neginf=-np.inf)
    return np.array(
        [_survives(evidence, place, hypotheses, threshold) for place in range(len(rows))],
        dtype=bool,
    )


def _survives(evidence: Floats, place: int, hypotheses: int, threshold: float) -> bool:
    """Return whether every average with the smallest rivals reaches the threshold."""
    missing = np.full(hypotheses - len(evidence), -np.inf)
    rivals = np.sort(np.concatenate([missing, np.delete(evidence, place)]))
    sums = np.logaddexp.accumulate(np.concatenate([evidence[place : place + 1], rivals]))
    averages = sums - np.log(np.arange(1, hypotheses + 1))
    return bool((averages >= threshold - 1e-12).all())
