"""Reports: record and annex in, one self-contained file a language and format out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..audit.record import Record
from ..errors import UsageError

FORMATS = ("html", "pdf", "json", "csv", "md")
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
    formats : sequence of {"html", "pdf", "json", "csv", "md"}
        ``report.zh.html`` and ``report.en.html``; ``report.zh.pdf`` the same as paper, with the
        record attached (extra ``pdf``); ``report.json`` and ``report.csv`` hold the
        findings, one flat row each, in both languages; ``report.zh.md`` is the summary as Markdown.
    page : {"summary"}, optional
        ``summary.zh.html``, ``summary.zh.pdf``: the one page alone, in place of the whole report.

    Returns
    -------
    list of Path
        The files written. Each is whole or is not there: a reader never sees half of one.

    Raises
    ------
    UsageError
        If there is no such format, page or language. Nothing is written then.
    MissingExtraError
        If a PDF is asked for and the extra ``pdf`` is not installed. Nothing is written then.
    """
    check(formats)
    made: dict[str, bytes] = {}
    for format_ in dict.fromkeys(formats):
        made |= _made(format_, record, annex, languages, page)
    folder.mkdir(parents=True, exist_ok=True)
    return [_replace(folder / name, data) for name, data in made.items()]


def check(formats: Sequence[str]) -> None:
    """Raise unless every format can be written here; :func:`write` does it first.

    Raises
    ------
    UsageError
        If there is no such format.
    MissingExtraError
        If a PDF is asked for and the extra ``pdf`` is not installed.
    """
    for format_ in formats:
        if format_ not in FORMATS:
            known = ", ".join(FORMATS)
            raise UsageError("report.unknown_format", format=format_, known=known)
    if "pdf" in formats:
        from .fonts import faces

        faces()


def _made(
    format_: str,
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    languages: Sequence[str],
    page: str | None,
) -> dict[str, bytes]:
    """Return the files of one format by their names."""
    from . import exports

    stem = page or "report"
    if format_ == "json":
        return {"report.json": exports.tidy(record).encode()}
    if format_ == "csv":
        return {"report.csv": exports.csv(record).encode()}
    if format_ == "md":
        return {
            f"report.{lang}.md": exports.markdown(record, annex, lang).encode()
            for lang in languages
        }
    if format_ == "pdf":
        from .pdf import pdf

        return {f"{stem}.{lang}.pdf": pdf(record, annex, lang, page=page) for lang in languages}
    from .html import html

    return {
        f"{stem}.{lang}.html": html(record, annex, lang, page=page).encode() for lang in languages
    }


def _replace(path: Path, data: bytes) -> Path:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


__all__ = ["DEFAULT", "FORMATS", "check", "write"]
