"""A model in a file, asked in batches in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer
from typing import Any

from ...errors import MissingExtraError, TargetError, UsageError
from ...probes.design import Wave
from ...probes.protocol import Study
from ..planmachines import ModelTarget as ModelSpec
from ..planmachines import PickleTarget, SkopsTarget
from .batch import ONE, Columns, Questions
from .columns import pack, unpack
from .protocol import Answers, Reply, Request
from .render import Identities
from .worker import BAD, GOOD, read_frame, write_frame

START = 120.0
"""Seconds in which a model must be open, its library loaded."""

_MIB = 1 << 20
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")


class Worker:
    """The process in which a model lives.

    It is given no secret of the environment, no network where the platform allows that, an empty
    folder to stand in, bounded memory, and so much processor time a call; it can write no file, and
    dies with us.

    Parameters
    ----------
    spec : ModelTarget of the plan
    data : bytes
        The model's file.

    Attributes
    ----------
    columns : list of str or None
        What the model takes, where it says so.
    cut_off : bool
        Whether it could be cut off the network.

    Raises
    ------
    UsageError
        If the file holds types that the plan does not trust.
    MissingExtraError
        If the library that opens it is not installed.
    TargetError
        If it cannot be opened within the limits.
    """

    def __init__(self, spec: ModelSpec, data: bytes) -> None:
        self._spec = spec
        self._home = tempfile.TemporaryDirectory(prefix="evenhand-")
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "evenhand.audit.target.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._home.name,
            env={**kept, **dict.fromkeys(_THREADS, "1"), "HOME": self._home.name},
            close_fds=True,
        )
        wanted = {
            "kind": spec.kind,
            "memory": spec.memory * _MIB,
            "seconds": spec.limits.timeout,
            "trusted": spec.trusted if isinstance(spec, SkopsTarget) else (),
        }
        about = self._opened(self._exchange([json.dumps(wanted).encode(), data], START))
        self.columns: list[str] | None = about["columns"]
        self.cut_off: bool = about["cut_off"]

    def _opened(self, said: bytes | None) -> dict[str, Any]:
        if said is not None and said[:1] == GOOD:
            found: dict[str, Any] = json.loads(said[1:])
            return found
        self.close()
        told: dict[str, Any] = {"problem": "–", "untrusted": [], "library": None}
        told |= {} if said is None else json.loads(said[1:])
        file = Path(self._spec.file).name
        if told["untrusted"]:
            types = ", ".join(told["untrusted"])
            raise UsageError("serving.untrusted", path=file, types=types)
        if told["library"]:
            raise MissingExtraError(
                "serving.no_library", kind=self._spec.kind, library=told["library"]
            )
        if said is None:
            raise TargetError("serving.model_died", path=file, memory=self._spec.memory)
        raise TargetError("serving.model_unreadable", path=file, problem=told["problem"])

    def ask(self, table: bytes) -> bytes | None:
        """Return the frame that answers a table; None where the process is no more."""
        # processor time is bounded within; a model that waits is ended from here
        return self._exchange([table], 2 * self._spec.limits.timeout + 1)

    def _exchange(self, frames: list[bytes], patience: float) -> bytes | None:
        inward, outward = self._process.stdin, self._process.stdout
        if inward is None or outward is None or self._process.poll() is not None:
            return None
        late = Timer(patience, self._process.kill)
        late.start()
        try:
            for frame in frames:
                write_frame(inward, frame)
            return read_frame(outward)
        except (OSError, ValueError):
            return None
        finally:
            late.cancel()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        self._home.cleanup()


class ModelTarget:
    """Asks a model file.

    Parameters
    ----------
    spec : ModelTarget of the plan
    study : Study
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key.
    file : Path, optional
        Where the model is; not needed to read what is on file.
    offline : bool
        Read stored replies only: the file is not opened.

    Raises
    ------
    UsageError
        If the plan trusts another file than this, or a file that holds more than it trusts; or if
        the request has a column that the model does not take.
    TargetError, MissingExtraError
        If it cannot be opened.
    """

    def __init__(
        self,
        spec: ModelSpec,
        study: Study,
        *,
        identities: Identities,
        key: bytes,
        file: Path | None = None,
        offline: bool = False,
    ) -> None:
        self.batch = spec.batch
        self._spec = spec
        self._questions = Questions(spec.request, identities=identities, key=key)
        self._columns = Columns(spec.response or ONE, study.money)
        self._route = f"{spec.kind}:{Path(spec.file).name}"
        self._data = None if offline else bytes_of(spec, file)
        self._worker: Worker | None = None
        self._executor: ThreadPoolExecutor | None = None

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the table that the model is given. Pure."""
        table = self._questions.table(study, wave, number, rows)
        count = rows.stop - rows.start
        return Request(
            wave=number, first=rows.start, count=count, body=pack(table), route=self._route
        )

    async def send(self, request: Request) -> Reply:
        """Hand the table to the worker, once, beside the event loop."""
        if self._data is None:
            raise UsageError("target.offline")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="evenhand-model")
        at, started = time.time(), time.perf_counter()
        said = await asyncio.get_running_loop().run_in_executor(
            self._executor, self._asked, request.body
        )
        seconds = time.perf_counter() - started
        if said is None:
            return Reply(body=b"ended", at=at, seconds=seconds, error="network")
        if said[:1] == BAD:
            return Reply(body=said[1:], at=at, seconds=seconds, error="format")
        return Reply(body=said[1:], at=at, seconds=seconds)

    def _asked(self, table: bytes) -> bytes | None:
        if self._worker is None:
            self._worker = self._opened()
        said = self._worker.ask(table)
        if said is None:
            # the next call, if there is one, has a new process
            self._worker.close()
            self._worker = None
        return said

    def _opened(self) -> Worker:
        worker = Worker(self._spec, self._data or b"")
        strange = [
            name for name in self._spec.request if worker.columns and name not in worker.columns
        ]
        if strange:
            worker.close()
            known = ", ".join(worker.columns or ())
            raise UsageError("serving.not_a_column", names=", ".join(strange), known=known)
        return worker

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the model answered, in the order of the wave. Pure."""
        if reply.error is not None:
            return self._columns.failed(request.count, reply.error)
        try:
            columns = unpack(reply.body)
        except (ValueError, TypeError):
            return self._columns.failed(request.count, "format")
        found = columns.get("") if set(columns) == {""} else columns
        order = self._questions.order(request.wave, request.first, request.count)
        return self._columns.answers(self._columns.given(found), order)

    async def close(self) -> None:
        """End the worker and the thread."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def bytes_of(spec: ModelSpec, file: Path | None) -> bytes:
    """Return the bytes of the model's file: those that were hashed are those that are opened."""
    path = file or Path(spec.file)
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError("tables.cannot_open", path=path.name) from None
    if isinstance(spec, PickleTarget):
        found = hashlib.sha256(data).hexdigest()
        if found != spec.trust.sha256:
            raise UsageError("serving.other_file", path=path.name, sha256=found)
    return data
