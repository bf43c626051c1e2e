"""Engine 1: do the answers depend on the attribute? An exact test by our own randomisation.

Within a block the treated arm, its reference and its twin are exchangeable under the null, because
identities and slots were assigned by lot. A bet on the treated arm therefore has an expectation of
exactly 1 given the *unordered* answers of the block, whatever the vendor's noise, drift or memory:

    factor = w(A) / mean(w(A), w(R), w(T)),   w = exp(strength · u)

where the score u may look at the unordered block and at earlier blocks only. The product over
blocks, averaged over bets, is an e-process: it exceeds 1/alpha with probability at most alpha, at
whatever moment one looks (Ville's inequality).

Which bets are made decides the cost and never the validity. ``benchmarks/simulate_dependence.py``
shows the shipped ones beside the grid they replaced (strengths 1, 2, 4 at every scale, heterogeneity
with full weight).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ._arrays import Bools, Floats, aligned, floats, inside, log_mixture, slabs
from .bounded import log_bets

TRIPLE, PAIR = 3, 2

FREE = 7.0
"""How far below the block's cheapest price a price of zero is put: about a thousandfold."""

SIMULATED_BLOCKS = 1000
"""At most so many blocks enter a simulated accusation: the least that shows a lean of the twins."""


class Bet(NamedTuple):
    """One member of the mixture: u = tanh(deviation / (scale · running spread))."""

    scale: float
    strength: float
    weight: float


SHIFT = (
    Bet(1, 0.03, 0.1),
    Bet(1, 0.25, 0.3),
    Bet(1, 1, 1),
    Bet(1, 4, 1.2),
    Bet(4, 4, 2),
    Bet(16, 0.5, 0.3),
    Bet(16, 2, 1),
    Bet(16, 4, 1),
)
"""Bets on the deviation from the block's mean. A small scale resists wild noise, a large one lets
rare big gaps count in full; strength / scale sets how fast a bet grows with a small gap. The weak
ones find what is small in a long audit, and hardly lose where there is nothing."""

SPREAD = (Bet(1, 1, 0.2), Bet(4, 3, 0.3), Bet(16, 4, 0.3))
"""Bets on the distance from the block's median: arms that differ in spread, or in both directions."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """The unordered part of every row, arms first: what a score may look at."""

    deviation: Floats
    distance: Floats
    spread: Floats
    asked: Floats

    def slab(self, rows: slice) -> _Rows:
        return _Rows(
            self.deviation[:, rows], self.distance[:, rows], self.spread[rows], self.asked[rows]
        )


def _settled(answers: Floats, asked: Floats) -> tuple[Floats, Bools]:
    """Return the answers (arms, n) with free prices put far below the rest, and the usable rows."""
    present = np.arange(TRIPLE)[:, None] < asked
    values = np.where(present, answers.T, np.nan)
    usable: Bools = np.logical_not(np.any(np.isnan(values) & present, axis=0))
    free = np.isneginf(values)
    if free.any():
        cheapest = np.where(free | ~present, np.inf, values).min(axis=0)
        fill = np.where(np.isfinite(cheapest), cheapest, 0.0) - FREE
        values = np.where(free, fill, values)
    return np.where(present & usable, values, 0.0), usable


def _mean_deviation(values: Floats, counted: Bools) -> tuple[Floats, Floats]:
    """Return deviations from the row's mean over the `counted` arms, and their mean size."""
    count = np.maximum(counted.sum(axis=0), 1)
    # from the cheapest arm, so that equal answers deviate by exactly 0 and not by rounding
    start = np.where(counted, values, np.inf).min(axis=0)
    shifted = np.where(counted, values - np.where(np.isfinite(start), start, 0.0), 0.0)
    deviation = np.where(counted, shifted - shifted.sum(axis=0) / count, 0.0)
    return deviation, np.abs(deviation).sum(axis=0) / count


def _rows(answers: Floats, asked: Floats) -> _Rows:
    values, usable = _settled(answers, asked)
    present = (np.arange(TRIPLE)[:, None] < asked) & usable
    deviation, size = _mean_deviation(values, present)
    free = np.isneginf(answers.T) & present
    if free.any():  # the size of a gap to a free price says nothing about the noise
        size = _mean_deviation(values, present & ~free)[1]
    total = np.cumsum(size)
    spread = total / np.maximum(np.cumsum(usable), 1)
    low = np.where(present, deviation, np.inf).min(axis=0)
    high = np.where(present, deviation, -np.inf).max(axis=0)
    with np.errstate(invalid="ignore"):
        median = deviation.sum(axis=0) - low - high
    distance = np.where(present & (asked == TRIPLE), np.abs(deviation - median), 0.0)
    return _Rows(deviation, distance, np.where(spread > 0, spread, 1.0), asked)


