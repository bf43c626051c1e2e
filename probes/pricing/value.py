"""pricing.value: does what a customer gets for the price follow who the customer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import both
from ..protocol import Card, Probe
from ..registry import register
from ..scores import Quotient
from .priced import OPTIONS, Asked, Priced, settings

CARD = Card(
    name="pricing.value",
    question=both("pricing.value_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"final", "units"}),
    outcomes={"units": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("pricing.value_null"),
    cost=both("audit.twins_cost"),
    guarantee="finite-sample",
    options=OPTIONS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value(Priced):
    """The price of one unit: the same price for a slower line is a dearer line."""

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The price of one unit of what is got."""
        return (Asked(outcome="units", scores=(Quotient(),), question="pricing.asks_value"),)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Value(**settings(options, CARD)[0])
