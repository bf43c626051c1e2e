"""A fair shop that is out of stock now and then: 3 % of the requests, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, FRAME, PEOPLE, honest, listed, printed, shaken
from ..noise import uniform
from ..truth import Column, Columns, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

EMPTY = 0.03

TRUTH = Truth(
    question={
        "zh": "没有报价的情况是否与顾客是谁无关？",
        "en": "Is everybody turned away equally often?",
    },
    effects=(*PEOPLE, *(one.moves(outcome="refused") for one in PEOPLE)),
    noise=0.01,
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    asked = [np.asarray(table[name]) for name in ("identity", "item")]
    said = printed(_said(table, shaken("sold_out", table, TRUTH.noise)))
    return {**said, "refused": uniform("sold_out stock", *asked) < said["refused"]}


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    return {**honest(table, price), "refused": np.full(len(price), EMPTY)}
