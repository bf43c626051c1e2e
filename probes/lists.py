"""Lists, and all else that can only be judged beside others: how far each of a block's three stands out.

A list has no number of its own. Of the three lists of a block, one of the treated arm, one of the
reference and one of its twin, each stands so far from the other two; under the null the three are
exchangeable, and so is how far each stands out. In that the arms are compared.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..metrics.ranking import (
    Measure,
    code_lists,
    exposure_share,
    list_distance,
    price_at,
    price_ndcg,
)
from .design import ANSWERED, REFERENCE, REFUSED, TWIN, Floats, Observed
from .ledger import Ledger, once
from .scores import Plain, Unit, logs

Codes = NDArray[np.int64]

LONGEST = 50
"""Places of a list whose order is compared: those below have less than a hundredth of the weight."""


@dataclass(frozen=True, kw_only=True)
class Beside(Ledger):
    """Blocks whose answers are judged by how far each of three stands out.

    The mean effect is how much farther the treated arm stands out than reference and twin do. A
    context is hit where it does so, by more than the limit, in at least half of its quotes. A block
    without an answered twin says nothing.
    """

    @abstractmethod
    def standing(self, arm: int) -> Floats:
        """Return how far `arm`, reference and twin stand out, by block: (blocks, 3).

        One and the same function of the three unordered answers; NaN where one is missing.
        """

    @abstractmethod
    def noise(self) -> Floats:
        """Return how far reference and twin are from each other, by block."""

    @property
    def anchored(self) -> NDArray[np.bool_]:
        """Which blocks hold what a treated arm is compared with: a reference and its twin."""
        anchored: NDArray[np.bool_] = (self.kind[:, [REFERENCE, TWIN]] == ANSWERED).all(axis=1)
        return anchored

    def scores(self, arm: int) -> Floats:
        """Return how far `arm`, reference and twin stand out: exchangeable under the null."""
        return self.standing(arm)

    def gap(self, arm: int, against: int = REFERENCE) -> Floats:
        """Return how much farther `arm` stands out than `against`; of the twin, the noise."""
        if arm == TWIN:
            return self.noise()
        standing = self.standing(arm)
        gaps: Floats = standing[:, 0] - standing[:, 1 if against == REFERENCE else 2]
        return gaps

    @once
    def exceedance(self, arm: int, beyond: float) -> float:
        """Return how often one pair of `arm` lies beyond a limit by noise alone.

        Whichever of the three had been the treated one, as it might under the null; where the arm
        does stand out it is overstated, and then nothing is to be cleared.
        """
        standing = self.standing(arm)[self.fresh & self.asked[:, arm]]
        standing = standing[~np.isnan(standing).any(axis=1)]
        if len(standing) == 0:
            return 0.0
        gaps = standing[:, :, None] - standing[:, None, :]
        return float(np.sum(gaps > beyond)) / (6 * len(standing))


@dataclass(frozen=True, kw_only=True)
class ListLedger(Beside):
    """Ranked lists by block and arm.

    Parameters
    ----------
    lists : (trials, places) int
        Items as codes, the top first, −1 beyond the end.
    measure : {"rbo", "jaccard", "kendall"}
        In what two lists are apart; see :func:`~evenhand.metrics.ranking.list_distance`.
    """

    lists: Codes
    measure: Measure

    @once
    def apart(self, first: int, second: int) -> Floats:
        """Return how far the lists of two arms are apart by block: 0 alike, 1 nothing in common."""
        both = (self.kind[:, [first, second]] == ANSWERED).all(axis=1)
        one, other = (self.lists[self.trial[both, arm]] for arm in (first, second))
        found = list_distance(one, other, self.measure)
        nothing = np.isnan(found)
        found[nothing] = (one[nothing] != other[nothing]).any(axis=1)
        distances = np.full(len(self), np.nan)
        distances[both] = found
        return distances

    @once
    def standing(self, arm: int) -> Floats:
        """Return the sum of each list's distances from the other two.

        The mean over both gaps of the treated list is then ½(AR + AT) − RT: how much farther it is
        from the others than twins are from each other.
        """
        ar, at = self.apart(REFERENCE, arm), self.apart(TWIN, arm)
        rt = self.apart(REFERENCE, TWIN)
        return np.stack([ar + at, ar + rt, at + rt], axis=1)

    def noise(self) -> Floats:
        """Return how far the lists of reference and twin are apart."""
        return self.apart(REFERENCE, TWIN)


@dataclass(frozen=True, slots=True)
class ListDistance(Plain):
    """A ranked list, beside two others: how far it is from both.

    Parameters
    ----------
    measure : {"rbo", "jaccard", "kendall"}
        Of the order, with most weight at the top; of the items, whatever their order; of the order
        alone.
    outcome : str
    places : int, optional
        Places that are compared. Default: those that weigh anything, for the items all.
    """

    measure: Measure = "rbo"
    outcome: str = "ranking"
    places: int | None = None
    unit: ClassVar[Unit] = "distance"
    harm: ClassVar[int] = 1
    pairwise: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the lists by block and arm."""
        lists, answered = coded(observed, self.outcome)
        places = self.places or (lists.shape[1] if self.measure == "jaccard" else LONGEST)
        return ListLedger.laid_out(
            observed,
            np.full(len(observed), np.nan),
            comparable(observed, answered),
            width,
            lists=lists[:, :places],
            measure=self.measure,
        )


