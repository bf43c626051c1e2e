from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp import web
from tests.audit.harness import asked, http_spec, in_loop, make_study, make_wave, opened, serving

from evenhand.audit.ask import ask, calls_of, observed
from evenhand.audit.journal import GROUP, Call, Journal
from evenhand.audit.limits import Pace
from evenhand.audit.plan import PythonTarget
from evenhand.audit.target.protocol import Answers, Effect, Past, Reply, Request
from evenhand.errors import EvidenceError, PausedError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, Observed, Wave, codes
from evenhand.probes.protocol import Study


class Scripted:
    """A target in memory whose replies a function makes; it counts what it was asked."""

    def __init__(
        self,
        script: Any,
        *,
        batch: int = 1,
        again: Collection[str] = ("network", "rate"),
    ) -> None:
        self.again = again
        self.batch = batch
        self.script = script
        self.sent: list[int] = []
        self.under_way = 0
        self.most_under_way = 0

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        del study, wave
        count = rows.stop - rows.start
        return Request(wave=number, first=rows.start, count=count, body=b"{}", route="memory")

    def render_step(self, study: Study, wave: Wave, number: int, place: int, past: Past) -> Request:
        del past
        return self.render(study, wave, number, slice(place, place + 1))

    def render_release(self, *_: object) -> None:
        pass

    @property
    def effects(self) -> tuple[Effect, ...]:
        return ("none",)

    async def send(self, request: Request) -> Reply:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.sent.append(request.first)
        reply: Reply = await self.script(request, self.sent.count(request.first))
        self.under_way -= 1
        return reply

    def read(self, request: Request, reply: Reply) -> Answers:
        failed = reply.error is not None
        n = request.count
        return Answers(
            kind=np.full(n, FAILED if failed else ANSWERED, dtype=np.int8),
            reason=np.full(n, REASONS.index(reply.error or ""), dtype=np.int8),
            values={"final": np.full(n, np.nan if failed else float(reply.body))},
            retry=reply.error in self.again,
            wait=float(reply.headers.get("wait", 0)),
        )

    async def close(self) -> None:
        pass


async def echo(request: Request, _: int) -> Reply:
    await asyncio.sleep(0)
    return Reply(body=str(request.first).encode())


def test_every_trial_is_asked_once_and_read_in_the_order_of_the_design(tmp_path):
    wave, target = make_wave(100), Scripted(echo)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, wave))
        assert sorted(target.sent) == list(range(300))
        assert journal.attempts() == 300
    np.testing.assert_array_equal(seen.values["final"], np.arange(300.0))
    assert not seen.kind.any()


def test_concurrency_is_used_and_never_exceeded(tmp_path):
    async def slow(request: Request, _: int) -> Reply:
        await asyncio.sleep(0.002)
        return Reply(body=str(request.first).encode())

    target = Scripted(slow)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(target, journal, make_wave(30), limits=Pace(concurrency=7)))
    assert target.most_under_way == 7


def test_no_call_leaves_before_its_intent_is_on_file_and_few_are_ever_unknown(tmp_path):
    unknown: list[int] = []

    async def look(request: Request, _: int) -> Reply:
        with Journal.look(tmp_path / "j.sqlite") as other:
            on_file = list(other.calls(0))
        assert request.first in {call.first for call, _ in on_file}
        unknown.append(sum(reply is None for _, reply in on_file))
        return Reply(body=b"1")

    with Journal.create(tmp_path / "j.sqlite") as journal:
        target = Scripted(look)
        in_loop(lambda: asked(target, journal, make_wave(150), limits=Pace(concurrency=64)))
    assert len(unknown) == 450
    assert 1 <= max(unknown) <= GROUP


def test_a_failure_that_may_pass_is_asked_again_and_the_last_answer_counts(tmp_path):
    async def second_time(_: Request, times: int) -> Reply:
        return Reply(body=b"7") if times == 2 else Reply(error="network")

    target = Scripted(second_time)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, make_wave(5)))
        assert [call.attempt for call, _ in journal.replies(0)].count(2) == 15
        assert journal.attempts() == 30
    assert (seen.values["final"] == 7).all()


