"""A fair random trial of prices that are 10 % apart: lawful, and so noisy that little can be shown.

Two accounts with the same persona differ by more than 5 % half of the time, so that no number of
queries shows whether many customers are hit.
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

STEP = 1.05

TRUTH = Truth(
    question={
        "zh": "随机试价的波动这么大时，还能不能得出结论？",
        "en": "Can anything be shown where prices are tried at random, 10 % apart?",
    },
    effects=(DEVICE, SPEND, TENURE),
    noise=log(STEP),
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    dear = uniform("price_test", np.asarray(table["identity"])) < 1 / 2
    return np.round(centre(table) * np.where(dear, STEP, 1 / STEP), 2)
