"""A vendor that spreads its prices for big spenders: the same mean, each ride up or down for good.

The spread belongs to the ride and not to the moment: asking again gives the same answer.
"""

from __future__ import annotations

from math import log
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, conditions, fare, shaken
from ..noise import normal
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

SPREAD, SPENDER = 0.06, 1000
BEYOND = 2 * NormalDist().cdf(-log(1.05) / SPREAD)
"""Part of a normal distribution that lies further out than 5 %."""

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，报价是不是忽高忽低得更厉害？",
        "en": "Are prices for big spenders more spread out?",
    },
    effects=(SPEND.moves(share=BEYOND), DEVICE, TENURE),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    spender = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    step = SPREAD * normal("wider_prices ride", *conditions(table))
    return fare(table) * np.exp(np.where(spender, step, 0.0))


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("wider_prices", centre(table), table, TRUTH.noise)
