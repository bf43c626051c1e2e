"""A vendor that reads a name: customers whom it takes for women pay 3 % more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS as RIDE
from ..fares import CURRENCY, DEVICE, SPEND, TENURE, fare, shaken
from ..fares import FRAME as RIDES
from ..truth import Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

COLUMNS: Mapping[str, type] = {**RIDE, "gender": str}

MARKUP = 1.03
GENDER = Effect(attribute="gender", reference="m", level="f")

FRAME = replace(RIDES, home={**RIDES.home, "gender": "m"})

TRUTH = Truth(
    question={
        "zh": "同一段行程，女性用户的报价是不是更高？",
        "en": "Do customers taken for women pay more for the same ride?",
    },
    effects=(GENDER.moves(mean=log(MARKUP)), DEVICE, SPEND, TENURE),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    return fare(table) * np.where(np.asarray(table["gender"]) == GENDER.level, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("her_price", centre(table), table, TRUTH.noise)