@dataclass(frozen=True, slots=True)
class TopPrice(Plain):
    """The mean price of the first places of a list, compared as a ratio."""

    places: int = 5
    outcome: str = "prices"
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the logarithm of the mean price by block and arm."""
        return _laid_out(
            observed, logs(price_at(_prices(observed, self.outcome), self.places)), width
        )


@dataclass(frozen=True, slots=True)
class DearFirst(Plain):
    """How far the dear items stand at the top of a list: nDCG with the price as relevance."""

    outcome: str = "prices"
    places: int | None = None
    unit: ClassVar[Unit] = "points"
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the index by block and arm."""
        index = price_ndcg(_prices(observed, self.outcome), k=self.places)
        return _laid_out(observed, index, width)


@dataclass(frozen=True, slots=True)
class Exposure(Plain):
    """The part of a list's attention that goes to a group of items.

    A place has the weight 1 / log2(1 + place).

    Parameters
    ----------
    group : frozenset of str
        The items, by what the vendor calls them in its lists.
    outcome : str
    """

    group: frozenset[str]
    outcome: str = "ranking"
    unit: ClassVar[Unit] = "points"
    harm: ClassVar[int] = 1

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the part by block and arm."""
        lists, _ = coded(observed, self.outcome)
        names = item_names(observed, self.outcome)
        inside = np.array([name in self.group for name in names] + [False], dtype=np.int64)
        places = np.where(lists >= 0, inside[lists], -1)
        return _laid_out(observed, exposure_share(places, 2)[:, 1], width)


def coded(observed: Observed, outcome: str) -> tuple[Codes, NDArray[np.bool_]]:
    """Return the lists of all trials as codes, worked out once, and which trials answered one."""
    found: tuple[Codes, NDArray[np.bool_]]
    if (key := (coded, outcome)) not in observed.known:
        lists = _column(observed, outcome)
        # a path that leads nowhere gives nothing but empty lists
        some = any(lists)
        answered = np.array([one is not None and some for one in lists], dtype=np.bool_)
        # what a vendor lists twice stands where it stood first
        (codes,) = code_lists([tuple(dict.fromkeys(one or ())) for one in lists])
        observed.known[key] = codes, answered
    found = observed.known[key]
    return found


def item_names(observed: Observed, outcome: str) -> tuple[str, ...]:
    """Return the items that were listed at all, in the order of their codes."""
    lists = _column(observed, outcome)
    return tuple(dict.fromkeys(item for one in lists for item in one or ()))


def comparable(observed: Observed, answered: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Return what became of each trial; an answer in which there is nothing to compare is none.

    It counts as a refusal: the vendor did answer, so it is no failure of the audit.
    """
    nothing = (observed.kind == ANSWERED) & ~answered
    return np.where(nothing, REFUSED, observed.kind).astype(np.int8)


def _laid_out(observed: Observed, score: Floats, width: int) -> Ledger:
    kind = comparable(observed, ~np.isnan(score))
    return Ledger.laid_out(observed, np.where(kind == ANSWERED, score, np.nan), kind, width)


def _column(observed: Observed, outcome: str) -> Sequence[tuple[Any, ...] | None]:
    values = observed.values.get(outcome)
    return [None] * len(observed) if values is None else values.tolist()


def _prices(observed: Observed, outcome: str) -> Floats:
    """Return the prices of all lists, one a row, NaN beyond its end."""
    lists = [one or () for one in _column(observed, outcome)]
    table = np.full((len(lists), max(map(len, lists), default=0)), np.nan)
    for row, one in enumerate(lists):
        table[row, : len(one)] = one
    return table
