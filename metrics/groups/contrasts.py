"""The groups of each stratum against each other and against everybody, all of a metric's at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from .._arrays import Bools, Floats, Ints
from .bands import (
    NOTHING,
    Bounds,
    Range,
    Spread,
    difference,
    exponential,
    largest_gap,
    least_ratio,
    logarithm,
    normal_quantile,
    paired,
    ratio,
    simultaneous,
    span,
)
from .cells import Cells

Method = Literal["between_groups", "to_overall"]
METHODS = ("between_groups", "to_overall")

MANY = 200
"""Groups of a stratum above which they are compared through the band, not pair by pair."""


@dataclass(frozen=True, slots=True)
class Contrasts:
    """The limits of one metric's numbers and comparisons; made once.

    Attributes
    ----------
    alone, band : Bounds
        Of each number for itself, and of all groups at once.
    pairs, overall : Bounds
        Limits from which the comparisons with each other, and with everybody, are made.
    """

    spread: Spread
    cells: tuple[Ints, ...]
    size: int
    alone: Bounds
    band: Bounds
    pairs: Bounds
    overall: Bounds

    @classmethod
    def of(cls, spread: Spread, cells: Cells, named: Bools, level: float) -> Contrasts:
        """Return the contrasts of a metric over the cells that are named and measured."""
        seen = named & ~np.isnan(spread.value[: cells.size])
        every = np.arange(cells.size).reshape(cells.strata, cells.groups)
        compared = tuple(row[seen[row]] for row in every)
        usual = normal_quantile(level)
        critical = dict.fromkeys(("band", *METHODS), usual)
        if not spread.counted:
            critical["band"] = simultaneous(spread, np.flatnonzero(seen), level)
            for method in METHODS:
                both = [_sides(row, cells.size + s, method) for s, row in enumerate(compared)]
                first, second = (np.concatenate(side) for side in zip(*both, strict=True))
                critical[method] = paired(spread, first, second, level)
        limits = {
            value: Bounds(spread.value, *spread.limits(value))
            for value in {usual, *critical.values()}
        }
        return cls(
            spread,
            compared,
            cells.size,
            limits[usual],
            limits[critical["band"]],
            limits[critical["between_groups"]],
            limits[critical["to_overall"]],
        )

    def ranges(self, stratum: int, method: str) -> tuple[Range, Range]:
        """Return the largest difference and the least ratio of a stratum, with their limits."""
        cells = self.cells[stratum]
        if not len(cells):
            return NOTHING, NOTHING
        if method == "between_groups" and len(cells) == 1:
            return Range(0.0, 0.0, 0.0), Range(1.0, 1.0, 1.0)
        if method == "between_groups" and len(cells) > MANY:
            return span(_at(self.band, cells))
        ends = self.pairs if method == "between_groups" else self.overall
        first, second = _sides(cells, self.size + stratum, method)
        one, other = _at(ends, first), _at(ends, second)
        r = self.spread.correlations(first, second)
        return largest_gap(difference(one, other, r)), least_ratio(self._ratio(one, other, r))

    def _ratio(self, one: Bounds, other: Bounds, r: Floats) -> Bounds:
        if self.spread.log:
            return exponential(difference(logarithm(one), logarithm(other), r))
        return ratio(one, other, r)


def _at(ends: Bounds, where: Ints) -> Bounds:
    return Bounds(*(part[where] for part in ends))


def _sides(cells: Ints, overall: int, method: str) -> tuple[Ints, Ints]:
    """Return the columns of the comparisons: first - second; none where there are too many."""
    if method == "to_overall":
        return cells, np.full(len(cells), overall)
    few = cells if len(cells) <= MANY else cells[:0]
    pairs = np.array(list(combinations(few.tolist(), 2)), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
