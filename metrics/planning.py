"""What an audit will need, computed before the first call from the expected growth of the evidence.

Everything here is a forecast for a fair vendor whose quotes of one price scatter normally on the log
scale. It steers and informs; no verdict depends on it. Guarantee: heuristic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from ._arrays import Floats, inside, log_mixture
from .bounded import log_bets
from .share import (
    QUIET,
    ROUND,
    estimable,
    expected_rounds,
    inside_counts,
    not_dropped,
    survival,
)

TWINS_FIRST, TWINS_EVERY = 50, 8
"""Every one of the first blocks has a twin, then every eighth."""

MOST_BLOCKS = 20_000_000
LIKELY = 0.8416
"""Standard normal quantile of the chance, .8, with which a detectable effect is to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What clearing a fair vendor is predicted to take.

    Parameters
    ----------
    blocks, queries : int or None
        Median over repeated audits, all hypotheses cleared. None where no number of them suffices.
    estimable : bool
        Whether the vendor's own noise lets the share be bounded.
    twin_beyond : float
        Predicted share of twins beyond the limit, in either direction.
    smallest_share : float
        The smallest share that this noise lets anybody bound.
    smallest_beyond : float
        The smallest `beyond` at which the planned share can be bounded.
    detectable : float
        Smallest mean log ratio that as many blocks would show to differ from 0.
    reason : str or None
        Id of the message that says why the share cannot be bounded.
    """

    blocks: int | None
    queries: int | None
    estimable: bool
    twin_beyond: float
    smallest_share: float
    smallest_beyond: float
    detectable: float
    reason: str | None


def forecast(
    *,
    hypotheses: int,
    ratio: float,
    share: float,
    beyond: float,
    noise: float,
    bound: float,
    alpha: float,
    alpha_clear: float,
    deterministic: bool = False,
    reproducible: float = 0.5,
) -> Forecast:
    """Predict what it takes to clear a fair vendor.

    Parameters
    ----------
    hypotheses : int
        Treated levels that share the reference of a block.
    ratio, share, beyond : float
        The tolerance, as fractions.
    noise : float
        Standard deviation of the log price of one question asked again.
    bound : float
        Log gaps are clipped to ± this in the mean.
    alpha, alpha_clear : float
        Levels of accusing and of clearing.
    deterministic : bool
        Whether the plan assumes a vendor without noise; withdrawn when `noise` is not 0.
    reproducible : float
        Part of its quotes in which an effect must show to count; 0.5 is the median.

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        If an argument leaves its range.

    Examples
    --------
    >>> quiet = forecast(hypotheses=1, ratio=0.01, share=0.02, beyond=0.05, noise=0.0,
    ...     bound=0.405, alpha=0.05, alpha_clear=0.05)
    >>> quiet.blocks, quiet.queries, quiet.estimable
    (343, 773, True)
    """
    inside("hypotheses", hypotheses, 0, math.inf)
    inside("ratio", ratio, 0, math.inf)
    inside("share", share, 0, 1)
    inside("noise", noise, -1e-12, math.inf)
    inside("alpha", alpha, 0, 1)
    threshold = -math.log(inside("alpha_clear", alpha_clear, 0, 1))
    q = _exceeds(math.log1p(inside("beyond", beyond, 0, math.inf)), noise)
    quiet = 2 * q <= QUIET
    exact = deterministic and noise == 0
    gamma = 1.0 if exact else survival(quiet, reproducible)
    rate = 2 * q * not_dropped(q, quiet)
    possible = exact or estimable(q, share, quiet, reproducible)
    blocks = queries = None
    if possible:
        law = _share_law(rate, limit=share * gamma, threshold=threshold)
        mean = _mean_blocks(noise, math.log1p(ratio), bound, threshold, hypotheses)
        last, each = _latest(law, mean, hypotheses)
        rounds = None if exact else expected_rounds(q, quiet)
        blocks = math.ceil(last)
        queries = math.ceil(_queries(last, each, hypotheses, q, rounds))
    level = 1 - alpha / hypotheses
    return Forecast(
        blocks=blocks,
        queries=queries,
        estimable=possible,
        twin_beyond=2 * q,
        smallest_share=min(1.0, 2 * rate / gamma),
        smallest_beyond=math.expm1(_smallest_gap(noise, share)),
        detectable=smallest_detectable(blocks or 0, noise, bound=bound, level=level),
        reason=None if possible else "metrics.noise",
    )


def _exceeds(gap: float, noise: float) -> float:
    """Return the chance that one of two like quotes lies more than `gap` above the other."""
    return 0.5 * math.erfc(gap / (2 * noise)) if noise > 0 else 0.0


def _smallest_gap(noise: float, share: float) -> float:
    """Return the smallest gap beyond which the share could be bounded."""
    low, high = 0.0, 10 * noise
    for _ in range(40):
        middle = 0.5 * (low + high)
        q = _exceeds(middle, noise)
        low, high = (low, middle) if estimable(q, share, 2 * q <= QUIET) else (middle, high)
    return high


RARE = 1e-4
"""Chances below this are left out of a forecast."""

_LONGEST = 64
"""Hits after which a share is given up on: far more than an estimable one ever meets."""


def _share_law(rate: float, *, limit: float, threshold: float) -> tuple[Floats, Floats]:
    """Return at which numbers of blocks the share is bounded, and with which chances.

    The evidence depends on the number of hits alone: with k hits the share is bounded at a known
    block n(k), and the run ends at the first n(k) that is reached with no more than k hits.
    `rate` is the chance that a fair context counts as a hit, `limit` what the null says it is.
    """
    ends: list[int] = []
    chances: list[float] = []
    law = _certain(0)
    for hits in range(_LONGEST):
        ends.append(_bounded_at(hits, limit=limit, threshold=threshold))
        more = _binomial(ends[-1] - (ends[-2] if hits else 0), rate)
        law = np.convolve(law, more)[: _LONGEST + 1]
        chances.append(float(law[: hits + 1].sum()))
        law[: hits + 1] = 0.0
        if law.sum() < RARE:
            break
    return np.array(ends, dtype=np.float64), np.array(chances) / sum(chances)


def _certain(hits: int) -> Floats:
    """Return the law of a number that is known."""
    law = np.zeros(_LONGEST + 1)
    law[hits] = 1.0
    return law


def _binomial(n: int, chance: float) -> Floats:
    """Return P(k of n) for k up to :data:`_LONGEST`."""
    if chance == 0:
        return _certain(0)
    k = np.arange(1, _LONGEST + 1)
    with np.errstate(divide="ignore"):
        steps = np.log(np.maximum(n - k + 1, 0) / k) + math.log(chance / (1 - chance))
    law: Floats = np.exp(n * math.log1p(-chance) + np.concatenate([[0.0], np.cumsum(steps)]))
    return law


def _bounded_at(hits: int, *, limit: float, threshold: float) -> int:
    """Return the first block at which the share is bounded when so many of them are hits."""

    def enough(misses: int) -> bool:
        return bool(inside_counts(np.array([hits]), np.array([misses]), limit)[0] >= threshold)

    return hits + _first(enough)


def _first(enough: Callable[[int], bool]) -> int:
    """Return the smallest number for which `enough` holds; it must go on holding from there."""
    high = 1
    while not enough(high) and high < MOST_BLOCKS:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()


def _growth(mean: float, limit: float, noise: float, bound: float) -> tuple[Floats, Floats, Floats]:
    """Return expected growth and spread of each bet on "mean above limit" a block, and its weight.

    The gap of a block without a twin is taken, the wider one.
    """
    gaps = np.clip(mean + math.sqrt(2) * noise * _NODES, -bound, bound)
    factors, log_weights = log_bets(gaps, bound=bound, limit=limit)
    growth = factors @ _NODE_WEIGHTS
    spread = np.sqrt(np.maximum(factors**2 @ _NODE_WEIGHTS - growth**2, 0.0))
    return growth, spread, log_weights


def _reached(blocks: float, growth: Floats, spread: Floats, log_weights: Floats, z: float) -> float:
    """Return the log evidence after so many blocks, `z` standard deviations below the expected."""
    paths = blocks * growth - z * math.sqrt(blocks) * spread
    return float(log_mixture(paths[:, None], log_weights)[0])


def _mean_blocks(
    noise: float, limit: float, bound: float, threshold: float, hypotheses: int
) -> int:
    """Return the median block at which all means are shown inside, on both sides."""
    if limit >= bound:
        return MOST_BLOCKS
    growth, spread, log_weights = _growth(0.0, -limit, noise, bound)
    z = NormalDist().inv_cdf(0.5 ** (1 / (2 * hypotheses)))
    return _first(lambda n: _reached(n, growth, spread, log_weights, z) >= threshold)


def _latest(law: tuple[Floats, Floats], mean: int, hypotheses: int) -> tuple[float, float]:
    """Return the median block of the last hypothesis to be cleared, and the mean one of each."""
    ends, chances = law
    ends = np.maximum(ends, mean)
    last = float(ends[np.searchsorted(np.cumsum(chances) ** hypotheses, 0.5)])
    return last, float(np.minimum(ends, last) @ chances)


def _queries(
    last: float, each: float, hypotheses: int, q: float, rounds: tuple[float, ...] | None
) -> float:
    """Return the trials of so many blocks: arms, twins, and what is asked again."""
    twins = min(last, TWINS_FIRST) + math.ceil(max(last - TWINS_FIRST, 0) / TWINS_EVERY)
    asked = last + hypotheses * each + twins
    if rounds is None or q == 0:
        return asked
    # arms of a block share their reference, in the block and in each round
    flag = _flag_given_reference(q)
    shared = sum(
        float((1 - (1 - flag * chance) ** hypotheses) @ _NODE_WEIGHTS) for chance in rounds
    )
    return asked + each * ROUND * (shared + hypotheses * 2 * q * sum(rounds))


def _flag_given_reference(q: float) -> Floats:
    """Return, for each node of the reference's noise, the chance that an arm is flagged."""
    law = NormalDist()
    gap = -math.sqrt(2) * law.inv_cdf(q)
    return np.array([law.cdf(-gap - node) + law.cdf(node - gap) for node in _NODES.tolist()])


