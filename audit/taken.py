"""Annex A: how the evidence was taken, as far as the run folder and the tool can tell."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from .folder import RunFolder
from .journal import Journal
from .peer import noted
from .planrules import units
from .record import Record
from .run import Audit
from .target.protocol import Reply
from .verify import dumps

TAKEN = "taken.json"
"""What it is called in a bundle."""
_OFF = 3600
"""Seconds that offsets of clocks are counted up to: one that is further off is off."""


class Clock:
    """The vendor's clock beside ours, from the ``Date`` headers, in whole seconds and flat memory.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.see(Reply(headers={"date": "Thu, 01 Jan 1970 00:00:05 GMT"}, at=3.0, seconds=0.5))
    >>> clock.summary()
    {'answers': 1, 'median_seconds': 2, 'low_seconds': 2, 'high_seconds': 2}
    """

    def __init__(self) -> None:
        self._offsets: Counter[int] = Counter()
        self.first: float | None = None
        self.last: float | None = None

    def see(self, reply: Reply) -> None:
        """Take in an answer."""
        if not reply.at:
            return
        self.first = reply.at if self.first is None else min(self.first, reply.at)
        self.last = reply.at if self.last is None else max(self.last, reply.at)
        said = _seconds(reply.headers.get("date", ""))
        if said is not None:
            # a header is cut to whole seconds: half of one is what it lacks on average
            offset = round(said + 0.5 - (reply.at + reply.seconds))
            self._offsets[max(-_OFF, min(_OFF, offset))] += 1

    def summary(self) -> dict[str, int] | None:
        """Return how far the vendor's clock was ahead; None where no answer told."""
        total = self._offsets.total()
        if not total:
            return None
        seen = 0
        for offset in sorted(self._offsets):  # pragma: no branch - the counts reach their total
            seen += self._offsets[offset]
            if 2 * seen >= total:
                break
        return {
            "answers": total,
            "median_seconds": offset,
            "low_seconds": min(self._offsets),
            "high_seconds": max(self._offsets),
        }


@lru_cache(64)
def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def taken(
    audit: Audit,
    record: Record,
    clock: Clock,
    *,
    peer: Mapping[str, Any],
    operator: str,
    witness: str,
) -> dict[str, Any]:
    """Return annex A as data: no fractions, nothing that differs when it is made again.

    Parameters
    ----------
    audit : Audit
    record : Record
    clock : Clock
        That saw every answer.
    peer : mapping
        Who was asked, as it was noted before the first call; empty where it was not.
    operator, witness : str
        Who ran it and who watched; empty where nobody said.
    """
    money = audit.study.money
    return {
        "tool": _tool(),
        "money": {"currency": money.currency, "minor_units": max(units(money.currency).values())}
        if money
        else None,
        "address": record.content.setting.target["address"],
        "peer": peer or None,
        "clock": clock.summary(),
        "operator": operator or None,
        "witness": witness or None,
        "steps": [
            {"step": "locked", "sha256": audit.lock.sha256},
            *_answers(clock),
            {"step": "record", "sha256": record.content_sha256, "ended": record.run.ended},
        ],
    }


def seen(folder: RunFolder) -> dict[str, Any]:
    """Return what a report can say of how its evidence was taken: from the run folder alone.

    Returns
    -------
    dict
        The keys ``tool``, ``peer``, ``clock`` and the answers of ``steps``, as :func:`taken` has
        them; empty where the folder holds no answers.
    """
    if not folder.journal.is_file():
        return {}
    clock = Clock()
    with Journal.look(folder.journal) as journal:
        for wave in journal.waves():
            for _, reply in journal.calls(wave.number):
                if reply is not None:
                    clock.see(reply)
    said = {
        "tool": _tool(),
        "peer": noted(folder.path) or None,
        "clock": clock.summary(),
        "steps": _answers(clock),
    }
    return told(dumps(said))


class _Numbers(BaseModel):
    answers: int
    median_seconds: int
    low_seconds: int
    high_seconds: int


class _Peer(BaseModel):
    host: str
    addresses: list[str] = []
    certificate_sha256: str | None = None


class _Step(BaseModel):
    step: str
    at: int | None = None


class _Told(BaseModel):
    tool: dict[str, str]
    clock: _Numbers | None
    peer: _Peer | None
    steps: list[_Step]


def told(data: bytes) -> dict[str, Any]:
    """Return what a report can say from ``taken.json``, by whomever; empty where it is none.

    Examples
    --------
    >>> told(b'{"clock": "late"}')
    {}
    """
    try:
        return _Told.model_validate_json(data).model_dump()
    except ValidationError:
        return {}


def _tool() -> dict[str, str]:
    return {
        "evenhand": version("evenhand"),
        "source_sha256": source_sha256(),
        "python": platform.python_version(),
    }


def _answers(clock: Clock) -> list[dict[str, Any]]:
    return [
        {"step": "first answer", "at": _micro(clock.first)},
        {"step": "last answer", "at": _micro(clock.last)},
    ]


def _micro(at: float | None) -> int | None:
    return None if at is None else round(at * 1_000_000)


@cache
def source_sha256() -> str:
    """Return one hash over every file of the tool that is running, whoever installed it and how."""
    top = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(_sources(top), key=lambda path: path.relative_to(top).as_posix()):
        digest.update(path.relative_to(top).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(top: Path) -> list[Path]:
    wanted = (".py", ".toml", ".yaml", ".jinja", ".css", ".html", ".typ")
    folders = [top / name for name in ("audit", "datasets", "metrics", "probes", "reports")]
    own = [path for name in ("cli", "messages") for path in (top / name).rglob("*")]
    inside = [path for folder in folders for path in folder.rglob("*")]
    found = [*top.glob("*.py"), *own, *inside]
    return [path for path in found if path.suffix in wanted and path.is_file()]
