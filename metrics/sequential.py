"""Tables that grow: tests that may be looked at whenever one likes, and looks fixed beforehand.

Evidence here is an e-process: the wealth of a bet against the null, which exceeds 1 / alpha with
chance at most alpha, whenever one looks and for whatever reason one stops. Bounded means are bet on
by :func:`log_mean_evidence` and :func:`mean_interval`.

Ten looks that are fixed beforehand (:func:`group_sequential`) need about as many observations as
betting does: what betting buys is looks without number and guarantees without large samples, not
fewer observations. Pairing is what saves those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from math import inf, log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from . import _inputs as inputs
from ._arrays import Floats, log_mixture
from .bounded import log_mean_evidence, mean_interval
from .evidence import e_to_p
from .registry import register
from .result import Alternative, Guarantee, Interval, TestResult

__all__ = [
    "Looks",
    "SequentialResult",
    "boundaries",
    "discordant_pairs",
    "group_sequential",
    "log_mean_evidence",
    "mean_interval",
    "rate_difference",
]

Rule = Literal["pocock", "obrien-fleming"]

LEANS = np.array([0.8, 0.5, 0.2, 0.068, 0.02, 0.005])
"""Bets on a lean of the discordant pairs, P(up) = (1 + lean) / 2, from rates that differ greatly to
ones that differ by a fiftieth of themselves."""

LEAN_WEIGHTS = np.array([1.5, 1.5, 1.0, 1.5, 0.15, 0.15])


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialResult:
    """Evidence after every observation, valid at all of them at once.

    Parameters
    ----------
    estimate : float or None
        In `unit`, after the last observation.
    unit : str
    log_e : (n,) float array
        Natural logarithm of the e-process.
    null : str
        Id of the sentence that says what is assumed until shown otherwise.
    alternative : {"two-sided", "greater", "less"}
    method, reference : str
    guarantee : str
        ``"finite-sample"``, at any stopping time.
    n, n_excluded : int
    """

    estimate: float | None
    unit: str
    log_e: Floats = field(repr=False)
    null: str
    alternative: Alternative
    method: str
    reference: str
    guarantee: Guarantee = "finite-sample"
    n: int
    n_excluded: int = 0
    _limits: Callable[[float], Interval | None] = field(repr=False, compare=False)

    @property
    def p_value(self) -> float:
        """1 over the largest evidence so far; never 0."""
        return float(e_to_p(self.log_e.max(initial=0.0)))

    @property
    def result(self) -> TestResult:
        """What it shows after the last observation, as a test of fixed size would say it."""
        return TestResult(
            estimate=self.estimate,
            unit=self.unit,
            p_value=self.p_value,
            null=self.null,
            alternative=self.alternative,
            method=self.method,
            reference=self.reference,
            guarantee=self.guarantee,
            n=self.n,
            n_excluded=self.n_excluded,
            statistic=float(self.log_e.max(initial=0.0)),
            _limits=self._limits,
        )

    def stopped_at(self, alpha: float = 0.05) -> int | None:
        """Return after how many observations the null was rejected; None: not yet."""
        crossed = self.log_e >= -log(inputs.fraction("stopped_at", "alpha", alpha))
        return int(np.argmax(crossed)) + 1 if crossed.any() else None

    def interval(self, level: float = 0.95) -> Interval | None:
        """Return the time-uniform interval of the estimate."""
        return self._limits(inputs.fraction("interval", "level", level))


def _paired_rates(
    name: str, treated: ArrayLike, reference: ArrayLike, alternative: str
) -> inputs.Pairs:
    inputs.side(name, alternative)
    return inputs.pairs(name, treated, reference, read=inputs.binary)


@register(kind="binary stream", swap="negate", scale=None, read="result")
def rate_difference(
    treated: ArrayLike, reference: ArrayLike, *, alternative: Alternative = "two-sided"
) -> SequentialResult:
    """Test two streams of yes / no answers for a difference of their rates, at any time.

    Null hypothesis: equal rates (``"greater"``: the treated rate is at most the reference's, and so
    on). Guarantee: finite-sample; the chance that the evidence ever reaches 1 / alpha is at most
    alpha. A mixture of bets on the difference of the answers that come together; a bet keeps its
    size, and the mixture finds the right one.

    Parameters
    ----------
    treated, reference : (n,) array_like of 0, 1 or NaN
        In order of arrival, side by side. NaN: the pair is left out and counted.
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    SequentialResult
        The difference of the rates; intervals by betting.

    Raises
    ------
    InputError
        If an answer is neither 0 nor 1, or the streams differ in length.

    References
    ----------
    Waudby-Smith & Ramdas (2024), JRSS-B 86(1).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> found = rate_difference(rng.random(500) < 0.7, rng.random(500) < 0.4)
    >>> found.stopped_at() < 150, found.interval().time_uniform
    (True, True)
    """
    kept = _paired_rates("rate_difference", treated, reference, alternative)
    leans, weights = {
        "two-sided": (np.concatenate([LEANS, -LEANS]), np.tile(LEAN_WEIGHTS, 2)),
        "greater": (LEANS, LEAN_WEIGHTS),
        "less": (-LEANS, LEAN_WEIGHTS),
    }[alternative]
    gaps = kept.treated - kept.reference
    more, less = np.cumsum(gaps > 0), np.cumsum(gaps < 0)
    paths = np.log1p(leans)[:, None] * more + np.log1p(-leans)[:, None] * less
    return SequentialResult(
        estimate=float(gaps.mean()),
        unit="share",
        log_e=log_mixture(paths, np.log(weights / weights.sum())),
        null="metrics.null_rates",
        alternative=alternative,
        method="betting mixture on the difference",
        reference="Waudby-Smith & Ramdas (2024), JRSS-B 86(1)",
        n=len(gaps),
        n_excluded=kept.excluded,
        _limits=lambda level: mean_interval(gaps, bound=1.0, level=level),
    )


PRIOR = 0.5
"""Both parameters of the Beta law over the lean; 1 waits some 4 % longer where pairs lean much."""


@register(kind="binary stream", swap="complement", scale=None, read="result")
def discordant_pairs(
    treated: ArrayLike, reference: ArrayLike, *, alternative: Alternative = "two-sided"
) -> SequentialResult:
    """Test matched yes / no answers for a lean of the discordant pairs, at any time.

    Null hypothesis: a pair whose answers differ is as likely to lean either way. Guarantee:
    finite-sample; a Beta(½, ½) mixture over the lean (its half, where one-sided), so the
    chance that the evidence ever reaches 1 / alpha is at most alpha.

    Parameters
    ----------
    treated, reference : (n,) array_like of 0, 1 or NaN
        In order of arrival. NaN: the pair is left out and counted.
    alternative : {"two-sided", "greater", "less"}

    Returns
    -------
    SequentialResult
        Share of the discordant pairs in which treated says yes (None without any); intervals are
        all leans that the same mixture does not reject.

    Raises
    ------
    InputError
        If an answer is neither 0 nor 1, or the arms differ in length.

    References
    ----------
    Robbins (1970), Annals of Mathematical Statistics 41(5).

    Examples
    --------
    >>> found = discordant_pairs([1] * 12, [0] * 12)
    >>> found.stopped_at(), found.estimate
    (7, 1.0)
    """
    kept = _paired_rates("discordant_pairs", treated, reference, alternative)
    more = np.cumsum(kept.treated > kept.reference)
    less = np.cumsum(kept.treated < kept.reference)
    up, down = (int(path[-1]) for path in (more, less))
    return SequentialResult(
        estimate=up / (up + down) if up + down else None,
        unit="share of discordant pairs",
        log_e=_beta_evidence(more, less, alternative),
        null="metrics.null_discordant",
        alternative=alternative,
        method="Beta mixture over discordant pairs",
        reference="Robbins (1970), AMS 41(5)",
        n=len(kept.treated),
        n_excluded=kept.excluded,
        _limits=partial(_lean_limits, up, down),
    )


def _beta_evidence(more: np.ndarray, less: np.ndarray, alternative: Alternative) -> Floats:
    from scipy.special import betainc, betaln

    logs: Floats = betaln(more + PRIOR, less + PRIOR) - betaln(PRIOR, PRIOR)
    logs += (more + less) * log(2)
    if alternative == "two-sided":
        return logs
    a, b = (more, less) if alternative == "greater" else (less, more)
    with np.errstate(divide="ignore"):
        half: Floats = np.log(2 * betainc(b + PRIOR, a + PRIOR, 0.5))
    return logs + half


def _lean_limits(up: int, down: int, level: float) -> Interval:
    from scipy.optimize import brentq
    from scipy.special import betaln, xlog1py, xlogy

    height = float(betaln(up + PRIOR, down + PRIOR) - betaln(PRIOR, PRIOR)) + log(1 - level)

    def kept(lean: float) -> float:
        return float(xlogy(up, lean) + xlog1py(down, -lean)) - height

    peak = up / (up + down) if up + down else 0.5
    low = brentq(kept, 0.0, peak) if up and kept(0.0) < 0 else 0.0
    high = brentq(kept, peak, 1.0) if down and kept(1.0) < 0 else 1.0
    return Interval(
        low=float(low), high=float(high), level=level, method="Beta mixture", time_uniform=True
    )


# ---------------------------------------------------------------------------------- fixed looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What the looks of a plan with fixed looks showed.

    `z` and `bounds` have one entry a look; `stopped_at` is the first look (from 1) at which z was
    beyond its bound, None where none was. `p_value` is for all looks taken together.
    """

    estimate: float
    unit: str
    z: Floats
    bounds: Floats
    alpha: float
    stopped_at: int | None
    p_value: float
    rule: Rule
    reference: str = "Jennison & Turnbull (2000), Group Sequential Methods, ch. 2"
    guarantee: Guarantee = "asymptotic"
    null: str = "metrics.null_mean_gap_zero"
    n: int
    n_excluded: int = 0

    @property
    def result(self) -> TestResult:
        """The test of all looks together; two-sided, without an interval."""
        return TestResult(
            estimate=self.estimate,
            unit=self.unit,
            p_value=self.p_value,
            null=self.null,
            alternative="two-sided",
            method=f"{len(self.z)} looks, bounds of {self.rule}",
            reference=self.reference,
            guarantee=self.guarantee,
            n=self.n,
            n_excluded=self.n_excluded,
            statistic=float(self.z[(self.stopped_at or len(self.z)) - 1]),
        )


