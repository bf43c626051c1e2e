"""A hotel's price model, learnt from its real bookings. Nothing is planted in it.

Gradient-boosted trees on the logarithm of the average price of a room and night. Who the guest is
(returning or new, country, how they booked) stands among the inputs because it stands in the
bookings; whatever the trees made of it is what an audit finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sources import hotel_bookings
from ..trees import Trees, learnt
from ..truth import Columns, Effect, Frame, Truth

_NUMBERS = ("month", "weekend_nights", "week_nights", "adults", "children", "lead_time")
_GUEST = ("is_repeated_guest",)
_NAMES = ("room_type", "meal", "country", "segment", "channel", "customer_type")

COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(_NUMBERS + _GUEST, float),
    **dict.fromkeys(_NAMES, str),
}

CURRENCY = "EUR"

MONTH = Effect(attribute="month", reference=1, level=8)

FRAME = Frame(
    population="hotel-guests",
    items={},
    home={
        "is_repeated_guest": 0,
        "country": "PRT",
        "segment": "direct",
        "channel": "direct",
        "customer_type": "transient",
    },
    mover=MONTH,
)

TRUTH = Truth(
    question={
        "zh": "用真实订单训练的房价模型，会不会因客人的身份而报出不同的价？",
        "en": "Does a price model learnt from real bookings quote by who the guest is?",
    },
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return the price of a room and night in EUR for each row.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.

    Examples
    --------
    >>> stay = {"month": 8, "weekend_nights": 2, "week_nights": 5, "adults": 2, "children": 0,
    ...     "lead_time": 60, "is_repeated_guest": 0, "room_type": "A", "meal": "BB",
    ...     "country": "PRT", "segment": "direct", "channel": "direct",
    ...     "customer_type": "transient"}
    >>> summer = {name: np.array([value]) for name, value in stay.items()}
    >>> bool(quote(summer)[0] > 2 * quote({**summer, "month": np.array([1])})[0])
    True
    """
    return prepare().prices(table)


@cache
def prepare() -> Trees:
    """Train the model, once in a process."""
    table, paid = bookings()
    return learnt(table, paid, numbers=_NUMBERS + _GUEST, names=_NAMES)


def bookings() -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Return the bookings as the vendor's columns, and what was paid for a room and night."""
    booked = hotel_bookings()
    columns = {
        name: booked[name].to_numpy(dtype=object if kind is str else np.int64)
        for name, kind in COLUMNS.items()
    }
    return columns, booked["price"].to_numpy(dtype=float)
