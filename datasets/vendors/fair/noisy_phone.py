"""A vendor whose prices shake more for one phone: alike in the mean, three times as noisy.

Where arms are compared as if they shook alike, the spread is taken for a difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, conditions
from ..fares import fare as centre
from ..noise import normal
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

NOISY = 0.03

TRUTH = Truth(
    question={
        "zh": "只有一款手机的报价波动更大，平均价格是否相同？",
        "en": "Quotes to one phone shake more: are they the same on average?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=0.01,
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    noisy = np.asarray(table["device"]) == DEVICE.level
    shake = normal("noisy_phone", np.asarray(table["identity"]), *conditions(table))
    return np.round(centre(table) * np.exp(np.where(noisy, NOISY, TRUTH.noise) * shake), 2)