def _factors(rows: _Rows, score: Floats, bet: Bet) -> tuple[Floats, Floats]:
    """Return the log factors of the bet that the treated arm scores high, and low."""
    strongest = bet.strength * np.tanh(score / (bet.scale * rows.spread))
    weight = np.exp(strongest)
    weight[TRIPLE - 1] *= rows.asked == TRIPLE
    inverse = np.exp(-strongest)
    inverse[TRIPLE - 1] *= rows.asked == TRIPLE
    high = strongest[0] - np.log(weight.sum(axis=0) / rows.asked)
    low = -strongest[0] - np.log(inverse.sum(axis=0) / rows.asked)
    return high, low


def _weights(*bets: Bet, both: bool) -> Floats:
    weights = np.repeat([bet.weight for bet in bets], 2 if both else 1)
    log_weights: Floats = np.log(weights / weights.sum())
    return log_weights


def _two_sided(rows: _Rows) -> Floats:
    """Return the log of the mixture after each row, over both signs and both scores."""
    log_weights = _weights(*SHIFT, *SPREAD, both=True)
    out = np.zeros(len(rows.spread))
    past = np.zeros((len(log_weights), 1))
    for slab in slabs(len(out)):
        part = rows.slab(slab)
        logs = [_factors(part, part.deviation, bet) for bet in SHIFT]
        logs += [_factors(part, part.distance, bet) for bet in SPREAD]
        paths = past + np.cumsum(np.concatenate(logs), axis=1)
        out[slab] = log_mixture(paths, log_weights)
        past = paths[:, -1:]
    return out


def log_dependence(answers: ArrayLike, asked: ArrayLike) -> Floats:
    """Return the evidence that the answers depend on the label.

    Null hypothesis: within each row the treated arm and the others are exchangeable (what random
    assignment of identities and slots guarantees when the answers' law does not depend on the
    label). Guarantee: exact; under the null the chance that the result ever reaches
    ``log(1 / alpha)`` is at most alpha, for any noise and any stopping rule.

    Parameters
    ----------
    answers : (n, 3) array_like of float
        Log prices of the treated arm, the reference and the reference's twin, in the order asked.
        ``-inf`` is a price of zero. A row in which an asked arm is NaN counts for nothing.
    asked : (n,) array_like of int
        3, or 2 where there was no twin: the third column is then ignored.

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each row.

    Raises
    ------
    InputError
        If the shapes do not fit, `asked` holds anything but 2 and 3, or an answer is ``+inf``.

    References
    ----------
    Ramdas, Grünwald, Vovk, Shafer (2023), "Game-theoretic statistics and safe anytime-valid
    inference", Statistical Science 38(4).

    Examples
    --------
    >>> import numpy as np
    >>> always_dearer = np.tile(np.log([101.0, 100.0, 100.0]), (6, 1))
    >>> bool(log_dependence(always_dearer, np.full(6, 3))[-1] >= np.log(60))
    True
    >>> log_dependence(np.zeros((2, 3)), [3, 2])
    array([0., 0.])
    """
    columns, counts = _checked(answers, asked)
    return _two_sided(_rows(columns, counts))


def _checked(answers: ArrayLike, asked: ArrayLike) -> tuple[Floats, Floats]:
    columns = floats("answers", answers, columns=TRIPLE)
    counts = floats("asked", asked)
    if len(counts) != len(columns):
        need = f"({len(columns)},)"
        raise InputError("metrics.shape", name="asked", need=need, got=str(counts.shape))
    if not np.isin(counts, (PAIR, TRIPLE)).all():
        raise InputError("metrics.asked")
    return columns, counts


def _pairs(first: Floats, second: Floats) -> _Rows:
    answers = np.column_stack([first, second, np.zeros(len(first))])
    return _rows(answers, np.full(len(first), float(PAIR)))


def log_one_sided(high: ArrayLike, low: ArrayLike) -> Floats:
    """Return the evidence that `high` lies above `low`, from pairs alone.

    Null hypothesis: the two answers of a pair are exchangeable. Guarantee: exact at any time. The
    bets are all on `high` being the larger one, so a gap the other way is never evidence.

    Parameters
    ----------
    high, low : (n,) array_like of float
        Log prices of each pair, in the order asked; NaN drops the pair.

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each pair.

    Raises
    ------
    InputError
        If the shapes differ or an answer is ``+inf``.

    Examples
    --------
    >>> import numpy as np
    >>> one, two = np.log(np.full(16, 100.0)), np.log(np.full(16, 190.0))
    >>> bool(log_one_sided(two, one)[-1] > np.log(1000) > 0 > log_one_sided(one, two)[-1])
    True
    """
    aligned(high=high, low=low)
    rows = _pairs(floats("high", high), floats("low", low))
    paths = np.cumsum([_factors(rows, rows.deviation, bet)[0] for bet in SHIFT], axis=1)
    return log_mixture(paths, _weights(*SHIFT, both=False))


