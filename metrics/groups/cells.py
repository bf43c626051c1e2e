"""Where the rows of a table fall, and the joint law of what is computed from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import Floats, Ints
from .bands import normal_quantile


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the rows of a table fall.

    Attributes
    ----------
    codes : (n,) int
        Cell of each row: stratum · groups + group.
    groups, strata : int
        How many; cells = groups · strata.
    clusters : (n,) int or None
        Cluster of each row.
    """

    codes: Ints
    groups: int
    strata: int
    clusters: Ints | None = None

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.groups * self.strata

    @property
    def stratum(self) -> Ints:
        """Stratum of each cell."""
        return np.repeat(np.arange(self.strata), self.groups)

    def with_overall(self, sums: NDArray[Any]) -> NDArray[Any]:
        """Append each stratum's total to a (cells,) column."""
        totals = sums.reshape(self.strata, self.groups).sum(axis=1)
        return np.concatenate([sums, totals])

    def tally(self, weights: Floats | None = None) -> NDArray[Any]:
        """Return the number of rows, or the sum of `weights`, of each cell."""
        return np.bincount(self.codes, weights=weights, minlength=self.size)

    def subset(self, rows: NDArray[np.bool_]) -> Cells:
        """Return the cells of some of the rows."""
        clusters = None if self.clusters is None else self.clusters[rows]
        return Cells(self.codes[rows], self.groups, self.strata, clusters)


@dataclass(frozen=True, slots=True)
class Joint:
    """The joint law of the columns' deviations under clustering."""

    correlation: Floats
    scale: Floats
    clusters: Ints


def joint(cells: Cells, influence: Floats, overall: Floats) -> Joint:
    """Return the cluster-robust law of the columns.

    Parameters
    ----------
    cells : Cells
        With clusters.
    influence, overall : (n,) float
        Of each row on its cell's number, and on its stratum's.
    """
    from scipy.sparse import coo_array

    clusters = np.asarray(cells.clusters)
    columns = np.concatenate([cells.codes, cells.size + cells.codes // cells.groups])
    rows = np.concatenate([clusters, clusters])
    width = cells.size + cells.strata
    shape = (int(clusters.max(initial=-1)) + 1, width)
    sums = coo_array((np.concatenate([influence, overall]), (rows, columns)), shape=shape).tocsr()
    present = coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    present.data[:] = 1.0
    count = np.asarray(present.sum(axis=0)).ravel().astype(np.int64)
    correction = np.sqrt(count / np.maximum(count - 1, 1))
    covariance = (sums.T @ sums).toarray() * correction[:, None] * correction[None, :]
    scale = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / (scale[:, None] * scale[None, :])
    correlation = np.nan_to_num(correlation)
    np.fill_diagonal(correlation, 1.0)
    return Joint(correlation, scale, count)


def gaussian(
    rng: np.random.Generator | None, resamples: int, correlation: Floats | None, width: int
) -> Floats | None:
    """Return draws from the normal law with this correlation (None: independent)."""
    if rng is None:
        return None
    draws = rng.standard_normal((resamples, width))
    if correlation is None:
        return draws
    values, vectors = np.linalg.eigh(correlation)
    mixed: Floats = draws @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return mixed


def with_t(critical: float, freedom: Floats) -> Floats:
    """Return the critical values of Student's t at the level at which the normal has `critical`."""
    from scipy.special import ndtr, stdtrit

    tail = float(ndtr(-critical))
    known = freedom > 0
    return np.where(known, -stdtrit(np.where(known, freedom, 1.0), tail), np.inf)


def share_of_overall(cells: Cells, n: Ints, scale: Floats) -> Floats:
    """Return the correlation of each cell with its stratum: share · cell's error / overall error."""
    overall = cells.size + cells.stratum
    with np.errstate(invalid="ignore", divide="ignore"):
        found = n[: cells.size] / n[overall] * scale[: cells.size] / scale[overall]
    return np.clip(np.nan_to_num(found), 0.0, 1.0)


def effective_rows(rate: Floats, n: Ints, law: Joint) -> Floats:
    """Return effective numbers of rows, adjusted for few clusters (Korn, Graubard 1998)."""
    clusters = law.clusters.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = rate * (1 - rate) / law.scale**2
    # nothing varied: at worst each cluster is one observation
    found = np.where(np.isfinite(found) & (law.scale > 0), found, clusters)
    usual = normal_quantile(0.95)
    found = found * (usual / with_t(usual, clusters - 1)) ** 2
    return np.where(n > 0, found, 0.0)
