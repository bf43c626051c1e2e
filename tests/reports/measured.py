"""Findings that are no gap of a price, as audits leave them: each is rehearsed and then written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from evenhand.probes.matched import Matched
from evenhand.probes.protocol import Study
from evenhand.probes.registry import make

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
RATIO = {"ratio": 0.01, "share": 0.02, "beyond": 0.05}
DIFFERENCE = {"difference": 0.01, "share": 0.02, "beyond": 0.05}
BOTH = {**RATIO, **DIFFERENCE}
BECAUSE = {"zh": "用户察觉不到。", "en": "Nobody notices."}


def frame(outcomes: Mapping[str, str], steps: Sequence[str]) -> Study:
    """The study of the samples: the phone is varied, the nights are held equal."""
    made = study(outcomes, treated=("device",), steps=steps)
    return replace(made, attributes={**made.attributes, "device": DEVICE})


def audited(
    use: str,
    law: Law,
    outcomes: Mapping[str, str],
    tolerance: Mapping[str, float],
    *,
    treat: Sequence[str] = ("device",),
    options: Mapping[str, Any] | None = None,
    steps: Sequence[str] = ("quote",),
) -> tuple[Finding, ...]:
    """Rehearse an audit of one probe, and return its findings as its record would hold them."""
    entry = ProbeEntry.model_validate(
        {
            "use": use,
            "treat": treat,
            "tolerance": {**tolerance, "because": BECAUSE},
            "options": options or {},
        }
    )
    probe = make(use, {**entry.model_dump(), "name": use, "direction": "any"})
    assert isinstance(probe, Matched)
    made = frame(outcomes, steps)
    conduct = rehearse(probe, law, made)
    setting = findings.Setting(
        grounds=Grounds(study=made, fresh_identities=True),
        observed=conduct.observed,
        plan8="7f3a9c01",
        fresh={},
    )
    return tuple(
        findings.finding(number, decision, entry, setting)
        for number, decision in enumerate(conduct.decisions.values(), 1)
    )


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


def missing(seen: Mapping[str, np.ndarray], _: np.random.Generator) -> Mapping[str, Any]:
    """One customer in ten with a new phone has no coupon, of 7 %."""
    gone = (seen["device"] == 1) & (seen["context"] % 10 == 0)
    list_ = priced(seen)
    coupon = np.where(gone, 0.0, 0.07 * list_)
    return {"list": list_, "coupon": coupon, "final": list_ - coupon}


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


def opting(seen: Mapping[str, np.ndarray], _: np.random.Generator) -> Mapping[str, Any]:
    """Whoever has opted out pays 3 % more, and 4 % more with a new phone all the same."""
    new, out = seen["device"], np.zeros(len(seen["base"]), bool)
    for session in set(seen["session"][seen["step"] == "optout"]):
        out |= seen["session"] == session
    return {"final": priced(seen) * (1 + 0.03 * out) * (1 + 0.04 * new)}


PRICED = {"final": "price"}
REFUSED = {"final": "price", "refused": "flag"}
COUPONS = {"final": "price", "list": "price", "coupon": "amount"}
WIDE = {"difference": 0.02, "share": 0.02, "beyond": 0.05}
BILLED = {"final": "price", "list": "price", "coupon": "amount", "fee": "amount"}
PACKED = {"final": "price", "units": "number", "offers": "number"}
TOLD = {"final": "price", "notice": "flag"}
LISTED = {"final": "price", "ranking": "list", "prices": "list"}


@cache
def found() -> Mapping[str, tuple[Finding, ...]]:
    """Findings by what was done: a vendor that treats a new phone, or a second look, otherwise."""
    listed = {"measures": ["rbo", "price", "ndcg"]}
    again = {"paths": {"again": ["quote", "quote"]}}
    ways = ("optout", "quote")
    return {
        "refused": audited("access.refusal", refusing(0.03, 0.12), REFUSED, DIFFERENCE),
        "unrefused": audited("access.refusal", refusing(0.0, 0.0), REFUSED, DIFFERENCE),
        "hardly": audited("access.refusal", refusing(0.03, 0.012), REFUSED, DIFFERENCE),
        "billed": audited("pricing.components", billed, BILLED, BOTH),
        "missed": audited(
            "pricing.components", missing, COUPONS, WIDE, options={"components": ["coupon"]}
        ),
        "packed": audited("pricing.value", packed, PACKED, RATIO),
        "offered": audited("access.offers", packed, PACKED, RATIO),
        "told": audited("disclosure.notice", telling, TOLD, DIFFERENCE),
        "ranked": audited("steering.ranking", ranking(0.6), LISTED, DIFFERENCE, options=listed),
        "unranked": audited("steering.ranking", ranking(0.0), LISTED, DIFFERENCE),
        "withheld": audited("steering.assortment", ranking(0.0), LISTED, DIFFERENCE),
        "looked": audited("pricing.path", looking, PRICED, RATIO, treat=(), options=again),
        "opted": audited("optout.effect", opting, PRICED, RATIO, steps=ways),
    }


def record() -> Record:
    """All of them in one record, numbered through."""
    every = [one for findings_ in found().values() for one in findings_]
    numbered = [
        one.model_copy(update={"id": f"F{number:02d}"}) for number, one in enumerate(every, 1)
    ]
    return samples.record(*numbered)
