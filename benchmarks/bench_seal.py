"""What sealing, verifying and proving cost for a million calls: one JSON line a case.

Each measurement runs in a process of its own, so that its CPU time and its largest memory are its
own. Memory (Linux) is what a million calls take beyond a tenth of them, in waves of the same size.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CALLS, FEW = 1_000_000, 100_000
SEAL_SECONDS, VERIFY_SECONDS, PROOF_BYTES = 60.0, 30.0, 1024
WAVE, FLAT_BYTES = 2_500, 5_000_000
"""Trials of a wave; memory that may come and go with the allocator, whatever the calls."""

CHILD = """
import json, re, sys, time
from pathlib import Path
from evenhand.audit import bundle, proofs, seal
what, path = sys.argv[1], Path(sys.argv[2])
started = time.process_time()
if what == "seal":
    found = seal.seal(path).path.stat().st_size
elif what == "verify":
    found = bundle.checked(path)["calls"]
else:
    found = len(json.dumps(proofs.prove_trial(path, sys.argv[3])["proof"]))
seconds = time.process_time() - started
# not ru_maxrss: a child that was forked begins with what its parent held
status = Path("/proc/self/status").read_text()
peak = 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", status)[1])
print(json.dumps({"seconds": seconds, "peak": peak, "found": found}))
"""


def runs() -> Any:
    path = Path(__file__).parents[1] / "tests" / "audit" / "evidence_for_tests.py"
    spec = importlib.util.spec_from_file_location("evidence_for_tests", path)
    assert spec is not None  # noqa: S101 - the file stands in the repository
    assert spec.loader is not None  # noqa: S101 - a .py file has a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def child(*words: object) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-P", "-c", CHILD, *map(str, words)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def say(case: str, ours: float, limit: float, unit: str) -> None:
    ratio = ours / limit
    line = {"case": case, "ours": round(ours, 4), "unit": unit, "limit": limit}
    print(json.dumps({**line, "ratio": round(ratio, 4), "reach": 1, "met": ratio <= 1}), flush=True)


def main() -> None:
    made = runs()
    with tempfile.TemporaryDirectory() as temporary:
        peaks: dict[tuple[str, int], float] = {}
        for calls in (FEW, CALLS):
            folder = Path(temporary) / f"run{calls}"
            made.fabricated(folder, calls, waves=calls // WAVE)
            bundle = folder / f"{folder.name}.evidence.zip"
            sealed = child("seal", folder)
            verified = child("verify", bundle)
            peaks["seal", calls], peaks["verify", calls] = sealed["peak"], verified["peak"]
        say(f"sealing {CALLS:,} calls, CPU", sealed["seconds"], SEAL_SECONDS, "s")
        say(f"verifying {CALLS:,} calls, CPU", verified["seconds"], VERIFY_SECONDS, "s")
        for what in ("seal", "verify"):
            more = peaks[what, CALLS] - peaks[what, FEW]
            say(f"{what}: memory that {CALLS - FEW:,} more calls take", more, FLAT_BYTES, "bytes")
        plan = json.loads((folder / "record.json").read_text("utf-8"))["content"]["plan_sha256"]
        proof = child("prove", bundle, f"{plan[:8]}-20-7")
        say(f"inclusion proof of one call of {CALLS:,}", proof["found"], PROOF_BYTES, "bytes")


if __name__ == "__main__":
    main()
