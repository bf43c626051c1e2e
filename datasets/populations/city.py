"""A made-up city of passengers, for the planted vendors."""

from __future__ import annotations

import numpy as np

from ..personas import Table

PASSENGERS = 500
SEED = 20261123

HOURS = {7: 3, 8: 4, 9: 2, 12: 2, 15: 1, 17: 3, 18: 4, 19: 2, 21: 2, 23: 1}
"""Hour of departure → weight: two peaks and a quiet rest, made up."""

PARTIES = {1: 60, 2: 25, 3: 9, 4: 6}
"""Passengers on a ride → percent, made up."""


def demo_city() -> Table:
    """Return 500 synthetic rides, the same at each call.

    Independent columns: ``distance_km`` log-normal with median 6 and a spread (sd of the
    logarithm) of .6, held between 1 and 40, in steps of 0.1; ``hour`` and ``party`` by
    :data:`HOURS` and :data:`PARTIES`. Nobody real is described.

    Examples
    --------
    >>> city = demo_city()
    >>> len(city), city.columns["distance_km"].dtype, city.columns["party"].dtype
    (500, dtype('float64'), dtype('int64'))
    """
    rng = np.random.default_rng(SEED)
    distance = np.exp(rng.normal(np.log(6.0), 0.6, PASSENGERS))
    return Table(
        {
            "distance_km": np.round(np.clip(distance, 1.0, 40.0), 1),
            "hour": _drawn(HOURS, rng),
            "party": _drawn(PARTIES, rng),
        }
    )


def _drawn(weights: dict[int, int], rng: np.random.Generator) -> np.ndarray:
    chances = np.array(list(weights.values())) / sum(weights.values())
    return rng.choice(np.array(list(weights), dtype=np.int64), size=PASSENGERS, p=chances)
