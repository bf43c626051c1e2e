"""Which columns give a protected one away: how well each tells who belongs, out of sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ...errors import InputError
from .._arrays import Bools, Floats, Ints, inside
from ..result import Estimate, Interval
from .table import coded, plain

FOLDS = 5
LEAST = 2 * FOLDS
"""Fewest rows of a value: each fold then holds some."""
BINS = 16
"""Most groups of a column of numbers: a single column then tells by steps."""
SMOOTH = 4.0
"""Rows that a value of a column is believed to have beside its own, at the usual rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """How well columns tell one value of a protected column from the rest.

    Attributes
    ----------
    columns : tuple of str
        One column, or all of them together.
    value : label
        Of the protected column.
    auc : Estimate
        Chance that of one row with the value and one without the first is told to be likelier;
        ½ says nothing, 1 gives it away. Unit ``"probability"``.
    """

    columns: tuple[str, ...]
    value: Any
    auc: Estimate


def proxies(
    protected: Any,
    *,
    columns: Mapping[str, Any],
    rng: np.random.Generator,
    level: float = 0.95,
) -> tuple[Proxy, ...]:
    """Return how well each column, and all together, give a protected one away.

    Cross-fitted: every row is told by what the other folds have taught. One column is read through
    the rate of the value among rows that agree in it; all together through boosted trees. Guarantee
    of the intervals: asymptotic, given the folds; they describe and test nothing.

    Parameters
    ----------
    protected : (n,) array_like or series
    columns : mapping of str to (n,) array_like
        Numbers, or labels.
    rng : numpy.random.Generator
        Deals the rows to folds.
    level : float
        Of the intervals, in (0, 1).

    Returns
    -------
    tuple of Proxy
        For each value of the protected column (of two the rarer alone), the clearest first.

    Raises
    ------
    InputError
        If there is nothing to tell apart, too few rows of a value, or no column.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44, 837-845. Chernozhukov et al. (2018), The
    Econometrics Journal 21 (cross-fitting).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> sex = np.array(["m", "f"] * 50)
    >>> told = proxies(sex, columns={"title": np.where(sex == "f", "Ms", "Mr"),
    ...     "day": rng.integers(0, 7, 100)}, rng=rng)
    >>> told[0].columns, told[0].auc.value
    (('title',), 1.0)
    """
    inside("level", level, 0, 1)
    name = "protected"
    if not columns:
        raise InputError("recorded.no_lawful", column=name)
    who = coded(name, plain(protected))
    labels = [one for one in who.levels if one is not None]
    known = who.codes < len(labels)
    counts = np.bincount(who.codes[known], minlength=len(labels))
    _require(name, labels, counts)
    table = {key: _steps(key, plain(values)) for key, values in columns.items()}
    folds = rng.permutation(len(who.codes)) % FOLDS
    values = range(len(labels)) if len(labels) > 2 else [int(np.argmin(counts))]  # noqa: PLR2004 - of two values one tells both
    found: list[Proxy] = []
    for code in values:
        belongs = (who.codes == code)[known]
        told: dict[tuple[str, ...], Floats] = {
            (key,): _one(column[known], belongs, folds[known]) for key, column in table.items()
        }
        if len(table) > 1:
            together = np.column_stack([column[known] for column in table.values()])
            told[tuple(table)] = _all(together, belongs, folds[known], rng)
        found += [
            Proxy(
                columns=names,
                value=labels[code],
                auc=_auc(scores, belongs, level=level, left_out=int(np.sum(~known))),
            )
            for names, scores in told.items()
        ]
    return tuple(sorted(found, key=lambda one: -(one.auc.value or 0.0)))


def _require(name: str, labels: Sequence[Any], counts: Ints) -> None:
    if len(labels) < 2:  # noqa: PLR2004 - one value cannot be told from another
        raise InputError("recorded.one_kind", column=name)
    least = int(np.argmin(counts))
    if counts[least] < LEAST:
        raise InputError(
            "recorded.few_rows",
            column=name,
            needed=LEAST,
            value=labels[least],
            got=int(counts[least]),
        )


def _steps(name: str, values: NDArray[Any]) -> Ints:
    """Return a column as codes in order; numbers that take many values in steps of equal size."""
    feature = coded(name, values)
    if values.dtype.kind not in "iuf" or len(feature.levels) <= BINS:
        return feature.codes.astype(np.intp)
    edges = np.quantile(values[np.isfinite(values)], np.arange(1, BINS) / BINS)
    return np.searchsorted(edges, values, side="right").astype(np.intp)


def _one(column: Ints, belongs: Bools, folds: Ints) -> Floats:
    """Return for each row the rate of the value, in the other folds, among rows like it."""
    place = column - column.min()
    score = np.empty(len(place))
    for fold in range(FOLDS):
        taught, asked = folds != fold, folds == fold
        usual = float(np.mean(belongs[taught]))
        n = np.bincount(place[taught], minlength=int(place.max()) + 1)
        hits = np.bincount(place[taught], belongs[taught], minlength=len(n))
        score[asked] = ((hits + SMOOTH * usual) / (n + SMOOTH))[place[asked]]
        # rates of different folds stand on different levels
        score[asked] -= usual
    return score


def _all(table: Ints, belongs: Bools, folds: Ints, rng: np.random.Generator) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier

    score = np.empty(len(table))
    for fold in range(FOLDS):
        model = HistGradientBoostingClassifier(
            max_iter=60, early_stopping=False, random_state=int(rng.integers(1 << 31))
        )
        model.fit(table[folds != fold], belongs[folds != fold])
        score[folds == fold] = model.predict_proba(table[folds == fold])[:, 1]
    return score


def _auc(score: Floats, belongs: Bools, *, level: float, left_out: int) -> Estimate:
    """Return the area under the curve with DeLong's interval, cut at 0 and 1."""
    from scipy.stats import rankdata

    ranks = rankdata(score)
    own, other = ranks[belongs], ranks[~belongs]
    n, m = len(own), len(other)
    # placements: how many of the other side each row stands above, ties half
    above = (own - rankdata(score[belongs])) / m
    below = 1 - (other - rankdata(score[~belongs])) / n
    auc = float(np.mean(above))
    error = float(np.sqrt(np.var(above, ddof=1) / n + np.var(below, ddof=1) / m))
    wide = float(ndtri((1 + level) / 2)) * error
    return Estimate(
        value=auc,
        unit="probability",
        interval=Interval(
            low=max(0.0, auc - wide), high=min(1.0, auc + wide), level=level, method="DeLong"
        ),
        n=n + m,
        n_excluded=left_out,
    )