def log_harness(reference: ArrayLike, twin: ArrayLike) -> Floats:
    """Return the evidence that reference and twin, alike in everything, were treated unalike.

    Null hypothesis: reference and twin of a block are exchangeable, as they are by our own lot; it
    can only fail if the audit itself tells them apart. Guarantee: exact at any time.

    Parameters
    ----------
    reference, twin : (n,) array_like of float
        Log prices, in the order asked; NaN (also: no twin in this block) drops the pair.

    Returns
    -------
    (n,) float array
        Natural logarithm of the e-process after each pair.

    Raises
    ------
    InputError
        If the shapes differ or an answer is ``+inf``.

    Examples
    --------
    >>> log_harness([4.6, 4.6], [4.6, 4.6])
    array([0., 0.])
    """
    aligned(reference=reference, twin=twin)
    return _two_sided(_pairs(floats("reference", reference), floats("twin", twin)))


def twin_accusations(
    answers: ArrayLike,
    asked: ArrayLike,
    *,
    ratio: float,
    bound: float,
    alpha: float,
    rng: np.random.Generator,
    draws: int = 1000,
) -> tuple[int, int]:
    """Count how often identical customers would have been accused: the negative control.

    In each block that has a twin a coin says whether reference or twin plays the treated arm
    against the other. The blocks are then put through engine 1 and engine 2, and accused when
    "depends on the attribute" or "mean beyond the tolerance" would have been claimed at any time.
    Under any noise the expected number is at most ``draws · alpha`` for engine 1. Of more than
    :data:`SIMULATED_BLOCKS` blocks with a twin so many are drawn, once.

    Parameters
    ----------
    answers, asked
        As for :func:`log_dependence`.
    ratio : float
        Tolerance of the mean, 0.01 for 1 %.
    bound : float
        Log gaps are clipped to ± this.
    alpha : float
        Level at which one hypothesis is accused.
    rng : numpy.random.Generator
    draws : int
        How many times the coins are thrown.

    Returns
    -------
    accused, draws : int

    Raises
    ------
    InputError
        If an argument lies outside its range.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> prices = rng.normal(5, 0.02, (60, 3))
    >>> accused, of = twin_accusations(prices, np.full(60, 3), ratio=0.01, bound=0.4,
    ...     alpha=0.05, rng=rng)
    >>> of, accused <= 80
    (1000, True)
    """
    limit = float(np.log1p(inside("ratio", ratio, 0, np.inf)))
    inside("bound", bound, 0, np.inf)
    inside("alpha", alpha, 0, 1)
    columns, counts = _checked(answers, asked)
    pairs = columns[(counts == TRIPLE) & ~np.isnan(columns[:, 1:]).any(axis=1), 1:]
    if len(pairs) > SIMULATED_BLOCKS:
        pairs = pairs[np.sort(rng.choice(len(pairs), SIMULATED_BLOCKS, replace=False))]
    if not len(pairs):
        return 0, draws
    sides = _Sides.of(pairs, limit=limit, bound=bound)
    accused = 0
    for part in slabs(draws, max(1, 100_000 // len(pairs))):
        coins = rng.integers(0, 2, (part.stop - part.start, len(pairs)), dtype=np.int8) > 0
        accused += int(sides.accused(coins, float(np.log(1 / alpha))).sum())
    return accused, draws


@dataclass(frozen=True, slots=True)
class _Sides:
    """Log factors of every bet for either face of each coin: (bets, blocks)."""

    depends: tuple[Floats, Floats]
    depends_weights: Floats
    beyond: tuple[Floats, Floats]
    beyond_weights: Floats

    @classmethod
    def of(cls, pairs: Floats, *, limit: float, bound: float) -> _Sides:
        rows = _pairs(pairs[:, 0], pairs[:, 1])
        both = [_factors(rows, rows.deviation, bet) for bet in SHIFT]
        heads = np.concatenate(both)
        tails = np.concatenate([high_low[::-1] for high_low in both])
        with np.errstate(invalid="ignore"):
            gap = np.nan_to_num(pairs[:, 0] - pairs[:, 1], nan=0.0, posinf=bound, neginf=-bound)
        gap = np.clip(gap, -bound, bound)
        up, weights = log_bets(gap, bound=bound, limit=limit)
        down, _ = log_bets(-gap, bound=bound, limit=limit)
        return cls(
            (heads, tails),
            _weights(*SHIFT, both=True),
            (np.concatenate([up, down]), np.concatenate([down, up])),
            np.concatenate([weights, weights]) + np.log(0.5),
        )

    def accused(self, coins: Bools, threshold: float) -> Bools:
        depends: Bools = _ever(coins, self.depends, self.depends_weights) >= threshold
        beyond: Bools = _ever(coins, self.beyond, self.beyond_weights) >= threshold + np.log(2)
        return depends | beyond


def _ever(coins: Bools, faces: tuple[Floats, Floats], log_weights: Floats) -> Floats:
    """Return the highest point of the mixture over the blocks, for each throw of the coins."""
    total = np.zeros(coins.shape)
    for heads, tails, log_weight in zip(*faces, log_weights, strict=True):
        path = np.cumsum(np.where(coins, heads, tails), axis=1)
        # a bet that would overflow has long accused
        total += np.exp(np.minimum(path + log_weight, 700.0))
    highest: Floats = np.log(total.max(axis=1))
    return highest
