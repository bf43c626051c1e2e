"""A function of this process, or an object with `predict`: asked in batches where it takes a table."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray

from ...errors import MissingExtraError, TargetError, UsageError
from ...probes.design import ANSWERED, FAILED, REASONS, REFUSED, Column, Wave
from ...probes.protocol import Study
from ..plan import Equals, Response
from ..plan import PythonTarget as PythonSpec
from .columns import pack, unpack
from .outcomes import LISTS, OUTCOMES, column_of, objects, unanswered
from .protocol import Answers, Reply, Request
from .read import Reader, matches, outcome_paths
from .render import Identities, Leaf, Template, plain, visible

Library = Literal["mapping", "pandas", "polars", "pyarrow"]
"""What a table can be given as."""

BATCH = 16_384
_REASON_CHARACTERS = 300
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_COLUMN = re.compile(r"\$(?:\.([^.\[\]*'\"\s]+)|\['([^']+)'\])?")
_FORMAT = REASONS.index("format")


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
        self._study = study
        self._identities = identities
        self._key = key
        self._table = spec.table
        self._route = f"python:{spec.function}"
        self._response = spec.response or Response(
            final="$.final", list="$.list" if "list" in study.outcomes else None
        )
        self._reader = Reader(self._response, study.money)
        self._declared = spec.response is not None
        self._minor = study.money.minor if study.money else 1
        self._request = spec.request if spec.request is not None else everything(study)
        self._leaves = table_leaves(self._request) if spec.table else {}
        self._template = Template.json(self._request)
        self._ask = None if offline else _asked(spec, model)
        self._executor: ThreadPoolExecutor | None = None

    @property
    def batch(self) -> int:
        """Most trials in one call."""
        return BATCH if self._table else 1

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the table, or the one mapping, that the function is given. Pure."""
        columns = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=self._template.fields,
        )
        count = rows.stop - rows.start
        return Request(
            wave=number,
            first=rows.start,
            count=count,
            body=self._packed(columns, number, rows.start, count)
            if self._table
            else self._template.fill(columns, 1)[0],
            route=self._route,
        )

    def _packed(self, columns: Mapping[str, Column], number: int, first: int, count: int) -> bytes:
        order = self._order(number, first, count)
        table = {
            name: leaf.column(columns, count)[order]
            if isinstance(leaf, Leaf)
            else np.full(count, leaf)
            for name, leaf in self._leaves.items()
        }
        return pack(table)

    def _order(self, number: int, first: int, count: int) -> NDArray[np.int64]:
        place = number.to_bytes(8, "little") + first.to_bytes(8, "little")
        digest = hashlib.blake2b(place, digest_size=16, key=self._key[:64], person=b"rows").digest()
        seed = np.frombuffer(digest, dtype="<u8")
        return np.random.Generator(np.random.Philox(key=seed)).permutation(count)

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
            return pack(self._columns(result)), None
        except (Exception, SystemExit) as problem:  # noqa: BLE001  whatever a stranger's code may do
            return complaint(problem), "network"

    def _columns(self, result: Any) -> dict[str, Column]:
        """Return the columns of a result that the plan reads, as they were given."""
        found = tabular(result)
        if not isinstance(found, Mapping):
            return {self._named(self._response.final or "$", "final"): np.asarray(found)}
        wanted = {self._named(path, name) for name, path in self._paths().items()}
        lists = {self._named(path, name) for name, path in self._paths().items() if _is_list(name)}
        return {
            str(name): objects(found[name]) if str(name) in lists else flat(found[name])
            for name in found
            if str(name) in wanted
        }

    def _paths(self) -> dict[str, str]:
        paths = outcome_paths(self._response)
        if self._response.currency:
            paths["currency"] = self._response.currency
        if isinstance(self._response.refused, Equals):
            paths["refused"] = self._response.refused.path
        return paths

    @staticmethod
    def _named(path: str, outcome: str) -> str:
        found = _COLUMN.fullmatch(path)
        return (found[1] or found[2] or outcome) if found else outcome

    def _called_once(self, ask: Callable[[Any], Any], request: Request) -> tuple[bytes, str | None]:
        try:
            result = ask(orjson.loads(request.body))
            if not self._declared and not isinstance(result, Mapping):
                result = {"final": result}
            return orjson.dumps(result, default=jsonable, option=orjson.OPT_NON_STR_KEYS), None
        except (Exception, SystemExit) as problem:  # noqa: BLE001  whatever a stranger's code may do
            return complaint(problem), "network"

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the function answered, in the order of the wave. Pure."""
        if not self._table:
            status = reply.status or 200
            return self._reader.answers(
                Reply(status=status, body=reply.body, at=reply.at, error=reply.error)
            )
        if reply.error is not None:
            return self._failed(request.count, reply.error)
        try:
            columns = unpack(reply.body)
        except (ValueError, TypeError):
            return self._failed(request.count, "format")
        return self._answers(request, columns)

    def _answers(self, request: Request, columns: Mapping[str, Column]) -> Answers:
        count, names = (
            request.count,
            {name: self._named(p, name) for name, p in self._paths().items()},
        )
        outcomes = self._reader.outcomes
        if any(columns.get(names[name], ()).__len__() != count for name in outcomes):
            return self._failed(count, "format")
        back = np.empty(count, dtype=np.int64)
        back[self._order(request.wave, request.first, count)] = np.arange(count)
        read = {
            name: column_of(OUTCOMES[name], columns[names[name]], self._minor) for name in outcomes
        }
        bad = np.logical_or.reduce([unreadable for _, unreadable in read.values()])[back]
        bad |= self._foreign(columns.get(names.get("currency", "")), count)[back]
        refused = self._refused(columns.get(names.get("refused", "")), count)[back]
        kind = np.where(refused, REFUSED, np.where(bad, FAILED, ANSWERED)).astype(np.int8)
        values = {name: column[back] for name, (column, _) in read.items()}
        for name, column in values.items():
            column[kind != ANSWERED] = None if _is_list(name) else np.nan
        reason = np.where(kind == FAILED, _FORMAT, 0).astype(np.int8)
        return Answers(kind=kind, reason=reason, values=values)

    def _foreign(self, said: Column | None, count: int) -> NDArray[np.bool_]:
        money = self._study.money
        if self._response.currency is None or money is None:
            return np.zeros(count, dtype=bool)
        if said is None or len(said) != count:
            return np.ones(count, dtype=bool)
        return np.array([str(one).strip().upper() != money.currency for one in said.tolist()])

    def _refused(self, said: Column | None, count: int) -> NDArray[np.bool_]:
        rule = self._response.refused
        if said is None or len(said) != count or not isinstance(rule, Equals):
            return np.zeros(count, dtype=bool)
        return np.array([matches(rule, value) for value in said.tolist()], dtype=bool)

    def _failed(self, count: int, error: str) -> Answers:
        reason = REASONS.index(error) if error in REASONS else REASONS.index("network")
        return Answers(
            kind=np.full(count, FAILED, dtype=np.int8),
            reason=np.full(count, reason, dtype=np.int8),
            values={name: unanswered(OUTCOMES[name], count) for name in self._reader.outcomes},
            retry=error == "network",
        )

    async def close(self) -> None:
        """Let go of the thread."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


def _is_list(outcome: str) -> bool:
    return OUTCOMES.get(outcome) in LISTS


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
    return fields | {name: f"{{{{item.{name}}}}}" for name in study.items.columns}


def table_leaves(request: Mapping[str, Any]) -> dict[str, Leaf | Any]:
    """Return column → leaf or constant; a table has no columns within columns."""
    out: dict[str, Leaf | Any] = {}
    for name, value in request.items():
        if isinstance(value, Mapping | list | tuple):
            raise UsageError("target.nested_request", key=name)
        leaf = Leaf.parse(value) if isinstance(value, str) else None
        out[name] = leaf if leaf is not None and leaf.fields else value
    return out


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


def flat(result: Any) -> Column:
    """Return an array of one dimension; (n, 1) is one column."""
    column = np.asarray(result)
    return column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column.reshape(-1)  # noqa: PLR2004  a matrix


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
