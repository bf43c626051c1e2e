"""pricing.loyalty: does a customer pay more for having stayed, new-customer offers set apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...messages import Text, both
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import LogPrice, PutBack
from .priced import OPTIONS, Asked, Priced, settings

OFFERS = ("coupon", "discount")
"""Parts of an answer that may be an offer to new customers."""

CARD = Card(
    name="pricing.loyalty",
    question=both("pricing.loyalty_question"),
    roles=frozenset({"habit"}),
    needs=frozenset({"final"}),
    outcomes={"final": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("pricing.loyalty_null"),
    cost=both("pricing.loyalty_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"price.loyalty"}),
    direction="harm",
    options={**OPTIONS, "offer": both("pricing.option_offer")},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loyalty(Priced):
    """Long-standing customers beside new ones, band by band; only a penalty counts.

    Parameters
    ----------
    offer : str or None
        The part of the answer that is the offer to new customers. Where a plan names it, every band
        is compared twice: as it is paid, and with the offer put back into the price.
    """

    offer: str | None = None
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The price as it is paid, and as it would be without the offer."""
        paid = Asked(outcome="final", scores=(LogPrice(),), kind="price.loyalty")
        if self.offer is None:
            return (paid,)
        settled = Asked(
            outcome=f"final+{self.offer}",
            scores=(PutBack("final", self.offer),),
            question="pricing.asks_settled",
            kind="price.loyalty",
            defence="new_customer_offer",
        )
        return paid, settled

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: the offer that the plan names is not answered."""
        if self.offer is not None and self.offer not in study.outcomes:
            return both("audit.not_answered", outcome=self.offer)
        return Priced.lacks(self, study)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    shared, own = settings(options, CARD)
    return Loyalty(offer=own.one_of("offer", OFFERS), **shared)
