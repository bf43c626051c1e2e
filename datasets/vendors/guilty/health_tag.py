"""A vendor that uses what it should not know: a tag for the chronically ill makes everything 5 % dearer.

The tag comes from a data broker; customers never gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS as SHOP
from ..goods import CURRENCY, PEOPLE, chosen, honest, listed, printed, shaken
from ..goods import FRAME as SHOPPERS
from ..truth import Column, Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

MARKUP = 1.05
TAG = Effect(attribute="health_tag", reference="none", level="chronic")

COLUMNS: Mapping[str, type] = {**SHOP, "health_tag": str}

FRAME = replace(SHOPPERS, home={**SHOPPERS.home, "health_tag": "none"})

TRUTH = Truth(
    question={
        "zh": "未经同意取得的健康标签会不会影响报价？",
        "en": "Does a health tag that nobody agreed to move the price?",
    },
    effects=(TAG.moves(mean=log(MARKUP)), TAG.moves(level="athlete"), *PEOPLE),
    noise=0.01,
    twin="fair_shop",
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("health_tag", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    return honest(table, price * np.where(chosen(table, TAG), MARKUP, 1.0))
