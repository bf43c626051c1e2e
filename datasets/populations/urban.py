"""A made-up population of urban shoppers, in the fields that Chinese platforms keep of a customer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..personas import Level, Table

SHOPPERS = 2000
SEED = 20261125

Marginal = Mapping[Level, float]

MARGINALS: Mapping[str, Marginal] = {
    "age_band": {"18-24": 0.16, "25-34": 0.28, "35-44": 0.24, "45-54": 0.18, "55+": 0.14},
    "gender": {"f": 0.5, "m": 0.5},
    "city_tier": {1: 0.2, 2: 0.25, 3: 0.25, 4: 0.18, 5: 0.12},
    "consumption_grade": {1: 0.2, 2: 0.3, 3: 0.27, 4: 0.16, 5: 0.07},
    "shopping_depth": {1: 0.3, 2: 0.3, 3: 0.2, 4: 0.13, 5: 0.07},
    "device": {
        "android-budget": 0.36,
        "android-mid": 0.27,
        "iphone-old": 0.15,
        "android-flagship": 0.12,
        "iphone-new": 0.1,
    },
    "tenure_months": {0: 0.06, 3: 0.12, 6: 0.12, 12: 0.2, 24: 0.2, 36: 0.15, 60: 0.1, 96: 0.05},
    "membership": {"none": 0.68, "silver": 0.22, "gold": 0.1},
    "taste": {"thrifty": 0.34, "practical": 0.36, "brand": 0.2, "novelty": 0.1},
}
"""Field → level → part of the population. The levels of a field stand in the order in which they are
tied to other fields: from the cheapest phone to the dearest, from the thriftiest taste to the freest."""

TIES: Mapping[tuple[str, str], float] = {
    ("age_band", "consumption_grade"): 0.1,
    ("age_band", "device"): -0.2,
    ("age_band", "tenure_months"): 0.15,
    ("age_band", "taste"): -0.2,
    ("gender", "shopping_depth"): -0.15,
    ("city_tier", "consumption_grade"): -0.35,
    ("city_tier", "device"): -0.3,
    ("city_tier", "tenure_months"): -0.15,
    ("consumption_grade", "device"): 0.5,
    ("consumption_grade", "shopping_depth"): 0.35,
    ("consumption_grade", "membership"): 0.4,
    ("consumption_grade", "taste"): 0.35,
    ("shopping_depth", "tenure_months"): 0.35,
    ("shopping_depth", "membership"): 0.5,
    ("tenure_months", "membership"): 0.4,
    ("device", "taste"): 0.25,
}
"""Pairs of fields → correlation of the normal variables behind them; other pairs: none directly."""


def cn_urban() -> Table:
    """Return 2,000 synthetic shoppers and how many each stands for; the same at each call.

    All numbers are round and made up; nobody real is described, and nothing here estimates a real
    market. They are chosen so that an audit meets what it would meet in one:

    - ``age_band``: most shoppers between 25 and 44, and a seventh of 55 and more. Each band is drawn
      equally often, so that the old are not judged by a handful; ``weight`` gives the parts back.
    - ``gender``: even, tied to little, so that a gap by gender can hardly be one by something else.
    - ``city_tier``: 1 (the largest cities) to 5; more than half live below the first two tiers, so that
      costs of delivery, which grow with the tier, and spending power go against each other.
    - ``consumption_grade``: 1 to 5, what a platform thinks a customer can spend; few at the top.
      Tied to phone, city, membership and taste: whoever prices by one of those prices by it.
    - ``shopping_depth``: 1 to 5, how much of the platform a customer uses; skewed to the low end.
    - ``device``: from ``android-budget`` to ``iphone-new``, the best-known sign of spending power.
    - ``tenure_months`` since signing up: from newcomers (0) to 96, half below two years.
    - ``membership``: ``none``, ``silver``, ``gold``; grows with depth, tenure and grade.
    - ``taste``: ``thrifty``, ``practical``, ``brand``, ``novelty``.

    Fields depend on each other by a Gaussian copula with the correlations of :data:`TIES`. There is
    no name, number of an identity card, telephone or plate in it.

    Examples
    --------
    >>> shoppers = cn_urban().columns
    >>> old = shoppers["age_band"] == "55+"
    >>> round(old.mean(), 2), round(float(np.average(old, weights=shoppers["weight"])), 2)
    (np.float64(0.2), 0.14)
    """
    rng = np.random.default_rng(SEED)
    first, *_ = MARGINALS
    ages = MARGINALS[first]
    band = np.repeat(np.arange(len(ages)), SHOPPERS // len(ages))
    parts = np.array(list(ages.values()))
    ends = np.cumsum(parts)
    ranks = (ends - parts)[band] + parts[band] * rng.random(SHOPPERS)
    columns = {
        name: _levels(marginal, chances)
        for (name, marginal), chances in zip(
            MARGINALS.items(), _dependent(ranks, rng).T, strict=True
        )
    }
    order = rng.permutation(SHOPPERS)  # a few rows from the top are then of all ages
    weight = parts[band] * len(parts)
    return Table({name: column[order] for name, column in (columns | {"weight": weight}).items()})


def correlations() -> NDArray[np.float64]:
    """Return the correlation matrix of the copula, in the order of :data:`MARGINALS`."""
    names = list(MARGINALS)
    matrix = np.eye(len(names))
    for (one, other), tie in TIES.items():
        row, column = names.index(one), names.index(other)
        matrix[row, column] = matrix[column, row] = tie
    return matrix


def _dependent(ranks: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (shoppers, fields) ranks in (0, 1) that follow the copula; the first field's are given."""
    from scipy.special import ndtr, ndtri

    factor = np.linalg.cholesky(correlations())
    independent = rng.standard_normal((len(ranks), len(factor)))
    independent[:, 0] = ndtri(ranks)
    dependent: NDArray[np.float64] = ndtr(independent @ factor.T)
    return dependent


def _levels(marginal: Marginal, ranks: NDArray[np.float64]) -> NDArray[np.generic]:
    ends = np.cumsum(list(marginal.values()))[:-1]
    return np.array(list(marginal))[np.searchsorted(ends, ranks)]
