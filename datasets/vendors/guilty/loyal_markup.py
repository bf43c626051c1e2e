"""A vendor that charges customers of a year and more 5 % on top, under 1 % of noise."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP, SINCE = 1.05, 12

TRUTH = Truth(
    question={
        "zh": "老用户是不是付得更多？",
        "en": "Do long-standing customers pay more?",
    },
    # everybody pays exactly 5 % more, and exactly 5 % is not beyond 5 %
    effects=(TENURE.moves(mean=log(MARKUP)), DEVICE, SPEND),
    noise=0.01,
    twin="fair_noise",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    loyal = np.asarray(table["tenure"], dtype=float) >= SINCE
    return fare(table) * np.where(loyal, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("loyal_markup", centre(table), table, TRUTH.noise)
