"""Who looks when: drawn once, from the lock.

The arms of a block go to different testers in the same window. Testers rotate over the arms: within
a group of k testers the next k blocks are a Latin square with its rows in random order, so that a
tester whose phone is always dearer is every arm once. That is drawing without replacement: for fixed
habits of testers the expected product of betting factors is at most that of independent draws
(Maclaurin's inequality), so no guarantee is lost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from ...datasets.frames import read_table
from ...errors import EvidenceError, UsageError
from ...probes.design import Wave
from ..conduct import Turn
from ..folder import RunFolder, disk, write
from ..planfield import Windows
from . import ids

FOLDER, FILE = "field", "schedule.json"
TESTER, CONSENT = "tester", "consent"
DRAW = -2
"""Number of the generator that the schedule is drawn from; waves count from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One row of a sheet: which trial (wave and place), who looks, in which window."""

    id: str
    wave: int
    place: int
    tester: str
    window: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All rows of an audit, and the consent of each tester by reference."""

    plan_sha256: str
    consents: dict[str, str]
    places: tuple[Place, ...]

    @property
    def mark(self) -> str:
        """What every id of the plan begins with."""
        return ids.plan_mark(self.plan_sha256)

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()


def read_testers(path: Path) -> dict[str, str]:
    """Return the testers' codes and their consents: columns ``tester`` and ``consent``, no other.

    Raises
    ------
    UsageError
        If there are other columns (names do not enter), a code comes twice, or a cell is empty.
    """
    table = read_table(path)
    if set(table.columns) != {TESTER, CONSENT}:
        raise UsageError("field.testers_columns", path=path.name, got=", ".join(table.columns))
    codes_ = [str(one).strip() for one in table.columns[TESTER].tolist()]
    consents = [str(one).strip() for one in table.columns[CONSENT].tolist()]
    if not codes_ or len(set(codes_)) < len(codes_) or not all((*codes_, *consents)):
        raise UsageError("field.testers_rows", path=path.name)
    return dict(zip(codes_, consents, strict=True))


def window_start(windows: Windows, number: int) -> datetime:
    """Return when a window begins.

    Examples
    --------
    >>> from evenhand.audit.planfield import Windows
    >>> two = Windows.model_validate({"first": "2026-12-01", "days": 2, "times": ["09:00", "18:30"]})
    >>> window_start(two, 3).isoformat()
    '2026-12-02T18:30:00+08:00'
    """
    day, turn = divmod(number, len(windows.times))
    clock = time.fromisoformat(sorted(windows.times)[turn])
    return datetime.combine(windows.first + timedelta(days=day), clock, ZoneInfo(windows.zone))


def inside(windows: Windows, number: int, moment: datetime) -> bool:
    """Whether a moment lies in a window."""
    start = window_start(windows, number)
    return start <= moment <= start + timedelta(minutes=windows.minutes)


def draw(
    turns: Sequence[Turn],
    testers: dict[str, str],
    windows: Windows,
    *,
    plan_sha256: str,
    rng: np.random.Generator,
) -> Schedule:
    """Draw who looks when.

    Parameters
    ----------
    turns : sequence of Turn
        All waves of the audit.
    testers : mapping of str to str
        Code → consent.
    windows : Windows
    plan_sha256 : str
    rng : numpy.random.Generator

    Raises
    ------
    UsageError
        If a block has more arms than there are testers, or the windows do not hold all blocks.
    """
    names = np.array(sorted(testers))
    total = sum(len(turn.wave) for turn in turns)
    if total > ids.MOST:
        raise UsageError("field.too_many", most=ids.MOST, got=total)
    numbers = iter(rng.permutation(max(total, 1)).tolist())
    mark, slot = ids.plan_mark(plan_sha256), 0
    found: list[Place] = []
    for turn in turns:
        rows, used = _of_wave(turn.wave, names, rng)
        for place, (tester, after) in enumerate(rows):
            one = Place(
                id=ids.trial_id(mark, next(numbers)),
                wave=turn.number,
                place=place,
                tester=tester,
                window=(slot + after) // windows.each,
            )
            found.append(one)
        slot += used
    room = windows.days * len(windows.times) * windows.each
    if slot > room:
        raise UsageError("field.too_few_windows", needed=slot, room=room, trials=total)
    return Schedule(plan_sha256=plan_sha256, consents=dict(testers), places=tuple(found))


def _of_wave(
    wave: Wave, names: np.ndarray, rng: np.random.Generator
) -> tuple[list[tuple[str, int]], int]:
    """Return the tester and the slot of each trial of a wave, and how many slots it takes."""
    blocks, arms = wave.trial_column("block"), wave.trial_column("arm")
    order, columns = np.unique(blocks), np.unique(arms)
    width = len(columns)
    if width > len(names):
        raise UsageError("field.too_few_testers", arms=width, got=len(names))
    groups = len(names) // width
    out: list[tuple[str, int]] = [("", 0)] * len(wave)
    slots = 0
    for begin in range(0, len(order), groups * width):
        dealt = rng.permutation(names)[: groups * width].reshape(groups, width)
        turned = np.array([rng.permutation(width) for _ in range(groups)])
        some = order[begin : begin + groups * width]
        for rank, block in enumerate(some.tolist()):
            row, group = divmod(rank, groups)
            for trial in np.flatnonzero(blocks == block).tolist():
                arm = int(np.searchsorted(columns, arms[trial]))
                seat = (arm + turned[group, row]) % width
                out[trial] = (str(dealt[group, seat]), slots + row)
        slots += -(-len(some) // groups)
    return out, slots


def kept(folder: RunFolder) -> Schedule | None:
    """Return the schedule of a run; None where none was drawn.

    Raises
    ------
    EvidenceError
        If the file is not a schedule.
    """
    path = folder.path / FOLDER / FILE
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_bytes())
        return Schedule(
            plan_sha256=str(data["plan_sha256"]),
            consents=dict(data["consents"]),
            places=tuple(Place(**one) for one in data["places"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise EvidenceError("errors.damaged", path=str(path)) from error


def keep(folder: RunFolder, schedule: Schedule) -> None:
    """Write a schedule into a run."""
    path = folder.path / FOLDER / FILE
    with disk(path):
        path.parent.mkdir(exist_ok=True, mode=0o700)
        write(path, schedule.to_bytes())
