"""A report as a tagged PDF for keeping: PDF/A-3a and PDF/UA-1, from the blocks that HTML shows.

The text goes to typst as data and is set as text; nothing of it is ever read as markup. The record
is attached, the time is the record's, and the fonts come with packages: the same record gives the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from .. import messages
from ..audit.record import Record
from .blocks import blocks
from .breaks import broken, unbroken
from .figures import svg
from .fonts import Faces, faces
from .model import Badge, Cell, FigureBlock, FindingPage, Report, Table
from .provisions import Provision

_ZERO = "\N{ZERO WIDTH SPACE}"
_WIDE = "\u2e80"
"""From here on a character is as wide as two."""
SHORT, BROAD = 18, 56
"""Up to the first, in half-width characters, a column is never broken; with more than the second
it is not weighed."""
LONG = 600
"""Characters from which on a cell may run over the end of a page."""


def pdf(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    language: str,
    *,
    provisions: Sequence[Provision] | None = None,
    taken: Mapping[str, Any] | None = None,
    page: str | None = None,
) -> bytes:
    """Return a report as one PDF, the record attached to it.

    Parameters
    ----------
    record : Record
    annex : sequence of mapping
        What people added later; see :func:`evenhand.reports.blocks.blocks`.
    language : {"zh", "en"}
    provisions : sequence of mapping, optional
        The rules as of today. Default: the shipped map.
    taken : mapping, optional
        How the evidence was taken, for annex A; see :func:`evenhand.audit.taken.seen`.
    page : {"summary"}, optional
        One page only. Default: the whole report.

    Returns
    -------
    bytes
        The same for the same record, annex, rules and versions.

    Raises
    ------
    MissingExtraError
        If the extra ``pdf`` is not installed.
    UsageError
        If there is no such language or page.
    """
    made = blocks(record, annex, language, provisions=provisions, taken=taken, page=page)
    return render(made, record)


def render(report: Report, record: Record) -> bytes:
    """Return the PDF of a report that is made already."""
    fonts = faces()
    import typst

    data = _Plain(fonts, frozenset(_targets(report.sections)))(report)
    data["attached"] = messages.text("report.attached", report.language)
    data["faces"] = {"sans": fonts.sans, "serif": fonts.serif, "last": fonts.last}
    inputs = {
        "report": json.dumps(data, ensure_ascii=False),
        "record": record.model_dump_json(indent=1) + "\n",  # as it lies in the run's folder
    }
    made: bytes = typst.compile(
        _template(),
        font_paths=fonts.fonts,
        format="pdf",
        sys_inputs=inputs,
        # for archives, with an attachment; for readers who hear a page: typst refuses what is not both
        pdf_standards=["a-3a", "ua-1"],
        timestamp=int(datetime.fromisoformat(record.run.ended).timestamp()),
    )
    return made


@cache
def _template() -> bytes:
    return resources.files(__package__).joinpath("templates", "report.typ").read_bytes()


def _targets(value: Any) -> Iterator[str]:
    """Yield the ids of everything that a link may lead to."""
    if isinstance(value, FindingPage):
        yield value.id
    elif isinstance(value, tuple):
        for one in value:
            yield from _targets(one)
    elif hasattr(value, "blocks"):
        yield from _targets(value.blocks)


class _Plain:
    """Blocks as data that JSON can hold, every text of it one that the fonts can show."""

    def __init__(self, fonts: Faces, targets: frozenset[str]) -> None:
        self._fonts, self._targets = fonts, targets

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, tuple):
            return [self(one) for one in value]
        if isinstance(value, FigureBlock):
            return self._figure(value)
        if is_dataclass(value):
            return self._block(value)
        return value

    def _text(self, text: str) -> str:
        return broken(unbroken(self._fonts.shown(text)), _ZERO)

    def _figure(self, figure: FigureBlock) -> dict[str, Any]:
        families = f"{self._fonts.sans}, {self._fonts.last}"
        drawn = self._fonts.shown(svg(figure, families=families))
        return {
            "type": figure.type,
            "title": self(figure.title),
            "alt": self._fonts.shown(figure.alt),
            "svg": drawn,
            "table": self(figure.table),
        }

    def _block(self, value: Any) -> dict[str, Any]:
        data = {field.name: self(getattr(value, field.name)) for field in fields(value)}
        if hasattr(value, "type"):
            data["type"] = value.type
        if isinstance(value, Badge):
            data["symbol"] = value.symbol
        if isinstance(value, Cell):
            data |= {"link": self._link(value.link), "long": len(value.text) > LONG}
        if isinstance(value, Table):
            data["columns"] = columns(value)
        return data

    def _link(self, target: str | None) -> str | None:
        return target if target in self._targets else None


def columns(table: Table) -> list[float | None]:
    """Return how wide each column is: None as wide as what it holds, else its part of the rest.

    Parameters
    ----------
    table : Table
    """
    widths = [_widths(column) for column in zip(*table.rows, strict=True)]
    if not widths:
        return [1.0] * len(table.head)
    parts = [_part(column) for column in widths]
    if not any(parts):
        parts[widths.index(max(widths, key=max))] = 1.0
    return parts


def _part(widths: Sequence[int]) -> float | None:
    if max(widths) <= SHORT:
        return None
    # a typical text and the longest one: a single long cell does not starve the others
    return min((sorted(widths)[len(widths) // 2] + max(widths)) / 2, BROAD)


def _widths(column: Sequence[Cell]) -> list[int]:
    return [_width(cell) for cell in column]


def _width(cell: Cell) -> int:
    # a badge is never broken
    return SHORT if cell.badge else sum(1 + (character >= _WIDE) for character in cell.text)
