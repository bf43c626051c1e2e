"""A vendor that behaves where it is watched: fair in the sandbox, 5 % on a new phone in earnest.

Whoever audits the sandbox audits another vendor.
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

COLUMNS: Mapping[str, type] = {**RIDE, "mode": str}

MARKUP = 1.05
MODE = Effect(attribute="mode", reference="sandbox", level="live")

FRAME = replace(RIDES, home={**RIDES.home, "mode": "live"})

TRUTH = Truth(
    question={
        "zh": "测试环境与真实环境的报价规则一致吗？",
        "en": "Is the sandbox the real thing?",
    },
    effects=(
        DEVICE.moves(mean=log(MARKUP)),
        DEVICE.moves(given={"mode": "sandbox"}),
        MODE.moves(mean=log(MARKUP), given={"device": DEVICE.level}),
        MODE,
        SPEND,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    live = np.asarray(table["mode"]) != MODE.reference
    return fare(table) * np.where(live & (np.asarray(table["device"]) == DEVICE.level), MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("sandbox_smile", centre(table), table, TRUTH.noise)
