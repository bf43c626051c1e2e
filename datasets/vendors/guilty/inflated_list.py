"""A vendor that raises the list price for some, to take off more: 10 % up, and all of it off again.

Everybody pays the same; some are shown a bargain that is none.
"""

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

RAISED = 1.10

TRUTH = Truth(
    question={
        "zh": "折扣之前，标价是不是先被抬高了？",
        "en": "Is the list price raised for some before the discount?",
    },
    effects=(
        DEVICE.moves(outcome="list", mean=log(RAISED), share=1.0),
        DEVICE.moves(
            outcome="discount", mean=(DISCOUNT + RAISED - 1) / RAISED - DISCOUNT, share=1.0
        ),
        DEVICE,
        GRADE,
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
    return printed(_said(table, shaken("inflated_list", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    raised = np.where(chosen(table, DEVICE), RAISED, 1.0) * price
    off = DISCOUNT * price + (raised - price)
    amounts = bill(raised, discount=off, coupon=COUPON * price, fee=FEE * price)
    return {**honest(table, price), **amounts}
