"""How long the demonstration takes on a warm install, and how large its report is."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REACH_SECONDS, REACH_BYTES = 60.0, 2_000_000


def main() -> None:
    """Print one JSON line a case."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        began = time.perf_counter()
        command = [sys.executable, "-P", "-m", "evenhand", "demo", "--quiet", "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        size = max(path.stat().st_size for path in out.glob("report.*.html"))
    for case, ours, reach in (
        ("demo, seconds", round(seconds, 2), REACH_SECONDS),
        ("demo, bytes of one report", size, REACH_BYTES),
    ):
        line = {"case": case, "ours": ours, "limit": reach, "ratio": round(ours / reach, 4)}
        print(json.dumps({**line, "reach": "≤ 1", "met": ours <= reach}, ensure_ascii=False))


if __name__ == "__main__":
    main()
