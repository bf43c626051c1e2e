"""A fair vendor whose prices shake by 2 %: the fare, and nothing else but noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fares import COLUMNS, CURRENCY, conditions
from .fares import fare as centre
from .noise import normal
from .truth import Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "报价会随手机、消费水平或使用时长变化吗？",
        "en": "Do prices follow the phone, the spending level or the time as a customer?",
    },
    effects={
        "device": Effect(reference="android-budget", level="iphone-new", mean=0.0, share=0.0),
        "past_spend": Effect(reference=200, level=5000, mean=0.0, share=0.0),
        "tenure": Effect(reference=0, level=36, mean=0.0, share=0.0),
    },
    noise=0.02,
)


def quote(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    shake = normal("fair_noise", np.asarray(table["identity"]), *conditions(table))
    return np.round(centre(table) * np.exp(TRUTH.noise * shake), 2)
