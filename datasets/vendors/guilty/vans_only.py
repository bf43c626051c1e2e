"""A vendor that adds 8 % for a new phone on one kind of ride: vans with a stop on the way.

One context in eight; the mean stays inside 1 %.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP, PART = 1.08, 1 / 8
"""One of four rides, with one of two numbers of stops."""

TRUTH = Truth(
    question={
        "zh": "差价会不会只出现在某一类行程上？",
        "en": "Is there a difference on one kind of ride only?",
    },
    effects=(
        DEVICE.moves(mean=PART * log(MARKUP), share=PART),
        DEVICE.moves(mean=log(MARKUP), share=1.0, given={"ride": "van", "stops": 1}),
        SPEND,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    hit = (np.asarray(table["ride"]) == "van") & (np.asarray(table["stops"], dtype=float) > 0)
    return fare(table) * np.where(hit & (np.asarray(table["device"]) == DEVICE.level), MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("vans_only", centre(table), table, TRUTH.noise)