def test_attempts_end_with_the_failure_and_its_reason(tmp_path):
    async def never_some(request: Request, times: int) -> Reply:
        if request.first < 6:
            return Reply(error="network")
        await asyncio.sleep(0.01 if times == 1 else 0)
        return Reply(body=b"1")

    target = Scripted(never_some)
    pace = Pace(concurrency=4, attempts=3, backoff=0.001)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, make_wave(20), limits=pace))
    assert Counter(target.sent) == {place: 3 if place < 6 else 1 for place in range(60)}
    assert (seen.kind[:6] == FAILED).all()
    assert not seen.kind[6:].any()
    assert {REASONS[code] for code in seen.reason[:6]} == {"network"}


def test_a_vendor_who_dies_on_the_last_trials_does_not_make_them_fail(tmp_path):
    alive = [True]

    async def dying(request: Request, _: int) -> Reply:
        if request.first >= 20 and not alive[0]:
            return Reply(error="network")
        return Reply(body=b"7")

    target, wave = Scripted(dying), make_wave(8)
    pace = Pace(concurrency=2, attempts=2, backoff=0.001)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        alive[0] = False
        for _ in range(2):
            with pytest.raises(PausedError) as told:
                in_loop(lambda: asked(target, journal, wave, limits=pace))
            assert told.value.message_id == "target.away"
        alive[0] = True
        seen = in_loop(lambda: asked(target, journal, wave, limits=pace))
    assert not seen.kind.any()


def test_no_question_is_asked_for_ever(tmp_path):
    async def never(_: Request, __: int) -> Reply:
        return Reply(error="network")

    target, wave = Scripted(never), make_wave(1)
    pace = Pace(concurrency=1, attempts=2, backoff=0.001)
    pauses = 0
    with Journal.create(tmp_path / "j.sqlite") as journal:
        while True:
            try:
                seen = in_loop(lambda: asked(target, journal, wave, limits=pace))
            except PausedError:
                pauses += 1
            else:
                break
    assert pauses > 0
    assert (seen.kind == FAILED).all()


@pytest.mark.parametrize(("reason", "waits"), [("format", False), ("network", True)])
def test_there_is_a_wait_only_where_waiting_can_help(tmp_path, reason, waits):
    when: list[float] = []

    async def second_time(_: Request, times: int) -> Reply:
        when.append(asyncio.get_running_loop().time())
        return Reply(body=b"7") if times == 2 else Reply(error=reason)

    target = Scripted(second_time, again={"network", "format"})
    one = Wave.of_single_trials(
        item=codes([0]), block=[0], again=[-1], identity=[-1], arm=[0], persona=[0]
    )
    pace = Pace(concurrency=1, attempts=3, backoff=0.5)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, one, limits=pace))
    assert seen.values["final"].tolist() == [7.0]
    # the least wait is half of the backoff
    assert (when[1] - when[0] >= 0.25) is waits


def test_a_failure_that_cannot_pass_is_not_asked_again(tmp_path):
    async def closed(_: Request, __: int) -> Reply:
        return Reply(error="auth")

    target = Scripted(closed)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(target, journal, make_wave(4)))
    assert len(target.sent) == 12


def test_the_ceiling_ends_what_is_open_and_resume_does_not_reopen_it(tmp_path):
    target = Scripted(echo)
    wave = make_wave(10)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, wave, attempts_left=17))
        assert journal.attempts() == 17
        again = in_loop(lambda: asked(target, journal, wave))
        assert journal.unfinished(0, 30) == []
    assert len(target.sent) == 17
    assert Counter(seen.kind.tolist()) == {ANSWERED: 17, FAILED: 13}
    assert {REASONS[code] for code in seen.reason[seen.kind == FAILED]} == {"ceiling"}
    np.testing.assert_array_equal(seen.kind, again.kind)


def test_retries_count_towards_the_ceiling(tmp_path):
    async def never(_: Request, __: int) -> Reply:
        return Reply(error="network")

    target = Scripted(never)
    pace = Pace(concurrency=1, attempts=4, backoff=0.001)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, make_wave(1), limits=pace, attempts_left=8))
        assert journal.attempts() == len(target.sent) == 8
    assert {REASONS[code] for code in seen.reason} == {"network"}


def test_stop_finishes_what_is_in_flight_and_resume_asks_only_the_rest(tmp_path):
    stop = asyncio.Event()
    wave = make_wave(100)

    async def stopping(request: Request, _: int) -> Reply:
        if len(target.sent) == 50:
            stop.set()
        await asyncio.sleep(0.001)
        return Reply(body=str(request.first).encode())

    target = Scripted(stopping)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(PausedError) as told:
            in_loop(lambda: asked(target, journal, wave, stop=stop))
        assert told.value.message_id == "journal.stopped"
        assert told.value.text("zh") != told.value.text("en")
        done = sum(1 for _ in journal.replies(0))
        assert 50 <= done < 300
        assert done == journal.attempts() == len(target.sent)
    with Journal.open(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, wave))
    assert sorted(target.sent) == list(range(300))
    np.testing.assert_array_equal(seen.values["final"], np.arange(300.0))


