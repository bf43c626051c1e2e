"""steering.exposure: do some items get more attention from somebody because of who they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...datasets.items import ID
from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..lists import Exposure
from ..matched import common
from ..options import Options
from ..protocol import Card, Probe, Study
from ..registry import register
from ..scores import Score
from ..treated import Treated

CARD = Card(
    name="steering.exposure",
    question=both("steering.exposure_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"ranking"}),
    outcomes={"ranking": "points"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("steering.exposure_null"),
    cost=both("steering.exposure_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"steer.ranking"}),
    options={
        "group": both("steering.option_group"),
        "of": both("steering.option_of"),
        "items": both("steering.option_items"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed(Treated):
    """Customers that are alike but for one attribute, and how far up each is shown a group of items.

    Parameters
    ----------
    group : str
        A column of the plan's items.
    of : str
        The value of it that makes the group.
    named : frozenset of str
        The group itself, as the vendor's lists call its items, where no column makes it.
    """

    group: str = ""
    of: str = ""
    named: frozenset[str] = frozenset()
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def members(self, study: Study) -> frozenset[str]:
        """Return the items of the group, as the vendor's lists call them."""
        columns = study.items.columns
        if self.named or not {self.group, ID} <= columns.keys():
            return self.named
        inside = columns[self.group].astype(np.str_) == self.of
        return frozenset(columns[ID][inside].astype(np.str_).tolist())

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared."""
        return {"ranking": Exposure(self.members(study))}

    def asks(self, measure: str, label: Text) -> Text:
        """Return what people ask about an attribute."""
        del measure
        group = self.of or ", ".join(sorted(self.named))
        return both("steering.asks_exposure", label=label, group=f"“{group}”")

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study; None where it can."""
        if self.members(study):
            return None
        known = ", ".join(study.items.columns)
        return both("steering.no_group", group=self.group, of=self.of, known=known or "–")


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = options.get("options", {})
    return Exposed(
        treat=tuple(options["treat"]),
        group=str(own.get("group", "")),
        of=str(own.get("of", "")),
        named=frozenset(Options(CARD.name, own).names("items")),
        **common(options, CARD),
    )
