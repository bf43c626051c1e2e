"""A vendor that adds 0.4 % for a new phone: a difference, and one inside the usual limit.

The right answer is that there is a difference and that it is shown small.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.004

TRUTH = Truth(
    question={
        "zh": "确有差别但很小时，会不会被误判为超限？",
        "en": "Is a real but small difference told as what it is?",
    },
    effects=(DEVICE.moves(mean=log(MARKUP)), SPEND, TENURE),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    return fare(table) * np.where(np.asarray(table["device"]) == DEVICE.level, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("small_change", centre(table), table, TRUTH.noise)
