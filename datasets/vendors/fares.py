"""What a ride costs when only lawful things matter, and who rides: shared by vendors of rides."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

import numpy as np
from numpy.typing import NDArray

from .noise import normal
from .truth import Column, Columns, Effect, Frame

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

DEVICE = Effect(attribute="device", reference="android-budget", level="iphone-new")
SPEND = Effect(attribute="past_spend", reference=200, level=5000)
TENURE = Effect(attribute="tenure", reference=0, level=36)
STOPS = Effect(attribute="stops", reference=0, level=1, mean=log(1.15), share=1.0)
"""Whom the truths of these vendors compare, and what moves a fare by right."""

FRAME = Frame(
    population="demo-city",
    items={"ride": tuple(RIDES)},
    conditions={"stops": (0, 1)},
    home={one.attribute: one.reference for one in (DEVICE, SPEND, TENURE)},
    mover=STOPS,
)

_PEAK = (7, 8, 17, 18)


def fare(table: Columns) -> NDArray[np.float64]:
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


def conditions(table: Columns) -> list[Column]:
    """Return the columns that describe the ride itself."""
    return [np.asarray(table[name]) for name in CONDITIONS]


def shaken(
    vendor: str, prices: NDArray[np.float64], table: Columns, noise: float
) -> NDArray[np.float64]:
    """Return prices in whole fen, each shaken by who asks and for what.

    Parameters
    ----------
    vendor : str
        Whose noise it is.
    prices : (rows,) float array
    table : mapping of str to (rows,) array
    noise : float
        Standard deviation of the logarithm.
    """
    shake = normal(vendor, np.asarray(table["identity"]), *conditions(table))
    return np.round(prices * np.exp(noise * shake), 2)
