"""Notice that a target has stopped answering, before a run wastes its attempts on a closed door."""

from __future__ import annotations

import asyncio
from collections import Counter
from http import HTTPStatus

from ..probes.design import FAILED, REASONS, Wave
from ..probes.protocol import Study
from .target.protocol import Answers, Effect, Past, Reply, Request, Target, Walked

IN_A_ROW = 24
"""Calls that fail one after another, beyond those that were under way at once, before a run stops.

A vendor that fails at random in half of its answers does so once in 16 million times.
"""
_NOT_HELD = REASONS.index("not-held")
_PHRASES = {
    status.value: status.phrase for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST
}
_SHOWN = 80
BATCHES_IN_A_ROW = 3
"""The same where a call is a batch: fewer than the attempts that each is given by default."""


class Vigil:
    """A target that is watched while it is asked: sets `stop` when nothing but failures comes.

    What is read from the file, and was not sent just now, is not counted.

    Parameters
    ----------
    target : Target
    stop : asyncio.Event
        Set when the target is taken to be out of reach: what is in flight is still taken in.
    concurrency : int
        Calls that may be under way at once, and so fail together.

    Attributes
    ----------
    answered : int
        Calls that brought something.
    reasons : collections.Counter
        Why calls failed since something was last brought.
    """

    def __init__(self, target: Target, stop: asyncio.Event, *, concurrency: int) -> None:
        self.target = target
        self.batch = target.batch
        self.stop = stop
        self.most = BATCHES_IN_A_ROW if target.batch > 1 else IN_A_ROW + concurrency
        self.answered = 0
        self.reasons: Counter[str] = Counter()
        self._sent: Reply | None = None

    @property
    def gone(self) -> bool:
        """Whether the target is taken to be out of reach."""
        return self.reasons.total() >= self.most

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the request for some trials, as the target renders it."""
        return self.target.render(study, wave, number, rows)

    async def send(self, request: Request) -> Reply:
        """Send it."""
        reply = await self.target.send(request)
        # whoever asked reads it before anybody else's reply comes: both are one step of the loop
        self._sent = reply
        return reply

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the reply says, and count it if it came just now."""
        said = self.target.read(request, reply)
        if reply is self._sent:
            self._sent = None
            self._count(said, request, reply)
        return said

    def _count(self, said: Answers, request: Request, reply: Reply) -> None:
        # a log that does not hold what is asked is there all the same
        if (said.kind != FAILED).any() or (said.reason == _NOT_HELD).any():
            self.answered += 1
            self.reasons.clear()
            return
        self.reasons[_told(REASONS[said.reason[0]], request, reply)] += 1
        if self.gone:
            self.stop.set()

    async def close(self) -> None:
        """Let go of the target."""
        await self.target.close()


def _told(reason: str, request: Request, reply: Reply) -> str:
    """Return a failure as people meet it: not “format” where it is 404 Not Found at /quote."""
    phrase = _PHRASES.get(reply.status)
    if reason != "format" or phrase is None:
        return reason
    path = request.route.partition(" ")[2].partition("?")[0]
    return f"{reply.status} {phrase} at {path[:_SHOWN]}"


class WalkedVigil(Vigil):
    """The same for a target whose identities live through several steps."""

    target: Walked

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each step does to the vendor."""
        return self.target.effects

    def render_step(self, study: Study, wave: Wave, number: int, place: int, past: Past) -> Request:
        """Return the request of a session with a past, as the target renders it."""
        return self.target.render_step(study, wave, number, place, past)

    def render_release(
        self, study: Study, wave: Wave, number: int, place: int, past: Past
    ) -> Request | None:
        """Return what lets go of a hold, as the target renders it."""
        return self.target.render_release(study, wave, number, place, past)


def watching(target: Target, stop: asyncio.Event, *, concurrency: int) -> Vigil:
    """Return a target that is watched while it is asked."""
    kind = WalkedVigil if isinstance(target, Walked) else Vigil
    return kind(target, stop, concurrency=concurrency)
