"""A vendor that remembers: every earlier look makes the ride 2 % dearer, up to three looks.

Seeing a product page counts as a look, as does an earlier quote.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = ("looks", "views")

STEP, MOST = 1.02, 3
LOOKS = Effect(attribute="looks", reference=0, level=1)

TRUTH = Truth(
    question={
        "zh": "多看几次，价格会不会变高？",
        "en": "Does looking again make it dearer?",
    },
    effects=(
        LOOKS.moves(mean=log(STEP)),
        LOOKS.moves(level=3, mean=MOST * log(STEP), share=1.0),
        LOOKS.moves(attribute="views", level=3, mean=MOST * log(STEP), share=1.0),
        DEVICE,
        SPEND,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    looked = np.asarray(table["looks"], dtype=float) + np.asarray(table["views"], dtype=float)
    prices: NDArray[np.float64] = fare(table) * STEP ** np.minimum(looked, MOST)
    return prices


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("repeat_looks", centre(table), table, TRUTH.noise)