def smallest_detectable(blocks: int, noise: float, *, bound: float, level: float) -> float:
    """Return the smallest mean log ratio that so many blocks would tell from 0, with chance .8.

    Parameters
    ----------
    blocks : int
    noise : float
        Standard deviation of the log price of one question asked again.
    bound : float
        Log gaps are clipped to ± this.
    level : float
        Of the two-sided time-uniform interval, for example 0.95.

    Returns
    -------
    float
        ``inf`` where even a gap at the bound would not be told.

    Raises
    ------
    InputError
        If an argument leaves its range.

    Examples
    --------
    >>> few, many = (smallest_detectable(n, 0.02, bound=0.4, level=0.95) for n in (100, 10_000))
    >>> 0.01 < many * 10 < few * 10 < 1
    True
    """
    inside("bound", bound, 0, math.inf)
    inside("noise", noise, -1e-12, math.inf)
    return _smallest(blocks, noise, bound, math.log(2 / (1 - inside("level", level, 0, 1))))


@lru_cache(maxsize=64)  # arms of one audit share all four
def _smallest(blocks: int, noise: float, bound: float, threshold: float) -> float:
    def told(mean: float) -> bool:
        return _reached(blocks, *_growth(mean, 0.0, noise, bound), LIKELY) >= threshold

    low, high = 0.0, bound
    if blocks < 1 or not told(high):
        return math.inf
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if told(middle) else (middle, high)
    return high


def accounts_bound(n: int, alpha: float) -> float:
    """Return the largest share of accounts that `n` accounts without a hit leave possible.

    Guarantee: exact, for a number of accounts fixed beforehand.

    Parameters
    ----------
    n : int
        Accounts, each compared once.
    alpha : float

    Returns
    -------
    float
        ``1 − alpha^(1/n)``.

    Raises
    ------
    InputError
        If `n` is not positive or `alpha` leaves (0, 1).

    Examples
    --------
    >>> round(accounts_bound(40, 0.05), 3), accounts_bound(149, 0.05) < 0.02
    (0.072, True)
    """
    inside("n", n, 0, math.inf)
    return float(-math.expm1(math.log(inside("alpha", alpha, 0, 1)) / n))
