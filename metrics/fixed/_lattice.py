"""Exact laws of signed sums of whole numbers, and the averages of two that invert signed ranks."""

from __future__ import annotations

import numpy as np

from .._arrays import Floats, Ints
from ..result import Alternative, Interval

MOST_WORK = 2**26
"""Lattice points × distinct sizes beyond which the law is drawn instead of computed."""

ROUNDING = 1e-15
"""Error of one transformed point; the p-value is raised by the most that it can amount to."""


def turned_law(sizes: Ints) -> Floats | None:
    """Return P(K = k), k = 0..sum, for the sum K of those sizes that fair coins choose.

    None where the lattice is too large.
    """
    distinct, counts = np.unique(sizes, return_counts=True)
    length = int(sizes.sum()) + 1
    if length * len(distinct) > MOST_WORK:
        return None
    angles = np.pi * np.arange(length // 2 + 1) / length
    law = np.ones(len(angles))
    for size, count in zip(distinct.tolist(), counts.tolist(), strict=True):
        law *= np.cos(angles * size) ** count
    # centred at sum / 2: turn the spectrum so that it starts at 0
    spectrum = law * np.exp(-1j * angles * (length - 1))
    return np.maximum(np.fft.irfft(spectrum, n=length), 0.0)


def signed_p(gaps: Ints, alternative: Alternative) -> float | None:
    """Return the exact p-value of the sum of `gaps` under all turns of signs.

    None where the lattice is too large to compute.
    """
    sizes = np.abs(gaps)
    step = int(np.gcd.reduce(sizes))
    sizes, total = sizes // step, int(gaps.sum()) // step
    law = turned_law(sizes)
    if law is None:
        return None
    observed = {"two-sided": abs(total), "greater": total, "less": -total}[alternative]
    turned = (int(sizes.sum()) - observed) // 2
    tail = float(law[: turned + 1].sum()) + ROUNDING * len(law) ** 0.5
    sides = 2 if alternative == "two-sided" else 1
    least: float = 0.5 ** min(len(sizes), 1000)
    p: float = min(1.0, sides * max(tail, least))
    return p


_DIRECT = 1_500


def walsh_order(gaps: Floats, places: list[int]) -> list[float]:
    """Return the averages of two gaps (each with itself too) at these places, counted from 0."""
    ordered = np.sort(gaps)
    n = len(ordered)
    if n <= _DIRECT:
        upper = np.triu_indices(n)
        averages = np.sort(0.5 * (ordered[upper[0]] + ordered[upper[1]]))
        return [float(averages[place]) for place in places]
    return [_walsh_search(ordered, place) for place in places]


def _walsh_search(ordered: Floats, place: int) -> float:
    """Bisect for one average, counting those below without forming them."""
    low, high = float(ordered[0]), float(ordered[-1])
    positions = np.arange(len(ordered))
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        ends = np.searchsorted(ordered, 2 * middle - ordered, side="right")
        below = int(np.maximum(ends - positions, 0).sum())
        low, high = (low, middle) if below > place else (middle, high)


def walsh_median(gaps: Floats) -> float:
    """Return the Hodges-Lehmann estimate."""
    count = len(gaps) * (len(gaps) + 1) // 2
    low, high = walsh_order(gaps, [(count - 1) // 2, count // 2])
    return 0.5 * (low + high)


def walsh_limits(gaps: Floats, level: float) -> Interval:
    """Return the interval of the centre that inverts the signed ranks."""
    n = len(gaps)
    place = _quantile(n, (1 - level) / 2)
    if place < 0:
        low, high = -np.inf, np.inf
    else:
        count = n * (n + 1) // 2
        low, high = walsh_order(gaps, [place, count - 1 - place])
    return Interval(low=low, high=high, level=level, method="inverted signed ranks")


def _quantile(n: int, tail: float) -> int:
    """Return the largest w with P(sum of positive ranks ≤ w) ≤ tail; −1 where there is none."""
    law = turned_law(np.arange(1, n + 1))
    if law is not None:
        return int(np.searchsorted(np.cumsum(law), tail * (1 + 1e-9), side="right")) - 1
    from scipy.special import ndtri

    spread = (n * (n + 1) * (2 * n + 1) / 24) ** 0.5
    return int(n * (n + 1) / 4 + float(ndtri(tail)) * spread - 0.5)
