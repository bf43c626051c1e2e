"""Which contexts are hit: flags, re-asked rounds, and what they say of the share."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..metrics import share as engine
from .design import ANSWERED, FAILED, REFERENCE, TWIN
from .ledger import NOT_ASKED, Ledger, once
from .scores import Score

Bools = NDArray[np.bool_]

OPEN, DROPPED, CONFIRMED, UNDECIDED = 0, 1, 2, 3
ROUNDS = engine.LAST // engine.ROUND
HALF_A_FLIP = 0.5
QUIET = 0.01
"""While no larger part of all earlier pairs was beyond the limit, flags are dropped sooner."""


Direction = Literal["any", "harm"]
Scale = Literal["ratio", "difference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A tolerance on the scale that scores are compared on.

    Parameters
    ----------
    mean : float
        Largest mean effect within the limit: log(1 + ratio), or the difference itself.
    beyond : float
        What one context's own effect must exceed to count, on the same scale.
    share : float
        Largest share of contexts beyond it that is within the limit.
    reproducible : float
        Part of a context's quotes that must show an effect beyond the limit for it to count when
        the share is bounded from above: .5 is the median. What is shown against a vendor always
        shows in half of the quotes.
    deterministic : bool
        Whether the vendor is assumed to answer alike whoever asks. Withdrawn when it does not.
    scale : {"ratio", "difference"}
        Whether scores are logarithms.
    """

    mean: float
    beyond: float
    share: float
    reproducible: float = 0.5
    deterministic: bool = False
    scale: Scale = "ratio"

    @classmethod
    def of(
        cls,
        *,
        ratio: float,
        share: float,
        beyond: float,
        reproducible: float = 0.5,
        deterministic: bool = False,
    ) -> Limit:
        """Make a limit from the fractions of a plan."""
        return cls(
            mean=math.log1p(ratio),
            beyond=math.log1p(beyond),
            share=share,
            reproducible=reproducible,
            deterministic=deterministic,
        )

    def times(self, scale: float) -> Limit:
        """Return the limit with ratio and beyond `scale` times as large."""
        if self.scale == "difference":
            return replace(self, mean=scale * self.mean, beyond=scale * self.beyond)
        return replace(
            self,
            mean=math.log1p(scale * math.expm1(self.mean)),
            beyond=math.log1p(scale * math.expm1(self.beyond)),
        )

    def on(self, score: Score) -> Limit:
        """Return the same fractions on the scale of a score.

        A ratio of 1 % is log 1.01 for prices and a hundredth for a difference. Where a trial only
        says yes or no, every change of the answer is beyond the limit.

        Examples
        --------
        >>> from evenhand.probes.scores import PartOf, Refusal
        >>> limit = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
        >>> round(limit.on(PartOf("coupon")).mean, 6), limit.on(Refusal()).beyond
        (0.01, 0.5)
        """
        if score.unit == "log-ratio":
            return self
        beyond = HALF_A_FLIP if score.flips else math.expm1(self.beyond)
        return replace(self, mean=math.expm1(self.mean), beyond=beyond, scale="difference")


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
        0 open, 1 dropped, 2 confirmed, 3 undecided after the last round.
    rounds : (n,) int
        Complete rounds so far.
    quiet : (n,) bool
    reproducible : float
        As in :class:`Limit`.
    alike : bool
        Whether the vendor is assumed to answer alike whoever asks, and so far did.
    """

    block: NDArray[np.intp]
    dearer: Bools
    flagged: Bools
    state: NDArray[np.int8]
    rounds: NDArray[np.intp]
    quiet: Bools
    reproducible: float = 0.5
    alike: bool = False

    @property
    def open(self) -> Bools:
        """Flags whose rounds are not over."""
        found: Bools = self.flagged & (self.state == OPEN)
        return found

    @property
    def surviving(self) -> Bools:
        """Open flags whose gap came back when they were first asked again."""
        found: Bools = self.open & (self.rounds > 0)
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

        The smallest over the blocks: smaller than a block's own only weakens the evidence. A
        vendor that answers alike whoever asks shows what it does at the first quote, and again.
        """
        if self.alike:
            return 1.0
        return engine.survival(quiet=bool(np.all(self.quiet)), reproducible=self.reproducible)


