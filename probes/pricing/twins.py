"""pricing.twins: does the price follow who the customer is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from ...datasets.personas import TREATMENTS
from ...messages import both
from ..described import money_slope, never_falls, slope
from ..design import REFERENCE, TREATED, Floats
from ..matched import Arm, Compared, Layout, Reading, is_carried
from ..protocol import Card, Described, Probe, Study
from ..registry import register
from ..scores import LogPrice
from ..together import together
from .priced import OPTIONS, Asked, Priced, settings

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
    options={
        **OPTIONS,
        "interactions": both("pricing.option_interactions"),
        "ladder": both("pricing.option_ladder"),
        "worth": both("pricing.option_worth"),
    },
)

RUNGS = 3
"""Fewer levels than this are no ladder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins(Priced):
    """Customers that are alike but for one attribute, and the price that each is quoted.

    Parameters
    ----------
    outcome : str
    interactions : tuple of pairs of str
        Attributes that are also changed together, every treated level of the one with every treated
        level of the other: a vendor may charge only those who show both.
    ladder : bool
        Whether the price is followed along the levels of an attribute that are numbers.
    worth : mapping of str to float
        Level → what customers at that level would pay: how much of it is charged.
    """

    outcome: str = "final"
    interactions: tuple[tuple[str, str], ...] = ()
    ladder: bool = False
    worth: Mapping[str, float] = field(default_factory=dict[str, float])
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The one price that is compared."""
        return (Asked(outcome=self.outcome, scores=(LogPrice(self.outcome),)),)

    def layout(self, study: Study) -> Layout:
        """Return one arm and one hypothesis for each treated level, and for each pair of them."""
        alone = Priced.layout(self, study)
        if not self.interactions:
            return alone
        arms, compared = list(alone.arms), list(alone.compared)
        for first, second in self.interactions:
            one, other = study.attributes[first], study.attributes[second]
            for codes in product(range(1, len(one.levels)), range(1, len(other.levels))):
                levels = f"{one.levels[codes[0]]}+{other.levels[codes[1]]}"
                hypothesis = together(
                    study,
                    (first, second),
                    codes,
                    id_=f"{self.name}:{first}+{second}={levels}:{self.outcome}",
                    probe=self.name,
                    outcome=self.outcome,
                )
                delivered = is_carried(study, first) and is_carried(study, second)
                compared.append(
                    Compared(
                        hypothesis=hypothesis,
                        arm=len(arms),
                        score=LogPrice(self.outcome),
                        delivered=delivered,
                    )
                )
                arms.append(Arm(changes=dict(zip((first, second), codes, strict=True))))
        return replace(alone, arms=tuple(arms), compared=tuple(compared))

    def described(self, reading: Reading) -> tuple[Described, ...]:
        """Return what every pricing probe does, and how the price goes along a ladder."""
        shared = Priced.described(self, reading)
        rungs = _rungs(reading) if self.ladder else None
        return shared if rungs is None else (*shared, *self._along(reading, *rungs))

    def _along(self, reading: Reading, columns: list[int], values: Floats) -> tuple[Described, ...]:
        ledger, level = reading.ledger, reading.level
        positive = bool(np.all(values > 0))
        unit = "elasticity" if positive else "log-ratio"
        steepness = slope(
            ledger,
            columns,
            np.log(values) if positive else values,
            unit=unit,
            bound=self.bound,
            level=level,
        )
        found = [
            Described(
                name="elasticity" if positive else "slope",
                label=both("pricing.elasticity" if positive else "pricing.slope"),
                estimate=steepness,
                guarantee="finite-sample",
            ),
            Described(
                name="monotone",
                label=both("pricing.monotone"),
                estimate=never_falls(ledger, columns),
            ),
        ]
        known = [self.worth.get(f"{value:g}") for value in values.tolist()]
        if None not in known and len(set(known)) > 1:
            through = money_slope(
                reading.observed,
                ledger,
                columns,
                np.array(known, dtype=float),
                outcome=self.outcome,
                level=level,
            )
            found.append(
                Described(
                    name="pass_through",
                    label=both("pricing.pass_through"),
                    estimate=through,
                    guarantee="asymptotic",
                )
            )
        return tuple(found)


def _rungs(reading: Reading) -> tuple[list[int], Floats] | None:
    """Return the columns of a ladder and its numbers, rising; beside the last level of it only."""
    name = reading.one.hypothesis.treatment
    attribute = reading.study.attributes.get(name)
    if attribute is None or reading.one.hypothesis.level != attribute.levels[-1]:
        return None
    numbers = [level for level in attribute.levels if isinstance(level, int | float)]
    if len(numbers) < max(RUNGS, len(attribute.levels)):
        return None
    arms = enumerate(reading.layout.arms, TREATED)
    columns = [REFERENCE, *(place for place, arm in arms if arm.changes.keys() == {name})]
    order = np.argsort(numbers, kind="stable")
    return [columns[i] for i in order], np.array(numbers, dtype=float)[order]


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    shared, own = settings(options, CARD)
    return Twins(
        outcome=options.get("outcome", "final"),
        interactions=own.pairs("interactions", shared["treat"]),
        ladder=own.flag("ladder"),
        worth=own.amounts("worth"),
        **shared,
    )
