"""Gaps that are mostly exactly zero: how many differ, and by how much, as two parts and joined.

A mean over many zeros hides whether a few are charged much or many a little. Both parts are looked
at, under the same resampling, so that the larger of the two is judged by the law of the larger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .. import _inputs as inputs
from .._arrays import Floats
from ..registry import register
from ..result import Alternative, Estimate, MonteCarlo, TestResult
from . import permutation
from .absence import share_interval
from .independent import EACH, deal_limits, stratum
from .paired import flip_limits, new_seed
from .permutation import RESAMPLES, Generator

WESTFALL_YOUNG = "Westfall & Young (1993), Resampling-Based Multiple Testing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPart:
    """Gaps that are mostly zero, in two parts and joined.

    `joint` is the test to read: does the arm matter at all? `size` and `lean` say where; their
    p-values are adjusted for both being looked at. `dearer` and `cheaper` are shares of all pairs.
    """

    joint: TestResult
    lean: TestResult
    size: TestResult
    dearer: Estimate
    cheaper: Estimate


@register(kind="gaps", swap="negate", scale="multiply", read="joint")
def two_part(
    gaps: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "log-ratio",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TwoPart:
    """Test gaps that are mostly zero: how many lean which way, and by how much.

    Null hypothesis: every gap is symmetric about 0. Guarantee: exact, jointly: the larger of the
    two studentised parts is compared with the larger of both under the same turns of signs (maxT).

    Parameters
    ----------
    gaps : (n,) array_like of float
        Treated minus reference, NaN left out and counted. Zeros are no gap.
    rng : numpy.random.Generator
    alternative, unit, resamples, stop
        As :func:`sign_flip`.

    Returns
    -------
    TwoPart

    Raises
    ------
    InputError
        If a parameter cannot be used.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing.

    Examples
    --------
    >>> import numpy as np
    >>> gaps = np.r_[np.zeros(180), np.full(17, 0.1), -0.1, -0.1, -0.1]
    >>> found = two_part(gaps, rng=np.random.default_rng(1))
    >>> found.dearer.value, found.cheaper.value, round(found.size.estimate, 3)
    (0.085, 0.015, 0.07)
    >>> found.joint.p_value < 0.01
    True
    """
    name = "two_part"
    inputs.resampling(name, alternative, resamples)
    kept, excluded = inputs.present(name, "gaps", inputs.numbers(name, "gaps", gaps))
    moving = kept[kept != 0]
    p_values, observed, how = _joint(moving, alternative, resamples=resamples, rng=rng, stop=stop)
    seed = new_seed(rng)

    def part(value: float | None, unit: str, p: float, statistic: float) -> TestResult:
        return TestResult(
            estimate=value,
            unit=unit,
            p_value=p,
            null="metrics.null_symmetric",
            alternative=alternative,
            method="sign flips of both parts, joined by maxT",
            reference=WESTFALL_YOUNG,
            guarantee="exact",
            n=len(kept),
            n_excluded=excluded,
            statistic=statistic,
            monte_carlo=how,
        )

    ones = np.ones(len(kept))
    joint = part(float(kept.mean()), unit, p_values[2], float(max(observed)))
    lean = part(float(np.sign(kept).mean()), "share", p_values[0], float(observed[0]))
    size = part(float(moving.mean()) if len(moving) else None, unit, p_values[1], observed[1])
    lean_limits = partial(flip_limits, np.sign(kept), ones, seed)
    size_limits = partial(flip_limits, moving, np.ones(len(moving)), seed) if len(moving) else None
    return TwoPart(
        joint=replace(joint, _limits=partial(flip_limits, kept, ones, seed)),
        lean=replace(lean, _limits=lean_limits),
        size=replace(size, _limits=size_limits),
        dearer=_share(int((kept > 0).sum()), len(kept), excluded),
        cheaper=_share(int((kept < 0).sum()), len(kept), excluded),
    )


def _share(hits: int, n: int, excluded: int) -> Estimate:
    interval = share_interval(hits, n, level=0.95)
    return Estimate(value=hits / n, unit="share", interval=interval, n=n, n_excluded=excluded)


def _joint(
    moving: Floats, alternative: Alternative, *, resamples: int, rng: Generator, stop: bool
) -> tuple[tuple[float, float, float], tuple[float, float], MonteCarlo | None]:
    """Return the p-values of both parts and of the larger one, all against the larger one."""
    if not len(moving):
        return (1.0, 1.0, 1.0), (0.0, 0.0), None
    both = np.stack([np.sign(moving), moving / np.abs(moving).max()], axis=1)
    both /= np.sqrt((both**2).sum(axis=0))
    whole = both.sum(axis=0)
    parts = permutation.oriented(whole, alternative)
    seen: list[Floats] = []

    def largest(sums: Floats) -> Floats:
        top: Floats = permutation.oriented(whole - 2 * sums, alternative).max(axis=1)
        seen.append(top)
        return top

    observed = (float(parts[0]), float(parts[1]))
    if 2 ** len(moving) <= permutation.ENUMERATE:
        tops = largest(permutation.all_flip_sums(both))
        lean, size, joint = (
            permutation.enumerated(tops, value) for value in (*observed, max(observed))
        )
        return (lean, size, joint), observed, None
    p, how = permutation.monte_carlo(
        lambda draws: largest(permutation.flip_sums(both, draws, rng)),
        max(observed),
        resamples=resamples,
        stop=stop,
    )
    lean, size = _drawn_parts(np.concatenate(seen), parts, p)
    return (lean, size, p), observed, how


def _drawn_parts(tops: Floats, parts: Floats, joint: float) -> tuple[float, float]:
    """Return the parts' p-values from the drawn larger ones; neither is below the joint one."""
    lean, size = (
        max(joint, (1 + float(permutation.extreme(tops, part).sum())) / (1 + len(tops)))
        for part in parts.tolist()
    )
    return lean, size


