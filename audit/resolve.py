"""From a plan to what it fixes: the frame of personas and items, the attributes, the money."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from ..datasets import populations
from ..datasets.frames import Frame, read_table, texts_as_texts, weighted
from ..datasets.items import ID, read_items, with_ids
from ..datasets.personas import TREATMENTS, Attribute, Level, Role, Table
from ..datasets.populations.likeness import alike
from ..errors import MissingExtraError, PlanError, Problem, UsageError
from ..probes.protocol import Money, Study
from . import planrequest, planrules, planserved
from .plan import AttributePart, Plan, responses_of, steps_of
from .planfile import LoadedPlan
from .planmachines import TableTarget
from .planparts import Text
from .planrules import level_text
from .planshape import listed, near, shown
from .planyaml import Key
from .target.outcomes import OUTCOMES, Kind
from .target.read import outcome_paths
from .target.schemas import Schema

KIND_BY_ROLE: Mapping[Role, str] = {
    "ability_to_pay": "price.ability_to_pay",
    "preference": "price.preference",
    "habit": "price.preference",
    "protected": "price.protected_group",
    "private": "privacy.excess",
    "condition": "",
}
"""What a difference by an attribute would be, unless the plan says ``kind:``."""


def resolve(loaded: LoadedPlan) -> Study:
    """Open what a plan names and return what it fixes.

    Parameters
    ----------
    loaded : LoadedPlan

    Returns
    -------
    Study
        Attributes in the order of the plan; weights sum to 1.

    Raises
    ------
    PlanError
        If a file cannot be read, or does not fit the plan; all mistakes at once.
    MissingExtraError
        If a population or a table needs a part that is not installed.
    """
    plan, problems = loaded.plan, list[Problem]()
    personas = _opened(loaded, ("personas", "population"), _personas, problems)
    items = _opened(loaded, ("items",), _items, problems)
    identities = _opened(loaded, ("identities", "file"), _identities, problems)
    if not (personas and items and identities):
        raise PlanError(problems)
    schema = _schema(loaded, problems)
    attributes = {name: _attribute(name, part) for name, part in plan.personas.attributes.items()}
    study = Study(
        personas=personas.table,
        persona_weights=personas.weights,
        items=items.table,
        item_weights=items.weights,
        identities=identities.table,
        attributes=attributes,
        carried=_carried(plan, schema, attributes, personas.table),
        tied=plan.identities.tied,
        assigned=plan.identities.assigned,
        outcomes=_outcomes(plan),
        money=_money(plan),
        steps=steps_of(plan.target),
        recorded=isinstance(plan.target, TableTarget),
    )
    problems += planrequest.fields_exist(plan, study, loaded.source)
    problems += planserved.misfits(plan, schema or {}, loaded.source)
    problems += planserved.untrusted(plan, loaded.digest_inputs, loaded.source)
    problems += _columns(loaded, study)
    problems += _accounts(loaded, study)
    if problems:
        raise PlanError(sorted(problems, key=lambda problem: problem.line))
    return study


def _opened(
    loaded: LoadedPlan, key: Key, opener: Callable[[LoadedPlan], Frame], problems: list[Problem]
) -> Frame | None:
    try:
        return opener(loaded)
    except MissingExtraError:
        raise
    except UsageError as error:
        problems.append(loaded.problem(error.message_id, key, **error.values))
        return None


def _personas(loaded: LoadedPlan) -> Frame:
    plan = loaded.plan
    name = plan.personas.population
    if name is None:
        # one row, so that a draw has something to draw: everybody is at the reference
        columns = {
            key: np.array([part.reference])
            for key, part in plan.personas.attributes.items()
            if part.role in TREATMENTS and part.reference is not None
        }
        return Frame(Table(columns), np.ones(1))
    frame = weighted(_population(name, loaded.digest_inputs.get("population")), name)
    if plan.personas.sample == "rows":
        return frame
    return alike(frame, np.random.default_rng([plan.seed, len(frame.table)]))


def _population(name: str, file: Path | None) -> Table:
    kind = planrequest.population_kind(name)
    if file is not None:
        table = read_table(file)
    elif kind == "function":
        table = _called(name)
    else:
        table = populations.load(name)
    if len(table) == 0:
        raise UsageError("tables.empty", path=name)
    return texts_as_texts(table)


def _called(name: str) -> Table:
    module, _, function = name.partition(":")
    try:
        made = importlib.import_module(module)
        for part in function.split("."):
            made = getattr(made, part)
    except Exception as error:  # importing runs whatever the module holds
        raise UsageError("plan.no_function", name=name, error=shown(repr(error))) from error
    try:
        result = made() if callable(made) else made
        return result if isinstance(result, Table) else Table.from_frame(result)
    except Exception as error:
        # somebody else's code: whatever it raises is a mistake at this line of the plan
        raise UsageError("plan.no_table", name=name, error=shown(repr(error))) from error


def _items(loaded: LoadedPlan) -> Frame:
    path = loaded.digest_inputs.get("items")
    return Frame(Table(), np.zeros(0)) if path is None else read_items(path)


def _identities(loaded: LoadedPlan) -> Frame:
    path = loaded.digest_inputs.get("identities")
    if path is None:
        return Frame(Table(), np.zeros(0))
    table = with_ids(read_table(path), path.name)
    # an id is a name, also where it is made of digits
    columns = {**table.columns, ID: table.columns[ID].astype(np.str_)}
    return Frame(Table(columns), np.full(len(table), 1 / len(table)))


def _attribute(name: str, part: AttributePart) -> Attribute:
    levels = planrules.levels_of(part)
    return Attribute(
        name=name,
        role=part.role,
        levels=levels,
        cues={
            cue: tuple(dict(shows[level_text(level)]) for level in levels)
            for cue, shows in part.cues.items()
        },
        unit=part.unit,
        kind=part.kind or KIND_BY_ROLE[part.role],
        because=_both(part.because),
        label=_both(part.label),
        question=_both(part.question),
        decides=part.decides,
        level_labels={
            level: {"zh": text.zh, "en": text.en} for level, text in part.level_labels.items()
        },
    )


def _both(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"zh": text.zh, "en": text.en}


def _schema(loaded: LoadedPlan, problems: list[Problem]) -> Schema | None:
    try:
        return planserved.schema_of(loaded.digest_inputs)
    except UsageError as error:
        problems.append(loaded.problem(error.message_id, ("target", "schema"), **error.values))
        return None


def _carried(
    plan: Plan, schema: Schema | None, attributes: Mapping[str, Attribute], personas: Table
) -> frozenset[str]:
    sent = planrequest.carried(plan, schema)
    if sent is not None:
        return sent
    fields = {
        field
        for name, part in plan.personas.attributes.items()
        for field in planrequest.visible(part, name)
    }
    return frozenset(fields | {name for name in personas.columns if name not in attributes})


KINDS: Mapping[Kind, str] = {
    "price": "price",
    "amount": "amount",
    "number": "number",
    "flag": "flag",
    "labels": "list",
    "prices": "list",
}
"""Kind of a value → how a study names it."""


def _outcomes(plan: Plan) -> dict[str, str]:
    responses = responses_of(plan.target)
    if not responses:
        return {"final": "price"}
    found = {name: KINDS[OUTCOMES[name]] for one in responses for name in outcome_paths(one)}
    return {**found, "refused": "flag"} if any(one.refuses for one in responses) else found


def _money(plan: Plan) -> Money | None:
    terms = plan.target.money
    if terms is None:
        return None
    return Money(
        currency=terms.currency,
        unit=terms.unit,
        per=terms.per,
        includes=terms.includes,
        minor=planrules.units(terms.currency)[terms.unit],
    )


def _columns(loaded: LoadedPlan, study: Study) -> list[Problem]:
    """Return what the population should bring and does not."""
    problems: list[Problem] = []
    columns = study.personas.columns
    for name, attribute in study.attributes.items():
        key: Key = ("personas", "attributes", name)
        if name not in columns:
            if not attribute.levels:
                known = listed(columns)
                message = loaded.problem(
                    "plan.no_column", key, name=shown(name), known=known, near=near(name, columns)
                )
                problems.append(message)
            continue
        if attribute.cues:
            stranger = _stranger(columns[name].tolist(), attribute.levels)
            if stranger is not None:
                problems.append(
                    loaded.problem(
                        "plan.no_cue_for", (*key, "cues"), name=name, level=shown(stranger)
                    )
                )
    return problems


def _accounts(loaded: LoadedPlan, study: Study) -> list[Problem]:
    """Return tied attributes that the accounts do not bring, or bring at unknown levels."""
    problems: list[Problem] = []
    for place, name in enumerate(loaded.plan.identities.tied):
        key: Key = ("identities", "tied", place)
        columns = study.identities.columns
        if name not in columns:
            problems.append(
                loaded.problem(
                    "plan.tied_column",
                    key,
                    name=shown(name),
                    known=listed(columns),
                    near=near(name, columns),
                )
            )
            continue
        levels = study.attributes[name].levels
        stranger = _stranger(columns[name].tolist(), levels) if levels else None
        if stranger is not None:
            known = listed(level_text(level) for level in levels)
            problems.append(
                loaded.problem(
                    "plan.tied_level", key, name=name, level=shown(stranger), known=known
                )
            )
    return problems


def _stranger(values: list[Level], levels: tuple[Level, ...]) -> Level | None:
    known = {level_text(level) for level in levels}
    return next((value for value in values if level_text(value) not in known), None)
