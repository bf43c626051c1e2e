"""The loop and its folder: what is begun twice, what stops, what a record supersedes."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.shell import SECOND, asks, content, evenhand, http, plan, record, shop, verdicts

from evenhand.audit import planfile
from evenhand.audit.folder import RunFolder
from evenhand.audit.journal import Journal
from evenhand.audit.outage import BATCHES_IN_A_ROW, IN_A_ROW, Vigil
from evenhand.audit.record import Record
from evenhand.audit.run import begin, prepare, reopen, run
from evenhand.audit.target.protocol import Answers, Reply, Request
from evenhand.errors import EvidenceError, PausedError, TargetError, UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS

OUTSIDE, UNSURE = 1, 3


# -------------------------------------------------------------------- a target that has gone


class Door:
    """A target that is open or closed."""

    def __init__(self, batch: int = 1) -> None:
        self.batch = batch
        self.open = True
        self.closed = False

    def render(self, study, wave, number, rows):
        del study, wave
        return Request(wave=number, first=rows.start, count=1, body=b"", route="door")

    async def send(self, _):
        return Reply(body=b"1" if self.open else b"")

    def read(self, request, reply):
        kinds = ANSWERED if reply.body else FAILED
        return Answers(
            kind=np.full(request.count, kinds, dtype=np.int8),
            reason=np.full(request.count, REASONS.index("" if reply.body else "network")),
            values={},
        )

    async def close(self):
        self.closed = True


def asked(vigil: Vigil, times: int) -> None:
    async def main() -> None:
        for place in range(times):
            request = Request(wave=0, first=place, count=1, body=b"", route="door")
            vigil.read(request, await vigil.send(request))

    asyncio.run(main())


def test_a_target_is_gone_when_nothing_comes_back_for_long_enough():
    door, stop = Door(), asyncio.Event()
    vigil = Vigil(door, stop, concurrency=8)
    door.open = False
    asked(vigil, IN_A_ROW + 8 - 1)
    assert not stop.is_set()
    assert not vigil.gone
    asked(vigil, 1)
    assert stop.is_set()
    assert vigil.gone
    assert dict(vigil.reasons) == {"network": IN_A_ROW + 8}


def test_one_answer_is_a_sign_of_life():
    door, stop = Door(), asyncio.Event()
    vigil = Vigil(door, stop, concurrency=1)
    for _ in range(5):
        door.open = False
        asked(vigil, IN_A_ROW)
        door.open = True
        asked(vigil, 1)
    assert not stop.is_set()
    assert vigil.answered == 5


def test_batches_are_given_up_before_their_attempts_are_spent():
    door, stop = Door(batch=100), asyncio.Event()
    vigil = Vigil(door, stop, concurrency=8)
    door.open = False
    asked(vigil, BATCHES_IN_A_ROW)
    assert stop.is_set()


def test_failures_that_are_read_from_the_file_are_old_ones():
    vigil = Vigil(Door(), asyncio.Event(), concurrency=1)
    request = Request(wave=0, first=0, count=1, body=b"", route="door")
    for _ in range(10 * IN_A_ROW):
        vigil.read(request, Reply(body=b""))
    assert not vigil.reasons


def test_closing_closes_the_target():
    door = Door()
    asyncio.run(Vigil(door, asyncio.Event(), concurrency=1).close())
    assert door.closed


# ---------------------------------------------------------------------------------- the folder


@pytest.fixture
def audit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return prepare(planfile.load(plan(tmp_path, asks())))


@pytest.mark.parametrize("left", ["nothing", "plan", "journal"])
def test_a_folder_that_was_left_half_made_is_begun_again(audit, tmp_path, left):
    folder = RunFolder(tmp_path / "run")
    if left != "nothing":
        folder.create(audit.loaded.text, audit.loaded.digest_inputs)
    if left == "journal":
        Journal.create(folder.journal).close()
    begun = begin(audit, folder.path)
    assert begun.lock.read_bytes() == audit.lock.to_bytes()
    assert begin(audit, folder.path) == begun
    assert reopen(folder.path)[0].lock == audit.lock
    assert folder.path.stat().st_mode & 0o077 == 0


def test_another_plan_may_not_have_the_folder(audit, tmp_path):
    begin(audit, tmp_path / "run")
    other = prepare(planfile.load(plan(tmp_path / "other", asks("dear"))))
    with pytest.raises(EvidenceError, match=r"another plan|另一份方案"):
        begin(other, tmp_path / "run")


def test_how_hard_the_target_is_pressed_and_what_is_written_may_change(audit, tmp_path):
    begin(audit, tmp_path / "run")
    text = audit.loaded.text.replace("formats: [json]", "formats: [html]")
    changed = prepare(planfile.parse(text, audit.loaded.path))
    assert begin(changed, tmp_path / "run").lock.read_bytes() == audit.lock.to_bytes()


def test_a_folder_that_cannot_be_made_is_a_pause(audit, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(PausedError):
        begin(audit, tmp_path / "file" / "run")
    with pytest.raises(UsageError):
        RunFolder.existing(tmp_path / "file")


def test_a_record_never_changes_and_a_new_one_names_the_one_before(tmp_path):
    evenhand("run", plan(tmp_path, asks()), "--out", tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    first = folder.read_record()
    assert folder.write_record(first) == first
    assert not list(folder.path.glob("record.*.json"))
    other = Record.model_validate({**first.model_dump(), "content_sha256": "0" * 64})
    second = folder.write_record(other)
    assert second.run.supersedes == first.content_sha256
    assert folder.read_record() == second
    (kept,) = folder.path.glob("record.*.json")
    assert Record.model_validate_json(kept.read_bytes()) == first


# ------------------------------------------------------------------------------- what it decides


def test_what_is_beyond_the_limit_comes_before_what_cannot_be_told(tmp_path):
    path = plan(tmp_path, asks("dear"), attributes=SECOND.rstrip(), treat="[colour, device]")
    run = tmp_path / "run"
    assert evenhand("run", path, "--out", run).code == OUTSIDE
    assert verdicts(run) == {"colour": "inconclusive", "device": "established"}
    assert evenhand("resume", run, "--fail-on", "inconclusive").code == UNSURE
    assert evenhand("resume", run, "--fail-on", "indicated").code == 0


def test_attempts_are_a_ceiling_that_ends_what_is_open(tmp_path):
    with shop() as one:
        target = http(one.url("often500"), limits="{attempts: 4}")
        path = plan(tmp_path, target, queries="200, attempts: 200")
        said = evenhand("run", path, "--out", tmp_path / "run")
        assert said.code == UNSURE, said.text
        assert sum(one.asked()["often500"].values()) == 200
    counts = content(tmp_path / "run")["counts"]
    # those asked once in vain keep their own reason; those never asked say that it was the ceiling
    assert counts["failed"] == sum(counts["reasons"].values()) > 0
    assert record(tmp_path / "run")["run"]["attempts"] == 200
    assert verdicts(tmp_path / "run") == {"device": "inconclusive"}


def test_the_same_plan_in_two_folders_is_the_same_audit(tmp_path):
    path = plan(tmp_path, asks())
    for name in ("one", "two"):
        assert evenhand("run", path, "--out", tmp_path / name).code == 0
    one, two = (record(tmp_path / name) for name in ("one", "two"))
    assert one["content"] == two["content"]
    assert one["content_sha256"] == two["content_sha256"]


EXAMPLE = Path(__file__).parents[2] / "examples" / "fair.yaml"


def test_a_pilot_that_nobody_answered_is_asked_anew_once_the_vendor_is_mended(tmp_path):
    """Its trials failed for good; what happened stays on file beside the new journal."""
    mended = False

    def quote(table):
        if not mended:
            msg = "closed"
            raise RuntimeError(msg)
        return 100.0 + np.asarray(table["stops"], dtype=float)

    audit = replace(prepare(planfile.load(EXAMPLE)), model=quote)
    folder = begin(audit, tmp_path / "run")
    for _ in range(10):  # a vendor who is away is asked anew a few times before a pilot fails
        with pytest.raises(TargetError):
            run(audit, folder)
    assert list(folder.path.glob("journal.unanswered-*.sqlite"))
    mended = True
    run(audit, folder)
    assert folder.read_record().content.counts.failed == 0
