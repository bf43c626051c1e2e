"""A vendor that looks at two things together: big spenders with a new phone pay 6 % more.

Either alone changes nothing, so an audit that varies one thing at a time against the reference
customer finds nothing.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP, SPENDER = 1.06, 1000

TRUTH = Truth(
    question={
        "zh": "单看一项没有差别，两项合在一起会不会加价？",
        "en": "Two things that change nothing alone: do they together?",
    },
    effects=(
        DEVICE.moves(mean=log(MARKUP), share=1.0, given={"past_spend": SPEND.level}),
        SPEND.moves(mean=log(MARKUP), share=1.0, given={"device": DEVICE.level}),
        DEVICE,
        SPEND,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    rich = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    both = rich & (np.asarray(table["device"]) == DEVICE.level)
    return fare(table) * np.where(both, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("pair_only", centre(table), table, TRUTH.noise)
