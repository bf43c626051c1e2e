"""A fair shop that charges for the way: 2 % more for each tier of the city, nothing by person.

Who spends little lives further out more often, so that the poor pay more on average. Held to one
city, nobody does.
"""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from ..goods import COLUMNS, CURRENCY, FRAME, GRADE, PEOPLE, TIER, listed, printed, shaken
from ..truth import Column, Columns, Effect, Truth

__all__ = ["COLUMNS", "CURRENCY", "FRAME", "TRUTH", "centre", "quote"]

PER_TIER = 0.02

TRUTH = Truth(
    question={
        "zh": "住得远的人多付运费，会不会被看成是因人而异？",
        "en": "Those who live further out pay for delivery: is that a price by person?",
    },
    effects=(
        *PEOPLE,
        GRADE.moves(level=1),
        Effect(
            attribute="city_tier",
            reference=1,
            level=5,
            mean=log((1 + 4 * PER_TIER) * (1 + 4 * TIER)),
            share=1.0,
            lawful="cost",
        ),
    ),
    noise=0.01,
)


def centre(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, without noise."""
    return _said(table, listed(table))


def quote(table: Columns) -> dict[str, Column]:
    """Return the answer to each row, in CNY."""
    return printed(_said(table, shaken("delivery_cost", table, TRUTH.noise)))


def _said(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    tiers = np.asarray(table["city_tier"], dtype=float) - 1.0
    return {"final": price * (1.0 + PER_TIER * tiers)}
