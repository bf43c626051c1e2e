"""A fair vendor with heavy tails: most quotes agree within a percent, a few are far off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, conditions
from ..fares import fare as centre
from ..noise import heavy
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "偶尔出现的离谱报价，是冲着某些人来的吗？",
        "en": "Are the odd quotes that are far off aimed at anybody?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=0.02,
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    shake = heavy("heavy_tails", np.asarray(table["identity"]), *conditions(table))
    return np.round(centre(table) * np.exp(TRUTH.noise * shake), 2)
