"""What the answers show beside a verdict: for whom, how unequally, in which part, in a year.

Nothing here decides. Where a number has an interval, `guarantee` says what it is worth:
``"finite-sample"`` ones hold at any stopping time, ``"asymptotic"`` ones are for many blocks that
were fixed beforehand, and so only show the order of the error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ..messages import Text, both
from ..metrics.bounded import mean_interval
from ..metrics.result import Estimate, Interval
from .contexts import contexts_of
from .design import REFERENCE, TWIN, Floats, Observed
from .ledger import Ledger
from .matched import Reading
from .protocol import Described, Evidence
from .scores import column

TAIL = 0.95
LEAST = 8
"""Fewer blocks than this describe nothing."""


def mean_around(values: Floats, *, unit: str, level: float) -> Estimate:
    """Return a mean with an asymptotic interval; what is not a number is left out and counted.

    Examples
    --------
    >>> found = mean_around(np.array([1.0, 3.0, np.nan]), unit="money", level=0.95)
    >>> found.value, found.n, found.n_excluded, round(found.interval.high, 3)
    (2.0, 2, 1, 3.96)
    """
    used = values[np.isfinite(values)]
    n, excluded = len(used), int(np.sum(~np.isfinite(values)))
    if n < 2:  # noqa: PLR2004 - an error needs two
        return Estimate(value=float(used[0]) if n else None, unit=unit, n=n, n_excluded=excluded)
    mean, error = float(np.mean(used)), float(np.std(used, ddof=1)) / math.sqrt(n)
    half = NormalDist().inv_cdf((1 + level) / 2) * error
    limits = Interval(low=mean - half, high=mean + half, level=level, method="normal")
    return Estimate(value=mean, unit=unit, interval=limits, n=n, n_excluded=excluded)


def rows_of(ledger: Ledger, *arms: int) -> NDArray[np.intp]:
    """Return the fresh blocks in which all of these arms have a finite score."""
    finite = np.isfinite(ledger.score[:, list(arms)]).all(axis=1)
    return np.flatnonzero(ledger.fresh & finite)


def heterogeneity(ledger: Ledger, arm: int, *, level: float) -> tuple[Described, ...]:
    """Return the large gaps: the 95th percentile beside that of twins, and the largest of all.

    Single quotes, the vendor's own noise among them: only what lies above the twins' is an effect.
    """
    rows = rows_of(ledger, arm, REFERENCE)
    if len(rows) < LEAST:
        return ()
    gaps = ledger.gap(arm)[rows]
    found = [Described(name="p95", label=both("pricing.p95"), estimate=_tail(gaps, level))]
    twins = ledger.gap(TWIN)[rows_of(ledger, TWIN, REFERENCE)]
    if len(twins) >= LEAST:
        label = both("pricing.p95_twins")
        found.append(Described(name="p95_twins", label=label, estimate=_tail(twins, level)))
    largest = Estimate(value=float(gaps[np.argmax(np.abs(gaps))]), unit="log-ratio", n=len(gaps))
    return (*found, Described(name="largest", label=both("pricing.largest"), estimate=largest))


def _tail(gaps: Floats, level: float) -> Estimate:
    """Return the 95th percentile of sizes of gaps, between the order statistics around it."""
    sizes, n = np.sort(np.abs(gaps)), len(gaps)
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(n * TAIL * (1 - TAIL))
    low, high = (
        float(sizes[min(n - 1, max(0, round(n * TAIL + side * reach) - (side < 0)))])
        for side in (-1, 1)
    )
    return Estimate(
        value=float(np.quantile(sizes, TAIL)),
        unit="log-ratio",
        interval=Interval(low=low, high=high, level=level, method="order statistics"),
        n=n,
    )


def spread(ledger: Ledger, arm: int, *, level: float) -> tuple[Described, ...]:
    """Return how much wider the treated arm's prices lie around their own mean than a twin's do.

    The mean of ``|A − R − median(A − R)| − |T − R|`` over blocks with a twin: an effect that is the
    same everywhere cancels out, so this is 0 where the attribute moves prices but not their spread.
    """
    rows = rows_of(ledger, arm, REFERENCE, TWIN)
    if len(rows) < LEAST:
        return ()
    gaps, twins = ledger.gap(arm)[rows], ledger.gap(TWIN)[rows]
    wider = np.abs(gaps - np.median(gaps)) - np.abs(twins)
    return (
        Described(
            name="spread",
            label=both("pricing.spread"),
            estimate=mean_around(wider, unit="log-ratio", level=level),
            guarantee="asymptotic",
        ),
    )


def by_cue(reading: Reading, name: str, *, bound: float) -> tuple[Described, ...]:
    """Return the mean effect of each cue that shows an attribute, where it has several.

    Each interval holds by itself, at any stopping time; together they do not.
    """
    cues, ledger = reading.study.attributes[name].cue_names, reading.ledger
    asked = np.flatnonzero(ledger.fresh & ledger.asked[:, [reading.arm, REFERENCE]].all(axis=1))
    if len(cues) < 2 or len(asked) == 0:  # noqa: PLR2004 - one cue is the whole effect
        return ()
    shown = contexts_of(reading.observed, ledger.trial[asked, REFERENCE]).cue[name]
    terms = ledger.clipped_mean_terms(reading.arm, bound)
    return tuple(
        Described(
            name=f"cue.{cue}",
            label=both("pricing.cue", cue=cue),
            estimate=bounded_mean(
                terms[shown == code], bound=bound, unit="log-ratio", level=reading.level
            ),
            guarantee="finite-sample",
        )
        for code, cue in enumerate(cues)
        if np.isfinite(terms[shown == code]).any()
    )


def bounded_mean(values: Floats, *, bound: float, unit: str, level: float) -> Estimate:
    """Return the mean of bounded values with an interval that holds at any stopping time."""
    used = values[np.isfinite(values)]
    return Estimate(
        value=float(np.mean(used)) if len(used) else None,
        unit=unit,
        interval=mean_interval(values, bound=bound, level=level) if len(used) else None,
        n=len(used),
        n_excluded=len(values) - len(used),
    )


def places(ledger: Ledger, *, level: float) -> tuple[Described, ...]:
    """Return what being asked later does: of reference and twin, the later one against the earlier."""
    rows = rows_of(ledger, REFERENCE, TWIN)
    if len(rows) < LEAST:
        return ()
    later = np.where(ledger.trial[rows, TWIN] > ledger.trial[rows, REFERENCE], 1.0, -1.0)
    return (
        Described(
            name="position",
            label=both("pricing.position"),
            estimate=mean_around(later * ledger.gap(TWIN)[rows], unit="log-ratio", level=level),
            guarantee="asymptotic",
        ),
    )


def a_year(found: Evidence, purchases: float) -> tuple[Described, ...]:
    """Return what the mean effect comes to in a year, at the reference's average price."""
    effect = found.effect
    if effect.value is None or not math.isfinite(found.base):
        return ()

    def money(x: float) -> float:
        return purchases * found.base * math.expm1(x)

    limits = effect.interval and Interval(
        low=money(effect.interval.low),
        high=money(effect.interval.high),
        level=effect.interval.level,
        method=effect.interval.method,
        time_uniform=effect.interval.time_uniform,
    )
    return (
        Described(
            name="year",
            label=both("pricing.year", purchases=f"{purchases:g}"),
            estimate=Estimate(value=money(effect.value), unit="money", interval=limits, n=effect.n),
            guarantee="finite-sample",
            per="year",
        ),
    )


