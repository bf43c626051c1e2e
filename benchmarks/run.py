"""Runs every ``bench_*.py`` beside this file and passes on its lines, one JSON object a case.

    case        what was measured
    ours        our own figure
    peer, limit what it stands beside: a named peer's figure in the same minute, or a fixed limit
    ratio       of the two, as `reach` is stated
    reach       what is to be reached
    met         whether it was

``python benchmarks/run.py start http`` runs those two only. The exit code is 1 when a benchmark
could not be measured; a reach that is not met is a line to read, not a failure.
"""

import json
import subprocess
import sys
from pathlib import Path

NEEDED = {"case", "ours", "ratio", "reach", "met"}


def main(wanted: list[str]) -> int:
    """Run the benchmarks of these names, or all."""
    found = {path.stem.removeprefix("bench_"): path for path in sorted(folder().glob("bench_*.py"))}
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(found)}", file=sys.stderr)
        return 2
    cases = [run(found[name]) for name in (wanted or found)]
    if any(case is None for case in cases):
        return 1
    lines = [line for case in cases for line in case or ()]
    met = sum(bool(line["met"]) for line in lines)
    print(f"{met} of {len(lines)} cases reach what they should", file=sys.stderr)
    return 0


def folder() -> Path:
    """Return where the benchmarks are."""
    return Path(__file__).parent


def run(script: Path) -> list[dict[str, object]] | None:
    """Run one script, printing its lines as they come; None when it failed or said something else."""
    cases: list[dict[str, object]] = []
    with subprocess.Popen(
        [sys.executable, "-P", str(script)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            case = parsed(line)
            if case is None:
                print(f"{script.name}: not a case: {line.rstrip()}", file=sys.stderr)
                process.kill()
                return None
            cases.append(case)
    if process.returncode or not cases:
        print(f"{script.name}: no result (exit code {process.returncode})", file=sys.stderr)
        return None
    return cases


def parsed(line: str) -> dict[str, object] | None:
    """Return the case of a line, or None where it is none."""
    try:
        case = json.loads(line)
    except ValueError:
        return None
    whole = isinstance(case, dict) and set(case) >= NEEDED and bool({"peer", "limit"} & set(case))
    return case if whole else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
