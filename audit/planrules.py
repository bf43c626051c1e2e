"""What a plan of the right shape can still get wrong: what its parts say of each other.

Each rule is a generator of mistakes. Nothing is opened here but the list of probes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from ..datasets.personas import TREATMENTS, Level
from ..errors import Problem
from ..probes import registry
from ..probes.controls import PILOT_PAIRS
from ..probes.protocol import Card
from .plan import AttributePart, Plan, Tolerance
from .planhttp import HttpTarget
from .planshape import listed, near, shown
from .planyaml import Key, Source

Rule = Callable[[Plan, Source], Iterator[Problem]]

UNITS: dict[str, dict[str, int]] = {
    "CNY": {"yuan": 1, "元": 1, "RMB": 1, "jiao": 10, "角": 10, "fen": 100, "分": 100},
    "HKD": {"dollar": 1, "元": 1, "cent": 100, "仙": 100},
    "TWD": {"dollar": 1, "元": 1},
    "MOP": {"pataca": 1, "元": 1, "avo": 100},
    "EUR": {"euro": 1, "cent": 100},
    "USD": {"dollar": 1, "cent": 100},
    "GBP": {"pound": 1, "penny": 100, "pence": 100},
    "JPY": {"yen": 1, "円": 1},
    "KRW": {"won": 1},
    "SGD": {"dollar": 1, "cent": 100},
    "AUD": {"dollar": 1, "cent": 100},
    "CAD": {"dollar": 1, "cent": 100},
    "CHF": {"franc": 1, "rappen": 100, "centime": 100},
    "INR": {"rupee": 1, "paisa": 100},
    "SEK": {"krona": 1, "ore": 100},
    "NOK": {"krone": 1, "ore": 100},
    "DKK": {"krone": 1, "ore": 100},
}
"""Currency → unit → how many make one unit of the currency (ISO 4217). The code is a unit too."""

KINDS = (
    "price.ability_to_pay", "price.preference", "price.loyalty", "price.device",
    "price.protected_group", "price.coupon", "privacy.inference", "privacy.excess",
)  # fmt: skip
"""Kinds of finding that an attribute may name; the rules in force map them to provisions.

The other kinds of the rules say what was done and not by whom: a probe gives them to its findings."""


def units(currency: str) -> dict[str, int]:
    """Return the units of a currency: name → how many make one unit of it.

    Examples
    --------
    >>> units("CNY")["fen"], units("CHF")["CHF"]
    (100, 1)
    """
    return {currency: 1, **UNITS.get(currency, {})}


def level_text(level: Level) -> str:
    """Return a level as keys of a plan write it, so that equal ones are equal.

    Examples
    --------
    >>> level_text(200.0), level_text(200), level_text(True), level_text("a")
    ('200', '200', 'true', 'a')
    """
    if isinstance(level, bool):
        return "true" if level else "false"
    if isinstance(level, float) and level.is_integer():
        return str(int(level))
    return str(level)


def treated(plan: Plan) -> dict[str, Key]:
    """Return each attribute that a probe treats, and where it is first named."""
    places: dict[str, Key] = {}
    for number, probe in enumerate(plan.probes):
        for place, name in enumerate(probe.treat):
            places.setdefault(name, ("probes", number, "treat", place))
    return {name: key for name, key in places.items() if name in plan.personas.attributes}


def levels_of(part: AttributePart) -> tuple[Level, ...]:
    """Return all levels of an attribute; for a treatment the reference is the first."""
    first = () if part.reference is None or part.role == "condition" else (part.reference,)
    return (*first, *part.levels)


def arms(plan: Plan) -> int:
    """Return how many trials the largest block asks: reference, twin and every treated level."""
    attributes = plan.personas.attributes
    return 2 + max(
        sum(len(attributes[name].levels) for name in probe.treat if name in attributes)
        for probe in plan.probes
    )


def probes(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield probes that do not exist, or treat what they cannot treat."""
    names = registry.names()
    seen: dict[tuple[str, str, str], Key] = {}
    for number, probe in enumerate(plan.probes):
        key = ("probes", number)
        if probe.use not in names:
            yield source.problem(
                "plan.no_probe",
                (*key, "use"),
                got=shown(probe.use),
                known=listed(names),
                near=near(probe.use, names),
            )
            continue
        if not probe.treat and registry.card(probe.use).roles:
            yield source.problem("plan.nothing_treated", (*key, "treat"), probe=probe.use)
        for place, name in enumerate(probe.treat):
            where = (*key, "treat", place)
            yield from _treats(plan, source, probe.use, name, where)
            mark = (probe.use, name, probe.outcome)
            if mark in seen:
                first = source.line(seen[mark])
                yield source.problem("plan.treated_twice", where, name=name, first=first)
            seen.setdefault(mark, where)


