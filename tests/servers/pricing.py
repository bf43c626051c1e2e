"""The model behind every server of these tests: hotel prices that follow the phone, and nothing else.

A linear model on data without noise, so that whoever trains it gets the same prices. It runs in the
environment of each server, where there is no Evenhand.
"""

from __future__ import annotations

from itertools import product
from typing import Any

PHONES = ("android-budget", "iphone-new")
COLUMNS = ("phone", "spend", "nights", "base")
PREMIUM = 0.04
"""What a new phone costs, as part of the price of a room for 100 and one night."""


def bookings() -> Any:
    """Return past bookings as a data frame, with their prices."""
    import pandas as pd

    rows = product(PHONES, (200, 900, 5000), (1, 2, 3), (100.0, 150.0, 220.0))
    frame = pd.DataFrame(list(rows), columns=list(COLUMNS))
    new = (frame["phone"] == PHONES[1]) * 100.0 * PREMIUM
    frame["price"] = 20.0 + 0.8 * frame["base"] + 30.0 * (frame["nights"] - 1) + new
    return frame


def train() -> Any:
    """Return the trained model: a scikit-learn pipeline that takes a data frame."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = bookings()
    phone = ColumnTransformer(
        [("phone", OneHotEncoder(drop="first", sparse_output=False), ["phone"])],
        remainder="passthrough",
    )
    return make_pipeline(phone, LinearRegression()).fit(frame[list(COLUMNS)], frame["price"])
