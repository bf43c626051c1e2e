"""A vendor whose differences cancel: a new phone makes two kinds of rides 8 % dearer, two cheaper.

The mean is zero and every single customer is hit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

STEP, DEARER = 1.08, ("shared", "comfort")

TRUTH = Truth(
    question={
        "zh": "平均没有差别，会不会只是有人多付、有人少付？",
        "en": "Do differences cancel, some paying more and some less?",
    },
    effects=(DEVICE.moves(share=1.0), SPEND, TENURE),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    step = np.where(np.isin(np.asarray(table["ride"]), DEARER), STEP, 1 / STEP)
    return fare(table) * np.where(np.asarray(table["device"]) == DEVICE.level, step, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("odd_rides", centre(table), table, TRUTH.noise)
