"""A vendor that always says the same: the fare, to the fen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE
from ..fares import fare as centre
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "同一段行程，报价是否只取决于行程本身？",
        "en": "Does a quote depend on the ride and on nothing else?",
    },
    effects=(DEVICE, SPEND, TENURE),
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return np.round(centre(table), 2)
