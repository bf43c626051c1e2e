"""A fair vendor that tries two prices: half of the accounts see 1.5 % more, half 1.5 % less.

An account stays in its bucket, whoever is behind it. Repeating a persona under one account would take
the bucket for the persona.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE
from ..fares import fare as centre
from ..noise import uniform
from ..truth import Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

STEP = 1.015

TRUTH = Truth(
    question={
        "zh": "账号被随机分到不同的价格组，会不会被看成是因人而异？",
        "en": "Can accounts in price buckets, dealt by lot, be mistaken for prices by person?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=log(STEP),
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    dear = uniform("buckets", np.asarray(table["identity"])) < 1 / 2
    return np.round(centre(table) * np.where(dear, STEP, 1 / STEP), 2)
