"""Shapley values of a game whose values are answers: by enumeration, or along permutations.

A coalition is a mask: bit i says whether player i is as in the treated persona. The values of one
context are the answers to its coalitions; what is averaged over contexts keeps one row a context.

Source: Shapley 1953; permutations as in Castro, Gómez & Tejada 2009 and, with reverses, in
``shap.PermutationExplainer``. Here a permutation and its reverse go to two contexts, not to one:
what contexts differ in is most of the error, so the calls are better spent on more of them. Both
are written out because an audit asks whole waves, fixed before their first answer, with a generator
that is passed in; that package calls the model as it goes and draws from numpy's global generator.
Tests hold them to it and to brute force.
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


def orders(contexts: int, players: int, rng: np.random.Generator) -> Masks:
    """Return an order of the players for each context; every second one is the reverse.

    Over the two, what players do in pairs is shared out as Shapley values share it.

    Returns
    -------
    (contexts, players) int array
    """
    half = rng.permuted(np.tile(np.arange(players), ((contexts + 1) // 2, 1)), axis=1)
    both = np.stack([half, half[:, ::-1]], axis=1).reshape(-1, players)
    return both[:contexts].astype(np.int64)


def walk(order: NDArray[np.int64]) -> Masks:
    """Return the coalitions that a permutation meets, from none to all: one more than players.

    Examples
    --------
    >>> walk(np.array([2, 0, 1])).tolist()
    [0, 4, 5, 7]
    """
    return np.concatenate([[0], np.cumsum(1 << order)])


def along(masks: Masks, values: Floats, players: int) -> Floats:
    """Return the marginal contributions along one walk: unbiased over random permutations.

    Parameters
    ----------
    masks : (players + 1,) int
        As :func:`walk` gave them, in any order.
    values : (players + 1,) float
    players : int

    Examples
    --------
    >>> masks = walk(np.array([1, 0, 2]))
    >>> along(masks, np.array([m.bit_count() ** 2 for m in masks.tolist()], dtype=float), 3).tolist()
    [3.0, 1.0, 5.0]
    """
    chain = sorted(zip(masks.tolist(), values.tolist(), strict=True), key=_size)
    out = np.zeros(players)
    for (before, low), (after, high) in pairwise(chain):
        out[(before ^ after).bit_length() - 1] = high - low
    return out


def _size(one: tuple[int, float]) -> int:
    return one[0].bit_count()
