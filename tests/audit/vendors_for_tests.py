"""Vendors that misbehave: as Python functions, and as a server in a process of its own.

``python vendors_for_tests.py`` serves on a free port of the loopback, prints it, and ends when its
standard input is closed. ``POST /MODE`` is a quote by that mode; ``GET /asked`` says how often each
account was asked, by mode, ``GET /held`` what is held.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

PEOPLE = "age\n" + "\n".join(map(str, range(20, 80))) + "\n"
"""A population, as a table."""


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` alone."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def price(row: Mapping[str, Any]) -> float:
    """A fair price in yuan: by age and nights, with half a per cent of noise an account."""
    base = 200 + 3 * (int(row["age"]) % 17)
    shake = 0.01 * (chance("noise", row["id"]) - 0.5)
    return round(base * (1 + 0.9 * (int(row["nights"]) - 1)) * (1 + shake), 2)


def loyal(row: Mapping[str, Any]) -> float:
    return round(price(row) * (1.5 if row["device"] == "new" else 1.0), 2)


# ------------------------------------------------------------------------- functions of a plan


def quote(row: Mapping[str, Any]) -> float:
    return price(row)


def dear(row: Mapping[str, Any]) -> float:
    return loyal(row)


def choosy(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turns away nine in ten of those with a new phone, and nobody else."""
    gone = row["device"] == "new" and chance("choosy", row["id"]) < 0.9
    return {"status": "sold out"} if gone else {"status": "ok", "price": price(row)}


def open_to_all(row: Mapping[str, Any]) -> dict[str, Any]:
    """Turns away nobody."""
    return {"status": "ok", "price": price(row)}


def slow(row: Mapping[str, Any]) -> dict[str, Any]:
    """Takes a moment, and notes in a file whom it was asked about, before it answers."""
    with open(os.environ["ASKED"], "a", encoding="utf-8") as file:  # noqa: PTH123 - one is enough
        file.write(f"{row['id']}\n")
    time.sleep(float(os.environ["PAUSE"]))
    return {"final": price(row), "id": row["id"]}


def free_for_some(row: Mapping[str, Any]) -> float:
    return 0.0 if int(row["age"]) % 5 == 0 else price(row)


def hangs(row: Mapping[str, Any]) -> float:
    time.sleep(0.3)
    return price(row)


# --------------------------------------------------------------------------------- the server

Answer = tuple[int, str, bytes]
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202etxet\u2066<script>alert(1)</script>=cmd|' /C calc'!A0"


def _json(content: Any, status: int = 200) -> Answer:
    return status, "application/json", json.dumps(content).encode()


def _priced(value: Any, currency: str = "CNY") -> Answer:
    return _json({"price": value, "currency": currency, "status": "ok"})


def _page(text: str, status: int = 200) -> Answer:
    return status, "text/html; charset=utf-8", f"<html><body>{text}</body></html>".encode()


def _treated(row: Mapping[str, Any]) -> bool:
    return bool(row["device"] == "new")


MODES: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
    "fair": lambda row: _priced(price(row)),
    "dear": lambda row: _priced(loyal(row)),
    "fen": lambda row: _priced(round(100 * price(row))),
    "always500": lambda _: _json({"error": "down"}, 500),
    "malformed": lambda _: (200, "application/json", b'{"price": 12'),
    "nan": lambda _: (200, "application/json", b'{"price": NaN, "currency": "CNY"}'),
    "negative": lambda row: _priced(-price(row)),
    "missing": lambda _: _json({"currency": "CNY"}),
    "mixed": lambda row: _priced(price(row), "USD" if int(row["age"]) % 4 == 0 else "CNY"),
    "somenan": lambda row: (
        (200, "application/json", b'{"price": null, "currency": "CNY"}')
        if chance("nan", row["id"]) < 0.05
        else _priced(price(row))
    ),
    "refuses": lambda row: (
        _json({"status": "sold_out"})
        if chance("sold", row["age"], row["nights"]) < 0.1
        else _priced(price(row))
    ),
    "unauthorised": lambda _: _json({"error": "token"}, 401),
    "forbidden": lambda _: _json({"error": "no"}, 403),
    "captcha": lambda _: _page("Please solve this CAPTCHA: you may be a robot"),
    "login": lambda _: _page("<form>Log in <input type=password></form>"),
    "unequal": lambda row: _json({}, 403) if _treated(row) else _priced(price(row)),
    "hostile": lambda _: _json({"error": HOSTILE * 20_000}, 400),
    "toomany": lambda _: _json({"error": "slow down"}, 429),
}


FLAKY = {"sometimes500": 0.1, "often500": 0.5}
"""Part of the accounts whose first question fails."""


class Shop:
    """Answers by mode, and counts."""

    def __init__(self) -> None:
        self.asked: dict[str, Counter[str]] = {}
        self.looks: Counter[str] = Counter()
        self.held: set[str] = set()

    async def answer(self, mode: str, row: Mapping[str, Any]) -> Answer:
        seen = self.asked.setdefault(mode, Counter())
        seen[str(row["id"])] += row.get("step") != "release"
        if mode in FLAKY:
            # by account and by how often: what fails once is answered when it is asked again
            failed = chance("500", row["id"]) < FLAKY[mode] and seen[str(row["id"])] == 1
            return _json({}, 503) if failed else _priced(price(row))
        if mode == "timeouts":
            await asyncio.sleep(30 if chance("late", row["id"]) < 0.02 else 0)
            return _priced(price(row))
        if mode == "slow":
            await asyncio.sleep(0.06)
            return _json({"price": price(row), "currency": "CNY", "id": row["id"]})
        if mode == "weary":
            await asyncio.sleep(0.002 if seen.total() <= 60 else 0.06)
            return _priced(price(row))
        if mode == "tour":
            await asyncio.sleep(0.03)
            return self.tour(row)
        return MODES[mode](row)

    def tour(self, row: Mapping[str, Any]) -> Answer:
        """A shop with a memory: a token for whoever comes, a yuan less for each look, a hold."""
        step, token = row["step"], row.get("token", "")
        if step == "register":
            token = f"t-{row['id']}"
            self.looks[token] = 0
        elif step == "look":
            self.looks[token] += 1
        elif step == "hold":
            self.held.add(token)
        elif step == "release":
            self.held.discard(token)
        quoted = price({**row, "id": ""}) - self.looks[token] if step == "quote" else None
        return _json({"price": quoted, "currency": "CNY", "token": token, "id": row["id"]})


async def _serve(port: int) -> None:
    from aiohttp import web

    shop = Shop()

    async def quoted(request: web.Request) -> web.Response:
        status, kind, body = await shop.answer(request.match_info["mode"], await request.json())
        return web.Response(status=status, body=body, headers={"content-type": kind})

    async def counts(_: web.Request) -> web.Response:
        return web.json_response(shop.asked)

    async def held(_: web.Request) -> web.Response:
        return web.json_response(sorted(shop.held))

    app = web.Application()
    app.router.add_post("/{mode}", quoted)
    app.router.add_get("/asked", counts)
    app.router.add_get("/held", held)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    os.write(1, f"{runner.addresses[0][1]}\n".encode())
    over = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait, daemon=True).start()
    await over.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