def test_a_call_of_unknown_fate_is_asked_again_and_counted(tmp_path):
    wave = make_wave(2)
    target = Scripted(echo)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        journal.open_wave(0, "pricing.twins", wave)
        one, _ = journal.intend([Call(0, 0, 1, 1, b""), Call(0, 1, 1, 1, b"")]).result()
        journal.answer(one, Reply(body=b"0"))
        journal.flush().result()
        seen = in_loop(lambda: asked(target, journal, wave))
        assert journal.attempts() == 7
        attempts = {call.first: call.attempt for call, _ in journal.replies(0)}
    assert 0 not in target.sent
    assert attempts[1] == 2
    np.testing.assert_array_equal(seen.values["final"], np.arange(6.0))


def test_unknown_fates_do_not_use_up_the_attempts_of_a_trial(tmp_path):
    wave = make_wave(1)
    target = Scripted(echo)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        journal.open_wave(0, "pricing.twins", wave)
        for attempt in range(1, 9):
            journal.intend([Call(0, 0, 1, attempt, b"")]).result()
        seen = in_loop(lambda: asked(target, journal, wave))
    assert seen.values["final"][0] == 0


def test_a_long_wait_pauses_the_run(tmp_path):
    async def tomorrow(_: Request, __: int) -> Reply:
        return Reply(error="rate", headers={"wait": "86400"})

    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(PausedError) as told:
            in_loop(lambda: asked(Scripted(tomorrow), journal, make_wave(50)))
        assert told.value.message_id == "target.wait"
        assert sum(1 for _ in journal.replies(0)) == journal.attempts()


def test_a_vendor_that_says_too_many_is_left_alone_for_a_while(tmp_path):
    passed: list[float] = []

    async def no_sleep(seconds: float) -> None:
        passed.append(seconds)
        clock[0] += seconds

    clock = [0.0]
    pace = Pace(concurrency=1, attempts=2, backoff=0.001, clock=lambda: clock[0], sleep=no_sleep)

    async def once(request: Request, times: int) -> Reply:
        if request.first == 0 and times == 1:
            return Reply(error="rate", headers={"wait": "0.05"})
        return Reply(body=b"1")

    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(Scripted(once), journal, make_wave(2), limits=pace))
    assert passed
    assert passed[0] == pytest.approx(0.05)
    assert (seen.values["final"] == 1).all()


def test_a_full_disk_pauses_loses_nothing_on_file_and_resume_finishes(tmp_path):
    async def wordy(request: Request, _: int) -> Reply:
        return Reply(body=b"%d" % request.first + b" " * 3000)

    wave, target = make_wave(100), Scripted(wordy)
    path = tmp_path / "j.sqlite"
    with Journal.create(path, max_pages=60) as journal:
        with pytest.raises(PausedError) as told:
            in_loop(lambda: asked(target, journal, wave))
        assert told.value.message_id == "journal.full"
        assert str(path) in told.value.text("en")
        with pytest.raises(EvidenceError):
            observed(journal, target, 0, wave)
    with Journal.open(path) as journal:
        before = {call.first for call, _ in journal.replies(0)}
        assert before
        target.sent.clear()
        seen = in_loop(lambda: asked(target, journal, wave))
    assert not before & set(target.sent)
    assert before | set(target.sent) == set(range(300))
    np.testing.assert_array_equal(seen.values["final"], np.arange(300.0))


def test_an_unforeseen_error_of_an_adapter_comes_out_and_leaves_no_task(tmp_path):
    async def broken(_: Request, __: int) -> Reply:
        raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await asked(Scripted(broken), journal, make_wave(5))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(main)


def test_progress_adds_up(tmp_path):
    told: list[int] = []
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(Scripted(echo), journal, make_wave(9), progress=told.append))
    assert sum(told) == 27


