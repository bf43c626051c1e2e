"""Findings that are no gap of a price, as audits leave them: each is rehearsed and then written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from tests.probes.conftest import Law, rehearse, study
from tests.reports import samples

from evenhand.audit import findings
from evenhand.audit.defences import Grounds
from evenhand.audit.plan import ProbeEntry
from evenhand.audit.record import Finding, Record
from evenhand.datasets.personas import Attribute
from evenhand.probes.matched import Arm, Compared, Layout, Matched, limit_of
from evenhand.probes.pricing.twins import CARD
from evenhand.probes.protocol import Card, Hypothesis, Study, Subject
from evenhand.probes.registry import make
from evenhand.probes.scores import Flag, LogPrice, Score

DEVICE = Attribute(
    name="device",
    role="ability_to_pay",
    levels=("android-budget", "iphone-new"),
    kind="price.device",
    label={"zh": "手机型号", "en": "phone model"},
    level_labels={
        "android-budget": {"zh": "入门机型", "en": "an entry-level one"},
        "iphone-new": {"zh": "新款手机", "en": "a new phone"},
    },
)
LOOKS = Subject(
    label={"zh": "看过几次", "en": "how often one looks"},
    question={"zh": "多看几次会不会更贵？", "en": "Does looking again make it dearer?"},
    reference="once",
    level_label={"zh": "看过两次", "en": "looked twice"},
    reference_label={"zh": "只看过一次", "en": "looked once"},
    role="habit",
    kind="price.preference",
)
RATIO = {"ratio": 0.01, "share": 0.02, "beyond": 0.05}
DIFFERENCE = {"difference": 0.01, "share": 0.02, "beyond": 0.05}
BOTH = {**RATIO, **DIFFERENCE}
BECAUSE = {"zh": "用户察觉不到。", "en": "Nobody notices."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers(Matched):
    """One score of what customers are answered, by the device or by a path."""

    score: Score
    outcome: str
    subject: Subject | None = None

    @property
    def card(self) -> Card:
        return CARD

    def layout(self, study: Study) -> Layout:
        del study
        treatment, level = ("looks", "twice") if self.subject else ("device", "iphone-new")
        arm = Arm(path=("quote", "quote")) if self.subject else Arm(changes={"device": 1})
        return Layout(
            arms=(arm,),
            compared=(
                Compared(
                    hypothesis=Hypothesis(
                        id=f"{self.name}:{treatment}:{self.outcome}",
                        probe=self.name,
                        outcome=self.outcome,
                        treatment=treatment,
                        level=level,
                        subject=self.subject,
                    ),
                    arm=0,
                    score=self.score,
                ),
            ),
        )


def frame(outcomes: Mapping[str, str]) -> Study:
    """The study of the samples: the phone is varied, the nights are held equal."""
    made = study(outcomes, treated=("device",))
    return replace(made, attributes={**made.attributes, "device": DEVICE})


def conducted(
    probe: Matched,
    law: Law,
    outcomes: Mapping[str, str],
    tolerance: Mapping[str, float] | None,
    *,
    use: str = CARD.name,
    **settings: Any,
) -> list[Finding]:
    """Rehearse an audit and return its findings as its record would hold them."""
    made = frame(outcomes)
    conduct = rehearse(probe, law, made, **settings)
    entry = ProbeEntry.model_validate(
        {"use": use, "treat": ["device"]}
        | ({"tolerance": {**tolerance, "because": BECAUSE}} if tolerance else {})
    )
    setting = findings.Setting(
        grounds=Grounds(study=made, fresh_identities=True),
        observed=conduct.observed,
        plan8="7f3a9c01",
        fresh={},
    )
    return [
        findings.finding(number, decision, entry, setting)
        for number, decision in enumerate(conduct.decisions.values(), 1)
    ]


def registered(
    use: str, law: Law, outcomes: Mapping[str, str], tolerance: Mapping[str, float], **settings: Any
) -> list[Finding]:
    """Rehearse an audit of a probe that Evenhand brings."""
    own = settings.pop("options", {})
    plan = {"treat": ("device",), "tolerance": tolerance, "direction": "any", "options": own}
    probe = make(use, {"name": use, **plan})
    assert isinstance(probe, Matched)
    return conducted(probe, law, outcomes, tolerance, use=use, **settings)


def priced(seen: Mapping[str, np.ndarray]) -> np.ndarray:
    price: np.ndarray = seen["base"] * (1 + seen["nights"])
    return price


def refusing(base: float, more: float) -> Law:
    """Refuse everybody with a chance, and a new phone with so much more."""

    def law(seen: Mapping[str, np.ndarray], rng: np.random.Generator) -> Mapping[str, Any]:
        chance = base + more * seen["device"]
        return {"final": priced(seen), "refused": rng.random(len(chance)) < chance}

    return law


def billed(seen: Mapping[str, np.ndarray], _: np.random.Generator) -> Mapping[str, Any]:
    """A new phone sees a list price 4 % higher, half the coupon, and a larger fee."""
    new = seen["device"]
    list_ = priced(seen) * (1 + 0.04 * new)
    coupon, fee = list_ * np.where(new, 0.03, 0.06), list_ * np.where(new, 0.03, 0.01)
    return {"list": list_, "coupon": coupon, "fee": fee, "final": list_ - coupon + fee}


def packed(seen: Mapping[str, np.ndarray], _: np.random.Generator) -> Mapping[str, Any]:
    """The same price for a tenth less; seven of ten offers."""
    new = seen["device"]
    many = np.where(new, 7.0, 10.0)
    return {"final": priced(seen), "units": np.where(new, 90.0, 100.0), "offers": many}


def telling(seen: Mapping[str, np.ndarray], rng: np.random.Generator) -> Mapping[str, Any]:
    """Nine of ten are told that prices are personal, of those with a new phone six."""
    told = rng.random(len(seen["base"])) < np.where(seen["device"], 0.6, 0.9)
    return {"final": priced(seen), "notice": told.astype(float)}


def ranking(shuffled: float) -> Law:
    """Ten items in one order, two neighbours swapped now and then; a new phone sees dear ones first."""
    names = tuple(f"h{i}" for i in range(10))

    def law(seen: Mapping[str, np.ndarray], rng: np.random.Generator) -> Mapping[str, Any]:
        lists: list[tuple[str, ...]] = []
        costs: list[tuple[float, ...]] = []
        for new in seen["device"]:
            order = list(range(10))
            if rng.random() < 0.3:
                at = int(rng.integers(9))
                order[at], order[at + 1] = order[at + 1], order[at]
            if new and rng.random() < shuffled:
                order.reverse()
            lists.append(tuple(names[i] for i in order))
            costs.append(tuple(100.0 + 10 * i for i in order))
        return {"final": priced(seen), "ranking": objects(lists), "prices": objects(costs)}

    return law


def objects(rows: Sequence[Any]) -> np.ndarray:
    column = np.empty(len(rows), dtype=object)
    column[:] = rows
    return column


def looking(seen: Mapping[str, np.ndarray], _: np.random.Generator) -> Mapping[str, Any]:
    """The second look costs 2.1 % more."""
    return {"final": priced(seen) * (1 + 0.021 * (seen["visit"] > 0))}


REFUSED = {"final": "price", "refused": "flag"}
BILLED = {"final": "price", "list": "price", "coupon": "amount", "fee": "amount"}
PACKED = {"final": "price", "units": "number", "offers": "number"}
TOLD = {"final": "price", "notice": "flag"}
LISTED = {"final": "price", "ranking": "list", "prices": "list"}


def answers(score: Score, outcome: str, tolerance: Mapping[str, float], **more: Any) -> Answers:
    limit = limit_of({"tolerance": tolerance})
    return Answers(score=score, outcome=outcome, name=CARD.name, limit=limit, **more)


@cache
def found() -> Mapping[str, tuple[Finding, ...]]:
    """Findings by what was done: a vendor that treats a new phone, or a second look, otherwise."""
    listed = {"options": {"measures": ["rbo", "price", "ndcg"]}}
    notice = answers(Flag(), "notice", DIFFERENCE)
    looks = answers(LogPrice(), "final", RATIO, subject=LOOKS)
    return {
        name: tuple(made)
        for name, made in {
            "refused": registered("access.refusal", refusing(0.03, 0.12), REFUSED, DIFFERENCE),
            "unrefused": registered("access.refusal", refusing(0.0, 0.0), REFUSED, DIFFERENCE),
            "hardly": registered("access.refusal", refusing(0.03, 0.012), REFUSED, DIFFERENCE),
            "billed": registered("pricing.components", billed, BILLED, BOTH),
            "packed": registered("pricing.value", packed, PACKED, RATIO),
            "offered": registered("access.offers", packed, PACKED, RATIO),
            "told": conducted(notice, telling, TOLD, DIFFERENCE),
            "ranked": registered("steering.ranking", ranking(0.6), LISTED, DIFFERENCE, **listed),
            "unranked": registered("steering.ranking", ranking(0.0), LISTED, DIFFERENCE),
            "looked": conducted(looks, looking, {"final": "price"}, RATIO),
        }.items()
    }


def record() -> Record:
    """All of them in one record, numbered through."""
    every = [one for findings_ in found().values() for one in findings_]
    numbered = [
        one.model_copy(update={"id": f"F{number:02d}"}) for number, one in enumerate(every, 1)
    ]
    return samples.record(*numbered)
