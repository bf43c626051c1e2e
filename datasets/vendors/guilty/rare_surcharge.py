"""A vendor that is fair in the mean: big spenders pay 10 % more on one ride in twenty.

On the other nineteen they pay half a percent less, so that the mean log ratio is zero. An audit
that looks at the mean alone passes it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, conditions, fare, shaken
from ..noise import uniform
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

SURCHARGE, RARE, SPENDER = 1.10, 0.05, 1000
REBATE = SURCHARGE ** (-RARE / (1 - RARE))

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，会不会有一部分行程被多收钱？",
        "en": "Are customers who spend a lot charged more on some of their rides?",
    },
    effects=(SPEND.moves(share=RARE), DEVICE, TENURE),
    noise=0.01,
    twin="fair_noise",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    hit = uniform("rare_surcharge which", *conditions(table)) < RARE
    spender = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * np.where(spender, np.where(hit, SURCHARGE, REBATE), 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("rare_surcharge", centre(table), table, TRUTH.noise)
