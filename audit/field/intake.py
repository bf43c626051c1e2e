"""Taking in sheets: their answers go into the journal, each once; a correction is another version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from ...errors import Problem, UsageError
from ...probes.design import Wave
from ...probes.protocol import Study
from ..conduct import Turn
from ..folder import RunFolder
from ..journal import Call, Journal
from ..lock import wave_rng
from ..planfield import FieldTarget as FieldSpec
from ..run import Audit, reopen
from ..target.protocol import Reply, Target
from .ahead import turns
from .reading import Answered, Sheet, read_sheet
from .schedule import DRAW, Schedule, draw, keep, kept, read_testers
from .sheets import rows_of, write_sheets

WINDOW = "window"
"""Why a trial does not count whose block was asked outside its window; a reason of ``REASONS``."""
NEVER = "not-held"
"""Why a trial has no answer when the sheets are closed."""
FROM = "from"
"""The part of a body that says where it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A run by people, opened: its plan, its waves and who looks when."""

    audit: Audit
    folder: RunFolder
    spec: FieldSpec
    turns: tuple[Turn, ...]
    schedule: Schedule

    @property
    def study(self) -> Study:
        """What rows are rendered from."""
        return self.audit.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of taking in sheets.

    Parameters
    ----------
    new, corrected, unchanged : int
        Rows.
    late : int
        Rows outside their window, over all sheets so far.
    blocks_out : int
        Blocks that do not count for that.
    left : int
        Trials that nobody has brought back.
    sheets : tuple of str
        Those that were taken in.
    problems : tuple of Problem
        Of the others: a sheet with a mistake stays out, whole.
    """

    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    late: int = 0
    blocks_out: int = 0
    left: int = 0
    sheets: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def spec_of(audit: Audit) -> FieldSpec:
    """Return the target of a plan that sends out people.

    Raises
    ------
    UsageError
        If the plan asks something else.
    """
    spec = audit.plan.target
    if not isinstance(spec, FieldSpec):
        raise UsageError("field.not_field", kind=spec.kind)
    return spec


def print_sheets(run: Path, testers: Path, out: Path, *, xlsx: bool = False) -> list[Path]:
    """Draw who looks when, once, and write a sheet a tester.

    Every wave is stored and hashed before a sheet is written. Printing again gives the same sheets.

    Raises
    ------
    UsageError
        If the run does not send out people, the testers are others than before, or they and the
        windows do not suffice.
    """
    audit, folder = reopen(run)
    spec, people = spec_of(audit), read_testers(testers)
    waves, schedule = turns(audit.conduct()), kept(folder)
    if schedule is None:
        schedule = draw(
            waves,
            people,
            spec.windows,
            plan_sha256=audit.lock.plan_sha256,
            rng=wave_rng(audit.lock, DRAW),
        )
        with Journal.open(folder.journal) as journal:
            for turn in waves:
                journal.open_wave(turn.number, turn.question, turn.wave)
        keep(folder, schedule)
    elif schedule.consents != people:
        raise UsageError("field.other_testers", path=testers.name)
    rows = rows_of(schedule, waves, audit.target(offline=True), audit.asked, spec)
    return write_sheets(out, rows, spec, xlsx=xlsx)


def open_kit(run: Path) -> Kit:
    """Open a run whose sheets were printed.

    Raises
    ------
    UsageError
        If they were not.
    """
    audit, folder = reopen(run)
    spec, schedule = spec_of(audit), kept(folder)
    if schedule is None:
        raise UsageError("field.not_printed", path=str(run))
    return Kit(
        audit=audit,
        folder=folder,
        spec=spec,
        turns=tuple(turns(audit.conduct())),
        schedule=schedule,
    )


def check_sheets(
    run: Path, sheets: Sequence[Path], *, screenshots: Path | None = None
) -> list[Sheet]:
    """Read sheets and name what is wrong with them. Nothing is taken in."""
    kit = open_kit(run)
    return [read_sheet(path, kit.schedule, kit.spec, screenshots=screenshots) for path in sheets]


@dataclass(slots=True)
class _Filed:
    """The last answer to a trial that is on file, or is about to be."""

    attempt: int
    body: Mapping[str, Any]
    at: float
    error: str | None

    @property
    def seen(self) -> Mapping[str, Any]:
        """The body without where it came from."""
        return {name: value for name, value in self.body.items() if name != FROM}