@register(kind="arms", swap="negate", scale="multiply", read="joint")
def two_part_independent(
    treated: ArrayLike,
    reference: ArrayLike,
    *,
    rng: Generator,
    alternative: Alternative = "two-sided",
    unit: str = "unit of the data",
    resamples: int = RESAMPLES,
    stop: bool = True,
) -> TwoPart:
    """Test independent arms whose answers are mostly zero: how many are not, and how large those.

    Null hypothesis: both arms have the same distribution. Guarantee: exact, jointly: the larger of
    the studentised difference of shares and Welch's t of what is not zero is compared with the
    larger of both under labels dealt anew (maxT).

    Parameters
    ----------
    treated : (n,) array_like of float
    reference : (m,) array_like of float
        Surcharges, fees, discounts; NaN is left out and counted.
    rng : numpy.random.Generator
    alternative : {"two-sided", "greater", "less"}
    unit, resamples, stop
        As :func:`two_part`.

    Returns
    -------
    TwoPart
        `dearer` and `cheaper` are the shares of treated and of reference answers that are not zero.

    Raises
    ------
    InputError
        If an arm has fewer than two answers, or a parameter cannot be used.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing.

    Examples
    --------
    >>> import numpy as np
    >>> treated, reference = np.r_[np.zeros(60), np.ones(40)], np.r_[np.zeros(90), np.ones(10)]
    >>> found = two_part_independent(treated, reference, rng=np.random.default_rng(1))
    >>> round(found.lean.estimate, 3), found.size.estimate, found.joint.p_value < 0.01
    (0.3, 0.0, True)
    """
    name = "two_part_independent"
    inputs.resampling(name, alternative, resamples)
    kept = inputs.arms(name, treated, reference, least=EACH)
    sides = kept.treated, kept.reference
    values = np.concatenate(sides)
    size = len(kept.treated)
    own = np.zeros((1, len(values)))
    own[0, :size] = 1
    table = _arms_columns(values)
    parts = _arms_parts(own @ table, table, size, alternative)[0]
    top = float(parts.max())
    seen: list[Floats] = []

    def draw(draws: int) -> Floats:
        sums = permutation.sized_sums(table, size, draws, rng)
        seen.append(_arms_parts(sums, table, size, alternative).max(axis=1))
        return seen[-1]

    how: MonteCarlo | None = None
    if permutation.assignments(len(values), size) <= permutation.ENUMERATE:
        every = permutation.all_sized_sums(table, size)
        tops = _arms_parts(every, table, size, alternative).max(axis=1)
        lean, larger, joint = (permutation.enumerated(tops, mark) for mark in (*parts, top))
    else:
        joint, how = permutation.monte_carlo(draw, top, resamples=resamples, stop=stop)
        lean, larger = _drawn_parts(np.concatenate(seen), parts, joint)
    some = [side[side != 0] for side in sides]
    shares = [len(part) / len(side) for part, side in zip(some, sides, strict=True)]
    sizes = some[0].mean() - some[1].mean() if min(map(len, some)) else None
    base = TestResult(
        estimate=float(kept.treated.mean() - kept.reference.mean()),
        unit=unit,
        p_value=joint,
        null="metrics.null_distribution",
        alternative=alternative,
        method="permutation of both parts, joined by maxT",
        reference=WESTFALL_YOUNG,
        guarantee="exact",
        n=kept.n,
        n_excluded=kept.excluded,
        statistic=top,
        monte_carlo=how,
        _limits=partial(deal_limits, [stratum(*sides)], new_seed(rng)),
    )
    any_part = [stratum(*((side != 0).astype(np.float64) for side in sides))]
    size_part = [stratum(*some)] if min(map(len, some)) >= EACH else None
    return TwoPart(
        joint=base,
        lean=replace(
            base, estimate=shares[0] - shares[1], unit="share", p_value=lean,
            statistic=float(parts[0]), _limits=partial(deal_limits, any_part, new_seed(rng)),
        ),
        size=replace(
            base, estimate=None if sizes is None else float(sizes), p_value=larger,
            statistic=float(parts[1]),
            _limits=partial(deal_limits, size_part, new_seed(rng)) if size_part else None,
        ),
        dearer=_share(len(some[0]), size, kept.excluded),
        cheaper=_share(len(some[1]), len(kept.reference), kept.excluded),
    )  # fmt: skip


