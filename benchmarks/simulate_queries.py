"""Queries until a vendor is cleared, or found beyond the limit, in audits that are simulated whole.

One line of JSON a vendor and number of hypotheses: median and 95th percentile of the queries beside
the forecast that `check` prints. Tolerance 1 % in the mean, 2 % of contexts beyond 5 %, clipped at
log 1.5. Contexts are asked again at once; waves are left out, and arms that are cleared stay in.

    python benchmarks/simulate_queries.py [RUNS]
"""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evenhand.metrics.bounded import log_mean_evidence
from evenhand.metrics.dependence import log_dependence
from evenhand.metrics.families import clear
from evenhand.metrics.planning import forecast
from evenhand.metrics.share import (
    CONFIRMED,
    DROPPED,
    OPEN,
    ROUND,
    ROUNDS,
    log_share_beyond,
    log_share_inside,
    path_state,
    survival,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Floats]

RATIO, SHARE, BEYOND, BOUND, ALPHA = 0.01, 0.02, 0.05, math.log(1.5), 0.05
GAP, LIMIT = math.log1p(BEYOND), math.log1p(RATIO)
MOST = 4000
CURIOUS = math.log(3)
LAG = 16


@dataclass
class Arm:
    """What one treated arm shows, block by block."""

    clears: Floats
    accuses: Floats
    curious: Bools
    rounds: NDArray[np.int64]


def gaussian(sd: float) -> Noise:
    return lambda rng, shape: rng.normal(0, sd, shape)


