"""privacy.undeclared: does a private detail that the service does not need move the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...messages import Text, both
from ..answers import scores_of
from ..matched import common
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Score
from ..treated import Treated

CARD = Card(
    name="privacy.undeclared",
    question=both("private.undeclared_question"),
    roles=frozenset({"private"}),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio", "ranking": "distance"},
    tolerance=frozenset({"ratio", "difference", "share", "beyond"}),
    null=both("private.undeclared_null"),
    cost=both("private.undeclared_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"privacy.excess"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeclared(Treated):
    """Customers that are alike but for one private detail, which nobody agreed to have used.

    Any dependence counts, in either direction: whoever is given a better price was looked at too.

    Parameters
    ----------
    outcome : str
        What is compared; ``"final"`` or another amount as a ratio, ``"ranking"`` as a list.
    """

    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared."""
        return {self.outcome: scores_of(study)[self.outcome]}

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about a private detail."""
        del measure
        return both("private.asks_undeclared", label=label)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Undeclared(
        treat=tuple(options["treat"]),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
