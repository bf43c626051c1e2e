"""A vendor that keeps the coupon from those who spend anyway: same list price, no 8 % off at the end."""

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

WITHOUT = 1 - DISCOUNT + FEE
"""What is paid of the list price where no coupon comes off."""

TRUTH = Truth(
    question={
        "zh": "消费水平高的用户，是不是领不到优惠券？",
        "en": "Do customers who spend a lot go without the coupon?",
    },
    effects=(
        GRADE.moves(outcome="coupon", mean=-COUPON, share=1.0),
        GRADE.moves(mean=log(WITHOUT / (WITHOUT - COUPON)), share=1.0),
        GRADE.moves(outcome="list"),
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
    return printed(_said(table, shaken("coupon_withheld", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    coupon = np.where(chosen(table, GRADE), 0.0, COUPON * price)
    amounts = bill(price, discount=DISCOUNT * price, coupon=coupon, fee=FEE * price)
    return {**honest(table, price), **amounts}
