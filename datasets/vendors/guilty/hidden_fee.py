"""A vendor whose service fee grows with a customer's tenure: 5 % of the list price, 9 % for the loyal."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import (
    COLUMNS,
    COUPON,
    CURRENCY,
    DEVICE,
    DISCOUNT,
    FEE,
    FRAME,
    GRADE,
    TENURE,
    bill,
    chosen,
    honest,
    listed,
    printed,
    shaken,
)
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

LOYAL_FEE = 0.09
REST = 1 - DISCOUNT - COUPON

TRUTH = Truth(
    question={
        "zh": "老用户付的服务费是不是更高？",
        "en": "Do long-standing customers pay a higher service fee?",
    },
    effects=(
        TENURE.moves(outcome="fee", mean=LOYAL_FEE - FEE),
        TENURE.moves(mean=log((REST + LOYAL_FEE) / (REST + FEE))),
        TENURE.moves(outcome="list"),
        DEVICE,
        GRADE,
    ),
    noise=0.01,
    twin="fair_shop",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("hidden_fee", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    fee = np.where(chosen(table, TENURE), LOYAL_FEE, FEE) * price
    amounts = bill(price, discount=DISCOUNT * price, coupon=COUPON * price, fee=fee)
    return {**honest(table, price), **amounts}
