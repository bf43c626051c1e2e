"""What a journal says: waves, calls and answers, and how the target bore them. Nothing is written."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ..errors import EvidenceError
from ..probes.design import Wave
from .journalfile import Row, recognised, told
from .target.protocol import Reply

_FETCH = 1024
PAUSE = 60.0
"""Seconds without a call that count as a pause."""


@dataclass(frozen=True, slots=True)
class Call:
    """One message to the target. `attempt` counts from 1; 0 was never sent, for want of budget."""

    wave: int
    first: int
    count: int
    attempt: int
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A wave on file."""

    number: int
    question: str
    wave: Wave
    sha256: str


class Reading:
    """A journal as a reader sees it; a run may be writing it meanwhile."""

    path: Path
    _eyes: sqlite3.Connection

    def waves(self) -> list[Opened]:
        """Return every wave on file, by number.

        Raises
        ------
        EvidenceError
            If one is not what its hash says.
        """
        return list(self.each_wave())

    def each_wave(self) -> Iterator[Opened]:
        """Yield what :meth:`waves` returns, holding one at a time."""
        for (n,) in list(self._read("SELECT n FROM wave ORDER BY n")):
            ((number, question, sha256, data),) = self._read("SELECT * FROM wave WHERE n = ?", n)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise EvidenceError("journal.wave_damaged", number=number, path=str(self.path))
            yield Opened(number, question, Wave.from_bytes(data), sha256)

    def calls(self, wave: int) -> Iterator[tuple[Call, Reply | None]]:
        """Yield the calls of a wave in the order of asking, with their answers; None: unknown."""
        rows = self._read(
            "SELECT first, count, attempt, request_sha256, at, seconds, status, error, headers, body"
            " FROM call LEFT JOIN answer ON answer.call = call.id WHERE wave = ? ORDER BY id",
            wave,
        )
        text, kept = "{}", {}
        for first, count, attempt, sha256, at, seconds, status, error, headers, body in rows:
            reply = None
            if at is not None:
                if headers != text:  # neighbours mostly agree to the second
                    text, kept = headers, self._headers(headers)
                reply = Reply(
                    status=status, headers=kept, body=body, at=at, seconds=seconds, error=error
                )
            yield Call(wave, first, count, attempt, sha256), reply

    def _headers(self, text: str) -> dict[str, str]:
        try:
            found: dict[str, str] = dict(orjson.loads(text))
        except (ValueError, TypeError) as problem:
            raise EvidenceError("journal.not_a_journal", path=str(self.path)) from problem
        return found

    def replies(self, wave: int) -> Iterator[tuple[Call, Reply]]:
        """Yield the answered calls of a wave in the order of asking."""
        for call, reply in self.calls(wave):
            if reply is not None:
                yield call, reply

    def unfinished(self, wave: int, n_trials: int) -> list[tuple[int, int]]:
        """Return ranges (first, count) of trials that have no answer on file, in order."""
        rows = self._read(
            "SELECT DISTINCT first, count FROM call JOIN answer ON answer.call = call.id"
            " WHERE wave = ? ORDER BY first",
            wave,
        )
        out, place = [], 0
        for first, count in (*rows, (n_trials, 0)):
            if first > place:
                out.append((place, first - place))
            place = max(place, first + count)
        return out

    def releases(self, wave: int) -> set[tuple[int, int]]:
        """Return what is released: trial and life."""
        if not self._has_releases():
            return set()
        rows = self._read("SELECT place, life FROM release WHERE wave = ? AND done", wave)
        return {(place, life) for place, life in rows}

    def _has_releases(self) -> bool:
        ((there_,),) = self._read("SELECT count(*) FROM sqlite_schema WHERE name = 'release'")
        return bool(there_)

    def attempts(self) -> int:
        """Return how many trials were sent, repeats and those of unknown fate included."""
        ((total,),) = self._read("SELECT coalesce(sum(count), 0) FROM call WHERE attempt > 0")
        return int(total)

    def sent(self, wave: int) -> list[int]:
        """Return the first trial of each call of a wave that left, as often as it did."""
        return [
            first
            for (first,) in self._read(
                "SELECT first FROM call WHERE wave = ? AND attempt > 0 ORDER BY id", wave
            )
        ]

    def asked_since(self, wave: int, moment: float) -> list[tuple[int, float]]:
        """Return the first trial and the moment of each call of a wave that left since then."""
        return list(
            self._read(
                "SELECT first, at FROM call JOIN answer ON answer.call = call.id"
                " WHERE wave = ? AND at > ? ORDER BY at",
                wave,
                moment,
            )
        )

    def sent_since(self, moment: float) -> int:
        """Return how many requests were answered since `moment` (seconds since the epoch)."""
        ((total,),) = self._read("SELECT count(*) FROM answer WHERE at > ?", moment)
        return int(total)

    def began(self) -> float | None:
        """Return when the first request was sent, in seconds since the epoch."""
        ((first,),) = self._read("SELECT min(at) FROM answer WHERE at > 0")
        return None if first is None else float(first)

    def nth_since(self, moment: float, n: int) -> float | None:
        """Return when the n-th request after `moment` was sent, counted from 0."""
        rows = list(
            self._read("SELECT at FROM answer WHERE at > ? ORDER BY at LIMIT 1 OFFSET ?", moment, n)
        )
        return float(rows[0][0]) if rows else None

    def borne(self, wave: int) -> tuple[float, float]:
        """Return how the target bore a wave: median seconds, and the share of calls that failed.

        Failures are those of the vendor: no reply, a server's error, too many requests.
        """
        of_wave = "FROM answer JOIN call ON call.id = answer.call WHERE wave = ? AND at > 0"
        failed = "sum(error IS NOT NULL OR status >= 500 OR status = 429)"
        ((n, bad),) = self._read(f"SELECT count(*), {failed} {of_wave}", wave)
        if not n:
            return 0.0, 0.0
        ((middle,),) = self._read(
            f"SELECT seconds {of_wave} ORDER BY seconds LIMIT 1 OFFSET ?", wave, n // 2
        )
        return float(middle), bad / n

    def load(self) -> dict[str, float]:
        """Return how the target bore it: calls answered, their rate, median and longest seconds.

        Before is in the pilot. A pause is a minute or more in which nothing was asked. Not part of what is hashed: times differ from run to run.
        """
        asked = "FROM answer WHERE at > 0"
        ((n, first, last, longest),) = self._read(
            f"SELECT count(*), min(at), max(at + seconds), max(seconds) {asked}"
        )
        if not n:
            return {}
        ((middle,),) = self._read(
            f"SELECT seconds {asked} ORDER BY seconds LIMIT 1 OFFSET ?",
            n // 2,
        )
        return {
            "calls_answered": float(n),
            "requests_per_second_reached": n / max(last - first, 1e-9),
            "latency_median": middle,
            "latency_before": self.borne(0)[0],
            "latency_longest": longest,
            "pauses": self._pauses(),
            **self._released(),
        }

    def _pauses(self) -> float:
        ((n,),) = self._read(
            "SELECT count(*) FROM (SELECT at - lag(at + seconds) OVER (ORDER BY at) AS gap"
            " FROM answer WHERE at > 0) WHERE gap >= ?",
            PAUSE,
        )
        return float(n)

    def _released(self) -> dict[str, float]:
        if not self._has_releases():
            return {}
        ((sent, open_),) = self._read("SELECT sum(attempts), sum(1 - done) FROM release")
        return {"releases_sent": float(sent or 0), "holds_left": float(open_ or 0)}

    def _read(self, query: str, *values: Any) -> Iterator[Row]:
        try:
            cursor = self._eyes.execute(query, values)
            while rows := cursor.fetchmany(_FETCH):
                yield from rows
        except sqlite3.Error as problem:
            raise told(problem, self.path) from problem

    def _check(self) -> None:
        recognised(self._eyes, self.path)
