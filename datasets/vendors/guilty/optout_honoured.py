"""A vendor whose switch works: big spenders pay 4 % more until they switch personalisation off."""

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

MARKUP, SPENDER = 1.04, 1000
OPT_OUT = Effect(attribute="opt_out", reference=0, level=1)

FRAME = replace(RIDES, home={**RIDES.home, "opt_out": 0})

TRUTH = Truth(
    question={
        "zh": "关闭个性化的选项，是否真的起作用？",
        "en": "Does the switch that turns personalisation off work?",
    },
    effects=(
        SPEND.moves(mean=log(MARKUP)),
        SPEND.moves(given={"opt_out": 1}),
        OPT_OUT.moves(mean=-log(MARKUP), given={"past_spend": SPEND.level}),
        OPT_OUT,
        DEVICE,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    off = np.asarray(table["opt_out"], dtype=float) > 0
    rich = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * np.where(rich & ~off, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("optout_honoured", centre(table), table, TRUTH.noise)
