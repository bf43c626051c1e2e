"""What a plan says of the outside: what requests carry, accounts, the permission, files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import time
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import Problem
from ..probes import registry
from ..probes.protocol import Study
from . import planserved, planwire
from .plan import AttributePart, Plan
from .planhttp import HttpTarget
from .planrules import Rule, attempts
from .planshape import listed, near, shown
from .planwire import (
    askings,
    captures,
    parts_of,
    placeholders,
    templates,
    without_placeholders,
)
from .planyaml import Key, Source

FILES = (".csv", ".tsv", ".txt", ".parquet")
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
TOKEN = re.compile(r"\{(hex|digits|letters):([1-9][0-9]{0,2})\}")
ALPHABETS = {
    "hex": "0123456789abcdef",
    "digits": "0123456789",
    "letters": "abcdefghijklmnopqrstuvwxyz",
}
LONGEST_IDENTITY = 256
_OF_A_TRIAL = ("trial", "step")
CLASHES = 0.05
"""Most clashes of fresh identities that a plan may expect over its whole budget."""

_HOURS = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d) ([A-Za-z0-9_+/-]+)")


def carried(plan: Plan, known: Collection[str] | None = None) -> frozenset[str] | None:
    """Return the fields of personas that the request carries; None: all of them.

    What stands in a column that is not `known` to the model is not carried; None: it knows all.
    """
    if not isinstance(plan.target, HttpTarget) and plan.target.request is None:
        return None
    read = [text for key, text in templates(plan) if _is_read(key, known)]
    names = (name for text in read for name in placeholders(text))
    return frozenset(name[8:] for name in names if name.startswith("persona."))


def _is_read(key: Key, known: Collection[str] | None) -> bool:
    return known is None or key[:2] != ("target", "request") or key[2] in known


def visible(part: AttributePart, name: str) -> frozenset[str]:
    """Return the fields in which an attribute is seen."""
    shows = [frozenset(fields) for cue in part.cues.values() for fields in cue.values()]
    return frozenset().union(*shows) if shows else frozenset({name})


def requests(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield placeholders that stand for nothing that can be known before the tables are read."""
    attributes = plan.personas.attributes.items()
    fields = [field for name, part in attributes for field in sorted(visible(part, name))]
    known = {
        "persona": fields if plan.personas.population is None else None,
        "item": [] if plan.items is None else None,
        "captured": captured(plan),
    }
    for key, text in [*templates(plan), *_login(plan)]:
        bare = without_placeholders(text)
        if "{{" in bare or "}}" in bare:
            yield source.problem("plan.placeholder_open", key, got=shown(text))
        for name in placeholders(text):
            yield from _placeholder(name, known if key[1] != "login" else {}, source, key)
    sent = {key: asking.request for key, asking in askings(plan.target)}
    for key, request in (sent or {("target",): plan.target.request or {}}).items():
        for place in _keys(request, (*key, "request")):
            if "{{" in str(place[-1]):
                yield source.problem("plan.placeholder_in_key", place)


def _login(plan: Plan) -> list[tuple[Key, str]]:
    """Return every string of a login: it knows the identity, and what only an account knows."""
    sent = [part for part in askings(plan.target) if part[0] == ("target", "login")]
    return [leaf for key, asking in sent for leaf in parts_of(asking, key)]


def fields_exist(plan: Plan, study: Study, source: Source) -> Iterator[Problem]:
    """Yield placeholders that no column of the personas or items fills."""
    of_attributes = [
        field for name, part in plan.personas.attributes.items() for field in visible(part, name)
    ]
    columns = [name for name in study.personas.columns if name not in plan.personas.attributes]
    known = {
        "persona": [*of_attributes, *columns],
        "item": list(study.items.columns),
        "captured": captured(plan),
    }
    for key, text in templates(plan):
        for name in placeholders(text):
            yield from _placeholder(name, known, source, key)


