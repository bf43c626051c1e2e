"""What group metrics are returned as: fairlearn's names, with an interval behind each number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .._arrays import Bools, Floats, Ints
from ..result import Estimate, Interval, TestResult
from .bands import Range, Spread
from .contrasts import METHODS, Contrasts, Method
from .measures import Measure
from .table import Label, Layout, frame, is_pandas

MOST_LINES, MOST_NAMES = 12, 5
"""What a representation shows at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The groups of one stratum, compared by one metric.

    Attributes
    ----------
    metric : str
    method : {"between_groups", "to_overall"}
    stratum : tuple
        Values of the control features; empty where there are none.
    difference : Estimate
        Largest absolute difference, in units of the metric.
    ratio : Estimate
        Least ratio, turned to be at most 1.
    lowest, highest : tuple or None
        The groups with the least and the greatest value.
    test : TestResult
        Of the null hypothesis that group and outcome are exchangeable.
    too_small : tuple of tuple
        Groups of this stratum whose numbers are too small to be relied upon.
    """

    metric: str
    method: str
    stratum: Label
    difference: Estimate
    ratio: Estimate
    lowest: Label | None
    highest: Label | None
    test: TestResult
    too_small: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One metric with its limits and its tests by stratum."""

    measure: Measure
    contrasts: Contrasts
    tests: tuple[TestResult, ...]

    @property
    def spread(self) -> Spread:
        """What the limits are made from."""
        return self.contrasts.spread


