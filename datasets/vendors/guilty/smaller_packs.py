"""A vendor that gives less for the same money: packs for a new phone hold 80 % of the others'."""

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

PART = 0.8

TRUTH = Truth(
    question={
        "zh": "同样的价钱，拿到的分量是不是一样多？",
        "en": "Does the same money buy the same amount for everybody?",
    },
    effects=(
        DEVICE.moves(outcome="units", mean=-log(PART), share=1.0),
        DEVICE,
        GRADE,
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
    return printed(_said(table, shaken("smaller_packs", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    said = honest(table, price)
    return {**said, "units": said["units"] * np.where(chosen(table, DEVICE), PART, 1.0)}
