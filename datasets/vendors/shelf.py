"""What a search shows where only lawful things matter: shared by vendors that rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

import numpy as np
from numpy.typing import NDArray

from .noise import normal
from .truth import TOP, Column, Columns, Effect, Frame

COLUMNS: Mapping[str, type] = {
    "identity": str,
    "device": str,
    "consumption_grade": float,
    "gender": str,
    "query": str,
    "city_tier": float,
}
"""What a search needs, and whether each is text or a number."""

CURRENCY = "CNY"

SHELVES: Mapping[str, float] = {
    "tea": 38.0,
    "shampoo": 29.0,
    "headphones": 159.0,
    "suitcase": 219.0,
    "air-fryer": 249.0,
    "laptop": 2999.0,
}
"""Query → the price in CNY of the cheapest item that it finds."""

STEP = 1.12
"""Each item costs 12 % more than the next cheaper one."""
HONEST = (4, 2, 6, 0, 8, 3, 7, 1, 5, 9)
"""Items from the cheapest (0) to the dearest (9), in the order of how well they fit the query."""
DEAREST_FIRST = (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
WITHHELD = (0, 1)
"""The two cheapest."""
OWN = (8, 0, 4)
"""Items that the vendor sells itself: on average as dear as what fits best."""

DEVICE = Effect(attribute="device", reference="android-budget", level="iphone-new")
GRADE = Effect(attribute="consumption_grade", reference=2, level=5)
GENDER = Effect(attribute="gender", reference="m", level="f")
PEOPLE = tuple(
    one.moves(outcome=outcome)
    for one in (DEVICE, GRADE, GENDER)
    for outcome in ("ranking", "prices")
)
"""Whom the truths of these vendors compare, in what is shown first and in how dear that is."""

FRAME = Frame(
    population="cn-urban",
    items={"query": tuple(SHELVES)},
    home={one.attribute: one.reference for one in (DEVICE, GRADE, GENDER)},
    mover=Effect(
        attribute="query",
        reference="tea",
        level="laptop",
        outcome="prices",
        mean=log(SHELVES["laptop"] / SHELVES["tea"]),
        share=1.0,
    ),
)

BLUR = 0.35
"""Standard deviation, in places, of how well an item fits whoever asks."""


def places(table: Columns, *, vendor: str = "", blur: float = 0.0) -> NDArray[np.float64]:
    """Return how far down each item belongs on an honest list, (rows, items): 0 is the top.

    Parameters
    ----------
    table : mapping of str to (rows,) array
    vendor : str
        Whose blur it is.
    blur : float
        Standard deviation in places; items change places with their neighbours, for everybody alike.
    """
    asked = [np.asarray(table[name]) for name in ("identity", "query")]
    rows = len(asked[0])
    shakes = [
        blur * normal(f"{vendor} {item}", *asked) if blur else np.zeros(rows)
        for item in range(len(HONEST))
    ]
    return np.argsort(HONEST).astype(float) + np.column_stack(shakes)


def listing(table: Columns, place: NDArray[np.float64]) -> dict[str, Column]:
    """Return what is shown to each row: ``ranking`` and, aligned with it, ``prices``.

    Parameters
    ----------
    table : mapping of str to (rows,) array
    place : (rows, items) float array
        Smaller is higher up; an item at infinity is not shown.

    Examples
    --------
    >>> search = {"query": np.array(["tea"]), "identity": np.array(["ann"])}
    >>> shown = listing(search, places(search))
    >>> shown["ranking"][0][:2], shown["prices"][0][:2]
    (('tea-4', 'tea-2'), (59.79, 47.67))
    """
    queries = np.asarray(table["query"]).tolist()
    orders = np.argsort(place, axis=1, kind="stable")
    kept = np.isfinite(place).sum(axis=1)
    ranking, prices = (np.empty(len(queries), dtype=object) for _ in range(2))
    for row, (query, order) in enumerate(zip(queries, orders.tolist(), strict=True)):
        shown = order[: kept[row]]
        ranking[row] = tuple(f"{query}-{item}" for item in shown)
        prices[row] = tuple(round(SHELVES[query] * STEP**item, 2) for item in shown)
    return {"ranking": ranking, "prices": prices}


def dearer(one: Sequence[int], other: Sequence[int]) -> float:
    """Return how much dearer the top of a list is than that of another, as a mean log ratio.

    Examples
    --------
    >>> round(dearer(DEAREST_FIRST, HONEST) / log(STEP), 6)
    4.0
    """
    top, rest = (sum(items[:TOP]) / TOP for items in (one, other))
    return (top - rest) * log(STEP)


def first(items: Sequence[int], order: Sequence[int] = HONEST) -> tuple[int, ...]:
    """Return an order with some items moved to its top.

    Examples
    --------
    >>> first((9, 1))
    (9, 1, 4, 2, 6, 0, 8, 3, 7, 5)
    """
    return (*items, *(item for item in order if item not in items))


def reordered(order: Sequence[int]) -> NDArray[np.float64]:
    """Return the place of each item on a list in this order; items that it lacks are at infinity."""
    place = np.full(len(HONEST), np.inf)
    place[list(order)] = np.arange(len(order))
    return place


def chosen(table: Columns, effect: Effect) -> NDArray[np.bool_]:
    """Return, as a column, the rows of whoever stands at the level of a contrast."""
    rows: NDArray[np.bool_] = np.asarray(table[effect.attribute]) == effect.level
    return rows[:, None]
