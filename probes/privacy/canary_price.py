"""privacy.canary_price: does what one account paid come back in the price of a stranger."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ...metrics.bounded import log_mean_evidence, mean_interval
from ...metrics.dependence import log_one_sided
from ...metrics.planning import smallest_detectable
from ...metrics.privacy.canary import epsilon_bound
from ...metrics.privacy.coins import log_coin_evidence
from ...metrics.result import Estimate
from ..design import FAILED, Floats, Observed, Wave, codes
from ..gaps import GIVEN, HALF, SCALES
from ..ledger import sessions_of
from ..matched import CHECK_AT, common, is_carried
from ..options import Options
from ..protocol import (
    Card,
    Check,
    Claims,
    Described,
    Evidence,
    Hypothesis,
    Probe,
    Seen,
    Study,
    Subject,
)
from ..registry import register
from ..scores import LogPrice, logs
from ..shares import Direction, Limit
from ..treated import label_of
from .planted import RETRAINING, STEPS, planted_wave, planting, tossing

CANARIES, COPIES = 200, 1
BEFORE, PLANTED, AFTER = 0, 1, 2
"""The waves, in their order."""

CARD = Card(
    name="privacy.canary_price",
    question=both("private.memory_question"),
    roles=frozenset({"private", "habit", "ability_to_pay", "preference"}),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("private.memory_null"),
    cost=both("private.memory_cost", canaries=CANARIES),
    guarantee="exact",
    finding_kinds=frozenset({"privacy.leak"}),
    direction="harm",
    options={
        "canaries": both("private.option_items", canaries=CANARIES),
        "copies": both("private.option_copies", copies=COPIES),
        "guesses": both("private.option_guesses_price"),
        "plant": both("private.option_plant"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryPrice:
    """Items that accounts of the audit buy, dear or cheap by a coin; what does a stranger then pay.

    Parameters
    ----------
    seed : int
        The plan's: items and coins follow from it.
    paid : str
        The attribute that says what is paid: its reference is cheap, its first other level dear.
    outcome : str
    direction : {"any", "harm"}
        Whether only prices that follow what was paid upwards count.
    limit : Limit or None
    bound : float
        Changes of log price are clipped to ± this.
    canaries, copies : int
        How many items, and how many accounts buy each.
    guesses : int
        Of how many coins the vendor's prices are taken to tell, the largest changes first; 0: of
        all that changed. Fixed beforehand.
    plant : str
        The step that buys.
    name : str
    """

    seed: int
    paid: str
    outcome: str = "final"
    direction: Direction = "harm"
    limit: Limit | None = None
    bound: float = math.log(1.5)
    canaries: int = CANARIES
    copies: int = COPIES
    guesses: int = 0
    plant: str = ""
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: no step that buys, too few items, accounts that are given."""
        if planting(study, self.plant) is None:
            return both("private.no_plant", steps=", ".join(STEPS), known=", ".join(study.steps))
        if len(study.items) < self.canaries:
            return both("private.few_items", items=len(study.items), needed=self.canaries)
        return both("private.need_fresh") if len(study.identities) else None

    def _drawn(self, study: Study) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the items, and the coin of each: heads, it is bought dear."""
        rng = tossing(self.seed, self.name)
        items = rng.permutation(len(study.items))[: self.canaries]
        return items, rng.integers(2, size=len(items)) > 0

    def commitment(self, study: Study) -> str:
        """Return the sha256 of all items and coins, for the lock."""
        items, coins = self._drawn(study)
        told = {"items": items.tolist(), "coins": "".join("01"[coin] for coin in coins.tolist())}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return the one hypothesis: a price depends on what somebody else paid."""
        attribute, label = study.attributes[self.paid], label_of(study, self.paid)
        low, high = (
            attribute.level_labels.get(str(level)) or {"zh": str(level), "en": str(level)}
            for level in attribute.levels[:2]
        )
        return (
            Hypothesis(
                id=f"{self.name}:{self.paid}:{self.outcome}",
                probe=self.name,
                outcome=self.outcome,
                treatment=self.paid,
                level="dear",
                subject=Subject(
                    label=both("private.memory_label", label=label),
                    question=both("private.asks_memory", label=label),
                    reference="cheap",
                    level_label=both("private.memory_level", label=label, level=high),
                    reference_label=both("private.memory_level", label=label, level=low),
                    role="private",
                    kind="privacy.leak",
                ),
            ),
        )

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the wave of first prices, that which buys, and, after retraining, that of last prices."""
        done = len(seen.observed.waves)
        sizes = (self.canaries, self.copies * self.canaries, self.canaries)
        if done > AFTER or sum(sizes[done:]) > seen.trials_left:
            return None
        items, coins = self._drawn(study)
        buying = done == PLANTED
        walked = planting(study, self.plant) if buying else study.steps[-1]
        step = study.steps.index(walked or "")
        order = rng.permutation(np.repeat(np.arange(len(items)), self.copies if buying else 1))
        level = np.where(coins[order], 1, 0) if buying else np.zeros(len(order), dtype=np.intp)
        wave = planted_wave(
            study,
            coins,
            order.tolist(),
            [[(step, int(item))] for item in items[order]],
            rng,
            {self.paid: codes(level)},
        )
        return replace(wave, after=RETRAINING) if done == AFTER else wave

    # ------------------------------------------------------------------ reading
    def changes(self, observed: Observed) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the change of each item's log price, in which items failed; NaN: not answered."""
        prices = np.full((2, self.canaries), np.nan)
        failed = np.zeros(self.canaries, dtype=np.bool_)
        rows, _, lost = sessions_of(observed)
        values = observed.values.get(self.outcome)
        block = observed.column("block")
        for place, number in enumerate(observed.numbers):
            if place == PLANTED or values is None:
                continue
            mine = observed.wave[rows] == number
            told = logs(np.asarray(values, dtype=float)[rows[mine]])
            prices[int(place == AFTER), block[rows[mine]]] = np.where(lost[mine], np.nan, told)
            failed[block[rows[mine & (observed.kind[rows] == FAILED)]]] = True
        change = prices[1] - prices[0]
        change[~np.isfinite(change)] = np.nan
        return change, failed

    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence that prices change the way in which coins fell."""
        (hypothesis,) = self.hypotheses(study)
        _, coins = self._drawn(study)
        change, _ = self.changes(observed)
        used = ~np.isnan(change)
        heads, moved = coins[used], change[used]
        # what moved all prices alike is no memory; the median has not seen a coin
        moved = moved - (np.median(moved) if len(moved) else 0.0)
        contrast = np.where(heads, 2.0, -2.0) * np.clip(moved, -self.bound, self.bound)
        effect = Estimate(
            value=float(np.mean(contrast)) if len(contrast) else None,
            unit=LogPrice.unit,
            interval=mean_interval(contrast, bound=2 * self.bound, level=level)
            if level is not None and len(contrast)
            else None,
            n=len(contrast),
        )
        noise = float(np.std(contrast)) / math.sqrt(2) if len(contrast) > 1 else math.nan
        return (
            Evidence(
                hypothesis=hypothesis,
                delivered=is_carried(study, self.paid),
                claims=self._claims(heads, moved, contrast),
                effect=effect,
                share=Estimate(value=None, unit="share", n=len(contrast)) if self.limit else None,
                base=self._base(observed),
                guarantee="exact",
                unit="canary",
                n=len(contrast),
                n_excluded=int(np.sum(~used)) if len(observed.waves) > AFTER else 0,
                queries=len(observed),
                reason=None if is_carried(study, self.paid) else "audit.reason_not_delivered",
                smallest_detectable=smallest_detectable(
                    len(contrast), noise, bound=2 * self.bound, level=level
                )
                if level is not None and noise > 0
                else None,
                described=self._described(study, heads, moved, effect, level) if level else (),
                method=(both("private.memory_method", copies=self.copies),),
            ),
        )

    def _claims(
        self, heads: NDArray[np.bool_], moved: Floats, contrast: Floats
    ) -> Mapping[float, Claims]:
        path = log_one_sided(np.where(heads, moved, 0.0), np.where(heads, 0.0, moved))
        if self.direction == "any":
            down = log_one_sided(np.where(heads, 0.0, moved), np.where(heads, moved, 0.0))
            path = np.logaddexp(path, down) - HALF
        differs, now = float(np.max(path, initial=0.0)), float(path[-1]) if len(path) else 0.0
        if self.limit is None:
            return {1.0: Claims(differs=differs, differs_now=now, estimable=False)}
        return {
            scale: self._claimed(differs, now, contrast, self.limit.times(scale).mean)
            for scale in SCALES
        }

    def _claimed(self, differs: float, now: float, contrast: Floats, most: float) -> Claims:
        wide, both_ways = 2 * self.bound, self.direction == "any"
        above = log_mean_evidence(contrast, bound=wide, limit=most, side="above")
        if both_ways:
            down = log_mean_evidence(-contrast, bound=wide, limit=most, side="above")
            above = np.logaddexp(above, down) - HALF
        sides = [
            log_mean_evidence(side * contrast, bound=wide, limit=most, side="below")
            for side in (1, -1)
        ]
        below, raised = (float(side[-1]) if len(side) else 0.0 for side in sides)
        beyond = float(np.max(above, initial=0.0))
        return Claims(
            differs=differs,
            differs_now=now,
            beyond=beyond,
            mean_beyond=beyond,
            inside=(GIVEN, below, raised if both_ways else GIVEN),
        )

    def _base(self, observed: Observed) -> float:
        """Return the geometric mean of the first prices."""
        values = observed.values.get(self.outcome)
        if values is None or not observed.numbers:
            return math.nan
        first = logs(np.asarray(values, dtype=float)[observed.wave == observed.numbers[BEFORE]])
        first = first[np.isfinite(first)]
        return math.exp(float(np.mean(first))) if len(first) else math.nan

    def _described(
        self,
        study: Study,
        heads: NDArray[np.bool_],
        moved: Floats,
        effect: Estimate,
        level: float,
    ) -> tuple[Described, ...]:
        """Return how much of what was paid comes back, and ε with its cap."""
        told: list[Described] = []
        low, high = study.attributes[self.paid].levels[:2]
        numbers = isinstance(low, int | float) and isinstance(high, int | float)
        if numbers and 0 < float(low) < float(high) and effect.value is not None:
            ratio = effect.value / math.log(float(high) / float(low))
            part = Estimate(value=ratio, unit="share", n=effect.n)
            told.append(Described(name="returned", label=both("private.returned"), estimate=part))
        guessed = self._guessed(moved)
        if len(guessed):
            right = int(np.sum(heads[guessed] == (moved[guessed] > 0)))
            bound = epsilon_bound(right, len(guessed), level=level, copies=self.copies)
            told += [
                Described(
                    name=name,
                    label=both(f"private.{name}", right=right, guesses=len(guessed)),
                    estimate=Estimate(value=value, unit="epsilon", n=len(guessed)),
                    guarantee="finite-sample",
                )
                for name, value in (("epsilon", bound.value), ("epsilon_cap", bound.cap))
            ]
        return tuple(told)

    def _guessed(self, moved: Floats) -> NDArray[np.intp]:
        """Return the items of whose coin a guess is made, by a rule that never saw a coin."""
        told = np.flatnonzero(moved != 0)
        ordered = told[np.argsort(-np.abs(moved[told]), kind="stable")]
        return ordered[: self.guesses] if self.guesses else ordered

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> Sequence[Check]:
        """Return whether questions about either side of the coin failed alike; at .001."""
        del rng
        _, coins = self._drawn(study)
        _, failed = self.changes(observed)
        either = np.logaddexp(log_coin_evidence(coins, failed), log_coin_evidence(~coins, failed))
        counts = {"treated": int(failed[coins].sum()), "reference": int(failed[~coins].sum())}
        peak = float(np.max(either, initial=0.0)) - HALF
        return (Check(kind="access", passed=peak < CHECK_AT, values=counts),)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    given = options.get("options", {})
    own, shared = Options(CARD.name, given), common(options, CARD)
    return CanaryPrice(
        seed=int(options.get("seed", 0)),
        paid=str(options["treat"][0]),
        outcome=options.get("outcome", "final"),
        canaries=own.count("canaries", CANARIES),
        copies=int(own.number("copies")) or COPIES,
        guesses=int(own.number("guesses")),
        plant=str(given.get("plant", "")),
        **{key: shared[key] for key in ("direction", "limit", "bound", "name")},
    )
