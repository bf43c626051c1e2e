"""A vendor with surge prices: all at once, for everybody, and back again.

Whoever asks first and whoever asks later meet different prices. Only questions asked at one moment,
in random order, tell a surge from a person.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..noise import uniform
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = ("calls",)

SURGES = np.array([1.0, 1.0, 1.2, 1.5])
LASTS = 400
"""Quotes that a surge lasts."""

TRUTH = Truth(
    question={
        "zh": "高峰加价是否对所有人一视同仁？",
        "en": "Does the surge meet everybody alike?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=0.01,
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    when = np.asarray(table["calls"], dtype=float) // LASTS
    drawn = (uniform("surge", when) * len(SURGES)).astype(int)
    prices: NDArray[np.float64] = fare(table) * SURGES[drawn]
    return prices


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("surge", centre(table), table, TRUTH.noise)
