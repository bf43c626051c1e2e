"""Kill the process at any instant: `resume` finishes, and the record is the undisturbed one's."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.shell import TOUR, asks, begin, content, ended, evenhand, http, plan, record, shop

from evenhand.audit.journal import GROUP, Call, Journal
from evenhand.audit.target.protocol import Reply

FEW, MANY = 8, 24
SLOW, FAST = "{concurrency: 4}", "{concurrency: 64}"

Asked = Callable[[], Counter[str]]


def answered(run: Path) -> set[str]:
    """The accounts whose answer is on file; it is in the answer."""
    return {json.loads(reply.body)["id"] for _, reply in on_file(run) if reply is not None}


def finished(run: Path) -> set[str]:
    """The accounts whose last answer is on file: a quote, where there are several steps."""
    replies = (json.loads(reply.body) for _, reply in on_file(run) if reply is not None)
    return {said["id"] for said in replies if said.get("price", said.get("final")) is not None}


def on_file(run: Path) -> Iterator[tuple[Call, Reply | None]]:
    if not (run / "plan.lock.json").is_file():
        return
    with Journal.look(run / "journal.sqlite") as journal:
        for wave in journal.waves():
            yield from journal.calls(wave.number)


def killed(child: subprocess.Popen[str], asked: Asked, rng: random.Random) -> bool:
    """Kill it at a random instant of its life: while it starts, or a while after its first call."""
    before = asked().total()
    began, patience = time.monotonic(), rng.uniform(0, 1.5)
    if rng.random() < 0.7:
        while asked().total() == before and child.poll() is None:
            time.sleep(0.005)
        began, patience = time.monotonic(), rng.expovariate(8)
    while time.monotonic() < began + patience and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    child.communicate()
    return child.returncode == -signal.SIGKILL


def survives(path: Path, run: Path, asked: Asked, kills: int, **env: str) -> int:
    """Kill a run so often, and return how many calls were of unknown fate in all."""
    rng = random.Random(20261123)
    done = unknown = 0
    while done < kills:
        known, before = finished(run), asked()
        words = (
            ("resume", run) if (run / "plan.lock.json").is_file() else ("run", path, "--out", run)
        )
        if not killed(begin(*words, env=env), asked, rng):
            raise AssertionError("it ended before it was killed: make it slower")
        done += 1
        assert not known & set((asked() - before).keys())
        lost = sum(reply is None for _, reply in on_file(run)) - unknown
        assert lost <= GROUP
        unknown += lost
    return unknown


def compare(run: Path, undisturbed: Path) -> None:
    assert content(run) == content(undisturbed)
    assert record(run)["content_sha256"] == record(undisturbed)["content_sha256"]
    one, other = (json.dumps(content(where)) for where in (run, undisturbed))
    assert one == other


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])
def test_a_function_is_audited_to_the_same_record_however_often_the_audit_dies(tmp_path, kills):
    path = plan(tmp_path, asks("slow"))
    notes = tmp_path / "asked.txt"

    def asked() -> Counter[str]:
        return Counter(notes.read_text("utf-8").split() if notes.exists() else ())

    quick = {"ASKED": os.devnull, "PAUSE": "0"}
    assert evenhand("run", path, "--out", tmp_path / "undisturbed", env=quick).code == 0
    run = tmp_path / "run"
    pause = "0.04" if kills == FEW else "0.1"
    unknown = survives(path, run, asked, kills, ASKED=str(notes), PAUSE=pause)
    known, before = answered(run), asked()
    said = ended(begin("resume", run, env={"ASKED": str(notes), "PAUSE": "0"}))
    assert said.code == 0, said.text
    assert not known & set((asked() - before).keys())
    compare(run, tmp_path / "undisturbed")
    twice = asked().total() - len(asked())
    assert twice <= unknown
    assert len(asked()) == content(run)["counts"]["planned"]
    assert record(run)["run"]["attempts"] == content(run)["counts"]["planned"] + unknown


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])
def test_a_server_is_audited_to_the_same_record_however_often_the_audit_dies(tmp_path, kills):
    with shop() as one:
        path = plan(tmp_path, http(one.url("slow"), limits=FAST))
        undisturbed = tmp_path / "undisturbed"
        assert evenhand("run", path, "--out", undisturbed).code == 0
        already = Counter(one.asked()["slow"])

        def asked() -> Counter[str]:
            return Counter(one.asked()["slow"]) - already

        # how hard the target is pressed is no part of what is locked
        slower = SLOW if kills == FEW else "{concurrency: 1}"
        path.write_text(path.read_text("utf-8").replace(FAST, slower), "utf-8")
        run = tmp_path / "run"
        unknown = survives(path, run, asked, kills)
        kept = run / "plan.yaml"
        kept.write_text(kept.read_text("utf-8").replace(slower, FAST), "utf-8")
        known, before = answered(run), asked()
        said = evenhand("resume", run)
        assert said.code == 0, said.text
        assert not known & set((asked() - before).keys())
        compare(run, undisturbed)
        assert asked().total() - len(asked()) <= unknown
        assert len(asked()) == content(run)["counts"]["planned"]
        assert record(run)["run"]["attempts"] == content(run)["counts"]["planned"] + unknown


@pytest.mark.parametrize("kills", [FEW, pytest.param(MANY, marks=pytest.mark.prove)])
def test_sessions_are_walked_to_the_same_record_however_often_the_audit_dies(tmp_path, kills):
    with shop() as one:
        fast = TOUR % {"url": one.url("tour"), "limits": FAST}
        path = plan(tmp_path, fast, session="[register, look, hold, look, quote]", queries=5000)
        undisturbed = tmp_path / "undisturbed"
        assert evenhand("run", path, "--out", undisturbed).code == 0
        assert not one.held()
        already = Counter(one.asked()["tour"])

        def asked() -> Counter[str]:
            return Counter(one.asked()["tour"]) - already

        slower = "{concurrency: 2}" if kills == FEW else "{concurrency: 1}"
        path.write_text(path.read_text("utf-8").replace(FAST, slower), "utf-8")
        run = tmp_path / "run"
        survives(path, run, asked, kills)
        kept = run / "plan.yaml"
        kept.write_text(kept.read_text("utf-8").replace(slower, FAST), "utf-8")
        known, before = answered(run), asked()
        said = evenhand("resume", run)
        assert said.code == 0, said.text
        # whoever was answered is not asked again: another identity walks the steps
        assert not known & set((asked() - before).keys())
        compare(run, undisturbed)
        assert not one.held()
        assert len(asked()) > content(run)["counts"]["planned"] // 5
