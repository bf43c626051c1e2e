"""A vendor that looks at three of nine things: the phone, a low battery and the spending level.

Six more are asked for and do nothing. Whoever screens must find the three.
"""

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

INNOCENT: Mapping[str, tuple[str, str]] = {
    "gender": ("m", "f"),
    "age_band": ("25-34", "55+"),
    "membership": ("none", "gold"),
    "app_channel": ("store", "mini-program"),
    "language": ("zh", "en"),
}
BATTERY = Effect(attribute="battery", reference=80, level=8)
PHONE, LOW_BATTERY, RICH = 1.03, 1.04, 1.02
LOW, SPENDER = 20, 1000

COLUMNS: Mapping[str, type] = {**RIDE, **dict.fromkeys(INNOCENT, str), "battery": float}

FRAME = replace(
    RIDES,
    home={**RIDES.home, "battery": 80, **{name: usual for name, (usual, _) in INNOCENT.items()}},
)

TRUTH = Truth(
    question={
        "zh": "众多信息之中，哪几项会影响报价？",
        "en": "Of all that it asks for, what moves the price?",
    },
    effects=(
        BATTERY.moves(mean=log(LOW_BATTERY)),
        DEVICE.moves(mean=log(PHONE)),
        SPEND.moves(mean=log(RICH)),
        TENURE,
        *(
            Effect(attribute=name, reference=usual, level=other)
            for name, (usual, other) in INNOCENT.items()
        ),
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    phone = np.where(np.asarray(table["device"]) == DEVICE.level, PHONE, 1.0)
    battery = np.where(np.asarray(table["battery"], dtype=float) < LOW, LOW_BATTERY, 1.0)
    spender = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * phone * battery * np.where(spender, RICH, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("several", centre(table), table, TRUTH.noise)
