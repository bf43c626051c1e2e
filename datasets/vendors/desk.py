"""A shop's desk: requests come in one by one, the vendor is asked for many at once.

One row costs a model as much as thirty, so the desk waits a moment for others to come along and asks
once for all of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np

from . import STEP, Vendor
from .shop import Shop
from .truth import Columns

GATHER = 0.002
"""Seconds that a row waits for others."""
MOST = 512
"""Rows that are never made to wait longer."""
MONEY = ("final", "list", "discount", "coupon", "fee")
"""Outcomes that stand under ``price`` in a reply."""
NUMBERS = ("units", "offers")
"""Outcomes that stand by themselves."""

Row = Mapping[str, str | float]
Reply = dict[str, Any]


class RowError(ValueError):
    """A request that the vendor cannot answer: its text is for the caller."""


@dataclass(eq=False)
class Desk:
    """Gathers rows for a moment and asks the shop once for all of them.

    Parameters
    ----------
    shop : Shop
    """

    shop: Shop
    asked: float = 0.0
    """When somebody last asked, on the event loop's clock."""
    waiting: list[tuple[Row, asyncio.Future[Reply]]] = field(default_factory=list)

    async def ask(self, row: Row) -> Reply:
        """Return the reply to a row, as it goes over the wire."""
        loop = asyncio.get_running_loop()
        self.asked = loop.time()
        answer: asyncio.Future[Reply] = loop.create_future()
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
            found = replies(self.shop, [row for row, answer in rows if not answer.done()])
        except Exception as error:  # noqa: BLE001 - whatever a vendor raises, its callers get a 500
            for caller in callers:
                caller.set_exception(error)
        else:
            for caller, reply in zip(callers, found, strict=True):
                caller.set_result(reply)


def replies(shop: Shop, rows: Sequence[Row]) -> list[Reply]:
    """Ask a shop about many rows at once.

    Examples
    --------
    >>> ride = {"identity": "a", "device": "x", "past_spend": 1.0, "tenure": 0.0, "ride": "van",
    ...     "distance_km": 3.0, "hour": 12.0, "party": 1.0, "stops": 0.0}
    >>> replies(Shop("flat_fare"), [ride, ride])[0]
    {'status': 'ok', 'price': {'final': 34.34}, 'currency': 'CNY'}
    """
    names = (*shop.vendor.columns, *((STEP,) if STEP in rows[0] else ()))
    said = shop({name: np.array([row[name] for row in rows]) for name in names})
    currency = shop.vendor.currency
    return [{**reply, "currency": currency} for reply in _read(said)]


def _read(said: Columns) -> Iterator[Reply]:
    for values in zip(*(column.tolist() for column in said.values()), strict=True):
        row = dict(zip(said, values, strict=True))
        yield {"status": "refused"} if row.get("refused") else _answered(row)


def _answered(row: Mapping[str, Any]) -> Reply:
    reply: Reply = {"status": "ok"}
    money = {name: row[name] for name in MONEY if name in row}
    if money:
        reply["price"] = money
    reply |= {name: row[name] for name in NUMBERS if name in row}
    if "ranking" in row:
        reply["items"] = _items(row["ranking"], row.get("prices"))
    if "notice" in row:
        reply["notice"] = bool(row["notice"])
    return reply


def _items(ranking: Sequence[str], prices: Sequence[float] | None) -> list[Reply]:
    if prices is None:
        return [{"id": item} for item in ranking]
    return [{"id": item, "price": price} for item, price in zip(ranking, prices, strict=True)]


def parsed(vendor: Vendor, body: object) -> Row:
    """Return a request as a row of the vendor's columns; other keys are not looked at.

    Raises
    ------
    RowError
        If a column is missing or is not what it must be: text, or a finite number.

    Examples
    --------
    >>> parsed(Shop("hotel").vendor, {"month": "August"})
    Traceback (most recent call last):
        ...
    evenhand.datasets.vendors.desk.RowError: month must be a number, got 'August'
    """
    body = _object(body)
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


def noted(shop: Shop, step: str, body: object) -> Reply:
    """Remember a step that asks for no price; ``/register`` answers with a token.

    Raises
    ------
    RowError
        If the request does not say who asks.

    Examples
    --------
    >>> noted(Shop("surge"), "view", {"identity": "ann", "ride": "van"})
    {'status': 'ok'}
    """
    told = _object(body)
    if "identity" not in told:
        raise RowError("identity is missing")
    identity = _text("identity", told["identity"])
    shop.note(identity, step, str(told.get(shop.vendor.frame.item, "")))
    if step == "register":
        return {"status": "ok", "token": hashlib.sha256(identity.encode()).hexdigest()[:16]}
    return {"status": "ok"}


def _object(body: object) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise RowError("the body must be a JSON object")
    return body
