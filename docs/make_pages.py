"""Run what the pages show, and write down what came out.

``python docs/make_pages.py`` renews every page; ``python docs/make_pages.py README.md …`` only some.

In a page, a fence whose first line ends in ``file=NAME`` is a file that the reader makes, and one
that is ``console run`` is a terminal: lines that begin with ``$`` are commands, the rest is what
they print. All of a page runs in one folder that holds nothing but a copy of ``examples/``.
``head=N`` keeps the first lines of each command's output.

All that is drawn by lot in an audit hangs on its lock, which holds the versions in use and the
vendor's address. ``docs/made-with.json`` says with which versions the pages were made: with others,
or where the port that they show is taken, the same sentences come with other numbers.
"""  # noqa: INP001 - a script

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from evenhand.audit.lock import versions

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = "8000"
"""The port that pages show; where it is taken, a free one takes its place."""
MADE_WITH = ROOT / "docs" / "made-with.json"
NUMBER = re.compile(r"[−-]?\d[\d,.]*")
PROGRESS = re.compile(r"^(wave \d|第 \d+ 批)")
UNLIKE = re.compile(r"[0-9a-f]{12,64}|\d{4}-\d\d-\d\dT[\d:]+(\+00:00)?|(?<=× )\d+")
"""What no two runs share: hashes, which cover the versions in use, times, failures in a row."""
FAILURES = (2, 4, 5, 6)
"""Exit codes after which the error stream is what the reader looks at."""


