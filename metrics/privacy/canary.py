"""Planted records whose coins the auditor tossed: how much a vendor's answers tell of the coins."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .. import _inputs as inputs
from .._arrays import inside
from ..result import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class EpsilonBound:
    """A lower bound of ε from guesses at coins.

    Parameters
    ----------
    value : float
        The bound; 0 where the guesses were no better than a coin.
    cap : float
        The largest value that so many guesses could have shown, had all been right: a bound near
        its cap says that more canaries would show more.
    right, guesses : int
    level : float
        Chance, at least, that the bound lies below the true ε.
    copies : int
        How often each canary was planted; the bound is for one copy.
    """

    value: float
    cap: float
    right: int
    guesses: int
    level: float
    copies: int


def epsilon_bound(
    right: int, guesses: int, *, level: float = 0.95, copies: int = 1
) -> EpsilonBound:
    """Return the lower bound of ε that one run of canaries certifies.

    Null hypothesis: the vendor's training is ε-differentially private in the record of a canary.
    Guarantee: finite-sample. Each guess is then right with a chance of at most e^ε/(1 + e^ε) given
    the coins before it, so the number of right ones is dominated by a binomial and Clopper and
    Pearson's limit, on the scale of log odds, is a bound. The rule that guesses, and how many of the
    canaries it guesses at, must be fixed before their scores are seen: the best of a grid of rules
    is no bound.

    Parameters
    ----------
    right : int
        Guesses that were right.
    guesses : int
        Guesses made; canaries that the rule passes over count as none.
    level : float
    copies : int
        How often each canary was planted.

    Returns
    -------
    EpsilonBound

    Raises
    ------
    InputError
        If a count or the level cannot be.

    References
    ----------
    Steinke, Nasr & Jagielski (2023), NeurIPS; Clopper & Pearson (1934), Biometrika 26(4).

    Examples
    --------
    >>> found = epsilon_bound(90, 100)
    >>> round(found.value, 3), round(found.cap, 3)
    (1.631, 3.493)
    >>> epsilon_bound(50, 100).value
    0.0
    """
    name = "epsilon_bound"
    inside("level", level, 0, 1)
    if guesses < 1:
        raise inputs.refusal(name, "guesses", "metrics.need_at_least_one", guesses)
    if not 0 <= right <= guesses:
        raise inputs.refusal(name, "right", "metrics.need_part_of_guesses", right)
    if copies < 1:
        raise inputs.refusal(name, "copies", "metrics.need_at_least_one", copies)
    alpha = 1 - level
    cap = _log_odds(alpha ** (1 / guesses)) / copies
    return EpsilonBound(
        value=max(0.0, _log_odds(lower_limit(right, guesses, alpha)) / copies),
        cap=max(0.0, cap),
        right=right,
        guesses=guesses,
        level=level,
        copies=copies,
    )


def _log_odds(chance: float) -> float:
    if chance <= 0:
        return -math.inf
    return math.log(chance / (1 - chance)) if chance < 1 else math.inf


def lower_limit(hits: int, n: int, alpha: float) -> float:
    """Return Clopper and Pearson's lower limit of a rate, one-sided at `alpha`.

    Examples
    --------
    >>> round(lower_limit(10, 10, 0.05), 4)
    0.7411
    """
    from scipy.special import betaincinv

    return float(betaincinv(hits, n - hits + 1, alpha)) if hits else 0.0


def rate_interval(hits: int, n: int, *, level: float = 0.95) -> Interval:
    """Return Clopper and Pearson's two-sided interval of a rate.

    Guarantee: finite-sample, provided that the units answer independently: canaries that may
    interfere with each other do not, and a report says so.

    Examples
    --------
    >>> found = rate_interval(0, 100)
    >>> found.low, round(found.high, 4)
    (0.0, 0.0362)
    """
    inside("level", level, 0, 1)
    tail = (1 - level) / 2
    return Interval(
        low=lower_limit(hits, n, tail),
        high=1 - lower_limit(n - hits, n, tail),
        level=level,
        method="Clopper-Pearson",
    )


def exposure(rank: int, candidates: int) -> float:
    """Return how many bits a vendor's list gives away of a canary: log2 N − log2 rank.

    Parameters
    ----------
    rank : int
        Place of the canary among all candidates that could have been planted, 1 the first.
    candidates : int

    Raises
    ------
    InputError
        If the rank is no place among the candidates.

    References
    ----------
    Carlini, Liu, Erlingsson, Kos & Song (2019), USENIX Security: the secret sharer.

    Examples
    --------
    >>> exposure(1, 1024), exposure(1024, 1024)
    (10.0, 0.0)
    """
    if not 1 <= rank <= candidates:
        raise inputs.refusal("exposure", "rank", "metrics.need_place", rank)
    return math.log2(candidates) - math.log2(rank)
