"""pricing.path: does the way through the shop make it dearer: looking again, the cart, the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...messages import Text, both
from ..matched import Arm, Compared, Layout, Matched, common
from ..options import Options
from ..protocol import Card, Hypothesis, Probe, Study, Subject
from ..registry import register
from ..scores import LogPrice

QUOTE = "quote"
LOOKS = ("search", "view")
"""Steps that look without asking a price; the first of them that a target has is walked."""
CART, CHECKOUT = "cart", "checkout"
KINDS: Mapping[str, str] = {CART: "price.misleading", CHECKOUT: "price.misleading"}
"""Kind of finding by the step that a path ends in; looking again is a habit."""

CARD = Card(
    name="pricing.path",
    question=both("path.question"),
    roles=frozenset(),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("path.null"),
    cost=both("path.cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"price.preference", "price.misleading"}),
    options={"paths": both("path.option_paths")},
    direction="harm",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Matched):
    """Customers that are alike and come another way: one asks at once, the others look first.

    The last step of each path is measured, and its price compared with that of the reference, who
    walks `session` (by default asks once).

    Parameters
    ----------
    paths : mapping of str to tuple of str
        Name → steps. Empty: asking twice, looking twice before asking, the cart and the checkout,
        as far as the target has such steps.
    outcome : str
    """

    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study: a step that the target does not have."""
        unknown = [step for path in self.paths.values() for step in path if step not in study.steps]
        return both("audit.no_step", step=unknown[0]) if unknown else None

    def walked(self, study: Study) -> Mapping[str, tuple[str, ...]]:
        """Return the paths that are compared with the reference's."""
        return self.paths or usual(study.steps, self._asking(study))

    def _asking(self, study: Study) -> tuple[str, ...]:
        return self.session or ((QUOTE,) if QUOTE in study.steps else study.steps[-1:])

    def layout(self, study: Study) -> Layout:
        """Return an arm and a hypothesis for each path."""
        asking, paths = self._asking(study), self.walked(study)
        return Layout(
            reference=Arm(path=asking),
            arms=tuple(Arm(path=path) for path in paths.values()),
            compared=tuple(
                Compared(
                    hypothesis=self._hypothesis(name, path, asking),
                    arm=place,
                    score=LogPrice(self.outcome),
                )
                for place, (name, path) in enumerate(paths.items())
            ),
        )

    def _hypothesis(self, name: str, path: tuple[str, ...], asking: tuple[str, ...]) -> Hypothesis:
        way, usual_way = " → ".join(path), " → ".join(asking)
        return Hypothesis(
            id=f"{self.name}:path={name}:{self.outcome}",
            probe=self.name,
            outcome=self.outcome,
            treatment="path",
            level=name,
            subject=Subject(
                label=both("path.label", path=way),
                question=both("path.asks", path=way, asking=usual_way),
                reference=usual_way,
                level_label=both("path.walked", path=way),
                reference_label=both("path.walked", path=usual_way),
                kind=KINDS.get(path[-1], "price.preference"),
            ),
        )


def usual(steps: tuple[str, ...], asking: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return the paths that are worth comparing, as far as a target has their steps.

    Examples
    --------
    >>> usual(("quote",), ("quote",))
    {'again': ('quote', 'quote')}
    >>> list(usual(("search", "quote", "cart", "checkout"), ("quote",)))
    ['again', 'looked', 'cart', 'checkout']
    """
    found = {"again": (*asking, *asking[-1:])}
    look = next((step for step in LOOKS if step in steps), None)
    if look is not None:
        found["looked"] = (*asking[:-1], look, look, *asking[-1:])
    if CART in steps:
        found[CART] = (*asking, CART)
    if CHECKOUT in steps:
        between = (CART,) if CART in steps else ()
        found[CHECKOUT] = (*asking, *between, CHECKOUT)
    return found


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return Path(
        paths=own.paths("paths"),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
