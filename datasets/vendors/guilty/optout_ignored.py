"""A vendor with a switch that does nothing: big spenders pay 4 % more, switched off or not."""

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
        "zh": "关闭个性化之后，报价还会因人而异吗？",
        "en": "With personalisation switched off, do quotes still follow the person?",
    },
    effects=(
        SPEND.moves(mean=log(MARKUP)),
        SPEND.moves(mean=log(MARKUP), given={"opt_out": 1}),
        OPT_OUT.moves(given={"past_spend": SPEND.level}),
        OPT_OUT,
        DEVICE,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    rich = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * np.where(rich, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("optout_ignored", centre(table), table, TRUTH.noise)
