"""integrity.parity: does a sandbox answer as the real system does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..answers import scores_of
from ..matched import common
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Score
from ..treated import Treated

CARD = Card(
    name="integrity.parity",
    question=both("integrity.question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset(),
    outcomes={
        "final": "log-ratio",
        "list": "log-ratio",
        "discount": "log-ratio",
        "coupon": "log-ratio",
        "fee": "log-ratio",
        "units": "log-ratio",
        "offers": "log-ratio",
        "ranking": "distance",
        "prices": "log-ratio",
        "notice": "rate",
        "refused": "rate",
    },
    tolerance=frozenset({"ratio", "difference", "share", "beyond"}),
    null=both("integrity.null"),
    cost=both("integrity.cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"process.record"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity(Treated):
    """The same random customers in two environments, compared in everything that is answered.

    What chooses the environment is an attribute of the plan: a field, a header, a part of the
    address. Its reference is the one that the rest of the audit asks.
    """

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared: one score for each outcome."""
        return scores_of(study)

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an environment."""
        return both("integrity.asks", label=label, outcome=measure)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Parity(treat=tuple(options["treat"]), **common(options, CARD))
