"""pricing.reference: is a list price raised for some, so that a discount looks larger than it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets.personas import TREATMENTS
from ...messages import both
from ..described import bounded_mean
from ..design import Observed
from ..ledger import Ledger
from ..matched import Compared, Layout, Matched, Reading
from ..protocol import Card, Claims, Described, Evidence, Probe, Study
from ..registry import register
from ..scores import LogPrice, Quotient, Score
from .priced import OPTIONS, Asked, Priced, settings

CARD = Card(
    name="pricing.reference",
    question=both("pricing.reference_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"final", "list"}),
    outcomes={"list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("pricing.reference_null"),
    cost=both("audit.twins_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"price.misleading"}),
    direction="harm",
    options=OPTIONS,
)

SHOWN = Quotient("list", "final")
"""How far the list price stands above what is paid: the discount that is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Priced):
    """List price and final price together: a raise that is not paid misleads.

    A list price that is raised together with the final one is dearer, not misleading; a coupon
    lowers the final price and leaves the list price alone. So two things must hold at once: the list
    price is up, and so is its distance from what is paid. Evidence against the vendor is the smaller
    of the two; evidence for it is their average, because a context that misleads shows both.
    """

    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The list price."""
        return (
            Asked(
                outcome="list",
                scores=(LogPrice("list"),),
                question="pricing.asks_reference",
                kind="price.misleading",
            ),
        )

    def evidence(
        self,
        study: Study,
        layout: Layout,
        observed: Observed,
        one: Compared,
        level: float | None,
    ) -> Evidence:
        """Return the evidence that the list price and its distance from what is paid are both up."""
        raised = Matched.evidence(self, study, layout, observed, one, level)
        if not one.delivered:
            return raised
        other = replace(one, score=SHOWN)
        apart = Matched.evidence(self, study, layout, observed, other, level)
        return replace(
            raised,
            claims={
                scale: together(raised.claims[scale], apart.claims[scale])
                for scale in raised.claims
            },
        )

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence, saying that two things had to hold at once."""
        found = Priced.detailed(self, reading)
        return replace(found, method=(both("pricing.method_reference"), *found.method))

    def described(self, reading: Reading) -> tuple[Described, ...]:
        """Return what happened meanwhile to the price that is paid, and to the discount shown."""
        beside: Mapping[str, tuple[Score, str]] = {
            "final": (LogPrice(), "pricing.meanwhile_final"),
            "shown": (SHOWN, "pricing.shown"),
        }
        return tuple(
            Described(
                name=name,
                label=both(label),
                estimate=bounded_mean(
                    Ledger.of(reading.observed, score, reading.layout.width).clipped_mean_terms(
                        reading.arm, self.bound
                    ),
                    bound=self.bound,
                    unit="log-ratio",
                    level=reading.level,
                ),
                guarantee="finite-sample",
            )
            for name, (score, label) in beside.items()
        )


def together(one: Claims, other: Claims) -> Claims:
    """Return the evidence that two things hold at once, and that they do not.

    Against the vendor the null is that at least one does not hold: the smaller e-value is valid. For
    the vendor the null is that both hold: then each is an e-value, and so is their average.

    Examples
    --------
    >>> found = together(Claims(beyond=9.0, inside=(0.0, 0.0, 0.0)),
    ...     Claims(beyond=1.0, inside=(6.0, 6.0, 6.0)))
    >>> found.beyond, round(found.inside[0], 2)
    (1.0, 5.31)
    """
    accusing = ("differs", "differs_now", "beyond", "mean_beyond", "share_beyond")
    smaller = {name: min(getattr(one, name), getattr(other, name)) for name in accusing}
    share, below, above = (
        float(np.logaddexp(a, b)) - math.log(2)
        for a, b in zip(one.inside, other.inside, strict=True)
    )
    return Claims(
        **smaller,
        inside=(share, below, above),
        estimable=one.estimable or other.estimable,
    )


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    return Reference(**settings(options, CARD)[0])
