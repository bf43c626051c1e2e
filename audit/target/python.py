"""A function of this process, or an object with `predict`: asked in batches where it takes a table."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson

from ...errors import MissingExtraError, TargetError, UsageError
from ...probes.design import ANSWERED, FAILED, Wave
from ...probes.protocol import Study
from ..plan import PythonTarget as PythonSpec
from ..planparts import Response
from .batch import Columns, Questions, flat
from .columns import pack, unpack
from .protocol import FRESH, Answers, Effect, Past, Reply, Request
from .read import Reader, require_outcome
from .render import Identities, Template, plain, visible

Library = Literal["mapping", "pandas", "polars", "pyarrow"]
"""What a table can be given as."""

BATCH = 16_384
_REASON_CHARACTERS = 300
_HARMLESS: Effect = "none"
_DONE = np.array([ANSWERED], dtype=np.int8)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class PythonTarget:
    """Asks a Python callable.

    With `table` it is given columns (a mapping of name → array) for a batch of trials and returns an
    array of prices, a mapping of outcome → array, or a data frame. Without, it is given one mapping
    a trial and returns a price or a mapping. An object with ``predict`` is given a data frame.
    The rows of a batch are put in an order that only the holder of `key` knows.

    Parameters
    ----------
    spec : PythonTarget of the plan
    study : Study
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key.
    offline : bool
        Read stored replies only: the function is not imported.
    model : callable, optional
        What is asked in place of what `spec.function` names, for a model that lives in this
        process. It is given a mapping of columns, or one mapping a trial.

    Raises
    ------
    TargetError
        If there is no such function.
    UsageError
        If the template cannot be compiled.
    """

    def __init__(
        self,
        spec: PythonSpec,
        study: Study,
        *,
        identities: Identities,
        key: bytes,
        offline: bool = False,
        model: Callable[[Any], Any] | None = None,
    ) -> None:
        self._identities = identities
        self._key = key
        self._table = spec.table
        self._route = f"python:{spec.function}"
        self._response = spec.response or Response(
            final="$.final", list="$.list" if "list" in study.outcomes else None
        )
        self._reader = Reader(self._response, study.money)
        require_outcome([self._reader])
        self._steps = len(study.steps)
        self._declared = spec.response is not None
        request = spec.request if spec.request is not None else everything(study)
        self._questions = Questions(request if spec.table else {}, identities=identities, key=key)
        self._columns = Columns(self._response, study.money)
        self._template = Template.json(request)
        self._ask = None if offline else _asked(spec, model)
        self._executor: ThreadPoolExecutor | None = None

    @property
    def batch(self) -> int:
        """Most trials in one call."""
        return BATCH if self._table else 1

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the table, or the one mapping, that the function is given. Pure."""
        return self._made(study, wave, number, rows, FRESH)

    def render_step(self, study: Study, wave: Wave, number: int, place: int, past: Past) -> Request:
        """Return what the function is given at one step of a session. Pure."""
        return self._made(study, wave, number, slice(place, place + 1), past)

    def render_release(self, *_: object) -> None:
        """Return nothing: a function holds nothing."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each step does: nothing that would have to be undone."""
        return (_HARMLESS,) * self._steps

    def _made(self, study: Study, wave: Wave, number: int, rows: slice, past: Past) -> Request:
        body = (
            pack(self._questions.table(study, wave, number, rows, past))
            if self._table
            else self._one(study, wave, number, rows, past)
        )
        return Request(
            wave=number,
            first=rows.start,
            count=rows.stop - rows.start,
            body=body,
            route=self._route,
            step=int(wave.step[rows.start]),
        )

    def _one(self, study: Study, wave: Wave, number: int, rows: slice, past: Past) -> bytes:
        columns = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=self._template.fields,
            past=past,
        )
        return self._template.fill(columns, 1)[0]

    async def send(self, request: Request) -> Reply:
        """Call the function, once, beside the event loop."""
        if self._ask is None:
            raise UsageError("target.offline")
        if self._executor is None:
            # one thread: a vendor's function need not be safe to call twice at once
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="evenhand-target")
        at, started = time.time(), time.perf_counter()
        work = self._called if self._table else self._called_once
        body, error = await asyncio.get_running_loop().run_in_executor(
            self._executor, work, self._ask, request
        )
        return Reply(body=body, at=at, seconds=time.perf_counter() - started, error=error)

    def _called(self, ask: Callable[[Any], Any], request: Request) -> tuple[bytes, str | None]:
        try:
            result = ask(unpack(request.body))
            return pack(self._columns.given(tabular(result))), None
        except (Exception, SystemExit) as problem:  # noqa: BLE001  whatever a stranger's code may do
            return complaint(problem), "network"

    def _called_once(self, ask: Callable[[Any], Any], request: Request) -> tuple[bytes, str | None]:
        try:
            result = ask(orjson.loads(request.body))
            if not self._declared and not isinstance(result, Mapping):
                result = {"final": result}
            return orjson.dumps(result, default=jsonable, option=orjson.OPT_NON_STR_KEYS), None
        except (Exception, SystemExit) as problem:  # noqa: BLE001  whatever a stranger's code may do
            return complaint(problem), "network"

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the function answered, in the order of the wave. Pure.

        Before the last step of a session a function may answer nothing.
        """
        said = self._said(request, reply)
        quiet = request.count == 1 and request.step < self._steps - 1 and reply.error is None
        if quiet and said.kind[0] == FAILED:
            return replace(said, kind=_DONE, reason=np.zeros(1, dtype=np.int8), retry=False)
        return said

    def _said(self, request: Request, reply: Reply) -> Answers:
        if not self._table:
            status = reply.status or 200
            return self._reader.answers(
                Reply(status=status, body=reply.body, at=reply.at, error=reply.error)
            )
        if reply.error is not None:
            return self._columns.failed(request.count, reply.error)
        try:
            columns = unpack(reply.body)
        except (ValueError, TypeError):
            return self._columns.failed(request.count, "format")
        order = self._questions.order(request.wave, request.first, request.count)
        return self._columns.answers(columns, order)

    async def close(self) -> None:
        """Let go of the thread."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def everything(study: Study) -> dict[str, str]:
    """Return the request of a plan that gives none: every field of the persona and of the items."""
    fields: dict[str, str] = {}
    for attribute in study.attributes.values():
        shown = attribute.cues.values() if attribute.cues else [[{attribute.name: ""}]]
        for levels in shown:
            fields |= {name: f"{{{{persona.{name}}}}}" for level in levels for name in level}
    for name in study.personas.columns:
        if name not in study.attributes:
            fields.setdefault(name, f"{{{{persona.{name}}}}}")
    clash = sorted(set(fields) & set(study.items.columns))
    if clash:
        raise UsageError("target.column_clash", columns=", ".join(clash))
    walked = {name: f"{{{{{name}}}}}" for name in ("identity", "step")}
    fields |= walked if len(study.steps) > 1 else {}
    return fields | {name: f"{{{{item.{name}}}}}" for name in study.items.columns}


