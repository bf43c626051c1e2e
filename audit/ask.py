"""Asking a wave: calls leave in the order of the design, and everything is on file before it counts.

The wave is split into calls, single trials or batches of whole blocks. The intents of a group of
calls are committed, the calls leave as the limits allow, their answers are handed to the journal,
and meanwhile the intents of the next group are committed, so that nobody waits for the disk.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count as counting
from math import ceil

import numpy as np

from ..errors import EvenhandError, EvidenceError, PausedError
from ..probes.design import FAILED, REASONS, Observed, Wave
from ..probes.protocol import Study
from .journal import GROUP, Call, Journal
from .limits import Pace, backoff
from .tally import Tally
from .target.protocol import Answers, Reply, Request, Target

LONGEST_WAIT = 300.0
"""Seconds: a vendor that asks for more is asked again by `resume`, not by a process that sleeps."""

_AHEAD = 4
_BATCHES_AHEAD = 3
_AT_LEAST = 16
_MOMENT = 0.05
_RATE = REASONS.index("rate")


async def ask(
    target: Target,
    study: Study,
    journal: Journal,
    number: int,
    wave: Wave,
    *,
    limits: Pace,
    attempts_left: int,
    rng: np.random.Generator,
    stop: asyncio.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> Observed:
    """Ask what is not on file yet of a wave that the journal has opened, and return its answers.

    A trial is asked again as long as its answer says that this can help, at most
    ``limits.attempts`` times; a call that was begun and whose answer is not on file is asked again
    and counted. When it returns, every trial has an answer on file; what is returned is what
    :func:`observed` would read there.

    Parameters
    ----------
    target : Target
    study : Study
    journal : Journal
    number : int
        Global number of the wave.
    wave : Wave
    limits : Pace
        Shared by all waves of a run.
    attempts_left : int
        Trials that may still be sent, repeats included; those beyond fail with ``"ceiling"``.
    rng : numpy.random.Generator
        For the jitter of waits; no answer depends on it.
    stop : asyncio.Event, optional
        When set, what is in flight is finished and written.
    progress : callable, optional
        Called with the number of trials that were just settled.

    Raises
    ------
    PausedError
        If stopped, if the vendor asks for a long wait, or if the journal cannot be written.
    """
    asking = _Asking(
        target=target,
        study=study,
        journal=journal,
        number=number,
        wave=wave,
        pace=limits,
        left=attempts_left,
        rng=rng,
        stop=stop or asyncio.Event(),
        progress=progress or _silent,
    )
    await asking.run()
    return asking.tally.observed()


def calls_of(wave: Wave, batch: int) -> list[tuple[int, int]]:
    """Return the calls (first, count) that a wave is split into: a function of the wave alone.

    Batches hold whole blocks; where a block is longer than a batch, or blocks lie across each
    other, they are cut. Sessions of several steps are asked trial by trial.

    Examples
    --------
    >>> wave = Wave.of_single_trials(item=np.zeros(6, int), block=[0, 0, 0, 1, 1, 1], again=[-1] * 6,
    ...     identity=[-1] * 6, arm=[0, 1, 2] * 2, persona=[0] * 6)
    >>> calls_of(wave, 4), len(calls_of(wave, 1))
    ([(0, 3), (3, 3)], 6)
    """
    n = len(wave)
    if batch == 1 or not wave.single or wave.stage.any():
        return [(place, 1) for place in range(n)]
    block = wave.trial_column("block")
    _, name = np.unique(block, return_inverse=True)
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, name, np.arange(n))
    reach = np.maximum.accumulate(last[name])
    ends = np.flatnonzero(reach == np.arange(n)) + 1
    out, start = [], 0
    while start < n:
        whole = ends[(ends > start) & (ends <= start + batch)]
        end = int(whole[-1]) if len(whole) else min(n, start + batch)
        out.append((start, end - start))
        start = end
    return out


def observed(journal: Journal, target: Target, number: int, wave: Wave) -> Observed:
    """Return the answers of a complete wave in the order of the design. Pure reading of the file.

    The last answer of a trial counts: where every attempt failed, that failure and its reason.

    Raises
    ------
    EvidenceError
        If a trial has no answer on file.
    """
    tally = Tally(number, wave)
    for call, reply in journal.replies(number):
        tally.take(call.first, _answers(target, call, reply))
    return tally.observed()


def _answers(target: Target, call: Call, reply: Reply) -> Answers:
    if reply.error == "ceiling":
        return _unasked(call.count)
    # what was sent is not stored: it is rendered again by whoever verifies, and not needed to read
    request = Request(wave=call.wave, first=call.first, count=call.count, body=b"", route="")
    return target.read(request, reply)


def _unasked(count: int) -> Answers:
    return Answers(
        kind=np.full(count, FAILED, dtype=np.int8),
        reason=np.full(count, REASONS.index("ceiling"), dtype=np.int8),
        values={},
    )


def _silent(_: int) -> None:
    """Report to nobody."""


@dataclass(slots=True)
class _Job:
    """Trials that are asked together, until they have a final answer."""

    first: int
    count: int
    begun: int = 0
    answered: int = 0
    chain: int = -1


@dataclass(slots=True)
class _Chain:
    """The steps of one block that must wait for each other."""

    waiting: deque[list[_Job]]
    open: int = 0


@dataclass(slots=True)
class _Asking:
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
    fresh: deque[_Job] = field(default_factory=deque)
    again: list[tuple[float, int, _Job]] = field(default_factory=list)
    chains: list[_Chain] = field(default_factory=list)
    ready: asyncio.Queue[tuple[int, _Job, Request] | None] = field(default_factory=asyncio.Queue)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    order: Iterator[int] = field(default_factory=counting)
    open: int = 0
    unanswered: int = 0
    window: int = 0
    share: int = 0
    halt: EvenhandError | None = None
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing answered."""
        self.tally = Tally(self.number, self.wave)

    async def run(self) -> None:
        """Ask until every trial is settled, or until something says stop."""
        self._plan()
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

    def _plan(self) -> None:
        """Find the calls that have no final answer on file."""
        jobs = [_Job(first, count) for first, count in calls_of(self.wave, self.target.batch)]
        at = {job.first: job for job in jobs}
        final: set[int] = set()
        for call, reply in self.journal.calls(self.number):
            job = at.get(call.first)
            if job is None or job.count != call.count:
                raise EvidenceError("journal.other_calls", number=self.number)
            job.begun = max(job.begun, call.attempt)
            if reply is not None and self._closes(job, call, reply):
                final.add(call.first)
        left = [job for job in jobs if job.first not in final]
        self.open = len(left)
        if self.wave.single and not self.wave.stage.any():
            self.fresh.extend(left)
        else:
            self._chained(left)

    def _closes(self, job: _Job, call: Call, reply: Reply) -> bool:
        said = _answers(self.target, call, reply)
        self.tally.take(call.first, said)
        job.answered += 1
        return not said.retry or job.answered >= self.pace.attempts

    def _chained(self, left: list[_Job]) -> None:
        """Let a step of a block leave only when the steps before it are settled."""
        wave = self.wave
        block = wave.trial_column("block").tolist()
        place: dict[int, int] = {}
        rank = []
        for session in wave.session.tolist():
            place[session] = place.get(session, -1) + 1
            rank.append(place[session])
        stage = wave.stage.tolist()
        levels: dict[int, dict[tuple[int, int], list[_Job]]] = {}
        for job in left:
            level = (stage[job.first], rank[job.first])
            levels.setdefault(block[job.first], {}).setdefault(level, []).append(job)
        for found in levels.values():
            chain = _Chain(deque(found[level] for level in sorted(found)))
            for jobs in chain.waiting:
                for job in jobs:
                    job.chain = len(self.chains)
            self.chains.append(chain)
            self._next_link(chain)

    def _next_link(self, chain: _Chain) -> None:
        if chain.waiting:
            jobs = chain.waiting.popleft()
            chain.open = len(jobs)
            self.fresh.extend(jobs)

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
        due = [job for when, _, job in self.again if when <= now]
        waiting = len(due) + len(self.fresh)
        if waiting and room >= min(waiting, self.share):
            await self._begin(self._taken(room, now))
            return
        pause = self.again[0][0] - now if self.again and not due else None
        self.wake.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), pause)

    def _taken(self, room: int, now: float) -> list[_Job]:
        """Take the jobs that go next, repeats first, as far as there is room and budget."""
        group: list[_Job] = []
        while len(group) < room:
            late = bool(self.again) and self.again[0][0] <= now
            if not late and not self.fresh:
                break
            job = self.again[0][2] if late else self.fresh[0]
            if job.count > self.left:
                break
            if late:
                heapq.heappop(self.again)
            else:
                self.fresh.popleft()
            self.left -= job.count
            group.append(job)
        return group

    async def _begin(self, group: list[_Job]) -> None:
        if not group:
            await self._give_up()
            return
        requests = [
            self.target.render(
                self.study, self.wave, self.number, slice(job.first, job.first + job.count)
            )
            for job in group
        ]
        calls = [
            Call(self.number, job.first, job.count, job.begun + 1, request.sha256())
            for job, request in zip(group, requests, strict=True)
        ]
        self.unanswered += len(group)
        ids = await asyncio.wrap_future(self.journal.intend(calls))
        for call, job, request in zip(ids, group, requests, strict=True):
            self.ready.put_nowait((call, job, request))

    async def _give_up(self) -> None:
        """End what the ceiling of attempts leaves: what was never answered fails for that reason."""
        ended = [*self.fresh, *(job for _, _, job in self.again)]
        ended += [job for chain in self.chains for jobs in chain.waiting for job in jobs]
        never = [(job.first, job.count) for job in ended if not job.answered]
        # emptied before the wait: calls under way may add to them meanwhile
        self.fresh.clear()
        self.again.clear()
        self.chains.clear()
        await asyncio.wrap_future(self.journal.close_out(self.number, never))
        for first, count in never:
            self.tally.take(first, _unasked(count))
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
            job.answered += 1
            if said.retry and job.answered < self.pace.attempts:
                self._later(job, said)
            else:
                self._settled(job)

    def _later(self, job: _Job, said: Answers) -> None:
        wait = max(said.wait, backoff(job.answered, self.rng, base=self.pace.backoff))
        if said.wait > LONGEST_WAIT:
            self.halt = PausedError("target.wait", seconds=round(said.wait))
        elif said.wait or said.reason[0] == _RATE:
            self.pace.hold(wait)
        when = asyncio.get_running_loop().time() + wait
        heapq.heappush(self.again, (when, next(self.order), job))
        self.wake.set()

    def _settled(self, job: _Job) -> None:
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
