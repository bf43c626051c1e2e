"""Noise that belongs to a trial: a keyed hash of who asked and what was asked.

A vendor whose noise came from a generator would answer by order of arrival, and no audit of it
could ever be replayed. Here the same trial always gets the same deviate, alone or in a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)
_ROWS = 1 << 14


def normal(key: str, *columns: NDArray[Any]) -> NDArray[np.float64]:
    """Return one standard normal deviate a row, a function of `key` and the row alone.

    Parameters
    ----------
    key : str
        Separates one use from another: the vendor's name and what the noise is for.
    *columns : (rows,) array
        Text, numbers or flags. A number hashes by its value: ``1``, ``1.0`` and True are alike.

    Returns
    -------
    (rows,) float64 array

    Examples
    --------
    >>> who = np.array(["ann", "bob", "cy"])
    >>> bool(normal("demo", who)[1] == normal("demo", who[1:2])[0])
    True
    """
    from scipy.special import ndtri

    deviates: NDArray[np.float64] = ndtri(uniform(key, *columns))
    return deviates


def heavy(key: str, *columns: NDArray[Any]) -> NDArray[np.float64]:
    """Return one deviate a row with heavy tails: Student's t with 3 degrees of freedom, sd 1.

    Examples
    --------
    >>> rows = np.arange(20_000)
    >>> bool(np.abs(heavy("demo", rows)).max() > 2 * np.abs(normal("demo", rows)).max())
    True
    """
    from scipy.special import stdtrit

    deviates: NDArray[np.float64] = stdtrit(3, uniform(key, *columns)) / 3**0.5
    return deviates


def uniform(key: str, *columns: NDArray[Any]) -> NDArray[np.float64]:
    """Return one number in (0, 1) a row, a function of `key` and the row alone.

    Examples
    --------
    >>> bool(uniform("demo", np.array([7]), np.array(["a"]))[0]
    ...      == uniform("demo", np.array([7.0]), np.array(["a"], dtype=object))[0])
    True
    """
    hashed = _hashed(key, [_plain(column) for column in columns])
    # 52 bits and a half: never 0 and never 1, so that the normal deviate is finite
    return ((hashed >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    values = np.asarray(column)
    if values.dtype.kind in "biuf":
        numbers: NDArray[np.float64] = values.astype(np.float64) + 0.0  # turns -0.0 into 0.0
        return numbers
    return np.ascontiguousarray(values, dtype=np.str_)


def _hashed(key: str, columns: list[NDArray[Any]]) -> NDArray[np.uint64]:
    seed = np.frombuffer(hashlib.sha256(key.encode()).digest()[:8], dtype="<u8")[0]
    state = np.full(len(columns[0]), seed, dtype=np.uint64)
    for first in range(0, len(state), _ROWS):  # pieces that stay in the processor's cache
        rows = slice(first, first + _ROWS)
        for column in columns:
            state[rows] = _absorbed(state[rows], column[rows])
    return state


def _absorbed(state: NDArray[np.uint64], column: NDArray[Any]) -> NDArray[np.uint64]:
    if column.dtype.kind == "f":
        return _mixed(state ^ column.view(np.uint64))
    letters = column.view(np.uint32).reshape(len(column), column.itemsize // 4)
    for letter in _columns_of(letters):
        # padding leaves the state alone: a name hashes alike in a narrow and in a wide column
        turned = (state ^ letter) * _MIX[0] + _STEP
        state = np.where(letter == 0, state, turned ^ (turned >> np.uint64(29)))
    mixed: NDArray[np.uint64] = _mixed(state)
    return mixed


def _columns_of(letters: NDArray[np.uint32]) -> Iterable[NDArray[np.uint64]]:
    return np.ascontiguousarray(letters.T, dtype=np.uint64)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    # the finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of input moves every bit
    state = state + _STEP
    state = (state ^ (state >> np.uint64(30))) * _MIX[0]
    state = (state ^ (state >> np.uint64(27))) * _MIX[1]
    return state ^ (state >> np.uint64(31))
