"""What a ride costs when only lawful things matter: shared by the three planted vendors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

COLUMNS: Mapping[str, type] = {
    "identity": str,
    "device": str,
    "past_spend": float,
    "tenure": float,
    "ride": str,
    "distance_km": float,
    "hour": float,
    "party": float,
    "stops": float,
}
"""What a quote needs, and whether each is text or a number."""

CURRENCY = "CNY"

CONDITIONS = ("ride", "distance_km", "hour", "party", "stops")
"""Everything that a fare may depend on."""

RIDES: Mapping[str, float] = {"shared": 0.7, "compact": 1.0, "comfort": 1.35, "van": 1.7}

_PEAK = (7, 8, 17, 18)


def fare(table: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the fare in CNY for each row: distance, kind of ride, hour, party and stops.

    Examples
    --------
    >>> ride = {"ride": ["compact"], "distance_km": [4.0], "hour": [8], "party": [1], "stops": [0]}
    >>> round(fare({name: np.array(value) for name, value in ride.items()}).item(), 2)
    27.12
    """
    kind = sum(factor * (np.asarray(table["ride"]) == name) for name, factor in RIDES.items())
    peak = np.isin(np.asarray(table["hour"], dtype=float), _PEAK)
    distance = 13.0 + 2.4 * np.asarray(table["distance_km"], dtype=float)
    seats = 1.0 + 0.04 * np.maximum(np.asarray(table["party"], dtype=float) - 2, 0)
    stops = 1.0 + 0.15 * np.asarray(table["stops"], dtype=float)
    price: NDArray[np.float64] = kind * distance * np.where(peak, 1.2, 1.0) * seats * stops
    return price


def conditions(table: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the columns that describe the ride itself."""
    return [np.asarray(table[name]) for name in CONDITIONS]
