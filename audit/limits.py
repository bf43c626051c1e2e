"""How hard a target is pressed: how many at once, how many a second, and how long until again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import numpy as np

from .planparts import Limits

BACKOFF_BASE, BACKOFF_CAP = 0.5, 30.0
"""Seconds: the first wait is up to the base, doubling with every attempt up to the cap."""

_BURST = 0.05
_NEVER = float("-inf")


class Bucket:
    """Lets `rate` go a second, evenly; never more than that in any window of one second.

    A rate below one lets one go every ``1 / rate`` seconds.

    Parameters
    ----------
    rate : float or None
        A second; None lets everything go at once.

    Examples
    --------
    >>> bucket = Bucket(2.0)
    >>> bucket.take(0.0), bucket.wait(0.0) > 0, bucket.wait(1.0)
    (None, True, 0.0)
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._most = max(1, int(rate)) if rate else 0
        self._window = max(1.0, 1.0 / rate) if rate else 0.0
        self._gap = 1.0 / rate if rate else 0.0
        self._gone: deque[float] = deque(maxlen=self._most or 1)
        self._due = _NEVER
        self._held = _NEVER

    @property
    def free(self) -> bool:
        """Whether nothing ever waits: no rate is set and nobody asked for a pause."""
        return not self.rate and self._held == _NEVER

    def wait(self, now: float) -> float:
        """Return how many seconds the next one must still wait."""
        until = self._held
        if self.rate:
            until = max(until, self._due - _BURST)
            if len(self._gone) == self._most:
                # asked as a difference, as an observer would: sums round the other way
                left = self._window - (now - self._gone[0])
                until = max(until, now + max(left, 1e-9)) if left > 0 else until
        return max(0.0, until - now)

    def take(self, now: float) -> None:
        """Let one go."""
        if self.rate:
            self._due = max(self._due, now) + self._gap
            self._gone.append(now)

    def hold(self, until: float) -> None:
        """Let none go before `until`: the vendor asked for it."""
        self._held = max(self._held, until)


class Pace:
    """The limits of a run, shared by everything that it asks.

    Parameters
    ----------
    rate : float, optional
        Most requests a second; default: as fast as they go.
    concurrency : int
        Most requests at once.
    attempts : int
        Most times that one trial is asked.
    backoff : float
        Seconds: the longest first wait before a trial is asked again.
    clock, sleep : callable
        Seconds that only grow, and a way to let them pass.
    """

    def __init__(
        self,
        *,
        rate: float | None = None,
        concurrency: int = 8,
        attempts: int = 4,
        backoff: float = BACKOFF_BASE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.concurrency = concurrency
        self.attempts = attempts
        self.backoff = backoff
        self.clock = clock
        self.sleep = sleep
        self.bucket = Bucket(rate)
        self._turn = asyncio.Lock()

    @classmethod
    def of(cls, limits: Limits, *, ceiling: float | None = None) -> Pace:
        """Return the pace of a plan, under the ceiling that its permission sets.

        Examples
        --------
        >>> Pace.of(Limits(requests_per_second=20), ceiling=5).bucket.rate
        5
        """
        rates = [rate for rate in (limits.requests_per_second, ceiling) if rate]
        return cls(
            rate=min(rates, default=None),
            concurrency=limits.concurrency,
            attempts=limits.attempts,
        )

    async def turn(self) -> None:
        """Wait until one more may leave, in the order of coming."""
        if self.bucket.free:
            return
        now = self.clock()
        if not self._turn.locked() and not self.bucket.wait(now):
            self.bucket.take(now)
            return
        async with self._turn:
            while left := self.bucket.wait(now := self.clock()):
                await self.sleep(left)
            self.bucket.take(now)

    def hold(self, seconds: float) -> None:
        """Let nothing leave for so long."""
        self.bucket.hold(self.clock() + seconds)


def backoff(
    attempt: int,
    rng: np.random.Generator,
    *,
    base: float = BACKOFF_BASE,
    cap: float = BACKOFF_CAP,
) -> float:
    """Return how many seconds to wait after failed attempt number `attempt`, counted from 1.

    Half of it is certain and half is chance, so that many who failed together do not come back
    together.

    Examples
    --------
    >>> 0.25 <= backoff(1, np.random.default_rng(1)) <= 0.5
    True
    """
    most = min(cap, base * 2.0 ** min(attempt - 1, 60))
    return float(most * (0.5 + 0.5 * rng.random()))
