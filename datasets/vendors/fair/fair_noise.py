"""A fair vendor whose prices shake by 2 %: the fare, and nothing else but noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, shaken
from ..fares import fare as centre
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "报价会随手机、消费水平或使用时长变化吗？",
        "en": "Do prices follow the phone, the spending level or the time as a customer?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=0.02,
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("fair_noise", centre(table), table, TRUTH.noise)
