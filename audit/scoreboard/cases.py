"""Which audits cover a vendor of the zoo, and the plan of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets import populations, vendors
from ...datasets.vendors import Vendor
from ...datasets.vendors.truth import USUAL, Effect, Level
from ...messages import both
from ..planfile import LoadedPlan, parse
from ..planrules import level_text

QUERIES, SEEDS, LEVELS = 5000, 20, 3
"""Trials a vendor, seeds, and most levels that one audit treats."""

PROBES: Mapping[str, str] = {
    "final": "pricing.twins",
    "list": "pricing.components",
    "discount": "pricing.components",
    "coupon": "pricing.components",
    "fee": "pricing.components",
    "units": "pricing.value",
    "refused": "access.refusal",
    "offers": "access.offers",
    "notice": "disclosure.notice",
    "unannounced": "disclosure.notice",
    "ranking": "steering.ranking",
}
"""Outcome of an effect → the probe that looks for it."""

ROLES = {"device": "ability_to_pay", "past_spend": "ability_to_pay", "tenure": "habit"}
KIND_OF_LIMIT = {"log-ratio": "ratio", "share-of-price": "ratio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one audit asks of a vendor: effects on one home that can be compared at once."""

    vendor: Vendor
    effects: tuple[Effect, ...]
    number: int = 0


def cases(vendor: Vendor) -> tuple[Case, ...]:
    """Return the audits that cover a vendor's effects, the guilty ones first."""
    left = sorted(vendor.truth.effects, key=lambda effect: effect.side != "guilty")
    left = [
        effect
        for effect in left
        if effect.outcome in PROBES
        and effect.attribute not in vendor.remembers
        and not _welcome(effect)
    ]
    made: list[Case] = []
    while left:
        chosen = [left[0]]
        for effect in left[1:]:
            if len(chosen) < LEVELS and _fit(chosen, effect, vendor.frame.home):
                chosen.append(effect)
        made.append(Case(vendor=vendor, effects=tuple(chosen), number=len(made)))
        left = [effect for effect in left if effect not in chosen]
    return tuple(made)


def _welcome(effect: Effect) -> bool:
    """Whether there is a difference of which nobody is accused: a notice more than others see."""
    return effect.outcome == "notice" and effect.side == "guilty" and not effect.harmful


def _fit(chosen: Sequence[Effect], effect: Effect, home: Mapping[str, Level]) -> bool:
    """Whether an effect can be asked about beside others: the same home, limit and question.

    A limit of its own is asked about alone, it was set so because the effect is hard to see; and so
    is a contrast that begins elsewhere, which would move the home of the others.
    """
    first = chosen[0]
    if (effect.given, effect.outcome) != (first.given, first.outcome):
        return False
    if not (
        first.limit == effect.limit == USUAL and _begins(first, home) and _begins(effect, home)
    ):
        return False
    return effect.attribute not in {one.attribute for one in chosen} | set(first.given)


def _begins(effect: Effect, home: Mapping[str, Level]) -> bool:
    return bool(home.get(effect.attribute) == effect.reference)


