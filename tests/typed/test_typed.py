"""Typed to the edge: what a user writes is known to the checkers in their strictest modes."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = (ROOT / "tests" / "typed" / "sample.py", ROOT / "examples" / "own_model.py")


def pyright(folder, *texts):
    """What pyright in strict mode says of files with these texts."""
    if not find_spec("basedpyright"):
        pytest.skip("needs pyright in the environment: run make")
    names = [f"user{place}.py" for place in range(len(texts))]
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_text(text, "utf-8")
    settings = {"include": names, "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "basedpyright",
            "--outputjson",
            "--pythonpath",
            sys.executable,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    said = json.loads(done.stdout)
    assert said["summary"]["filesAnalyzed"] == len(texts), done.stderr
    return [f"{one['range']['start']['line'] + 1}: {one['message']}" for one in said["generalDiagnostics"]]  # fmt: skip


def test_pyright_knows_everything_that_a_user_writes(tmp_path):
    assert pyright(tmp_path, *(path.read_text("utf-8") for path in SAMPLES)) == []


def test_pyright_sees_what_is_wrong(tmp_path):
    text = SAMPLES[0].read_text("utf-8")
    wrong = text.replace("{finding.verdict}", "{finding.verdikt}")
    wrong = wrong.replace('money="EUR per stay"', "money=3")
    said = "\n".join(pyright(tmp_path, wrong))
    assert "verdikt" in said
    assert "money" in said


@pytest.mark.prove
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_mypy_knows_everything_that_a_user_writes(path, tmp_path):
    (tmp_path / "user.py").write_text(path.read_text("utf-8"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", "--strict", "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
