"""A vendor with every fault that a server can have: real connections that are really cut.

What goes wrong is a function of the account and of how often it has asked, so that a test knows what
must be on file: what fails once is answered when it is asked again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

PASSING = {
    "unavailable": 0.10,
    "too_many": 0.05,
    "stall": 0.02,
    "reset": 0.03,
    "truncated": 0.02,
    "malformed": 0.02,
    "nan": 0.02,
    "slow": 0.01,
}
"""Faults of an account's first question → part of the accounts."""

LASTING = {
    "huge": 0.01,
    "wrong_type": 0.02,
    "currency": 0.02,
    "redirect": 0.01,
    "error_page": 0.01,
    "captcha": 0.02,
    "sold_out": 0.03,
}
"""Faults of all of an account's questions → part of the accounts."""

HUGE = 50_000_000


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on `parts` alone."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2.0**64


def fault_of(who: str, faults: Mapping[str, float]) -> str | None:
    """Return what goes wrong for an account."""
    left = chance("fault", sorted(faults), who)
    for name, part in faults.items():
        if left < part:
            return name
        left -= part
    return None


def price(row: Mapping[str, Any]) -> float:
    """A fair price: by age, with a little noise an account."""
    return round((200 + int(row["age"])) * (1 + 0.004 * (chance("noise", row["id"]) - 0.5)), 2)


class Faulty:
    """Serves; counts what it was asked, and which prices it has really given."""

    def __init__(self, *, blocked: float = 0.0) -> None:
        self.asked: Counter[str] = Counter()
        self.given: Counter[str] = Counter()
        self.blocked = blocked

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one question."""
        if request.path == "/login":
            return _page("please log in")
        row = orjson.loads(await request.read())
        who = str(row["id"])
        self.asked[who] += 1
        if row["device"] == "new" and chance("blocked", who) < self.blocked:
            return web.json_response({"error": "no"}, status=403)
        lasting = fault_of(who, LASTING)
        passing = fault_of(who, PASSING) if self.asked[who] == 1 else None
        fault = lasting or passing
        if fault is not None:
            answer: web.StreamResponse = await getattr(self, f"_{fault}")(request, row)
            return answer
        self.given[who] += 1
        return _priced(price(row))

    async def _unavailable(self, *_: Any) -> web.Response:
        return web.json_response({"error": "busy"}, status=503)

    async def _too_many(self, *_: Any) -> web.Response:
        return web.json_response({}, status=429, headers={"retry-after": "0.05"})

    async def _stall(self, *_: Any) -> web.Response:
        await asyncio.sleep(30)
        return _priced(0)

    async def _reset(self, request: web.Request, row: Any) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-length": "64"})
        await answer.prepare(request)
        await answer.write(orjson.dumps({"price": price(row)})[:6])
        if request.transport is not None:
            request.transport.abort()
        return answer

    async def _truncated(self, _: web.Request, row: Any) -> web.Response:
        return _raw(orjson.dumps({"price": price(row), "currency": "CNY"})[:-9])

    async def _malformed(self, *_: Any) -> web.Response:
        return _raw(b'{"price": 12,, "currency" "CNY"}')

    async def _nan(self, *_: Any) -> web.Response:
        return _raw(b'{"price": NaN, "currency": "CNY"}')

    async def _slow(self, request: web.Request, _row: Any) -> web.StreamResponse:
        """A byte now and then, for ever."""
        answer = web.StreamResponse(headers={"content-type": "application/json"})
        await answer.prepare(request)
        for _ in range(600):
            await answer.write(b" ")
            await asyncio.sleep(0.05)
        return answer

    async def _huge(self, request: web.Request, _: Any) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"content-type": "application/json"})
        await answer.prepare(request)
        part = b" " * 65_536
        for _sent in range(HUGE // len(part)):
            await answer.write(part)
        return answer

    async def _wrong_type(self, *_: Any) -> web.Response:
        return web.json_response({"price": {"amount": "12"}, "currency": "CNY"})

    async def _currency(self, _: web.Request, row: Any) -> web.Response:
        return web.json_response({"price": price(row), "currency": "USD"})

    async def _redirect(self, *_: Any) -> web.Response:
        return web.Response(status=302, headers={"location": "/login"})

    async def _error_page(self, *_: Any) -> web.Response:
        return _page("Something went wrong on our side")

    async def _captcha(self, *_: Any) -> web.Response:
        return _page("Please solve this captcha")

    async def _sold_out(self, *_: Any) -> web.Response:
        return web.json_response({"status": "sold_out"})


def _priced(value: float) -> web.Response:
    return web.json_response({"price": value, "currency": "CNY", "status": "ok"})


def _raw(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _page(text: str) -> web.Response:
    return web.Response(text=f"<html><body>{text}</body></html>", content_type="text/html")