def staged(blocks: int) -> Wave:
    """Return blocks of two sessions: one looks (stage 0), then the other asks twice (stage 1)."""
    n = 2 * blocks
    return Wave(
        block=codes(np.repeat(np.arange(blocks), 2)),
        again=codes(np.full(n, -1)),
        identity=codes(np.full(n, -1)),
        arm=codes(np.tile([0, 1], blocks)),
        persona=codes(np.zeros(n)),
        session=codes(np.concatenate([[2 * b + 1, 2 * b, 2 * b + 1] for b in range(blocks)])),
        step=codes(np.zeros(3 * blocks)),
        item=codes(np.zeros(3 * blocks)),
        stage=codes(np.tile([1, 0, 1], blocks)),
    )


def test_stages_and_steps_of_a_block_wait_for_each_other(tmp_path):
    ended: list[int] = []

    async def slow(request: Request, _: int) -> Reply:
        block = request.first // 3
        before = {3 * block + 1: [], 3 * block: [3 * block + 1], 3 * block + 2: [3 * block]}
        assert set(before[request.first]) <= set(ended)
        await asyncio.sleep(0.001 * (1 + request.first % 3))
        ended.append(request.first)
        return Reply(body=b"1")

    target = Scripted(slow)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(target, journal, staged(20)))
    assert sorted(target.sent) == list(range(60))
    assert target.most_under_way > 1


@pytest.mark.parametrize(("batch", "expected"), [(6, 34), (7, 34), (3, 67), (2, 134), (10**6, 1)])
def test_batches_hold_whole_blocks_where_they_can(batch, expected):
    calls = calls_of(make_wave(67), batch)
    assert len(calls) == expected
    assert calls[0][0] == 0
    assert all(a + n == b for (a, n), (b, _) in itertools.pairwise(calls))
    assert sum(count for _, count in calls) == 201
    if batch >= 3:
        assert all(first % 3 == 0 for first, _ in calls)


def test_blocks_across_each_other_are_kept_in_one_batch():
    mixed = make_wave(2)
    order = [0, 3, 1, 4, 2, 5]
    wave = Wave.of_single_trials(
        item=mixed.item[order],
        block=mixed.block[order],
        again=mixed.again,
        identity=mixed.identity,
        arm=mixed.arm[order],
        persona=mixed.persona[order],
    )
    assert calls_of(wave, 100) == [(0, 6)]


def test_other_calls_on_file_are_refused(tmp_path):
    wave = make_wave(4)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(Scripted(echo, batch=6), journal, wave))
        with pytest.raises(EvidenceError) as told:
            in_loop(lambda: asked(Scripted(echo, batch=9), journal, wave))
    assert told.value.message_id == "journal.other_calls"


def test_over_http_the_answers_are_those_of_the_server(tmp_path):
    async def quote(request: web.Request) -> web.Response:
        said = orjson.loads(await request.read())
        price = said["user"]["age"] + (0.5 if said["user"]["device"] == "new" else 0.0)
        return web.json_response({"price": {"final": price}})

    async def main() -> Observed:
        async with serving(quote) as url:
            target = opened(http_spec(url + "/quote"))
            try:
                return await asked(target, journal, wave)
            finally:
                await target.close()

    wave = make_wave(40)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(main)
    expected = np.array([30, 40, 50])[wave.persona] + 0.5 * (wave.arm == 2)
    np.testing.assert_array_equal(seen.values["final"], expected)


def test_the_rate_holds_over_waves(tmp_path):
    clock, left = [0.0], []

    async def pass_time(seconds: float) -> None:
        clock[0] += seconds

    async def note(_: Request, __: int) -> Reply:
        left.append(clock[0])
        return Reply(body=b"1")

    pace = Pace(rate=10, concurrency=4, clock=lambda: clock[0], sleep=pass_time)
    target, study, rng = Scripted(note), make_study(), np.random.default_rng(1)

    async def three(journal: Journal) -> None:
        for number in range(3):
            wave = make_wave(7, first=7 * number)
            journal.open_wave(number, "q", wave)
            await ask(target, study, journal, number, wave, limits=pace, attempts_left=99, rng=rng)

    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: three(journal))
    times = np.array(left)
    assert len(times) == 63
    assert max(((times >= t) & (times < t + 1)).sum() for t in times) <= 10


def test_a_table_function_is_asked_in_batches(tmp_path):
    spec = PythonTarget(
        kind="python", function="numpy:ones_like", request={"age": "{{persona.age}}"}
    )
    target = opened(spec)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, make_wave(3)))
        assert len(list(journal.replies(0))) == 1
    assert {REASONS[code] for code in seen.reason} == {"format"}
