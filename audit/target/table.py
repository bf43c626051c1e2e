"""A recorded log, asked as if it were a vendor: it answers what it holds, each row once.

A row that was given is spent: a log says nothing new when it is read twice, and a trial that finds
no row of its own left is failed as *not held*. Nobody drew lots when the log was written, so what is
read from it shows a dependence at most.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.logs import Log, cell_keys, open_log
from ...errors import UsageError
from ...probes.design import FAILED, REASONS, Column, Wave
from ...probes.protocol import Study
from ..planmachines import TableTarget as TableSpec
from .batch import ONE, Columns, Questions
from .columns import pack, unpack
from .outcomes import objects
from .protocol import Answers, Reply, Request
from .render import Identities

ROW = "row of the log"
"""The column of a reply that says which rows answered: −1 where none was left."""

_BATCH = 16_384
_NOT_HELD = REASONS.index("not-held")


class TableTarget:
    """Asks a log.

    Parameters
    ----------
    spec : TableTarget of the plan
    study : Study
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key: it orders the rows that would do alike.
    file : Path, optional
        Where the log is; not needed to read what is on file.
    offline : bool
        Read stored replies only: the log is not opened.

    Raises
    ------
    InputError
        If the log cannot be read, or lacks a column that the plan names.
    MissingExtraError
        If it takes a part that is not installed.
    """

    batch = _BATCH

    def __init__(
        self,
        spec: TableSpec,
        study: Study,
        *,
        identities: Identities,
        key: bytes,
        file: Path | None = None,
        offline: bool = False,
    ) -> None:
        self._questions = Questions(spec.request, identities=identities, key=key)
        self._columns = Columns(spec.response or ONE, study.money)
        self._route = f"table:{Path(spec.file).name}"
        self._spent: set[int] = set()
        self._log: Log | None = None
        if not offline:
            self._log = open_log(
                file or Path(spec.file),
                keys=tuple(spec.request),
                values=tuple(sorted(self._columns.wanted)),
                seed=key,
            )

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the table that is looked up. Pure."""
        table = self._questions.table(study, wave, number, rows)
        count = rows.stop - rows.start
        return Request(
            wave=number, first=rows.start, count=count, body=pack(table), route=self._route
        )

    async def send(self, request: Request) -> Reply:
        """Look the rows up, and spend them."""
        if self._log is None:
            raise UsageError("target.offline")
        at, started = time.time(), time.perf_counter()
        rows = self._found(self._log, unpack(request.body))
        values = {name: _taken(column, rows) for name, column in self._log.values.items()}
        body = pack({ROW: rows, **values})
        return Reply(body=body, at=at, seconds=time.perf_counter() - started)

    def _found(self, log: Log, table: Mapping[str, Column]) -> NDArray[np.int64]:
        rows = np.full(len(next(iter(table.values()))), -1, dtype=np.int64)
        for place, cell in enumerate(cell_keys(table)):
            # in turn, so that no row is looked at twice however often its cell is asked
            for row in log.rows(cell):
                if row not in self._spent:
                    rows[place] = row
                    self._spent.add(row)
                    break
        return rows

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the log said, in the order of the wave, and note which rows are spent.

        What it returns depends on the reply alone. A run that goes on reads what is on file before
        it asks again, and so spends no row twice.
        """
        if reply.error is not None:
            return self._columns.failed(request.count, reply.error)
        try:
            columns = unpack(reply.body)
            rows = columns.pop(ROW)
        except (ValueError, TypeError, KeyError):
            return self._columns.failed(request.count, "format")
        self._spent.update(rows[rows >= 0].tolist())
        order = self._questions.order(request.wave, request.first, request.count)
        said = self._columns.answers(columns, order)
        held = np.empty(request.count, dtype=bool)
        held[order] = rows >= 0
        reason = np.where((said.kind == FAILED) & ~held, _NOT_HELD, said.reason).astype(np.int8)
        return replace(said, reason=reason)

    async def close(self) -> None:
        """Let go of the log."""
        self._log = None


def _taken(column: Column, rows: NDArray[np.int64]) -> Column:
    found: list[Any] = [None if row < 0 else column[row] for row in rows.tolist()]
    return objects(one.item() if isinstance(one, np.generic) else one for one in found)
