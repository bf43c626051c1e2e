"""A vendor that follows what a customer can pay: a price that rises with the spending level.

The elasticity is 0.02: who spends ten times as much pays 4.7 % more.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

ELASTICITY, HOME = 0.02, 200
LADDER = (500, 1000, 2000, 5000)

TRUTH = Truth(
    question={
        "zh": "消费水平越高，报价是不是也越高？",
        "en": "The more a customer spends, the higher the quote?",
    },
    effects=(
        *(
            SPEND.moves(
                level=level, mean=ELASTICITY * log(level / HOME), share=float(level == SPEND.level)
            )
            for level in LADDER
        ),
        DEVICE,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    spent = np.maximum(np.asarray(table["past_spend"], dtype=float), 1.0)
    prices: NDArray[np.float64] = fare(table) * (spent / HOME) ** ELASTICITY
    return prices


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("spend_ladder", centre(table), table, TRUTH.noise)
