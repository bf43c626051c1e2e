"""Yes or no in independent arms: exact tests of two rates, plain and within strata."""

from __future__ import annotations

import math
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Bools, Floats, Ints
from ..registry import register
from ..result import Alternative, Interval, TestResult

Measure = Literal["difference", "ratio"]

NEWCOMBE = "Fisher (1935), JRSS 98(1); Newcombe (1998), Statist. Med. 17(8)"
SCORE = "Fisher (1935), JRSS 98(1); Miettinen & Nurminen (1985), Statist. Med. 4(2)"

TIES = 1 + 1e-7
"""Tables whose chances differ by less than this factor are equally likely."""


class Table(NamedTuple):
    """Hits and answers of both arms."""

    hits: int
    n: int
    other_hits: int
    m: int


def hypergeometric(table: Table) -> tuple[int, Floats]:
    """Return the smallest possible number of treated hits, and the chances from there on.

    Examples
    --------
    >>> low, chances = hypergeometric(Table(3, 4, 1, 4))
    >>> low, [round(float(chance), 4) for chance in chances]
    (0, [0.0143, 0.2286, 0.5143, 0.2286, 0.0143])
    """
    from scipy.special import gammaln

    hits = table.hits + table.other_hits
    low, high = max(0, hits - table.m), min(hits, table.n)
    k = np.arange(low, high + 1)
    logs = -(
        gammaln(k + 1)
        + gammaln(table.n - k + 1)
        + gammaln(hits - k + 1)
        + gammaln(table.m - hits + k + 1)
    )
    chances = np.exp(logs - logs.max())
    return low, chances / chances.sum()


def law_p(chances: Floats, place: int, alternative: Alternative) -> float:
    """Return the p-value of a place in a discrete law; two-sided: all that is no likelier."""
    chosen = {
        "greater": chances[place:],
        "less": chances[: place + 1],
        "two-sided": chances[chances <= chances[place] * TIES],
    }[alternative]
    return min(1.0, max(float(chosen.sum()), float(np.finfo(np.float64).tiny)))


@register(kind="binary arms", swap="negate", scale=None)
def fisher(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    measure: Measure = "difference",
) -> TestResult:
    """Test whether two independent arms have the same rate (Fisher's exact test).

    Null hypothesis: equal rates. Guarantee: exact, given how many hits there are in all.

    Parameters
    ----------
    treated : (n,) array_like of 0, 1 or NaN
    reference : (m,) array_like of 0, 1 or NaN
        NaN is left out and counted; :func:`outcomes` makes such columns from counts.
    alternative : {"two-sided", "greater", "less"}
        Two-sided: all tables that are no likelier than the one seen.
    measure : {"difference", "ratio"}
        What is estimated: the difference of the rates with Newcombe's interval, or their ratio with
        the score interval. A ratio to a rate of 0 is not measured.

    Returns
    -------
    TestResult

    Raises
    ------
    InputError
        If an arm is empty, or a parameter cannot be used.

    References
    ----------
    Fisher (1935), JRSS 98(1); Newcombe (1998), Statistics in Medicine 17(8); Miettinen & Nurminen
    (1985), Statistics in Medicine 4(2).

    Examples
    --------
    >>> found = fisher(outcomes(3, 4), outcomes(1, 4))
    >>> found.estimate, round(found.p_value, 4)
    (0.5, 0.4857)
    """
    name = "fisher"
    inputs.side(name, alternative)
    if measure not in {"difference", "ratio"}:
        raise inputs.refusal(name, "measure", "metrics.need_measure", repr(measure))
    kept = inputs.arms(name, treated, reference, read=inputs.binary)
    table = Table(
        int(kept.treated.sum()), len(kept.treated), int(kept.reference.sum()), len(kept.reference)
    )
    low, chances = hypergeometric(table)
    differs = measure == "difference"
    return TestResult(
        estimate=_difference(table) if differs else _ratio(table),
        unit="share" if differs else "ratio",
        p_value=law_p(chances, table.hits - low, alternative),
        null="metrics.null_rates",
        alternative=alternative,
        method="Fisher's exact test; " + ("Newcombe" if differs else "score") + " interval",
        reference=NEWCOMBE if differs else SCORE,
        guarantee="exact",
        n=kept.n,
        n_excluded=kept.excluded,
        statistic=float(table.hits),
        _limits=partial(newcombe if differs else score_ratio, table),
    )


