from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.audit.limits import BACKOFF_CAP, Bucket, Pace, backoff
from evenhand.audit.planparts import Limits


def driven(rate: float, gaps: list[float], start: float) -> list[float]:
    """Return when each of many left: each comes a gap after the one before it, or waits."""
    bucket, now, left = Bucket(rate), start, []
    for gap in gaps:
        now += gap
        while wait := bucket.wait(now):
            now += wait
        bucket.take(now)
        left.append(now)
    return left


@given(
    rate=st.floats(0.2, 60),
    gaps=st.lists(st.floats(0, 1.5) | st.just(0.0), min_size=1, max_size=150),
    start=st.floats(0, 1e6),
)
def test_no_window_of_a_second_holds_more_than_the_rate(rate, gaps, start):
    times = np.array(driven(rate, gaps, start))
    window, most = (1.0, int(rate)) if rate >= 1 else (1.0 / rate, 1)
    for place in range(len(times) - most):
        assert times[place + most] - times[place] >= window


@given(rate=st.integers(1, 50))
def test_the_rate_is_reached(rate):
    times = driven(float(rate), [0.0] * (rate * 4), 0.0)
    assert times[-1] <= 4.0


def test_a_hold_lets_nothing_leave():
    bucket = Bucket(None)
    assert bucket.free
    bucket.hold(5.0)
    bucket.hold(3.0)
    assert not bucket.free
    assert bucket.wait(2.0) == pytest.approx(3.0)
    assert bucket.wait(5.0) == 0


def test_turns_are_taken_in_the_order_of_coming():
    order, clock = [], [0.0]

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    async def main() -> None:
        pace = Pace(rate=2, clock=lambda: clock[0], sleep=sleep)

        async def one(name: int) -> None:
            await pace.turn()
            order.append((name, clock[0]))

        await asyncio.gather(*(one(name) for name in range(5)))

    asyncio.run(main())
    assert [name for name, _ in order] == list(range(5))
    assert order[-1][1] >= 2.0


@given(attempt=st.integers(1, 10**6), seed=st.integers(0, 2**32))
def test_waits_double_up_to_a_cap_and_half_of_each_is_chance(attempt, seed):
    wait = backoff(attempt, np.random.default_rng(seed))
    most = min(BACKOFF_CAP, 0.5 * 2 ** min(attempt - 1, 20))
    assert most / 2 <= wait <= most


def test_the_permission_is_a_ceiling_over_the_plan():
    limits = Limits(requests_per_second=20, concurrency=3, attempts=2)
    pace = Pace.of(limits, ceiling=5)
    assert (pace.bucket.rate, pace.concurrency, pace.attempts) == (5, 3, 2)
    assert Pace.of(Limits(), ceiling=7).bucket.rate == 7
    assert Pace.of(Limits()).bucket.rate is None
