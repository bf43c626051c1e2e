"""Guesses at coins, made one after another: how often they are right, and what that is evidence of."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import Floats
from ..result import Estimate
from .canary import rate_interval

STAKES = (0.1, 0.25, 0.5, 0.9)
"""Parts of the capital that a sure guess is trusted with."""


def log_told(chance: ArrayLike, coins: ArrayLike) -> Floats:
    """Return the evidence that guesses tell coins which were tossed fairly.

    Null hypothesis: nothing that the guesser saw depends on the coins. Guarantee: exact at any time,
    for any guesser, provided that each guess is made from what came before its coin was used to learn
    from: a bet on a fair coin. Stakes are mixed evenly.

    Parameters
    ----------
    chance : (n,) array_like of float
        Chance of heads that the guesser states, in [0, 1].
    coins : (n,) array_like of bool

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each guess.

    Examples
    --------
    >>> heads = np.arange(40) % 2 == 0
    >>> sure = np.where(heads, 0.9, 0.1)
    >>> bool(log_told(sure, heads)[-1] > np.log(1000) > 0 > log_told(1 - sure, heads)[-1])
    True
    """
    stated = 2 * np.asarray(chance, dtype=float) - 1
    won = stated * np.where(np.asarray(coins, dtype=bool), 1.0, -1.0)
    paths = np.cumsum([np.log1p(stake * won) for stake in STAKES], axis=1)
    mixed: Floats = np.logaddexp.reduce(paths, axis=0) - math.log(len(STAKES))
    return mixed


def rate_right(chance: ArrayLike, coins: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the part of guesses that were right.

    Guarantee: finite-sample (Clopper and Pearson) for guesses that are right independently.

    Parameters
    ----------
    chance : (n,) array_like of float
        Heads is guessed above one half.
    coins : (n,) array_like of bool
    level : float

    Examples
    --------
    >>> rate_right([0.9, 0.2, 0.6, 0.4], [1, 0, 0, 1]).value
    0.5
    """
    right = (2 * np.asarray(chance, dtype=float) > 1) == np.asarray(coins, dtype=bool)
    hits, n = int(right.sum()), len(right)
    if n == 0:
        return Estimate(value=None, unit="rate")
    return Estimate(value=hits / n, unit="rate", interval=rate_interval(hits, n, level=level), n=n)
