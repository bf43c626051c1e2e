"""What the answers show beside a verdict, as a table: parts of a gap, cues, spread, a year's money."""

from __future__ import annotations

from ..audit.record import Description, Finding
from ..messages import numbers
from .context import Context, cells, small
from .model import Cell, Group, Table
from .sizes import known

DIGITS = 3
"""Decimals of a number without a unit."""
_WORTH = {
    "finite-sample": "beside.any_time",
    "exact": "beside.any_time",
    "asymptotic": "beside.roughly",
    "heuristic": "beside.roughly",
}


def beside(about: Context, finding: Finding) -> list[Group]:
    """Return what a finding describes beside its verdict; nothing where it describes nothing."""
    rows = tuple(row for row in (_row(about, one) for one in finding.described) if row)
    if not rows:
        return []
    voice = about.voice
    heads = ("report.h_quantity", "report.h_estimate", "beside.interval")
    table = Table(
        caption=voice("beside.title"), head=tuple(voice(head) for head in heads), rows=rows
    )
    note = small(voice("beside.note"))
    return [Group(title=voice("beside.title"), blocks=(table, note))]


def _row(about: Context, one: Description) -> tuple[Cell, ...] | None:
    value, low, high = (known(x) for x in (one.value.estimate, one.value.low, one.value.high))
    if value is None:
        return None
    spread = about.voice("report.dash")
    if low is not None and high is not None:
        spread = about.voice(
            _WORTH[one.guarantee],
            low=_written(about, one, low),
            high=_written(about, one, high),
        )
    name = about.voice.begun(about.voice.of(one.label))
    return cells(name, _written(about, one, value), spread)


def _written(about: Context, one: Description, value: float) -> str:
    """Return a number with its unit."""
    language, unit = about.voice.language, one.value.unit
    if unit == "money":
        per = about.voice("beside.a_year") if one.value.per == "year" else ""
        return numbers.money(value, one.value.currency or "", language, digits=2) + per
    if unit in {"percent", "share"}:
        return numbers.percent(value if unit == "percent" else 100 * value, language, digits=1)
    return numbers.decimal(value, DIGITS)
