"""The engine under :func:`evenhand.audit.ask.ask`: what is left, what leaves, what came back."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count as counting
from math import ceil

import numpy as np

from ..errors import EvenhandError, EvidenceError, PausedError, UsageError
from ..probes.design import FAILED, REASONS, Wave
from ..probes.protocol import Study
from .accounts import Accounts
from .jobs import Chain, Job, calls_of, chained
from .journal import GROUP, Call, Journal
from .limits import Pace, backoff
from .sessions import Session
from .tally import FORMAT, Tally, may_be_away, read, unasked
from .target.protocol import Answers, Reply, Request, Target, Walked
from .walks import PATIENCE, Walks, why_of

LONGEST_WAIT = 300.0
"""Seconds: a vendor that asks for more is asked again by `resume`, not by a process that sleeps."""

AWAY = "target.away"
"""Id of the message of a pause because nothing usable came."""

_AHEAD = 4
_BATCHES_AHEAD = 3
_AT_LEAST = 16
_MOMENT = 0.05
_RATE = REASONS.index("rate")


@dataclass(slots=True)
class Asking:
    """A wave on its way: see :func:`evenhand.audit.ask.ask` for what each part is."""

    target: Target
    study: Study
    journal: Journal
    number: int
    wave: Wave
    pace: Pace
    left: int
    rng: np.random.Generator
    stop: asyncio.Event
    progress: Callable[[int], None]
    orders_left: int
    accounts: Accounts | None
    fresh: deque[Job] = field(default_factory=deque)
    again: list[tuple[float, int, Job]] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    unopened: deque[Chain] = field(default_factory=deque)
    walks: Walks | None = None
    ready: asyncio.Queue[tuple[int, Job, Request] | None] = field(default_factory=asyncio.Queue)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    order: Iterator[int] = field(default_factory=counting)
    open: int = 0
    spent: bool = False
    unanswered: int = 0
    usable: int = 0
    window: int = 0
    share: int = 0
    halt: EvenhandError | None = None
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing answered."""
        self.tally = Tally(self.number, self.wave)
        if self.wave.single:
            return
        if not isinstance(self.target, Walked):
            raise UsageError("target.no_sessions")
        self.walks = Walks(
            target=self.target,
            study=self.study,
            journal=self.journal,
            number=self.number,
            wave=self.wave,
            pace=self.pace,
            rng=self.rng,
            tally=self.tally,
            orders_left=self.orders_left,
        )

    async def run(self) -> None:
        """Ask until every trial is settled, or until something says stop."""
        await self._plan()
        if not self.open:
            return
        self._measure()
        workers = min(self.pace.concurrency, self.window)
        tasks = [asyncio.ensure_future(self._work()) for _ in range(workers)]
        tasks.append(asyncio.ensure_future(self._feed(workers)))
        watch = asyncio.ensure_future(self._watch())
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(EvenhandError):
                await asyncio.wrap_future(self.journal.flush())
            raise
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        await asyncio.wrap_future(self.journal.flush())
        if self.walks is not None:
            await self.walks.release_all()
        if self.halt is not None:
            raise self.halt
        if self.open:
            raise PausedError("journal.stopped", number=self.number, count=self.open)

    def _measure(self) -> None:
        """Choose how many calls may be begun and unanswered, and how many make a group.

        Enough that a commit takes place while others are under way, few enough that a crash leaves
        little unknown: never more than :data:`GROUP`, under a rate limit only what leaves soon.
        """
        at_once, rate = self.pace.concurrency, self.pace.bucket.rate
        if self.target.batch > 1:
            self.window, self.share = _BATCHES_AHEAD, 1
            return
        self.window = min(GROUP, max(_AT_LEAST, _AHEAD * at_once))
        if rate:
            self.window = min(self.window, at_once + ceil(rate * _MOMENT))
        self.share = max(1, (self.window - at_once) // 2, self.window // 8 if not rate else 1)

    # ------------------------------------------------------------------ what is left to ask

    async def _plan(self) -> None:
        """Find what has no final answer on file."""
        left = self._calls_left() if self.walks is None else await self._walks_left(self.walks)
        self.open = len(left)
        if self.walks is None and not self.wave.stage.any():
            self.fresh.extend(left)
        else:
            self.chains = chained(self.wave, left)
            self.unopened.extend(self.chains)

    async def _walks_left(self, walks: Walks) -> list[Job]:
        return [
            Job(place, 1, session=session, goal=rank)
            for session in await walks.resume()
            for rank, place in enumerate(session.trials)
        ]

    def _calls_left(self) -> list[Job]:
        jobs = [Job(first, count) for first, count in calls_of(self.wave, self.target.batch)]
        at = {job.first: job for job in jobs}
        final: set[int] = set()
        doubtful: dict[int, Job] = {}
        for call, reply in self.journal.calls(self.number):
            job = at.get(call.first)
            if job is None or job.count != call.count:
                raise EvidenceError("journal.other_calls", number=self.number)
            job.begun = max(job.begun, call.attempt)
            if reply is None:
                continue
            said = read(self.target, self.wave, call, reply)
            self.tally.take(call.first, said)
            if not self._heard(job, said):
                final.add(call.first)
                if may_be_away(said, reply):
                    doubtful[call.first] = job
        final -= {first for first, job in doubtful.items() if self._away(job)}
        return [job for job in jobs if job.first not in final]

    def _heard(self, job: Job, said: Answers) -> bool:
        """Count an answer, and return whether to ask again."""
        job.answered += 1
        if said.kind[0] != FAILED:
            self.usable += 1
        elif job.faulted < 0:
            job.faulted = self.usable
        return said.retry and job.answered < self.pace.attempts

    def _away(self, job: Job) -> bool:
        """Whether nobody has been answered since a job first failed: then it says nothing of the job.

        One failure alone says nothing either way, and no question is asked for ever.
        """
        return (
            self.pace.attempts > 1
            and job.faulted == self.usable
            and job.answered < self.pace.attempts + PATIENCE
        )

    def _next_link(self, chain: Chain) -> None:
        """Let the next step of a block leave; sessions that are over take none."""
        while chain.waiting:
            jobs = chain.waiting.popleft()
            go = [job for job in jobs if job.session is None or not job.session.over]
            self.open -= len(jobs) - len(go)
            self.progress(len(jobs) - len(go))
            if go:
                chain.open = len(go)
                self.fresh.extend(go)
                return

    # ------------------------------------------------------------------ beginning calls

    async def _watch(self) -> None:
        await self.stop.wait()
        self.wake.set()

    async def _feed(self, workers: int) -> None:
        """Commit the intents of group after group while calls are under way."""
        try:
            while self.open and self.halt is None and not self.stop.is_set():
                await self._step()
        except EvenhandError as problem:
            self.halt = problem
        for _ in range(workers):
            self.ready.put_nowait(None)

    async def _step(self) -> None:
        now = asyncio.get_running_loop().time()
        room = self.window - self.unanswered
        while self.unopened and len(self.fresh) < room:
            # block after block: the steps of one should not be far apart
            self._next_link(self.unopened.popleft())
        if not self.open:
            return
        due = [job for when, _, job in self.again if when <= now]
        waiting = len(due) + len(self.fresh)
        if waiting and room >= min(waiting, self.share):
            await self._begin(self._taken(room, now))
            return
        pause = self.again[0][0] - now if self.again and not due else None
        self.wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), pause)

    def _taken(self, room: int, now: float) -> list[Job]:
        """Take the jobs that go next, repeats first, as far as there is room and budget."""
        group: list[Job] = []
        while len(group) < room:
            late = bool(self.again) and self.again[0][0] <= now
            if not late and not self.fresh:
                break
            job = self.again[0][2] if late else self.fresh[0]
            if job.count > self.left:
                self.spent = True
                break
            if late:
                heapq.heappop(self.again)
            else:
                self.fresh.popleft()
            if rest := self._rest(job):
                self._put_off(job, rest)
                continue
            self.left -= job.count
            group.append(job)
        return group

    def _rest(self, job: Job) -> float:
        """Return how long the account that asks must still be left alone."""
        if self.accounts is None or (job.session is not None and job.session.begun):
            return 0.0
        account = int(self.wave.identity[self.wave.session[job.first]])
        rest = self.accounts.rest(account) if account >= 0 else 0.0
        if account >= 0 and not rest:
            self.accounts.begin(account)
        return rest

    def _put_off(self, job: Job, rest: float) -> None:
        """Leave an account alone for a while; where that is long, it is for `resume`."""
        if rest > LONGEST_WAIT:
            until = datetime.now(UTC) + timedelta(seconds=rest)
            text = until.isoformat(timespec="seconds")
            self.halt = self.halt or PausedError("errors.not_until", until=text)
        when = asyncio.get_running_loop().time() + rest
        heapq.heappush(self.again, (when, next(self.order), job))

    async def _begin(self, group: list[Job]) -> None:
        if not group:
            if self.spent:
                await self._give_up()
            return
        if self.walks is None:
            asked = [(job, *self._call(job)) for job in group]
        else:
            asked = [(job, *one) for job in group if (one := self.walks.call(job.session))]
            for job in group if len(asked) < len(group) else ():
                await self._unpermitted(self.walks, job)
        self.unanswered += len(asked)
        ids = await asyncio.wrap_future(self.journal.intend([call for _, call, _ in asked]))
        for id_, (job, call, request) in zip(ids, asked, strict=True):
            job.first = call.first
            self.ready.put_nowait((id_, job, request))

    def _call(self, job: Job) -> tuple[Call, Request]:
        rows = slice(job.first, job.first + job.count)
        request = self.target.render(self.study, self.wave, self.number, rows)
        call = Call(self.number, job.first, job.count, job.begun + 1, request.sha256())
        return call, request

    async def _unpermitted(self, walks: Walks, job: Job) -> None:
        """End a session whose next step would be an order too many."""
        if job.session is not None and not job.session.flying:
            self.left += job.count
            await walks.end(job.session, "ceiling")
            self._settled(job)

    async def _give_up(self) -> None:
        """End what the ceiling of attempts leaves: what was never answered fails for that reason."""
        ended = [*self.fresh, *(job for _, _, job in self.again)]
        ended += [job for chain in self.chains for jobs in chain.waiting for job in jobs]
        never = [
            (job.first, job.count) for job in ended if job.session is None and not job.answered
        ]
        # emptied before the wait: calls under way may add to them meanwhile
        self.fresh.clear()
        self.again.clear()
        self.chains.clear()
        self.unopened.clear()
        await asyncio.wrap_future(self.journal.close_out(self.number, never))
        for first, count in never:
            self.tally.take(first, unasked(count, "ceiling"))
        for job in ended:
            if self.walks is not None and job.session is not None:
                await self.walks.end(job.session, "ceiling")
        for job in ended:
            job.chain = -1
            self._settled(job)

    # ------------------------------------------------------------------ calls under way

    async def _work(self) -> None:
        while (item := await self.ready.get()) is not None:
            call, job, request = item
            await self.pace.turn()
            reply = await self.target.send(request)
            said = self.target.read(request, reply)
            self.journal.answer(call, reply)
            self.tally.take(job.first, said)
            self.unanswered -= 1
            job.begun += 1
            again = self._heard(job, said)
            if self.walks is not None and job.session is not None:
                await self._walked(self.walks, job, job.session, said, reply)
            elif again:
                self._later(job, said)
            elif may_be_away(said, reply) and self._away(job):
                self._halted()
            else:
                self._settled(job)

    async def _walked(
        self, walks: Walks, job: Job, session: Session, said: Answers, reply: Reply
    ) -> None:
        """Go on with a session: to its next step, with the same, from the beginning, or not at all."""
        follows = walks.heard(job.first, said, reply)
        if follows == "end" and walks.away(session, said, reply):
            self._halted()
            return
        if follows == "end":
            await walks.end(session, why_of(said))
        if session.over:
            await walks.release(session.life)
        if session.over or session.at > job.goal:
            self._settled(job)
        elif follows == "on":
            self.fresh.appendleft(job)
            self.wake.set()
        else:
            if follows == "anew":
                await walks.begin_again(session)
            self._later(job, said)

    def _halted(self) -> None:
        """Stop asking: it is the vendor who is away, and what came to nothing is asked again later."""
        self.halt = self.halt or PausedError(AWAY)
        self.wake.set()

    def _later(self, job: Job, said: Answers) -> None:
        wait = 0.0
        if said.reason[0] != FORMAT:  # what cannot be read is no sooner read for waiting
            wait = max(said.wait, backoff(job.answered, self.rng, base=self.pace.backoff))
        if said.wait > LONGEST_WAIT:
            self.halt = PausedError("target.wait", seconds=round(said.wait))
        elif said.wait or said.reason[0] == _RATE:
            self.pace.hold(wait)
        when = asyncio.get_running_loop().time() + wait
        heapq.heappush(self.again, (when, next(self.order), job))
        self.wake.set()

    def _settled(self, job: Job) -> None:
        self.open -= 1
        self.progress(job.count)
        if job.chain >= 0 and self.chains:
            chain = self.chains[job.chain]
            chain.open -= 1
            if not chain.open:
                self._next_link(chain)
                self.wake.set()
        if not self.open or self.window - self.unanswered >= self.share:
            self.wake.set()
