"""A vendor whose last page is dearer than its first: 3 % appear between the quote and the checkout."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from .. import STEP
from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = (STEP,)

ADDED = 1.03
PATH = Effect(attribute=STEP, reference="quote", level="checkout")

TRUTH = Truth(
    question={
        "zh": "结账时的价格与先前的报价一致吗？",
        "en": "Does the checkout cost what the quote said?",
    },
    effects=(
        PATH.moves(mean=log(ADDED)),
        PATH.moves(level="cart"),
        DEVICE,
        SPEND,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    return fare(table) * np.where(np.asarray(table[STEP]) == PATH.level, ADDED, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("checkout_dearer", centre(table), table, TRUTH.noise)
