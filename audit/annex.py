"""What people add to a record: append-only, each entry naming the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from ..errors import UsageError
from .folder import RunFolder, disk


def add(
    folder: RunFolder,
    *,
    kind: str,
    by: str,
    role: str = "",
    words: str | None = None,
    file: Path | None = None,
    finding: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Append an entry to the annex and return it.

    Parameters
    ----------
    folder : RunFolder
    kind : {"review", "reply", "note", "waiver", "decision"}
    by, role : str
        Who says it, and as what.
    words, file : str or Path
        What is said; the text, or a UTF-8 file that holds it.
    finding : str, optional
        Number of the finding that it is about.
    more : mapping, optional
        Further fields: a decision with its votes.

    Raises
    ------
    UsageError
        If there is nothing to add, or no such finding.
    PausedError
        If it cannot be written.
    """
    record = folder.read_record()
    if (words is None) == (file is None):
        raise UsageError("annex.text_or_file")
    if finding is not None and finding not in {one.id for one in record.content.findings}:
        raise UsageError("cli.no_such_finding", name=finding)
    entry: dict[str, Any] = {
        **(more or {}),
        "kind": kind,
        "by": by,
        "role": role,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "record_sha256": record.content_sha256,
        "text": words if file is None else _read(file),
        "previous": _last(folder),
    }
    if finding is not None:
        entry["finding"] = finding
    if file is not None:
        entry["file"] = file.name
        entry["sha256"] = hashlib.sha256(file.read_bytes()).hexdigest()
    with disk(folder.path), folder.annex.open("ab") as annex:
        annex.write(rfc8785.dumps(entry) + b"\n")
    return {name: value for name, value in entry.items() if value is not None}


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("annex.unreadable", path=str(file)) from error


def _last(folder: RunFolder) -> str:
    """Return the hash of the last entry; an entry that is taken out or changed breaks the chain."""
    lines = folder.annex.read_bytes().splitlines() if folder.annex.is_file() else []
    return hashlib.sha256(lines[-1]).hexdigest() if lines else ""
