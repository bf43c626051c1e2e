"""The resampling that the fixed-size tests share: what is drawn, how fast, and when to stop.

A test by resampling compares its statistic with the same statistic under arm labels drawn anew.
Every statistic here is a function of sums over a random subset of rows, so all that is ever drawn
is subsets, as bits:

* any subset (sign flips: the rows whose sign turns), or
* a subset of fixed size (labels dealt anew between two arms).

Eight bits of eight rows point into a table of their 256 possible sums, which is what makes ten
thousand draws over twenty thousand rows a matter of hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, combinations
from math import comb, inf, lgamma

import numpy as np

from .._arrays import Bools, Floats, Ints
from ..result import Alternative, MonteCarlo

Generator = np.random.Generator
Bits = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

RESAMPLES = 9_999

ENUMERATE = 100_000
"""Fewer assignments than this are all looked at, and no chance enters."""

STOP_AT, STOP_WITHIN = 20, 200
"""Drawing stops early at the 20th draw that is as extreme as the data, if that comes within 200
draws: only p-values of at least .1 are left less precise, and all stay valid (Besag & Clifford)."""

TOLERANCE = 1e-9
"""Studentised statistics closer than this are ties; rounding never makes a p-value smaller."""

_BYTE = 8
_PATTERNS = np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little"
).astype(np.float64)
_FEW_DRAWS = 256
"""Up to so many draws, multiplying by the bits is cheaper than filling tables."""
_AT_ONCE = (32, 8, 1)
_SMALL = 256
"""Up to so many rows, shuffling labels is cheaper than thinning bits to a fixed size."""
_DRAW_CELLS = 32
"""Rows for each distinct value from which drawing counts is cheaper than drawing rows."""


# ------------------------------------------------------------------------------------- subsets


def fair_bits(n: int, draws: int, rng: Generator) -> Bits:
    """Return subsets of `n` rows, each row in or out by a fair coin, as packed bits.

    Parameters
    ----------
    n, draws : int
    rng : numpy.random.Generator

    Returns
    -------
    (ceil(n / 8), draws) uint8 array
        Bit i % 8 of row i // 8; bits past `n` are 0.

    Examples
    --------
    >>> import numpy as np
    >>> fair_bits(3, 2, np.random.default_rng(1)).max() < 8
    np.True_
    """
    bits = _random_bytes(-(-n // _BYTE), draws, rng)
    if n % _BYTE:
        bits[-1] &= (1 << n % _BYTE) - 1
    return bits


def _random_bytes(rows: int, draws: int, rng: Generator) -> Bits:
    words = -(-rows * draws // _BYTE)
    raw = rng.integers(0, 2**64 - 1, size=words, dtype=np.uint64, endpoint=True).view(np.uint8)
    bits: Bits = raw[: rows * draws].reshape(rows, draws)
    return bits


def sized_bits(n: int, size: int, draws: int, rng: Generator) -> Bits:
    """Return subsets of exactly `size` of `n` rows, all equally likely, as packed bits.

    Coins of about the right bias are thrown for all rows; rows are then added or taken out at
    random until the size is right. By symmetry every subset of that size stays equally likely.

    Parameters
    ----------
    n, size, draws : int
        ``0 ≤ size ≤ n``.
    rng : numpy.random.Generator

    Returns
    -------
    (ceil(n / 8), draws) uint8 array
        As :func:`fair_bits`.

    Examples
    --------
    >>> import numpy as np
    >>> np.bitwise_count(sized_bits(1000, 300, 4, np.random.default_rng(1))).sum(axis=0).tolist()
    [300, 300, 300, 300]
    """
    if 2 * size > n:
        bits = sized_bits(n, n - size, draws, rng)
        np.invert(bits, out=bits)
        if n % _BYTE:
            bits[-1] &= (1 << n % _BYTE) - 1
        return bits
    bits = _biased_bits(n, _bias(n, size), draws, rng)
    _settle(bits, n, size, rng)
    return bits


def _bias(n: int, size: int) -> int:
    """Return the coins' bias in 256ths: near the share, and below it where removing is slow."""
    share = size / n
    low = share if share > 0.25 else share - 3 * (share / n) ** 0.5  # noqa: PLR2004 – a half of a half
    return max(0, round(256 * low))