def _arms_columns(values: Floats) -> Floats:
    """Return what is summed: not zero, value, square of the value; scaled to size 1."""
    largest = float(np.abs(values).max()) or 1.0
    return np.stack(
        [(values != 0).astype(np.float64), values / largest, (values / largest) ** 2], 1
    )


def _arms_parts(sums: Floats, table: Floats, size: int, alternative: Alternative) -> Floats:
    """Return the two studentised parts of every assignment: (draws, 2)."""
    whole, m = table.sum(axis=0), len(table) - size
    rest = whole - sums
    share = whole[0] / len(table)
    error = np.sqrt(share * (1 - share) * (1 / size + 1 / m))
    lean = permutation.ratio(sums[:, 0] / size - rest[:, 0] / m, np.asarray(error))
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = sums[:, 1] / sums[:, 0] - rest[:, 1] / rest[:, 0]
        variance = sum(
            np.maximum(part[:, 2] - part[:, 1] ** 2 / part[:, 0], 0.0)
            / (part[:, 0] * np.maximum(part[:, 0] - 1, 1))
            for part in (sums, rest)
        )
    known = (np.minimum(sums[:, 0], rest[:, 0]) >= EACH) & (variance > _NOTHING)
    larger = np.where(known, gap, 0.0) / np.sqrt(np.where(known, variance, 1.0))
    return permutation.oriented(np.stack([lean, larger], axis=1), alternative)


_NOTHING = 1e-24
"""A variance below this, of values of size 1, is what rounding leaves of 0."""
