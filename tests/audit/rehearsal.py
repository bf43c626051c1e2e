"""An audit without a target: answers come straight from a law of prices. For tests of the loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from evenhand.audit.conduct import Conduct, Rules
from evenhand.audit.decide import Family
from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.controls import Pilot, Positive
from evenhand.probes.design import Observed, Wave
from evenhand.probes.pricing.twins import Twins
from evenhand.probes.protocol import Money, Question, Study
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
Law = Callable[[dict[str, np.ndarray], np.random.Generator], np.ndarray]


def study(treatments: int = 1, contexts: int = 500) -> Study:
    """A frame of `contexts` personas with a condition and some treatments of two levels."""
    attributes = {
        "nights": Attribute(name="nights", role="condition", levels=(1, 2)),
        **{
            f"t{i}": Attribute(
                name=f"t{i}", role="habit", levels=("new", "old"), kind="price.preference"
            )
            for i in range(treatments)
        },
    }
    return Study(
        personas=Table({"base": np.exp(np.random.default_rng(7).normal(5, 0.5, contexts))}),
        persona_weights=np.full(contexts, 1 / contexts),
        items=Table({"id": np.array(["room"])}),
        item_weights=np.ones(1),
        attributes=attributes,
        carried=frozenset({"nights", *attributes}),
        outcomes={"final": "price"},
        money=Money(currency="CNY", unit="yuan", per="night"),
    )


def questions(study_: Study, limit: Limit | None = LIMIT) -> dict[str, Question]:
    """Pilot, positive control on nights, and twins on every treatment."""
    treat = tuple(name for name, a in study_.attributes.items() if a.role != "condition")
    return {
        "control.pilot": Pilot(),
        "control.positive": Positive(attribute="nights", low=0, high=1, expect="dearer"),
        "pricing.twins": Twins(treat=treat, limit=limit),
    }


def columns(study_: Study, wave: Wave) -> dict[str, np.ndarray]:
    """What a vendor sees, one entry a trial."""
    found = {"base": study_.personas.columns["base"][wave.persona], "context": wave.persona}
    for name in study_.attributes:
        found[name] = wave.overrides.get(name, np.zeros(len(wave), dtype=int))
    return found


def rehearse(
    law: Law,
    *,
    seed: int = 0,
    treatments: int = 1,
    queries: int = 20_000,
    limit: Limit | None = LIMIT,
    patient: bool = False,
    kinds: Callable[[dict[str, np.ndarray], np.random.Generator], np.ndarray] | None = None,
    followups: Callable[[Conduct], Mapping[str, Question]] | None = None,
) -> Conduct:
    """Conduct a whole audit against `law`: columns → prices."""
    study_ = study(treatments)
    conduct = Conduct(
        study=study_,
        questions=questions(study_, limit),
        rules=Rules(
            family=Family(hypotheses=treatments, alpha=0.05, alpha_clear=0.05),
            queries=queries,
            patient=patient,
        ),
        rng=lambda number: np.random.default_rng([seed, number]),
        followups=followups,
    )
    vendor = np.random.default_rng([seed, 1 << 20])
    while (turn := conduct.next()) is not None:
        seen = columns(study_, turn.wave)
        prices = law(seen, vendor)
        kind = np.zeros(len(turn.wave), dtype=np.int8) if kinds is None else kinds(seen, vendor)
        conduct.take(
            turn,
            Observed(
                waves=(turn.wave,),
                numbers=(turn.number,),
                kind=kind,
                reason=np.where(kind == 2, 4, 0).astype(np.int8),
                values={"final": np.where(kind == 0, prices, np.nan)},
            ),
        )
    return conduct


def priced(effect: Callable[[dict[str, np.ndarray]], np.ndarray], noise: float = 0.0) -> Law:
    """A law: base price × nights × exp(effect) × lognormal noise."""

    def law(seen: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        jitter = noise * rng.standard_normal(len(seen["base"]))
        prices: np.ndarray = seen["base"] * (1 + seen["nights"]) * np.exp(effect(seen) + jitter)
        return prices

    return law


def fair(noise: float = 0.0) -> Law:
    return priced(lambda seen: np.zeros(len(seen["base"])), noise)


def loyal(size: float, noise: float = 0.0) -> Law:
    return priced(lambda seen: math.log1p(size) * seen["t0"], noise)


def rare(part: float = 0.05, size: float = 0.10, noise: float = 0.0) -> Law:
    """`part` of the contexts pay `size` more; the rest a little less, so that the mean is fair."""

    def effect(seen: dict[str, np.ndarray]) -> np.ndarray:
        hit = seen["context"] % round(1 / part) == 0
        cut = -part * math.log1p(size) / (1 - part)
        return seen["t0"] * np.where(hit, math.log1p(size), cut)

    return priced(effect, noise)
