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

from .planrules import units
from .record import Record
from .run import Audit
from .target.protocol import Reply

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
        "tool": {
            "evenhand": version("evenhand"),
            "source_sha256": source_sha256(),
            "python": platform.python_version(),
        },
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
            {"step": "first answer", "at": _micro(clock.first)},
            {"step": "last answer", "at": _micro(clock.last)},
            {"step": "record", "sha256": record.content_sha256, "ended": record.run.ended},
        ],
    }


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
    wanted = (".py", ".toml", ".yaml", ".jinja", ".css", ".html")
    folders = [top / name for name in ("audit", "datasets", "metrics", "probes", "reports")]
    own = [path for name in ("cli", "messages") for path in (top / name).rglob("*")]
    inside = [path for folder in folders for path in folder.rglob("*")]
    found = [*top.glob("*.py"), *own, *inside]
    return [path for path in found if path.suffix in wanted and path.is_file()]
