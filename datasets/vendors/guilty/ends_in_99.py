"""A vendor whose prices all end in .99, and who rounds from 3 % higher for a new phone.

A cheap thing is a whole step or two dearer, so that the difference looks like rounding.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, DEVICE, FRAME, GRADE, TENURE, chosen, listed, shaken
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.03

TRUTH = Truth(
    question={
        "zh": "取整到 .99 之前，是不是先加了价？",
        "en": "Is something added before the price is rounded to .99?",
    },
    effects=(DEVICE.moves(mean=log(MARKUP)), GRADE, TENURE),
    noise=0.01,
    twin="price_grid",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise and rounding."""
    return _raised(table, listed(table))


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return np.round(_raised(table, shaken("ends_in_99", table, TRUTH.noise))) - 0.01


def _raised(table: Columns, price: NDArray[np.float64]) -> NDArray[np.float64]:
    return price * np.where(chosen(table, DEVICE), MARKUP, 1.0)