def plan_of(case: Case, *, seed: int, queries: int = QUERIES) -> LoadedPlan:
    """Return the plan of one audit, as if it had been read from a file."""
    vendor, frame = case.vendor, case.vendor.frame
    treated = {effect.attribute: effect for effect in case.effects}
    home = {**frame.home, **case.effects[0].given}
    attributes = {name: _treated(effect) for name, effect in treated.items()}
    conditions: dict[str, dict[str, Any]] = {
        name: {"role": "condition"} for name in _brought(vendor) if name not in treated
    }
    conditions |= {
        name: {"role": "condition", "levels": list(levels)}
        for name, levels in frame.conditions.items()
    }
    if frame.items:
        conditions[frame.item] = _items(frame.items)
    fields = {name: f"{{{{persona.{name}}}}}" for name in _fields({**attributes, **conditions})}
    constants = {name: level for name, level in home.items() if name not in fields}
    asked = {"identity": "{{identity}}"} if "identity" in vendor.columns else {}
    made: dict[str, Any] = {
        "evenhand": 1,
        "audit": {
            "title": both("vendors.score_title", name=vendor.name),
            "vendor": vendor.name,
            **dict.fromkeys(("commissioned_by", "paid_by", "conflicts"), "Evenhand"),
        },
        "seed": seed,
        "target": {
            "kind": "python",
            "function": f"{vendors.__name__}:{vendor.name}.quote",
            "request": {**constants, **fields, **asked},
            "response": _response(vendor),
            "money": {
                "currency": vendor.currency,
                "unit": vendor.currency,
                "per": "offer",
                "includes": [],
            },
        },
        "personas": {"attributes": {**attributes, **conditions}},
        "probes": [_probe(case)],
        "controls": {"positive": _positive(frame.mover)},
        "budget": {"queries": queries},
    }
    if frame.population:
        made["personas"]["population"] = frame.population
    # JSON is YAML in which no text is taken for a number
    return parse(json.dumps(made, ensure_ascii=False, default=_plain), Path(f"{vendor.name}.yaml"))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else dict(value)


def _treated(effect: Effect) -> dict[str, Any]:
    return {
        "role": ROLES.get(effect.attribute, "preference"),
        "reference": effect.reference,
        "levels": [effect.level],
        "because": both("vendors.score_because"),
    }


def _brought(vendor: Vendor) -> tuple[str, ...]:
    """Return the conditions that the population brings."""
    if vendor.frame.population is None:
        return ()
    columns = populations.load(vendor.frame.population).columns
    return tuple(name for name in columns if name in vendor.columns)


def _items(items: Mapping[str, tuple[Level, ...]]) -> dict[str, Any]:
    """Return the catalogue as a condition: one cue shows all columns of an item."""
    first = next(iter(items))
    made: dict[str, Any] = {"role": "condition", "levels": list(items[first])}
    if len(items) > 1:
        made["cues"] = {
            "catalogue": {
                level_text(level): {name: column[place] for name, column in items.items()}
                for place, level in enumerate(items[first])
            }
        }
    return made


def _fields(attributes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the fields in which attributes are seen."""
    for name, part in attributes.items():
        shown = next(iter(part.get("cues", {}).values()), None)
        yield from (name,) if shown is None else next(iter(shown.values()))


def _response(vendor: Vendor) -> dict[str, Any]:
    """Return where each of a vendor's outcomes stands: under its own name."""
    asked = {effect.outcome for effect in vendor.truth.effects} & PROBES.keys()
    said = asked - {"refused", "unannounced"}
    read = {"final", *said, *({"list"} if said & {"coupon", "discount", "fee"} else ())}
    if "ranking" in said:
        read = (read - {"final"}) | {"prices"}
    made: dict[str, Any] = {name: f"$.{name}" for name in sorted(read)}
    if any(effect.outcome == "refused" for effect in vendor.truth.effects):
        made["refused"] = {"path": "$.refused", "equals": True}
    return made


def _probe(case: Case) -> dict[str, Any]:
    first = case.effects[0]
    kind = KIND_OF_LIMIT.get(first.unit, "difference")
    use = PROBES[first.outcome]
    return {
        "use": use,
        "treat": [effect.attribute for effect in case.effects],
        "tolerance": {
            kind: first.limit.mean,
            "share": first.limit.share,
            "beyond": first.limit.beyond,
            "because": both("vendors.score_because"),
        },
    }


def _positive(mover: Effect) -> dict[str, Any]:
    priced = "dearer" if mover.mean > 0 else "cheaper"
    # a list that is another one is neither
    expect = priced if mover.outcome == "final" else "different"
    return {
        "attribute": mover.attribute,
        "from": mover.reference,
        "to": mover.level,
        "expect": expect,
    }
