"""optout.effect: with personalisation off, does the person still count, and is it any dearer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ...datasets.personas import TREATMENTS, Attribute, Level
from ...messages import Text, both
from ..design import Floats, Observed
from ..ledger import Ledger
from ..matched import Arm, Compared, Layout, Matched, Reading, common, is_carried, treated_arms
from ..protocol import Card, Evidence, Hypothesis, Probe, Study, Subject
from ..registry import register
from ..scores import LogPrice, Unit, column, logs
from ..treated import label_of

STEP = "optout"
FREE = 1e-9
"""What a price of nothing counts as where prices are turned upside down."""

CARD = Card(
    name="optout.effect",
    question=both("opting.question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("opting.null"),
    cost=both("opting.cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"optout.ineffective", "optout.missing"}),
    options={
        "switch": both("opting.option_switch"),
        "off": both("opting.option_off"),
        "step": both("opting.option_step", step=STEP),
    },
)


@dataclass(frozen=True, kw_only=True)
class Turned(Ledger):
    """Prices turned upside down: what the arm is charged is what the reference is compared with."""

    def standard(self, arm: int) -> Floats:
        """Return the scores of what is compared with: those of `arm`, the right way up."""
        standard: Floats = -self.score[self.fresh & self.asked[:, arm], arm]
        return standard


@dataclass(frozen=True, slots=True)
class Surcharge:
    """How much dearer the reference is than the arm beside it."""

    outcome: str = "final"
    unit: ClassVar[Unit] = "log-ratio"
    harm: ClassVar[int] = 1
    flips: ClassVar[bool] = False
    pairwise: ClassVar[bool] = False

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return minus the logarithm of the price by block and arm."""
        price = np.maximum(column(observed, self.outcome), FREE)
        return Turned.laid_out(observed, -logs(price), observed.kind, width)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut(Matched):
    """Customers that have opted out, alike but for one attribute; and one that has not, beside them.

    Reference and twin have opted out. For each treated level a customer that has opted out too:
    nothing may depend on the level any more. And one customer that is like the reference but has
    not opted out: the reference may not pay more than that one.

    Parameters
    ----------
    treat : tuple of str
    switch : str
        The attribute that opts out; empty where a step does.
    off : level, optional
        Its level that has opted out. Default: the first that is not its reference.
    step : str
        The step that opts out, where no attribute does.
    outcome : str
    """

    treat: tuple[str, ...]
    switch: str = ""
    off: Level | None = None
    step: str = STEP
    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study: nothing opts out, or not at this level."""
        if not self.switch:
            return None if self.step in study.steps else both("opting.no_way", step=self.step)
        attribute = study.attributes.get(self.switch)
        if attribute is None or attribute.role not in TREATMENTS or self.switch in self.treat:
            return both("opting.no_switch", name=self.switch)
        if self._off(attribute) is None:
            known = ", ".join(map(str, attribute.levels))
            return both("opting.no_level", name=self.switch, level=str(self.off), known=known)
        return None

    def _off(self, attribute: Attribute) -> int | None:
        """Return the code of the level that has opted out; the reference has not."""
        if self.off is None:
            return 1 if len(attribute.levels) > 1 else None
        known = attribute.levels
        return known.index(self.off) if self.off in known[1:] else None

    def layout(self, study: Study) -> Layout:
        """Return an opted-out arm for each treated level, and one that has not opted out."""
        usual = self.session or study.steps[-1:]
        changes: Mapping[str, int] = {}
        path = self.session
        if self.switch:
            changes = {self.switch: self._off(study.attributes[self.switch]) or 0}
        else:
            path = (self.step, *(step for step in usual if step != self.step))
        opted_out = Arm(changes=changes, path=path)
        arms = treated_arms(study, self.treat)
        stays = Arm(path=tuple(step for step in usual if step != self.step))
        seen = not self.switch or is_carried(study, self.switch)
        return Layout(
            reference=opted_out,
            arms=(
                *(Arm(changes={**changes, **arm.changes}, path=path) for arm, _, _ in arms),
                stays,
            ),
            compared=(
                *(
                    Compared(
                        hypothesis=self._ignored(study, name, level),
                        arm=place,
                        score=LogPrice(self.outcome),
                        delivered=seen and is_carried(study, name),
                    )
                    for place, (_, name, level) in enumerate(arms)
                ),
                Compared(
                    hypothesis=self._dearer(study),
                    arm=len(arms),
                    score=Surcharge(self.outcome),
                    delivered=seen,
                    direction="harm",
                ),
            ),
        )

    def _ignored(self, study: Study, name: str, level: Level) -> Hypothesis:
        return Hypothesis(
            id=f"{self.name}:{name}={level}:{self.outcome}",
            probe=self.name,
            outcome=self.outcome,
            treatment=name,
            level=level,
            kind="optout.ineffective",
            question=both("opting.asks_ignored", label=label_of(study, name)),
        )

    def _dearer(self, study: Study) -> Hypothesis:
        treatment = self.switch or self.step
        known = study.attributes.get(self.switch)
        return Hypothesis(
            id=f"{self.name}:{treatment}:{self.outcome}",
            probe=self.name,
            outcome=self.outcome,
            treatment=treatment,
            level="out",
            subject=Subject(
                label=(known.label if known else None) or both("opting.label"),
                question=both("opting.asks_dearer"),
                reference="in",
                level_label=both("opting.level_out"),
                reference_label=both("opting.level_in"),
                role="private",
                kind="optout.missing",
            ),
        )

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence; of the surcharge without examples, whose arms stand the other way."""
        turned = isinstance(reading.one.score, Surcharge)
        return replace(reading.found, examples=()) if turned else reading.found


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = options.get("options", {})
    return OptOut(
        treat=tuple(options["treat"]),
        switch=str(own.get("switch", "")),
        off=own.get("off"),
        step=str(own.get("step", STEP)),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
