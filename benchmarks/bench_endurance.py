"""An audit that is killed every few seconds, beside the same audit left alone: one JSON line a case.

A server on this machine answers; the audit's process gets a SIGKILL some seconds after each of its
first calls, and ``resume`` goes on, until it ends by itself. What it comes to must be what the
undisturbed audit came to, and neither the journal nor memory may grow with the deaths.

    python benchmarks/bench_endurance.py [--trials N] [--write]

N is about how many trials the audit takes: its limit for the share is chosen so. `--write` puts the
table into docs/tables/endurance.md. Memory is read from /proc (Linux).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from evenhand.audit.journal import GROUP, Journal

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "endurance.md"
TRIALS = 200_000
SECONDS = (1.0, 5.0)
"""Between the first call of a life and its death."""
TRIAL_BYTES, WAL_BYTES = 1_000, 64 << 20
"""What the contract allows: 1 GiB for a million observations; a few commits not yet in the file."""
LOOK = 0.05

SERVER = """
import asyncio, sys, orjson, uvloop
from aiohttp import web

asked = 0

async def quote(request):
    global asked
    asked += 1
    said = orjson.loads(await request.read())
    price = 100 + said["age"] + 50 * said["nights"]
    return web.Response(body=orjson.dumps({"price": price, "currency": "CNY"}),
                        content_type="application/json")

async def count(_):
    return web.Response(text=str(asked))

async def main():
    app = web.Application()
    app.router.add_post("/quote", quote)
    app.router.add_get("/asked", count)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent goes

uvloop.run(main())
"""
PLAN = """\
evenhand: 1
audit: {title: {zh: 耐久, en: Endurance}, vendor: a server of this machine, commissioned_by: us,
        paid_by: us, conflicts: none}
seed: 7
target:
  kind: http
  url: %(url)s
  request: {id: "{{identity}}", device: "{{persona.device}}", age: "{{persona.age}}",
            nights: "{{persona.nights}}"}
  response: {final: $.price, currency: $.currency}
  money: {currency: CNY, unit: yuan, per: night, includes: [tax]}
  limits: {concurrency: 64}
personas:
  population: people.csv
  attributes:
    device:
      role: ability_to_pay
      reference: old
      levels: [new]
      label: {zh: 手机, en: phone}
      because: {zh: 手机不该影响报价。, en: A phone should not move a price.}
    nights: {role: condition, levels: [1, 2], label: {zh: 晚数, en: nights}}
probes:
  - use: pricing.twins
    treat: [device]
    tolerance:
      ratio: 5%%
      share: %(share).10f
      beyond: 10%%
      because: {zh: 极小的份额，要问很久。, en: A share so small that it takes long.}
controls: {positive: {attribute: nights, from: 1, to: 2, expect: dearer}}
budget: {queries: %(queries)d}
report: {languages: [en], formats: [json]}
"""
SHARE = 14.5
"""Limit for the share times trials: about so many a fair vendor is cleared by."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """The server: where it is, and how often it was asked."""

    port: int

    @property
    def url(self) -> str:
        """What an audit asks."""
        return f"http://127.0.0.1:{self.port}/quote"

    def asked(self) -> int:
        """Return how many quotes it gave."""
        with urlopen(f"http://127.0.0.1:{self.port}/asked") as answer:
            return int(answer.read())


@contextmanager
def serving() -> Iterator[Vendor]:
    """Serve while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            assert child.stdout is not None  # noqa: S101 - a pipe was asked for
            yield Vendor(int(child.stdout.readline()))
        finally:
            child.terminate()


@dataclass(slots=True)
class Lives:
    """What was seen of an audit from outside, over all processes that it took."""

    folder: Path
    kills: int = 0
    peaks: list[int] = field(default_factory=list)
    """Largest memory of each process, in bytes."""
    wal: int = 0
    """Largest write-ahead file, in bytes."""

    def live(self, words: list[str], ends: Callable[[], bool]) -> int:
        """Start the command, kill it when `ends`, and return its exit code."""
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "evenhand", *words, "--quiet"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        ) as child:
            peak = 0
            while child.poll() is None:
                peak = max(peak, _peak(child.pid))
                self.wal = max(self.wal, _size(self.folder / "journal.sqlite-wal"))
                if ends():
                    child.kill()
                    break
                time.sleep(LOOK)
        self.peaks.append(peak)
        self.kills += child.returncode == -signal.SIGKILL
        return child.returncode

    @property
    def content(self) -> Any:
        """What the record says, without how it went."""
        return json.loads((self.folder / "record.json").read_text("utf-8"))["content"]

    @property
    def journal(self) -> int:
        """Bytes of the finished journal."""
        return _size(self.folder / "journal.sqlite")

    def unknown(self) -> int:
        """Return how many calls left and have no answer on file."""
        with Journal.look(self.folder / "journal.sqlite") as journal:
            waves = [one.number for one in journal.waves()]
            return sum(reply is None for n in waves for _, reply in journal.calls(n))


