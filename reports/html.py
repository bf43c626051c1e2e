"""A report as one HTML file: no script, no outside request, the same bytes for the same record."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from ..audit.record import Record
from .blocks import blocks
from .breaks import broken, unbroken
from .figures import svg
from .model import FigureBlock, Report
from .provisions import Provision

_BREAK = "\0"
_LANG = {"zh": "zh-Hans", "en": "en"}


def html(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    language: str,
    *,
    provisions: Sequence[Provision] | None = None,
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
    return render(blocks(record, annex, language, provisions=provisions, page=page))


def render(report: Report) -> str:
    """Return the HTML of a report that is made already."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page: str = _template().render(
        report=report,
        lang=_LANG[report.language],
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=digest,
    )
    return page


def _figure(figure: FigureBlock) -> Markup:
    return Markup(svg(figure))  # noqa: S704 - every text in it was escaped there


def soft(text: str) -> Markup:
    """Return escaped text whose long words may be broken, so that no cell widens its table.

    Examples
    --------
    >>> soft("a" * 30 + "<b>")
    Markup('aaaaaaaaaaaaaaaa<wbr>aaaaaaaaaaaaaa&lt;b<wbr>&gt;')
    """
    marked = broken(unbroken(text), _BREAK)
    # no text holds a NUL: control characters are replaced before
    return Markup(str(escape(marked)).replace(_BREAK, "<wbr>"))  # noqa: S704 - escaped here


def _finalize(value: Any) -> Any:
    return unbroken(value) if type(value) is str else value


def _style() -> str:
    return _file("report.css")


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
