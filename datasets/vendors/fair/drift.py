"""A vendor whose prices creep up with every quote, for everybody: 5 % in 5,000.

Asking all reference customers first and all others afterwards would find a difference.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = ("calls",)

CREEP = log(1.05) / 5000

TRUTH = Truth(
    question={
        "zh": "价格一直在涨，涨幅是否与顾客是谁无关？",
        "en": "Prices creep up: alike for everybody?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=0.01,
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    return fare(table) * np.exp(CREEP * np.asarray(table["calls"], dtype=float))


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("drift", centre(table), table, TRUTH.noise)
