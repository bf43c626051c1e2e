"""How fast the vendors of the zoo answer: in batches, one row at a time, and over loopback HTTP.

One line of JSON a case. `limit` is what the audit needs of a vendor, or the same rows asked one at
a time; `ratio` is ours to the limit.
"""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import aiohttp
import numpy as np
import orjson

from evenhand.datasets import populations, vendors
from evenhand.datasets.vendors import serve
from evenhand.datasets.vendors.noise import normal

Table = Mapping[str, Any]

SOME = ("fair_noise", "repeat_looks", "fair_shop", "fair_shelf", "hotel")
"""One of each kind: rides, with a memory, a bill, a list, a model that was trained."""
BATCH = 300_000
ALONE = 200
REQUESTS = 4_000
CONCURRENCY = 32
NOISE_REACH = 300_000
"""Rows a second that a callable target must reach beyond the model's own time."""
DEMO_SECONDS, DEMO_QUERIES = 30, 12_000
"""Half of the demo's minute for the budget of examples/hotel.yaml."""


def say(case: str, ours: float, peer: float, reach: float, unit: str) -> None:
    ratio = ours / peer
    line = {"case": case, "ours": round(ours), "unit": unit, "peer": round(peer)}
    print(json.dumps({**line, "ratio": round(ratio, 2), "reach": reach, "met": ratio >= reach}))


def rate(rows: int, work: Callable[[], object]) -> float:
    work()
    start = time.perf_counter()
    work()
    return rows / (time.perf_counter() - start)


def trials(name: str, rows: int) -> dict[str, Any]:
    """Return contexts of a vendor's frame, each asked by somebody else."""
    vendor = vendors.get(name)
    home = vendor.frame.population
    contexts = vendor.contexts(populations.load(home).columns if home else {})
    drawn = np.random.default_rng(1).integers(len(next(iter(contexts.values()))), size=rows)
    table = {key: contexts[key][drawn] for key in (*vendor.columns, *vendor.remembers)}
    if "identity" in table:
        table["identity"] = np.array([f"{number:016x}" for number in range(rows)])
    return table


def batch_against_one_at_a_time(name: str) -> None:
    vendor = vendors.get(name)
    vendor.prepare()
    rows = BATCH // 10 if vendor.group == "trained" else BATCH
    table = trials(name, rows)
    singles = [{key: column[[row]] for key, column in table.items()} for row in range(ALONE)]
    alone = rate(ALONE, lambda: [vendor.quote(single) for single in singles])
    say(f"{name}: batch", rate(rows, lambda: vendor.quote(table)), alone, 30.0, "rows/s")


async def _ask_all(url: str, bodies: list[bytes]) -> float:
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:
        queue = iter(bodies)

        async def worker() -> None:
            for body in queue:
                async with session.post(url, data=body) as reply:
                    reply.raise_for_status()
                    await reply.read()

        start = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
        return len(bodies) / (time.perf_counter() - start)


def over_http(name: str) -> None:
    table = trials(name, REQUESTS)
    plain = {key: column.tolist() for key, column in table.items()}
    bodies = [
        orjson.dumps({key: column[row] for key, column in plain.items()}) for row in range(REQUESTS)
    ]
    with serve.start(name) as url:
        asyncio.run(_ask_all(url, bodies[:200]))
        served = asyncio.run(_ask_all(url, bodies))
    say(f"{name}: over HTTP", served, DEMO_QUERIES / DEMO_SECONDS, 1.0, "requests/s")


def main() -> None:
    who = np.array([f"{number:016x}" for number in range(BATCH)])
    say("noise", rate(BATCH, lambda: normal("bench", who)), NOISE_REACH, 1.0, "rows/s")
    for name in SOME:
        batch_against_one_at_a_time(name)
    for name in SOME:
        over_http(name)


if __name__ == "__main__":
    main()
