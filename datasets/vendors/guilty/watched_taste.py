"""A vendor that remembers what was looked at: after a view of something dear, all is 4 % dearer.

A taste is a habit that was watched, and no field of the request.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, FRAME, GOODS, PEOPLE, honest, listed, printed, shaken
from ..truth import Column, Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "REMEMBERS", "TRUTH", "centre", "quote"]

REMEMBERS = ("viewed",)

MARKUP, DEAR = 1.04, 300.0
VIEWED = Effect(attribute="viewed", reference="rice-10kg", level="down-jacket")

TRUTH = Truth(
    question={
        "zh": "浏览过高价商品之后，报价会不会变高？",
        "en": "Do quotes rise after a customer has looked at dear things?",
    },
    effects=(
        VIEWED.moves(mean=log(MARKUP)),
        VIEWED.moves(reference="", mean=log(MARKUP)),
        VIEWED.moves(level="kettle"),
        *PEOPLE,
    ),
    noise=0.01,
    twin="fair_shop",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("watched_taste", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    viewed = [GOODS.get(item, 0.0) for item in np.asarray(table["viewed"]).tolist()]
    return honest(table, price * np.where(np.array(viewed) >= DEAR, MARKUP, 1.0))
