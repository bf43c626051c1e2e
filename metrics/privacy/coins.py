"""Coins that the auditor tossed, and what was seen of them: is the vendor any the wiser."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _inputs as inputs
from .._arrays import Floats, inside
from ..result import Estimate, Interval
from .canary import lower_limit

Bools = NDArray[np.bool_]


def log_coin_evidence(coins: ArrayLike, hits: ArrayLike) -> Floats:
    """Return the evidence that hits come with heads, from our own coins alone.

    Null hypothesis: what was hit does not depend on the coins. Guarantee: exact at any time, whatever
    made the hits and however they depend on each other: given all hits, each coin among them is still
    fair. The bets are mixed evenly over all chances of heads above one half, so that hits on tails
    are never evidence.

    Parameters
    ----------
    coins, hits : (n,) array_like of bool
        Heads; and whether what that coin decided was seen. In the order planted.

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each coin.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> heads = np.arange(40) % 2 == 0
    >>> bool(log_coin_evidence(heads, heads)[-1] > np.log(1000))
    True
    >>> log_coin_evidence(heads, np.zeros(40, bool))[-1].item()
    0.0
    """
    from scipy.special import betaincc, betaln

    heads, seen = _aligned("log_coin_evidence", coins, hits)
    right, wrong = np.cumsum(heads & seen) + 1.0, np.cumsum(~heads & seen) + 1.0
    with np.errstate(divide="ignore"):
        above = np.log(betaincc(right, wrong, 0.5))
    found: Floats = (right + wrong - 1) * math.log(2) + betaln(right, wrong) + above
    return np.where(right + wrong == 2, 0.0, found)  # noqa: PLR2004 - one each: nothing was hit


def coin_contrast(coins: ArrayLike, hits: ArrayLike) -> Floats:
    """Return for each coin a number whose mean is the chance of a hit under heads − under tails.

    It is ± 2 where something was hit and 0 elsewhere: unbiased by the toss alone, also where what
    was planted together interferes.

    Examples
    --------
    >>> coin_contrast([1, 1, 0, 0], [1, 0, 1, 0]).tolist()
    [2.0, 0.0, -2.0, 0.0]
    """
    heads, seen = _aligned("coin_contrast", coins, hits)
    contrast: Floats = np.where(seen, np.where(heads, 2.0, -2.0), 0.0)
    return contrast


def hit_rates(coins: ArrayLike, hits: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the hit rate under heads minus that under tails.

    Guarantee: finite-sample (Clopper and Pearson's limits of the two rates, each at half the error),
    provided that what was planted does not interfere: a report says so.

    Parameters
    ----------
    coins, hits : (n,) array_like of bool
    level : float

    Returns
    -------
    Estimate
        Unit ``"rate"``; its value is None where one side of the coin never fell.

    Examples
    --------
    >>> found = hit_rates([1, 1, 0, 0], [1, 1, 0, 0])
    >>> found.value, round(found.interval.low, 3)
    (1.0, -0.776)
    """
    inside("level", level, 0, 1)
    heads, seen = _aligned("hit_rates", coins, hits)
    sides = [(int(seen[side].sum()), int(side.sum())) for side in (heads, ~heads)]
    if not all(n for _, n in sides):
        return Estimate(value=None, unit="rate", n=len(heads))
    tail = (1 - level) / 4
    low, high = zip(
        *((lower_limit(k, n, tail), 1 - lower_limit(n - k, n, tail)) for k, n in sides), strict=True
    )
    (first, n_first), (second, n_second) = sides
    return Estimate(
        value=first / n_first - second / n_second,
        unit="rate",
        interval=Interval(
            low=low[0] - high[1], high=high[0] - low[1], level=level, method="Clopper-Pearson"
        ),
        n=len(heads),
    )


def smallest_hit_rate(n: int, *, alpha: float = 0.05) -> float:
    """Return the smallest rate of hits that n planted records would have shown, with a chance of 95 %.

    Were nothing hit under tails, evidence of 1/alpha takes a certain number of hits under heads; the
    smallest rate is that at which half of the records bring so many. 1 where no rate would.

    Examples
    --------
    >>> smallest_hit_rate(200) < 0.13, smallest_hit_rate(4)
    (True, 1.0)
    """
    from scipy.special import betaincinv

    inside("alpha", alpha, 0, 1)
    heads = n // 2
    if heads < 1:
        return 1.0
    all_right = log_coin_evidence(np.ones(heads, bool), np.ones(heads, bool))
    enough = np.flatnonzero(all_right >= -math.log(alpha))
    if len(enough) == 0:
        return 1.0
    needed = int(enough[0]) + 1
    # the rate at which fewer than `needed` of `heads` are hit with a chance of 5 %
    return float(betaincinv(needed, heads - needed + 1, 0.95))


def _aligned(name: str, coins: ArrayLike, hits: ArrayLike) -> tuple[Bools, Bools]:
    heads, seen = np.asarray(coins, dtype=bool), np.asarray(hits, dtype=bool)
    if heads.shape != seen.shape or heads.ndim != 1:
        raise inputs.refusal(name, "hits", "metrics.need_same_length", seen.shape)
    return heads, seen
