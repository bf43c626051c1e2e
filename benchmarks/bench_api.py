"""How long a data scientist waits for the first answer about a deterministic model in memory.

Cold is a new process: imports, the audit, its verdict. Warm is the next cell of the notebook. The
limits are those of Nielsen, Usability Engineering (1993), chapter 5: after 10 seconds attention is
lost, after 1 second the flow of thought. Beside the cold one stands the cell that people write
today: fairlearn's ``MetricFrame`` of the same prices with bootstrapped intervals, in a process of
its own, in the same minute. It has no null hypothesis, no control and no stopping rule.
"""

import json
import statistics
import subprocess
import sys
import time

ROUNDS = 5
COLD, WARM = 10.0, 1.0

MODEL = """
import numpy as np
import pandas as pd

rng = np.random.default_rng(20261123)
rows = 3000
people = pd.DataFrame({
    "nights": rng.integers(1, 8, rows),
    "room": rng.choice(list("ABC"), rows),
    "device": rng.choice(["old", "new"], rows),
})


def price(table):
    return 60.0 + 40.0 * table["nights"]
"""

OURS = """
import evenhand


def ask(seed):
    return evenhand.run(price, personas=people, treat={"device": ("old", ["new"])},
        conditions=["nights", "room"], positive=("nights", 1, 7), money="EUR", seed=seed, quiet=True)


assert [one.verdict for one in ask(0).findings] == ["cleared"]
"""

AGAIN = """
import time
start = time.perf_counter()
result = ask(1)
repr(result)
print(time.perf_counter() - start, result.queries)
"""

THEIRS = """
from fairlearn.metrics import MetricFrame

prices = price(people)
frame = MetricFrame(metrics=lambda y_true, y_pred: np.mean(y_pred), y_true=prices, y_pred=prices,
    sensitive_features=people["device"], n_boot=1000, ci_quantiles=[0.025, 0.975], random_state=0)
frame.difference(), frame.difference_ci()
"""


def child(code: str) -> tuple[float, str]:
    start = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True
    )
    return time.perf_counter() - start, ran.stdout


def main() -> None:
    child(MODEL + OURS)  # once to fill the caches of byte code and of the disk
    pairs = [(child(MODEL + OURS)[0], child(MODEL + THEIRS)[0]) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    said = [child(MODEL + OURS + AGAIN)[1].split() for _ in range(ROUNDS)]
    warm = statistics.median(float(seconds) for seconds, _ in said)
    shared = {"unit": "s", "rounds": ROUNDS, "queries": int(said[0][1])}
    cases = (
        ("first answer, cold", ours, COLD, {"peer": round(theirs, 4), "peer_name": "MetricFrame"}),
        ("next answer, warm", warm, WARM, {}),
    )
    for case, measured, limit, beside in cases:
        line = {
            "case": case,
            "ours": round(measured, 4),
            "limit": limit,
            **beside,
            "ratio": round(measured / limit, 3),
            "reach": "ours / limit <= 1",
            "met": measured <= limit,
            **shared,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
