"""access.offers: is somebody offered less to choose from because of who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..matched import common
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Count, Score
from ..treated import Treated

CARD = Card(
    name="access.offers",
    question=both("access.offers_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"offers"}),
    outcomes={"offers": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("access.offers_null"),
    cost=both("access.offers_cost"),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers(Treated):
    """Customers that are alike but for one attribute, and how many offers each of them gets.

    No offer at all counts as half of one: from one to none is a halving.
    """

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared."""
        del study
        return {"offers": Count()}

    def asks(self, outcome: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        return both(f"access.asks_{outcome}", label=label)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Offers(treat=tuple(options["treat"]), **common(options, CARD))
