"""A vendor that prices by person and says so: big spenders pay 5 % more, under a notice."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import (
    COLUMNS,
    CURRENCY,
    DEVICE,
    FRAME,
    GRADE,
    TENURE,
    chosen,
    honest,
    listed,
    printed,
    shaken,
)
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.05

TRUTH = Truth(
    question={
        "zh": "报价因人而异时，是否只对受影响的人作了说明？",
        "en": "Where the price is made for a person, does that person see a notice?",
    },
    effects=(
        GRADE.moves(mean=log(MARKUP)),
        GRADE.moves(outcome="notice", mean=1.0, share=1.0),
        GRADE.moves(outcome="unannounced"),
        DEVICE,
        DEVICE.moves(outcome="notice"),
        TENURE,
    ),
    noise=0.01,
    twin="fair_shop",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("announced", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    personal = chosen(table, GRADE)
    return {**honest(table, price * np.where(personal, MARKUP, 1.0)), "notice": personal}
