"""What a vendor may answer, and how a value of each kind is read; nothing is guessed.

An outcome is a price, another amount of money, a number, a flag or a list; see
:data:`OUTCOMES`. What cannot be read exactly is :data:`UNREADABLE`, and fails the trial.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from math import inf, nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...probes.design import Column

Kind = Literal["price", "amount", "number", "flag", "labels", "prices"]

OUTCOMES: Mapping[str, Kind] = {
    "final": "price",
    "list": "price",
    "discount": "amount",
    "coupon": "amount",
    "fee": "amount",
    "units": "number",
    "offers": "number",
    "notice": "flag",
    "ranking": "labels",
    "prices": "prices",
}
"""What a reply may hold. A `price` must be there; an `amount` that is not there is nothing (no
coupon); a `flag` that is not there is not shown; a list that is not there is empty."""

MONEY = frozenset({"price", "amount", "prices"})
"""Kinds that are divided by how many units make one of the currency."""
LISTS = frozenset({"labels", "prices"})
"""Kinds of which one trial answers several."""

MISSING = object()
"""What a path gives that leads nowhere, or to more than one place."""
UNREADABLE = object()
"""What is there and is not what the plan says that it is."""

LONGEST = 1000
"""Entries of a list beyond which it is cut: nobody looks further."""
_LABEL = 200
_DECIMAL = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")


def price(value: Any) -> float:
    """Return an amount, or NaN where `value` is not exactly one.

    Zero is an amount. A truth value, a negative or endless number, and a text that is not a plain
    decimal are not.

    Examples
    --------
    >>> price(328), price("328.00"), price(0), price("1,299"), price(True)
    (328.0, 328.0, 0.0, nan, nan)
    """
    if isinstance(value, float):
        return value if 0 <= value < inf else nan
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value, 0, 64) else nan
    if isinstance(value, bool) or not isinstance(value, int):
        return nan
    try:
        return float(value) if value >= 0 else nan
    except OverflowError:
        return nan


def prices(column: Column) -> NDArray[np.float64]:
    """Return :func:`price` of every entry of a column.

    Examples
    --------
    >>> prices(np.array([1.5, -1.0, np.inf])).tolist()
    [1.5, nan, nan]
    """
    if column.dtype.kind in "iuf":
        amounts = column.astype(np.float64)
        amounts[~(np.isfinite(amounts) & (amounts >= 0))] = np.nan
        return amounts
    return np.array([price(value) for value in column.tolist()], dtype=np.float64)


def _amount(value: Any) -> float:
    return 0.0 if value is MISSING or value is None else price(value)


def _flag(value: Any) -> float:
    return float(value is not MISSING and bool(value))


def _labels(value: Any) -> Any:
    if value is MISSING or value is None:
        return ()
    if not isinstance(value, list | tuple):
        return UNREADABLE
    named = [str(one)[:_LABEL] for one in value[:LONGEST] if isinstance(one, str | int | float)]
    return tuple(named) if len(named) == min(len(value), LONGEST) else UNREADABLE


def _prices(value: Any) -> Any:
    if value is MISSING or value is None:
        return ()
    if not isinstance(value, list | tuple):
        return UNREADABLE
    amounts = tuple(price(one) for one in value[:LONGEST])
    return amounts if all(one == one for one in amounts) else UNREADABLE  # noqa: PLR0124  only NaN is not itself


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    "price": price,
    "amount": _amount,
    "number": price,
    "flag": _flag,
    "labels": _labels,
    "prices": _prices,
}


def value_of(kind: Kind, value: Any) -> Any:
    """Return one answered value, :data:`UNREADABLE` where it is not of its kind.

    Examples
    --------
    >>> value_of("amount", MISSING), value_of("labels", ["a", 7]), value_of("flag", "personalised")
    (0.0, ('a', '7'), 1.0)
    >>> value_of("price", MISSING) is UNREADABLE
    True
    """
    found = _READ[kind](value)
    return UNREADABLE if isinstance(found, float) and found != found else found  # noqa: PLR0124  only NaN is not itself


def in_currency(kind: Kind, value: Any, minor: int) -> Any:
    """Return a value in units of the currency."""
    if minor == 1 or kind not in MONEY:
        return value
    return tuple(one / minor for one in value) if kind in LISTS else value / minor


def objects(values: Iterable[Any]) -> Column:
    """Return values as a column that keeps each as it is."""
    kept = list(values)
    out = np.empty(len(kept), dtype=object)
    out[:] = kept
    return out


def column_of(kind: Kind, column: Column, minor: int) -> tuple[Column, NDArray[np.bool_]]:
    """Return a column of answers in units of the currency, and where it is unreadable.

    Examples
    --------
    >>> column, bad = column_of("price", np.array([32800.0, -1.0]), 100)
    >>> column.tolist(), bad.tolist()
    ([328.0, nan], [False, True])
    """
    if kind in {"price", "number"}:
        amounts = prices(column) / (minor if kind in MONEY else 1)
        return amounts, np.isnan(amounts)
    plain = [None if _is_nan(value) else value for value in column.tolist()]
    values = [value_of(kind, value) for value in plain]
    bad = np.array([value is UNREADABLE for value in values], dtype=bool)
    nothing = None if kind in LISTS else nan
    kept = [nothing if value is UNREADABLE else in_currency(kind, value, minor) for value in values]
    return (objects(kept) if kind in LISTS else np.array(kept, dtype=float)), bad


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124  only NaN is not itself


def unanswered(kind: Kind, count: int) -> Column:
    """Return the column of an outcome that was not answered."""
    return objects([None] * count) if kind in LISTS else np.full(count, nan)
