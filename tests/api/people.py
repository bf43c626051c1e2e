"""What tests of the Python API share: people, and price models whose truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

MARKUP = 0.08


def guests(n: int = 400) -> pd.DataFrame:
    """Real-looking rows, with columns that nobody is to keep."""
    rng = np.random.default_rng(20261123)
    return pd.DataFrame(
        {
            "phone_number": [f"1390000{number:04d}" for number in range(n)],
            "nights": rng.integers(1, 8, n),
            "room": rng.choice(["A", "B", "C"], n),
            "postcode": rng.choice(["518000", "518055"], n),
            "device": rng.choice(["old", "new"], n),
            "diagnosis": rng.choice(["hypertension", "none"], n),
        }
    )


def even(table: Any) -> Any:
    """A price by nights alone."""
    return 60.0 + 40.0 * np.asarray(table["nights"], dtype=float)


def uneven(table: Any) -> Any:
    """The same, dearer by `MARKUP` on a new device."""
    return even(table) * np.where(np.asarray(table["device"]) == "new", 1 + MARKUP, 1.0)


def one_by_one(row: Mapping[str, Any]) -> float:
    """The uneven price, a question at a time."""
    return float((60 + 40 * row["nights"]) * (1 + MARKUP * (row["device"] == "new")))


def trained(table: pd.DataFrame, *, markup: float) -> Any:
    """A pipeline that learnt exactly this from the columns that it names."""
    price = 40.0 * table["nights"] + np.where(table["device"] == "new", 100 * markup, 0.0) + 60.0
    model = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(sparse_output=False), ["room", "device"]), remainder="passthrough"
        ),
        LinearRegression(),
    )
    return model.fit(table[["nights", "room", "device"]], price)


CALL: dict[str, Any] = {
    "treat": {"device": ("old", ["new"])},
    "conditions": ["nights", "room"],
    "positive": ("nights", 1, 7, "dearer"),
    "money": "EUR per night",
    "quiet": True,
}
