"""Group metrics with intervals beside fairlearn's bootstrap, and ranked lists beside scipy.

CPU seconds of one process with one thread. fairlearn's cost a resample is the difference between
a ``MetricFrame`` with and without one resample, of the same rows in the same minute.
"""

import json
import os
import resource
import time
import warnings
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import fairlearn.metrics as fm
import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, ndcg_score

from evenhand.metrics.groups import GroupMetrics, group_metrics
from evenhand.metrics.ranking import kendall_tau, price_ndcg

ROWS, RESAMPLES, ROUNDS = 1_000_000, 1000, 3
PAIRS, PEER_PAIRS, LENGTH = 20_000, 1000, 10
METRICS = {
    "selection_rate": fm.selection_rate,
    "true_positive_rate": fm.true_positive_rate,
    "false_positive_rate": fm.false_positive_rate,
    "accuracy": accuracy_score,
}

Columns = dict[str, NDArray[np.generic]]


def cpu(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the least CPU time of a few rounds."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def table() -> Columns:
    rng = np.random.default_rng(1)
    return {
        "y_true": rng.integers(2, size=ROWS),
        "y_pred": (rng.random(ROWS) < 0.4).astype(np.int64),
        "region": np.array(["north", "south", "east-coast", "west"])[rng.integers(4, size=ROWS)],
        "age": np.array(["young", "middle", "old"])[rng.integers(3, size=ROWS)],
    }


def ours(data: Columns) -> GroupMetrics:
    found = group_metrics(
        METRICS,
        y_true=data["y_true"],
        y_pred=data["y_pred"],
        sensitive_features={"region": data["region"], "age": data["age"]},
        rng=np.random.default_rng(2),
        resamples=RESAMPLES,
    )
    found.comparisons()
    _ = found.estimates
    return found


def fairlearns(data: Columns, resamples: int | None) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fm.MetricFrame(
            metrics=METRICS,
            y_true=data["y_true"],
            y_pred=data["y_pred"],
            sensitive_features={"region": data["region"], "age": data["age"]},
            n_boot=resamples,
            ci_quantiles=None if resamples is None else [0.025, 0.975],
            random_state=None if resamples is None else 1,
        )


def say(case: str, line: dict[str, object]) -> None:
    print(json.dumps({"case": case, "unit": "s CPU", **line}), flush=True)


def groups() -> None:
    data = table()
    seconds = cpu(lambda: ours(data))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    size = f"{ROWS:,} rows, 12 groups, {len(METRICS)} metrics, {RESAMPLES:,} resamples"
    say(
        f"group metrics with intervals and tests, {size}",
        {
            "ours": round(seconds, 4),
            "limit": 0.3,
            "ratio": round(seconds / 0.3, 3),
            "reach": "ours / limit <= 1",
            "met": seconds <= 0.3,
            "peak_mib": round(memory),
        },
    )
    bare = cpu(lambda: fairlearns(data, None), rounds=1)
    resampled = cpu(lambda: fairlearns(data, 1), rounds=1)
    each = resampled - bare
    ratio = each / (seconds / RESAMPLES)
    say(
        "group metrics, a resample",
        {
            "ours": round(seconds / RESAMPLES, 7),
            "peer": round(each, 3),
            "peer_name": "fairlearn MetricFrame(n_boot)",
            "ratio": round(ratio),
            "reach": "peer / ours >= 5000",
            "met": ratio >= 5000,
        },
    )


def lists() -> None:
    rng = np.random.default_rng(3)
    both = rng.permuted(np.tile(np.arange(LENGTH), (2 * PAIRS, 1)), axis=1)
    first, second = both[:PAIRS], both[PAIRS:]
    prices = rng.lognormal(4, 0.5, (PAIRS, LENGTH))
    shown = np.tile(-np.arange(LENGTH, dtype=np.float64), (PAIRS, 1))
    places = np.argsort(both, axis=1)
    tau = cpu(lambda: kendall_tau(first, second)) / PAIRS
    peer = cpu(
        lambda: [
            stats.kendalltau(places[row], places[PAIRS + row]).statistic
            for row in range(PEER_PAIRS)
        ],
        rounds=1,
    )
    compare("Kendall's tau-b, a pair of lists of 10", tau, peer / PEER_PAIRS, "scipy kendalltau")
    gain = cpu(lambda: price_ndcg(prices)) / PAIRS
    peer = cpu(
        lambda: [
            ndcg_score(prices[row : row + 1], shown[row : row + 1]) for row in range(PEER_PAIRS)
        ],
        rounds=1,
    )
    compare("price nDCG, a list of 10", gain, peer / PEER_PAIRS, "scikit-learn ndcg_score, by list")


def compare(case: str, own: float, peer: float, name: str) -> None:
    ratio = peer / own
    line = {"ours": round(own, 9), "peer": round(peer, 7), "peer_name": name}
    say(case, {**line, "ratio": round(ratio, 1), "reach": "peer / ours >= 20", "met": ratio >= 20})


def main() -> None:
    groups()
    lists()


if __name__ == "__main__":
    main()
