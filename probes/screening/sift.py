"""What stands out in a screening: attributes, and pairs of them, ranked. It decides nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from scipy.special import stdtrit

from ...metrics.result import Estimate, Interval
from ..design import Codes, Floats

Changes = tuple[tuple[str, int], ...]
"""Attribute and level code, of one attribute or of two."""

NOTHING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Something that stands out.

    Parameters
    ----------
    changes : tuple of (str, int) pairs
    effect : Estimate
        Log ratio beside customers who do not show it, the other things that stand out held equal.
    """

    changes: Changes
    effect: Estimate


def candidates(levels: Mapping[str, int]) -> tuple[Changes, ...]:
    """Return every treated level, and every two of different attributes.

    Parameters
    ----------
    levels : mapping of str to int
        Attribute → how many levels it has, the reference among them.

    Examples
    --------
    >>> candidates({"device": 2, "spend": 2})
    ((('device', 1),), (('spend', 1),), (('device', 1), ('spend', 1)))
    """
    alone = [((name, code),) for name, n in levels.items() for code in range(1, n)]
    pairs = [
        ((first, one), (second, other))
        for first, second in combinations(levels, 2)
        for one, other in product(range(1, levels[first]), range(1, levels[second]))
    ]
    return (*alone, *pairs)


def sift(
    score: Floats,
    block: Codes,
    shown: Mapping[str, Codes],
    known: Sequence[Changes],
    *,
    most: int,
    bound: float,
    level: float = 0.95,
) -> tuple[Standing, ...]:
    """Return what stands out, the clearest first: forward selection with exchange, within blocks.

    A pair counts as shown where both of its levels are, so that one charge for two things together
    is one candidate and not three. Selection ends where the next |t| would be no larger than the
    largest of as many useless candidates: the universal threshold √(2 log m).

    Parameters
    ----------
    score : (trials,) float
        Logarithm of the price; NaN where nothing was answered.
    block : (trials,) codes
        What is held equal: scores are compared within it.
    shown : mapping of str to (trials,) codes
        Attribute → code of its level.
    known : sequence of changes
    most : int
        How many may stand out.
    bound : float
        Gaps to the mean of the block are clipped to ± this.
    level : float
        Of the intervals, which know nothing of the selection.

    References
    ----------
    Donoho and Johnstone (1994), Ideal spatial adaptation by wavelet shrinkage, Biometrika 81.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> shown = {name: rng.integers(0, 2, 400) for name in "abcd"}
    >>> score = 0.05 * shown["a"] * shown["c"] + rng.normal(0, 0.02, 400)
    >>> found = sift(score, np.repeat(np.arange(40), 10), shown,
    ...     candidates(dict.fromkeys(shown, 2)), most=1, bound=0.4)
    >>> [one.changes for one in found]
    [(('a', 1), ('c', 1))]
    """
    rows = np.isfinite(score)
    score, block = score[rows], block[rows]
    y = np.clip(_within(score[:, None], block), -bound, bound)[:, 0]
    table = np.column_stack([_held(shown, one)[rows] for one in known])
    columns = _within(table, block)
    free = len(y) - len(np.unique(block))
    picked = _picked(y, columns, free=free, most=most)
    return tuple(
        Standing(changes=known[i], effect=effect)
        for i, effect in zip(
            picked, _fitted(y, columns[:, picked], free=free, level=level), strict=True
        )
    )


def _held(shown: Mapping[str, Codes], changes: Changes) -> Floats:
    held: Floats = np.all([shown[name] == code for name, code in changes], axis=0).astype(float)
    return held


def _within(table: Floats, block: Codes) -> Floats:
    """Return columns less their means by block."""
    _, place, counts = np.unique(block, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), table.shape[1]))
    np.add.at(sums, place, table)
    found: Floats = table - (sums / counts[:, None])[place]
    return found


def _picked(y: Floats, columns: Floats, *, free: int, most: int) -> list[int]:
    threshold = math.sqrt(2 * math.log(max(2, columns.shape[1])))
    picked: list[int] = []
    while len(picked) < most and free - len(picked) > 1:
        gains, whole = _gains(y, columns, picked)
        best = int(np.argmax(np.abs(gains)))
        if whole <= NOTHING or _t(gains[best], whole, free - len(picked) - 1) <= threshold:
            break
        picked = _exchanged(y, columns, [*picked, best])
    return sorted(picked, key=lambda one: -_own_gain(y, columns, picked, one))


def _t(gain: float, whole: float, left: int) -> float:
    unexplained = max(whole - gain**2, NOTHING * whole)
    return abs(float(gain)) / math.sqrt(unexplained / left)


def _gains(y: Floats, columns: Floats, kept: Sequence[int]) -> tuple[Floats, float]:
    """Return what each candidate would explain beside those kept, and what they leave: y'y.

    A gain is signed; its square is what the sum of squares falls by.
    """
    basis, _ = np.linalg.qr(columns[:, list(kept)])
    rest = y - basis @ (basis.T @ y)
    left = columns - basis @ (basis.T @ columns)
    norms = np.sqrt((left**2).sum(axis=0))
    usable = norms > np.maximum(NOTHING, 1e-6 * np.sqrt((columns**2).sum(axis=0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        gains: Floats = np.where(usable, (left.T @ rest) / norms, 0.0)
    return gains, float(rest @ rest)


def _own_gain(y: Floats, columns: Floats, picked: Sequence[int], one: int) -> float:
    gains, _ = _gains(y, columns, [other for other in picked if other != one])
    return abs(float(gains[one]))


def _exchanged(y: Floats, columns: Floats, picked: list[int]) -> list[int]:
    """Return what was picked, each replaced while another explains more in its place.

    Two charges that add up look at first like one for both together: what was picked before the
    other was known is looked at again.
    """
    for _ in range(len(picked) ** 2):
        swap = next(iter(_swaps(y, columns, picked)), None)
        if swap is None:
            break
        place, better = swap
        picked = [better if i == place else one for i, one in enumerate(picked)]
    return picked


def _swaps(y: Floats, columns: Floats, picked: Sequence[int]) -> Iterator[tuple[int, int]]:
    for place, one in enumerate(picked):
        gains, _ = _gains(y, columns, [other for other in picked if other != one])
        better = int(np.argmax(np.abs(gains)))
        if abs(gains[better]) > (1 + NOTHING) * abs(gains[one]) and better not in picked:
            yield place, better


def _fitted(y: Floats, columns: Floats, *, free: int, level: float) -> list[Estimate]:
    """Return the coefficients of least squares with their usual intervals."""
    if columns.shape[1] == 0:
        return []
    values, *_ = np.linalg.lstsq(columns, y, rcond=None)
    left = max(1, free - len(values))
    rest = y - columns @ values
    errors = np.sqrt(np.diag(np.linalg.pinv(columns.T @ columns)) * float(rest @ rest) / left)
    wide = float(stdtrit(left, (1 + level) / 2))
    return [
        Estimate(
            value=float(value),
            unit="log-ratio",
            interval=Interval(
                low=float(value - wide * error),
                high=float(value + wide * error),
                level=level,
                method="least squares within blocks",
            ),
            n=len(y),
        )
        for value, error in zip(values, errors, strict=True)
    ]
