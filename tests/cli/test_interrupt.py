"""Stopping a run: by Ctrl-C once and twice, by `evenhand stop`, and looking at it meanwhile."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest
from tests.cli.shell import COMMAND, asks, begin, content, ended, environment, evenhand, plan, until

from evenhand import messages

PAUSED = 6


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    env = {"ASKED": os.devnull, "PAUSE": "0"}
    assert evenhand("run", plan(folder, asks("slow")), "--out", folder / "run", env=env).code == 0
    return content(folder / "run")


@pytest.fixture
def start(tmp_path):
    """Begin a run of a slow function; whatever a test does, it has ended afterwards."""
    begun: list[Run] = []

    def one(*words: str, pause: str = "0.05") -> Run:
        begun.append(Run(tmp_path, *words, pause=pause))
        return begun[-1]

    yield one
    for run in begun:
        run.child.kill()
        run.child.communicate()


class Run:
    """A run that takes its time, in a process of its own."""

    def __init__(self, folder: Path, *words: str, pause: str = "0.05") -> None:
        self.folder = folder / "run"
        self.notes = folder / "asked.txt"
        self.env = {"ASKED": str(self.notes), "PAUSE": pause}
        path = plan(folder, asks("slow"))
        self.child = begin("run", path, "--out", self.folder, *words, env=self.env)

    def asked(self) -> int:
        return len(self.notes.read_text("utf-8").split()) if self.notes.exists() else 0

    def under_way(self, calls: int = 5) -> None:
        until(lambda: self.asked() >= calls, self.child)
        assert self.child.poll() is None, self.child.communicate()

    def finish(self):
        return evenhand("resume", self.folder, env={**self.env, "PAUSE": "0"})


@pytest.mark.parametrize(
    ("number", "language"), [(signal.SIGINT, "zh"), (signal.SIGINT, "en"), (signal.SIGTERM, "en")]
)
def test_one_sign_stops_gently_and_the_run_goes_on_later(start, undisturbed, language, number):
    run = start("--lang", language)
    run.under_way()
    run.child.send_signal(number)
    said = ended(run.child)
    assert (said.code, said.out) == (PAUSED, ""), said.text
    assert messages.text("cli.stopping", language) in said.err
    assert "evenhand resume" in said.err
    # what was in flight was taken in: nothing that left is without its answer
    sent = run.asked()
    status = evenhand("status", run.folder, "--json").json
    assert status["record"] is False
    assert run.finish().code == 0
    assert content(run.folder) == undisturbed
    assert run.asked() == undisturbed["counts"]["planned"]
    assert sent < run.asked()
    assert not (run.folder / "stop").exists()


def test_twice_ends_at_once_even_where_the_vendor_hangs(start, undisturbed):
    run = start("--lang", "en", pause="600")
    run.under_way(1)
    run.child.send_signal(signal.SIGINT)
    until((run.folder / "stop").exists, run.child)
    run.child.send_signal(signal.SIGINT)
    said = ended(run.child)
    assert (said.code, said.out) == (PAUSED, ""), said.text
    assert messages.text("cli.interrupted", "en") in said.err
    assert run.finish().code == 0
    assert content(run.folder) == undisturbed


def test_stop_and_status_from_another_terminal(start, undisturbed):
    run = start("--json")
    run.under_way()
    status = evenhand("status", run.folder, "--lang", "zh")
    assert status.code == 0
    assert messages.text("cli.state_open", "zh") in status.out
    assert evenhand("stop", run.folder, "--lang", "en").code == 0
    said = ended(run.child)
    assert (said.code, said.out) == (PAUSED, ""), said.text
    assert run.finish().code == 0
    assert content(run.folder) == undisturbed


def test_a_wish_to_stop_from_before_does_not_stop_the_next_run(start, undisturbed):
    run = start(pause="0")
    assert ended(run.child).code == 0
    assert evenhand("stop", run.folder).code == 0
    assert run.finish().code == 0
    assert content(run.folder) == undisturbed
    assert not (run.folder / "stop").exists()


def test_a_terminal_is_shown_how_far_it_is_and_is_left_clean(tmp_path):
    path = plan(tmp_path, asks())
    master, terminal = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, "run", str(path), "--out", str(tmp_path / "run"), "--lang", "en"],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    out, _ = child.communicate(timeout=60)
    seen = b""
    while True:
        try:
            seen += os.read(master, 1 << 16)
        except OSError:
            break
    os.close(master)
    assert child.returncode == 0
    hidden, shown = seen.rfind(b"\x1b[?25l"), seen.rfind(b"\x1b[?25h")
    assert 0 <= hidden < shown  # the cursor is there again
    assert "░" in seen.decode()
    assert "\x1b" not in out.decode()
    assert out.decode().startswith("Phones and quotes\n")
