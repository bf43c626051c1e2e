"""Adapters to what is audited. Each is three methods, and only `send` acts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..plan import PythonTarget as PythonSpec
from ..planfield import FieldTarget as FieldSpec
from ..planhttp import HttpTarget as HttpSpec
from ..planmachines import ModelTarget as ModelSpec
from ..planmachines import ServedTarget as ServedSpec
from ..planmachines import TableTarget as TableSpec
from .protocol import Answers, Reply, Request, Target
from .render import Identities, Template

if TYPE_CHECKING:
    from ...probes.protocol import Study

Spec = HttpSpec | PythonSpec | ServedSpec | ModelSpec | TableSpec | FieldSpec


def open_target(
    spec: Spec,
    study: Study,
    *,
    identities: Identities,
    key: bytes,
    offline: bool = False,
    model: Any = None,
    accounts: str | None = None,
    file: Path | None = None,
) -> Target:
    """Return the adapter that a plan asks for.

    Parameters
    ----------
    spec : Target of the plan
    study : Study
    identities : callable
        Number of the wave and rows of its session table → ids for fresh sessions.
    key : bytes
        The lock's key: orders the rows of a batch and makes the ids of trials.
    offline : bool
        Only to read what is on file: no secret is looked up, no function imported.
    model : object, optional
        A model of this process, asked in place of what a python target names.
    accounts : str, optional
        The path of a table of what only accounts know, which is never copied.
    file : Path, optional
        Where the model or the log is that the plan names.

    Raises
    ------
    UsageError
        If a secret is not set, or the request template cannot be compiled.
    TargetError
        If a function cannot be imported, or a model cannot be opened.
    """
    if isinstance(spec, ServedSpec):
        from .serving import ServedTarget

        return ServedTarget(spec, study, identities=identities, key=key, offline=offline)
    if isinstance(spec, ModelSpec):
        from .modelfile import ModelTarget

        return ModelTarget(spec, study, identities=identities, key=key, file=file, offline=offline)
    if isinstance(spec, HttpSpec):
        from .http import HttpTarget

        return HttpTarget(
            spec, study, identities=identities, key=key, offline=offline, accounts=accounts
        )
    if isinstance(spec, TableSpec):
        from .table import TableTarget

        return TableTarget(spec, study, identities=identities, key=key, file=file, offline=offline)
    if isinstance(spec, FieldSpec):
        from .field import FieldTarget

        return FieldTarget(spec, study, identities=identities, key=key)
    from .python import PythonTarget

    return PythonTarget(spec, study, identities=identities, key=key, offline=offline, model=model)


def pace_logins(target: Target, turn: Callable[[], Awaitable[None]]) -> None:
    """Let what a target sends of its own, logins, wait its turn like everything else."""
    logins = getattr(target, "logins", None)
    if logins is not None:
        logins.turn = turn


def address(spec: Spec) -> str:
    """Return where a target is, without its path, query or anything secret.

    Examples
    --------
    >>> address(PythonSpec(kind="python", function="shop.prices:quote"))
    'shop.prices:quote'
    """
    if isinstance(spec, PythonSpec):
        return spec.function
    if isinstance(spec, ModelSpec | TableSpec):
        return Path(spec.file).name
    if isinstance(spec, FieldSpec):
        return spec.app
    from .wire import split_url

    return split_url(spec.url)[0].rpartition("//")[2].rpartition("@")[2]


def carried(spec: Spec) -> frozenset[str] | None:
    """Return the fields that requests carry: ``"persona.age"``, ``"identity"``; None means all.

    Examples
    --------
    >>> carried(PythonSpec(kind="python", function="a:b", request={"x": "{{persona.age}}"}))
    frozenset({'persona.age'})
    """
    if isinstance(spec, PythonSpec):
        return None if spec.request is None else Template.json(spec.request).fields
    if not isinstance(spec, HttpSpec):
        return Template.json(spec.request).fields
    from .http import http_fields

    return http_fields(spec)
