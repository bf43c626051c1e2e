"""A fair shop: everybody gets the same list price, discount, coupon, fee, pack and choice of sellers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, FRAME, PEOPLE, honest, listed, printed, shaken
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

TRUTH = Truth(
    question={
        "zh": "标价、折扣、优惠券和服务费是否人人相同？",
        "en": "Are list price, discount, coupon and fee the same for everybody?",
    },
    effects=(
        *PEOPLE,
        *(
            one.moves(outcome=outcome)
            for one in PEOPLE
            for outcome in (
                "list",
                "discount",
                "coupon",
                "fee",
                "units",
                "offers",
                "notice",
                "unannounced",
            )
        ),
    ),
    noise=0.01,
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("fair_shop", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    return honest(table, price)