def captured(plan: Plan) -> list[str]:
    """Return what the steps of a session capture."""
    return [name for key, name, _ in captures(plan.target) if key[1] == "steps"]


def _placeholder(
    name: str, known: Mapping[str, Sequence[str] | None], source: Source, key: Key
) -> Iterator[Problem]:
    if name == "identity" or (known and name in _OF_A_TRIAL):
        return
    table, dot, field = name.partition(".")
    names = known.get(table, ()) if dot else ()
    if names is None or field in names:
        return
    everything = ["identity", *(_OF_A_TRIAL if known else ())]
    everything += [f"{table}.{field}" for table, fields in known.items() for field in fields or ()]
    yield source.problem(
        "plan.placeholder_unknown",
        key,
        name=shown(name),
        known=listed(everything),
        near=near(name, everything),
    )


def _keys(value: Any, key: Key) -> Iterator[Key]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield (*key, str(name))
            yield from _keys(part, (*key, str(name)))
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            yield from _keys(part, (*key, place))


def identities(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield accounts that cannot be made or found."""
    part, key = plan.identities, ("identities",)
    if part.source == "pool":
        if part.file is None:
            yield source.problem("plan.pool_file", (*key, "file"))
    else:
        for name in ("file", "secrets", "tied", "assigned", "per_identity"):
            if getattr(part, name):
                yield source.problem("plan.fresh_has", (*key, name), name=name)
        yield from _format(plan, source, (*key, "format"))
    attributes = plan.personas.attributes
    for place, name in enumerate(part.tied):
        if name not in attributes:
            yield source.problem(
                "plan.no_attribute",
                (*key, "tied", place),
                name=shown(name),
                known=listed(attributes),
                near=near(name, attributes),
            )
        elif attributes[name].role == "condition":
            yield source.problem("plan.tied_condition", (*key, "tied", place), name=shown(name))
    if part.tied and part.assigned is None:
        yield source.problem("plan.tied_assigned", (*key, "assigned"))


def _format(plan: Plan, source: Source, key: Key) -> Iterator[Problem]:
    pattern, tokens = plan.identities.format, TOKEN.findall(plan.identities.format)
    rest = TOKEN.sub("", pattern)
    length = len(rest) + sum(int(count) for _, count in tokens)
    if "{" in rest or "}" in rest or not tokens or length > LONGEST_IDENTITY:
        yield source.problem("plan.identity_format", key, got=shown(pattern))
        return
    # the birthday problem: n identities, pairs n²/2, each alike with chance 1 over the number of ids
    asked = attempts(plan)
    if asked**2 > 2 * CLASHES * _room(tokens):
        yield source.problem("plan.identity_short", key, got=shown(pattern), asked=asked)


def _room(tokens: Iterable[tuple[str, str]]) -> int:
    room = 1
    for kind, count in tokens:
        room *= len(ALPHABETS[kind]) ** int(count)
    return room


def permission(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield a permission whose dates or hours cannot be meant."""
    part, key = plan.authorisation, ("authorisation",)
    if part is None:
        return
    if part.valid[0] > part.valid[1]:
        yield source.problem("plan.valid_order", (*key, "valid"))
    if part.hours is not None and hours(part.hours) is None:
        yield source.problem("plan.must_hours", (*key, "hours"), got=shown(part.hours))


def schedule(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield hours that cannot be meant."""
    given = plan.schedule.hours
    if given is not None and hours(given) is None:
        yield source.problem("plan.must_hours", ("schedule", "hours"), got=shown(given))


def hours(text: str) -> tuple[time, time, ZoneInfo] | None:
    """Read ``"09:00-18:00 Asia/Shanghai"``; None where it cannot be read.

    Examples
    --------
    >>> hours("09:00-18:00 Asia/Shanghai")[0]
    datetime.time(9, 0)
    """
    found = _HOURS.fullmatch(text.strip())
    if not found:
        return None
    try:
        return time.fromisoformat(found[1]), time.fromisoformat(found[2]), ZoneInfo(found[3])
    except (ValueError, OSError, KeyError):  # a zone that nobody knows is a KeyError
        return None


def population_kind(name: str) -> str:
    """Return what a population is: ``"file"``, ``"function"`` or ``"shipped"``.

    Examples
    --------
    >>> population_kind("cn-urban"), population_kind("people.csv"), population_kind("my.own:people")
    ('shipped', 'file', 'function')
    """
    if name.lower().endswith(FILES):
        return "file"
    return "function" if FUNCTION.fullmatch(name) else "shipped"


def files(plan: Plan, folder: Path) -> dict[str, tuple[Key, Path]]:
    """Return every file that the plan names: what it is, where it is named, where it is.

    In a run folder, which holds a lock, that is the copy that was made when the run began.
    """
    named: dict[str, tuple[Key, str | None]] = {
        "items": (("items",), plan.items),
        "identities": (("identities", "file"), plan.identities.file),
        "target": (("target", "file"), getattr(plan.target, "file", None)),
        "schema": (("target", "schema"), getattr(plan.target, "schema_", None)),
    }
    if plan.authorisation is not None:
        named["authorisation"] = (("authorisation", "file"), plan.authorisation.file)
    population = plan.personas.population
    if population is not None and population_kind(population) == "file":
        named["population"] = (("personas", "population"), population)
    where = kept if (folder / "plan.lock.json").is_file() else _beside
    return {
        name: (key, where(folder, name, path))
        for name, (key, path) in named.items()
        if path is not None
    }


def kept(folder: Path, name: str, path: str | Path) -> Path:
    """Return where a run folder keeps its copy of a file that the plan names.

    Examples
    --------
    >>> kept(Path("runs/x"), "items", "../rides.csv").as_posix()
    'runs/x/inputs/items.csv'
    """
    return folder / "inputs" / f"{name}{Path(path).suffix}"


def _beside(folder: Path, _: str, path: str) -> Path:
    return folder / path


def missing_files(folder: Path, plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield files that are not there."""
    for key, path in files(plan, folder).values():
        try:
            there = path.is_file()
        except (OSError, ValueError):  # a name that no file can have
            there = False
        if not there:
            yield source.problem("plan.no_file", key, path=shown(_short(path, folder)))


def _short(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def rules(folder: Path) -> Sequence[Rule]:
    """Return the rules of this module for a plan that stands in `folder`."""
    checks: list[Callable[[Plan, Source], Iterator[Problem]]] = [
        *planwire.RULES,
        *planserved.RULES,
        requests,
        identities,
        permission,
        schedule,
        partial(missing_files, folder),
    ]
    return checks


def _judges_sizes(use: str) -> bool:
    return use in registry.names() and bool(registry.card(use).tolerance)


def warnings(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield what does not stop an audit but limits what it can say."""
    if plan.controls.positive is None:
        yield source.problem("plan.warn_no_positive", ("controls", "positive"))
    for number, probe in enumerate(plan.probes):
        if probe.tolerance is None and _judges_sizes(probe.use):
            where = ("probes", number, "tolerance")
            yield source.problem("plan.warn_no_tolerance", where, probe=probe.use)
    sent = carried(plan)
    if sent is None:
        return
    for name, part in plan.personas.attributes.items():
        key: Key = ("personas", "attributes", name)
        hidden = [cue for cue, shows in part.cues.items() if not _shows(shows, sent)]
        if not part.cues and name not in sent:
            yield source.problem("plan.warn_not_carried", key, name=name)
        for cue in hidden:
            yield source.problem("plan.warn_cue_not_carried", (*key, "cues", cue), cue=cue)


def _shows(shows: Mapping[str, Mapping[str, Any]], sent: frozenset[str]) -> bool:
    return any(field in sent for fields in shows.values() for field in fields)
