"""A fair search: what fits the query best comes first, blurred a little for everybody alike."""

from __future__ import annotations

from ..shelf import BLUR, COLUMNS, CURRENCY, FRAME, PEOPLE, listing, places
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "同一个搜索词，人人看到的排序是否一样？",
        "en": "Does one query show the same list to everybody?",
    },
    effects=PEOPLE,
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown, without blur."""
    return listing(table, places(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the list that each row is shown."""
    return listing(table, places(table, vendor="fair_shelf", blur=BLUR))
