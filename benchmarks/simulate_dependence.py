"""Blocks until "depends on the attribute" is shown, with the bets shipped and with those before.

Before: strengths 1, 2 and 4 at each of the scales 1, 4 and 16, heterogeneity with full weight. One
line of JSON a vendor: medians with and without a twin, for three hypotheses at .05. The last lines
are null vendors: how often the shipped bets ever crossed at .05.

    python benchmarks/simulate_dependence.py [RUNS]
"""

import json
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evenhand.metrics.dependence import log_dependence

Floats = NDArray[np.float64]
Law = Callable[[np.random.Generator], Floats]

NEEDED = np.log(3 / 0.05)


def before(prices: Floats, arms: int) -> Floats:
    """Return the path of the grid that the shipped bets replaced."""
    x = prices[:, :arms] - prices[:, :1]
    deviation = x - x.mean(axis=1, keepdims=True)
    size = np.sqrt((deviation**2).sum(axis=1) / (arms - 1))
    spread = np.cumsum(size) / np.arange(1, len(x) + 1)
    spread = np.where(spread > 0, spread, 1.0)[:, None]
    scores = [deviation]
    if arms > 2:
        scores.append(np.abs(x - np.median(x, axis=1, keepdims=True)))
    paths = []
    for score in scores:
        for scale in (1, 4, 16):
            u = np.tanh(score / (scale * spread))
            for strength in (-4, -2, -1, 1, 2, 4):
                stake = strength * u
                paths.append(np.cumsum(stake[:, 0] - np.log(np.exp(stake).mean(axis=1))))
    return np.logaddexp.reduce(paths) - np.log(len(paths))


def shipped(prices: Floats, arms: int) -> Floats:
    return log_dependence(prices, np.full(len(prices), arms))


def shifted(effect: float, noise: float, n: int) -> Law:
    def law(rng: np.random.Generator) -> Floats:
        prices = rng.normal(0, noise, (n, 3))
        prices[:, 0] += np.log1p(effect)
        return prices

    return law


def surging(effect: float, n: int) -> Law:
    def law(rng: np.random.Generator) -> Floats:
        surge = np.where(rng.random((n, 3)) < 0.05, rng.uniform(0.1, 0.5, (n, 3)), 0)
        return shifted(effect, 0.02, n)(rng) + surge

    return law


def rare(noise: float, n: int) -> Law:
    def law(rng: np.random.Generator) -> Floats:
        prices = rng.normal(0, noise, (n, 3))
        prices[:, 0] += np.log(1.1) * (rng.random(n) < 0.05)
        return prices

    return law


def wider(n: int) -> Law:
    def law(rng: np.random.Generator) -> Floats:
        return rng.normal(0, 0.02, (n, 3)) * [2, 1, 1]

    return law


VENDORS = {
    "+5 %, noise 2 %": shifted(0.05, 0.02, 80),
    "+2 %, noise 2 %": shifted(0.02, 0.02, 200),
    "+1 %, noise 3 %": shifted(0.01, 0.03, 1500),
    "+0.3 %, noise 2 %": shifted(0.003, 0.02, 8000),
    "+1 %, no noise": shifted(0.01, 0.0, 40),
    "5 % of contexts +10 %, no noise": rare(0.0, 800),
    "5 % of contexts +10 %, noise 1 %": rare(0.01, 2000),
    "+2 %, noise 2 %, surges": surging(0.02, 400),
    "twice the spread": wider(400),
}

NULLS = {
    "gaussian": shifted(0.0, 0.02, 400),
    "surges": surging(0.0, 400),
    "no noise": shifted(0.0, 0.0, 400),
}


def median_first(law: Law, paths: Callable[[Floats, int], Floats], arms: int, runs: int) -> float:
    rng = np.random.default_rng(20261123)
    firsts = []
    for _ in range(runs):
        crossed = paths(law(rng), arms) >= NEEDED
        firsts.append(int(crossed.argmax()) + 1 if crossed.any() else np.inf)
    return float(np.median(firsts))


def main(runs: int) -> None:
    for name, law in VENDORS.items():
        line: dict[str, object] = {"vendor": name, "runs": runs}
        for label, paths in (("shipped", shipped), ("before", before)):
            found = [median_first(law, paths, arms, runs) for arms in (3, 2)]
            line[label] = [round(x) if np.isfinite(x) else None for x in found]
        print(json.dumps(line))
    for name, law in NULLS.items():
        rng = np.random.default_rng(7)
        crossed = [shipped(law(rng), 3).max() >= np.log(20) for _ in range(5 * runs)]
        print(json.dumps({"null": name, "runs": 5 * runs, "crossed": float(np.mean(crossed))}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
