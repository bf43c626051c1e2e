"""steering.assortment: is something kept from somebody because of who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ...metrics.result import Estimate
from ..design import ANSWERED, REFERENCE, TWIN
from ..lists import ListDistance, coded, item_names
from ..matched import Reading, common
from ..protocol import Card, Described, Evidence, Probe, Study
from ..registry import register
from ..scores import Score
from ..treated import Treated

NAMED = 5
"""Most items that a finding names on either side."""
SELDOM = 0.05
"""A difference in how often an item is shown that is not worth naming."""

CARD = Card(
    name="steering.assortment",
    question=both("steering.assortment_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"ranking"}),
    outcomes={"ranking": "distance"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("steering.assortment_null"),
    cost=both("steering.lists_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"steer.ranking"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assortment(Treated):
    """Customers that are alike but for one attribute, and which items each is shown at all."""

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared: the items shown, whatever their order."""
        del study
        return {"ranking": ListDistance("jaccard")}

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        del measure
        return both("steering.asks_assortment", label=label)

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence with the items that are shown to one side more often."""
        return replace(reading.found, described=shown_unequally(reading))


def shown_unequally(reading: Reading) -> tuple[Described, ...]:
    """Return the items with the largest differences in how often they are shown, each way.

    Every item of a list is looked at, so a difference of a few points may be chance: it is told
    what was seen, and nothing is decided by it.
    """
    ledger = reading.ledger
    asked = [REFERENCE, TWIN, reading.arm]
    rows = np.flatnonzero(ledger.fresh & (ledger.kind[:, asked] == ANSWERED).all(axis=1))
    if len(rows) == 0:
        return ()
    lists, _ = coded(reading.observed, "ranking")
    names = item_names(reading.observed, "ranking")
    own, twin, treated = (_shown(lists[ledger.trial[rows, arm]], len(names)) for arm in asked)
    gap = (treated - (own + twin) / 2) / len(rows)
    order = np.argsort(gap, kind="stable")
    fewer = [place for place in order[:NAMED] if gap[place] < -SELDOM]
    more = [place for place in order[::-1][:NAMED] if gap[place] > SELDOM]
    return tuple(
        Described(
            name=f"{side}.{names[place]}",
            label=both(f"steering.shown_{side}", item=f"“{names[place]}”"),
            estimate=Estimate(value=abs(float(gap[place])), unit="share", n=len(rows)),
        )
        for side, places in (("less", fewer), ("more", more))
        for place in places
    )


def _shown(lists: np.ndarray[Any, np.dtype[np.int64]], items: int) -> np.ndarray[Any, Any]:
    """Return in how many of these lists each item stands."""
    return np.bincount(lists[lists >= 0], minlength=items).astype(float)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Assortment(treat=tuple(options["treat"]), **common(options, CARD))