def _asked(spec: PythonSpec, model: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    if model is not None:
        return model
    return callable_of(spec.function, table=spec.table, frame=spec.frame)


def callable_of(
    function: str, *, table: bool, frame: Library | None = None
) -> Callable[[Any], Any]:
    """Return the callable that ``"module:name"`` points to.

    A module that is not installed is looked for in the working directory, as ``python`` does.

    Raises
    ------
    TargetError
        If it cannot be imported, or is neither a function nor an object with ``predict``.

    Examples
    --------
    >>> callable_of("math:sqrt", table=False)(4.0)
    2.0
    """
    module, _, path = function.partition(":")
    try:
        _reach(module.partition(".")[0])
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception as problem:  # an import runs whatever the module holds
        told = complaint(problem).decode()
        raise TargetError("target.no_function", function=function, problem=told) from problem
    return as_callable(found, function, table=table, frame=frame)


def _reach(package: str) -> None:
    """Let a package of the working directory be found; last, so that it hides nothing installed."""
    here = str(Path.cwd())
    known = package in sys.modules or importlib.util.find_spec(package) is not None
    if not known and here not in sys.path:
        sys.path.append(here)


def as_callable(
    found: Any, name: str, *, table: bool, frame: Library | None = None
) -> Callable[[Any], Any]:
    """Return what asks a function, or an object with ``predict``.

    Parameters
    ----------
    found : object
    name : str
        What messages call it.
    table : bool
        Whether it takes a table; else it is given one mapping a trial.
    frame : {"mapping", "pandas", "polars", "pyarrow"}, optional
        What a table is given as. By default pandas for what has ``predict``, else a mapping.

    Raises
    ------
    TargetError
        If it is neither.
    """
    predict = getattr(found, "predict", None)
    if callable(predict) and not isinstance(found, type):
        return _predictor(predict, table=table, frame=frame or "pandas")
    if not callable(found):
        raise TargetError("target.not_callable", function=name)
    call: Callable[[Any], Any] = found
    if not table or frame in {None, "mapping"}:
        return call
    return lambda columns: call(frame_of(columns, frame or "mapping"))


def frame_of(columns: Mapping[str, Any], library: Library) -> Any:
    """Return columns as a data frame of `library`; ``"mapping"`` leaves them as they are.

    Examples
    --------
    >>> frame_of({"age": np.array([30, 40])}, "pandas")["age"].tolist()
    [30, 40]
    """
    if library == "mapping":
        return columns
    if library == "pandas":
        import pandas as pd

        return pd.DataFrame(dict(columns))
    import narwhals as nw

    try:
        return nw.from_dict(dict(columns), backend=library).to_native()
    except ImportError:
        raise MissingExtraError("target.no_frame_library", library=library) from None


def _predictor(
    predict: Callable[[Any], Any], *, table: bool, frame: Library
) -> Callable[[Any], Any]:
    def ask(columns: Mapping[str, Any]) -> Any:
        if table:
            return predict(frame_of(columns, frame))
        rows = {name: [value] for name, value in columns.items()}
        (one,) = np.asarray(predict(frame_of(rows, frame))).ravel().tolist()
        return one

    return ask


def tabular(result: Any) -> Any:
    """Return a data frame as a mapping of columns, a series as an array, anything else flat."""
    if isinstance(result, Mapping):
        return result
    if not isinstance(result, np.ndarray | list | tuple):
        import narwhals as nw

        native = nw.from_native(result, pass_through=True, allow_series=True)
        if isinstance(native, nw.DataFrame):
            return {name: native[name].to_numpy() for name in native.columns}
        result = native.to_numpy() if isinstance(native, nw.Series) else result
    return flat(result)


def jsonable(value: Any) -> Any:
    """Return numpy values and arrays as plain Python, for JSON."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return plain(value)
    raise TypeError(type(value).__name__)


def complaint(problem: BaseException) -> bytes:
    """Return what went wrong in a stranger's code, bounded and on one line."""
    text = _CONTROL.sub(" ", f"{type(problem).__name__}: {problem}")
    return text[:_REASON_CHARACTERS].encode("utf-8", "replace")
