"""steering.ranking: does the order of what is shown follow who the customer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..lists import DearFirst, ListDistance, TopPrice
from ..matched import common
from ..options import Options
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Score
from ..treated import Treated

MEASURES = ("rbo", "kendall", "price", "ndcg")
PLACES = 3
"""How far down a list most people look."""

CARD = Card(
    name="steering.ranking",
    question=both("steering.ranking_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"ranking"}),
    outcomes={"ranking": "distance", "prices": "log-ratio"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("steering.ranking_null"),
    cost=both("steering.lists_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"steer.ranking"}),
    options={
        "measures": both("steering.option_measures"),
        "places": both("steering.option_places", places=PLACES),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Treated):
    """Customers that are alike but for one attribute, and the order in which each is shown things.

    Parameters
    ----------
    measures : tuple of str
        In what orders are compared, a hypothesis each: ``"rbo"`` and ``"kendall"`` how far lists
        are apart, beyond how far those of identical customers are; ``"price"`` the mean price of
        the first places; ``"ndcg"`` how far the dear items stand at the top.
    places : int
        How many first places ``"price"`` looks at.
    """

    measures: tuple[str, ...] = ("rbo",)
    places: int = PLACES
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what orders are compared."""
        del study
        known: Mapping[str, Score] = {
            "rbo": ListDistance("rbo"),
            "kendall": ListDistance("kendall"),
            "price": TopPrice(self.places),
            "ndcg": DearFirst(),
        }
        return {measure: known[measure] for measure in self.measures}

    def outcome_of(self, measure: str) -> str:
        """Return the outcome that is compared."""
        return "ranking" if measure in {"rbo", "kendall"} else "prices"

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        return both(f"steering.asks_{measure}", label=label)

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study; None where it can."""
        needed = {self.outcome_of(measure) for measure in self.measures}
        missing = sorted(needed - study.outcomes.keys())
        return both("audit.not_answered", outcome=missing[0]) if missing else None


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    given = {"measures": ["rbo"], **options.get("options", {})}
    own = Options(CARD.name, given)
    return Ranking(
        treat=tuple(options["treat"]),
        measures=own.words("measures", MEASURES),
        places=int(own.number("places")) or PLACES,
        **common(options, CARD),
    )
