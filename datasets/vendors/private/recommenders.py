"""Markets whose lists are learnt from what customers buy: four ways to learn, two that give nothing away.

A market remembers purchases of everybody, learns anew when it is next asked for a list, and lists
what goes with the item that is looked at. Its truth is in how it learns:

- ``item_knn``, ``ease``: what two items have in common over customers. One customer who bought two
  rare things shows them to each other: leaky.
- ``matrix_factorisation``: a few factors smooth over single customers: nearly silent.
- ``popular``: what sells best, whatever is looked at: clean, though it learns from everybody.
- ``settled``: item-kNN learnt once, from earlier customers alone: clean.

A plan reaches one in this process by its name, ``evenhand.datasets.vendors.private.recommenders:ease``;
each run then meets a market that has seen nobody but its earlier customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Learn = Callable[[Matrix], Matrix]
"""Purchases, (customers, items) of 0 and 1 → how well items go together, (items, items)."""

ITEMS = tuple(f"sku-{number:03d}" for number in range(500))
EARLIER, BASKET, TASTES = 600, 10, 12
"""Earlier customers, how many items each bought on average, and in how many tastes they fall."""
LISTED = 20
BOUGHT = ("buy", "order")
"""Steps that are learnt from."""
ASKED = ("search", "quote")
"""Steps that answer with a list."""
PENALTY = 100.0
"""Ridge penalty of EASE."""
FACTORS = 16
_SEED = 20260701


@cache
def earlier_customers() -> Matrix:
    """Return what earlier customers bought, generated: popularity falls off, tastes differ."""
    rng = np.random.default_rng(_SEED)
    popularity = 1.0 / (np.arange(len(ITEMS)) + 20.0)
    rng.shuffle(popularity)
    taste_of_item = rng.integers(TASTES, size=len(ITEMS))
    bought = np.zeros((EARLIER, len(ITEMS)))
    for customer, taste in enumerate(rng.integers(TASTES, size=EARLIER)):
        chance = popularity * np.where(taste_of_item == taste, 8.0, 1.0)
        size = min(len(ITEMS), 2 + rng.poisson(BASKET - 2))
        basket = rng.choice(len(ITEMS), size=size, replace=False, p=chance / chance.sum())
        bought[customer, basket] = 1.0
    bought.flags.writeable = False
    return bought


def cosine(bought: Matrix) -> Matrix:
    """Return item-kNN's similarity: customers in common, over the mean of what each has.

    Examples
    --------
    >>> cosine(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])).round(2)[0].tolist()
    [1.0, 0.71, 0.0]
    """
    together = bought.T @ bought
    sold = np.sqrt(np.maximum(np.diag(together), 1.0))
    found: Matrix = together / np.outer(sold, sold)
    return found


def shallow_autoencoder(bought: Matrix) -> Matrix:
    """Return the weights of EASE: each item predicted from all others, in closed form.

    References
    ----------
    Steck (2019), WWW: embarrassingly shallow autoencoders for sparse data.
    """
    inverse = np.linalg.inv(bought.T @ bought + PENALTY * np.eye(bought.shape[1]))
    weights: Matrix = -inverse / np.diag(inverse)
    return weights


def factorised(bought: Matrix) -> Matrix:
    """Return how alike items are in the first factors of a singular value decomposition."""
    from scipy.sparse.linalg import svds

    # a fixed start: the same purchases give the same lists
    _, sizes, right = svds(bought, k=FACTORS, v0=np.ones(min(bought.shape)))
    factors = right.T * sizes
    found: Matrix = factors @ factors.T
    return found


def best_sellers(bought: Matrix) -> Matrix:
    """Return how often each item was bought, whatever it stands beside."""
    sold = bought.sum(axis=0)
    return np.broadcast_to(sold, (len(sold), len(sold)))


@dataclass(eq=False)
class Market:
    """A recommender behind the steps of a shop.

    Parameters
    ----------
    learn : callable
    settled : bool
        Whether it never learns from those who come now.

    Examples
    --------
    >>> market = Market(cosine)
    >>> market({"identity": "ann", "step": "buy", "item": "sku-001"})
    {'status': 'ok'}
    >>> said = market({"identity": "bob", "step": "search", "item": "sku-001"})
    >>> len(said["ranking"]), "sku-001" in said["ranking"]
    (20, False)
    """

    learn: Learn
    settled: bool = False
    baskets: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    _scores: Matrix | None = None

    def __call__(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Take one step: remember what is bought, answer a search with a list."""
        item, step = _PLACES[str(question["item"])], str(question["step"])
        if step in BOUGHT and not self.settled:
            self.baskets.setdefault(str(question["identity"]), set()).add(item)
            self._scores = None
        if step not in ASKED:
            return {"status": "ok"}
        scores = self._learnt()[item].copy()
        scores[item] = -np.inf
        best = np.argsort(-scores, kind="stable")[:LISTED]
        return {"status": "ok", "ranking": [ITEMS[place] for place in best.tolist()]}

    def _learnt(self) -> Matrix:
        if self._scores is None:
            now = np.zeros((len(self.baskets), len(ITEMS)))
            for row, basket in enumerate(self.baskets.values()):
                now[row, list(basket)] = 1.0
            self._scores = self.learn(np.vstack([earlier_customers(), now]))
        return self._scores


_PLACES = {name: place for place, name in enumerate(ITEMS)}
MARKETS: Mapping[str, tuple[Learn, bool]] = {
    "item_knn": (cosine, False),
    "ease": (shallow_autoencoder, False),
    "matrix_factorisation": (factorised, False),
    "popular": (best_sellers, False),
    "settled": (cosine, True),
}
"""Name → how it learns, and whether from earlier customers alone."""
LEAKY, CLEAN = ("item_knn", "ease"), ("popular", "settled")
"""What lists give away of single customers: those of the first do, those of the second cannot."""


def __getattr__(name: str) -> Market:
    """Open a market, by its name."""
    if name not in MARKETS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    learn, settled = MARKETS[name]
    return Market(learn, settled=settled)
