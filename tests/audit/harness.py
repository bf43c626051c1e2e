"""What tests of the wire share: a study, waves of single trials, and small servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np
from aiohttp import web

from evenhand.audit.ask import ask, observed
from evenhand.audit.journal import Journal
from evenhand.audit.limits import Pace
from evenhand.audit.plan import PythonTarget
from evenhand.audit.planhttp import HttpTarget
from evenhand.audit.target import open_target
from evenhand.audit.target.protocol import Target
from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.design import Observed, Wave, codes
from evenhand.probes.protocol import Money, Study

KEY = b"a key of the lock"
YUAN = Money(currency="CNY", unit="yuan", per="night", includes=("tax",))

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_study(**changes: Any) -> Study:
    device = Attribute(name="device", role="ability_to_pay", levels=("old", "new"))
    settings: dict[str, Any] = {
        "personas": Table({"age": np.array([30, 40, 50])}),
        "persona_weights": np.full(3, 1 / 3),
        "items": Table({"id": np.array(["a", "b"]), "base": np.array([100.0, 200.0])}),
        "item_weights": np.full(2, 0.5),
        "attributes": {"device": device},
        "carried": frozenset({"device", "age"}),
        "outcomes": {"final": "price"},
        "money": YUAN,
    }
    return Study(**(settings | changes))


def make_wave(blocks: int, *, arms: int = 3, first: int = 0) -> Wave:
    """Return blocks of reference, twin and treated arm."""
    n = blocks * arms
    block = np.repeat(np.arange(first, first + blocks), arms)
    arm = np.tile(np.arange(arms), blocks)
    return Wave.of_single_trials(
        item=codes(block % 2),
        block=block,
        again=np.full(n, -1),
        identity=np.full(n, -1),
        arm=arm,
        persona=block % 3,
        overrides={"device": np.where(arm >= 2, 1, -1)},
    )


def ids(number: int, sessions: Any, restart: int = 0) -> Sequence[str]:
    again = f"-again{restart}" if restart else ""
    return [f"u{number}-{session}{again}" for session in np.asarray(sessions).tolist()]


def opened(spec: HttpTarget | PythonTarget, study: Study | None = None) -> Target:
    return open_target(spec, study or make_study(), identities=ids, key=KEY)


def http_spec(url: str, **changes: Any) -> HttpTarget:
    settings: dict[str, Any] = {
        "kind": "http",
        "url": url,
        "request": {
            "user": {
                "id": "{{identity}}",
                "device": "{{persona.device}}",
                "age": "{{persona.age}}",
            },
            "item": "{{item.id}}",
        },
        "response": {"final": "$.price.final"},
    }
    return HttpTarget(**(settings | changes))


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path on a free port of the loopback, as long as the block lasts."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def asked(
    target: Target, journal: Journal, wave: Wave, *, study: Study | None = None, **settings: Any
) -> Observed:
    """Ask one wave, number 0, and return what is on file: what was taken in on the way is the same."""
    journal.open_wave(0, "pricing.twins", wave)
    options: dict[str, Any] = {
        "limits": Pace(concurrency=8, attempts=2, backoff=0.001),
        "attempts_left": 10**6,
        "rng": np.random.default_rng(1),
    }
    taken = await ask(target, study or make_study(), journal, 0, wave, **(options | settings))
    on_file = observed(journal, target, 0, wave)
    np.testing.assert_array_equal(taken.kind, on_file.kind)
    np.testing.assert_array_equal(taken.reason, on_file.reason)
    assert list(taken.values) == list(on_file.values)
    for name, column in on_file.values.items():
        np.testing.assert_array_equal(taken.values[name], column)
    return on_file


def in_loop(work: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await work()

    return asyncio.run(main())