def _peak(pid: int) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text("utf-8"))
    except OSError:
        return 0
    return 1024 * int(found[1]) if found else 0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def plan(folder: Path, url: str, trials: int) -> Path:
    """Write a plan that takes about so many trials."""
    (folder / "people.csv").write_text("age\n" + "\n".join(map(str, range(20, 80))) + "\n", "utf-8")
    path = folder / "plan.yaml"
    settings = {"url": url, "share": SHARE / trials, "queries": 4 * trials}
    path.write_text(PLAN % settings, "utf-8")
    return path


def undisturbed(path: Path, run: Path) -> Lives:
    """Return an audit that was left alone."""
    alone = Lives(run)
    code = alone.live(["run", str(path), "--out", str(run)], lambda: False)
    if code:
        raise RuntimeError(f"the undisturbed audit ended with {code}")
    return alone


def killed(
    path: Path,
    run: Path,
    vendor: Vendor,
    rng: random.Random,
    *,
    seconds: tuple[float, float] = SECONDS,
    deaths: float = math.inf,
) -> Lives:
    """Return an audit that was killed so many `seconds` after each first call, until it ended.

    After so many `deaths` it is left alone.
    """
    lives = Lives(run)
    code = -signal.SIGKILL
    while code == -signal.SIGKILL:
        begun = (run / "plan.lock.json").is_file()
        words = ["resume", str(run)] if begun else ["run", str(path), "--out", str(run)]
        wait = rng.uniform(*seconds) if lives.kills < deaths else math.inf
        code = lives.live(words, _some_time_after(vendor, wait))
    if code:
        raise RuntimeError(f"the audit ended with {code} after {lives.kills} deaths")
    return lives


def _some_time_after(vendor: Vendor, seconds: float) -> Callable[[], bool]:
    """Return what holds so long after the vendor was asked anew."""
    before, first = vendor.asked(), None

    def ends() -> bool:
        nonlocal first
        if first is None and vendor.asked() > before:
            first = time.monotonic()
        return first is not None and time.monotonic() > first + seconds

    return ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Endured:
    """Both audits, and how often the vendor was asked by the one that was killed."""

    alone: Lives
    lives: Lives
    asked: int

    @property
    def planned(self) -> int:
        """The trials of the audit."""
        return int(self.alone.content["counts"]["planned"])

    @property
    def twice(self) -> int:
        """Calls beyond one a trial: answers that a death kept from the file."""
        return self.asked - self.planned


def endure(folder: Path, trials: int, *, seed: int = 20261123) -> Endured:
    """Run both audits of about so many trials."""
    with serving() as vendor:
        path = plan(folder, vendor.url, trials)
        alone = undisturbed(path, folder / "alone")
        before = vendor.asked()
        lives = killed(path, folder / "killed", vendor, random.Random(seed))  # noqa: S311 - when to kill
        return Endured(alone=alone, lives=lives, asked=vendor.asked() - before)


def cases(found: Endured) -> Iterator[tuple[str, float, str, float, str]]:
    """Yield what is measured: case, our figure, what it stands beside, that figure, the unit."""
    alone, lives = found.alone, found.lives
    unknown = lives.unknown()
    calls = (found.planned + unknown) / found.planned
    yield "journal", lives.journal, "peer", 1.05 * calls * alone.journal, "bytes"
    yield "largest memory of a life", max(lives.peaks), "peer", 1.1 * max(alone.peaks), "bytes"
    more = (max(alone.peaks) - min(lives.peaks)) / found.planned
    yield "memory that a trial takes", more, "limit", TRIAL_BYTES, "bytes"
    yield "largest write-ahead file", lives.wal, "limit", WAL_BYTES, "bytes"
    yield "calls of unknown fate", unknown, "limit", GROUP * lives.kills, "calls"
    yield "calls made twice", found.twice, "limit", unknown, "calls"
    yield "records that differ", float(lives.content != alone.content), "limit", 0, "records"


def table(found: Endured) -> str:
    """Return the page of what was measured."""
    rows = [
        f"| {case} | {ours:,.0f} | {limit:,.0f} | {unit} |"
        for case, ours, _, limit, unit in cases(found)
    ]
    head = (
        f"# An audit that is killed every few seconds\n\n"
        f"Written by `python benchmarks/bench_endurance.py --write`. {found.planned:,} trials over "
        f"HTTP on one machine; the process got {found.lives.kills} SIGKILLs, each {SECONDS[0]:g} to "
        f"{SECONDS[1]:g} seconds after the first call of a life. “At most” is a fixed limit, or the "
        f"same audit left alone and a margin.\n\n"
        f"| measured | here | at most | unit |\n|---|--:|--:|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def main() -> None:
    """Measure, and print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = endure(Path(folder), given.trials)
        name = f"{found.planned:,} trials, {found.lives.kills} deaths"
        for case, ours, beside, limit, unit in cases(found):
            line = {"case": f"{name}: {case}", "ours": round(ours, 1), "unit": unit}
            ratio = ours / limit if limit else ours
            told = {"ratio": round(ratio, 4), "reach": 1, "met": ours <= limit}
            print(json.dumps({**line, beside: round(limit, 1), **told}), flush=True)
        if given.write:
            TABLE.write_text(table(found), "utf-8")


if __name__ == "__main__":
    main()
