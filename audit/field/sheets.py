"""Sheets: what each tester is given, as csv, as a page for phones and paper, and as xlsx."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment

from ...errors import MissingExtraError
from ...messages import LANGUAGES, text
from ...probes.protocol import Study
from ..conduct import Turn
from ..folder import disk, write
from ..planfield import FieldTarget as FieldSpec
from ..target.protocol import Target
from ..target.read import outcome_paths
from .schedule import Place, Schedule, window_start

GIVEN = ("id", "window", "account", "device", "steps_zh", "steps_en", "item", "conditions")
ASKED = ("no_offer", "actual", "screenshot", "remark")
OWN = frozenset({"account", "device", "item", "steps"})
"""Keys of a request that have a column of their own; all others are conditions."""


def columns(spec: FieldSpec) -> tuple[str, ...]:
    """Return the columns of a sheet, in order."""
    return (*GIVEN, *outcome_paths(spec.response), *ASKED)


def head(name: str) -> str:
    """Return what stands above a column: Chinese, then English.

    Examples
    --------
    >>> head("final")
    '实付价 Final price'
    """
    return " ".join(text(f"field.column_{name}", language) for language in LANGUAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a sheet, as a tester reads it."""

    place: Place
    told: Mapping[str, Any]
    when: str

    def cell(self, name: str) -> str:
        """Return what a column is given; cells to fill in are empty."""
        if name == "id":
            return self.place.id
        if name == "window":
            return self.when
        if name.startswith("steps_"):
            steps = self.told.get("steps", {}).get(name[6:], [])
            return " ".join(f"{n}. {step}" for n, step in enumerate(steps, 1))
        if name == "conditions":
            return "; ".join(f"{k}: {v}" for k, v in self.told.items() if k not in OWN)
        return str(self.told.get(name, "")) if name in OWN else ""


def rows_of(
    schedule: Schedule, turns: Sequence[Turn], target: Target, study: Study, spec: FieldSpec
) -> dict[str, list[Row]]:
    """Return tester → rows in the order of their windows."""
    waves = {turn.number: turn.wave for turn in turns}
    found: dict[str, list[Row]] = {code: [] for code in sorted(schedule.consents)}
    for one in sorted(schedule.places, key=lambda place: (place.window, place.wave, place.place)):
        rows = slice(one.place, one.place + 1)
        told = orjson.loads(target.render(study, waves[one.wave], one.wave, rows).body)
        start = window_start(spec.windows, one.window)
        when = f"{start:%Y-%m-%d %H:%M} +{spec.windows.minutes} min"
        found[one.tester].append(Row(place=one, told=told, when=when))
    return found


def as_csv(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return a sheet as csv, with the mark by which spreadsheets know UTF-8."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(head, names))
    writer.writerows([_safe(row.cell(name)) for name in names] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _safe(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "-", "@"} else cell


def as_xlsx(rows: Sequence[Row], names: Sequence[str]) -> bytes:
    """Return a sheet as xlsx.

    Raises
    ------
    MissingExtraError
        If openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook
    except ImportError:
        raise MissingExtraError("field.no_xlsx") from None
    book = Workbook()
    sheet = book.active
    sheet.append([head(name) for name in names])
    for row in rows:
        sheet.append([_safe(row.cell(name)) for name in names])
    sheet.freeze_panes = "B2"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ tester }}</title><style>
body{font:16px/1.5 sans-serif;margin:0 auto;padding:1rem;max-width:46rem;color:#111}
section{border:1px solid #555;padding:.6rem;margin:0 0 1rem;break-inside:avoid}
h2{margin:0;font-size:1.1rem}ol{margin:.3rem 0;padding-left:1.4rem}
table{width:100%;border-collapse:collapse}td{border:1px solid #999;padding:.3rem}
td+td{width:55%;height:1.6rem}.stop{font-weight:bold;border:2px solid #111;padding:.4rem}
</style></head><body><h1>{{ tester }} · {{ app }}</h1>
{% for line in rules %}<p class="stop">{{ line }}</p>{% endfor %}
{% for row in rows %}<section><h2>{{ row.place.id }}</h2>
<p>{{ heads.window }}: {{ row.when }}</p>
{% for name in ["account", "device", "item", "conditions"] if row.cell(name) -%}
<p>{{ heads[name] }}: {{ row.cell(name) }}</p>{% endfor %}
{% for steps in (row.told.steps or {}).values() %}<ol>{% for step in steps %}<li>{{ step }}</li>{% endfor %}</ol>
{% endfor %}<table>{% for name in cells %}<tr><td>{{ heads[name] }}</td><td></td></tr>{% endfor %}</table>
</section>{% endfor %}</body></html>
"""


def as_html(tester: str, rows: Sequence[Row], spec: FieldSpec) -> bytes:
    """Return a sheet as one self-contained page: no script, nothing fetched, for phone and paper."""
    names = columns(spec)
    page = Environment(autoescape=True).from_string(_PAGE)
    made = page.render(
        tester=tester,
        app=spec.app,
        rows=rows,
        heads={name: head(name) for name in names},
        cells=names[len(GIVEN) :],
        rules=[
            text(f"field.{rule}", language, per=spec.money.per, includes=_listed(spec, language))
            for rule in ("no_order", "how_to_fill")
            for language in LANGUAGES
        ],
    )
    return made.encode()


def _listed(spec: FieldSpec, language: str) -> str:
    return ("、" if language == "zh" else ", ").join(spec.money.includes) or "–"


def write_sheets(
    out: Path, rows: Mapping[str, Sequence[Row]], spec: FieldSpec, *, xlsx: bool
) -> list[Path]:
    """Write one sheet a tester, and return the files.

    Raises
    ------
    MissingExtraError
        If `xlsx` is asked for and openpyxl is not installed.
    """
    names, written = columns(spec), list[Path]()
    with disk(out):
        out.mkdir(parents=True, exist_ok=True)
        for tester, own in rows.items():
            files = {"csv": as_csv(own, names), "html": as_html(tester, own, spec)}
            if xlsx:
                files["xlsx"] = as_xlsx(own, names)
            for ending, data in files.items():
                path = out / f"{tester}.{ending}"
                write(path, data)
                written.append(path)
    return written
