"""A vendor with an offer to newcomers: 10 % off the rides of their first month, said and limited.

Newcomers and old customers differ by law's leave; customers of half a year and of three years do not
differ at all.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

OFFER, MONTHS = 0.9, 1

TRUTH = Truth(
    question={
        "zh": "扣除新用户优惠之后，老用户是不是付得更多？",
        "en": "The offer to newcomers apart, do long-standing customers pay more?",
    },
    effects=(
        TENURE.moves(mean=-log(OFFER), share=1.0, lawful="new_customer_offer"),
        TENURE.moves(reference=6),
        DEVICE,
        SPEND,
    ),
    noise=0.01,
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    fresh = np.asarray(table["tenure"], dtype=float) < MONTHS
    return fare(table) * np.where(fresh, OFFER, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("newcomer_offer", centre(table), table, TRUTH.noise)
