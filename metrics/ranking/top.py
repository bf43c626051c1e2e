"""What stands at the top of a ranked list: prices, exposure, diversity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from .._arrays import Bools, Floats, Ints, inside


def price_at(prices: ArrayLike, k: int) -> Floats:
    """Return the mean price of the first `k` places of each list.

    Parameters
    ----------
    prices : (n, m) array_like of float
        Price of the item at each place, in one currency; NaN where there is none.
    k : int
        At least 1. A shorter list gives the mean of what it has.

    Returns
    -------
    (n,) float array
        In the prices' unit; NaN where no place among the first `k` has a price.

    Raises
    ------
    InputError
        If `prices` is not a matrix, or `k` is below 1.

    Examples
    --------
    >>> price_at([[30.0, 10.0, 20.0]], 2)
    array([20.])
    """
    inside("k", k, 0, np.inf)
    top = _matrix("prices", prices)[:, : int(k)]
    seen = ~np.isnan(top)
    count = seen.sum(axis=1)
    total = np.where(seen, top, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def price_ndcg(prices: ArrayLike, *, k: int | None = None) -> Floats:
    """Return how far the dear items stand at the top: nDCG with the price as relevance.

    1 where the list runs from the dearest to the cheapest. Of two lists of the same items the one
    with the higher value shows the dear ones first.

    Parameters
    ----------
    prices : (n, m) array_like of float
        Price of the item at each place, at least 0; NaN where there is none.
    k : int, optional
        Places that count; default: all.

    Returns
    -------
    (n,) float array
        In [0, 1]; NaN where all prices are 0 or missing.

    Raises
    ------
    InputError
        If `prices` is not a matrix or holds a negative price, or `k` is below 1.

    References
    ----------
    Järvelin, Kekäläinen (2002), ACM TOIS 20(4), 422-446.

    Examples
    --------
    >>> price_ndcg([[30.0, 20.0, 10.0], [10.0, 20.0, 30.0]]).round(3)
    array([1.  , 0.79])
    """
    gains = np.nan_to_num(_matrix("prices", prices))
    if (gains < 0).any():
        raise InputError("metrics.range", name="prices", need="[0, inf)", got=float(gains.min()))
    discount = _discount(gains.shape[1])
    if k is not None:
        inside("k", k, 0, np.inf)
        discount[int(k) :] = 0.0
    best = -np.sort(-gains, axis=1) @ discount
    return np.where(best > 0, gains @ discount / np.where(best > 0, best, 1.0), np.nan)


def exposure_share(categories: ArrayLike, size: int) -> Floats:
    """Return each category's share of the attention that a list gives.

    A place has the weight 1 / log2(1 + place).

    Parameters
    ----------
    categories : (n, k) array_like of int
        Category of the item at each place, 0 … size - 1 (a brand, a price band, own or others'
        goods); below 0: no item.
    size : int
        How many categories there are.

    Returns
    -------
    (n, size) float array
        Rows sum to 1; NaN for an empty list.

    Raises
    ------
    InputError
        If `categories` is not a matrix, or holds a code of `size` or above.

    References
    ----------
    Singh, Joachims (2018), "Fairness of exposure in rankings", KDD.

    Examples
    --------
    >>> exposure_share([[0, 1, 1]], 2).round(3)
    array([[0.469, 0.531]])
    """
    codes = codes_of("categories", categories)
    if (codes >= size).any():
        got = int(codes.max())
        raise InputError("metrics.range", name="categories", need=f"(-inf, {size})", got=got)
    weight = np.where(codes >= 0, _discount(codes.shape[1]), 0.0)
    key = np.arange(len(codes))[:, None] * size + np.maximum(codes, 0)
    sums = np.bincount(key.ravel(), weight.ravel(), len(codes) * size).reshape(-1, size)
    total = weight.sum(axis=1, keepdims=True)
    return np.where(total > 0, sums / np.where(total > 0, total, 1.0), np.nan)


def diversity(items: ArrayLike) -> Floats:
    """Return how unlike the items within each list are: the mean over all pairs of two places.

    Parameters
    ----------
    items : (n, k) array_like of int, or (n, k, d) array_like of float
        Categories, of which two are alike or not (below 0: no item); or features, of which the
        Euclidean distance is taken (NaN: no item).

    Returns
    -------
    (n,) float array
        Share of pairs that differ, or mean distance; NaN for a list of fewer than two items.

    Raises
    ------
    InputError
        If `items` has another shape.

    References
    ----------
    Ziegler, McNee, Konstan, Lausen (2005), "Improving recommendation lists through topic
    diversification", WWW (intra-list similarity).

    Examples
    --------
    >>> diversity([[0, 0, 1], [0, 0, 0]]).round(3)
    array([0.667, 0.   ])
    """
    array = np.asarray(items)
    if array.ndim == 3:  # noqa: PLR2004 - features
        features = array.astype(np.float64)
        present: Bools = np.logical_not(np.any(np.isnan(features), axis=2))
        first, second = np.triu_indices(features.shape[1], 1)
        steps = np.nan_to_num(features[:, first] - features[:, second])
        apart = np.sqrt((steps * steps).sum(axis=2))
    else:
        codes = codes_of("items", array)
        present = codes >= 0
        first, second = np.triu_indices(codes.shape[1], 1)
        apart = (codes[:, first] != codes[:, second]).astype(np.float64)
    both = present[:, first] & present[:, second]
    pairs = both.sum(axis=1)
    return np.where(pairs > 0, (apart * both).sum(axis=1) / np.maximum(pairs, 1), np.nan)


def _discount(width: int) -> Floats:
    discount: Floats = 1 / np.log2(np.arange(2, width + 2))
    return discount


def _matrix(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2:  # noqa: PLR2004 - one list a row
        raise InputError("metrics.shape", name=name, need="(n, k)", got=str(array.shape))
    if np.isinf(array).any():
        raise InputError("metrics.infinite", name=name)
    return array


def codes_of(name: str, values: ArrayLike) -> Ints:
    """Return a matrix of whole numbers, one list a row."""
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "iu":  # noqa: PLR2004 - one list a row
        got = f"{array.dtype} {array.shape}"
        raise InputError("metrics.shape", name=name, need="int (n, k)", got=got)
    return array.astype(np.int64)
