"""pricing.components: in which part of a price a difference sits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ..described import parts
from ..matched import Reading
from ..protocol import Card, Described, Probe
from ..registry import register
from ..scores import LogPrice, PartOf, Score
from .priced import OPTIONS, Asked, Priced, settings

SIGNS: Mapping[str, int] = {"list": 1, "discount": -1, "coupon": -1, "fee": 1}
"""What a final price consists of: what adds to it, and what is taken off."""

COMPONENTS = (*SIGNS, "final")

CARD = Card(
    name="pricing.components",
    question=both("pricing.components_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset(),
    outcomes={
        "list": "log-ratio",
        "discount": "share-of-price",
        "coupon": "share-of-price",
        "fee": "share-of-price",
        "final": "log-ratio",
    },
    tolerance=frozenset({"ratio", "difference", "share", "beyond"}),
    null=both("pricing.components_null"),
    cost=both("pricing.components_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"price.coupon"}),
    options={**OPTIONS, "components": both("pricing.option_components")},
)

LABELS: Mapping[str, Text] = {
    "list": both("pricing.word_list"),
    "discount": both("pricing.word_discount"),
    "coupon": both("pricing.word_coupon"),
    "fee": both("pricing.word_fee"),
    "final": both("pricing.word_final"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Components(Priced):
    """List price, discount, coupon, fee and final price of customers that are alike but for one thing.

    Parameters
    ----------
    components : tuple of str
        Which parts are looked at, as far as the target answers them.
    """

    components: tuple[str, ...] = COMPONENTS
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The parts of a price, each on its own scale."""
        return tuple(
            Asked(
                outcome=name,
                scores=_scores(name),
                question="" if name == "final" else f"pricing.asks_{name}",
                kind="price.coupon" if name in {"discount", "coupon"} else "",
            )
            for name in self.components
        )

    def described(self, reading: Reading) -> tuple[Described, ...]:
        """Return, beside a gap in the final price, what each part adds to it."""
        shared = Priced.described(self, reading)
        answered = {name: sign for name, sign in SIGNS.items() if name in reading.study.outcomes}
        if reading.one.hypothesis.outcome != "final" or not answered:
            return shared
        return (*parts(reading, signs=answered, labels=LABELS), *shared)


def _scores(name: str) -> tuple[Score, ...]:
    """Return a ratio for whole prices; for the rest the part of the list price, else of the final."""
    if name in {"list", "final"}:
        return (LogPrice(name),)
    return tuple(PartOf(name, of=whole, harm=SIGNS[name]) for whole in ("list", "final"))


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    shared, own = settings(options, CARD)
    return Components(components=own.words("components", COMPONENTS), **shared)