@dataclass(slots=True)
class _Ledger:
    """What is on file of each wave, and what changes."""

    filed: dict[tuple[int, int], _Filed]
    blocks: Mapping[int, Sequence[int]]
    changed: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    @classmethod
    def of(cls, journal: Journal, waves: Iterable[Turn]) -> _Ledger:
        filed: dict[tuple[int, int], _Filed] = {}
        blocks: dict[int, Sequence[int]] = {}
        for turn in waves:
            blocks[turn.number] = _block(turn.wave)
            for call, reply in journal.replies(turn.number):
                if reply.body:
                    body = orjson.loads(reply.body)
                    key = (turn.number, call.first)
                    filed[key] = _Filed(call.attempt, body, reply.at, reply.error)
        return cls(filed, blocks)

    def block(self, key: tuple[int, int]) -> tuple[int, int]:
        return key[0], self.blocks[key[0]][key[1]]

    def out(self) -> set[tuple[int, int]]:
        """Return the blocks of which a row was outside its window."""
        return {self.block(key) for key, one in self.filed.items() if one.body[FROM]["late"]}

    def settle(self) -> None:
        """Mark every row of a block as its block is, and note which rows change by that."""
        out = self.out()
        for key, one in self.filed.items():
            error = WINDOW if self.block(key) in out else None
            if error != one.error:
                one.error = error
                self._again(key)

    def _again(self, key: tuple[int, int]) -> None:
        if key not in self.changed:
            self.filed[key].attempt += 1
            self.changed.add(key)

    def put(self, key: tuple[int, int], body: Mapping[str, Any], at: float) -> None:
        """Take in an answer: another version where there is one."""
        old = self.filed.get(key)
        attempt = 0 if old is None else old.attempt
        self.filed[key] = _Filed(attempt, body, at, None if old is None else old.error)
        self._again(key)


def _block(wave: Wave) -> Sequence[int]:
    found: list[int] = wave.trial_column("block").tolist()
    return found


def take_in(
    run: Path,
    sheets: Sequence[Path],
    *,
    screenshots: Path | None = None,
    reason: str = "",
    close: bool = False,
) -> Taken:
    """Take in sheets. A sheet with a mistake stays out, whole; taking one in again changes nothing.

    Parameters
    ----------
    run : Path
    sheets : sequence of Path
    screenshots : Path, optional
        Where the files lie that the sheets name.
    reason : str
        Why rows differ from those on file: a corrected sheet adds a version, with its reason.
    close : bool
        That nothing more will come: what was not brought back has failed.

    Raises
    ------
    UsageError
        If the sheets were not printed, a file is no sheet, or the plan wants screenshots and no
        folder is given.
    """
    kit = open_kit(run)
    if sheets and kit.spec.screenshots and screenshots is None:
        raise UsageError("field.screenshots_where")
    target = kit.audit.target(offline=True)
    done = Taken()
    with Journal.open(kit.folder.journal) as journal:
        ledger = _Ledger.of(journal, kit.turns)
        for path in sheets:
            sheet = read_sheet(path, kit.schedule, kit.spec, screenshots=screenshots)
            done = _one(done, ledger, sheet, reason)
        ledger.settle()
        _write(journal, ledger, kit, target)
        open_ = [
            (turn.number, ranges)
            for turn in kit.turns
            if (ranges := journal.unfinished(turn.number, len(turn.wave)))
        ]
        for number, ranges in open_ if close else ():
            journal.close_out(number, ranges, NEVER).result()
    left = 0 if close else sum(count for _, ranges in open_ for _, count in ranges)
    late = sum(bool(one.body[FROM]["late"]) for one in ledger.filed.values())
    return replace(done, late=late, blocks_out=len(ledger.out()), left=left)


def _one(done: Taken, ledger: _Ledger, sheet: Sheet, reason: str) -> Taken:
    """Put the answers of a sheet into the ledger, or say why it stays out."""
    changed, problems = list[Answered](), list(sheet.problems)
    fresh = list[Answered]()
    for one in sheet.answers:
        old = ledger.filed.get((one.place.wave, one.place.place))
        if old is None:
            fresh.append(one)
        elif (old.seen, old.at) != (one.values, one.at.timestamp()):
            changed.append(one)
            if not reason:
                problems.append(_changed(sheet, one))
    if problems:
        return replace(done, problems=(*done.problems, *problems))
    for one in (*fresh, *changed):
        ledger.put((one.place.wave, one.place.place), _body(sheet, one, reason), one.at.timestamp())
    return replace(
        done,
        new=done.new + len(fresh),
        corrected=done.corrected + len(changed),
        unchanged=done.unchanged + len(sheet.answers) - len(fresh) - len(changed),
        sheets=(*done.sheets, sheet.name),
    )


def _changed(sheet: Sheet, one: Answered) -> Problem:
    values = {"id": one.place.id}
    return Problem(message_id="field.changed", values=values, file=sheet.name, line=one.row)


def _body(sheet: Sheet, one: Answered, reason: str) -> dict[str, Any]:
    where = {
        "late": one.late,
        "reason": reason,
        "row": one.row,
        "sheet_sha256": sheet.sha256,
        "tester": one.place.tester,
        "trial": one.place.id,
    }
    return {**one.values, FROM: where}


def _write(journal: Journal, ledger: _Ledger, kit: Kit, target: Target) -> None:
    """Write what changes, intents before answers."""
    waves = {turn.number: turn.wave for turn in kit.turns}
    keys = sorted(ledger.changed)
    calls = []
    for number, place in keys:
        rows = slice(place, place + 1)
        sha256 = target.render(kit.study, waves[number], number, rows).sha256()
        calls.append(Call(number, place, 1, ledger.filed[number, place].attempt, sha256))
    for call, key in zip(journal.intend(calls).result(), keys, strict=True):
        one = ledger.filed[key]
        body = orjson.dumps(one.body, option=orjson.OPT_SORT_KEYS)
        journal.answer(call, Reply(status=200, body=body, at=one.at, error=one.error))
    journal.flush().result()
