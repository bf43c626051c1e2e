"""A report as one HTML file: no script, no outside request, the same bytes for the same record."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from ..audit.record import Record
from .blocks import blocks
from .breaks import broken, unbroken
from .figures import svg
from .model import Cell, FigureBlock, Report, tables
from .provisions import Provision

_BREAK = "\0"
_LANG = {"zh": "zh-Hans", "en": "en"}


def html(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    language: str,
    *,
    provisions: Sequence[Provision] | None = None,
    taken: Mapping[str, Any] | None = None,
    page: str | None = None,
) -> str:
    """Return a report as one self-contained HTML page.

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
    str
        Without a script; its content security policy lets nothing load and one style apply.

    Raises
    ------
    UsageError
        If there is no such language.
    """
    return render(blocks(record, annex, language, provisions=provisions, taken=taken, page=page))


def render(report: Report) -> str:
    """Return the HTML of a report that is made already."""
    labels = _labels(report)
    style = _file("report.css") + _narrow(labels)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page: str = _template().render(
        report=report,
        labels=labels,
        lang=_LANG[report.language],
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=digest,
    )
    return page


def _figure(figure: FigureBlock) -> Markup:
    return Markup(svg(figure))  # noqa: S704 - every text in it was escaped there


def _labels(report: Report) -> dict[tuple[str, ...], str]:
    """Return a class for each row of heads: on a phone every cell says what it is."""
    heads = dict.fromkeys(table.head for table in tables(report.sections))
    return {head: f"t{place}" for place, head in enumerate(heads)}


def _narrow(labels: Mapping[tuple[str, ...], str]) -> str:
    rules = "".join(
        f".{name} tbody tr>:nth-child({place})::before{{content:{_quoted(unbroken(words))}}}"
        for head, name in labels.items()
        for place, words in enumerate(head, start=1)
    )
    return f"@media screen and (max-width: 44rem){{{rules}}}"


def _quoted(words: str) -> str:
    r"""Return words as a string of CSS that can end neither itself nor the style.

    Examples
    --------
    >>> print(_quoted('a "b" </style>'))
    "a \22 b\22  \3c /style>"
    """
    return '"' + re.sub(r'[\\"<\x00-\x1f]', lambda one: f"\\{ord(one[0]):x} ", words) + '"'


def soft(cell: Cell) -> Markup:
    """Return the escaped text of a cell whose long words may be broken, so that none widens its table.

    Examples
    --------
    >>> soft(Cell(text="a" * 30 + "<b>"))
    Markup('<span>aaaaaaaaaaaaaaaa<wbr>aaaaaaaaaaaaaa&lt;b<wbr>&gt;</span>')
    """
    text = unbroken(cell.text)
    marked = broken(text, _BREAK)
    # no text holds a NUL: control characters are replaced before
    shown = str(escape(marked)).replace(_BREAK, "<wbr>")
    # a cell holds one thing: what is in pieces stands in an element of its own
    return Markup(shown if marked == text else f"<span>{shown}</span>")  # noqa: S704 - escaped here


def _finalize(value: Any) -> Any:
    return unbroken(value) if type(value) is str else value


@cache
def _file(name: str) -> str:
    source = resources.files(__package__).joinpath("templates", name)
    return source.read_text("utf-8")


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
        loader=jinja2.FunctionLoader(_file),
    )
    environment.filters |= {"svg": _figure, "soft": soft}
    return environment.get_template("report.html.jinja")
