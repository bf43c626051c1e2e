"""A search that steers: customers with a new phone see the dearest items first."""

from __future__ import annotations

from ..shelf import (
    BLUR,
    COLUMNS,
    CURRENCY,
    DEAREST_FIRST,
    DEVICE,
    FRAME,
    HONEST,
    PEOPLE,
    chosen,
    dearer,
    listing,
    places,
    reordered,
)
from ..truth import Column, Columns, Truth, apart

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

SHOWN = reordered(DEAREST_FIRST) - reordered(HONEST)
"""How many places each item is moved."""

TRUTH = Truth(
    question={
        "zh": "用新款手机搜索，贵的商品是不是排得更靠前？",
        "en": "Does a new phone bring the dear items to the top?",
    },
    effects=(
        DEVICE.moves(outcome="ranking", mean=apart(DEAREST_FIRST, HONEST), share=1.0),
        DEVICE.moves(outcome="prices", mean=dearer(DEAREST_FIRST, HONEST), share=1.0),
        *(one for one in PEOPLE if one.attribute != DEVICE.attribute),
    ),
    twin="fair_shelf",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown, without blur."""
    return listing(table, places(table) + chosen(table, DEVICE) * SHOWN)


def quote(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown."""
    return listing(
        table, places(table, vendor="dear_first", blur=BLUR) + chosen(table, DEVICE) * SHOWN
    )
