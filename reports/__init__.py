"""Reports: record and annex in, one self-contained file a language out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..audit.record import Record
from ..errors import UsageError

FORMATS = ("html", "json", "csv", "md")
DEFAULT = ("html", "json")


def write(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    folder: Path,
    languages: Sequence[str] = ("zh", "en"),
    formats: Sequence[str] = DEFAULT,
    page: str | None = None,
) -> list[Path]:
    """Write the reports of an audit into a folder.

    Parameters
    ----------
    record : Record
    annex : sequence of mapping
        What people added later.
    folder : Path
        Made where it is not there.
    languages : sequence of {"zh", "en"}
    formats : sequence of {"html", "json", "csv", "md"}
        ``report.zh.html`` and ``report.en.html``; ``report.json`` and ``report.csv`` hold the
        findings, one flat row each, in both languages; ``report.zh.md`` is the summary as Markdown.
    page : {"summary"}, optional
        ``summary.zh.html``: the one page alone, in place of the whole report.

    Returns
    -------
    list of Path
        The files written. Each is whole or is not there: a reader never sees half of one.

    Raises
    ------
    UsageError
        If there is no such format, page or language. Nothing is written then.
    """
    from . import exports
    from .html import html

    for format_ in formats:
        if format_ not in FORMATS:
            known = ", ".join(FORMATS)
            raise UsageError("report.unknown_format", format=format_, known=known)
    texts: dict[str, str] = {}
    if "html" in formats:
        stem = page or "report"
        texts |= {f"{stem}.{lang}.html": html(record, annex, lang, page=page) for lang in languages}
    if "md" in formats:
        texts |= {f"report.{lang}.md": exports.markdown(record, annex, lang) for lang in languages}
    if "csv" in formats:
        texts["report.csv"] = exports.csv(record)
    if "json" in formats:
        texts["report.json"] = exports.tidy(record)
    folder.mkdir(parents=True, exist_ok=True)
    return [_replace(folder / name, text) for name, text in texts.items()]


def _replace(path: Path, text: str) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


__all__ = ["DEFAULT", "FORMATS", "write"]
