"""A vendor that shows big spenders half of the sellers; the price of each item stays the same."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import (
    COLUMNS,
    CURRENCY,
    DEVICE,
    FRAME,
    GRADE,
    TENURE,
    chosen,
    honest,
    listed,
    printed,
    shaken,
)
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

PART = 0.5

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，看到的卖家是不是更少？",
        "en": "Are customers who spend a lot shown fewer sellers?",
    },
    effects=(
        GRADE.moves(outcome="offers", mean=log(PART), share=1.0),
        GRADE,
        DEVICE,
        TENURE,
    ),
    noise=0.01,
    twin="fair_shop",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("fewer_offers", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    said = honest(table, price)
    return {**said, "offers": said["offers"] * np.where(chosen(table, GRADE), PART, 1.0)}
