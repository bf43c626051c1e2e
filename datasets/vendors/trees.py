"""A price model learnt from what was really paid: shared by vendors that were trained on tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .truth import Column, Columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Gradient-boosted trees on the logarithm of a price.

    Parameters
    ----------
    numbers, names : sequence of str
        Columns that hold numbers, and columns that hold text.
    codes : mapping
        Column of text → value → number.
    model : object
        The regressor of scikit-learn.
    """

    numbers: Sequence[str]
    names: Sequence[str]
    codes: Mapping[str, Mapping[str, float]]
    model: Any

    def prices(self, table: Columns) -> NDArray[np.float64]:
        """Return a price for each row, to two digits."""
        with _pools().limit(limits=1):
            found: NDArray[np.float64] = np.exp(self.model.predict(self.encoded(table)))
        return np.round(found, 2)

    def encoded(self, table: Columns) -> NDArray[np.float64]:
        """Return (rows, columns) numbers; a name that was never seen is a missing one."""
        numbers = [np.asarray(table[name], dtype=float) for name in self.numbers]
        return np.column_stack([*numbers, *(self._coded(name, table[name]) for name in self.names)])

    def _coded(self, name: str, column: Column) -> NDArray[np.float64]:
        # the trees know a missing value, and a name that they never saw is one
        codes = self.codes[name]
        return np.array([codes.get(value, np.nan) for value in np.asarray(column).tolist()])


def learnt(
    table: Columns, paid: NDArray[np.float64], *, numbers: Sequence[str], names: Sequence[str]
) -> Trees:
    """Learn a price from columns of numbers and of names.

    Parameters
    ----------
    table : mapping of str to (rows,) array
    paid : (rows,) float array
    numbers, names : sequence of str
        Columns of the table. An empty name is a missing one.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(
        max_iter=200,
        early_stopping=False,
        categorical_features=list(range(len(numbers), len(numbers) + len(names))),
        random_state=0,
    )
    codes = {name: _codes(table[name]) for name in names}
    trees = Trees(numbers=numbers, names=names, codes=codes, model=model)
    with _pools().limit(limits=1):
        model.fit(trees.encoded(table), np.log(paid))
    return trees


@cache
def _pools() -> Any:
    """Return what holds libraries to one thread: threads that wait in a loop slow everybody else."""
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it has no stubs

    return ThreadpoolController()


def _codes(column: Column) -> dict[str, float]:
    return {name: float(code) for code, name in enumerate(sorted(set(column.tolist()) - {""}))}