@dataclass
class Terminal:
    """A folder, the last exit code, and what runs in the background.

    Parameters
    ----------
    folder : Path
    language : {"zh", "en"}
    port : str
        What :data:`PORT` stands for.
    """

    folder: Path
    language: str
    port: str = PORT
    code: int = 0
    jobs: list[subprocess.Popen[str]] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return the variables of a new user, with ``evenhand`` on the path."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = f"{self.folder.parent / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        chosen = {"EVENHAND_LANG": self.language, "PATH": path, "COLUMNS": "100"}
        return {**kept, **chosen, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}

    def write(self, name: str, body: str) -> None:
        """Make a file of the page."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body.replace(f":{PORT}", f":{self.port}"), "utf-8")

    def run(self, command: str) -> list[str]:
        """Run a command and return the lines that its reader sees."""
        command = re.sub(rf"\b{PORT}\b", self.port, command)
        if command.endswith("&"):
            return self._background(command.removesuffix("&").strip())
        done = subprocess.run(  # noqa: S603 - commands of our own pages
            ["bash", "-c", f"(exit {self.code}); {command}"],  # noqa: S607 - whichever bash
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        self.code = done.returncode
        broke = done.returncode in FAILURES or "Traceback" in done.stderr
        said = done.stdout + (done.stderr if broke else "")
        return [self._plain(line) for line in said.splitlines() if not PROGRESS.match(line)]

    def _background(self, command: str) -> list[str]:
        job = subprocess.Popen(  # noqa: S603 - a command of our own pages
            ["bash", "-c", f"exec {command}"],  # noqa: S607 - whichever bash
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.jobs.append(job)
        self.served.append(command)
        first = job.stdout.readline() if job.stdout else ""
        return [self._plain(first.rstrip("\n"))]

    def _plain(self, line: str) -> str:
        line = line.replace(str(self.folder) + "/", "").replace(self.port, PORT)
        return UNLIKE.sub("…", line).rstrip()

    def close(self) -> None:
        """End what was begun here."""
        for job in self.jobs:
            job.terminate()
            job.wait(10)
            if job.stdout:
                job.stdout.close()


@contextmanager
def _turn(*, serves: bool) -> Iterator[str]:
    """Wait until no other page of ours serves, and give a port."""
    if not serves:
        yield PORT
        return
    with (Path(tempfile.gettempdir()) / f"evenhand-pages-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go of when it is closed
        yield free_port()


@contextmanager
def terminal(language: str, *, serves: bool = False) -> Iterator[Terminal]:
    """Give a terminal in a folder of its own, with the examples of this repository.

    With `serves` it has :data:`PORT` to itself, as far as pages go.
    """
    with tempfile.TemporaryDirectory() as made, _turn(serves=serves) as port:
        home = Path(made).resolve()
        folder = home / "work"
        shutil.copytree(ROOT / "examples", folder / "examples")
        (home / "bin").mkdir()
        command = home / "bin" / "evenhand"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m evenhand "$@"\n')
        command.chmod(0o755)
        opened = Terminal(folder=folder, language=language, port=port)
        try:
            yield opened
        finally:
            opened.close()


def free_port() -> str:
    """Return the port that pages show if it is free, else another."""
    for wanted in (int(PORT), 0):
        with socket.socket() as one, suppress(OSError):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", wanted))
            return str(one.getsockname()[1])
    raise OSError("no port is free")


def versions_here() -> dict[str, str]:
    """Return the versions that numbers hang on: those of a lock, and what trains the hotel model."""
    return {**versions(), "scikit-learn": version("scikit-learn")}


def exact(here: Terminal) -> bool:
    """Whether the numbers of what ran `here` must be those on its page, digit by digit.

    Not where a vendor with noise was served: a server gathers requests into batches as they come
    in, and its noise is not the same in every batch.
    """
    same: bool = versions_here() == json.loads(MADE_WITH.read_text("utf-8"))
    noisy = any("hotel" not in served for served in here.served)
    return same and here.port == PORT and not noisy


def without_numbers(text: str) -> str:
    """Return a text that is the same whatever was drawn.

    Examples
    --------
    >>> without_numbers("4.8 % (−1.7 to 7.3 %), 1,199 queries")
    '# % (# to # %), # queries'
    """
    return NUMBER.sub("#", text)


def renewed(text: str, here: Terminal) -> str:
    """Return a page with the output of its commands as it is now."""
    return FENCE.sub(lambda found: _fence(found, here), text)


def _runs(info: str) -> bool:
    return info.split()[:2] == ["console", "run"]


def _fence(found: re.Match[str], opened: Terminal) -> str:
    info, body = found["info"], found["body"]
    options = dict(word.split("=", 1) for word in info.split() if "=" in word)
    if "file" in options:
        opened.write(options["file"], body)
    if not _runs(info):
        return found[0]
    most = int(options.get("head", 0))
    lines: list[str] = []
    for command in commands(body):
        said = opened.run(command.removeprefix("$ "))
        lines += [command, *(said if not most or len(said) <= most else [*said[:most], "..."])]
    return f"```{info}\n" + "\n".join(lines) + "\n```"


def commands(body: str) -> Iterable[str]:
    r"""Return the lines of a terminal that its reader types.

    Examples
    --------
    >>> list(commands("$ ls\na b\n$ pwd\n"))
    ['$ ls', '$ pwd']
    """
    return [line for line in body.splitlines() if line.startswith("$ ")]


def serves(text: str) -> bool:
    """Whether a page has a server at its port."""
    return PORT in text


def language_of(page: Path) -> str:
    """Return the language of a page by its name."""
    return "zh" if page.name.endswith(".zh.md") else "en"


def pages() -> list[Path]:
    """Return every page of this repository that its readers open."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]


def main(names: list[str]) -> int:
    """Renew pages; return 0."""
    for page in [Path(name).resolve() for name in names] or pages():
        before = page.read_text("utf-8")
        with terminal(language_of(page), serves=serves(before)) as here:
            if here.port != PORT:
                raise SystemExit(f"port {PORT} is taken: the numbers would be those of another")
            after = renewed(before, here)
        if "Traceback" in after:
            raise SystemExit(f"{page}: a command broke\n{after}")
        if after != before:
            page.write_text(after, "utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")
    MADE_WITH.write_text(json.dumps(versions_here(), indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
