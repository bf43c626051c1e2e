"""Blocks of several arms, ladders of levels, and answers that share persona and item.

Labels are dealt anew within each block and nowhere else, so what a block holds equal (context,
moment, persona) stays equal. Every block has few assignments; what each of them contributes stands
in a table, and an assignment of all blocks is one draw from each table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations, permutations
from math import factorial, prod, sqrt

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats, Ints, slabs
from ..registry import register
from ..result import Alternative, Interval, MonteCarlo, TestResult
from . import permutation
from .paired import new_seed
from .permutation import RESAMPLES, Generator

_TABLE = 5_040
"""Assignments of one block that are written out: up to seven levels, or twelve arms."""

_CELLS = 2**20
"""Table entries looked up at once."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Blocks of one shape: what each assignment contributes, the observed one first.

    `values` and `treatment` are (blocks, assignments): the block's gap or slope numerator, of the
    answers and of the treatment itself.
    """

    values: Floats
    treatment: Floats


def _drawn(alike: Alike, draws: int, rng: Generator, *, treatment: bool) -> Floats:
    """Return the sums over blocks of drawn assignments, of the treatment too: (draws, 1 or 2)."""
    blocks, count = alike.values.shape
    tables = [alike.values, alike.treatment] if treatment else [alike.values]
    sums = np.zeros((draws, len(tables)))
    for part in slabs(blocks, max(1, _CELLS // draws)):
        place = rng.integers(count, size=(part.stop - part.start, draws))
        for column, table in enumerate(tables):
            sums[:, column] += np.take_along_axis(table[part], place, axis=1).sum(axis=0)
    return sums


def _drawn_all(groups: list[Alike], draws: int, rng: Generator, *, treatment: bool) -> Floats:
    """Return those sums over the blocks of all shapes."""
    total: Floats = np.sum(
        [_drawn(alike, draws, rng, treatment=treatment) for alike in groups], axis=0
    )
    return total


def _every(groups: list[Alike]) -> Floats:
    """Return the sums of all assignments, of the treatment too, the observed one first."""
    sums = np.zeros((1, 2))
    for alike in groups:
        for pair in np.stack([alike.values, alike.treatment], axis=2):
            sums = (sums[:, None] + pair[None]).reshape(-1, 2)
    return sums


def _count(groups: list[Alike]) -> float:
    return prod(float(alike.values.shape[1]) ** len(alike.values) for alike in groups)


def _observed(groups: list[Alike]) -> tuple[float, float]:
    """Return the sums over blocks of values and of treatment, as assigned."""
    return (
        float(sum(alike.values[:, 0].sum() for alike in groups)),
        float(sum(alike.treatment[:, 0].sum() for alike in groups)),
    )


def _test(
    groups: list[Alike],
    alternative: Alternative,
    *,
    resamples: int,
    rng: Generator,
    stop: bool,
) -> tuple[float, float, str, MonteCarlo | None]:
    """Compare the sum with its law under reassignment, in units of that law's spread."""
    squares = sum(float((alike.values**2).mean(axis=1).sum()) for alike in groups)
    spread = sqrt(squares) or 1.0
    statistic = _observed(groups)[0] / spread
    mark = float(permutation.oriented(np.array(statistic), alternative))
    if _count(groups) <= permutation.ENUMERATE:
        values = permutation.oriented(_every(groups)[:, 0] / spread, alternative)
        return permutation.enumerated(values, mark), statistic, "all of them", None

    def draw(draws: int) -> Floats:
        sums = _drawn_all(groups, draws, rng, treatment=False)
        return permutation.oriented(sums[:, 0] / spread, alternative)

    p, how = permutation.monte_carlo(draw, mark, resamples=resamples, stop=stop)
    return p, statistic, "drawn", how


def _limits(groups: list[Alike], seed: int, level: float) -> Interval:
    """Return all constant effects that the test does not reject."""
    if _count(groups) <= permutation.ENUMERATE:
        sums = _every(groups)[1:]
    else:
        rng = np.random.default_rng(seed)
        sums = _drawn_all(groups, RESAMPLES, rng, treatment=True)
    total, treatment = _observed(groups)
    moved = treatment - sums[:, 1]
    told = moved > permutation.TOLERANCE * abs(treatment)
    thresholds = np.full(len(sums), np.nan)
    np.divide(total - sums[:, 0], moved, out=thresholds, where=told)
    low, high = permutation.order_limits(thresholds, level)
    return Interval(low=low, high=high, level=level, method="inverted permutation within blocks")


