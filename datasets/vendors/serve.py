"""A vendor of the zoo behind an HTTP endpoint on this machine's loopback address.

``python -m evenhand.datasets.vendors.serve NAME --port 0`` prints one line of JSON, ``{"port": …}``,
when it is ready. ``POST /quote`` takes one JSON object with the vendor's columns and answers
``{"price": {"final": …}, "currency": …}``; ``GET /health`` says that it lives.

One row costs a model as much as thirty, so the server waits a moment for others to come along and
asks once for all of them. It ends by itself: when its parent is gone, when the pipe that it reads
is closed, or when nobody has asked anything for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import messages
from ...errors import EvenhandError, TargetError
from . import Vendor, get

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
GATHER = 0.002
"""Seconds that a row waits for others."""
MOST = 512
"""Rows that are never made to wait longer."""
IDLE = 900.0
"""Seconds without a request after which the server ends."""
_LOOK = 1.0
_PATIENCE = 5.0

Row = Mapping[str, str | float]


class RowError(ValueError):
    """A request that the vendor cannot price: its text is for the caller."""


@contextmanager
def start(name: str) -> Iterator[str]:
    """Serve a vendor in a child process while the block runs; give the address of its quotes.

    Parameters
    ----------
    name : str
        As in :func:`evenhand.datasets.vendors.names`.

    Yields
    ------
    str
        ``"http://127.0.0.1:PORT/quote"``.

    Raises
    ------
    UsageError
        If there is no such vendor.
    TargetError
        If the child ends before it is ready.
    """
    get(name)
    command = [sys.executable, "-P", "-m", __name__, name, "--port", "0"]
    # one thread: the audit needs the other cores, and a row is too small to share
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    # a session of its own: Ctrl-C on the terminal is for the audit, which takes in what is in flight
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        yield f"http://{HOST}:{_port_of(child, name)}/quote"
    finally:
        _end(child)


def _port_of(child: subprocess.Popen[bytes], name: str) -> int:
    line = child.stdout.readline() if child.stdout else b""
    said: dict[str, Any] = json.loads(line) if line.strip() else {}
    if "port" in said:
        return int(said["port"])
    why = said.get("error") or messages.both("datasets.vendor_ended", code=child.wait(_PATIENCE))
    raise TargetError("datasets.vendor_did_not_start", name=name, why=why)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        with suppress(BrokenPipeError):
            child.stdin.close()  # which it takes as its sign to go
    for stop in (child.terminate, child.kill):
        with suppress(subprocess.TimeoutExpired):
            child.wait(_PATIENCE)
            break
        stop()
    child.wait()
    if child.stdout:
        child.stdout.close()


@dataclass(eq=False)
class Desk:
    """Gathers rows for a moment and asks the vendor once for all of them.

    Parameters
    ----------
    vendor : Vendor
    """

    vendor: Vendor
    asked: float = 0.0
    """When somebody last asked, on the event loop's clock."""
    waiting: list[tuple[Row, asyncio.Future[dict[str, float]]]] = field(default_factory=list)

    async def quote(self, row: Row) -> dict[str, float]:
        """Return the prices for a row: outcome → price."""
        loop = asyncio.get_running_loop()
        self.asked = loop.time()
        answer: asyncio.Future[dict[str, float]] = loop.create_future()
        self.waiting.append((row, answer))
        if len(self.waiting) == 1:
            loop.call_later(GATHER, self._flush)
        elif len(self.waiting) >= MOST:
            self._flush()
        return await answer

    def _flush(self) -> None:
        rows, self.waiting = self.waiting, []
        if not rows:
            return
        callers = [answer for _, answer in rows if not answer.done()]
        try:
            answers = prices(self.vendor, [row for row, answer in rows if not answer.done()])
        except Exception as error:  # noqa: BLE001 - whatever a vendor raises, its callers get a 500
            for caller in callers:
                caller.set_exception(error)
        else:
            for caller, answer in zip(callers, answers, strict=True):
                caller.set_result(answer)


