"""A vendor of the zoo behind an HTTP endpoint on this machine's loopback address.

``python -m evenhand.datasets.vendors.serve NAME --port 0`` prints one line of JSON, ``{"port": …}``,
when it is ready. ``POST /quote`` takes one JSON object with the vendor's columns and answers
``{"status": "ok", "price": {"final": …}, "currency": …}``, or ``{"status": "refused", …}``; ``/cart``
and ``/checkout`` answer alike. ``/register``, ``/view``, ``/search``, ``/optout`` and ``/release``
take an ``identity`` and are remembered by vendors that remember. ``GET /openapi.json`` describes all
of them, ``GET /health`` says that it lives.

It ends by itself: when its parent is gone, when the pipe that it reads is closed, or when nobody has
asked anything for a while.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ... import messages
from ...errors import EvenhandError, TargetError
from . import STEP, Vendor, get
from .desk import Desk, RowError, noted, parsed
from .openapi import described
from .shop import STEPS, UNPRICED, Shop

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
IDLE = 900.0
"""Seconds without a request after which the server ends."""
_LOOK = 1.0
_PATIENCE = 5.0


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


def application(shop: Shop, desk: Desk) -> web.Application:
    """Return the web application that answers for a shop."""
    import orjson
    from aiohttp import web

    def reply(status: int, content: object) -> web.Response:
        return web.Response(
            status=status, body=orjson.dumps(content), content_type="application/json"
        )

    async def step(request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        try:
            body = orjson.loads(await request.read())
            if name in UNPRICED:
                return reply(200, noted(shop, name, body))
            row = {**parsed(shop.vendor, body), STEP: name}
        except orjson.JSONDecodeError:
            return reply(400, {"error": "the body is not JSON"})
        except RowError as error:
            return reply(422, {"error": str(error)})
        return reply(200, await desk.ask(row))

    async def health(_: web.Request) -> web.Response:
        return reply(200, {"vendor": shop.vendor.name, "status": "ok"})

    async def openapi(_: web.Request) -> web.Response:
        return reply(200, described(shop.vendor))

    app = web.Application()
    for path in STEPS:
        app.router.add_post(f"/{path}", step)
    app.router.add_get("/health", health)
    app.router.add_get("/openapi.json", openapi)
    return app


async def _serve(vendor: Vendor, port: int, idle: float) -> None:
    from aiohttp import web

    loop = asyncio.get_running_loop()
    shop = Shop(vendor)
    desk = Desk(shop, asked=loop.time())
    runner = web.AppRunner(application(shop, desk), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, port)
    await site.start()
    closed = _closed_input(loop)
    parent = os.getppid()
    here = runner.addresses[0][1]
    _say({"port": here})
    if os.isatty(1):
        _tell(vendor.name, f"http://{HOST}:{here}/quote")
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


def _tell(name: str, url: str) -> None:
    # for the person at the terminal
    sentence = messages.text("datasets.serving", name=name, url=url)
    os.write(1, f"{sentence}\n".encode())


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
