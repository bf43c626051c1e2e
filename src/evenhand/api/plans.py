"""From the arguments of a call to a plan: the same one that a file would hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import messages
from ..audit.plan import Plan, ProbeEntry
from ..audit.planfile import LoadedPlan, parse, to_yaml
from ..datasets.personas import Level
from ..errors import PlanError, UsageError
from .models import Vendor
from .tables import Given, level

Treated = tuple[Level, Sequence[Level]] | Mapping[str, Any]
"""``(reference, levels)``, or an attribute as a plan file writes it."""
Conditions = Sequence[str] | Mapping[str, Sequence[Level]]
Control = tuple[str, Level, Level] | tuple[str, Level, Level, str] | Mapping[str, Any]
Money = str | Mapping[str, Any]

PERSONAS, ITEMS, PLAN = "personas.csv", "items.csv", "plan.yaml"
PROBE = "pricing.twins"
ROLE = "preference"
"""Role of a treatment that says none: the least that a difference can be called."""

OWN = "自测 · own test"
"""Who commissions, pays and has an interest: a plan holds these in one language, so in both."""

_EXPECTS = 4
"""Entries of a positive control that also says which way the price must move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The arguments of a call, as far as they make the plan."""

    treat: Mapping[str, Treated]
    conditions: Conditions | None
    positive: Control | None
    money: Money | None
    limits: Sequence[Mapping[str, Any]]
    budget: int
    seed: int
    alpha: float
    alpha_clear: float
    title: str | None
    because: str | None
    jurisdictions: Sequence[str]
    fixed: Mapping[str, Level]
    identity: str | None
    price: str | None
    headers: Mapping[str, str]
    batch: bool
    request: Mapping[str, Any] | None = None
    authorisation: Mapping[str, Any] | None = None
    deterministic: bool = False


def treatments(treat: Mapping[str, Treated], because: str | None) -> dict[str, dict[str, Any]]:
    """Return the treated attributes as a plan writes them.

    Raises
    ------
    UsageError
        If one is neither ``(reference, levels)`` nor a mapping.

    Examples
    --------
    >>> made = treatments({"device": ("old", ["new"])}, "It tells what somebody can pay.")
    >>> made["device"]["reference"], made["device"]["levels"], made["device"]["role"]
    ('old', ['new'], 'preference')
    """
    if not treat:
        raise UsageError("api.nothing_treated")
    reason = because or messages.both("api.because")
    return {name: _treatment(name, how, reason) for name, how in treat.items()}


def _treatment(name: str, how: Treated, reason: Any) -> dict[str, Any]:
    if isinstance(how, Mapping):
        made = {"role": ROLE, "because": reason, **how}
    elif isinstance(how, tuple | list) and len(how) == 2 and not isinstance(how[1], str):  # noqa: PLR2004 - a reference and its levels
        made = {"role": ROLE, "because": reason, "reference": how[0], "levels": how[1]}
    else:
        raise UsageError("api.treat_form", name=name, got=repr(how))
    made["reference"] = level(made.get("reference"))
    made["levels"] = [level(one) for one in made.get("levels", ())]
    return made


def fields_of(attributes: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the fields in which attributes are seen: their own names, or those of their cues."""
    fields: list[str] = []
    for name, part in attributes.items():
        shown = [list(seen) for cue in part.get("cues", {}).values() for seen in cue.values()]
        fields += dict.fromkeys(one for names in shown for one in names) if shown else [name]
    return list(dict.fromkeys(fields))


