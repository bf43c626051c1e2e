"""Which contexts are hit: flags, re-asked rounds, and what they say of the share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..metrics import share as engine
from .design import ANSWERED, REFERENCE, TWIN
from .ledger import NOT_ASKED, Ledger, once

Bools = NDArray[np.bool_]

OPEN, DROPPED, CONFIRMED, UNDECIDED = 0, 1, 2, 3
ROUNDS = engine.LAST // engine.ROUND
QUIET = 0.01
"""While no larger part of all earlier pairs was beyond the limit, flags are dropped sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What became of the contexts that one arm was asked in.

    One entry a fresh block in which the reference answered and the arm was asked.

    Parameters
    ----------
    block : (n,) int
    dearer : (n,) bool
        Direction of the gap.
    flagged : (n,) bool
        Whether the first pair was beyond the limit, or the treated arm had no answer.
    state : (n,) int8
        0 open, 1 dropped, 2 confirmed, 3 undecided after the last round (or no answer).
    quiet : (n,) bool
    """

    block: NDArray[np.intp]
    dearer: Bools
    flagged: Bools
    state: NDArray[np.int8]
    quiet: Bools

    @property
    def open(self) -> Bools:
        """Flags whose rounds are not over."""
        found: Bools = self.flagged & (self.state == OPEN)
        return found

    @property
    def confirmed(self) -> Bools:
        """Flags that the rounds confirmed."""
        found: Bools = self.flagged & (self.state == CONFIRMED)
        return found

    @property
    def hit(self) -> Bools:
        """What counts against the vendor when the share is bounded from above."""
        found: Bools = self.flagged & (self.state != DROPPED)
        return found

    @property
    def gamma(self) -> float:
        """Least chance that a context beyond the limit is flagged and not dropped.

        The smallest over the blocks: smaller than a block's own only weakens the evidence.
        """
        return engine.survival(quiet=bool(np.all(self.quiet)))


@once
def quiet_blocks(ledger: Ledger, beyond: float) -> Bools:
    """Say for each block whether all pairs of earlier waves were almost never beyond the limit."""
    gaps = [np.abs(ledger.gap(arm)) for arm in range(TWIN, ledger.log.shape[1])]
    table = np.where(ledger.fresh[:, None], np.stack(gaps, axis=1), np.nan)
    waves, place = np.unique(ledger.wave, return_inverse=True)
    pairs = np.bincount(place, np.isfinite(table).sum(axis=1), minlength=len(waves))
    large = np.bincount(place, (table > beyond).sum(axis=1), minlength=len(waves))
    before, large_before = np.cumsum(pairs) - pairs, np.cumsum(large) - large
    quiet: Bools = (large_before <= QUIET * before)[place]
    return quiet


@once
def shares_of(
    ledger: Ledger, arm: int, *, beyond: float, direction: Literal["any", "harm"]
) -> Shares:
    """Read flags and rounds of `arm`, each block in the tier that was in force when it was asked."""
    quiet = quiet_blocks(ledger, beyond)
    return read_shares(ledger, arm, beyond=beyond, direction=direction, quiet=quiet)


def read_shares(
    ledger: Ledger, arm: int, *, beyond: float, direction: Literal["any", "harm"], quiet: Bools
) -> Shares:
    """Read flags and rounds of `arm` at the limit `beyond` (log scale)."""
    gap = ledger.gap(arm)
    answered = ledger.kind[:, arm] == ANSWERED
    usable = (
        ledger.fresh & (ledger.kind[:, REFERENCE] == ANSWERED) & (ledger.kind[:, arm] != NOT_ASKED)
    )
    block = np.flatnonzero(usable)
    large = gap > beyond if direction == "harm" else np.abs(gap) > beyond
    flagged = np.where(answered, large, True)[block]
    state = np.full(len(block), OPEN, dtype=np.int8)
    state[~answered[block]] = UNDECIDED
    ask = flagged & answered[block]
    state[ask] = _rounds(ledger, arm, block[ask], beyond=beyond, quiet=quiet[block[ask]])
    return Shares(
        block=block, dearer=gap[block] > 0, flagged=flagged, state=state, quiet=quiet[block]
    )


def _rounds(
    ledger: Ledger, arm: int, flagged: NDArray[np.intp], *, beyond: float, quiet: Bools
) -> NDArray[np.int8]:
    if len(flagged) == 0:
        return np.zeros(0, dtype=np.int8)
    gap = ledger.gap(arm)
    rows = np.flatnonzero(~ledger.fresh & ledger.asked[:, arm])
    slot = np.searchsorted(flagged, ledger.again[rows])
    known = (slot < len(flagged)) & (
        flagged[np.minimum(slot, len(flagged) - 1)] == ledger.again[rows]
    )
    rows, slot = rows[known], slot[known]
    order = np.argsort(slot, kind="stable")
    rows, slot = rows[order], slot[order]
    asked = np.bincount(slot, minlength=len(flagged))
    rank = np.arange(len(slot)) - np.repeat(np.cumsum(asked) - asked, asked)
    place = slot * ROUNDS + np.minimum(rank // engine.ROUND, ROUNDS - 1)
    seen = np.sign(gap[flagged])[slot] * gap[rows] > beyond
    missing = np.isnan(gap[rows])

    def states(counts: Bools) -> NDArray[np.int8]:
        table = np.bincount(place[counts], minlength=len(flagged) * ROUNDS).reshape(-1, ROUNDS)
        return engine.path_state(np.cumsum(table, axis=1), asked // engine.ROUND, quiet)

    # A pair without an answer never speaks for the vendor and never against it.
    lenient = states(seen | missing)
    strict = states(seen & ~missing) if missing.any() else lenient
    state = np.where(lenient == DROPPED, DROPPED, np.where(strict == CONFIRMED, CONFIRMED, OPEN))
    over = (lenient != OPEN) & (strict != OPEN) & (state == OPEN)
    return np.where(over, UNDECIDED, state).astype(np.int8)
