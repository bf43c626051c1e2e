"""access.refusal: is somebody refused more often because of who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..matched import common
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Refusal, Score
from ..treated import Treated

CARD = Card(
    name="access.refusal",
    question=both("access.refusal_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"refused"}),
    outcomes={"refused": "rate"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("access.refusal_null"),
    cost=both("access.refusal_cost"),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals(Treated):
    """Customers that are alike but for one attribute, and which of them the vendor turns away.

    A refusal is what a rule of the plan says it is; a captcha or a timeout is none.
    """

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared."""
        del study
        return {"refused": Refusal()}

    def asks(self, outcome: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        return both(f"access.asks_{outcome}", label=label)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Refusals(treat=tuple(options["treat"]), **common(options, CARD))
