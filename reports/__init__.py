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
    taken: Mapping[str, Any] | None = None,
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
    taken : mapping, optional
        How the evidence was taken, for annex A; see :func:`evenhand.audit.taken.seen`.

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
        for language in languages:
            made |= _made(format_, record, annex, language, page, taken)
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
    language: str,
    page: str | None,
    taken: Mapping[str, Any] | None,
) -> dict[str, bytes]:
    """Return the file of one format in one language by its name; some are the same in each."""
    from . import exports

    if format_ == "json":
        return {"report.json": exports.tidy(record).encode()}
    if format_ == "csv":
        return {"report.csv": exports.csv(record).encode()}
    if format_ == "md":
        return {f"report.{language}.md": exports.markdown(record, annex, language).encode()}
    name = f"{page or 'report'}.{language}.{format_}"
    if format_ == "pdf":
        from .pdf import pdf

        return {name: pdf(record, annex, language, page=page, taken=taken)}
    from .html import html

    return {name: html(record, annex, language, page=page, taken=taken).encode()}


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
