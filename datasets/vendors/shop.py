"""A vendor's shop: what stands between a customer who comes back and a vendor that is a function.

A vendor of the zoo answers each row from that row alone. A shop remembers what each identity did and
writes it into the row: how often it looked, what it viewed, whether it opted out. So all memory is
in one place, bounded, and a vendor with memory is tested and enumerated like any other.

A plan asks a shop in this process by the vendor's name, ``evenhand.datasets.vendors.shop:surge``;
each run then meets a shop that has seen nobody. Over HTTP :mod:`.serve` keeps one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import REMEMBERED, STEP, Vendor, get, names
from .truth import Column, Columns, Level, outcomes

PRICED = ("quote", "cart", "checkout")
"""Steps that answer with the vendor's outcomes."""
UNPRICED = ("register", "view", "search", "optout", "release")
"""Steps that are only noted."""
STEPS = PRICED + UNPRICED
MOST = 100_000
"""Identities that a shop remembers; whoever was seen least recently is forgotten first."""

_COUNTED = {"quote": "looks", "view": "views", "search": "searches"}
_IDENTITY = "identity"


@dataclass(slots=True)
class Past:
    """What a shop remembers of one identity."""

    looks: float = 0.0
    views: float = 0.0
    searches: float = 0.0
    viewed: str = ""
    opted_out: float = 0.0

    def note(self, step: str, item: str) -> None:
        """Remember that a step was taken."""
        counted = _COUNTED.get(step)
        if counted:
            setattr(self, counted, getattr(self, counted) + 1.0)
        if step == "view":
            self.viewed = item
        if step == "optout":
            self.opted_out = 1.0


class Shop:
    """A vendor with its memory of customers.

    Parameters
    ----------
    vendor : Vendor or str
        A vendor, or the name of one.
    most : int
        Identities that are remembered.

    Examples
    --------
    >>> ride = {"identity": "ann", "device": "x", "past_spend": 1.0, "tenure": 0.0, "ride": "van",
    ...     "distance_km": 3.0, "hour": 12.0, "party": 1.0, "stops": 0.0}
    >>> table = {name: np.array([value]) for name, value in ride.items()}
    >>> shop = Shop("repeat_looks")
    >>> first, second = shop(table)["final"], shop(table)["final"]
    >>> round(float(second[0] / first[0]), 3)
    1.02
    """

    def __init__(self, vendor: Vendor | str, *, most: int = MOST) -> None:
        self.vendor = get(vendor) if isinstance(vendor, str) else vendor
        self._most = most
        self._pasts: OrderedDict[str, Past] = OrderedDict()
        self._calls = 0

    def __call__(self, table: Columns) -> Columns:
        """Return the answers to a table, and remember what was asked.

        Parameters
        ----------
        table : mapping of str to (rows,) array
            The vendor's columns. A column ``step``, one of :data:`STEPS`, says what each row does;
            without it all ask for a quote. Every row is answered with the vendor's outcomes, as the
            page of that step would show them. Rows of one identity are taken in their order.

        Returns
        -------
        mapping of str to (rows,) array
            Outcome → column.
        """
        if not self.vendor.remembers:
            return outcomes(self.vendor.quote(table))
        rows = len(next(iter(table.values())))
        steps = _steps(table, rows)
        parts = [
            (turn, outcomes(self.vendor.quote(self._informed(table, steps, turn))))
            for turn in _turns(_text(table[_IDENTITY]))
        ]
        return _together(parts)

    def note(self, identity: str, step: str, item: str = "") -> None:
        """Remember a step that asks for no price."""
        self._past(identity).note(step, item)

    def _informed(self, table: Columns, steps: list[str], turn: NDArray[np.intp]) -> Columns:
        """Return the rows of a turn with what is remembered, and remember them."""
        own = {name: np.asarray(column)[turn] for name, column in table.items()}
        told: dict[str, list[Level]] = {name: [] for name in self.vendor.remembers}
        items = _text(own.get(self.vendor.frame.item, np.full(len(turn), "")))
        for row, identity, item in zip(turn.tolist(), _text(own[_IDENTITY]), items, strict=True):
            past = self._past(identity)
            for name, values in told.items():
                values.append(self._recalled(name, past, steps[row]))
            past.note(steps[row], item)
            self._calls += steps[row] in PRICED
        return own | {name: np.array(values) for name, values in told.items()}

    def _recalled(self, name: str, past: Past, step: str) -> Level:
        if name == STEP:
            return step
        if name == "calls":
            return float(self._calls)
        recalled: Level = getattr(past, name)
        return recalled

    def _past(self, identity: str) -> Past:
        past = self._pasts.pop(identity, None) or Past()
        self._pasts[identity] = past
        if len(self._pasts) > self._most:
            self._pasts.popitem(last=False)
        return past


def _steps(table: Columns, rows: int) -> list[str]:
    return _text(table[STEP]) if STEP in table else [str(REMEMBERED[STEP])] * rows


def _text(column: Column) -> list[str]:
    return [str(value) for value in np.asarray(column).tolist()]


def _turns(identities: list[str]) -> Iterator[NDArray[np.intp]]:
    """Yield rows in which nobody stands twice: first everybody's first, then the second ones."""
    seen: dict[str, int] = {}
    turn = np.empty(len(identities), dtype=np.intp)
    for row, identity in enumerate(identities):
        turn[row] = seen.get(identity, 0)
        seen[identity] = int(turn[row]) + 1
    for number in range(max(seen.values(), default=0)):
        yield np.flatnonzero(turn == number)


def _together(parts: list[tuple[NDArray[np.intp], Columns]]) -> Columns:
    """Return the answers of all turns in the order of the table."""
    back = np.argsort(np.concatenate([turn for turn, _ in parts]))
    answers = [said for _, said in parts]
    return {name: np.concatenate([one[name] for one in answers])[back] for name in answers[0]}


def __getattr__(name: str) -> Any:
    """Open the shop of a vendor, by its name."""
    if name.startswith("_") or name not in names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return Shop(name)
