"""Findings as tidy data, one flat row each, and the summary as Markdown."""

from __future__ import annotations

import csv as table_files
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..audit.record import Finding, Range, Record
from .blocks import blocks
from .model import Block, Bullets, Callout, Facts, FindingSummary, Group, Paragraph
from .scrub import scrub

_RANGES = (
    "effect",
    "percent",
    "money",
    "points",
    "share",
    "share_dearer",
    "share_cheaper",
    "single_quotes",
    "twin_beyond",
)
_PLAIN = (
    "id",
    "kind",
    "probe",
    "treatment",
    "role",
    "level",
    "reference",
    "outcome",
    "primary",
    "verdict",
    "mean",
    "share_verdict",
    "real",
    "direction",
    "base",
    "strength",
    "evalue",
    "adjusted",
    "guarantee",
    "unit",
    "n",
    "n_excluded",
    "queries",
    "smallest_detectable",
    "queries_needed",
)


def rows(record: Record) -> list[dict[str, Any]]:
    """Return one flat mapping a finding, in the order of the record.

    A range becomes three columns, ``percent``, ``percent_low`` and ``percent_high``; what is not
    measured is None and never 0. Texts come in both languages, ``question_zh``, ``question_en``.
    """
    return [_row(finding) for finding in record.content.findings]


def _row(finding: Finding) -> dict[str, Any]:
    row: dict[str, Any] = {name: _number(getattr(finding, name)) for name in _PLAIN}
    for name in ("question", "label", "reason", "method"):
        text = getattr(finding, name)
        row[f"{name}_zh"] = text.zh if text else None
        row[f"{name}_en"] = text.en if text else None
    for name in _RANGES:
        row |= _ends(name, getattr(finding, name))
    row["effect_unit"], row["effect_level"] = finding.effect.unit, finding.effect.level
    row["currency"] = finding.money.currency if finding.money else None
    row["per"] = finding.money.per if finding.money else None
    for name in ("ratio", "share", "beyond", "direction"):
        row[f"limit_{name}"] = getattr(finding.limits, name) if finding.limits else None
    return row


def _ends(name: str, range_: Range | None) -> dict[str, float | None]:
    return {
        name: _number(range_.estimate) if range_ else None,
        f"{name}_low": _number(range_.low) if range_ else None,
        f"{name}_high": _number(range_.high) if range_ else None,
    }


def _number(value: Any) -> Any:
    # JSON has no infinity: what cannot be written down is not measured
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tidy(record: Record) -> str:
    """Return the findings as JSON text, with the hash of the record that they come from."""
    table = {
        "evenhand": record.evenhand,
        "record_sha256": record.content_sha256,
        "lock_sha256": record.content.lock_sha256,
        "counts": record.content.counts.model_dump(),
        "controls": [
            {"kind": control.kind, "passed": control.passed} for control in record.content.controls
        ],
        "findings": rows(record),
    }
    return json.dumps(table, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


_FORMULA = re.compile(r"^[\s]*[=+\-@\t\r|%]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~]|^\s*[#+-]")


def csv(record: Record) -> str:
    """Return the findings as csv, one row each: UTF-8 with a byte order mark, for spreadsheets.

    No cell is taken for a formula: what begins like one is given an apostrophe.
    """
    table = rows(record)
    out = io.StringIO()
    writer = table_files.writer(out, lineterminator="\r\n")
    writer.writerow(["record_sha256", *(table[0] if table else ())])
    for row in table:
        writer.writerow([record.content_sha256, *(cell(value) for value in row.values())])
    return "\ufeff" + out.getvalue()


def cell(value: Any) -> str:
    """Return a value as a spreadsheet may safely show it.

    Examples
    --------
    >>> cell("=HYPERLINK(1)"), cell(-0.5), cell(None), cell(" @x")
    ("'=HYPERLINK(1)", '-0.5', '', "' @x")
    """
    text = "" if value is None else repr(value) if isinstance(value, float) else str(value)
    text = scrub(text)
    return text if _NUMBER.fullmatch(text) or not _FORMULA.match(text) else "'" + text


def markdown(record: Record, annex: Sequence[Mapping[str, Any]], language: str) -> str:
    """Return the summary page as Markdown: the same sentences and numbers as the report's.

    Raises
    ------
    UsageError
        If there is no such language.
    """
    page = blocks(record, annex, language, page="summary")
    lines = [f"# {escaped(page.title)}", "", escaped(page.subtitle), ""]
    for section in page.sections:
        lines += [f"## {escaped(section.title)}", ""]
        for block in section.blocks:
            lines += [*_marked(block, 3), ""]
    lines += [escaped(page.foot), ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    r"""Return text that no reader of Markdown takes for markup.

    Examples
    --------
    >>> print(escaped("# *a* <b> [x](y)"))
    \# \*a\* \<b\> \[x\](y)
    """
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _marked(block: Block, level: int) -> list[str]:
    if isinstance(block, Paragraph):
        return [escaped(block.text)]
    if isinstance(block, Bullets):
        return [f"- {escaped(item)}" for item in block.items]
    if isinstance(block, Facts):
        return [f"- {escaped(fact.name)}: {escaped(fact.value)}" for fact in block.facts]
    return _headed(block, level)


def _headed(block: Block, level: int) -> list[str]:
    mark = "#" * level
    if isinstance(block, FindingSummary):
        head = (
            f"{mark} {block.id} {block.badge.symbol} {block.badge.words}: {escaped(block.question)}"
        )
        return [head, "", *(escaped(sentence) for sentence in block.sentences)]
    if isinstance(block, Group):
        inner = [line for one in block.blocks for line in _marked(one, level + 1)]
        return [f"{mark} {escaped(block.title)}", "", *inner]
    if isinstance(block, Callout):
        return [f"{mark} {escaped(block.title)}", "", *(f"- {escaped(t)}" for t in block.texts)]
    return []
