"""A grocer's recommender, learnt from what 300 real households bought. Nothing is planted in it.

Tastes by matrix factorisation: what a household bought, as parts of its purchases, is brought to the
two dimensions in which households differ most and back again. A product in the shop's leaflet moves
up by what the leaflet did to real purchases. Whoever bought dear products is shown dear products:
an audit finds what a taste does to a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...sources import catsup
from ..truth import Column, Columns, Effect, Frame, Truth

PRODUCTS = ("heinz41", "heinz32", "heinz28", "hunts32")
DIMENSIONS = 2
LEAST = 0.01
"""Part of the purchases below which no product is thought to fall."""

COLUMNS: Mapping[str, type] = {
    **{f"bought_{product}": float for product in PRODUCTS},
    "featured": str,
}

CURRENCY = "USD"

FRAME = Frame(
    items={},
    conditions={"featured": ("none", *PRODUCTS)},
    home=dict.fromkeys((f"bought_{product}" for product in PRODUCTS), 0),
    mover=Effect(attribute="featured", reference="heinz28", level="hunts32", outcome="ranking"),
)

TRUTH = Truth(
    question={
        "zh": "用真实购物记录训练的推荐模型，会不会因过往口味而先推荐更贵的商品？",
        "en": "Does a recommender learnt from real purchases show dear things first to some?",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tastes:
    """What was learnt.

    Parameters
    ----------
    mean : (products,) float array
        Part of a household's purchases, on average.
    axes : (dimensions, products) float array
        In what households differ.
    leaflet : float
        Log ratio of a product's part of the purchases with the leaflet to without it.
    prices : (products,) float array
        Mean price in the data's own unit.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    leaflet: float
    prices: NDArray[np.float64]

    def parts(self, bought: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the parts that (rows, products) purchases lead to expect."""
        total = bought.sum(axis=1, keepdims=True)
        known = np.where(total > 0, bought / np.maximum(total, 1.0), self.mean)
        back: NDArray[np.float64] = self.mean + (known - self.mean) @ self.axes.T @ self.axes
        return np.maximum(back, LEAST)


def quote(table: Columns) -> dict[str, Column]:
    """Return ``ranking`` and ``prices``, a list of four products for each row.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.

    Examples
    --------
    >>> bought = {"heinz41": [0, 0], "heinz32": [9, 0], "heinz28": [0, 9], "hunts32": [0, 0]}
    >>> table = {f"bought_{name}": np.array(counts) for name, counts in bought.items()}
    >>> [row[0] for row in quote({**table, "featured": np.array(["none", "none"])})["ranking"]]
    ['heinz32', 'heinz28']
    """
    tastes = prepare()
    bought = np.column_stack([np.asarray(table[f"bought_{name}"], float) for name in PRODUCTS])
    featured = np.asarray(table["featured"])[:, None] == np.array(PRODUCTS)
    fit = np.log(tastes.parts(bought)) + tastes.leaflet * featured
    orders = np.argsort(-fit, axis=1, kind="stable").tolist()
    ranking, prices = (np.empty(len(orders), dtype=object) for _ in range(2))
    for row, order in enumerate(orders):
        ranking[row] = tuple(PRODUCTS[item] for item in order)
        prices[row] = tuple(round(float(tastes.prices[item]), 2) for item in order)
    return {"ranking": ranking, "prices": prices}


@cache
def prepare() -> Tastes:
    """Learn tastes from the purchases, once in a process."""
    sales = catsup()
    choice = sales["choice"].to_numpy()[:, None] == np.array(PRODUCTS)
    leaflet = sales[[f"feat.{name}" for name in PRODUCTS]].to_numpy(dtype=bool)
    counts = np.array([choice[sales["id"] == one].sum(axis=0) for one in sales["id"].unique()])
    parts = counts / counts.sum(axis=1, keepdims=True)
    mean = parts.mean(axis=0)
    _, _, axes = np.linalg.svd(parts - mean, full_matrices=False)
    return Tastes(
        mean=mean,
        axes=axes[:DIMENSIONS],
        leaflet=float(np.log(choice[leaflet].mean() / choice[~leaflet].mean())),
        prices=sales[[f"price.{name}" for name in PRODUCTS]].to_numpy().mean(axis=0),
    )
