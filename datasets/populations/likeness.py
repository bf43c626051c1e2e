"""People who are like those of a table and are none of them: a Gaussian copula on its ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ..frames import Frame
from ..personas import Column, Table

SIZE = 2000
"""How many are drawn."""

Floats = NDArray[np.float64]


def alike(frame: Frame, rng: np.random.Generator, *, size: int = SIZE) -> Frame:
    """Draw people with the marginals of a table and the dependence of its ranks.

    Each value is one that the table holds, so no level is new; the combinations are, so nobody of the
    table is simulated. What the copula does not keep: dependence that is not one of ranks, such as
    that of two names without an order, and combinations that never occur may.

    Parameters
    ----------
    frame : Frame
        A table with the chance of each row.
    rng : numpy.random.Generator
    size : int

    Returns
    -------
    Frame
        `size` rows, each alike.

    References
    ----------
    Patki, Wedge, Veeramachaneni (2016), The Synthetic Data Vault, IEEE DSAA (a Gaussian copula over a
    table).

    Examples
    --------
    >>> people = Table({"grade": np.array([1, 2, 3, 4]), "phone": np.array(["a", "a", "b", "b"])})
    >>> drawn = alike(Frame(people, np.full(4, 0.25)), np.random.default_rng(1), size=500)
    >>> sorted(set(drawn.table.columns["phone"].tolist())), len(drawn.table)
    (['a', 'b'], 500)
    """
    columns = frame.table.columns
    if not columns or len(frame.table) == 0:
        return frame
    scores = np.column_stack([_scores(column, frame.weights, rng) for column in columns.values()])
    spread = _correlation(scores, frame.weights)
    drawn = ndtr(rng.standard_normal((size, len(columns))) @ _root(spread).T)
    table = {
        name: _at(column, frame.weights, drawn[:, place])
        for place, (name, column) in enumerate(columns.items())
    }
    return Frame(Table(table), np.full(size, 1 / size))


def _sorted(column: Column, weights: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the order of a column's rows and the chance of all up to each."""
    order = np.argsort(column, kind="stable")
    return order, np.cumsum(weights[order])


def _scores(column: Column, weights: Floats, rng: np.random.Generator) -> Floats:
    """Return normal scores of the ranks; rows that agree are spread over what they share."""
    _, place = np.unique(column, return_inverse=True)
    held = np.bincount(place, weights)
    below = np.cumsum(held) - held
    inside = below[place] + held[place] * rng.random(len(place))
    tiny = np.finfo(float).eps
    found: Floats = ndtri(np.clip(inside, tiny, 1 - tiny))
    return found


def _correlation(scores: Floats, weights: Floats) -> Floats:
    centred = scores - weights @ scores
    spread = centred.T @ (centred * weights[:, None])
    scale = np.sqrt(np.diag(spread))
    # a column that never varies depends on nothing
    scale[scale == 0] = 1.0
    found: Floats = spread / np.outer(scale, scale)
    np.fill_diagonal(found, 1.0)
    return found


def _root(spread: Floats) -> Floats:
    """Return a matrix whose square is the correlation; a few rows may leave it singular."""
    values, vectors = np.linalg.eigh(spread)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _at(column: Column, weights: Floats, ranks: Floats) -> Column:
    order, reached = _sorted(column, weights)
    place = np.searchsorted(reached, ranks * reached[-1], side="left")
    drawn: Column = column[order[np.minimum(place, len(order) - 1)]]
    return drawn
