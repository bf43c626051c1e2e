"""A vendor that charges customers of a year and more 5 % on top, under 1 % of noise."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fares import COLUMNS, CURRENCY, conditions, fare
from .noise import normal
from .truth import Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "TRUTH", "centre", "quote"]

MARKUP, SINCE = 1.05, 12

TRUTH = Truth(
    question={
        "zh": "老用户是不是付得更多？",
        "en": "Do long-standing customers pay more?",
    },
    effects={
        "device": Effect(reference="android-budget", level="iphone-new", mean=0.0, share=0.0),
        "past_spend": Effect(reference=200, level=5000, mean=0.0, share=0.0),
        # everybody pays exactly 5 % more, and exactly 5 % is not beyond 5 %
        "tenure": Effect(reference=0, level=36, mean=log(MARKUP), share=0.0),
    },
    noise=0.01,
)


def centre(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    loyal = np.asarray(table["tenure"], dtype=float) >= SINCE
    return fare(table) * np.where(loyal, MARKUP, 1.0)


def quote(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    shake = normal("loyal_markup", np.asarray(table["identity"]), *conditions(table))
    return np.round(centre(table) * np.exp(TRUTH.noise * shake), 2)
