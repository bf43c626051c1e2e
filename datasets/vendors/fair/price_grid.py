"""A fair shop whose prices all end in .99: the same steps for everybody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, FRAME, PEOPLE, shaken
from ..goods import listed as centre
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "报价总以 .99 结尾，会不会造成差别？",
        "en": "All prices end in .99: does that make a difference between people?",
    },
    effects=PEOPLE,
    noise=0.01,
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return np.round(shaken("price_grid", table, TRUTH.noise)) - 0.01
