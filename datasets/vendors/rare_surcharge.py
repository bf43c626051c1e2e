"""A vendor that is fair in the mean: big spenders pay 10 % more on one ride in twenty.

On the other nineteen they pay half a percent less, so that the mean log ratio is zero. An audit
that looks at the mean alone passes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fares import COLUMNS, CURRENCY, conditions, fare
from .noise import normal, uniform
from .truth import Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "TRUTH", "centre", "quote"]

SURCHARGE, RARE, SPENDER = 1.10, 0.05, 1000
REBATE = SURCHARGE ** (-RARE / (1 - RARE))

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，会不会有一部分行程被多收钱？",
        "en": "Are customers who spend a lot charged more on some of their rides?",
    },
    effects={
        "device": Effect(reference="android-budget", level="iphone-new", mean=0.0, share=0.0),
        "past_spend": Effect(reference=200, level=5000, mean=0.0, share=RARE),
        "tenure": Effect(reference=0, level=36, mean=0.0, share=0.0),
    },
    noise=0.01,
)


def centre(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    hit = uniform("rare_surcharge which", *conditions(table)) < RARE
    spender = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * np.where(spender, np.where(hit, SURCHARGE, REBATE), 1.0)


def quote(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    shake = normal("rare_surcharge", np.asarray(table["identity"]), *conditions(table))
    return np.round(centre(table) * np.exp(TRUTH.noise * shake), 2)
