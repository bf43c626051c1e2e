"""Plan files: read, with every mistake told at once, and written.

A mistake is a :class:`evenhand.errors.Problem`: file, line, key, what it must be, what it got, and
the key that was probably meant, in Chinese and in English.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..errors import PlanError, Problem, UsageError
from . import planrequest, planrules, planshape, planwire, planyaml
from .plan import Plan
from .planyaml import Key, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlan:
    """A plan and where it came from.

    Parameters
    ----------
    plan : Plan
    path : Path
        The file; what it names stands relative to its folder.
    text : str
        The file as it was read.
    digest_inputs : mapping of str to Path
        Every file that the plan names: ``"items"``, ``"population"``, ``"identities"``,
        ``"authorisation"``. Their hashes enter the lock.
    source : Source
        The lines of its keys.
    warnings : tuple of Problem
        What does not stop an audit but limits what it can say.
    """

    plan: Plan
    path: Path
    text: str
    digest_inputs: Mapping[str, Path]
    source: Source
    warnings: tuple[Problem, ...] = field(default=())

    def problem(self, message_id: str, key: Key, /, **values: Any) -> Problem:
        """Return a mistake at `key` of the file."""
        return self.source.problem(message_id, key, **values)


def load(path: Path) -> LoadedPlan:
    """Read a plan file: UTF-8 with or without BOM, or GB18030.

    Raises
    ------
    UsageError
        If there is no such file.
    PlanError
        If the plan has mistakes; it holds all that can be told, in the order of the file.
    """
    try:
        # one byte more than is allowed shows that there is more
        with path.open("rb") as file:
            data = file.read(planyaml.MAX_BYTES + 1)
    except (OSError, ValueError):
        raise UsageError("plan.cannot_open", path=str(path)) from None
    return parse(planyaml.decode(data, path.name), path)


def parse(text: str, path: Path) -> LoadedPlan:
    r"""Read the text of a plan as if it stood at `path`.

    Raises
    ------
    PlanError
        As :func:`load`.

    Examples
    --------
    >>> from evenhand.errors import PlanError
    >>> try:
    ...     parse("evenhand: 1\nsed: 3", Path("plan.yaml"))
    ... except PlanError as error:
    ...     mistake = next(problem for problem in error.problems if problem.line == 2)
    >>> mistake.key, mistake.text("en")[-18:]
    ('sed', 'Did you mean seed?')
    """
    source = planyaml.read(text, path.name)
    if not isinstance(source.value, dict):
        message_id = "plan.empty" if source.value is None else "plan.not_a_plan"
        raise PlanError([source.problem(message_id, ())])
    plan, found = _shaped(source)
    if plan is not None:
        for rule in (*planrules.RULES, *planrequest.rules(path.parent)):
            found += rule(plan, source)
    first = [*source.problems, *planshape.gaps(source.value, source)]
    told = {problem.key for problem in first}
    found = [*first, *(problem for problem in found if problem.key not in told)]
    if plan is None or found:
        raise PlanError(sorted(found, key=lambda problem: problem.line))
    files = planrequest.files(plan, path.parent)
    return LoadedPlan(
        plan=plan,
        path=path,
        text=text,
        digest_inputs={name: where for name, (_, where) in files.items()},
        source=source,
        warnings=tuple(planrequest.warnings(plan, source)),
    )


def _shaped(source: Source) -> tuple[Plan | None, list[Problem]]:
    """Return the plan if it has the right shape, or would have it without its unknown keys."""
    try:
        return Plan.model_validate(source.value), []
    except ValidationError as error:
        found = planshape.problems(error, source)
        repaired = _repaired(source.value, planshape.meanings(error, source))
    try:
        return Plan.model_validate(repaired), found
    except ValidationError:
        return None, found


def _repaired(tree: Any, meanings: Mapping[Key, Key | None]) -> Any:
    """Return the plan with each unknown key called what was probably meant, or left out."""
    tree = copy.deepcopy(tree)
    for key, meant in meanings.items():
        parent = tree
        for part in key[:-1]:
            parent = parent[part]
        value = parent.pop(key[-1])
        if meant is not None:
            parent.setdefault(meant[-1], value)
    return tree


def missing_secrets(plan: Plan, environ: Mapping[str, str]) -> tuple[Problem, ...]:
    """Return a mistake for each environment variable that the requests read and that is not set."""
    return tuple(
        Problem(message_id="plan.secret_missing", values={"name": name}, key=planyaml.dotted(key))
        for name, key in planwire.secret_names(plan).items()
        if not environ.get(name)
    )


def to_yaml(plan: Plan) -> str:
    """Return a plan as the text of a file that reads back as the same plan."""
    data = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    data["target"] = {"kind": plan.target.kind, **data["target"]}
    dumped: str = yaml.dump(
        {"evenhand": plan.evenhand, **data},
        Dumper=_Dumper,
        allow_unicode=True,
        sort_keys=False,
        width=100,
    )
    return dumped


class _Dumper(yaml.SafeDumper):
    """Quotes what this module's reader would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML asks for each value
        return True

    def text(self, data: str) -> yaml.ScalarNode:
        # outside of double quotes a line break, and what YAML takes for one, is folded
        plain = data.isprintable() and planyaml.scalar(data) == data
        style = None if plain else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.text)