@once
def quiet_blocks(ledger: Ledger, beyond: float) -> Bools:
    """Say for each block whether all pairs of earlier waves were almost never beyond the limit."""
    gaps = [np.abs(ledger.gap(arm)) for arm in range(TWIN, ledger.width)]
    table = np.where(ledger.fresh[:, None], np.stack(gaps, axis=1), np.nan)
    waves, place = np.unique(ledger.wave, return_inverse=True)
    pairs = np.bincount(place, np.isfinite(table).sum(axis=1), minlength=len(waves))
    large = np.bincount(place, (table > beyond).sum(axis=1), minlength=len(waves))
    before, large_before = np.cumsum(pairs) - pairs, np.cumsum(large) - large
    quiet: Bools = (large_before <= QUIET * before)[place]
    return quiet


@once
def twins_alike(ledger: Ledger) -> bool:
    """Whether every twin was answered exactly as its reference was; what failed says nothing."""
    own, twin = ledger.kind[:, REFERENCE], ledger.kind[:, TWIN]
    told = ledger.asked[:, [REFERENCE, TWIN]].all(axis=1) & (own != FAILED) & (twin != FAILED)
    gap = ledger.gap(TWIN)[told & (own == ANSWERED) & (twin == ANSWERED)]
    return bool(np.all(own[told] == twin[told]) and np.all(gap == 0))


@once
def shares_of(ledger: Ledger, arm: int, *, limit: Limit, direction: Direction) -> Shares:
    """Read flags and rounds of `arm`, each block in the tier that was in force when it was asked.

    The assumption of a vendor that answers alike whoever asks is withdrawn, for all blocks, when a
    twin was not answered as its reference was, or when a gap did not come back.
    """
    quiet = quiet_blocks(ledger, limit.beyond)
    found = read_shares(ledger, arm, beyond=limit.beyond, direction=direction, quiet=quiet)
    alike = limit.deterministic and twins_alike(ledger) and not np.any(found.state == DROPPED)
    return replace(found, reproducible=limit.reproducible, alike=alike)


def read_shares(
    ledger: Ledger, arm: int, *, beyond: float, direction: Direction, quiet: Bools
) -> Shares:
    """Read flags and rounds of `arm` at the limit `beyond`, on the scale of the scores."""
    gap = ledger.gap(arm)
    answered = ledger.kind[:, arm] == ANSWERED
    usable = ledger.fresh & ledger.anchored & (ledger.kind[:, arm] != NOT_ASKED)
    block = np.flatnonzero(usable)
    large = gap > beyond if direction == "harm" else np.abs(gap) > beyond
    flagged = np.where(answered, large, True)[block]
    state = np.full(len(block), OPEN, dtype=np.int8)
    rounds = np.zeros(len(block), dtype=np.intp)
    state[flagged], rounds[flagged] = _rounds(
        ledger, arm, block[flagged], beyond=beyond, quiet=quiet[block[flagged]]
    )
    return Shares(
        block=block,
        dearer=gap[block] > 0,
        flagged=flagged,
        state=state,
        rounds=rounds,
        quiet=quiet[block],
    )


def _rounds(
    ledger: Ledger, arm: int, flagged: NDArray[np.intp], *, beyond: float, quiet: Bools
) -> tuple[NDArray[np.int8], NDArray[np.intp]]:
    """Return what became of the flagged blocks, and the complete rounds of each.

    A block that was flagged because the treated arm had no answer may be dropped and is never
    confirmed: it has no direction, and a vendor that is out of stock has not asked for more.
    """
    if len(flagged) == 0:
        return np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.intp)
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
    side = np.sign(gap[flagged])[slot]
    missing, aimless = np.isnan(gap[rows]), np.isnan(side)
    seen = np.where(aimless, np.abs(gap[rows]), side * gap[rows]) > beyond

    def states(counts: Bools) -> NDArray[np.int8]:
        table = np.bincount(place[counts], minlength=len(flagged) * ROUNDS).reshape(-1, ROUNDS)
        return engine.path_state(np.cumsum(table, axis=1), asked // engine.ROUND, quiet)

    # A pair without an answer never speaks for the vendor and never against it.
    lenient = states(seen | missing)
    vague = missing | aimless
    strict = states(seen & ~vague) if vague.any() else lenient
    state = np.where(lenient == DROPPED, DROPPED, np.where(strict == CONFIRMED, CONFIRMED, OPEN))
    over = (lenient != OPEN) & (strict != OPEN) & (state == OPEN)
    return np.where(over, UNDECIDED, state).astype(np.int8), asked // engine.ROUND
