"""A vendor that forgets: switched off, personalisation stays off for three quotes and comes back.

Big spenders pay 4 % more. Whoever checks the switch right after using it finds that it works.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..fares import COLUMNS, CURRENCY, DEVICE, FRAME, SPEND, TENURE, fare, shaken
from ..truth import Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = ("opted_out", "looks")

MARKUP, SPENDER, LASTS = 1.04, 1000, 3
OPT_OUT = Effect(attribute="opted_out", reference=0, level=1)
LOOKS = Effect(attribute="looks", reference=0, level=LASTS)

TRUTH = Truth(
    question={
        "zh": "关闭个性化之后，过一阵子会不会又自己恢复？",
        "en": "Does personalisation that was switched off stay off?",
    },
    effects=(
        SPEND.moves(mean=log(MARKUP)),
        OPT_OUT.moves(mean=-log(MARKUP), given={"past_spend": SPEND.level}),
        OPT_OUT,
        LOOKS.moves(mean=log(MARKUP), given={"past_spend": SPEND.level, "opted_out": 1}),
        LOOKS.moves(given={"past_spend": SPEND.level}),
        DEVICE,
        TENURE,
    ),
    noise=0.01,
    twin="flat_fare",
)


def centre(table: Columns) -> NDArray[np.float64]:
    """Return the price in CNY before noise."""
    fresh = np.asarray(table["looks"], dtype=float) < LASTS
    off = (np.asarray(table["opted_out"], dtype=float) > 0) & fresh
    rich = np.asarray(table["past_spend"], dtype=float) >= SPENDER
    return fare(table) * np.where(rich & ~off, MARKUP, 1.0)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return a price in CNY for each row."""
    return shaken("optout_forgotten", centre(table), table, TRUTH.noise)
