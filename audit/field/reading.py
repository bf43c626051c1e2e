"""From a sheet that came back to answers, with every mistake named: sheet, row and column."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from ...datasets.frames import decode
from ...errors import MissingExtraError, Problem, UsageError
from ...messages import LANGUAGES, text
from ..planfield import NO_OFFER
from ..planfield import FieldTarget as FieldSpec
from ..target.outcomes import OUTCOMES
from ..target.read import outcome_paths
from . import cells, ids
from .schedule import Place, Schedule, inside, window_start
from .sheets import ASKED, columns, head

_LONGEST = 200
_TYPED = ("no_offer", "remark", "screenshot")
_NEEDED = ("id", "actual", "no_offer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One row that was filled in.

    Parameters
    ----------
    place : Place
    row : int
        Of the sheet, as a spreadsheet counts.
    at : datetime
    late : bool
        Whether it was outside its window.
    values : mapping
        What was seen: the reply of the app, as JSON would give it.
    """

    place: Place
    row: int
    at: datetime
    late: bool
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet that came back: its name and hash, what it says, and what is wrong with it."""

    name: str
    sha256: str
    answers: tuple[Answered, ...]
    empty: int
    problems: tuple[Problem, ...]


def read_sheet(
    path: Path, schedule: Schedule, spec: FieldSpec, *, screenshots: Path | None = None
) -> Sheet:
    """Read a sheet: csv (UTF-8 with or without BOM, GB18030) or xlsx.

    Parameters
    ----------
    path : Path
    schedule : Schedule
    spec : FieldTarget of the plan
    screenshots : Path, optional
        The folder in which the files lie that the sheet names; without it they are not looked at.

    Raises
    ------
    UsageError
        If it cannot be opened or is no sheet at all.
    """
    try:
        data = path.read_bytes()
    except OSError:
        raise UsageError("tables.cannot_open", path=path.name) from None
    table = _xlsx(data) if path.suffix.lower() == ".xlsx" else _csv(data, path.name)
    reader = _Reader(path.name, schedule, spec, screenshots)
    reader.take(table)
    return Sheet(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        answers=tuple(reader.found.values()),
        empty=reader.empty,
        problems=tuple(reader.problems),
    )


def _csv(data: bytes, name: str) -> list[list[str]]:
    lines = decode(data, name)
    first = lines.split("\n", 1)[0]
    mark = max((",", ";", "\t"), key=first.count)
    return [list(row) for row in csv.reader(io.StringIO(lines, newline=""), delimiter=mark)]


def _xlsx(data: bytes) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise MissingExtraError("field.no_xlsx") from None
    sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
    return [["" if one is None else str(one) for one in row] for row in sheet.values]


class _Reader:
    """Reads the rows of one sheet and keeps what is wrong with them."""

    def __init__(
        self, name: str, schedule: Schedule, spec: FieldSpec, screenshots: Path | None
    ) -> None:
        self.name, self.spec, self.screenshots = name, spec, screenshots
        self.mark = schedule.mark
        self.known = {one.id: one for one in schedule.places}
        self.outcomes = tuple(outcome_paths(spec.response))
        self.found: dict[str, Answered] = {}
        self.problems: list[Problem] = []
        self.empty = 0

    def take(self, table: Sequence[Sequence[str]]) -> None:
        """Read all rows of a table whose first names the columns."""
        where = self._columns(table[0] if table else [])
        missing = [name for name in (*_NEEDED, *self.outcomes) if name not in where]
        if missing:
            raise UsageError(
                "field.not_a_sheet", path=self.name, columns=", ".join(map(head, missing))
            )
        for number, row in enumerate(table[1:], 2):
            given = {name: row[at] if at < len(row) else "" for name, at in where.items()}
            if any(cell.strip() for cell in given.values()):
                self._row(number, given)

    def _columns(self, row: Sequence[str]) -> dict[str, int]:
        names = {cells.normal(head(name)): name for name in columns(self.spec)}
        for name in columns(self.spec):
            names |= {text(f"field.column_{name}", language): name for language in LANGUAGES}
        return {
            names[label]: at
            for at, cell in enumerate(row)
            if (label := cells.normal(cell)) in names
        }

    def _row(self, number: int, given: Mapping[str, str]) -> None:
        place = self._place(number, given["id"])
        if place is None:
            return
        asked = (*self.outcomes, *ASKED)
        if not any(given.get(name, "").strip() for name in asked):
            self.empty += 1
            return
        before = len(self.problems)
        values = self._values(number, given)
        start = window_start(self.spec.windows, place.window)
        at = self._tried(number, "actual", lambda: cells.moment(given["actual"], start))
        if len(self.problems) > before or at is None:
            return
        late = not inside(self.spec.windows, place.window, at)
        made = Answered(place=place, row=number, at=at, late=late, values=values)
        earlier = self.found.setdefault(place.id, made)
        if earlier is not made and (earlier.values, earlier.at) != (values, at):
            self._problem("field.twice", number, "id", id=place.id, row=earlier.row)

    def _place(self, number: int, cell: str) -> Place | None:
        given = ids.normal(cell)
        why = ids.wrong(given, self.mark)
        if why is None and given not in self.known:
            why = "mistyped"
        if why is not None:
            self._problem(f"field.id_{why}", number, "id", got=cell.strip(), mark=self.mark)
            return None
        return self.known[given]

    def _values(self, number: int, given: Mapping[str, str]) -> dict[str, Any]:
        typed = {name: cells.normal(given.get(name, ""))[:_LONGEST] for name in _TYPED}
        found: dict[str, Any] = {name: value for name, value in typed.items() if value}
        if "screenshot" in found or self.spec.screenshots:
            found["screenshot_sha256"] = self._screenshot(number, typed["screenshot"])
        if typed["no_offer"]:
            if given["final"].strip() if "final" in given else False:
                self._problem("field.both", number, "no_offer", got=typed["no_offer"])
            return {**found, "status": NO_OFFER}
        for name in self.outcomes:
            value = self._tried(number, name, partial(self._outcome, name, given[name]))
            if value is not None:
                found[name] = value
            elif OUTCOMES[name] in {"price", "number"} and not given[name].strip():
                self._problem("field.cell_empty", number, name)
        return found

    def _outcome(self, name: str, cell: str) -> float | bool | None:
        if OUTCOMES[name] == "flag":
            return cells.flag(cell)
        return cells.amount(cell, self.spec.money.currency)

    def _screenshot(self, number: int, name: str) -> str | None:
        if self.screenshots is None:
            return None
        path = self.screenshots / Path(name).name
        if not name or not path.is_file():
            self._problem("field.no_screenshot", number, "screenshot", got=name or "–")
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def _tried(self, number: int, name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except UsageError as error:
            self._problem(error.message_id, number, name, **error.values)
            return None

    def _problem(self, message_id: str, number: int, name: str, /, **values: Any) -> None:
        self.problems.append(
            Problem(
                message_id=message_id, values=values, file=self.name, line=number, key=head(name)
            )
        )
