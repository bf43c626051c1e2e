"""A vendor that makes privacy dear: whoever switches personalisation off pays 3 % more."""

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

COLUMNS: Mapping[str, type] = {**RIDE, "opt_out": float}

PENALTY = 1.03
OPT_OUT = Effect(attribute="opt_out", reference=0, level=1)

FRAME = replace(RIDES, home={**RIDES.home, "opt_out": 0})

TRUTH = Truth(
    question={
        "zh": "关闭个性化的用户，是不是要付更高的价？",
        "en": "Do those who switch personalisation off pay for it?",
    },
    effects=(OPT_OUT.moves(mean=log(PENALTY)), DEVICE, SPEND, TENURE),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    off = np.asarray(table["opt_out"], dtype=float) > 0
    return fare(table) * np.where(off, PENALTY, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("optout_punished", centre(table), table, TRUTH.noise)
