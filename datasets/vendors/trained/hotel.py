"""A hotel's price model, learnt from its real bookings. Nothing is planted in it.

Gradient-boosted trees on the logarithm of the average price of a room and night. Who the guest is
(returning or new, country, how they booked) stands among the inputs because it stands in the
bookings; whatever the trees made of it is what an audit finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...sources import hotel_bookings
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


@dataclass(frozen=True, slots=True)
class _Model:
    trees: Any
    codes: Mapping[str, Mapping[str, float]]

    def encoded(self, table: Columns) -> NDArray[np.float64]:
        numbers = [np.asarray(table[name], dtype=float) for name in _NUMBERS + _GUEST]
        return np.column_stack([*numbers, *(self._coded(name, table[name]) for name in _NAMES)])

    def _coded(self, name: str, column: NDArray[Any]) -> NDArray[np.float64]:
        # the trees know a missing value, and a name that they never saw is one
        codes = self.codes[name]
        return np.array([codes.get(value, np.nan) for value in np.asarray(column).tolist()])


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
    model = prepare()
    prices: NDArray[np.float64] = np.exp(model.trees.predict(model.encoded(table)))
    return np.round(prices, 2)


@cache
def prepare() -> _Model:
    """Train the model, once in a process."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

    table, prices = bookings()
    codes = {name: _codes(table[name]) for name in _NAMES}
    first_name = len(_NUMBERS + _GUEST)
    trees = HistGradientBoostingRegressor(
        max_iter=200,
        early_stopping=False,
        categorical_features=list(range(first_name, first_name + len(_NAMES))),
        random_state=0,
    )
    model = _Model(trees, codes)
    # threads that wait for each other in a loop are slow where others work too
    with threadpool_limits(1):
        trees.fit(model.encoded(table), np.log(prices))
    return model


def bookings() -> tuple[dict[str, NDArray[Any]], NDArray[np.float64]]:
    """Return the bookings as the vendor's columns, and what was paid for a room and night."""
    booked = hotel_bookings()
    columns = {
        name: booked[name].to_numpy(dtype=object if kind is str else np.int64)
        for name, kind in COLUMNS.items()
    }
    return columns, booked["price"].to_numpy(dtype=float)


def _codes(column: NDArray[Any]) -> dict[str, float]:
    return {name: float(code) for code, name in enumerate(sorted(set(column.tolist()) - {""}))}
