"""What a basket costs where only lawful things matter, and who shops: shared by vendors of goods."""

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
    "consumption_grade": float,
    "tenure_months": float,
    "item": str,
    "quantity": float,
    "city_tier": float,
}
"""What a quote needs, and whether each is text or a number."""

CURRENCY = "CNY"

CONDITIONS = ("item", "quantity", "city_tier")
"""Everything that a bill may depend on."""

GOODS: Mapping[str, float] = {
    "rice-10kg": 79.0,
    "olive-oil": 88.0,
    "nappies": 129.0,
    "baby-milk": 228.0,
    "coffee-beans": 98.0,
    "tea-gift-box": 188.0,
    "kettle": 149.0,
    "rice-cooker": 299.0,
    "hair-dryer": 199.0,
    "running-shoes": 459.0,
    "down-jacket": 499.0,
    "backpack": 239.0,
    "headphones": 399.0,
    "power-bank": 119.0,
    "vitamin-pills": 139.0,
    "blood-pressure-cuff": 269.0,
}
"""Item → price in CNY. None is so cheap that a rounded price hides a few percent."""

TIER = 0.01
"""What each tier of a city adds, as a part of the price: the way is longer."""
DISCOUNT, COUPON, FEE = 0.10, 0.08, 0.05
"""Parts of the list price that an honest bill takes off, takes off again, and adds."""
AMOUNTS = ("final", "list", "discount", "coupon", "fee")
PACK = 500.0
"""Grams, or whatever else is in one pack."""
OFFERS = 8.0
"""Sellers that are shown for an item."""

DEVICE = Effect(attribute="device", reference="android-budget", level="iphone-new")
GRADE = Effect(attribute="consumption_grade", reference=2, level=5)
TENURE = Effect(attribute="tenure_months", reference=3, level=60)
PEOPLE = (DEVICE, GRADE, TENURE)
"""Whom the truths of these vendors compare."""

FRAME = Frame(
    population="cn-urban",
    items={"item": tuple(GOODS)},
    conditions={"quantity": (1, 2)},
    home={one.attribute: one.reference for one in PEOPLE},
    mover=Effect(attribute="quantity", reference=1, level=2, mean=log(2), share=1.0),
)


def listed(table: Columns) -> NDArray[np.float64]:
    """Return the list price of each row: item and quantity, 1 % more for each tier of the city.

    Examples
    --------
    >>> row = {"item": ["kettle"], "quantity": [2], "city_tier": [3]}
    >>> round(listed({name: np.array(value) for name, value in row.items()}).item(), 2)
    303.96
    """
    price = np.array([GOODS[item] for item in np.asarray(table["item"]).tolist()])
    delivery = 1.0 + TIER * (np.asarray(table["city_tier"], dtype=float) - 1.0)
    found: NDArray[np.float64] = price * np.asarray(table["quantity"], dtype=float) * delivery
    return found


def shaken(vendor: str, table: Columns, noise: float) -> NDArray[np.float64]:
    """Return the list price of each row, shaken by who asks and for what."""
    asked = [np.asarray(table[name]) for name in ("identity", *CONDITIONS)]
    prices: NDArray[np.float64] = listed(table) * np.exp(noise * normal(vendor, *asked))
    return prices


def honest(table: Columns, price: NDArray[np.float64]) -> dict[str, Column]:
    """Return the whole answer of an honest vendor to each row, from its list price.

    Parameters
    ----------
    table : mapping of str to (rows,) array
    price : (rows,) float array
    """
    rows = len(price)
    return {
        **bill(price, discount=DISCOUNT * price, coupon=COUPON * price, fee=FEE * price),
        "units": PACK * np.asarray(table["quantity"], dtype=float),
        "offers": np.full(rows, OFFERS),
        "notice": np.zeros(rows, dtype=bool),
    }


def bill(
    price: NDArray[np.float64],
    *,
    discount: NDArray[np.float64],
    coupon: NDArray[np.float64],
    fee: NDArray[np.float64],
) -> dict[str, Column]:
    """Return the components of a price, and what is left to pay.

    Examples
    --------
    >>> one = np.ones(1)
    >>> bill(100 * one, discount=10 * one, coupon=8 * one, fee=5 * one)["final"].item()
    87.0
    """
    return {
        "final": price - discount - coupon + fee,
        "list": price,
        "discount": discount,
        "coupon": coupon,
        "fee": fee,
    }


def printed(said: Columns) -> dict[str, Column]:
    """Return an answer with its amounts in whole fen; a bill still adds up."""
    amounts = {name: np.round(said[name], 2) for name in AMOUNTS if name in said}
    if "list" in amounts:
        paid = amounts["list"] - amounts["discount"] - amounts["coupon"] + amounts["fee"]
        amounts["final"] = np.round(paid, 2)
    return {**said, **amounts}


def chosen(table: Columns, effect: Effect) -> NDArray[np.bool_]:
    """Return the rows of whoever stands at the level of a contrast, or above it for a number."""
    column = np.asarray(table[effect.attribute])
    text = isinstance(effect.level, str)
    rows: NDArray[np.bool_] = (
        column == effect.level if text else column.astype(float) >= float(effect.level)
    )
    return rows
