"""What the journal and the adapters cost, against the bare thing, in the same minute.

Prints one line of JSON a case: case, ours, peer, ratio, reach, met.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import orjson
import uvloop

from evenhand.audit.ask import ask
from evenhand.audit.journal import Journal
from evenhand.audit.limits import Pace
from evenhand.audit.plan import PythonTarget
from evenhand.audit.planhttp import HttpTarget
from evenhand.audit.target import open_target
from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.design import Wave, codes
from evenhand.probes.protocol import Money, Study

CONNECTIONS = 32
CALLS = 6_000
ROUNDS = 5
BATCHED = 400_000

SERVER = """
import asyncio, sys, orjson, uvloop
from aiohttp import web

async def quote(request):
    said = orjson.loads(await request.read())
    price = 100.0 + said["age"] + (said["device"] == "new")
    return web.Response(body=orjson.dumps({"price": {"final": price}, "currency": "CNY"}),
                        content_type="application/json")

async def main():
    app = web.Application()
    app.router.add_post("/quote", quote)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until the parent goes

uvloop.run(main())
"""


def study() -> Study:
    return Study(
        personas=Table({"age": np.arange(20, 70)}),
        persona_weights=np.full(50, 0.02),
        items=Table({"id": np.array(["a", "b"]), "base": np.array([100.0, 200.0])}),
        item_weights=np.full(2, 0.5),
        attributes={"device": Attribute(name="device", role="habit", levels=("old", "new"))},
        carried=frozenset({"device", "age"}),
        outcomes={"final": "price"},
        money=Money(currency="CNY", unit="yuan", per="night"),
    )


def wave(trials: int) -> Wave:
    blocks = -(-trials // 3)
    block, arm = np.repeat(np.arange(blocks), 3), np.tile(np.arange(3), blocks)
    none = np.full(len(block), -1)
    return Wave.of_single_trials(
        item=codes(block % 2),
        block=block,
        again=none,
        identity=none,
        arm=arm,
        persona=block % 50,
        overrides={"device": np.where(arm >= 2, 1, -1)},
    )


def names(number: int, sessions: Any, restart: int = 0) -> list[str]:
    del restart
    return [f"u{number}-{session}" for session in sessions.tolist()]


def model(table: Any) -> Any:
    return table["base"] + table["age"] + (table["device"] == "new")


def measured(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return seconds of CPU and of the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    uvloop.run(work())
    return time.process_time() - cpu, time.perf_counter() - clock


def raw(url: str, bodies: list[bytes]) -> Callable[[], Awaitable[None]]:
    """Return the bare loop: aiohttp and orjson, so many workers, nothing kept."""

    async def work() -> None:
        waiting = iter(bodies)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={"content-type": "application/json"},
        ) as session:

            async def worker() -> None:
                for body in waiting:
                    async with session.post(url, data=body) as answer:
                        orjson.loads(await answer.read())

            await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))

    return work


def ours(spec: Any, asked: Wave, folder: Path, place: int) -> Callable[[], Awaitable[None]]:
    """Return the same calls through the journal, from opening the wave to its answers."""
    base = study()

    async def work() -> None:
        target = open_target(spec, base, identities=names, key=b"bench")
        with Journal.create(folder / f"{place}.sqlite") as journal:
            journal.open_wave(0, "bench", asked)
            seen = await ask(
                target,
                base,
                journal,
                0,
                asked,
                limits=Pace(concurrency=CONNECTIONS),
                attempts_left=1 << 40,
                rng=np.random.default_rng(1),
            )
            if seen.kind.any():
                raise SystemExit("a call failed: the comparison is void")
        await target.close()

    return work


def line(case: str, ours_: float, peer: float, ratio: float, reach: str, *, met: bool) -> None:
    row = {"case": case, "ours": ours_, "peer": peer, "ratio": ratio, "reach": reach, "met": met}
    numbers = {key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in row.items()}
    print(json.dumps(numbers), flush=True)


def over_http(folder: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        if server.stdout is None:
            raise SystemExit(1)
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/quote"
        spec = HttpTarget(
            kind="http",
            url=url,
            request={
                "id": "{{identity}}",
                "device": "{{persona.device}}",
                "age": "{{persona.age}}",
                "item": "{{item.id}}",
                "base": "{{item.base}}",
            },
            response={"final": "$.price.final", "currency": "$.currency"},
        )
        asked = wave(CALLS)
        target = open_target(spec, study(), identities=names, key=b"bench")
        bodies = [
            target.render(study(), asked, 0, slice(place, place + 1)).body
            for place in range(len(asked))
        ]
        measured(raw(url, bodies[: CALLS // 4]))
        pairs = []
        for place in range(ROUNDS):  # by turns: the machine is not equally busy all the time
            theirs = measured(raw(url, bodies))
            pairs.append((measured(ours(spec, asked, folder, place)), theirs))
    finally:
        server.kill()
        server.wait()
    cpu = statistics.median(mine[0] / peer[0] for mine, peer in pairs)
    rate = statistics.median(peer[1] / mine[1] for mine, peer in pairs)
    middle = [statistics.median(column) for column in zip(*(m + p for m, p in pairs), strict=True)]
    n = len(bodies)
    line(
        "http.cpu_us_per_call",
        middle[0] / n * 1e6,
        middle[2] / n * 1e6,
        cpu,
        "<= 1.9",
        met=cpu <= 1.9,
    )
    line("http.calls_per_second", n / middle[1], n / middle[3], rate, ">= 0.55", met=rate >= 0.55)


def in_process(folder: Path) -> None:
    asked = wave(BATCHED)
    spec = PythonTarget(
        kind="python",
        function="bench_wire:model",
        request={
            "device": "{{persona.device}}",
            "age": "{{persona.age}}",
            "base": "{{item.base}}",
        },
    )
    sys.modules["bench_wire"] = sys.modules["__main__"]
    clocks = [measured(ours(spec, asked, folder, 100 + place))[1] for place in range(ROUNDS)]
    item, persona = asked.item, asked.persona
    base = study()
    table = {
        "device": np.where(asked.overrides["device"] >= 0, "new", "old"),
        "age": base.personas.columns["age"][persona],
        "base": base.items.columns["base"][item],
    }
    started = time.perf_counter()
    model(table)
    alone = time.perf_counter() - started
    rate = len(asked) / (statistics.median(clocks) - alone)
    line(
        "python.trials_per_second_beyond_the_model",
        rate,
        len(asked) / alone,
        rate / 300_000,
        ">= 300000",
        met=rate >= 300_000,
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        over_http(Path(folder))
        in_process(Path(folder))


if __name__ == "__main__":
    main()