def _result(
    groups: list[Alike], alternative: Alternative, *, null: str, unit: str, excluded: int,
    resamples: int, rng: Generator, stop: bool, reference: str,
) -> TestResult:  # fmt: skip
    p, statistic, how, drawn = _test(groups, alternative, resamples=resamples, rng=rng, stop=stop)
    total, treatment = _observed(groups)
    return TestResult(
        estimate=total / treatment,
        unit=unit,
        p_value=p,
        null=null,
        alternative=alternative,
        method=f"permutation within blocks, {how}",
        reference=reference,
        guarantee="exact",
        n=sum(len(alike.values) for alike in groups),
        n_excluded=excluded,
        statistic=statistic,
        monte_carlo=drawn,
        _limits=partial(_limits, groups, new_seed(rng)),
    )


def _blocks(levels: Ints, missing: np.ndarray) -> list[Ints]:
    """Return the rows of every block that misses nothing."""
    if not len(levels):
        return []
    order = np.argsort(levels, kind="stable")
    edges = np.flatnonzero(np.diff(levels[order])) + 1
    return [rows for rows in np.split(order, edges) if not missing[rows].any()]


@register(kind="blocks", swap="negate", scale="multiply")
def block_permutation(
    values: ArrayLike,
    treated: ArrayLike,
    blocks: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "log-ratio",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether treated answers differ from the others of their block.

    Null hypothesis: within a block the answers do not depend on which arms are treated. Guarantee:
    exact where the arms were assigned by lot within the block. The statistic is the sum of the
    blocks' gaps, in units of its spread under reassignment.

    Parameters
    ----------
    values : (n,) array_like of float
        Log prices, unless `unit` says otherwise. A block that misses an answer (NaN) is left out
        whole, so that what is missing cannot lean to one arm; such blocks are counted.
    treated : (n,) array_like of 0 or 1
    blocks : (n,) array_like
        Labels. Blocks with one arm only compare nothing and are left out and counted.
    rng : numpy.random.Generator
    alternative : {"two-sided", "greater", "less"}
    unit : str
    resamples : int
        At least 19.
    stop : bool
        Whether plainly large p-values may end the drawing early.

    Returns
    -------
    TestResult
        Mean over blocks of treated mean minus reference mean; intervals by inversion of the same
        test, exact for a constant effect. `n` counts blocks.

    Raises
    ------
    InputError
        If no block compares, or a parameter cannot be used.

    References
    ----------
    Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, ch. 3.

    Examples
    --------
    >>> import numpy as np
    >>> values = [3.0, 1, 2, 5, 1, 1, 4, 2, 3]
    >>> found = block_permutation(values, [1, 0, 0] * 3, [1, 1, 1, 2, 2, 2, 3, 3, 3],
    ...     rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), round(found.p_value, 4), found.n
    (2.333, 0.037, 3)
    """
    name = "block_permutation"
    inputs.resampling(name, alternative, resamples)
    column = inputs.numbers(name, "values", values)
    levels = inputs.labels(name, "blocks", blocks, len(column))
    own = inputs.binary(name, "treated", treated)
    if own.shape != column.shape:
        raise inputs.refusal(name, "treated", "metrics.need_same_length", own.shape)
    shapes: dict[tuple[int, int], list[Floats]] = {}
    for rows in _blocks(levels, np.isnan(column) | np.isnan(own)):
        inside = rows[np.argsort(-own[rows], kind="stable")]
        size = int(own[rows].sum())
        if 0 < size < len(rows):
            shapes.setdefault((len(rows), size), []).append(column[inside])
    groups = [_gap_table(np.stack(found), size, rng) for (_, size), found in sorted(shapes.items())]
    used = sum(len(alike.values) for alike in groups)
    inputs.at_least(name, "blocks", used, 1)
    return _result(
        groups, alternative, null="metrics.null_exchangeable", unit=unit,
        excluded=int(levels.max()) + 1 - used, resamples=resamples, rng=rng, stop=stop,
        reference="Good (2005), Permutation, Parametric and Bootstrap Tests, ch. 3",
    )  # fmt: skip


def _gap_table(rows: Floats, size: int, rng: Generator) -> Alike:
    """Return the gaps of blocks (blocks, arms) whose first `size` arms are the treated ones."""
    arms = rows.shape[1]
    if permutation.assignments(arms, size) <= _TABLE:
        places = np.array(list(combinations(range(arms), size)))
        masks = np.zeros((len(places), arms))
        masks[np.arange(len(places))[:, None], places] = 1
    else:  # a random selection, fixed before any answer is looked at, is as valid as all
        masks = permutation.sized_masks(arms, size, _TABLE - 1, rng).astype(np.float64)
        masks = np.concatenate([np.r_[np.ones(size), np.zeros(arms - size)][None], masks])
    weights = masks / size - (1 - masks) / (arms - size)
    centred = rows - rows.mean(axis=1, keepdims=True)
    treatment = weights[:, :size].sum(axis=1)
    return Alike(centred @ weights.T, np.tile(treatment, (len(rows), 1)))


@register(kind="ladder", swap=None, scale="multiply")
def ladder_trend(
    values: ArrayLike,
    levels: ArrayLike,
    blocks: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "greater",
    unit: str = "unit of the data a level",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether answers rise with the level along a ladder, within blocks.

    Null hypothesis: within a block the answers do not depend on the level. Guarantee: exact where
    levels were assigned by lot within the block.

    Parameters
    ----------
    values : (n,) array_like of float
        A block that misses an answer (NaN) is left out whole and counted.
    levels : (n,) array_like of float
        Two or more different ones in a block; blocks with one only are left out and counted.
    blocks : (n,) array_like
        Labels.
    rng : numpy.random.Generator
    alternative : {"greater", "two-sided", "less"}
    unit, resamples, stop
        As :func:`block_permutation`.

    Returns
    -------
    TestResult
        The common slope within blocks; intervals by inversion, exact for a straight line.

    Raises
    ------
    InputError
        If no block compares, or a parameter cannot be used.

    References
    ----------
    Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, ch. 3.

    Examples
    --------
    >>> import numpy as np
    >>> found = ladder_trend([1.0, 2, 3, 5, 6, 8], [0, 1, 2] * 2, list("aaabbb"),
    ...     rng=np.random.default_rng(1))
    >>> found.estimate, round(found.p_value, 4)
    (1.25, 0.0278)
    """
    name = "ladder_trend"
    inputs.resampling(name, alternative, resamples)
    column, steps = inputs.numbers(name, "values", values), inputs.numbers(name, "levels", levels)
    groups_of = inputs.labels(name, "blocks", blocks, len(column))
    if steps.shape != column.shape:
        raise inputs.refusal(name, "levels", "metrics.need_same_length", steps.shape)
    shapes: dict[int, list[tuple[Floats, Floats]]] = {}
    for rows in _blocks(groups_of, np.isnan(column) | np.isnan(steps)):
        if np.ptp(steps[rows]) > 0:
            shapes.setdefault(len(rows), []).append((column[rows], steps[rows]))
    groups = [_slope_table(found, rng) for _, found in sorted(shapes.items())]
    used = sum(len(alike.values) for alike in groups)
    inputs.at_least(name, "blocks", used, 1)
    return _result(
        groups, alternative, null="metrics.null_trend", unit=unit,
        excluded=int(groups_of.max()) + 1 - used, resamples=resamples, rng=rng, stop=stop,
        reference="Good (2005), Permutation, Parametric and Bootstrap Tests, ch. 3",
    )  # fmt: skip


def _slope_table(found: list[tuple[Floats, Floats]], rng: Generator) -> Alike:
    """Return the slope numerators of blocks of one length, levels in every order."""
    length = len(found[0][0])
    if factorial(length) <= _TABLE:
        orders = np.array(list(permutations(range(length))))
    else:
        plain = np.arange(length)
        mixed = rng.permuted(np.tile(plain, (_TABLE - 1, 1)), axis=1)
        orders = np.concatenate([plain[None], mixed])
    values = np.stack([block - block.mean() for block, _ in found])
    steps = np.stack([step - step.mean() for _, step in found])
    return Alike(
        np.einsum("bk,bok->bo", values, steps[:, orders]),
        np.einsum("bk,bok->bo", steps, steps[:, orders]),
    )


@register(kind="ladder", swap=None, scale=None)
def elasticity(
    prices: ArrayLike,
    ability: ArrayLike,
    blocks: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "greater",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether prices rise with the ability to pay, as an elasticity, within blocks.

    Null hypothesis: within a block the price does not depend on the level. Guarantee: exact, as
    :func:`ladder_trend` of both logarithms, which this is.

    Parameters
    ----------
    prices : (n,) array_like of float
        Positive; a block that misses one (NaN) is left out whole and counted.
    ability : (n,) array_like of float
        Positive levels of what a customer can pay: spending, income, price of the device.
    blocks, rng, alternative, resamples, stop
        As :func:`ladder_trend`.

    Returns
    -------
    TestResult
        d log price / d log ability; 0.1 means 1 % more for 10 % more.

    Raises
    ------
    InputError
        If a price or level is not positive, or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> ability = np.tile([100.0, 200, 400], 4)
    >>> found = elasticity(50 * ability**0.1, ability, np.repeat(range(4), 3),
    ...     rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), round(found.p_value, 4)
    (0.1, 0.0008)
    """
    name = "elasticity"
    return ladder_trend(
        inputs.prices(name, "prices", prices),
        inputs.prices(name, "ability", ability),
        blocks,
        rng=rng,
        alternative=alternative,
        unit="elasticity",
        resamples=resamples,
        stop=stop,
    )
