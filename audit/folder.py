"""The run folder: plan, lock, journal, record and annex of one audit."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EvenhandError, EvidenceError, PausedError, UsageError
from .journal import Journal
from .planrequest import kept
from .record import Record

PLAN, LOCK, JOURNAL, RECORD, ANNEX, STOP = (
    "plan.yaml",
    "plan.lock.json",
    "journal.sqlite",
    "record.json",
    "annex.jsonl",
    "stop",
)
ASIDE = "journal.unanswered-{}.sqlite"
"""What a journal is called that was set aside; ``{}`` is its number."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where everything of one audit lies.

    ``plan.yaml`` as it was given, ``plan.lock.json`` (what it came to, fixed before the first
    call), ``journal.sqlite``, ``record.json`` with earlier records beside it, ``annex.jsonl``.
    """

    path: Path

    @property
    def plan(self) -> Path:
        """The plan as it was given."""
        return self.path / PLAN

    @property
    def lock(self) -> Path:
        """What the plan came to."""
        return self.path / LOCK

    @property
    def journal(self) -> Path:
        """Waves, calls and answers."""
        return self.path / JOURNAL

    @property
    def record(self) -> Path:
        """The newest record."""
        return self.path / RECORD

    @property
    def stop(self) -> Path:
        """A file that asks the run to stop; the run takes it away."""
        return self.path / STOP

    @property
    def annex(self) -> Path:
        """What people added."""
        return self.path / ANNEX

    @classmethod
    def existing(cls, path: Path) -> RunFolder:
        """Return the folder of a run that was begun.

        Raises
        ------
        UsageError
            If there is no run in it.
        """
        folder = cls(path)
        if not folder.lock.is_file():
            raise UsageError("errors.no_such_run", path=str(path))
        return folder

    def create(self, plan: str, inputs: Mapping[str, Path]) -> None:
        """Write the plan and the files that it names; only its owner may look in.

        It is a run once the lock is there too: :meth:`fix` comes last.

        Parameters
        ----------
        plan : str
            The plan as it was read.
        inputs : mapping of str to Path
            What each named file is → where it is now; a copy goes into ``inputs/``, so that the run
            can be analysed again anywhere.

        Raises
        ------
        UsageError
            If there is a run in it already.
        """
        if self.lock.exists():
            raise UsageError("errors.run_exists", path=str(self.path))
        with disk(self.path):
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, source in inputs.items():
                copy = kept(self.path, name, source)
                copy.parent.mkdir(exist_ok=True)
                write(copy, source.read_bytes())
            write(self.plan, plan.encode())

    def fix(self, lock: bytes) -> None:
        """Write what the plan came to: from here on the folder holds a run."""
        with disk(self.path):
            write(self.lock, lock)

    def set_journal_aside(self) -> None:
        """Begin another journal, the old one staying beside it: nobody answered the pilot.

        Its trials have failed for good; once the address or the vendor is mended, they are asked
        anew, and what happened stays on file.
        """
        names = (self.path / ASIDE.format(n) for n in itertools.count(1))
        aside = next(path for path in names if not path.exists())
        with disk(self.path):
            self.journal.rename(aside)
            Journal.create(self.journal).close()

    def set_aside(self) -> list[Path]:
        """Return the journals that were set aside, oldest first."""
        found = self.path.glob(ASIDE.format("*"))
        return sorted(found, key=lambda path: (len(path.name), path.name))

    def fold_journal(self) -> None:
        """Put what stands beside the journal into it, and take the files beside it away.

        Whoever only reads a journal leaves them. Nothing is done while a run writes it, nor where
        nothing can be written.
        """
        with suppress(EvenhandError):
            Journal.open(self.journal).close()

    def write_record(self, record: Record) -> Record:
        """Write a record; an earlier one stays beside it and is named as superseded."""
        if self.record.is_file():
            old = self.read_record()
            if old.content_sha256 == record.content_sha256:
                return old
            earlier = self.path / f"record.{old.content_sha256[:8]}.json"
            with disk(self.path):
                write(earlier, self.record.read_bytes())
            run = record.run.model_copy(update={"supersedes": old.content_sha256})
            record = record.model_copy(update={"run": run})
        with disk(self.path):
            write(self.record, (record.model_dump_json(indent=1) + "\n").encode())
        return record

    def read_record(self) -> Record:
        """Return the newest record.

        Raises
        ------
        UsageError
            If the run has not come to a record yet.
        EvidenceError
            If the file is not a record of this version.
        """
        if not self.record.is_file():
            raise UsageError("errors.no_record", path=str(self.path))
        with _whole(self.record):
            return Record.model_validate_json(self.record.read_bytes())

    def read_annex(self) -> list[Mapping[str, Any]]:
        """Return the entries that people added, oldest first.

        Raises
        ------
        EvidenceError
            If a line is not an entry.
        """
        if not self.annex.is_file():
            return []
        with _whole(self.annex):
            lines = self.annex.read_text("utf-8").splitlines()
            return [dict(json.loads(line)) for line in lines if line.strip()]


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        raise EvidenceError("errors.damaged", path=str(path)) from error


def write(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class disk:  # noqa: N801 - reads as a clause: with disk(path): …
    """Turn the operating system's refusal to write into an error that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """Say what the system said, in words."""
        if isinstance(error, OSError):
            raise PausedError(
                "errors.cannot_write", path=str(self.path), why=error.strerror or str(error)
            ) from error