def slope(
    ledger: Ledger, arms: Sequence[int], rungs: Floats, *, unit: str, bound: float, level: float
) -> Estimate:
    """Return the mean slope of the score along a ladder, block by block, least squares in each.

    Parameters
    ----------
    arms : sequence of int
        The reference and the treated columns, one for each rung.
    rungs : (arms,) float array
        Where each stands, for example the logarithm of what such customers spend.
    bound : float
        Gaps to the reference are clipped to ± this, so that a slope is bounded too and its interval
        holds at any stopping time.

    Examples
    --------
    >>> ledger = Ledger(score=np.tile([0.0, np.nan, 0.1, 0.2], (9, 1)),
    ...     kind=np.zeros((9, 4), dtype=np.int8), trial=np.zeros((9, 4), dtype=np.intp),
    ...     asks=np.ones((9, 4), dtype=np.intp), again=np.full(9, -1), wave=np.zeros(9))
    >>> round(slope(ledger, [0, 2, 3], np.array([0.0, 1, 2]), unit="elasticity",
    ...     bound=0.4, level=0.95).value, 3)
    0.1
    """
    centred = rungs - rungs.mean()
    weights = centred / np.sum(centred**2)
    rows = rows_of(ledger, *arms)
    gaps = ledger.score[rows][:, list(arms)] - ledger.score[rows][:, [arms[0]]]
    clipped: Floats = np.clip(gaps, -bound, bound)
    most = bound * float(np.abs(weights[1:]).sum())
    return bounded_mean(clipped @ weights, bound=most, unit=unit, level=level)


