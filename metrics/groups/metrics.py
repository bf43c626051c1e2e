"""Group metrics of a table, with fairlearn's names and numbers, and an interval for each of them.

Associational: a table says how outcomes differ between groups, not why. Small groups are listed
with their numbers and never dropped; a rate of nobody is NaN and never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .._arrays import Bools, Floats, Ints, inside
from ..result import TestResult
from .cells import Cells
from .contrasts import Contrasts
from .exchangeable import counts_test, no_test, samples_test
from .measures import Measure, Metric, measures
from .prices import count_spread, price_spread
from .rates import outcome_counts, rate_spread
from .result import Column, GroupMetrics
from .table import backend, binary, clustered, layout, plain
from .table import numbers as as_numbers

SMALLEST = 30
"""Effective rows below which a number is too small to be presented as reliable: the National Center
for Health Statistics' standard for proportions (Parker et al. 2017, Vital and Health Statistics
2(175))."""


def group_metrics(
    metrics: Metric | Sequence[Metric] | Mapping[str, Metric],
    *,
    y_pred: Any,
    sensitive_features: Any,
    y_true: Any = None,
    control_features: Any = None,
    clusters: Any = None,
    pos_label: Any = None,
    level: float = 0.95,
    rng: np.random.Generator | None = None,
    resamples: int = 1000,
    permutations: int = 999,
    smallest: int = SMALLEST,
    missing: Literal["beside", "group"] = "beside",
) -> GroupMetrics:
    """Return metrics by group with intervals, bands and tests.

    Equal to ``fairlearn.metrics.MetricFrame`` of the same metrics, except that a rate of no rows is
    NaN here and 0 there. Intervals: Wilson's score for rates, Student's t for means and (on the log
    scale) geometric means, order statistics for quantiles; comparisons by squaring and adding, all
    of a metric's at once. Guarantee: asymptotic. Tests: see :class:`Comparison`.

    Parameters
    ----------
    metrics : str, callable, :func:`quantile`, list of these, or dict of name to one
        ``count``, ``selection_rate``, ``accuracy``, ``true_positive_rate``,
        ``true_negative_rate``, ``false_positive_rate``, ``false_negative_rate``, ``precision``;
        of prices ``mean``, ``geometric_mean``, ``median``, ``quantile(q)``. fairlearn's and
        scikit-learn's functions of these names are understood.
    y_pred : (n,) array_like or series
        Decisions, or prices. A missing value is counted as excluded.
    sensitive_features, control_features : (n,) array_like, series, mapping, frame, (n, k) array
        Their combinations are the groups, and the strata within which groups are compared.
    y_true : (n,) array_like or series, optional
        Needed by all rates but the selection rate.
    clusters : (n,) array_like, optional
        Persona or account of each row: the unit of inference. Rows of one cluster may be in
        several groups.
    pos_label : optional
        The value that counts as yes; default 1 where the values are 0, 1 or -1, 1.
    level : float
        Of the intervals, in (0, 1).
    rng : numpy.random.Generator, optional
        With it, bands come from `resamples` multinomial resamples of the cells' counts (means and
        clusters: from the joint normal law of the deviations), and more than two groups are tested
        by permutation. Without it bands are Bonferroni's, a little wider.
    resamples, permutations : int
    smallest : int
        Effective rows below which a group is called too small.
    missing : {"beside", "group"}
        Whether rows with a missing feature are listed beside the groups, or are a group like any.

    Raises
    ------
    InputError
        If a column has another length, values that the metric cannot use, or nothing in it.

    Examples
    --------
    >>> table = group_metrics(
    ...     "selection_rate",
    ...     y_pred=[1] * 8 + [0] * 2 + [1] * 1 + [0] * 5,
    ...     sensitive_features=["a"] * 10 + ["b"] * 6,
    ... )
    >>> round(table.difference(), 4), round(table.ratio(), 4)
    (0.6333, 0.2083)
    >>> table
    GroupMetrics(2 groups, 95 % intervals)
      selection_rate: difference 0.633 [0.13, 0.831], ratio 0.208 [0.0374, 0.791], p 0.035, n 16
      too small to rely on: ('a',), ('b',)
    """
    wanted = measures(metrics)
    inside("level", level, 0, 1)
    inside("resamples", resamples, 0, np.inf)
    inside("permutations", permutations, 0, np.inf)
    if missing not in {"beside", "group"}:
        raise InputError("groups.missing", got=missing)
    prediction = plain(y_pred)
    if not len(prediction):
        raise InputError("groups.empty", name="y_pred")
    placed = layout(sensitive_features, control_features, len(prediction))
    cells = Cells(
        placed.codes, len(placed.groups), len(placed.strata), clustered(clusters, len(prediction))
    )
    source = _Source(cells, placed.named(missing), level, rng, resamples, permutations)
    outcome = _outcomes(wanted, prediction, y_true, pos_label)
    prices = as_numbers("y_pred", prediction) if _any_prices(wanted) else None
    counts = None if outcome is None else outcome_counts(cells, outcome)
    columns = {
        name: source.column(measure, outcome, counts, prices) for name, measure in wanted.items()
    }
    kind = backend(y_pred, sensitive_features, y_true, control_features)
    single = isinstance(metrics, str | Measure) or callable(metrics)
    return GroupMetrics(level, smallest, placed, source.named, columns, single, kind)


def _any_prices(wanted: Mapping[str, Measure]) -> bool:
    return any(measure.of_prices for measure in wanted.values())


def _outcomes(
    wanted: Mapping[str, Measure], prediction: NDArray[Any], y_true: Any, pos_label: Any
) -> NDArray[np.int8] | None:
    rates = [measure for measure in wanted.values() if measure.kind == "rate"]
    truth = None if y_true is None else plain(y_true)
    if truth is not None and len(truth) != len(prediction):
        raise InputError("groups.length", name="y_true", need=len(prediction), got=len(truth))
    if not rates:
        return None
    predicted = binary("y_pred", prediction, pos_label)
    if not any(measure.needs_truth for measure in rates):
        return predicted
    if truth is None:
        name = next(measure.name for measure in rates if measure.needs_truth)
        raise InputError("groups.needs_y_true", name=name)
    actual = binary("y_true", truth, pos_label)
    outcome = 2 * actual + predicted
    outcome[(actual < 0) | (predicted < 0)] = -1
    return outcome


@dataclass(frozen=True, slots=True)
class _Source:
    """What every metric of a table is computed from."""

    cells: Cells
    named: Bools
    level: float
    rng: np.random.Generator | None
    resamples: int
    permutations: int

    def column(
        self,
        measure: Measure,
        outcome: NDArray[np.int8] | None,
        counts: Ints | None,
        prices: Floats | None,
    ) -> Column:
        if outcome is not None and counts is not None and measure.kind == "rate":
            spread = rate_spread(
                measure, self.cells, outcome, counts, rng=self.rng, resamples=self.resamples
            )
            n = spread.n
            hits = counts[:, list(measure.numerator)].sum(axis=1)
            tests = self._tests(
                lambda cells: counts_test(
                    hits[cells], n[cells], rng=self.rng, resamples=self.permutations
                )
            )
        elif prices is not None and measure.of_prices:
            spread = price_spread(
                measure, self.cells, prices, rng=self.rng, resamples=self.resamples
            )
            tests = self._price_tests(measure, prices)
        else:
            spread = count_spread(self.cells)
            tests = self._tests(lambda _: no_test("groups.no_test", 0))
        return Column(measure, Contrasts.of(spread, self.cells, self.named, self.level), tests)

    def _tests(self, test: Callable[[Ints], TestResult]) -> tuple[TestResult, ...]:
        if self.cells.clusters is not None:
            rows = len(self.cells.codes)
            return tuple(no_test("groups.rows_not_unit", rows) for _ in range(self.cells.strata))
        every = np.arange(self.cells.size).reshape(self.cells.strata, self.cells.groups)
        return tuple(test(cells[self.named[cells]]) for cells in every)

    def _price_tests(self, measure: Measure, prices: Floats) -> tuple[TestResult, ...]:
        if measure.kind == "quantile":
            return self._tests(lambda _: no_test("groups.no_test", 0))
        seen = ~np.isnan(prices)
        codes, kept = self.cells.codes[seen], prices[seen]
        values = np.log(kept) if measure.kind == "geometric" else kept
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes, minlength=self.cells.size))[:-1]
        groups = np.split(values[order], ends)
        return self._tests(
            lambda cells: samples_test(
                [groups[cell] for cell in cells], rng=self.rng, resamples=self.permutations
            )
        )
