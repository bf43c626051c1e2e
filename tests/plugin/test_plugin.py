"""The plugin, as a project that tests its own model meets it: in a pytest of its own."""

import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODEL = """
import numpy as np
import pandas as pd

GUESTS = pd.DataFrame({"nights": [1, 2, 3, 7], "device": ["old", "new", "old", "new"]})
CALL = dict(
    personas=GUESTS,
    treat={"device": ("old", ["new"])},
    conditions=["nights"],
    positive=("nights", 1, 7),
    money="EUR per night",
)


def even(table):
    return 60.0 + 40.0 * table["nights"]


def uneven(table):
    return even(table) * np.where(table["device"] == "new", 1.08, 1.0)


def deaf(table):
    return 50.0 + 0 * table["nights"]
"""

TESTS = """
import pytest
import evenhand
from prices import *


def test_even(assert_even):
    assert_even(even, **CALL)


def test_uneven(assert_even):
    assert_even(uneven, **CALL)


def test_deaf(assert_even):
    assert_even(deaf, **CALL)


def test_poor(assert_even):
    assert_even(even, budget=200, **CALL)


def test_allowed(assert_even):
    assert_even(uneven, allow="allow.yaml", **CALL)


def test_expired(assert_even):
    assert_even(uneven, allow="expired.yaml", **CALL)


def test_no_worse(assert_no_worse, tmp_path):
    evenhand.run(uneven, out=tmp_path / "before", quiet=True, **CALL)
    assert_no_worse(uneven, tmp_path / "before", **CALL)


def test_worse(assert_no_worse):
    before = evenhand.run(uneven, quiet=True, **CALL)
    assert_no_worse(lambda t: even(t) * np.where(t["device"] == "new", 1.16, 1), before, **CALL)
"""

ALLOW = """
- treatment: device
  direction: dearer
  up_to: 12%
  because: New devices cost us a warranty.
  owner: pricing
  until: {until}
"""


def project(folder):
    """A project with prices, tests of them, and what it accounts for."""
    today = date.today()  # noqa: DTZ011 - a date on people's calendars, as the gate reads it
    (folder / "prices.py").write_text(MODEL, "utf-8")
    (folder / "test_prices.py").write_text(TESTS, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    for name, days in {"allow": 90, "expired": -1}.items():
        text = ALLOW.format(until=(today + timedelta(days=days)).isoformat())
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def child(folder, *options, language="en"):
    # by its module: the environment of a checkout may not know the entry point yet
    plugin = ("-p", "no:evenhand", "-p", "evenhand.pytest_plugin", "-p", "no:cacheprovider")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST"))
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", *plugin, *options],
        cwd=folder,
        env={**environment, "EVENHAND_LANG": language},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One run of all its tests: what was printed, and each test's case of the JUnit file."""
    folder = project(tmp_path_factory.mktemp("project"))
    result = child(folder, "--junit-xml=junit.xml")
    assert result.returncode == 1, result.stdout + result.stderr
    cases = ET.parse(folder / "junit.xml").iter("testcase")  # noqa: S314 - pytest wrote it just now
    return result.stdout, {str(case.get("name")): case for case in cases}


def properties(case):
    return {str(one.get("name")): str(one.get("value")) for one in case.iter("property")}


def told(case):
    return "".join(str(one.text) for one in case.iter("failure"))


def test_exactly_the_right_ones_fail(ran):
    _, cases = ran
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {"test_uneven", "test_deaf", "test_poor", "test_expired", "test_worse"}
    assert set(cases) - failed == {"test_even", "test_allowed", "test_no_worse"}


def test_the_junit_file_carries_the_effect_whether_it_passed_or_not(ran):
    _, cases = ran
    found = properties(cases["test_even"])
    assert found["evenhand.device.new.verdict"] == "cleared"
    assert re.match(r"0 \[-[\d.]+, [\d.]+\]", found["evenhand.device.new.percent"])
    assert len(found["evenhand.record"]) == 64
    assert properties(cases["test_uneven"])["evenhand.device.new.percent"].startswith("8 [")


def test_each_failure_says_what_to_do(ran):
    _, cases = ran
    assert "F01 ▲ beyond the limit" in told(cases["test_uneven"])
    assert "which is not a pass" in told(cases["test_deaf"])
    assert re.search(
        r"A budget of 200 queries cannot decide .*; [\d,]+ can", told(cases["test_poor"])
    )
    assert properties(cases["test_poor"]) == {}  # nothing was asked
    assert "expired" in told(cases["test_expired"])
    assert "beyond the limit" in told(cases["test_worse"])


def test_what_is_allowed_is_shown_at_the_end(ran):
    printed, cases = ran
    _, _, summary = printed.rpartition("allowed differences (“已说明的差异”)")
    assert "test_allowed" in summary
    assert "New devices cost us a warranty. (pricing" in summary
    assert properties(cases["test_allowed"])["evenhand.device.new.verdict"] == "established"


def test_allowed_alone_exits_with_0_also_from_workers_and_in_chinese(tmp_path):
    result = child(project(tmp_path), "-n", "1", "-k", "allowed", language="zh")
    assert result.returncode == 0, result.stdout
    assert "无欺：已说明的差异" in result.stdout
    assert "New devices cost us a warranty." in result.stdout


def test_other_projects_do_not_pay_for_it(tmp_path):
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_other():\n"
        "    own = {n for n in sys.modules if n.startswith('evenhand.')}\n"
        "    assert own == {'evenhand.pytest_plugin'}\n"
        "    assert 'numpy' not in sys.modules\n",
        "utf-8",
    )
    result = child(tmp_path)
    assert result.returncode == 0, result.stdout


def test_an_installed_copy_is_found_by_pytest():
    project_ = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert project_["project"]["entry-points"]["pytest11"] == {"evenhand": "evenhand.pytest_plugin"}
    assert "no:evenhand" in project_["tool"]["pytest"]["ini_options"]["addopts"]
