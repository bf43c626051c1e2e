"""What a plan says of machines: one address for a batch, flat tables, and what a model says it takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..datasets.personas import Level
from ..errors import Problem, UsageError
from .plan import Plan
from .planmachines import PickleTarget, ServedTarget, Tabular
from .planrules import Rule, levels_of
from .planshape import listed, near, shown
from .planwire import leaves, placeholders
from .planyaml import Key, Source
from .target.schemas import LARGEST, Schema, Taken, read_schema

_REQUEST: Key = ("target", "request")


def varying(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield placeholders in an address or a header: a batch has one of each."""
    if not isinstance(plan.target, ServedTarget):
        return
    for name in ("url", "headers"):
        for key, text in leaves(getattr(plan.target, name), ("target", name)):
            if placeholders(text):
                yield source.problem("serving.varies", key)


def nested(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield columns that would have columns of their own."""
    if isinstance(plan.target, Tabular):
        for name, value in plan.target.request.items():
            if isinstance(value, Mapping | list | tuple):
                yield source.problem("serving.nested", (*_REQUEST, name), name=shown(name))


RULES: Sequence[Rule] = (varying, nested)


def schema_of(files: Mapping[str, Path]) -> Schema | None:
    """Return what the model says that it takes; None where the plan names no such file.

    Raises
    ------
    UsageError
        If the file cannot be read, or is none of the forms that are known.
    """
    path = files.get("schema")
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        raise UsageError("tables.cannot_open", path=path.name) from None
    return read_schema(data, path.name)


def untrusted(plan: Plan, files: Mapping[str, Path], source: Source) -> Iterator[Problem]:
    """Yield a model file that is a program, and not the one that the plan trusts."""
    if isinstance(plan.target, PickleTarget):
        with files["target"].open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != plan.target.trust.sha256:
            place = ("target", "trust", "sha256")
            yield source.problem("serving.other_file", place, path=plan.target.file, sha256=found)


def warnings(plan: Plan, files: Mapping[str, Path], source: Source) -> Iterator[Problem]:
    """Yield columns that the model does not know, and a server of which nobody knows what it takes."""
    schema = schema_of(files)
    if schema is not None:
        for name in plan.target.request or {}:
            if name not in schema:
                known = listed(schema)
                place = (*_REQUEST, name)
                yield source.problem("serving.not_in_schema", place, name=shown(name), known=known)
    elif isinstance(plan.target, ServedTarget):
        yield source.problem("serving.no_schema", ("target", "schema"))


def misfits(plan: Plan, schema: Schema, source: Source) -> Iterator[Problem]:
    """Yield what a model says it takes and the plan does not send as such.

    A column that must be there and is not, a fraction where whole numbers are taken (servers cut it
    off without a word), and a value that the model has never seen.
    """
    sent = plan.target.request or {}
    for name, taken in schema.items():
        if taken.required and name not in sent:
            yield source.problem("serving.missing_column", _REQUEST, name=shown(name))
    for name, text in sent.items():
        if name in schema:
            for key, level in _levels(plan, text):
                message_id = _misfit(level, schema[name])
                if message_id:
                    yield source.problem(message_id, key, **_told(name, level, schema[name]))


def _levels(plan: Plan, text: Any) -> Iterator[tuple[Key, Level]]:
    """Yield the levels that reach a column through one whole placeholder, and where they stand."""
    found = placeholders(text) if isinstance(text, str) else []
    if len(found) != 1 or not found[0].startswith("persona."):
        return
    name = found[0].removeprefix("persona.")
    part = plan.personas.attributes.get(name)
    if part is not None and not part.cues:
        for level in levels_of(part):
            yield ("personas", "attributes", name), level


def _misfit(level: Level, taken: Taken) -> str | None:
    if taken.values and level not in taken.values:
        return "serving.unknown_value"
    if taken.kind == "integer" and isinstance(level, float) and not level.is_integer():
        return "serving.cast"
    if taken.kind in {"integer", "number"} and isinstance(level, str):
        return "serving.not_a_number"
    return None


def _told(name: str, level: Level, taken: Taken) -> dict[str, Any]:
    found = {"name": shown(name), "level": shown(level)}
    if not taken.values:
        return found
    return {
        **found,
        "known": listed(taken.values),
        "near": near(str(level), map(str, taken.values)),
    }