def outcomes(hits: int, n: int) -> Ints:
    """Return a column of `hits` ones and ``n − hits`` zeros.

    Raises
    ------
    InputError
        If `hits` is not between 0 and `n`.

    Examples
    --------
    >>> outcomes(2, 5)
    array([1, 1, 0, 0, 0])
    """
    if not 0 <= hits <= n:
        raise inputs.refusal("outcomes", "hits", "metrics.need_hits", hits)
    return (np.arange(n) < hits).astype(np.int64)


def _difference(table: Table) -> float:
    return table.hits / table.n - table.other_hits / table.m


def _ratio(table: Table) -> float | None:
    return (table.hits / table.n) / (table.other_hits / table.m) if table.other_hits else None


def wilson(hits: int, n: int, level: float) -> tuple[float, float]:
    """Return Wilson's interval of a share.

    Examples
    --------
    >>> [round(end, 4) for end in wilson(56, 70, 0.95)]
    [0.6918, 0.877]
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    middle = hits / n + z * z / (2 * n)
    half = z * math.sqrt(hits / n * (1 - hits / n) / n + z * z / (4 * n * n))
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return (0.0 if hits == 0 else low), (1.0 if hits == n else high)


def newcombe(table: Table, level: float) -> Interval:
    """Return Newcombe's hybrid score interval of a difference of rates (his method 10).

    Examples
    --------
    >>> found = newcombe(Table(56, 70, 48, 80), 0.95)
    >>> round(found.low, 4), round(found.high, 4)
    (0.0524, 0.3339)
    """
    p, q = table.hits / table.n, table.other_hits / table.m
    (low, high), (other_low, other_high) = (wilson(*arm, level) for arm in (table[:2], table[2:]))
    below = math.hypot(p - low, other_high - q)
    above = math.hypot(high - p, q - other_low)
    return Interval(low=p - q - below, high=p - q + above, level=level, method="Newcombe")


def score_ratio(table: Table, level: float) -> Interval:
    """Return the score interval of a ratio of rates.

    Examples
    --------
    >>> found = score_ratio(Table(36, 40, 16, 80), 0.95)
    >>> round(found.low, 2), round(found.high, 2)
    (2.94, 7.15)
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    estimate = _ratio(table)

    def excess(log_ratio: float, sign: int) -> float:
        return sign * _ratio_score(table, math.exp(log_ratio)) - z

    centre = math.log(estimate) if estimate else 0.0
    low, high = 0.0, math.inf
    if table.hits:
        start = centre if estimate else _FAR
        low = math.exp(brentq(lambda value: excess(value, 1), -_FAR, start))
    if table.other_hits:
        start = centre if estimate else -_FAR
        high = math.exp(brentq(lambda value: excess(value, -1), start, _FAR))
    return Interval(low=low, high=high, level=level, method="score")


_FAR = 30.0
"""Log ratios beyond this are no ratio of rates of any data."""


def _ratio_score(table: Table, ratio: float) -> float:
    """Return the score statistic of the ratio, large where the data lie above it."""
    hits, n, other, m = table
    a, b = (n + m) * ratio, -(n * ratio + hits + m + other * ratio)
    q = (-b - math.sqrt(max(b * b - 4 * a * (hits + other), 0.0))) / (2 * a)
    p = ratio * q
    variance = p * (1 - p) / n + ratio**2 * q * (1 - q) / m
    gap = hits / n - ratio * other / m
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)


