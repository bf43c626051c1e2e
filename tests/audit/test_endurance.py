"""An audit that dies every few seconds comes to what the undisturbed one came to, and grows no more."""

import importlib.util
import os
import random
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

TRIALS = int(os.environ.get("EVENHAND_ENDURANCE", "1000000"))
"""About how many trials; the variable makes it shorter."""


def _loaded(name):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


endurance = _loaded("bench_endurance")


def missed(found):
    return {
        case: (ours, limit) for case, ours, _, limit, _ in endurance.cases(found) if ours > limit
    }


@pytest.mark.prove
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_million_trials_are_audited_through_many_deaths(tmp_path):
    found = endurance.endure(tmp_path, TRIALS)
    assert found.lives.kills >= max(1, TRIALS // 50_000)
    assert missed(found) == {}


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    """A small audit that died three times."""
    folder = tmp_path_factory.mktemp("short")
    with endurance.serving() as vendor:
        path = endurance.plan(folder, vendor.url, 1_500)
        alone = endurance.undisturbed(path, folder / "alone")
        before = vendor.asked()
        lives = endurance.killed(
            path, folder / "killed", vendor, random.Random(1), seconds=(0.0, 0.1), deaths=3
        )
        return endurance.Endured(alone=alone, lives=lives, asked=vendor.asked() - before)


def test_an_audit_that_dies_early_ends_as_if_it_had_not(short):
    assert short.lives.kills
    # so few trials say nothing about what one of them takes in memory
    assert [case for case in missed(short) if "memory" not in case] == []


def test_a_record_that_differs_and_a_journal_that_grows_are_seen(short, tmp_path):
    shutil.copytree(short.lives.folder, tmp_path / "worse")
    worse = replace(short.lives, folder=tmp_path / "worse")
    record = worse.folder / "record.json"
    record.write_text(record.read_text("utf-8").replace('"cleared"', '"established"'), "utf-8")
    with (worse.folder / "journal.sqlite").open("ab") as file:
        file.write(bytes(worse.journal))
    told = missed(replace(short, lives=worse, asked=short.asked + 10_000))
    for word in ("journal", "made twice", "differ"):
        assert any(word in case for case in told), told