def never_falls(ledger: Ledger, arms: Sequence[int]) -> Estimate:
    """Return the share of blocks in which the score rises along a ladder and nowhere falls."""
    rows = rows_of(ledger, *arms)
    steps = np.diff(ledger.score[rows][:, list(arms)], axis=1)
    rising = (steps >= 0).all(axis=1) & (steps > 0).any(axis=1)
    return Estimate(value=float(np.mean(rising)) if len(rows) else None, unit="share", n=len(rows))


def money_slope(
    observed: Observed,
    ledger: Ledger,
    arms: Sequence[int],
    worth: Floats,
    *,
    outcome: str,
    level: float,
) -> Estimate:
    """Return how much of each unit that customers would pay more they are charged: pass-through."""
    table = amounts(observed, outcome, ledger.width)
    rows = rows_of(ledger, *arms)
    centred = worth - worth.mean()
    slopes: Floats = table[rows][:, list(arms)] @ (centred / np.sum(centred**2))
    return mean_around(slopes, unit="share", level=level)


def amounts(observed: Observed, outcome: str, width: int) -> Floats:
    """Return an outcome by block and arm, as answered."""
    return Ledger.laid_out(observed, column(observed, outcome), observed.kind, width).score


def parts(
    reading: Reading, *, signs: Mapping[str, int], labels: Mapping[str, Text]
) -> tuple[Described, ...]:
    """Return what each component adds to the gap in the final price, in money and as a part of it.

    The parts of a gap that does not show are left out: they would be parts of nothing.

    Parameters
    ----------
    signs : mapping of str to int
        Component → 1 where it adds to the final price, −1 where it is taken off.
    labels : mapping of str to mapping
        What people call each.
    """
    gaps = {name: sign * _money_gap(reading, name) for name, sign in signs.items()}
    final, level = _money_gap(reading, "final"), reading.level
    whole = np.isfinite(np.stack([final, *gaps.values()])).all(axis=0)
    if int(whole.sum()) < LEAST:
        return ()
    final = final[whole]
    limits = mean_around(final, unit="money", level=level).interval
    apart = limits is not None and not limits.low <= 0 <= limits.high
    found: list[Described] = []
    for name, gap in gaps.items():
        money = mean_around(gap[whole], unit="money", level=level)
        found.append(
            Described(
                name=f"part.{name}",
                label=both("pricing.part", component=labels[name]),
                estimate=money,
                guarantee="asymptotic",
            )
        )
        if apart:
            found.append(
                Described(
                    name=f"share.{name}",
                    label=both("pricing.part_share", component=labels[name]),
                    estimate=_part_of(gap[whole], final, level),
                    guarantee="asymptotic",
                )
            )
    return tuple(found)


def _money_gap(reading: Reading, outcome: str) -> Floats:
    table = amounts(reading.observed, outcome, reading.layout.width)[reading.ledger.fresh]
    gap: Floats = table[:, reading.arm] - table[:, REFERENCE]
    return gap


def _part_of(gap: Floats, whole: Floats, level: float) -> Estimate:
    """Return the ratio of two means, its interval by the delta method."""
    ratio = float(np.mean(gap) / np.mean(whole))
    around = mean_around((gap - ratio * whole) / float(np.mean(whole)), unit="share", level=level)
    limits = around.interval and Interval(
        low=ratio + around.interval.low,
        high=ratio + around.interval.high,
        level=level,
        method="delta method",
    )
    return Estimate(value=ratio, unit="share", interval=limits, n=around.n)
