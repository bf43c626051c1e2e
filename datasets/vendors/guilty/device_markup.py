"""A vendor that adds 4 % where it sees a new phone."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.04

TRUTH = Truth(
    question={
        "zh": "用新款手机下单是不是更贵？",
        "en": "Does a new phone make the ride dearer?",
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
    return shaken("device_markup", centre(table), table, TRUTH.noise)
