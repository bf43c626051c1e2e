"""Walking sessions through their steps: what follows a reply, and letting go of what was held.

What a session is stands in :mod:`evenhand.audit.sessions`, as a function of the calls on file. Here
is what acts on it while a wave is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np

from ..errors import UsageError
from ..probes.design import FAILED, REASONS, Wave
from ..probes.protocol import Study
from .journal import Call, Journal
from .limits import Pace, backoff
from .sessions import Life, Next, Session, Sessions
from .tally import Tally, may_be_away, read, unasked
from .target.protocol import Answers, Reply, Request, Walked

_GONE = frozenset({404, 410})
_INTERRUPTED = "network"
PATIENCE = 3
"""How often what ended because a vendor was away is asked once more, by `resume`, before it fails."""


@dataclass(slots=True)
class Walks:
    """The sessions of a wave that is being asked.

    Parameters
    ----------
    target : Walked
    study : Study
    journal : Journal
    number : int
        Global number of the wave.
    wave : Wave
    pace : Pace
    rng : numpy.random.Generator
    tally : Tally
    orders_left : int
        Orders that may still be placed.
    """

    target: Walked
    study: Study
    journal: Journal
    number: int
    wave: Wave
    pace: Pace
    rng: np.random.Generator
    tally: Tally
    orders_left: int
    sessions: Sessions = field(init=False)
    _last: dict[int, tuple[Next, Answers, Reply]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin where nothing has been asked."""
        self.sessions = Sessions(self.wave, self.target.effects)

    # ------------------------------------------------------------------ what is on file

    async def resume(self) -> list[Session]:
        """Be where the calls on file left the sessions, and return those that are still to walk.

        What was interrupted begins again or ends, and what an ended life still holds is released.
        """
        self._replay()
        done = self.journal.releases(self.number)
        for session in self.sessions.all:
            if session.lives and not session.over:
                await self._interrupted(session)
            for life in session.lives:
                life.holds = [place for place in life.holds if (place, life.number) not in done]
                await self.release(life)
        return [session for session in self.sessions.all if not session.over]

    def _replay(self) -> None:
        for call, reply in self.journal.calls(self.number):
            place, session = call.first, self.sessions.of(call.first)
            if call.attempt:
                self.sessions.began(place, call.attempt)
                self.orders_left -= self.sessions.effect(place) == "order"
            if reply is None:
                continue
            said = read(self.target, self.wave, call, reply)
            self.tally.take(place, said)
            if call.attempt:
                self._last[session.trials[0]] = self.heard(place, said, reply), said, reply
            else:
                session.over = True

    async def _interrupted(self, session: Session) -> None:
        follows, said, reply = self._last.get(session.trials[0], ("on", None, None))
        known = said is not None and not session.flying
        session.flying = False
        if known and follows == "end" and said and reply and not self.away(session, said, reply):
            await self.end(session, why_of(said))
        elif session.can_begin_again:
            session.begin_again()
        else:
            await self.end(session, _INTERRUPTED)

    # ------------------------------------------------------------------ asking

    def call(self, session: Session | None) -> tuple[Call, Request] | None:
        """Return the next call of a session; None where it is an order too many."""
        if session is None:
            return None
        place, attempt = session.place, session.asked + 1
        if self.sessions.effect(place) == "order":
            if self.orders_left < 1:
                return None
            self.orders_left -= 1
        self.sessions.began(place, attempt)
        past = self.sessions.past(place)
        request = self.target.render_step(self.study, self.wave, self.number, place, past)
        return Call(self.number, place, 1, attempt, request.sha256()), request

    def heard(self, place: int, said: Answers, reply: Reply) -> Next:
        """Take in a reply, and return what follows."""
        replied = bool(reply.status)
        self.sessions.heard(place, said, replied=replied)
        return self.sessions.follows(place, said, replied=replied, attempts=self.pace.attempts)

    def away(self, session: Session, said: Answers, reply: Reply) -> bool:
        """Whether it is the vendor who is away, rather than a session that failed."""
        few = len(session.lives) < self.pace.attempts + PATIENCE
        could = few and session.can_begin_again and self.pace.attempts > 1
        return could and may_be_away(said, reply) and self.sessions.away(session)

    async def begin_again(self, session: Session) -> None:
        """Let another identity walk the same steps."""
        session.faults += 1
        life = session.life
        session.begin_again()
        await self.release(life)

    async def end(self, session: Session, why: str) -> None:
        """Ask nothing more of a session; what it has not been asked ends as its last step did."""
        if session.over:
            return
        left = [(place, 1) for place in session.close()]
        if left:
            await asyncio.wrap_future(self.journal.close_out(self.number, left, why))
        for place, count in left:
            self.tally.take(place, unasked(count, why))
        if not session.flying:  # else whoever takes in the reply releases
            await self.release(session.life)

    # ------------------------------------------------------------------ holds

    async def release_all(self) -> None:
        """Release what sessions hold that go no further now: they would begin again."""
        for session in self.sessions.all:
            for life in session.lives:
                await self.release(life)

    async def release(self, life: Life) -> None:
        """Release what a life holds, each at least once."""
        while life.holds:
            place = life.holds.pop()
            request = self._release_of(place, life)
            if request is not None:
                await self._let_go(place, life.number, request)

    def _release_of(self, place: int, life: Life) -> Request | None:
        past = life.past
        try:
            return self.target.render_release(self.study, self.wave, self.number, place, past)
        except UsageError:  # what the reply would have named never came
            return None

    async def _let_go(self, place: int, life: int, request: Request) -> None:
        journal, sha256 = self.journal, request.sha256()
        for attempt in range(1, self.pace.attempts + 1):
            await asyncio.wrap_future(journal.releasing(self.number, place, life, sha256))
            await self.pace.turn()
            reply = await self.target.send(request)
            if reply.error is None and (reply.status // 100 in {0, 2} or reply.status in _GONE):
                await asyncio.wrap_future(journal.released(self.number, place, life))
                return
            if attempt < self.pace.attempts:
                await asyncio.sleep(backoff(attempt, self.rng, base=self.pace.backoff))


def why_of(said: Answers) -> str:
    """Return why the rest of a session is not asked: its last step was refused, or failed so."""
    return REASONS[said.reason[0]] if said.kind[0] == FAILED else "refused"