def boundaries(looks: int, *, alpha: float = 0.05, rule: Rule = "pocock") -> Floats:
    """Return how far z must be from 0 at each of several equally spaced looks.

    Parameters
    ----------
    looks : int
    alpha : float
        Two-sided, for all looks together.
    rule : {"pocock", "obrien-fleming"}
        The same bound at every look, or one that is far out first and near the usual one last.

    Returns
    -------
    (looks,) float array

    Raises
    ------
    InputError
        If a parameter leaves its range.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, tables 2.1 and 2.3.

    Examples
    --------
    >>> [round(float(bound), 3) for bound in boundaries(5)[:1]]
    [2.413]
    >>> [round(float(bound), 2) for bound in boundaries(3, rule="obrien-fleming")]
    [3.47, 2.45, 2.0]
    """
    name = "boundaries"
    inputs.at_least(name, "looks", looks, 1)
    inputs.fraction(name, "alpha", alpha)
    found: Floats = _constant(looks, alpha, rule) * _shape(looks, rule)
    return found


@cache
def _constant(looks: int, alpha: float, rule: Rule) -> float:
    from scipy.optimize import brentq

    shape = _shape(looks, rule)
    return float(brentq(lambda value: _crossing(value * shape) - alpha, 0.1, 12.0, xtol=1e-10))


