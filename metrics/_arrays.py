"""What the engines share: array types, checks of what is handed in, mixtures on the log scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SLAB = 8192
"""Rows worked on at once: a slab of every bet stays in the processor's cache."""


def floats(name: str, values: ArrayLike, *, columns: int | None = None) -> Floats:
    """Return `values` as a float array of shape ``(n,)``, or ``(n, columns)``."""
    array = np.asarray(values, dtype=np.float64)
    if array.shape[1:] != (() if columns is None else (columns,)) or array.ndim == 0:
        need = "(n,)" if columns is None else f"(n, {columns})"
        raise InputError("metrics.shape", name=name, need=need, got=str(array.shape))
    if np.isposinf(array).any():
        raise InputError("metrics.infinite", name=name)
    return array


def aligned(**columns: ArrayLike) -> tuple[NDArray[Any], ...]:
    """Return columns of one length as arrays."""
    arrays = tuple(np.asarray(column) for column in columns.values())
    for name, array in zip(columns, arrays, strict=True):
        if array.shape != arrays[0].shape or array.ndim != 1:
            need = f"({len(arrays[0]) if arrays[0].ndim else 'n'},)"
            raise InputError("metrics.shape", name=name, need=need, got=str(array.shape))
    return arrays


def inside(name: str, value: float, low: float, high: float, *, closed: bool = False) -> float:
    """Return `value` if it lies between `low` and `high` (`closed`: `high` itself is allowed)."""
    if low < value < high or (closed and value == high):
        return float(value)
    need = f"({low:g}, {high:g}{']' if closed else ')'}"
    raise InputError("metrics.range", name=name, need=need, got=value)


def log_mixture(logs: Floats, log_weights: Floats) -> Floats:
    """Return the log of the weighted sum over the first axis of ``exp(logs)``."""
    shape = (-1, *(1 for _ in logs.shape[1:]))
    shifted = logs + log_weights.reshape(shape)
    top = shifted.max(axis=0)
    shifted -= top
    np.exp(shifted, out=shifted)
    total: Floats = np.log(shifted.sum(axis=0))
    total += top
    return total


def slabs(n: int, size: int = SLAB) -> Iterator[slice]:
    """Yield slices that cover ``range(n)``."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))
