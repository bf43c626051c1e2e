"""A search with a favourite: women are shown the vendor's own products first, which cost the same.

No price tells; only what is seen first does.
"""

from __future__ import annotations

from ..shelf import (
    BLUR,
    COLUMNS,
    CURRENCY,
    FRAME,
    GENDER,
    HONEST,
    OWN,
    PEOPLE,
    chosen,
    dearer,
    first,
    listing,
    places,
    reordered,
)
from ..truth import Column, Columns, Truth, apart

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

FAVOURED = first(OWN)
SHOWN = reordered(FAVOURED) - reordered(HONEST)
"""How many places each item is moved."""

TRUTH = Truth(
    question={
        "zh": "平台自营商品是不是更多地排在部分用户的前面？",
        "en": "Are the vendor's own products put before some customers more than others?",
    },
    effects=(
        GENDER.moves(outcome="ranking", mean=apart(FAVOURED, HONEST), share=1.0),
        GENDER.moves(outcome="prices", mean=dearer(FAVOURED, HONEST)),
        *(one for one in PEOPLE if one.attribute != GENDER.attribute),
    ),
    twin="fair_shelf",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown, without blur."""
    return listing(table, places(table) + chosen(table, GENDER) * SHOWN)


def quote(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown."""
    return listing(
        table, places(table, vendor="own_brand_first", blur=BLUR) + chosen(table, GENDER) * SHOWN
    )
