"""The journal: every wave, every call and every answer of a run, on file before anybody acts on it.

The unit is the call: one request, for one trial or a batch. A wave is stored and hashed before its
first call; the intent to call is stored before the call leaves; an answer is seen by nobody before
it is stored. One thread writes, and whoever asks need not wait for the disk.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

import orjson

from ..errors import EvenhandError, EvidenceError, UsageError
from ..probes.design import Wave
from .journalfile import RELEASES, Row, insert, locked, looking, there, told, writing
from .journalread import Call, Opened, Reading
from .target.protocol import Reply

GROUP = 128
"""Most calls whose intent is on file and whose answer is not: what one crash can leave unknown."""

__all__ = ["DELAY", "GROUP", "Call", "Journal", "Opened"]

DELAY = 0.03
"""Seconds that an answer waits for company before it is written."""

_CALL = "INSERT INTO call VALUES "
_ANSWER = "INSERT INTO answer VALUES "

_T = TypeVar("_T")
_Work = Callable[[sqlite3.Connection], Any]


class Journal(Reading):
    """The file of a run. Made by :meth:`create`, :meth:`open` or :meth:`look`.

    Examples
    --------
    >>> import tempfile
    >>> from evenhand.probes.design import codes
    >>> wave = Wave.of_single_trials(item=codes([0]), block=[0], again=[-1], identity=[-1], arm=[0],
    ...     persona=[0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Journal.create(Path(folder) / "journal.sqlite") as journal:
    ...         _ = journal.open_wave(0, "pricing.twins", wave)
    ...         (one,) = journal.intend([Call(0, 0, 1, 1, b"")]).result()
    ...         journal.answer(one, Reply(status=200, body=b"5"))
    ...         journal.flush().result()
    ...         [reply.body for _, reply in journal.replies(0)], journal.unfinished(0, 1)
    ([b'5'], [])
    """

    def __init__(self, path: Path, *, write: bool, max_pages: int | None, patience: float) -> None:
        self.path = path
        self._max_pages = max_pages
        self._patience = patience
        self._lock = locked(path) if write else None
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._answers: deque[Row] = deque()
        self._armed = False
        self._closed = not write
        self._thread: threading.Thread | None = None
        try:
            if write:
                self._start()
            self._eyes = looking(path)
            self._check()
            ((last,),) = self._read("SELECT coalesce(max(id), 0) FROM call")
            self._next = int(last) + 1
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(
        cls, path: str | Path, *, max_pages: int | None = None, patience: float = 5.0
    ) -> Self:
        """Begin a journal.

        Parameters
        ----------
        path : str or Path
        max_pages : int, optional
            Most pages (of 4 KiB) of the file; default: as the disk allows.
        patience : float
            Seconds to wait for another program that holds the file.

        Raises
        ------
        UsageError
            If the file exists.
        PausedError
            If it cannot be written.
        """
        path = Path(path)
        if path.exists():
            raise UsageError("journal.exists", path=str(path))
        return cls(path, write=True, max_pages=max_pages, patience=patience)

    @classmethod
    def open(cls, path: str | Path, *, max_pages: int | None = None, patience: float = 5.0) -> Self:
        """Open a journal to go on with it.

        Raises
        ------
        UsageError
            If there is none, or another run is writing it.
        EvidenceError
            If the file is something else.
        """
        return cls(there(path), write=True, max_pages=max_pages, patience=patience)

    @classmethod
    def look(cls, path: str | Path) -> Self:
        """Open a journal to read it; a run may be writing it meanwhile."""
        return cls(there(path), write=False, max_pages=None, patience=5.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------ writing

    def open_wave(self, number: int, question: str, wave: Wave) -> str:
        """Store a wave, durably, and return its hash. On resume it must be the one on file.

        Raises
        ------
        EvidenceError
            If another wave, or another question, is on file under that number.
        """
        data, sha256 = wave.to_bytes(), wave.sha256()

        def store(connection: sqlite3.Connection) -> None:
            row = connection.execute(
                "SELECT question, sha256, columns FROM wave WHERE n = ?", (number,)
            ).fetchone()
            if row is None:
                connection.execute(
                    "INSERT INTO wave VALUES (?, ?, ?, ?)", (number, question, sha256, data)
                )
            elif row != (question, sha256, data):
                raise EvidenceError("journal.wave_differs", number=number, path=str(self.path))

        self._order(store).result()
        return sha256

    def intend(self, calls: Sequence[Call]) -> Future[list[int]]:
        """Store that these calls are about to leave; the result is their ids.

        None may leave before the future is done. Answers given earlier are written with them.
        """
        ids = list(range(self._next, self._next + len(calls)))
        self._next += len(calls)
        rows = [
            (number, one.wave, one.first, one.count, one.attempt, one.request_sha256)
            for number, one in zip(ids, calls, strict=True)
        ]

        def store(connection: sqlite3.Connection) -> list[int]:
            insert(connection, _CALL, rows)
            return ids

        return self._order(store)

    def answer(self, call: int, reply: Reply) -> None:
        """Hand over the answer to a call; it is on file within :data:`DELAY` and after `flush`."""
        headers = orjson.dumps(dict(reply.headers)).decode() if reply.headers else "{}"
        self._answers.append(
            (call, reply.at, reply.seconds, reply.status, reply.error, headers, reply.body)
        )
        if not self._armed:
            self._armed = True
            self._orders.put(_WAKE)

    def close_out(
        self, wave: int, ranges: Sequence[tuple[int, int]], why: str = "ceiling"
    ) -> Future[None]:
        """Store that trials (first, count) will not be asked, and why."""
        ids = range(self._next, self._next + len(ranges))
        self._next += len(ranges)
        calls = [(one, wave, *where, 0, b"") for one, where in zip(ids, ranges, strict=True)]
        answers = [(one, 0.0, 0.0, 0, why, "{}", b"") for one in ids]

        def store(connection: sqlite3.Connection) -> None:
            insert(connection, _CALL, calls)
            insert(connection, _ANSWER, answers)

        return self._order(store)

    def releasing(self, wave: int, place: int, life: int, sha256: bytes) -> Future[None]:
        """Store that what a trial holds is about to be released, once more where it was before."""

        def store(connection: sqlite3.Connection) -> None:
            connection.execute(RELEASES)
            connection.execute(
                "INSERT INTO release VALUES (?, ?, ?, ?, 1, 0) ON CONFLICT DO UPDATE SET"
                " attempts = attempts + 1",
                (wave, place, life, sha256),
            )

        return self._order(store)

    def released(self, wave: int, place: int, life: int) -> Future[None]:
        """Store that it is released."""
        done = "UPDATE release SET done = 1 WHERE wave = ? AND place = ? AND life = ?"

        def store(connection: sqlite3.Connection) -> None:
            connection.execute(done, (wave, place, life))

        return self._order(store)

    def flush(self) -> Future[None]:
        """Store every answer handed over; the future is done when they are on file."""
        return self._order(_nothing)

    def close(self) -> None:
        """Write what is left and let go of the file."""
        eyes = getattr(self, "_eyes", None)
        if eyes is not None:
            eyes.close()
        if not self._closed:
            self._closed = True
            self._orders.put(_END)
        if self._thread is not None:
            # closed last, so that it folds the write-ahead log into the file
            self._thread.join()
        if self._lock is not None:
            self._lock.close()

    def _order(self, work: Callable[[sqlite3.Connection], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        if self._closed:
            future.set_exception(UsageError("journal.closed", path=str(self.path)))
        else:
            self._orders.put(_Order(work, future))
        return future

    def _start(self) -> None:
        begun: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._write, args=(begun,), name="evenhand-journal", daemon=True
        )
        self._thread.start()
        begun.result()

    def _write(self, begun: Future[None]) -> None:
        """Run in the one thread that writes."""
        try:
            connection = writing(self.path, self._max_pages, self._patience)
        except (sqlite3.Error, EvenhandError) as problem:
            begun.set_exception(told(problem, self.path))
            return
        begun.set_result(None)
        order = None
        while order is not _END:
            order = self._orders.get()
            if order is _WAKE:
                order = self._company()
            self._commit(connection, order)
        connection.close()

    def _company(self) -> _Order:
        """Give an answer a moment for others to join it."""
        try:
            return self._orders.get(timeout=DELAY)
        except Empty:
            return _WAKE

    def _commit(self, connection: sqlite3.Connection, order: _Order) -> None:
        # before the answers are taken: whoever adds one later wakes us again
        self._armed = False
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        future = order.future
        if future is not None and not future.set_running_or_notify_cancel():
            order, future = _WAKE, None
        try:
            result = self._transaction(connection, answers, order.work)
        except BaseException as problem:  # noqa: BLE001  handed to whoever gave the order
            self._answers.extendleft(reversed(answers))
            if future is not None:
                future.set_exception(told(problem, self.path))
            return
        if future is not None:
            future.set_result(result)

    @staticmethod
    def _transaction(connection: sqlite3.Connection, answers: Sequence[Row], work: _Work) -> Any:
        if not answers and work is _nothing:
            return None
        connection.execute("BEGIN IMMEDIATE")
        try:
            insert(connection, _ANSWER, answers)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Order:
    """Something for the thread that writes to do in the next transaction."""

    work: _Work
    future: Future[Any] | None = None


def _nothing(_: sqlite3.Connection) -> None:
    """Do nothing: the answers alone are written."""


_WAKE = _Order(_nothing)
_END = _Order(_nothing)