def heavy(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.standard_t(3, shape) * (0.02 / math.sqrt(3))


def surging(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.where(rng.random(shape) < 0.05, math.log(1.2), 0.0)


def asked_again(
    rng: np.random.Generator, noise: Noise, flagged: Floats, effect: Floats, quiet: Bools
) -> tuple[NDArray[np.int8], NDArray[np.int64], Floats]:
    """Return the last state of each flagged context, the rounds that it took, and its pairs."""
    m = len(flagged)
    pairs = noise(rng, (m, ROUNDS * ROUND, 2))
    gaps = effect[:, None] + pairs[..., 0] - pairs[..., 1]
    counts = np.cumsum(gaps * np.sign(flagged)[:, None] > GAP, axis=1)[:, ROUND - 1 :: ROUND]
    looks = [path_state(counts, np.full(m, done), quiet) for done in range(ROUNDS + 1)]
    rounds = sum((look == OPEN).astype(np.int64) for look in looks[:-1])
    pairs[..., 0] += effect[:, None]
    return looks[-1], np.asarray(rounds, dtype=np.int64), pairs


def depends(
    blocks: Floats, asked: NDArray[np.int64], again: NDArray[np.int64], pairs: Floats
) -> Floats:
    """Return engine 1 after each block, the pairs of a context right behind its block."""
    own = again[again > 0] * ROUND
    used = np.arange(ROUNDS * ROUND) < own[:, None]
    extra = np.column_stack([pairs[used], np.zeros(int(own.sum()))])
    place = np.concatenate([np.arange(len(blocks)), np.repeat(np.flatnonzero(again), own)])
    order = np.argsort(place, kind="stable")
    answers = np.concatenate([blocks, extra])[order]
    path = log_dependence(answers, np.concatenate([asked, np.full(len(extra), 2)])[order])
    return path[np.searchsorted(place[order], np.arange(len(blocks)), side="right") - 1]


def arm(
    rng: np.random.Generator, noise: Noise, effect: Floats, reference: Floats, twin: Floats
) -> Arm:
    n = len(reference)
    treated = effect + noise(rng, (n,))
    gap = treated - reference
    flagged = np.abs(gap) > GAP
    wild = np.cumsum(np.abs(twin - reference) > GAP) / np.arange(1, n + 1)
    quiet = np.concatenate([[True], wild[:-1] <= 0.01])
    state, rounds, pairs = asked_again(rng, noise, gap[flagged], effect[flagged], quiet[flagged])
    hit, confirmed, again = flagged.copy(), flagged.copy(), np.zeros(n, dtype=np.int64)
    hit[flagged], confirmed[flagged], again[flagged] = state != DROPPED, state == CONFIRMED, rounds
    scheduled = (np.arange(n) < 50) | (np.arange(n) % 8 == 0)
    x = np.clip(gap, -BOUND, BOUND)
    x = np.where(scheduled, (x + np.clip(treated - twin, -BOUND, BOUND)) / 2, x)
    gamma = survival(bool(quiet.all()))
    inside = [
        log_share_inside(hit, share=SHARE, gamma=gamma),
        log_mean_evidence(x, bound=BOUND, limit=LIMIT, side="below"),
        log_mean_evidence(x, bound=BOUND, limit=-LIMIT, side="above"),
    ]
    up = log_mean_evidence(x, bound=BOUND, limit=LIMIT, side="above")
    down = log_mean_evidence(x, bound=BOUND, limit=-LIMIT, side="below")
    share = log_share_beyond(flagged, confirmed, share=SHARE)
    size = np.logaddexp(np.logaddexp(up, down) - math.log(2), share) - math.log(2)
    blocks = np.column_stack([treated, reference, twin])
    differs = depends(blocks, np.where(scheduled, 3, 2), again, pairs)
    accuses = np.minimum(np.maximum.accumulate(size), np.maximum.accumulate(differs))
    curious = np.concatenate([np.zeros(LAG, dtype=bool), differs[:-LAG] > CURIOUS])
    return Arm(np.array(inside), accuses, curious, again)


def audit(
    rng: np.random.Generator, noise: Noise, hit: float, hypotheses: int, *, accuse: bool
) -> tuple[float, bool]:
    """Return the queries of one audit and whether it ended within :data:`MOST` blocks."""
    reference, twin = noise(rng, (MOST,)), noise(rng, (MOST,))
    contexts = np.where(rng.random(MOST) < hit, math.log(1.1), 0.0)
    arms = [arm(rng, noise, contexts, reference, twin) for _ in range(hypotheses)]
    if accuse:
        ends = np.min([one.accuses for one in arms], axis=0) >= math.log(hypotheses / ALPHA)
    else:
        evidence = np.array([one.clears for one in arms])
        # every hypothesis cleared at once: no sooner than when its own evidence suffices
        ready = np.flatnonzero(evidence.min(axis=1).max(axis=0) >= math.log(1 / ALPHA))
        ends = np.zeros(MOST, dtype=bool)
        for block in ready:
            rows = evidence[:, :, block]
            if clear(rows, hypotheses=hypotheses, alpha_clear=ALPHA).all():
                ends[block] = True
                break
    last = int(ends.argmax()) + 1 if ends.any() else MOST
    scheduled = (np.arange(MOST) < 50) | (np.arange(MOST) % 8 == 0)
    twins = scheduled | np.any([one.curious for one in arms], axis=0)
    rounds = np.array([one.rounds[:last] for one in arms])
    again = ROUND * (rounds.sum() + rounds.max(axis=0).sum())
    return last * (1 + hypotheses) + int(twins[:last].sum()) + int(again), bool(ends.any())


VENDORS: dict[str, tuple[Noise, float, float | None]] = {
    "fair, no noise": (gaussian(0.0), 0.0, 0.0),
    "fair, noise 2 %": (gaussian(0.02), 0.0, 0.02),
    "fair, noise 2.5 %": (gaussian(0.025), 0.0, 0.025),
    "fair, noise 3 %": (gaussian(0.03), 0.0, 0.03),
    "fair, heavy tails 2 %": (heavy, 0.0, None),
    "fair, surges on 5 % of calls": (surging, 0.0, None),
    "5 % of contexts +10 %, noise 1 %": (gaussian(0.01), 0.05, None),
    "5 % of contexts +10 %, noise 2 %": (gaussian(0.02), 0.05, None),
}


def main(runs: int) -> None:
    for name, (noise, hit, scatter) in VENDORS.items():
        for hypotheses in (1, 3):
            rng = np.random.default_rng(20261123)
            found = [audit(rng, noise, hit, hypotheses, accuse=hit > 0) for _ in range(runs)]
            queries, ended = zip(*found, strict=True)
            line: dict[str, object] = {"vendor": name, "hypotheses": hypotheses, "runs": runs}
            line["ended"] = round(float(np.mean(ended)), 3)
            line["median"] = round(float(np.median(queries)))
            line["p95"] = round(float(np.quantile(queries, 0.95)))
            if scatter is not None:
                line["forecast"] = forecast(
                    hypotheses=hypotheses,
                    ratio=RATIO,
                    share=SHARE,
                    beyond=BEYOND,
                    noise=scatter,
                    bound=BOUND,
                    alpha=ALPHA,
                    alpha_clear=ALPHA,
                ).queries
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
