"""Shapley values of a game whose values are answers: by enumeration, or along permutations.

A coalition is a mask: bit i says whether player i is as in the treated persona. The values of one
context are the answers to its coalitions; what is averaged over contexts keeps one row a context.

Source: Shapley 1953; antithetic permutations as in Mitchell, Cooper, Frank & Holmes 2022 and in
``shap.PermutationExplainer``. Both are written out here because an audit asks whole waves, fixed
before their first answer, with a generator that is passed in; that package calls the model as it
goes and draws from numpy's global generator. Tests hold them to it and to brute force.
"""

from __future__ import annotations

from itertools import pairwise
from math import factorial

import numpy as np
from numpy.typing import NDArray

from ...probes.design import Floats

Masks = NDArray[np.int64]


def weights(players: int) -> Floats:
    """Return the matrix that turns the values of all coalitions into Shapley values.

    Parameters
    ----------
    players : int
        d, at least 1.

    Returns
    -------
    (2**d, d) float array
        ``values @ weights(d)``; the rows are the masks in order.

    Examples
    --------
    >>> (np.array([0.0, 1.0, 2.0, 5.0]) @ weights(2)).tolist()
    [2.0, 3.0]
    """
    masks = np.arange(1 << players)
    size = np.array([mask.bit_count() for mask in masks.tolist()])
    inside = (masks[:, None] >> np.arange(players)) & 1 == 1
    ways = [factorial(s) * factorial(players - 1 - s) for s in range(players)]
    share = np.array([*ways, 0]) / factorial(players)
    out: Floats = np.where(inside, share[size - 1][:, None], -share[size][:, None])
    return out


def walk(order: NDArray[np.int64]) -> Masks:
    """Return the coalitions of a permutation and of its reverse, without those shared.

    Parameters
    ----------
    order : (players,) int
        A permutation of the players.

    Returns
    -------
    (coalitions,) int array
        Sorted; for two players and more, 2 d of them: none, all, and d − 1 each way.

    Examples
    --------
    >>> walk(np.array([2, 0, 1])).tolist()
    [0, 2, 3, 4, 5, 7]
    """
    forward = np.cumsum(1 << order)
    backward = np.cumsum(1 << order[::-1])
    return np.unique(np.concatenate([[0], forward, backward]))


def along(masks: Masks, values: Floats, players: int) -> Floats:
    """Return the Shapley values that one pair of walks gives.

    Unbiased over random permutations; exact where players interact in pairs at most.

    Parameters
    ----------
    masks : (coalitions,) int
        As :func:`walk` gave them.
    values : (coalitions,) float
    players : int

    Examples
    --------
    >>> masks = walk(np.array([1, 0, 2]))
    >>> along(masks, np.array([m.bit_count() ** 2 for m in masks.tolist()], dtype=float), 3).tolist()
    [3.0, 3.0, 3.0]
    """
    value = dict(zip(masks.tolist(), values.tolist(), strict=True))
    full = (1 << players) - 1
    first = next(mask for mask in value if mask.bit_count() == 1)
    # the other walk meets `first` last: a chain is told from the other by whether it holds it
    chains = (
        sorted((m for m in value if m & first or m == 0), key=int.bit_count),
        sorted((m for m in value if not m & first or m == full), key=int.bit_count),
    )
    out = np.zeros(players)
    for chain in chains:
        for before, after in pairwise(chain):
            out[(before ^ after).bit_length() - 1] += (value[after] - value[before]) / 2
    return out