def _biased_bits(n: int, bias: int, draws: int, rng: Generator) -> Bits:
    """Return bits that are 1 with chance bias / 256, a binary digit of it at a time."""
    rows = -(-n // _BYTE)
    bits: Bits = np.zeros((rows, draws), dtype=np.uint8)
    for place in range(_BYTE):
        digit = bias >> place & 1
        if digit:
            bits |= _random_bytes(rows, draws, rng)
        elif bits.any() if place == 0 else bias & ((1 << place) - 1):
            bits &= _random_bytes(rows, draws, rng)
    if n % _BYTE:
        bits[-1] &= (1 << n % _BYTE) - 1
    return bits


def _settle(bits: Bits, n: int, size: int, rng: Generator) -> None:
    """Add or take out random rows, in place, until every subset has its size."""
    missing = size - np.bitwise_count(bits).sum(axis=0, dtype=np.int64)
    # rounds cost more than rows where few subsets are drawn: then many rows at a time
    for at_once in _AT_ONCE if bits.shape[1] <= _FEW_DRAWS else (1,):
        open_ = np.flatnonzero(np.abs(missing) >= at_once)
        while len(open_):
            missing[open_] -= _turned(bits, n, missing[open_], open_, at_once, rng)
            open_ = open_[np.abs(missing[open_]) >= at_once]


def _turned(bits: Bits, n: int, missing: Ints, columns: Ints, at_once: int, rng: Generator) -> Ints:
    """Turn those of `at_once` random rows a subset that bring it nearer its size; how many."""
    row = rng.integers(n, size=(len(columns), at_once))
    fresh: Bools | bool = True
    if at_once > 1:
        row.sort(axis=1)
        fresh = np.diff(row, axis=1, prepend=-1) > 0
    where = (row >> 3) * bits.shape[1] + columns[:, None]
    bit = np.left_shift(1, row & 7).astype(np.uint8)
    flat = bits.reshape(-1)
    fits = (((flat[where] & bit) == 0) == (missing > 0)[:, None]) & fresh
    if at_once > 1:  # two rows of one byte: each must turn
        np.bitwise_xor.at(flat, where[fits], bit[fits])
    else:
        flat[where] ^= bit * fits
    turned: Ints = fits.sum(axis=1) * np.sign(missing)
    return turned


def bit_sums(bits: Bits, values: Floats) -> Floats:
    """Return the sum of `values` over each subset.

    Parameters
    ----------
    bits : (ceil(n / 8), draws) uint8 array
    values : (n, m) float array

    Returns
    -------
    (draws, m) float array

    Examples
    --------
    >>> import numpy as np
    >>> bit_sums(np.array([[0b101]], dtype=np.uint8), np.array([[1.0], [10], [100]]))
    array([[101.]])
    """
    n, columns = values.shape
    draws = bits.shape[1]
    if draws <= _FEW_DRAWS:
        few: Floats = (values.T @ unpacked(bits, n).astype(np.float64)).T
        return few
    rows, width = bits.shape[0], columns + columns % 2
    padded = np.zeros((rows * _BYTE, width))
    padded[:n, :columns] = values
    sums = np.zeros((width // 2, draws), dtype=np.complex128)
    taken = np.empty(draws, dtype=np.complex128)
    # two real columns travel as one complex number: one look-up for both
    for start in range(0, rows, _BYTE):
        block = padded[start * _BYTE : (start + _BYTE) * _BYTE].reshape(-1, _BYTE, width)
        tables = np.matmul(_PATTERNS, block).view(np.complex128).transpose(0, 2, 1)
        tables = np.ascontiguousarray(tables)
        for row, table in enumerate(tables, start):
            for column in range(width // 2):
                np.take(table[column], bits[row], out=taken, mode="clip")
                sums[column] += taken
    return sums.T.copy().view(np.float64)[:, :columns]


def flip_sums(values: Floats, draws: int, rng: Generator) -> Floats:
    """Return sums of `values` (n, m) over random subsets of any size: (draws, m)."""
    return bit_sums(fair_bits(len(values), draws, rng), values)


def sized_sums(values: Floats, size: int, draws: int, rng: Generator) -> Floats:
    """Return sums of `values` (n, m) over random subsets of `size` rows: (draws, m).

    Where few distinct rows repeat often, how many of each are taken is drawn instead.
    """
    n = len(values)
    if n <= _SMALL:
        masks = np.zeros((draws, n))
        masks[:, :size] = 1
        few: Floats = rng.permuted(masks, axis=1, out=masks) @ values
        return few
    cells = _cells(values) if draws > _FEW_DRAWS else None
    if cells is not None:
        firsts, counts = cells
        taken = rng.multivariate_hypergeometric(counts, size, size=draws, method="marginals")
        counted: Floats = taken @ values[firsts]
        return counted
    return bit_sums(sized_bits(n, size, draws, rng), values)


_PLACES = np.left_shift(1, np.arange(_BYTE)).astype(np.uint8)[:, None]


def unpacked(bits: Bits, n: int) -> Bools:
    """Return packed subsets as a table: (n, draws)."""
    table: Bools = (bits[:, None, :] & _PLACES).astype(np.bool_)
    return table.reshape(-1, bits.shape[1])[:n]


def assignments(n: int, size: int) -> float:
    """Return how many subsets of `size` of `n` rows there are; inf where nobody would list them.

    Examples
    --------
    >>> assignments(10, 5), assignments(20_000, 10_000)
    (252.0, inf)
    """
    logs = lgamma(n + 1) - lgamma(size + 1) - lgamma(n - size + 1)
    return float(comb(n, size)) if logs < _LISTED else inf


_LISTED = 30.0


def sized_masks(n: int, size: int, draws: int, rng: Generator) -> Bools:
    """Return random subsets of `size` rows as a table: (draws, n)."""
    if n <= _SMALL:
        masks = np.zeros((draws, n), dtype=np.bool_)
        masks[:, :size] = True
        few: Bools = rng.permuted(masks, axis=1, out=masks)
        return few
    return unpacked(sized_bits(n, size, draws, rng), n).T


def _cells(values: Floats) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the first row of each distinct value and how often it occurs, if worth it."""
    _, firsts, inverse, counts = np.unique(
        values[:, 0], return_index=True, return_inverse=True, return_counts=True
    )
    worth = len(firsts) * _DRAW_CELLS <= len(values)
    return (firsts, counts) if worth and np.array_equal(values[firsts][inverse], values) else None


def all_flip_sums(values: Floats) -> Floats:
    """Return sums of `values` (n, m) over all 2^n subsets, the empty one first."""
    sums = np.zeros((1, values.shape[1]))
    for row in values:
        sums = np.concatenate([sums, sums + row])
    return sums


def all_sized_sums(values: Floats, size: int) -> Floats:
    """Return sums of `values` (n, m) over all subsets of `size` rows."""
    n = len(values)
    chosen = np.fromiter(chain.from_iterable(combinations(range(n), size)), dtype=np.intp)
    masks = np.zeros((comb(n, size), n))
    masks[np.arange(len(masks)).repeat(size), chosen] = 1
    sums: Floats = masks @ values
    return sums


# ------------------------------------------------------------------------------------- p-values


def oriented(statistic: Floats, alternative: Alternative) -> Floats:
    """Return the statistic so that large values speak for the alternative."""
    if alternative == "two-sided":
        return np.abs(statistic)
    return statistic if alternative == "greater" else -statistic


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Return top / bottom, ±inf where a gap has no spread at all, 0 where there is no gap."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(top == 0, 0.0, top / bottom)
    return found


def extreme(statistics: Floats, observed: float) -> Bools:
    """Return which statistics are at least as large as the observed one, ties by rounding too."""
    slack = 0.0 if np.isinf(observed) else TOLERANCE * (1 + abs(observed))
    found: Bools = statistics >= observed - slack
    return found


def enumerated(statistics: Floats, observed: float) -> float:
    """Return the exact p-value from the statistics of all assignments."""
    return float(np.mean(extreme(statistics, observed)))


def monte_carlo(
    draw: Callable[[int], Floats],
    observed: float,
    *,
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> tuple[float, MonteCarlo]:
    """Return a p-value by random draws that is valid as it stands.

    Guarantee: under the null the chance of ``p ≤ t`` is at most t, for every t and any number of
    draws. Without an early stop p = (1 + k) / (1 + draws); with one, at the 20th extreme draw out
    of l ≤ 200, p = 20 / l.

    Parameters
    ----------
    draw : callable
        Returns that many statistics under labels drawn anew; large ones are extreme.
    observed : float
        The statistic of the data.
    resamples : int
        Draws where nothing stops them.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    p_value : float
    how : MonteCarlo

    References
    ----------
    Phipson & Smyth (2010), SAGMB 9(1); Besag & Clifford (1991), Biometrika 78(2).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> p, how = monte_carlo(rng.standard_normal, 0.0)
    >>> how.stopped, how.draws < 100, 0.2 < p < 0.8
    (True, True, True)
    >>> p, how = monte_carlo(rng.standard_normal, 8.0, resamples=999)
    >>> how.extreme, p
    (0, 0.001)
    """
    done = hits = 0
    for size in _chunks(resamples, stop=stop):
        found = extreme(draw(size), observed)
        if stop and done < STOP_WITHIN and hits + found.sum() >= STOP_AT:
            drawn = done + int(np.searchsorted(np.cumsum(found), STOP_AT - hits)) + 1
            return STOP_AT / drawn, MonteCarlo(draws=drawn, extreme=STOP_AT, stopped=True)
        hits += int(found.sum())
        done += size
    return (1 + hits) / (1 + done), MonteCarlo(draws=done, extreme=hits, stopped=False)


_FIRST = 64
_CHUNK = 10_000


def _chunks(resamples: int, *, stop: bool) -> list[int]:
    """Return how many to draw at once: little first where a stop may save the rest."""
    sizes: list[int] = []
    if stop:
        sizes = [min(_FIRST, resamples), min(STOP_WITHIN, resamples) - min(_FIRST, resamples)]
    left = resamples - sum(sizes)
    sizes += [_CHUNK] * (left // _CHUNK) + [left % _CHUNK]
    return [size for size in sizes if size]


def order_limits(thresholds: Floats, level: float) -> tuple[float, float]:
    """Return the interval between order statistics of drawn thresholds.

    Each threshold is the value of the effect at which one drawn assignment becomes as extreme as
    the data. Of B of them the k-th smallest and largest, k = ⌊(B + 1)(1 − level) / 2⌋, leave out
    the true effect with chance at most ``1 − level``.

    Parameters
    ----------
    thresholds : (B,) float array
        NaN: an assignment that equals the observed one; it never leaves anything out.
    level : float

    Returns
    -------
    low, high : float
        ±inf where there are too few thresholds for the level.

    References
    ----------
    Hartigan (1969), "Using subsample values as typical values", JASA 64(328).

    Examples
    --------
    >>> import numpy as np
    >>> order_limits(np.arange(1.0, 20), 0.9)
    (1.0, 19.0)
    """
    known = np.isfinite(thresholds)
    place = int(np.floor((len(thresholds) + 1) * (1 - level) / 2 + TOLERANCE))
    low = np.sort(np.where(known, thresholds, -np.inf))
    high = np.sort(np.where(known, thresholds, np.inf))
    if place < 1:
        return -np.inf, np.inf
    return float(low[place - 1]), float(high[-place])
