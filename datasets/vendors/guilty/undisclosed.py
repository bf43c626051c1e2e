"""A vendor that prices by person and does not say so: big spenders pay 5 % more, without a notice."""

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
        "zh": "因人而异的报价，有没有告知顾客？",
        "en": "Is a price that is made for a person announced as such?",
    },
    effects=(
        GRADE.moves(mean=log(MARKUP)),
        GRADE.moves(outcome="list", mean=log(MARKUP)),
        GRADE.moves(outcome="unannounced", mean=1.0, share=1.0),
        GRADE.moves(outcome="notice"),
        DEVICE,
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
    return printed(_said(table, shaken("undisclosed", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    return honest(table, price * np.where(chosen(table, GRADE), MARKUP, 1.0))
