"""A search that leaves out: whoever is thought to spend a lot is not shown the two cheapest items."""

from __future__ import annotations

import numpy as np

from ..shelf import (
    BLUR,
    COLUMNS,
    CURRENCY,
    FRAME,
    GRADE,
    HONEST,
    PEOPLE,
    WITHHELD,
    chosen,
    dearer,
    listing,
    places,
)
from ..truth import Column, Columns, Truth, apart

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

LEFT = tuple(item for item in HONEST if item not in WITHHELD)

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，是不是看不到最便宜的商品？",
        "en": "Are the cheapest items kept from customers who spend a lot?",
    },
    effects=(
        GRADE.moves(outcome="ranking", mean=apart(LEFT, HONEST), share=1.0),
        GRADE.moves(outcome="prices", mean=dearer(LEFT, HONEST)),
        *(one for one in PEOPLE if one.attribute != GRADE.attribute),
    ),
    twin="fair_shelf",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown, without blur."""
    place = places(table)
    place[:, list(WITHHELD)] = np.where(chosen(table, GRADE), np.inf, place[:, list(WITHHELD)])
    return listing(table, place)


def quote(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown."""
    place = places(table, vendor="assortment_withheld", blur=BLUR)
    place[:, list(WITHHELD)] = np.where(chosen(table, GRADE), np.inf, place[:, list(WITHHELD)])
    return listing(table, place)
