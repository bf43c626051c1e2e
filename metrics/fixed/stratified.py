"""Groups of a table, with lawful conditions held equal: stratum by stratum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Bools, Floats, Ints
from ..registry import register
from ..result import Alternative, TestResult
from .independent import EACH, Stratum, deal, dealt_result, mean_difference, stratum
from .permutation import RESAMPLES, Generator


@register(kind="strata", swap="negate", scale="multiply")
def stratified_difference(
    values: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TestResult:
    """Test whether arms differ in the mean once the strata are held equal.

    Null hypothesis: within every stratum both arms have the same distribution. Guarantee: exact;
    labels are dealt anew within the strata only. Studentised, so that unequal spreads stay right in
    large strata.

    Parameters
    ----------
    values : (n,) array_like of float
        NaN is left out and counted.
    treated : (n,) array_like of 0 or 1
    strata : (n,) array_like
        Labels of the lawful conditions. Strata with fewer than two answers in an arm say nothing
        about the gap; their rows are left out and counted.
    rng, alternative, unit, resamples, stop
        As :func:`mean_difference`.

    Returns
    -------
    TestResult
        The strata's differences, each weighted by its share of all rows; intervals by inversion.

    Raises
    ------
    InputError
        If no stratum has both arms, or a parameter cannot be used.

    References
    ----------
    Good (2005), Permutation, Parametric and Bootstrap Tests of Hypotheses, ch. 3.

    Examples
    --------
    >>> import numpy as np
    >>> values = [10.0, 11, 12, 10, 20, 21, 22, 23]
    >>> treated, strata = [0, 0, 1, 0, 1, 0, 1, 1], list("aaaabbbb")
    >>> values, treated = [*values, 11, 24], [*treated, 1, 0]
    >>> found = stratified_difference(
    ...     values, treated, [*strata, "a", "b"], rng=np.random.default_rng(1))
    >>> round(found.estimate, 3), found.n
    (0.167, 10)
    """
    name = "stratified_difference"
    inputs.resampling(name, alternative, resamples)
    column, own, levels = inputs.rows(name, values, treated, strata)
    parts, used = _strata(column, own, levels)
    inputs.at_least(name, "strata", len(parts), 1)
    found = deal(parts, alternative, resamples=resamples, rng=rng, stop=stop)
    return dealt_result(
        found, parts, unit=unit, alternative=alternative, rng=rng, n=used,
        excluded=len(column) - used, null="metrics.null_conditional",
    )  # fmt: skip


def _strata(column: Floats, own: Bools, levels: Ints) -> tuple[list[Stratum], int]:
    """Return the strata that have both arms, weighted by size, and how many rows are in them."""
    there = ~np.isnan(column)
    arms = [
        (column[own & there & (levels == level)], column[~own & there & (levels == level)])
        for level in range(int(levels.max(initial=-1)) + 1)
    ]
    arms = [pair for pair in arms if min(map(len, pair)) >= EACH]
    used = sum(len(up) + len(down) for up, down in arms)
    return [stratum(up, down, (len(up) + len(down)) / used) for up, down in arms], used


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalDisparity:
    """The gap between groups as it stands, and with the conditions held equal.

    `explained` is how much of the first the conditions account for, in its unit; the two may even
    differ in sign (Simpson).
    """

    marginal: TestResult
    conditional: TestResult
    explained: float


@register(kind="strata", swap="negate", scale="multiply", read="conditional")
def conditional_disparity(
    values: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> ConditionalDisparity:
    """Compare two groups with and without holding lawful conditions equal.

    Null hypotheses: equal means (marginal); within every stratum, answers that do not depend on the
    group (conditional). Guarantee: as :func:`mean_difference` and :func:`stratified_difference`.

    Parameters
    ----------
    values : (n,) array_like of float
        Prices, log prices, or 0 / 1. NaN is left out and counted.
    treated : (n,) array_like of 0 or 1
        Whether a row is of the group that is compared with the reference.
    strata : (n,) array_like
        Labels of the lawful conditions.
    rng, alternative, unit, resamples, stop
        As :func:`mean_difference`.

    Returns
    -------
    ConditionalDisparity

    Raises
    ------
    InputError
        If no stratum has both groups, or a parameter cannot be used.

    References
    ----------
    Bickel, Hammel & O'Connell (1975), Science 187(4175).

    Examples
    --------
    >>> import numpy as np
    >>> strata = np.repeat(["cheap", "dear"], 50)
    >>> treated = np.r_[np.arange(50) < 10, np.arange(50) < 40].astype(int)
    >>> values = np.where(strata == "dear", 2.0, 1.0) + np.tile([0.0, 0.1], 50)
    >>> found = conditional_disparity(values, treated, strata, rng=np.random.default_rng(1))
    >>> round(found.marginal.estimate, 3), round(found.conditional.estimate, 3)
    (0.6, 0.0)
    """
    conditional = stratified_difference(
        values, treated, strata, rng=rng, alternative=alternative, unit=unit,
        resamples=resamples, stop=stop,
    )  # fmt: skip
    column, own, _ = inputs.rows("conditional_disparity", values, treated, strata)
    marginal = mean_difference(
        column[own], column[~own], rng=rng, alternative=alternative, unit=unit,
        resamples=resamples, stop=stop,
    )  # fmt: skip
    before, after = marginal.estimate or 0.0, conditional.estimate or 0.0
    return ConditionalDisparity(
        marginal=marginal, conditional=conditional, explained=before - after
    )
