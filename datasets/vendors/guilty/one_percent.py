"""A vendor that adds 1 % for a new phone under 3 % of noise: small, steady, and hard to see.

Half a percent is what its truth is told against.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Limit, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.01
HALF = Limit(mean=0.005)

TRUTH = Truth(
    question={
        "zh": "波动之下，是否藏着一个百分点的差价？",
        "en": "Is there one per cent, hidden under the noise?",
    },
    effects=(
        DEVICE.moves(mean=log(MARKUP), limit=HALF),
        SPEND.moves(limit=HALF),
        TENURE.moves(limit=HALF),
    ),
    noise=0.03,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    return fare(table) * np.where(np.asarray(table["device"]) == DEVICE.level, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("one_percent", centre(table), table, TRUTH.noise)
