"""Engine 3: what share of the contexts is hit? Finite-sample under any noise.

A context is hit when its own effect, the median of log A − log R over the vendor's noise, lies
beyond the limit c. A single quote beyond c proves nothing, so a flagged context is asked again in
rounds of :data:`ROUND` fresh pairs, at most :data:`LAST` pairs, and after each round it is *dropped*
(its gap did not come back), *confirmed*, or stays *open*.

Each pair of a hit context lies beyond c with chance at least ½, whatever the noise, and dropping is
monotone in every pair: flag and survival together have chance at least gamma
(:func:`survival`). Hence share ≤ E[not dropped] / gamma. Each pair of a context that is not hit
lies beyond c with chance at most ½: it is confirmed with chance at most pi
(:func:`false_confirmation`). Hence share ≥ E[flagged · (confirmed − pi)] / (1 − pi).

The bounds of the rounds were chosen by simulation for few queries; the guarantee holds for any.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ._arrays import Floats, Ints, aligned, inside, log_mixture, slabs
from .result import Interval

ROUND = 4
"""Fresh pairs in one round of asking again."""

LAST = 64
"""Pairs after which a context that is still open counts as hit from above."""

ROUNDS = LAST // ROUND

OPEN, DROPPED, CONFIRMED, UNDECIDED = 0, 1, 2, 3

QUIET = 0.01
"""The quiet bounds hold while at most this share of all earlier pairs lay beyond c."""

_CONFIRM = {
    8: 8, 12: 11, 16: 14, 20: 17, 24: 20, 28: 23, 32: 26, 40: 32, 48: 37, 56: 43, 64: 48,
}  # fmt: skip
_DROP_QUIET = {4: -1, 8: 0, 12: 1, 16: 3, 20: 4, 24: 6}

Tier: TypeAlias = bool
"""Whether the quiet bounds are in force."""

METHOD = "betting mixture on re-asked contexts"


def _bounds() -> tuple[Ints, Ints]:
    """Return, by number of pairs, the highest count that drops (usual, quiet) and the least that confirms."""
    drop = np.full((2, LAST + 1), -1)
    confirm = np.full(LAST + 1, LAST + 1)
    for pairs in range(ROUND, LAST + 1, ROUND):
        drop[0, pairs] = (pairs - 1) // 3 - 1
        drop[1, pairs] = _DROP_QUIET.get(pairs, drop[0, pairs])
        confirm[pairs] = _CONFIRM.get(pairs, LAST + 1)
    return drop, confirm


_DROP, _CONFIRM_AT = _bounds()


def round_state(beyond: ArrayLike, asked: ArrayLike, quiet: ArrayLike) -> NDArray[np.int8]:
    """Return what one look says about each re-asked context.

    It is looked at after every round: a context that an earlier look dropped or confirmed stays so.
    :func:`path_state` follows the whole path.

    Parameters
    ----------
    beyond : (m,) array_like of int
        Pairs beyond c in the flagged direction so far.
    asked : (m,) array_like of int
        Pairs so far, 0 to 64; between two rounds nothing is decided.
    quiet : (m,) array_like of bool
        Whether the quiet bounds were in force when the context was flagged.

    Returns
    -------
    (m,) int8 array
        0 open, 1 dropped, 2 confirmed, 3 undecided after the last round.

    Raises
    ------
    InputError
        If the columns are not aligned or `asked` leaves its range.

    Examples
    --------
    >>> round_state([0, 0, 8, 40], [4, 4, 8, 64], [False, True, False, False])
    array([1, 0, 2, 3], dtype=int8)
    """
    counts, pairs, tier = aligned(beyond=beyond, asked=asked, quiet=quiet)
    if len(pairs):
        inside("asked", float(pairs.max()), -1, LAST, closed=True)
        inside("asked", float(pairs.min()), -1, LAST, closed=True)
    state = np.where(pairs == LAST, UNDECIDED, OPEN)
    state = np.where(counts >= _CONFIRM_AT[pairs], CONFIRMED, state)
    dropped = counts <= _DROP[tier.astype(np.int64), pairs]
    return np.where(dropped, DROPPED, state).astype(np.int8)


def path_state(beyond_by_round: ArrayLike, rounds: ArrayLike, quiet: ArrayLike) -> NDArray[np.int8]:
    """Return the first terminal state of each re-asked context along the rounds asked.

    Parameters
    ----------
    beyond_by_round : (m, 16) array_like of int
        Pairs beyond c in the flagged direction, cumulative, after each round. What stands after
        the rounds asked is ignored.
    rounds : (m,) array_like of int
        Complete rounds so far.
    quiet : (m,) array_like of bool
        Whether the quiet bounds were in force when the context was flagged.

    Returns
    -------
    (m,) int8 array
        As :func:`round_state`; 0 while no look ended it.

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> back_and_forth = [[0, 4, 8, 12] + [12] * 12]
    >>> path_state(back_and_forth, [4], [False]), path_state(back_and_forth, [0], [False])
    (array([1], dtype=int8), array([0], dtype=int8))
    """
    done, tier = aligned(rounds=rounds, quiet=quiet)
    path = np.asarray(beyond_by_round)
    if path.shape != (len(done), ROUNDS):
        need = f"({len(done)}, {ROUNDS})"
        raise InputError("metrics.shape", name="beyond_by_round", need=need, got=str(path.shape))
    dropped = path <= _DROP[tier.astype(np.int64), ROUND::ROUND]
    confirmed = path >= _CONFIRM_AT[ROUND::ROUND]
    ended = dropped | confirmed
    ended[:, -1] = True
    ended &= np.arange(ROUNDS) < done[:, None]
    row, first = np.arange(len(done)), ended.argmax(axis=1)
    state = np.where(confirmed[row, first], CONFIRMED, UNDECIDED)
    state = np.where(dropped[row, first], DROPPED, state)
    return np.where(ended[row, first], state, OPEN).astype(np.int8)


@cache
def _ends(chance: float, quiet: Tier) -> tuple[float, float, tuple[float, ...]]:
    """Return P(dropped), P(confirmed), and P(asked in round r) by exact recursion over the counts."""
    steps = np.array([1.0])
    for _ in range(ROUND):
        steps = np.convolve(steps, [1 - chance, chance])
    law = np.array([1.0])
    dropped = confirmed = 0.0
    asked = []
    for pairs in range(ROUND, LAST + 1, ROUND):
        asked.append(float(law.sum()))
        law = np.convolve(law, steps)
        counts = np.arange(len(law))
        out = counts <= _DROP[int(quiet), pairs]
        enough = counts >= _CONFIRM_AT[pairs]
        dropped += float(law[out].sum())
        confirmed += float(law[enough].sum())
        law = np.where(out | enough, 0.0, law)
    return dropped, confirmed, tuple(asked)


def survival(quiet: Tier, reproducible: float = 0.5) -> float:
    """Return gamma: the least chance that a hit context is flagged and not dropped.

    Parameters
    ----------
    quiet : bool
        Which bounds are in force.
    reproducible : float
        Share of quotes in which an effect must show to count as one. 0.5 is the median.

    Returns
    -------
    float
        ``reproducible · (1 − P(dropped))``, by exact recursion.

    Raises
    ------
    InputError
        If `reproducible` is not in [0.5, 1].

    Examples
    --------
    >>> round(survival(quiet=False), 4), round(survival(quiet=True), 4)
    (0.4437, 0.483)
    """
    inside("reproducible", reproducible, 0.5 - 1e-12, 1, closed=True)
    return reproducible * (1 - _ends(reproducible, quiet)[0])


def false_confirmation(quiet: Tier) -> float:
    """Return pi: the largest chance that a flagged context that is not hit is confirmed.

    Examples
    --------
    >>> round(false_confirmation(quiet=False), 4)
    0.0077
    """
    return _ends(0.5, quiet)[1]


FALSE_CONFIRMATION = max(_ends(0.5, quiet)[1] for quiet in (False, True))
"""The larger pi of the two tiers, so that one number serves a run that changes between them."""

STRUCK = FALSE_CONFIRMATION / (1 - FALSE_CONFIRMATION)
"""What a flag that is not confirmed takes off, so that chance confirmations add up to nothing."""


def not_dropped(q: float, quiet: Tier) -> float:
    """Return the chance that a flagged context survives when each pair is beyond c with chance `q`.

    Examples
    --------
    >>> not_dropped(0.04, quiet=False) < 0.005 < not_dropped(0.25, quiet=False)
    True
    """
    inside("q", q, -1e-12, 1, closed=True)
    # rounding may leave the sum of many chances a last digit above 1
    return max(0.0, 1 - _ends(float(q), quiet)[0])


def expected_rounds(q: float, quiet: Tier) -> tuple[float, ...]:
    """Return the chance that each of the 16 rounds is asked, when a pair is beyond c with chance `q`.

    Examples
    --------
    >>> round(sum(expected_rounds(0.04, quiet=False)), 2)
    1.19
    """
    return _ends(float(q), quiet)[2]


def estimable(
    twin_exceed_one_sided: float, share: float, quiet: Tier, reproducible: float = 0.5
) -> bool:
    """Return whether the vendor's own noise lets the share be bounded at all.

    Parameters
    ----------
    twin_exceed_one_sided : float
        Chance that a twin lies more than c above its reference.
    share : float
        Tolerance of the share.
    quiet : bool
        Which bounds are in force.
    reproducible : float
        As in :func:`survival`.

    Returns
    -------
    bool
        False where contexts that are not hit survive more than half as often as the limit would.

    Examples
    --------
    >>> estimable(0.125, 0.02, quiet=False), estimable(0.25, 0.02, quiet=False)
    (True, False)
    """
    q = twin_exceed_one_sided
    return 2 * q * not_dropped(q, quiet) <= share * survival(quiet, reproducible) / 2


_KEPT = ((np.arange(1, 25) - 0.5) / 24) ** 5
"""What a bet against "share at least s" keeps of its stake at a hit: mostly next to nothing, since
hits are to be rare, but not nothing: a single one must not end the evidence. A power of 8 instead of 5
clears a vendor without noise in 4 % fewer queries, leaves noisy ones where they are, and takes 2 % more
blocks where two contexts in a thousand are hit."""

_KEPT_WEIGHTS = np.full(len(_KEPT), -np.log(len(_KEPT)))


def inside_counts(hits: Floats, misses: Floats, rate: float) -> Floats:
    """Return the log evidence against P(hit) ≥ `rate` from counts."""
    lose = np.log(_KEPT)[:, None]
    win = (np.log1p(-_KEPT * rate) - np.log1p(-rate))[:, None]
    out = np.empty(len(hits))
    for slab in slabs(len(hits)):
        out[slab] = log_mixture(hits[slab] * lose + misses[slab] * win, _KEPT_WEIGHTS)
    return out


def log_share_inside(hit: ArrayLike, *, share: float, gamma: float) -> Floats:
    """Return the evidence that the share of hit contexts lies below a limit.

    Null hypothesis: at least `share` of the contexts are hit, so that each block counts as a hit
    with chance at least ``share · gamma``. Guarantee: finite-sample at any time, under any noise,
    when contexts are drawn independently and fresh identities of one context answer independently
    and alike.

    Parameters
    ----------
    hit : (n,) array_like of bool
        Per block: flagged and not (yet) dropped, or refused while the reference answered.
    share : float
        Tolerance of the share.
    gamma : float
        :func:`survival`; 1 where the plan assumes a deterministic vendor, or where accounts are
        the unit and nothing is asked again.

    Returns
    -------
    (n,) float array
        Natural logarithm of the evidence after each block, as of what is known now.

    Raises
    ------
    InputError
        If `share` or `gamma` leaves (0, 1) or (0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> path = log_share_inside(np.zeros(400, bool), share=0.02, gamma=survival(quiet=True))
    >>> int(np.argmax(path >= np.log(20))) + 1
    343
    """
    (hits,) = aligned(hit=hit)
    rate = inside("share", share, 0, 1) * inside("gamma", gamma, 0, 1, closed=True)
    count = np.cumsum(hits.astype(np.float64))
    return inside_counts(count, np.arange(1, len(hits) + 1) - count, rate)


_STAKES = 0.98 * 0.5 ** np.arange(9.0)
# shares of two to ten times the limit are where blocks can be saved: beyond, any bet wins at once.
# Weights drawn closer around them saved 2 % of the blocks at K = 5 (4 % with half steps between the
# stakes) and cost as much at shares of .2 and more: not worth another set of numbers.
_STAKE_WEIGHTS = np.log(np.array([1, 1, 2, 4, 6, 6, 4, 2, 1]) / 27)


def _beyond(plain: Floats, flags: Floats, confirmed: Floats, share: float) -> Floats:
    """Return the log evidence against share ≤ `share` from counts of blocks."""
    height = share + STRUCK
    out = np.empty(len(plain))
    none, lost, won = (
        np.log1p(_STAKES * (score - share) / height)[:, None] for score in (0.0, -STRUCK, 1.0)
    )
    for slab in slabs(len(plain)):
        logs = plain[slab] * none + flags[slab] * lost + confirmed[slab] * won
        out[slab] = log_mixture(logs, _STAKE_WEIGHTS)
    return out


def log_share_beyond(flagged: ArrayLike, confirmed: ArrayLike, *, share: float) -> Floats:
    """Return the evidence that the share of hit contexts lies above a limit.

    Null hypothesis: at most `share` of the contexts are hit. A flag that is confirmed scores 1, one
    that is dropped, undecided or still open scores ``−pi / (1 − pi)``, any other block 0: the mean
    score of a context that is not hit is at most 0. Guarantee: finite-sample at any time, under any noise.

    Parameters
    ----------
    flagged, confirmed : (n,) array_like of bool
        Per block, as of what is known now.
    share : float
        Tolerance of the share.

    Returns
    -------
    (n,) float array
        Natural logarithm of the evidence after each block.

    Raises
    ------
    InputError
        If the columns are not aligned or `share` leaves (0, 1).

    Examples
    --------
    >>> import numpy as np
    >>> every_fifth = np.arange(100) % 5 == 0
    >>> bool(log_share_beyond(every_fifth, every_fifth, share=0.02)[-1] > np.log(40))
    True
    """
    flags, kept = (column.astype(bool) for column in aligned(flagged=flagged, confirmed=confirmed))
    inside("share", share, 0, 1)
    won = np.cumsum(flags & kept, dtype=np.float64)
    lost = np.cumsum(flags & ~kept, dtype=np.float64)
    plain = np.arange(1, len(flags) + 1) - won - lost
    return _beyond(plain, lost, won, share)


def share_interval(
    flagged: ArrayLike, confirmed: ArrayLike, hit: ArrayLike, *, gamma: float, level: float
) -> Interval:
    """Return a time-uniform confidence interval for the share of hit contexts.

    All shares that :func:`log_share_inside` does not reject after the last block and
    :func:`log_share_beyond` after none, each side at half of ``1 − level``. Guarantee:
    finite-sample. What was once shown to lie above a limit stays so, as the verdict does.

    Parameters
    ----------
    flagged, confirmed, hit : (n,) array_like of bool
        As for the two functions.
    gamma : float
        :func:`survival`, or 1.
    level : float
        For example 0.95.

    Returns
    -------
    Interval
        [0, 1] where nothing was asked.

    Raises
    ------
    InputError
        If the columns are not aligned or an argument leaves its range.

    Examples
    --------
    >>> import numpy as np
    >>> none = np.zeros(149, bool)
    >>> found = share_interval(none, none, none, gamma=1.0, level=0.95)
    >>> found.low, found.high < 0.03
    (0.0, True)
    """
    flags, kept, hits = (
        column.astype(bool) for column in aligned(flagged=flagged, confirmed=confirmed, hit=hit)
    )
    inside("gamma", gamma, 0, 1, closed=True)
    threshold = float(np.log(2 / (1 - inside("level", level, 0, 1))))
    n, struck = float(len(flags)), float(hits.sum())
    # the evidence is highest right after a confirmed flag: its maximum is among these rows
    rows = np.flatnonzero(flags & kept)
    won = np.arange(1.0, len(rows) + 1)
    lost = np.cumsum(flags & ~kept, dtype=np.float64)[rows]
    plain = rows + 1.0 - won - lost

    def above(share: float) -> bool:
        return bool(np.max(_beyond(plain, lost, won, share), initial=0.0) < threshold)

    high = _upper(struck, n, gamma, threshold)
    return Interval(low=_switch(above), high=high, level=level, method=METHOD, time_uniform=True)


@lru_cache(maxsize=64)  # arms of one audit share the number of blocks, and mostly have no hit
def _upper(hits: float, blocks: float, gamma: float, threshold: float) -> float:
    def below(share: float) -> bool:
        log_e = inside_counts(np.array([hits]), np.array([blocks - hits]), share * gamma)
        return bool(log_e[0] >= threshold)

    return _switch(below)


def _switch(holds: Callable[[float], bool]) -> float:
    """Return the share at which `holds` turns true, between 0 and 1."""
    low, high = 1e-12, 1 - 1e-12
    if holds(low):
        return 0.0
    if not holds(high):
        return 1.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
