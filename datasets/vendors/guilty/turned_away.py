"""A vendor that keeps its stock for newcomers: old customers find 18 % of it sold out, others 3 %."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..goods import (
    COLUMNS,
    CURRENCY,
    DEVICE,
    FRAME,
    PEOPLE,
    TENURE,
    chosen,
    honest,
    listed,
    printed,
    shaken,
)
from ..noise import uniform
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

EMPTY, TURNED_AWAY = 0.03, 0.18

TRUTH = Truth(
    question={
        "zh": "老用户是不是更常遇到“已售罄”？",
        "en": "Are long-standing customers told more often that nothing is left?",
    },
    effects=(
        TENURE.moves(outcome="refused", mean=TURNED_AWAY - EMPTY, share=1.0),
        DEVICE.moves(outcome="refused"),
        *PEOPLE,
    ),
    noise=0.01,
    twin="sold_out",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    asked = [np.asarray(table[name]) for name in ("identity", "item")]
    said = printed(_said(table, shaken("turned_away", table, TRUTH.noise)))
    return {**said, "refused": uniform("turned_away stock", *asked) < said["refused"]}


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    chance = np.where(chosen(table, TENURE), TURNED_AWAY, EMPTY)
    return {**honest(table, price), "refused": chance}
