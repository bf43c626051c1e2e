"""The example runs as it stands, and a user's own mypy is content with it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "own_model.py"

WRONG = """
import evenhand

result = evenhand.run(3, tolerence="1%")
result.findings[0].effects
evenhand.assert_even(3, budget="many")
evenhand.Allow(treatment="a", up_to="1%", because="b", owner="c", until="d", direction="up")
"""


def test_the_example_runs_without_a_warning(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-P", "-W", "error", str(SAMPLE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "F01 established 4.0" in ran.stdout
    assert list(tmp_path.iterdir()) == []


def test_strict_types_reach_a_users_file(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, "utf-8")
    ran = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "mypy", "--strict", "--config-file=", "--no-pretty"),
            *("--cache-dir", str(tmp_path / "cache"), str(SAMPLE), str(wrong)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line for line in ran.stdout.splitlines() if ": error:" in line]
    # the planted file is what shows that anything is checked at all
    assert [line.split(":")[:2] for line in told] == [
        ["wrong.py", "4"],
        ["wrong.py", "5"],
        ["wrong.py", "6"],
        ["wrong.py", "7"],
    ], ran.stdout
