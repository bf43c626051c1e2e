"""integrity.parity: does a sandbox answer as the real system does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..answers import scores_of
from ..matched import Layout, Reading, common
from ..protocol import Card, Evidence, Probe, Study
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
    address. Its reference is the one that the rest of the audit asks. All other treated attributes
    are drawn for each block: a sandbox may behave for the usual customer alone.
    """

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared: one score for each outcome."""
        return scores_of(study)

    def layout(self, study: Study) -> Layout:
        """Return an arm for each other environment, and what every block draws beside."""
        drawn = tuple(
            name
            for name, attribute in study.attributes.items()
            if attribute.role in TREATMENTS and name not in {*self.treat, *study.tied}
        )
        return replace(Treated.layout(self, study), background=drawn)

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence with what is unusual in its method."""
        return replace(reading.found, method=(both("integrity.method"),))

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an environment."""
        return both("integrity.asks", label=label, outcome=measure)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Parity(treat=tuple(options["treat"]), **common(options, CARD))
