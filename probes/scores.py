"""In what answers are compared: one number a trial, on a scale on which arms are subtracted.

Every score is oriented so that more is worse for the customer; where people say it the other way
round (a coupon that shrinks) ``harm`` is −1 and the effect is told in their direction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics.result import Interval
from .design import ANSWERED, FAILED, REFUSED, Floats, Observed
from .ledger import Ledger

Unit = Literal["log-ratio", "rate", "share-of-price", "distance", "points"]
"""What an effect is: a ratio of amounts, a difference of chances, of parts of a price, of lists, or
of an index between 0 and 1."""

Kinds = NDArray[np.int8]

NONE = 0.5
"""What counts for no offer at all on a scale of ratios."""


class Score(Protocol):
    """What one trial counts as; hashable, so that a ledger is laid out once."""

    @property
    def unit(self) -> Unit:
        """What an effect is."""
        ...

    @property
    def harm(self) -> int:
        """1 where more of what is told is worse for the customer, −1 where less is."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        ...

    @property
    def flips(self) -> bool:
        """Whether one trial only says yes or no, so that any difference is beyond the limit."""
        ...

    @property
    def pairwise(self) -> bool:
        """Whether trials can only be compared with each other, so that every block needs a twin."""
        ...

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the answers by block and arm."""
        ...


def told(interval: Interval, score: Score) -> Interval:
    """Return an interval of gaps in the direction in which people tell them."""
    if score.harm == 1:
        return interval
    return replace(interval, low=-interval.high, high=-interval.low)


def column(observed: Observed, outcome: str) -> Floats:
    """Return an outcome as numbers, one a trial; NaN where nothing was answered."""
    values = observed.values.get(outcome)
    if values is None:
        return np.full(len(observed), np.nan)
    found: Floats = np.where(observed.kind == ANSWERED, np.asarray(values, dtype=float), np.nan)
    return found


def logs(values: Floats) -> Floats:
    """Return logarithms; −inf for zero, NaN for what is no amount."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.log(values)
    return found


class Plain:
    """What most scores are: a number of its own a trial, compared as a ratio."""

    __slots__ = ()
    unit: ClassVar[Unit] = "log-ratio"
    flips: ClassVar[bool] = False
    pairwise: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class LogPrice(Plain):
    """An amount, compared as a ratio."""

    outcome: str = "final"
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the logarithm of the amount by block and arm."""
        score = logs(column(observed, self.outcome))
        return Ledger.laid_out(observed, score, observed.kind, width)


FINAL = LogPrice()


@dataclass(frozen=True, slots=True)
class Quotient(Plain):
    """One amount for each unit of another outcome, compared as a ratio: the price of what is got."""

    outcome: str = "final"
    per: str = "units"
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome, self.per})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the logarithm of the quotient by block and arm."""
        over, under = column(observed, self.outcome), column(observed, self.per)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = logs(np.where(under > 0, over / under, np.nan))
        return Ledger.laid_out(observed, score, observed.kind, width)


@dataclass(frozen=True, slots=True)
class Count(Plain):
    """How many there are, compared as a ratio; by default it is worse to get fewer.

    None counts as half of one: from one to none is a halving.
    """

    outcome: str = "offers"
    harm: int = -1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the logarithm of the count by block and arm, its sign such that more is worse."""
        score = self.harm * logs(np.maximum(column(observed, self.outcome), NONE))
        return Ledger.laid_out(observed, score, observed.kind, width)


@dataclass(frozen=True, slots=True)
class PutBack(Plain):
    """An amount with a part put back that was taken off: the price before a coupon, as a ratio."""

    outcome: str
    part: str
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome, self.part})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the logarithm of the sum by block and arm."""
        score = logs(column(observed, self.outcome) + column(observed, self.part))
        return Ledger.laid_out(observed, score, observed.kind, width)


@dataclass(frozen=True, slots=True)
class PartOf(Plain):
    """An amount as a part of another, which may be nothing: a coupon of the list price."""

    outcome: str
    of: str = "list"
    harm: int = 1
    unit: ClassVar[Unit] = "share-of-price"

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome, self.of})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the part by block and arm, its sign such that more is worse."""
        part, whole = column(observed, self.outcome), column(observed, self.of)
        with np.errstate(divide="ignore", invalid="ignore"):
            score = np.where(whole > 0, part / whole, np.nan)
        return Ledger.laid_out(observed, self.harm * score, observed.kind, width)


@dataclass(frozen=True, slots=True)
class Refusal(Plain):
    """Whether the vendor refuses: 1 where it does, 0 where it answers."""

    unit: ClassVar[Unit] = "rate"
    harm: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset()
    flips: ClassVar[bool] = True

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return refusals by block and arm; a refusal is an answer here, a failure is none."""
        refused = (observed.kind == REFUSED).astype(float)
        score = np.where(observed.kind == FAILED, np.nan, refused)
        kind = np.where(observed.kind == FAILED, FAILED, ANSWERED).astype(np.int8)
        return Ledger.laid_out(observed, score, kind, width)


@dataclass(frozen=True, slots=True)
class Flag(Plain):
    """Whether something is shown; by default it is worse not to see it."""

    outcome: str = "notice"
    harm: int = -1
    unit: ClassVar[Unit] = "rate"
    flips: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the flag by block and arm, its sign such that more is worse."""
        score = self.harm * column(observed, self.outcome)
        return Ledger.laid_out(observed, score, observed.kind, width)