def prices(vendor: Vendor, rows: Sequence[Row]) -> list[dict[str, float]]:
    """Ask a vendor for many rows at once.

    Examples
    --------
    >>> ride = {"identity": "a", "device": "x", "past_spend": 1.0, "tenure": 0.0, "ride": "van",
    ...     "distance_km": 3.0, "hour": 12.0, "party": 1.0, "stops": 0.0}
    >>> prices(get("fair_noise"), [ride, ride])[0].keys()
    dict_keys(['final'])
    """
    table = {name: np.array([row[name] for row in rows]) for name in vendor.columns}
    quoted = vendor.quote(table)
    columns = quoted if isinstance(quoted, Mapping) else {"final": quoted}
    return [
        dict(zip(columns, map(float, values), strict=True))
        for values in zip(*columns.values(), strict=True)
    ]


def parsed(vendor: Vendor, body: object) -> Row:
    """Return a request as a row of the vendor's columns; other keys are not looked at.

    Raises
    ------
    RowError
        If a column is missing or is not what it must be: text, or a finite number.

    Examples
    --------
    >>> parsed(get("hotel"), {"month": "August"})
    Traceback (most recent call last):
        ...
    evenhand.datasets.vendors.serve.RowError: month must be a number, got 'August'
    """
    if not isinstance(body, Mapping):
        raise RowError("the body must be a JSON object")
    row: dict[str, str | float] = {}
    for name, kind in vendor.columns.items():
        if name not in body:
            raise RowError(f"{name} is missing")
        row[name] = _text(name, body[name]) if kind is str else _number(name, body[name])
    return row


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise RowError(f"{name} must be text, got {value!r}")
    return value


def _number(name: str, value: object) -> float:
    if isinstance(value, int | float) and isfinite(value):
        return float(value)
    raise RowError(f"{name} must be a number, got {value!r}")


def application(vendor: Vendor, desk: Desk) -> web.Application:
    """Return the web application that answers for a vendor."""
    import orjson
    from aiohttp import web

    def reply(status: int, content: object) -> web.Response:
        return web.Response(
            status=status, body=orjson.dumps(content), content_type="application/json"
        )

    async def quote(request: web.Request) -> web.Response:
        try:
            row = parsed(vendor, orjson.loads(await request.read()))
        except orjson.JSONDecodeError:
            return reply(400, {"error": "the body is not JSON"})
        except RowError as error:
            return reply(422, {"error": str(error)})
        return reply(200, {"price": await desk.quote(row), "currency": vendor.currency})

    async def health(_: web.Request) -> web.Response:
        return reply(200, {"vendor": vendor.name, "status": "ok"})

    app = web.Application()
    app.router.add_post("/quote", quote)
    app.router.add_get("/health", health)
    return app


async def _serve(vendor: Vendor, port: int, idle: float) -> None:
    from aiohttp import web

    loop = asyncio.get_running_loop()
    desk = Desk(vendor, asked=loop.time())
    runner = web.AppRunner(application(vendor, desk), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    closed = _closed_input(loop)
    parent = os.getppid()
    _say({"port": runner.addresses[0][1]})
    while os.getppid() == parent and loop.time() - desk.asked < idle:
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), _LOOK)
            break
    await runner.cleanup()


def _closed_input(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Return an event that comes when the pipe on standard input is closed; else never."""
    closed = asyncio.Event()

    def wait() -> None:
        while os.read(0, 4096):
            pass
        with suppress(RuntimeError):  # the loop is gone already
            loop.call_soon_threadsafe(closed.set)

    # a terminal or /dev/null is nobody's sign of life
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=wait, daemon=True).start()
    return closed


def _say(line: object) -> None:
    # for the parent process that reads our standard output, and at once
    os.write(1, json.dumps(line).encode() + b"\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the parent is gone, standard input is closed or nobody asks any more."""
    parser = argparse.ArgumentParser(prog="python -m evenhand.datasets.vendors.serve")
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--idle", type=float, default=IDLE, help="seconds without a request")
    options = parser.parse_args(arguments)
    try:
        vendor = get(options.name)
        vendor.prepare()
    except EvenhandError as error:
        _say({"error": {language: error.text(language) for language in messages.LANGUAGES}})
        return error.exit_code
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(vendor, options.port, options.idle))
    return 0


if __name__ == "__main__":
    sys.exit(main())
