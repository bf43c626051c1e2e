"""Checks of what the fixed-size tests are handed: one sentence names parameter, function and fault."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import messages
from ..errors import InputError
from ._arrays import Bools, Floats, Ints
from .result import Alternative


def refusal(function: str, name: str, need: str, got: object) -> InputError:
    """Return the error "`function`: `name` must be …, got …"; `need` is the id of a sentence."""
    return InputError(
        "metrics.argument", function=function, name=name, need=messages.both(need), got=got
    )


def numbers(function: str, name: str, values: ArrayLike) -> Floats:
    """Return one column of finite numbers; NaN is a missing answer."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise refusal(function, name, "metrics.need_numbers", type(values).__name__) from None
    if array.ndim != 1:
        raise refusal(function, name, "metrics.need_column", array.shape)
    if np.isinf(array).any():
        raise refusal(function, name, "metrics.need_finite", "inf")
    return array


def prices(function: str, name: str, values: ArrayLike) -> Floats:
    """Return the logarithms of one column of positive numbers."""
    array = numbers(function, name, values)
    if (array <= 0).any():
        raise refusal(function, name, "metrics.need_positive", float(np.nanmin(array)))
    logs: Floats = np.log(array)
    return logs


def binary(function: str, name: str, values: ArrayLike) -> Floats:
    """Return one column of 0, 1 and NaN."""
    array = numbers(function, name, values)
    odd = array[~((array == 0) | (array == 1) | np.isnan(array))]
    if len(odd):
        raise refusal(function, name, "metrics.need_binary", float(odd[0]))
    return array


def labels(function: str, name: str, values: ArrayLike, n: int) -> Ints:
    """Return the labels of `n` rows as whole numbers from 0 on."""
    array = np.asarray(values)
    if array.shape != (n,):
        raise refusal(function, name, "metrics.need_same_length", array.shape)
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise refusal(function, name, "metrics.need_labels", "nan")
    inverse: Ints = np.unique(array, return_inverse=True)[1]
    return inverse


Read = Callable[[str, str, ArrayLike], Floats]
"""How a column is read: :func:`numbers`, :func:`prices` (as logarithms) or :func:`binary`."""


def both(
    function: str, treated: ArrayLike, reference: ArrayLike, *, read: Read = numbers
) -> tuple[Floats, Floats]:
    """Return the columns of two arms, NaN where an answer is missing."""
    return read(function, "treated", treated), read(function, "reference", reference)


class Pairs(NamedTuple):
    """Complete pairs, and how many were left out because a side was missing."""

    treated: Floats
    reference: Floats
    excluded: int


def pairs(
    function: str, treated: ArrayLike, reference: ArrayLike, *, read: Read = numbers
) -> Pairs:
    """Return the pairs of which both sides are there."""
    up, down = both(function, treated, reference, read=read)
    if up.shape != down.shape:
        raise refusal(function, "reference", "metrics.need_same_length", down.shape)
    there = ~(np.isnan(up) | np.isnan(down))
    kept = Pairs(up[there], down[there], int((~there).sum()))
    at_least(function, "treated", len(kept.treated), 1)
    return kept


class Arms(NamedTuple):
    """Two independent arms without their missing answers, and how many those were."""

    treated: Floats
    reference: Floats
    excluded: int

    @property
    def n(self) -> int:
        """Number of answers in both arms."""
        return len(self.treated) + len(self.reference)


def arms(
    function: str,
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    read: Read = numbers,
    least: int = 1,
) -> Arms:
    """Return two arms without NaN, each with at least `least` answers."""
    columns = both(function, treated, reference, read=read)
    sides = [side[~np.isnan(side)] for side in columns]
    for name, side in zip(("treated", "reference"), sides, strict=True):
        at_least(function, name, len(side), least)
    return Arms(sides[0], sides[1], sum(map(len, columns)) - sum(map(len, sides)))


class Rows(NamedTuple):
    """Answers (NaN: missing), whether treated, and the number of the stratum of every row."""

    values: Floats
    treated: Bools
    strata: Ints


def rows(
    function: str,
    values: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike,
    *,
    read: Read = numbers,
) -> Rows:
    """Return answer, arm and stratum of every row."""
    column, arm = read(function, "values", values), binary(function, "treated", treated)
    levels = labels(function, "strata", strata, len(column))
    if arm.shape != column.shape:
        raise refusal(function, "treated", "metrics.need_same_length", arm.shape)
    if np.isnan(arm).any():
        raise refusal(function, "treated", "metrics.need_labels", "nan")
    return Rows(column, arm == 1, levels)


def present(function: str, name: str, values: Floats, *, least: int = 1) -> tuple[Floats, int]:
    """Return the values that are there and how many are not."""
    kept = values[~np.isnan(values)]
    at_least(function, name, len(kept), least)
    return kept, len(values) - len(kept)


def at_least(function: str, name: str, n: int, least: int) -> None:
    """Refuse fewer than `least` usable values."""
    if n < least:
        need = {
            language: messages.text("metrics.need_count", language, least=least)
            for language in messages.LANGUAGES
        }
        raise InputError("metrics.argument", function=function, name=name, need=need, got=n)


def side(function: str, alternative: str) -> None:
    """Refuse what is no alternative."""
    if alternative not in get_args(Alternative):
        raise refusal(function, "alternative", "metrics.need_alternative", repr(alternative))


FEWEST_DRAWS = 19
"""With fewer draws than this no p-value can reach .05."""


def draws(function: str, resamples: int) -> None:
    """Refuse so few draws that nothing could come of them."""
    if resamples < FEWEST_DRAWS:
        raise refusal(function, "resamples", "metrics.need_draws", resamples)


def resampling(function: str, alternative: str, resamples: int) -> None:
    """Refuse what a test by resampling cannot use."""
    side(function, alternative)
    draws(function, resamples)


def fraction(function: str, name: str, value: float) -> float:
    """Return a number that lies strictly between 0 and 1."""
    if not 0 < value < 1:
        raise refusal(function, name, "metrics.need_fraction", value)
    return float(value)


def positive(function: str, name: str, value: float) -> float:
    """Return a positive finite number."""
    if not 0 < value < math.inf:
        raise refusal(function, name, "metrics.need_positive", value)
    return float(value)


def matrix(function: str, name: str, values: ArrayLike) -> Floats:
    """Return a table of finite numbers, one column an outcome."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:  # noqa: PLR2004 – rows and columns
        raise refusal(function, name, "metrics.need_table", array.shape)
    if np.isinf(array).any():
        raise refusal(function, name, "metrics.need_finite", "inf")
    return array


def probabilities(function: str, name: str, values: ArrayLike) -> Floats:
    """Return one column of p-values."""
    array = numbers(function, name, values)
    if not ((array >= 0) & (array <= 1)).all():
        odd: NDArray[Any] = array[~((array >= 0) & (array <= 1))]
        raise refusal(function, name, "metrics.need_probabilities", float(odd[0]))
    return array


def totals(
    function: str, values: Floats, there: Bools, clusters: ArrayLike | None
) -> tuple[Floats, Floats]:
    """Return the sum and the number of the values that are there, cluster by cluster."""
    kept = values[there]
    if clusters is None:
        return kept, np.ones(len(kept))
    inverse = labels(function, "clusters", clusters, len(values))[there]
    sizes = np.bincount(inverse).astype(np.float64)
    sums = np.bincount(inverse, kept).astype(np.float64)
    return sums[sizes > 0], sizes[sizes > 0]