def conditions(
    who: Vendor, wish: Wish, treated: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the attributes that are held equal within a block.

    Where none are named they are the rest of what the model was trained on.

    Raises
    ------
    UsageError
        If none are named and the model does not say what it takes.
    """
    given = wish.conditions
    seen = {*fields_of(treated), *wish.fixed, *([wish.identity] if wish.identity else [])}
    if given is None:
        if who.features is None:
            raise UsageError("api.no_conditions")
        given = [name for name in who.features if name not in seen]
    if isinstance(given, str):
        raise UsageError("api.conditions_text", got=given)
    named = given if isinstance(given, Mapping) else dict.fromkeys(given, ())
    made: dict[str, dict[str, Any]] = {}
    for name, levels in named.items():
        if name in treated:
            raise UsageError("api.both", name=name)
        made[name] = {"role": "condition"}
        if len(levels):
            made[name]["levels"] = [level(one) for one in levels]
    return made


def positive(control: Control | None, lawful: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Return the positive control as a plan writes it; its levels join those of the condition."""
    if control is None:
        return None
    made = dict(control) if isinstance(control, Mapping) else _ends(tuple(control))
    name = made.get("attribute")
    if name in lawful:
        levels = lawful[name].setdefault("levels", [])
        levels += [made[end] for end in ("from", "to") if end in made and made[end] not in levels]
    return made


def _ends(control: tuple[Any, ...]) -> dict[str, Any]:
    if len(control) not in {_EXPECTS - 1, _EXPECTS}:
        raise UsageError("api.positive_form", got=repr(control))
    made = {"attribute": control[0], "from": level(control[1]), "to": level(control[2])}
    return made | dict(zip(("expect",), control[3:], strict=False))


def money(given: Money | None) -> dict[str, Any]:
    """Return what a price is: ``"EUR"``, ``"EUR per night"``, or as a plan writes it.

    Raises
    ------
    UsageError
        If it is not said: a price without a currency is a number without a unit.

    Examples
    --------
    >>> money("EUR per night")
    {'currency': 'EUR', 'unit': 'EUR', 'per': 'night', 'includes': []}
    """
    if given is None:
        raise UsageError("api.no_money")
    if isinstance(given, Mapping):
        return {"unit": given.get("currency"), "per": "quote", "includes": [], **given}
    currency, _, per = given.replace("/", " per ").partition(" per ")
    currency = currency.strip()
    return {"currency": currency, "unit": currency, "per": per.strip() or "quote", "includes": []}


def probes(wish: Wish, treated: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the probes: one, or one for each set of limits that names its treatments."""
    made: list[dict[str, Any]] = []
    for limits in wish.limits:
        one = {
            "use": PROBE,
            "treat": list(limits.get("treat", treated)),
            "direction": limits.get("direction", "any"),
            "tolerance": {
                "ratio": limits["ratio"],
                "share": limits["share"],
                "beyond": limits["beyond"],
                "because": wish.because or messages.both("api.tolerance_because"),
            },
        }
        if wish.deterministic and "assume" in ProbeEntry.model_fields:
            one["assume"] = "deterministic"
        made.append(one)
    return made


def target(who: Vendor, wish: Wish, request: Mapping[str, Any], frame: str) -> dict[str, Any]:
    """Return the target as a plan writes it."""
    terms = money(wish.money)
    if who.url is not None:
        made: dict[str, Any] = {"kind": "http", "url": who.url, "money": terms}
        return made | {
            "request": dict(wish.request or request),
            "headers": dict(wish.headers),
            "response": {"final": wish.price or "$.price"},
        }
    made = {"kind": "python", "function": who.function, "money": terms}
    made |= {"request": dict(wish.request or request), "table": wish.batch}
    if wish.batch:
        made["frame"] = frame
    if wish.price is not None:
        made["response"] = {"final": wish.price}
    return made


def request(
    who: Vendor,
    wish: Wish,
    attributes: Mapping[str, Mapping[str, Any]],
    people: Given | None,
    things: Given | None,
) -> dict[str, Any]:
    """Return what each question carries, in the order that the model knows.

    Raises
    ------
    UsageError
        If the model was trained on a column that nothing fills.
    """
    own = {name: f"{{{{persona.{name}}}}}" for name in fields_of(attributes)}
    if people is not None and people.id_column is not None:
        own[people.id_column] = f"{{{{persona.{people.id_column}}}}}"
    known = dict(wish.fixed) | own
    known |= {name: f"{{{{item.{name}}}}}" for name in (things.columns if things else ())}
    if wish.identity is not None:
        known[wish.identity] = "{{identity}}"
    if who.features is not None:
        missing = [name for name in who.features if name not in known]
        if missing:
            raise UsageError("api.features", names=", ".join(missing))
        return {name: known[name] for name in who.features}
    order = [name for name in (people.order if people else ()) if name in known]
    return {name: known[name] for name in dict.fromkeys([*order, *known])}


def document(
    who: Vendor,
    wish: Wish,
    people: Given | None,
    things: Given | None,
    attributes: Mapping[str, Mapping[str, Any]],
    control: Mapping[str, Any] | None,
    frame: str,
) -> dict[str, Any]:
    """Return the plan as plain data."""
    made: dict[str, Any] = {
        "evenhand": 1,
        "audit": {
            "title": wish.title or messages.both("api.title", name=who.name),
            "vendor": who.name,
            "commissioned_by": OWN,
            "paid_by": OWN,
            "conflicts": OWN,
        },
        "seed": wish.seed,
        "target": target(who, wish, request(who, wish, attributes, people, things), frame),
        "personas": {"attributes": dict(attributes)},
        "probes": probes(wish, {n: p for n, p in attributes.items() if p["role"] != "condition"}),
        "budget": {"queries": wish.budget},
        "decide": {"alpha": wish.alpha, "alpha_clear": wish.alpha_clear},
        "jurisdictions": list(wish.jurisdictions),
    }
    if people is not None:
        made["personas"]["population"] = PERSONAS
    if things is not None:
        made["items"] = ITEMS
    if control is not None:
        made["controls"] = {"positive": dict(control)}
    if wish.authorisation is not None:
        made["authorisation"] = dict(wish.authorisation)
    return made


def loaded(made: Mapping[str, Any], folder: Path) -> LoadedPlan:
    """Return a plan of plain data as if it had been read from a file in `folder`.

    Raises
    ------
    PlanError
        With every mistake, by key: there are no lines to name.
    """
    path = folder / PLAN
    try:
        # JSON is YAML: every text is quoted, so none is read as a number
        first = parse(json.dumps(made, ensure_ascii=False, default=_plain), path)
    except PlanError as error:
        problems = [replace(problem, file="", line=0) for problem in error.problems]
        raise PlanError(problems) from None
    return parse(to_yaml(first.plan), path)


def _plain(value: Any) -> Any:
    found = level(value)
    return found if found is not value else str(value)


def renamed(plan: Plan, population: str | None, items: str | None) -> Plan:
    """Return the plan with other names for its tables."""
    personas = plan.personas.model_copy(update={"population": population})
    return plan.model_copy(update={"personas": personas, "items": items})
