"""disclosure.notice: where a price is made for a person, does that person see a notice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..matched import common
from ..options import Options
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Flag, Score
from ..treated import Treated
from .unannounced import Unannounced

APART = 0.01
"""Fraction beyond which two prices differ, where a plan does not say."""

CARD = Card(
    name="disclosure.notice",
    question=both("disclosure.question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"notice"}),
    outcomes={"notice": "rate", "unannounced": "rate"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("disclosure.null"),
    cost=both("disclosure.cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"price.undisclosed"}),
    options={"apart": both("disclosure.option_apart", apart=f"{APART:.0%}")},
    direction="harm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Treated):
    """Customers that are alike but for one attribute: who sees a notice, and who pays without one.

    Two hypotheses a level. ``notice``: the notice is not withheld from the treated.
    ``unannounced``: their prices do not stand apart without one.

    Parameters
    ----------
    apart : float
        Fraction beyond which two prices differ.
    """

    apart: float = APART
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared: without prices in the notice alone."""
        unannounced = Unannounced(math.log1p(self.apart))
        known: Mapping[str, Score] = {"notice": Flag("notice"), "unannounced": unannounced}
        return {name: one for name, one in known.items() if one.needs <= study.outcomes.keys()}

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        return both(f"disclosure.asks_{measure}", label=label)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return Notice(
        treat=tuple(options["treat"]),
        apart=own.number("apart") or APART,
        **common(options, CARD),
    )