@dataclass(frozen=True, slots=True, repr=False)
class GroupMetrics:
    """Metrics by group, with intervals. Made by :func:`group_metrics`; frozen.

    ``overall``, ``by_group``, ``group_min()``, ``group_max()``, ``difference()`` and ``ratio()``
    are fairlearn's, number for number. ``estimates`` holds every number with its interval, band and
    counts, ``compare()`` a comparison with its interval and its test.
    """

    level: float
    smallest: int
    _layout: Layout = field()
    _named: Bools = field()
    _columns: Mapping[str, Column] = field()
    _single: bool = field()
    _kind: Any = field()

    # ------------------------------------------------------------------------ fairlearn's names

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(self._columns)

    @property
    def groups(self) -> tuple[Label, ...]:
        """Combinations of the sensitive features; None stands for a missing value."""
        return self._layout.groups

    @property
    def strata(self) -> tuple[Label, ...]:
        """Combinations of the control features; one empty combination where there are none."""
        return self._layout.strata

    @property
    def overall(self) -> Any:
        """The metrics of all rows, by control features where there are any."""
        values = {name: self._overall(column) for name, column in self._columns.items()}
        return self._by_stratum(values)

    @property
    def by_group(self) -> Any:
        """The metrics of each group; NaN for a combination that does not occur."""
        rows = np.flatnonzero(self._named)
        values = {name: column.spread.value[rows] for name, column in self._columns.items()}
        names = (*self._layout.control, *self._layout.sensitive)
        labels = [self._label(int(row)) for row in rows]
        return self._shaped(names, labels, values)

    def group_min(self) -> Any:
        """Return the least value over the groups, by control features where there are any."""
        return self._by_stratum(self._each(lambda values, _: _reduced(np.nanmin, values)))

    def group_max(self) -> Any:
        """Return the greatest value over the groups, by control features where there are any."""
        return self._by_stratum(self._each(lambda values, _: _reduced(np.nanmax, values)))

    def difference(self, method: Method = "between_groups") -> Any:
        """Return the largest absolute difference between groups, or to the overall value.

        Raises
        ------
        InputError
            If `method` is not one of the two.
        """
        _check_method(method)
        if method == "to_overall":
            return self._by_stratum(
                self._each(lambda values, whole: _reduced(np.nanmax, np.abs(values - whole)))
            )
        return self._by_stratum(self._each(lambda values, _: _reduced(np.ptp, values)))

    def ratio(self, method: Method = "between_groups") -> Any:
        """Return the least ratio between groups, or to the overall value; at most 1.

        Raises
        ------
        InputError
            If `method` is not one of the two.
        """
        _check_method(method)
        fold = _fold_to if method == "to_overall" else _fold_between
        return self._by_stratum(self._each(fold))

    # -------------------------------------------------------------------------------- intervals

    @property
    def estimates(self) -> Any:
        """Every number with its interval, in a frame of the caller's kind.

        Columns: ``metric``, the control and sensitive features, ``n``, ``n_excluded``, ``value``,
        ``low``, ``high`` (for this number alone), ``band_low``, ``band_high`` (for all groups of
        the metric at once), ``too_small`` and ``compared`` (False where a feature is missing).
        """
        names = (*self._layout.control, *self._layout.sensitive)
        cells = range(self._layout.cells)
        labels = [self._label(cell) for cell in cells]
        blocks = [self._estimates(name) for name in self._columns]
        table: dict[str, Any] = {"metric": np.repeat(self.metrics, len(labels)).tolist()}
        for place, name in enumerate(names):
            table[name] = [label[place] for label in labels] * len(blocks)
        for key in blocks[0]:
            table[key] = np.concatenate([block[key] for block in blocks])
        return frame(table, self._kind)

    def estimate(
        self, metric: str | None = None, group: Any = None, stratum: Any = (), *, band: bool = False
    ) -> Estimate:
        """Return one number with its interval.

        Parameters
        ----------
        metric : str, optional
            Default: the only one.
        group : label or tuple of labels, optional
            Default: all groups of the stratum together.
        stratum : label or tuple of labels
            Values of the control features.
        band : bool
            Whether the interval is to hold for all groups of the metric at once.

        Raises
        ------
        InputError
            If there is no such metric, group or stratum.
        """
        column = self._column(metric)
        where = self._place("control_features", self.strata, stratum)
        cell = self._layout.cells + where
        if group is not None:
            cell = where * len(self.groups) + self._place("sensitive_features", self.groups, group)
        spread = column.spread
        value, low, high = column.contrasts.band if band else column.contrasts.alone
        return self._estimated(
            Range(float(value[cell]), float(low[cell]), float(high[cell])),
            spread,
            unit=_unit(column.measure),
            n=int(spread.n[cell]),
            excluded=int(spread.excluded[cell]),
        )

    def compare(
        self, metric: str | None = None, stratum: Any = (), *, method: Method = "between_groups"
    ) -> Comparison:
        """Return the comparison of a stratum's groups, with intervals and a test.

        The intervals hold for all comparisons of the metric at once (asymptotically), so the group
        that looks worst may be picked afterwards.

        Raises
        ------
        InputError
            If there is no such metric, stratum or method.
        """
        _check_method(method)
        column = self._column(metric)
        name = next(key for key, value in self._columns.items() if value is column)
        where = self._place("control_features", self.strata, stratum)
        gap, least = column.contrasts.ranges(where, method)
        cells = column.contrasts.cells[where]
        values = column.spread.value[cells]
        n = int(column.spread.n[cells].sum())
        excluded = int(column.spread.excluded[cells].sum())
        small = [self._group(int(cell)) for cell in cells if self._too_small(column.spread)[cell]]
        return Comparison(
            metric=name,
            method=method,
            stratum=self.strata[where],
            difference=self._estimated(
                gap, column.spread, unit=_unit(column.measure), n=n, excluded=excluded
            ),
            ratio=self._estimated(least, column.spread, unit="ratio", n=n, excluded=excluded),
            lowest=self._group(int(cells[values.argmin()])) if n else None,
            highest=self._group(int(cells[values.argmax()])) if n else None,
            test=column.tests[where],
            too_small=tuple(small),
        )

    def comparisons(self, method: Method = "between_groups") -> tuple[Comparison, ...]:
        """Return the comparisons of all metrics and strata.

        Raises
        ------
        InputError
            If `method` is not one of the two.
        """
        return tuple(
            self.compare(name, stratum, method=method)
            for name in self.metrics
            for stratum in self.strata
        )

    @property
    def too_small(self) -> tuple[Label, ...]:
        """Control and sensitive values of the groups too small to be relied upon in some metric."""
        small = np.zeros(self._layout.cells, dtype=np.bool_)
        for column in self._columns.values():
            small |= self._too_small(column.spread)[: self._layout.cells]
        return tuple(self._label(int(cell)) for cell in np.flatnonzero(small))

    def __repr__(self) -> str:
        head = f"GroupMetrics({len(self.groups)} groups"
        head += f", {len(self.strata)} strata" if self._layout.control else ""
        lines = [f"{head}, {100 * self.level:g} % intervals)"]
        shown = [(name, stratum) for name in self.metrics for stratum in self.strata]
        for name, stratum in shown[:MOST_LINES]:
            one = self.compare(name, stratum)
            where = f" {one.stratum}" if self._layout.control else ""
            p = "" if one.test.p_value is None else f", p {one.test.p_value:.3g}"
            lines.append(
                f"  {one.metric}{where}: difference {_shown(one.difference)}, "
                f"ratio {_shown(one.ratio)}{p}, n {one.difference.n}"
            )
        if len(shown) > MOST_LINES:
            lines.append(f"  and {len(shown) - MOST_LINES} more comparisons")
        small = self.too_small
        if small:
            more = ", …" if len(small) > MOST_NAMES else ""
            lines.append(f"  too small to rely on: {', '.join(map(str, small[:MOST_NAMES]))}{more}")
        return "\n".join(lines)

    # ---------------------------------------------------------------------------------- inside

    def _label(self, cell: int) -> Label:
        stratum, group = divmod(cell, len(self.groups))
        return (*self.strata[stratum], *self.groups[group])

    def _group(self, cell: int) -> Label:
        return self.groups[cell % len(self.groups)]

    def _overall(self, column: Column) -> Floats:
        return column.spread.value[self._layout.cells :]

    def _named_strata(self) -> Ints:
        named = self._named.reshape(len(self.strata), len(self.groups)).any(axis=1)
        return np.flatnonzero(named)

    def _each(self, reduce: Any) -> dict[str, Floats]:
        found = {}
        for name, column in self._columns.items():
            whole = self._overall(column)
            cells = column.contrasts.cells
            found[name] = np.array(
                [reduce(column.spread.value[c], whole[w]) for w, c in enumerate(cells)]
            )
        return found

    def _by_stratum(self, values: Mapping[str, Floats]) -> Any:
        rows = self._named_strata()
        if self._layout.control:
            picked = {name: column[rows] for name, column in values.items()}
            labels = [self.strata[row] for row in rows]
            return self._shaped(self._layout.control, labels, picked)
        numbers = {name: float(column[0]) for name, column in values.items()}
        if self._single:
            return next(iter(numbers.values()))
        if is_pandas(self._kind):
            import pandas as pd

            return pd.Series(numbers)
        return frame({name: [number] for name, number in numbers.items()}, self._kind)

    def _shaped(
        self, names: Sequence[str], labels: Sequence[Label], values: Mapping[str, Floats]
    ) -> Any:
        if not is_pandas(self._kind):
            keys = {name: [label[i] for label in labels] for i, name in enumerate(names)}
            return frame({**keys, **values}, self._kind)
        import pandas as pd

        index: Any
        if len(names) == 1:
            index = pd.Index([label[0] for label in labels], name=names[0])
        else:
            index = pd.MultiIndex.from_tuples(labels, names=list(names))
        table = pd.DataFrame(dict(values), index=index)
        return table.iloc[:, 0] if self._single else table

    def _column(self, metric: str | None) -> Column:
        if metric is None and len(self._columns) == 1:
            metric = self.metrics[0]
        if metric is None or metric not in self._columns:
            known = ", ".join(self.metrics)
            raise InputError("groups.no_group", name="metrics", got=metric, known=known)
        return self._columns[metric]

    @staticmethod
    def _place(name: str, labels: Sequence[Label], wanted: Any) -> int:
        label = wanted if isinstance(wanted, tuple) else (wanted,)
        if label not in labels:
            known = ", ".join(map(str, labels[:10]))
            raise InputError("groups.no_group", name=name, got=str(label), known=known)
        return labels.index(label)

    def _too_small(self, spread: Spread) -> Bools:
        small: Bools = spread.effective < self.smallest
        return small

    def _estimates(self, name: str) -> dict[str, NDArray[Any]]:
        column, cells = self._columns[name], slice(self._layout.cells)
        spread = column.spread
        _, low, high = column.contrasts.alone
        _, band_low, band_high = column.contrasts.band
        seen = ~np.isnan(spread.value[cells])
        ends = {"low": low, "high": high, "band_low": band_low, "band_high": band_high}
        return {
            "n": spread.n[cells],
            "n_excluded": spread.excluded[cells],
            "value": spread.value[cells],
            **{key: np.where(seen, end[cells], np.nan) for key, end in ends.items()},
            "too_small": self._too_small(spread)[cells],
            "compared": self._named & seen,
        }

    def _estimated(
        self, found: Range, spread: Spread, *, unit: str, n: int, excluded: int
    ) -> Estimate:
        if np.isnan(found.value):
            return Estimate(value=None, unit=unit, n=n, n_excluded=excluded)
        interval = None
        if not (np.isnan(found.low) or np.isnan(found.high)):
            interval = Interval(
                low=found.low, high=found.high, level=self.level, method=spread.method
            )
        return Estimate(value=found.value, unit=unit, interval=interval, n=n, n_excluded=excluded)


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise InputError("groups.method", got=method)


def _reduced(reduce: Any, values: Floats) -> float:
    return float(reduce(values)) if len(values) else np.nan


def _fold_between(values: Floats, _: float) -> float:
    if not len(values):
        return np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.float64(values.min()) / np.float64(values.max()))


def _fold_to(values: Floats, whole: float) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values / whole
        folded = np.where(ratios > 1, 1 / ratios, ratios)
    seen = folded[~np.isnan(folded)]
    return float(seen.min()) if len(seen) else np.nan


def _unit(measure: Measure) -> str:
    if measure.kind == "count":
        return "rows"
    return "share" if measure.kind == "rate" else "units of y_pred"


def _shown(estimate: Estimate) -> str:
    if estimate.value is None:
        return "not measured"
    if estimate.interval is None:
        return f"{estimate.value:.3g}"
    return f"{estimate.value:.3g} [{estimate.interval.low:.3g}, {estimate.interval.high:.3g}]"