def _shape(looks: int, rule: Rule) -> Floats:
    if rule == "pocock":
        return np.ones(looks)
    if rule == "obrien-fleming":
        return np.sqrt(looks / np.arange(1.0, looks + 1))
    raise inputs.refusal("boundaries", "rule", "metrics.need_rule", repr(rule))


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(161)


def _crossing(bounds: Floats) -> float:
    """Return the chance that a sum of equal normal steps ever leaves the bounds."""
    density = nodes = weights = np.ones(1)
    nodes = np.zeros(1)
    for look, bound in enumerate(bounds, 1):
        edge = min(float(bound), 12.0) * look**0.5
        ends, steps = _NODES * edge, _WEIGHTS * edge
        kernel = np.exp(-0.5 * (ends[:, None] - nodes) ** 2) / (2 * np.pi) ** 0.5
        density = kernel @ (density * weights)
        nodes, weights = ends, steps
    return 1 - float(density @ weights)


@register(kind="stream", swap="negate", scale="multiply", read="result", looks=3)
def group_sequential(
    gaps: ArrayLike,
    *,
    looks: int,
    alpha: float = 0.05,
    rule: Rule = "pocock",
    unit: str = "log-ratio",
) -> Looks:
    """Test whether the mean gap is zero, at equally spaced looks that were fixed beforehand.

    Null hypothesis: a mean gap of 0. Guarantee: asymptotic (t statistics are turned into z); only
    for looks that were fixed before the first one. Where looks cannot be fixed, bet
    (:func:`log_mean_evidence`): that needs about as many observations as ten Pocock looks.

    Parameters
    ----------
    gaps : (n,) array_like of float
        In order of arrival, all that was planned. NaN is left out and counted.
    looks : int
        Every look has ``n // looks`` more gaps, at least two.
    alpha : float
        Two-sided, for all looks together.
    rule : {"pocock", "obrien-fleming"}
    unit : str

    Returns
    -------
    Looks
        The estimate is that of the look at which it stopped, else of all.

    Raises
    ------
    InputError
        If there are too few gaps, or a parameter cannot be used.

    References
    ----------
    Pocock (1977), Biometrika 64(2); O'Brien & Fleming (1979), Biometrics 35(3).

    Examples
    --------
    >>> import numpy as np
    >>> gaps = np.random.default_rng(1).normal(0.02, 0.03, 100)
    >>> found = group_sequential(gaps, looks=5)
    >>> found.stopped_at, found.p_value < 0.05
    (1, True)
    """
    name = "group_sequential"
    kept, excluded = inputs.present(name, "gaps", inputs.numbers(name, "gaps", gaps), least=2)
    bounds = boundaries(looks, alpha=alpha, rule=rule)
    inputs.at_least(name, "gaps", len(kept) // looks, 2)
    ends = len(kept) // looks * np.arange(1, looks + 1)
    ends[-1] = len(kept)
    z = np.array([_z(kept[:end]) for end in ends])
    beyond = np.flatnonzero(np.abs(z) >= bounds)
    stopped = int(beyond[0]) + 1 if len(beyond) else None
    seen = slice(0, stopped)
    farthest = float((np.abs(z[seen]) / _shape(looks, rule)[seen]).max())
    return Looks(
        estimate=float(kept[: ends[(stopped or looks) - 1]].mean()),
        unit=unit,
        z=z,
        bounds=bounds,
        alpha=alpha,
        stopped_at=stopped,
        p_value=_looks_p(farthest, looks, rule),
        rule=rule,
        n=int(ends[(stopped or looks) - 1]),
        n_excluded=excluded,
    )


def _looks_p(farthest: float, looks: int, rule: Rule) -> float:
    if farthest == 0:
        return 1.0
    crossing = _crossing(farthest * _shape(looks, rule))
    return min(1.0, max(crossing, LEAST_CROSSING))


LEAST_CROSSING = 1e-12
"""Chances of crossing below this are not told from 0 by the integration."""


def _z(values: Floats) -> float:
    """Return the z that is as extreme as the t statistic of the mean."""
    from scipy.special import ndtri, stdtr

    error = float(values.std(ddof=1)) / len(values) ** 0.5
    if error == 0:
        return 0.0 if values[0] == 0 else float(np.copysign(inf, values[0]))
    t = float(values.mean()) / error
    return float(-np.sign(t) * ndtri(max(float(stdtr(len(values) - 1, -abs(t))), 1e-300)))
