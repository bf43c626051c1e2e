"""A second reader: some of the screenshots, drawn by lot, read again by somebody else."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from ...datasets.frames import decode
from ...errors import UsageError
from ...messages import both
from ..annex import add
from ..folder import disk, write
from ..journal import Journal
from ..lock import wave_rng
from ..planfield import NO_OFFER
from ..target.outcomes import OUTCOMES
from ..target.read import outcome_paths
from . import cells, ids
from .intake import FROM, Kit, open_kit
from .sheets import head

DRAW = -3
"""Number of the generator that the screenshots are drawn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two readers agree: rows read twice, rows alike, and the ids of the others."""

    read: int
    alike: int
    differ: tuple[str, ...]


def draw_second(run: Path, share: float, out: Path) -> int:
    """Write a sheet for a second reader: a share of the screenshots, without the first reading.

    Raises
    ------
    UsageError
        If no row on file has a screenshot.
    """
    kit = open_kit(run)
    filed = {key: body for key, body in _filed(kit).items() if body.get("screenshot")}
    if not filed:
        raise UsageError("field.nothing_to_read")
    keys = sorted(filed)
    wanted = math.ceil(share * len(keys))
    drawn = wave_rng(kit.audit.lock, DRAW).permutation(len(keys))[:wanted]
    names = _names(kit)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(head, names))
    for place in sorted(drawn.tolist()):
        body = filed[keys[place]]
        writer.writerow([body[FROM]["trial"], body["screenshot"], *[""] * (len(names) - 2)])
    with disk(out):
        write(out, text.getvalue().encode("utf-8-sig"))
    return wanted


def _names(kit: Kit) -> tuple[str, ...]:
    return ("id", "screenshot", *outcome_paths(kit.spec.response), "no_offer")


def _filed(kit: Kit) -> dict[tuple[int, int], Mapping[str, Any]]:
    """Return the last body on file of each trial."""
    with Journal.look(kit.folder.journal) as journal:
        return {
            (turn.number, call.first): orjson.loads(reply.body)
            for turn in kit.turns
            for call, reply in journal.replies(turn.number)
            if reply.body
        }


def record_second(run: Path, sheet: Path, *, by: str) -> Agreement:
    """Compare a second reading with the first, and note in the annex how far they agree.

    Raises
    ------
    UsageError
        If the run has no record yet, or a row is none that was drawn or cannot be read.
    """
    kit = open_kit(run)
    first = {str(body[FROM]["trial"]): body for body in _filed(kit).values()}
    table = list(csv.reader(io.StringIO(decode(sheet.read_bytes(), sheet.name), newline="")))
    names, rows = _names(kit), table[1:]
    differ = []
    for row in rows:
        given = dict(zip(names, row, strict=False))
        name = ids.normal(given.get("id", ""))
        if name not in first:
            raise UsageError("field.id_mistyped", got=given.get("id", ""), mark=kit.schedule.mark)
        if _reading(kit, given) != _first(kit, first[name]):
            differ.append(name)
    found = Agreement(read=len(rows), alike=len(rows) - len(differ), differ=tuple(sorted(differ)))
    words = both("field.agreed", read=found.read, alike=found.alike)
    add(
        kit.folder,
        kind="note",
        by=by,
        words=f"{words['zh']} {words['en']}",
        more={"second_reading": {**asdict(found), "differ": list(found.differ)}},
    )
    return found


def _reading(kit: Kit, given: Mapping[str, str]) -> Mapping[str, Any]:
    if given.get("no_offer", "").strip():
        return {"status": NO_OFFER}
    return {
        name: _value(kit, name, given.get(name, "")) for name in outcome_paths(kit.spec.response)
    }


def _value(kit: Kit, name: str, cell: str) -> float | bool:
    if OUTCOMES[name] == "flag":
        return cells.flag(cell)
    return cells.amount(cell, kit.spec.money.currency) or 0.0


def _first(kit: Kit, body: Mapping[str, Any]) -> Mapping[str, Any]:
    if body.get("status") == NO_OFFER:
        return {"status": NO_OFFER}
    return {name: body.get(name, 0.0) for name in outcome_paths(kit.spec.response)}
