"""How fast the tests of fixed size are, beside scipy's permutation test in the same run.

CPU seconds of one thread, the better of a few rounds of ours and one of the peer. A case is only
met if both agree: p-values within what the random draws of either leave open.
"""

import json
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import permutation_test

from evenhand.metrics.fixed.independent import mean_difference
from evenhand.metrics.fixed.multiplicity import step_down_arms
from evenhand.metrics.fixed.paired import sign_flip
from evenhand.metrics.fixed.rates import fisher
from evenhand.metrics.sequential import rate_difference

RESAMPLES = 9_999
ROUNDS = 5
ALPHA = 0.05
PEER = "scipy.stats.permutation_test"


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def best(work: Callable[[], Any]) -> tuple[float, Any]:
    work()
    return min((seconds(work) for _ in range(ROUNDS)), key=lambda pair: pair[0])


def alike(p: float, q: float, draws: int = RESAMPLES) -> bool:
    middle = (p + q) / 2
    return abs(p - q) <= 4 * np.sqrt(2 * middle * (1 - middle) / draws) + 2 / draws


def say(case: str, ours: float, peer: float, reach: float, p: float, q: float, **more: Any) -> None:
    same = alike(p, q, more.get("draws", RESAMPLES))
    ratio = peer / ours
    line = {
        "case": case,
        "unit": "CPU s",
        "ours": round(ours, 5),
        "peer": round(peer, 3),
        "peer_name": PEER,
        "ratio": round(ratio, 1),
        "reach": f"peer / ours >= {reach:g}, same p",
        "met": bool(ratio >= reach and same),
        "p_ours": round(p, 5),
        "p_peer": round(q, 5),
        **more,
    }
    print(json.dumps(line), flush=True)


