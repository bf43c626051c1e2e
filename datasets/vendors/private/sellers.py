"""Sellers that watch: what is paid and who comes by which device, leaky and clean.

- ``learned``: the price of an item moves towards what it was bought for: what one customer paid
  comes back to the next.
- ``posted``: the price of an item is what it is.
- ``household_cache``: whoever comes by a device that another account used pays more.
- ``identity_cache``: the same memory, kept by account: a fresh account is a stranger.

A plan reaches one by its name, ``evenhand.datasets.vendors.private.sellers:learned``; each run then
meets a seller that has seen nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

import numpy as np

from ..noise import normal

ITEMS: Mapping[str, float] = {f"item-{n:03d}": 40.0 + 3.0 * n for n in range(300)}
"""Item → price in CNY."""
PACE = 0.5
"""Part of a gap between a price and what was paid that the price moves by, at each purchase."""
NOISE = 0.004
MARKUP = 1.05
BOUGHT = ("buy", "order")
ASKED = "quote"


@dataclass(eq=False)
class Learned:
    """A seller whose prices follow purchases, or do not.

    Parameters
    ----------
    pace : float
        0: prices are posted.

    Examples
    --------
    >>> seller = Learned(pace=0.5)
    >>> ask = {"identity": "ann", "step": "quote", "item": "item-000"}
    >>> before = seller(ask)["final"]
    >>> seller({"identity": "bob", "step": "buy", "item": "item-000", "paid": 1.2})
    {'status': 'ok'}
    >>> round(seller(ask)["final"] / before, 3) == round(1.2**0.5, 3)
    True
    """

    pace: float
    moved: dict[str, float] = field(default_factory=dict[str, float])

    def __call__(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Take one step: learn from a purchase at `paid` times the price, or answer with a price."""
        item, step = str(question["item"]), str(question["step"])
        if step in BOUGHT:
            gap = log(float(question["paid"]))
            self.moved[item] = self.moved.get(item, 0.0) + self.pace * gap
        if step != ASKED:
            return {"status": "ok"}
        price = ITEMS[item] * exp(self.moved.get(item, 0.0))
        return {"status": "ok", "final": price * _shake(question, "identity")}


@dataclass(eq=False)
class Cache:
    """A seller that remembers visitors by one field of what they send.

    Parameters
    ----------
    key : str
        ``"device"`` or ``"identity"``.

    Examples
    --------
    >>> seller = Cache(key="device")
    >>> ask = {"identity": "ann", "device": "d1", "step": "quote", "item": "item-000"}
    >>> first, again, other = seller(ask), seller(ask), seller({**ask, "identity": "bob"})
    >>> first == again, other["final"] > 1.03 * first["final"]
    (True, True)
    """

    key: str
    first: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Remember who came, and answer with a price."""
        identity = str(question["identity"])
        known = self.first.setdefault(str(question[self.key]), identity)
        if str(question["step"]) != ASKED:
            return {"status": "ok"}
        price = ITEMS[str(question["item"])] * (MARKUP if known != identity else 1.0)
        return {"status": "ok", "final": price * _shake(question, "identity")}


def _shake(question: Mapping[str, Any], *fields: str) -> float:
    asked = [np.array([str(question[name])]) for name in (*fields, "item")]
    return exp(NOISE * float(normal("sellers", *asked)[0]))


def __getattr__(name: str) -> Learned | Cache:
    """Open a seller, by its name."""
    if name == "learned":
        return Learned(pace=PACE)
    if name == "posted":
        return Learned(pace=0.0)
    if name == "household_cache":
        return Cache(key="device")
    if name == "identity_cache":
        return Cache(key="identity")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
