from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.audit.harness import make_wave

from evenhand.audit.journal import Call, Journal
from evenhand.audit.target.protocol import Reply
from evenhand.errors import EvidenceError, PausedError, UsageError

REPLY = Reply(
    status=200, headers={"content-type": "x"}, body=b"\x00\xff5", at=1.5, seconds=0.25, error=None
)


def call(first: int, count: int = 1, attempt: int = 1, wave: int = 0) -> Call:
    return Call(wave, first, count, attempt, bytes([first % 256]) * 32)


def test_what_is_written_is_what_is_read_also_by_another_and_later(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal.create(path) as journal:
        ids = journal.intend([call(0), call(1)]).result()
        assert ids == [1, 2]
        journal.answer(2, REPLY)
        assert next(journal.calls(0)) == (call(0), None)
        journal.flush().result()
        with Journal.look(path) as other:
            assert list(other.calls(0)) == [(call(0), None), (call(1), REPLY)]
    with Journal.open(path) as journal:
        assert list(journal.replies(0)) == [(call(1), REPLY)]
        assert journal.intend([call(2)]).result() == [3]
    assert {entry.name for entry in tmp_path.iterdir()} <= {"j.sqlite", "j.sqlite.lock"}


def test_an_answer_is_written_without_a_flush(tmp_path):
    with Journal.create(tmp_path / "j.sqlite") as journal:
        journal.intend([call(0)]).result()
        journal.answer(1, REPLY)
        for _ in range(500):  # an order of its own would write it: only wait
            if list(journal.replies(0)):
                break
            time.sleep(0.01)
        assert list(journal.replies(0)) == [(call(0), REPLY)]


def test_intents_carry_the_answers_before_them(tmp_path):
    with Journal.create(tmp_path / "j.sqlite") as journal:
        journal.intend([call(0)]).result()
        journal.answer(1, REPLY)
        journal.intend([call(1)]).result()
        assert [reply for _, reply in journal.calls(0)] == [REPLY, None]


def test_the_file_has_the_columns_of_the_contract(tmp_path):
    with Journal.create(tmp_path / "j.sqlite"):
        pass
    connection = sqlite3.connect(tmp_path / "j.sqlite")
    try:
        columns = {
            table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for table in ("wave", "call", "answer")
        }
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        connection.close()
    assert columns == {
        "wave": ["n", "question", "sha256", "columns"],
        "call": ["id", "wave", "first", "count", "attempt", "request_sha256"],
        "answer": ["call", "at", "seconds", "status", "error", "headers", "body"],
    }


def test_a_wave_on_file_is_never_replaced(tmp_path):
    wave = make_wave(3)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        assert journal.open_wave(0, "q", wave) == wave.sha256()
        assert journal.open_wave(0, "q", wave) == wave.sha256()
        for question, other in (("q", make_wave(4)), ("r", wave)):
            with pytest.raises(EvidenceError) as told:
                journal.open_wave(0, question, other)
            assert told.value.message_id == "journal.wave_differs"
        (opened,) = journal.waves()
        assert (opened.number, opened.question, opened.sha256) == (0, "q", wave.sha256())
        assert opened.wave.to_bytes() == wave.to_bytes()


def test_a_wave_changed_in_the_file_is_noticed(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal.create(path) as journal:
        journal.open_wave(0, "q", make_wave(3))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE wave SET columns = ?", (make_wave(4).to_bytes(),))
    connection.commit()
    connection.close()
    with Journal.look(path) as journal, pytest.raises(EvidenceError) as told:
        journal.waves()
    assert told.value.message_id == "journal.wave_damaged"


def test_one_writer_many_readers(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal.create(path):
        with pytest.raises(UsageError) as told:
            Journal.open(path)
        assert told.value.message_id == "journal.busy"
        code = f"from evenhand.audit.journal import Journal; Journal.open({str(path)!r})"
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert "journal.busy" in child.stderr or str(path) in child.stderr
        assert child.returncode
        with Journal.look(path) as other:
            assert other.attempts() == 0
    with Journal.open(path):
        pass


def test_a_locked_file_pauses_and_loses_nothing(tmp_path):
    path = tmp_path / "j.sqlite"
    with Journal.create(path, patience=0.05) as journal:
        journal.intend([call(0)]).result()
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        journal.answer(1, REPLY)
        with pytest.raises(PausedError) as told:
            journal.flush().result()
        assert told.value.message_id == "journal.locked"
        other.execute("ROLLBACK")
        other.close()
        journal.flush().result()
        assert list(journal.replies(0)) == [(call(0), REPLY)]


def test_a_full_disk_pauses_and_what_waited_is_written_when_there_is_room(tmp_path):
    path = tmp_path / "j.sqlite"
    big = Reply(body=b"x" * 200_000)
    with Journal.create(path, max_pages=30) as journal:
        journal.intend([call(0)]).result()
        journal.answer(1, big)
        with pytest.raises(PausedError) as told:
            journal.flush().result()
        assert told.value.message_id == "journal.full"
        assert told.value.exit_code == 6
        assert list(journal.calls(0)) == [(call(0), None)]
    with Journal.open(path) as journal:
        assert list(journal.calls(0)) == [(call(0), None)]


def test_what_is_not_a_journal_is_refused(tmp_path):
    (tmp_path / "text").write_text("not a database, but long enough to be looked at" * 99)
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE t (x)")
    other.commit()
    other.close()
    for name in ("text", "other"):
        for way in (Journal.open, Journal.look):
            with pytest.raises(EvidenceError) as told:
                way(tmp_path / name)
            assert told.value.message_id == "journal.not_a_journal"
    with pytest.raises(UsageError) as missing:
        Journal.open(tmp_path / "nothing")
    assert missing.value.message_id == "journal.missing"
    with pytest.raises(UsageError) as exists:
        Journal.create(tmp_path / "text")
    assert exists.value.message_id == "journal.exists"


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(PausedError) as told:
        Journal.create(tmp_path / "no" / "j.sqlite")
    assert told.value.message_id == "journal.unwritable"


def test_closed_is_closed(tmp_path):
    journal = Journal.create(tmp_path / "j.sqlite")
    journal.close()
    journal.close()
    with pytest.raises(UsageError):
        journal.flush().result()


def test_load_is_measured_over_answers_that_came(tmp_path):
    with Journal.create(tmp_path / "j.sqlite") as journal:
        assert journal.load() == {}
        journal.intend([call(n) for n in range(3)]).result()
        for n, seconds in enumerate((0.1, 0.3, 0.2), start=1):
            journal.answer(n, Reply(at=float(n), seconds=seconds))
        journal.close_out(0, [(3, 1)]).result()
        load = journal.load()
    assert load["calls_answered"] == 3
    assert load["latency_median"] == pytest.approx(0.2)
    assert load["latency_longest"] == pytest.approx(0.3)
    assert load["requests_per_second_reached"] == pytest.approx(3 / 2.2)
    assert load["pauses"] == 0


def test_a_minute_without_a_call_is_a_pause_and_the_pilot_is_what_was_before(tmp_path):
    with Journal.create(tmp_path / "j.sqlite") as journal:
        one, *rest = journal.intend(
            [call(0), *(replace(call(n), wave=1) for n in range(4))]
        ).result()
        journal.answer(one, Reply(at=100.0, seconds=0.5))
        for number, at in zip(rest, (101.0, 190.0, 191.0, 260.0), strict=True):
            journal.answer(number, Reply(at=at, seconds=1.0, status=503 if at < 190 else 200))
        journal.flush().result()
        load = journal.load()
        assert journal.borne(1) == (1.0, 0.25)
    assert load["latency_before"] == pytest.approx(0.5)
    assert load["pauses"] == 2


replies = st.builds(
    Reply,
    status=st.integers(0, 599),
    headers=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
    body=st.binary(max_size=30),
    at=st.floats(0, 1e10),
    seconds=st.floats(0, 100),
    error=st.none() | st.sampled_from(["network", "format"]),
)
steps = st.lists(
    st.tuples(st.just("intend"), st.integers(1, 40))
    | st.tuples(st.just("answer"), replies)
    | st.tuples(st.just("flush"), st.none())
    | st.tuples(st.just("reopen"), st.none()),
    max_size=30,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
def test_any_course_of_events_reads_back_as_it_was(tmp_path_factory, steps):
    path = Path(tmp_path_factory.mktemp("journal")) / "j.sqlite"
    journal = Journal.create(path)
    model: list[list[Any]] = []
    for kind, value in steps:
        if kind == "intend":
            calls = [call(len(model) + n) for n in range(value)]
            ids = journal.intend(calls).result()
            assert ids == list(range(len(model) + 1, len(model) + value + 1))
            model += [[one, None] for one in calls]
        elif kind == "answer":
            place = next((n for n, (_, reply) in enumerate(model) if reply is None), None)
            if place is not None:
                journal.answer(place + 1, value)
                model[place][1] = value
        elif kind == "flush":
            journal.flush().result()
            assert [list(row) for row in journal.calls(0)] == model
        else:
            journal.close()
            journal = Journal.open(path)
            assert [list(row) for row in journal.calls(0)] == model
    journal.flush().result()
    open_ = [one.first for one, reply in model if reply is None]
    found = [first + n for first, count in journal.unfinished(0, len(model)) for n in range(count)]
    assert found == open_
    assert journal.attempts() == len(model)
    journal.close()


CHILD = """
import asyncio, sys
import numpy as np
from pathlib import Path
from typing import Any
from evenhand.audit.ask import ask
from evenhand.audit.journal import Journal
from evenhand.audit.limits import Pace
from evenhand.probes.design import Wave
from evenhand.audit.target.protocol import Answers, Reply, Request

class Counting:
    batch = 1
    def __init__(self, log):
        self.log = open(log, "ab", buffering=0)
    def render(self, study, wave, number, rows):
        return Request(wave=number, first=rows.start, count=1, body=b"", route="t")
    async def send(self, request):
        self.log.write(b"%d\\n" % request.first)
        await asyncio.sleep(0.001 * (1 + request.first % 5))
        return Reply(body=str(request.first * 7 % 1000).encode())
    def read(self, request, reply):
        return Answers(kind=np.zeros(1, np.int8), reason=np.zeros(1, np.int8),
                       values={"final": np.array([float(reply.body)])})

folder = Path(sys.argv[1])
wave = Wave.from_bytes((folder / "wave").read_bytes())
path = folder / "j.sqlite"
with (Journal.open if path.exists() else Journal.create)(path) as journal:
    journal.open_wave(0, "q", wave)
    print("go", flush=True)
    asyncio.run(ask(Counting(folder / "log"), None, journal, 0, wave, limits=Pace(concurrency=32),
                    attempts_left=10**6, rng=np.random.default_rng(1)))
print("done", flush=True)
"""


def killed_and_resumed(folder: Path, delays: list[float]) -> None:
    wave = make_wave(1500)
    (folder / "wave").write_bytes(wave.to_bytes())
    (folder / "log").touch()
    answered: set[int] = set()
    for delay in delays:
        sent_before = len((folder / "log").read_text().split())
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(CHILD), str(folder)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()
        sent = [int(line) for line in (folder / "log").read_text().split()][sent_before:]
        assert not answered & set(sent), "a trial whose answer was on file was asked again"
        with Journal.look(folder / "j.sqlite") as journal:
            calls = list(journal.calls(0))
        on_file = {one.first for one, reply in calls if reply is not None}
        # 32 at a time, a millisecond each and more: this one cannot have come to its end
        assert delay > 0.1 or answered or len(on_file) < len(wave)
        assert answered <= on_file
        begun = {one.first for one, _ in calls}
        assert set(sent) <= begun, "a call left before its intent was on file"
        latest = {one.first: reply for one, reply in calls}
        assert sum(reply is None for reply in latest.values()) <= 128
        answered = on_file
    final = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD), str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert final.stdout.endswith("done\n")
    with Journal.look(folder / "j.sqlite") as journal:
        values = {one.first: float(reply.body) for one, reply in journal.replies(0)}
        assert journal.unfinished(0, len(wave)) == []
        assert journal.attempts() <= len(wave) + 128 * len(delays)
    assert values == {first: first * 7 % 1000 for first in range(len(wave))}


def test_killed_at_any_instant_nothing_on_file_is_lost_or_asked_again(tmp_path):
    killed_and_resumed(tmp_path, [0.05, 0.13, 0.2])


@pytest.mark.prove
@pytest.mark.parametrize("round_", range(5))
def test_killed_twenty_times(tmp_path, round_):
    killed_and_resumed(tmp_path, [0.01 + 0.013 * ((7 * n + round_) % 20) for n in range(20)])
