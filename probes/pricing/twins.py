"""pricing.twins: does the price follow who the customer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import both
from ..matched import Compared, Layout, Matched, common, is_carried, treated_arms
from ..protocol import Card, Hypothesis, Probe, Study
from ..registry import register
from ..scores import LogPrice

CARD = Card(
    name="pricing.twins",
    question=both("audit.twins_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("audit.twins_null"),
    cost=both("audit.twins_cost"),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins(Matched):
    """Customers that are alike but for one attribute, and the price that each is quoted.

    Parameters
    ----------
    treat : tuple of str
        Attributes to vary, one at a time, from the reference profile.
    outcome : str
    """

    treat: tuple[str, ...]
    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def layout(self, study: Study) -> Layout:
        """Return one arm and one hypothesis for each treated level."""
        arms = treated_arms(study, self.treat)
        return Layout(
            arms=tuple(arm for arm, _, _ in arms),
            compared=tuple(
                Compared(
                    hypothesis=Hypothesis(
                        id=f"{self.name}:{name}={level}:{self.outcome}",
                        probe=self.name,
                        outcome=self.outcome,
                        treatment=name,
                        level=level,
                    ),
                    arm=place,
                    score=LogPrice(self.outcome),
                    delivered=is_carried(study, name),
                )
                for place, (_, name, level) in enumerate(arms)
            ),
        )


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Twins(
        treat=tuple(options["treat"]),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