def _treats(plan: Plan, source: Source, use: str, name: str, key: Key) -> Iterator[Problem]:
    attributes = plan.personas.attributes
    if name not in attributes:
        yield source.problem(
            "plan.no_attribute",
            key,
            name=shown(name),
            known=listed(attributes),
            near=near(name, attributes),
        )
    elif attributes[name].role not in TREATMENTS:
        yield source.problem("plan.treats_condition", key, name=name)
    elif attributes[name].role not in registry.card(use).roles:
        roles = listed(sorted(registry.card(use).roles))
        yield source.problem(
            "plan.treats_role", key, name=name, role=attributes[name].role, roles=roles
        )


def treatments(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield treated attributes without a reason, a reference or a level."""
    for name in treated(plan):
        part, key = plan.personas.attributes[name], ("personas", "attributes", name)
        if part.role not in TREATMENTS:
            continue
        if part.because is None:
            yield source.problem("plan.no_because", (*key, "because"), name=name)
        if part.reference is None:
            yield source.problem("plan.no_reference", (*key, "reference"), name=name)
        if not part.levels:
            yield source.problem("plan.no_levels", (*key, "levels"), name=name)


def conditions(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield conditions with a reference, or with neither levels nor a population.

    What is no condition decides no cost that would be lawful.
    """
    for name, part in plan.personas.attributes.items():
        key = ("personas", "attributes", name)
        if part.role != "condition":
            if part.decides:
                yield source.problem("plan.decides_condition", (*key, "decides"), name=name)
            continue
        if part.reference is not None:
            yield source.problem("plan.condition_reference", (*key, "reference"), name=name)
        if not part.levels and plan.personas.population is None:
            yield source.problem("plan.condition_levels", (*key, "levels"), name=name)


def sample(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield a way of drawing people where there are none to be like."""
    if plan.personas.sample != "rows" and plan.personas.population is None:
        yield source.problem("plan.sample_alone", ("personas", "sample"))


def levels(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield levels that are given twice, and kinds of finding that are unknown."""
    for name, part in plan.personas.attributes.items():
        key = ("personas", "attributes", name)
        seen: list[Level] = [] if part.reference is None else [part.reference]
        for place, level in enumerate(part.levels):
            # 1 and true are equal in Python, 1 and "1" in print: neither pair can be told apart
            if level in seen or level_text(level) in map(level_text, seen):
                where = (*key, "levels", place)
                yield source.problem("plan.level_twice", where, level=shown(level))
            seen.append(level)
        known = [level_text(level) for level in levels_of(part)]
        for label in part.level_labels:
            if label not in known:
                yield _no_level(source, (*key, "level_labels", label), label, known)
        if part.kind is not None and part.kind not in KINDS:
            yield source.problem(
                "plan.one_of",
                (*key, "kind"),
                choices=listed(KINDS),
                got=shown(part.kind),
                near=near(part.kind, KINDS),
            )


def _no_level(source: Source, key: Key, level: str, known: Sequence[str]) -> Problem:
    return source.problem(
        "plan.no_level", key, level=shown(level), known=listed(known), near=near(level, known)
    )


def cues(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield cues that do not show every level, all through the same fields."""
    for name, part in plan.personas.attributes.items():
        wanted = [level_text(level) for level in levels_of(part)]
        for cue, shows in part.cues.items():
            key: Key = ("personas", "attributes", name, "cues", cue)
            for level in wanted:
                if level not in shows:
                    yield source.problem("plan.cue_level", key, cue=cue, level=shown(level))
            for level in shows:
                if level not in wanted:
                    yield _no_level(source, (*key, level), level, wanted)
            fields = [frozenset(visible) for visible in shows.values()]
            if not all(fields) or len(set(fields)) > 1:
                yield source.problem("plan.cue_fields", key, cue=cue)


def positive(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield a positive control that does not move a condition between two of its levels."""
    control = plan.controls.positive
    if control is None:
        return
    key = ("controls", "positive")
    attributes = plan.personas.attributes
    lawful = [name for name, part in attributes.items() if part.role == "condition"]
    if control.attribute not in lawful:
        yield source.problem(
            "plan.positive_condition",
            (*key, "attribute"),
            got=shown(control.attribute),
            known=listed(lawful),
            near=near(control.attribute, lawful),
        )
        return
    given = attributes[control.attribute].levels
    known = [level_text(level) for level in given]
    ends = {"from": control.from_, "to": control.to}
    for name, level in ends.items():
        if level not in given:
            yield source.problem(
                "plan.positive_level",
                (*key, name),
                got=shown(level),
                known=listed(known),
                near=near(level_text(level), known),
            )
    if level_text(control.from_) == level_text(control.to):
        yield source.problem("plan.positive_same", (*key, "to"))
    if control.expect != "different" and not (_answered(plan, "final") or _answered(plan, "list")):
        yield source.problem("plan.positive_expect", (*key, "expect"), got=control.expect)


def money(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield prices without terms, and units that their currency does not have."""
    terms = plan.target.money
    if terms is None:
        asked = [probe.use for probe in plan.probes if _reads_prices(probe.use)]
        if asked:
            yield source.problem("plan.no_money", ("target", "money"), probe=asked[0])
        return
    known = units(terms.currency)
    if terms.unit not in known:
        yield source.problem(
            "plan.money_unit",
            ("target", "money", "unit"),
            got=shown(terms.unit),
            currency=terms.currency,
            known=listed(known),
            near=near(terms.unit, known),
        )


def outcomes(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield what a probe does not read, and what the target does not answer if no probe is left.

    A probe that the target cannot serve is not testable, and the rest runs.
    """
    unanswered: list[Problem] = []
    for number, probe in enumerate(plan.probes):
        if not _asks_price(probe.use):
            continue
        offered = registry.card(probe.use).outcomes
        if probe.outcome not in offered:
            yield source.problem(
                "plan.one_of",
                ("probes", number, "outcome"),
                choices=listed(offered),
                got=shown(probe.outcome),
                near=near(probe.outcome, offered),
            )
        elif not _answered(plan, probe.outcome):
            place = ("target", "response", probe.outcome)
            unanswered.append(
                source.problem("plan.no_outcome", place, probe=probe.use, outcome=probe.outcome)
            )
    if len(unanswered) == len(plan.probes):
        yield from unanswered


def _answered(plan: Plan, outcome: str) -> bool:
    response = plan.target.response
    if response is None:
        return outcome == "final" and not isinstance(plan.target, HttpTarget)
    return getattr(response, outcome, None) is not None


def settings(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield limits and options that a probe does not have."""
    for number, probe in enumerate(plan.probes):
        if probe.use not in registry.names():
            continue
        key, card = ("probes", number), registry.card(probe.use)
        for name in probe.options:
            if name not in card.options:
                yield source.problem(
                    "plan.unknown_key",
                    (*key, "options", name),
                    known=listed(card.options),
                    near=near(name, card.options),
                )
        if probe.tolerance is not None:
            yield from _limits(probe.tolerance, card, source, (*key, "tolerance"))


def _limits(tolerance: Tolerance, card: Card, source: Source, key: Key) -> Iterator[Problem]:
    kinds = [kind for kind in ("ratio", "difference") if kind in card.tolerance]
    given = [kind for kind in ("ratio", "difference") if getattr(tolerance, kind) is not None]
    if not given:
        yield source.problem("plan.missing", (*key, kinds[0] if kinds else "ratio"))
    for kind in given:
        if kinds and kind not in kinds:
            yield source.problem(
                "plan.unknown_key",
                (*key, kind),
                known=listed(sorted(card.tolerance)),
                near=near("", ()),
            )
    if len(given) > 1:
        yield source.problem("plan.two_limits", (*key, given[1]))


def _asks_price(use: str) -> bool:
    return use in registry.names() and "price" in registry.card(use).needs


def _reads_prices(use: str) -> bool:
    """Whether a probe compares prices, which nobody may guess the terms of."""
    if use not in registry.names():
        return False
    card = registry.card(use)
    return not {"price", "final", "list"}.isdisjoint(card.needs | card.outcomes.keys())


def budget(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield a budget that does not pay for the pilot and one block."""
    block = arms(plan)
    needed = 2 * PILOT_PAIRS + block
    if plan.budget.queries < needed:
        yield source.problem(
            "plan.budget_small",
            ("budget", "queries"),
            needed=needed,
            pilot=2 * PILOT_PAIRS,
            block=block,
            got=plan.budget.queries,
        )
    if plan.budget.attempts is not None and plan.budget.attempts < plan.budget.queries:
        yield source.problem(
            "plan.attempts_few",
            ("budget", "attempts"),
            queries=plan.budget.queries,
            got=plan.budget.attempts,
        )


def attempts(plan: Plan) -> int:
    """Return the ceiling on attempts: as declared, else one and a half times the queries."""
    return plan.budget.attempts or math.ceil(1.5 * plan.budget.queries)


RULES: Sequence[Rule] = (
    probes,
    treatments,
    conditions,
    sample,
    levels,
    cues,
    positive,
    money,
    outcomes,
    settings,
    budget,
)
