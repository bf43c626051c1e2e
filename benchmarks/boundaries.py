"""Laws of prices that stand exactly on the boundary of a null: how they err, and what they add.

Imported by contract.py, which audits them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEAN, BEYOND, SHARE = math.log(1.01), math.log(1.05), 0.02
JUST = 1e-9
"""So far beyond the limit of one context that it counts, and no further."""
BIG = math.log(1.1)


# ------------------------------------------------------------------ the vendors' noise
@dataclass
class Call:
    """What a vendor's noise may look at: who asks, which arm, and how many asked before."""

    rng: np.random.Generator
    treated: NDArray[np.bool_]
    context: NDArray[np.int64]
    before: int

    @property
    def n(self) -> int:
        """The number of trials."""
        return len(self.context)


Noise = Callable[[Call], Floats]


def none(call: Call) -> Floats:
    return np.zeros(call.n)


def gauss(sd: float) -> Noise:
    return lambda call: sd * call.rng.standard_normal(call.n)


def heavy(call: Call) -> Floats:
    return call.rng.standard_t(3, call.n) * (0.02 / math.sqrt(3))


def surge(call: Call) -> Floats:
    return np.where(call.rng.random(call.n) < 0.05, math.log(1.2), 0.0)


def skew(call: Call) -> Floats:
    return 0.02 * (call.rng.exponential(size=call.n) - 1)


def bucket(call: Call) -> Floats:
    """Charge one identity in ten 8 % more, as an A/B test does."""
    return np.where(call.rng.random(call.n) < 0.1, math.log(1.08), 0.0)


def person(call: Call) -> Floats:
    """Noise of 0 to 4 %, by person."""
    return (call.context % 5) / 100 * call.rng.standard_normal(call.n)


def drift(call: Call) -> Floats:
    """Prices that rise by a tenth every thousand calls, and noise of 1 %."""
    trend = math.log(1.1) / 1000 * (call.before + np.arange(call.n))
    return trend + 0.01 * call.rng.standard_normal(call.n)


def only_treated(noise: Noise) -> Noise:
    return lambda call: np.where(call.treated, noise(call), 0.0)


NOISE: dict[str, Noise] = {
    "none": none,
    "gauss 1 %": gauss(0.01),
    "gauss 2 %": gauss(0.02),
    "t3, sd 2 %": heavy,
    "surge on 5 % of calls": surge,
    "skew, sd 2 %": skew,
    "identity buckets 10 % × +8 %": bucket,
    "by person, 0 to 4 %": person,
    "drift +10 % per 1,000 calls": drift,
    "only the treated arm: gauss 3 %": only_treated(gauss(0.03)),
    "only the treated arm: skew": only_treated(skew),
}


# ------------------------------------------------------------------ the vendors' effects
Effect = Callable[[NDArray[np.int64], np.random.Generator], Floats]
"""Context → what the treated level adds to its log price."""


def same(by: float) -> Effect:
    return lambda context, _: np.full(len(context), by)


def _hit(context: NDArray[np.int64]) -> NDArray[np.bool_]:
    hit: NDArray[np.bool_] = context % round(1 / SHARE) == 0
    return hit


def share(by: float, mean: float = 0.0) -> Effect:
    """Hit the limit's share of the contexts by `by`, the rest so that the mean is `mean`."""
    rest = (mean - SHARE * by) / (1 - SHARE)
    return lambda context, _: np.where(_hit(context), by, rest)


def both_ways(by: float) -> Effect:
    """Half of the limit's share pays more, half less."""
    half = 2 * round(1 / SHARE)
    return lambda context, _: np.where(_hit(context), np.where(context % half == 0, by, -by), 0.0)


def coin(context: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """In the limit's share of the contexts every second treated identity pays 10 % more."""
    heads = rng.random(len(context)) < 0.5
    return np.where(_hit(context) & heads, BIG, 0.0)


def edge(context: NDArray[np.int64], _: np.random.Generator) -> Floats:
    """Every context just within the limit of one, half dearer and half cheaper."""
    return np.where(context % 2 == 0, BEYOND - JUST, JUST - BEYOND)
