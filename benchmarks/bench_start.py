"""How long it takes until Evenhand is there: import, help and the statistics.

The limits hold for the whole process, interpreter included. Beside each stands a bare
``python -c pass`` of the same rounds.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9

SCRIPT = str(Path(sys.executable).with_name("evenhand"))
BARE = [sys.executable, "-c", "pass"]
CASES = {
    "import evenhand": ([sys.executable, "-c", "import evenhand"], 0.2),
    "evenhand --help": ([sys.executable, SCRIPT, "--help"], 0.3),
    "import evenhand.metrics": ([sys.executable, "-c", "import evenhand.metrics"], 0.5),
}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    for case, (command, limit) in CASES.items():
        seconds(command)  # once to fill the caches of byte code and of the disk
        pairs = [(seconds(command), seconds(BARE)) for _ in range(ROUNDS)]
        ours, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
        line = {
            "case": case,
            "unit": "s",
            "ours": round(ours, 4),
            "peer": round(bare, 4),
            "peer_name": "python -c pass",
            "limit": limit,
            "ratio": round(ours / limit, 3),
            "reach": "ours / limit <= 1",
            "met": ours <= limit,
            "rounds": ROUNDS,
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