def pairs() -> None:
    rng = np.random.default_rng(1)
    gaps = np.where(rng.random(5_000) < 0.4, rng.normal(0.0012, 0.02, 5_000), 0.0)
    ours, found = best(lambda: sign_flip(gaps, rng=np.random.default_rng(2), stop=False))
    peer, theirs = seconds(
        lambda: permutation_test(
            (gaps,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, batch=50,
            vectorized=True, rng=np.random.default_rng(3),
        )
    )  # fmt: skip
    say("5,000 pairs, 60 % zeros, 10,000 flips", ours, peer, 90, found.p_value, theirs.pvalue)
    full = rng.normal(0.0005, 0.02, 5_000)
    ours, found = best(lambda: sign_flip(full, rng=np.random.default_rng(2), stop=False))
    peer, theirs = seconds(
        lambda: permutation_test(
            (full,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, batch=50,
            vectorized=True, rng=np.random.default_rng(3),
        )
    )  # fmt: skip
    say("5,000 pairs, no zeros, 10,000 flips", ours, peer, 90, found.p_value, theirs.pvalue)


def gap_of_means(x: Any, y: Any, axis: int = -1) -> Any:
    return x.mean(axis=axis) - y.mean(axis=axis)


def arms() -> None:
    rng = np.random.default_rng(4)
    for label, shift, draw in (
        ("distinct prices", 0.028, lambda: rng.normal(0, 1, 10_000)),
        ("110 prices", 0.9, lambda: rng.integers(0, 110, 10_000).astype(np.float64)),
    ):
        x, y = draw() + shift, draw()
        if label != "distinct prices":
            x = np.floor(x)
            x[:300] = np.minimum(x[:300] + 24, 109)
        ours, found = best(
            lambda: mean_difference(x, y, rng=np.random.default_rng(2), stop=False)  # noqa: B023 – called at once
        )
        peer, theirs = seconds(lambda: two_samples(x, y))  # noqa: B023 – called at once
        case = f"two samples of 10,000, 10,000 permutations, {label}"
        say(case, ours, peer, 20, found.p_value, theirs.pvalue)
    y = rng.normal(0, 1, 10_000)
    x = rng.permutation(y) + 0.004
    ours, found = best(lambda: mean_difference(x, y, rng=np.random.default_rng(2)))
    peer, theirs = seconds(lambda: two_samples(x, y))
    draws = found.monte_carlo.draws
    say("the same, large p, early stop", ours, peer, 500, found.p_value, theirs.pvalue, draws=draws)


def two_samples(x: Any, y: Any) -> Any:
    return permutation_test(
        (x, y), gap_of_means, n_resamples=RESAMPLES, batch=50, vectorized=True,
        rng=np.random.default_rng(3),
    )  # fmt: skip


def binary() -> None:
    rng = np.random.default_rng(5)
    x = (rng.random(10_000) < 0.105).astype(np.float64)
    y = (rng.random(10_000) < 0.100).astype(np.float64)
    ours, found = best(lambda: fisher(x, y))
    peer, theirs = seconds(lambda: two_samples(x, y))
    say(
        "binary outcome, two samples of 10,000, exact", ours, peer, 20, found.p_value, theirs.pvalue
    )


def families() -> None:
    rng = np.random.default_rng(6)
    outcomes, treated = rng.normal(size=(2_000, 100)), np.arange(2_000) % 2
    outcomes[:, 0] += 0.16 * treated
    ours, found = best(lambda: step_down_arms(outcomes, treated, rng=np.random.default_rng(2)))
    peer, theirs = seconds(lambda: largest_by_scipy(outcomes, treated))
    say(
        "maxT: 100 outcomes, 2,000 rows, 10,000 permutations", ours, peer, 60,
        float(found.adjusted.min()), theirs, peer_name=PEER + ", largest Welch's t",
    )  # fmt: skip


def largest_by_scipy(outcomes: Any, treated: Any) -> float:
    """Single-step maxT: of the smallest adjusted p it is the same as step-down."""

    def largest(x: Any, y: Any, axis: int = 0) -> Any:
        gap = x.mean(axis=axis) - y.mean(axis=axis)
        error = x.var(axis=axis, ddof=1) / x.shape[axis] + y.var(axis=axis, ddof=1) / y.shape[axis]
        return np.abs(gap / np.sqrt(error)).max()

    rng = np.random.default_rng(3)
    rows = np.arange(len(outcomes))
    first, second = rows[treated == 1], rows[treated == 0]
    found = permutation_test(
        (first, second), lambda x, y: largest(outcomes[x], outcomes[y]), n_resamples=RESAMPLES,
        vectorized=False, alternative="greater", rng=rng,
    )  # fmt: skip
    return float(found.pvalue)


SETTINGS = ((0.4, 0.9, 500), (0.7, 0.4, 2_000), (0.4, 0.55, 4_000), (0.30, 0.33, 8_000))
RUNS = 2_000


def online_newton(gaps: Any) -> tuple[float, float]:
    """Mean stopping and power of betting by online Newton steps (Cutkosky & Orabona 2018)."""
    runs, most = gaps.shape
    bet, curvature, wealth = np.zeros(runs), np.ones(runs), np.zeros(runs)
    stop = np.full(runs, most)
    done = np.zeros(runs, dtype=bool)
    rate = 2 / (2 - np.log(3))
    for place in range(most):
        gap = gaps[:, place]
        wealth += np.log1p(bet * gap)
        new = (wealth >= -np.log(ALPHA)) & ~done
        stop[new], done = place + 1, done | new
        slope = -gap / (1 + bet * gap)
        curvature += slope**2
        bet = np.clip(bet - rate * slope / curvature, -0.5, 0.5)
    return float(stop.mean()), float(done.mean())


def sequential() -> None:
    rng = np.random.default_rng(7)
    for p, q, most in SETTINGS:
        treated = rng.random((RUNS, most)) < q
        reference = rng.random((RUNS, most)) < p
        peer, peer_power = online_newton(treated.astype(np.int8) - reference.astype(np.int8))
        stops = [
            rate_difference(up, down).stopped_at(ALPHA)
            for up, down in zip(treated, reference, strict=True)
        ]
        ours = float(np.mean([stop or most for stop in stops]))
        power = float(np.mean([stop is not None for stop in stops]))
        hard = most == max(setting[2] for setting in SETTINGS)
        line = {
            "case": f"rates {p} and {q}, looked at after every pair, at most {most}",
            "unit": "pairs, mean stopping",
            "ours": round(ours, 1),
            "peer": round(peer, 1),
            "peer_name": "online Newton betting",
            "ratio": round(ours / peer, 3),
            "reach": "ours / peer <= 1" + (", power >= .82" if hard else ""),
            "met": ours <= peer and (not hard or power >= 0.82),
            "power": power,
            "peer_power": peer_power,
            "runs": RUNS,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    pairs()
    arms()
    binary()
    families()
    sequential()


if __name__ == "__main__":
    main()
