"""The metrics of a table that are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import InputError
from .._arrays import inside

Kind = Literal["count", "rate", "mean", "geometric", "quantile"]

TN, FP, FN, TP = range(4)
"""Outcomes of a row: 2 · y_true + y_pred."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric that is known by name.

    `numerator` and `denominator` are the outcomes that a rate counts; `q` is a quantile's.
    """

    name: str
    kind: Kind
    numerator: tuple[int, ...] = ()
    denominator: tuple[int, ...] = ()
    q: float = 0.5

    @property
    def needs_truth(self) -> bool:
        """Whether the metric cannot be had from y_pred alone."""
        return self.kind == "rate" and self.name not in _FROM_PREDICTIONS

    @property
    def of_prices(self) -> bool:
        """Whether y_pred holds numbers, not yes and no."""
        return self.kind in {"mean", "geometric", "quantile"}


_FROM_PREDICTIONS = {"selection_rate"}

MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure("count", "count"),
        Measure("selection_rate", "rate", (FP, TP), (TN, FP, FN, TP)),
        Measure("accuracy", "rate", (TN, TP), (TN, FP, FN, TP)),
        Measure("true_positive_rate", "rate", (TP,), (FN, TP)),
        Measure("true_negative_rate", "rate", (TN,), (TN, FP)),
        Measure("false_positive_rate", "rate", (FP,), (TN, FP)),
        Measure("false_negative_rate", "rate", (FN,), (FN, TP)),
        Measure("precision", "rate", (TP,), (FP, TP)),
        Measure("mean", "mean"),
        Measure("geometric_mean", "geometric"),
        Measure("median", "quantile"),
    )
}

ALIASES = {
    "accuracy_score": "accuracy",
    "recall_score": "true_positive_rate",
    "precision_score": "precision",
    "mean_prediction": "mean",
}
"""Names under which fairlearn and scikit-learn have the same metric."""


def quantile(q: float) -> Measure:
    """Return the metric "the `q` quantile of y_pred", 0 < q < 1.

    Raises
    ------
    InputError
        If `q` lies outside (0, 1).

    Examples
    --------
    >>> quantile(0.95).name
    'quantile_0.95'
    """
    inside("q", q, 0, 1)
    return Measure(f"quantile_{q:g}", "quantile", q=q)


Metric = str | Measure | Callable[..., Any]


def measures(metrics: Metric | Sequence[Metric] | Mapping[str, Metric]) -> dict[str, Measure]:
    """Return the metrics that were asked for, by the name that they are to have.

    Raises
    ------
    InputError
        If there is none, or one is not known by name.

    Examples
    --------
    >>> list(measures({"hired": "selection_rate", "n": "count"}))
    ['hired', 'n']
    """
    if isinstance(metrics, Mapping):
        found = {name: _measure(metric) for name, metric in metrics.items()}
    elif isinstance(metrics, str | Measure) or callable(metrics):
        one = _measure(metrics)
        found = {one.name: one}
    else:
        found = {one.name: one for one in map(_measure, metrics)}
    if not found:
        raise InputError("groups.no_metric")
    return found


def _measure(metric: Metric) -> Measure:
    if isinstance(metric, Measure):
        return metric
    name = metric if isinstance(metric, str) else str(getattr(metric, "__name__", metric))
    measure = MEASURES.get(ALIASES.get(name, name))
    if measure is None:
        raise InputError("groups.unknown_metric", name=name, known=", ".join(MEASURES))
    return measure