@register(kind="binary strata", swap="reciprocal", scale=None)
def cmh(
    values: ArrayLike,
    treated: ArrayLike,
    strata: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
) -> TestResult:
    """Test whether arms have the same rate once the strata are held equal (exact CMH).

    Null hypothesis: within every stratum the answer does not depend on the arm. Guarantee: exact,
    given the hits of each stratum: the law of the treated hits is the convolution of the strata's.

    Parameters
    ----------
    values : (n,) array_like of 0, 1 or NaN
        NaN is left out and counted.
    treated : (n,) array_like of 0 or 1
    strata : (n,) array_like
        Labels of the lawful conditions.
    alternative : {"two-sided", "greater", "less"}
        Two-sided: all sums that are no likelier than the one seen.

    Returns
    -------
    TestResult
        Mantel and Haenszel's common odds ratio, with the interval of Robins, Breslow and Greenland.
        Not measured where no stratum compares.

    Raises
    ------
    InputError
        If nothing was answered, or a parameter cannot be used.

    References
    ----------
    Mantel & Haenszel (1959), JNCI 22(4); Robins, Breslow & Greenland (1986), Biometrics 42(2).

    Examples
    --------
    >>> values = [1, 1, 1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 1, 0]
    >>> treated, strata = [1, 1, 1, 1, 0, 0, 0, 0] * 2, ["a"] * 8 + ["b"] * 8
    >>> found = cmh(values, treated, strata)
    >>> found.estimate, round(found.p_value, 4)
    (9.0, 0.1473)
    """
    name = "cmh"
    inputs.side(name, alternative)
    column, own, levels = inputs.rows(name, values, treated, strata, read=inputs.binary)
    there = ~np.isnan(column)
    inputs.at_least(name, "values", int(there.sum()), 1)
    tables = _tables(column[there], own[there], levels[there])
    law, start = np.ones(1), 0
    for table in tables:
        low, chances = hypergeometric(table)
        law, start = np.convolve(law, chances), start + low
    hits = sum(table.hits for table in tables)
    return TestResult(
        estimate=_odds(tables)[0],
        unit="odds-ratio",
        p_value=law_p(law, hits - start, alternative),
        null="metrics.null_conditional",
        alternative=alternative,
        method="exact Cochran-Mantel-Haenszel",
        reference="Mantel & Haenszel (1959), JNCI 22(4); Robins et al. (1986), Biometrics 42(2)",
        guarantee="exact",
        n=int(there.sum()),
        n_excluded=int((~there).sum()),
        statistic=float(hits),
        _limits=partial(_odds_limits, tables),
    )


def _tables(column: Floats, own: Bools, levels: Ints) -> list[Table]:
    count = int(levels.max()) + 1
    cells = np.bincount(levels * 4 + own * 2 + column.astype(np.int64), minlength=4 * count)
    return [
        Table(int(up_yes), int(up_yes + up_no), int(yes), int(yes + no))
        for no, yes, up_no, up_yes in cells.reshape(-1, 4)
        if up_yes + up_no and yes + no
    ]


def _odds(tables: list[Table]) -> tuple[float | None, float]:
    """Return the common odds ratio and the variance of its logarithm."""
    r = s = pr = ps_qr = qs = 0.0
    for hits, n, other, m in tables:
        total = n + m
        up, down = hits * (m - other) / total, (n - hits) * other / total
        p, q = (hits + m - other) / total, (n - hits + other) / total
        r, s = r + up, s + down
        pr, ps_qr, qs = pr + p * up, ps_qr + p * down + q * up, qs + q * down
    if not (r and s):
        return None, math.inf
    return r / s, pr / (2 * r * r) + ps_qr / (2 * r * s) + qs / (2 * s * s)


def _odds_limits(tables: list[Table], level: float) -> Interval | None:
    from scipy.special import ndtri

    odds, variance = _odds(tables)
    if odds is None:
        return None
    half = float(ndtri(0.5 + level / 2)) * math.sqrt(variance)
    method = "Robins-Breslow-Greenland"
    return Interval(
        low=odds * math.exp(-half), high=odds * math.exp(half), level=level, method=method
    )
