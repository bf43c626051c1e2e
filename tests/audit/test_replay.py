"""Recomputing: the same record from the answers alone, and the first number that does not follow."""

from __future__ import annotations

import copy
import json
import sqlite3
import sys
from dataclasses import replace

import pytest
from tests.audit.evidence_for_tests import (
    edited_record,
    importable,
    planned,
    prepared_evidence,
    put_together,
    python,
    rehashed,
)

from evenhand.audit import lock
from evenhand.audit.folder import RunFolder
from evenhand.audit.planfile import load
from evenhand.audit.recheck import recheck
from evenhand.audit.replay import difference, opened, replay
from evenhand.audit.run import begin, prepare, run
from evenhand.audit.seal import seal
from evenhand.audit.verify import verify
from evenhand.errors import EvidenceError, UsageError


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def batched(tmp_path_factory):
    """A run whose vendor takes tables: one call holds many trials."""
    folder = tmp_path_factory.mktemp("batched")
    (folder / "table_vendor_for_tests.py").write_text(TABLE, "utf-8")
    audit = prepare(load(planned(folder, python("table_vendor_for_tests:quote", table=True))))
    made = begin(audit, folder / "run")
    sys.path.insert(0, str(folder))
    try:
        run(audit, made)
    finally:
        sys.path.remove(str(folder))
    return made


TABLE = """
import numpy as np

def quote(table):
    age, nights = np.asarray(table["age"]), np.asarray(table["nights"])
    dear = np.asarray(table["device"]) == "new"
    return np.round((200 + 3 * (age % 17)) * (1 + 0.9 * (nights - 1)) * np.where(dear, 1.2, 1.0), 2)
"""


def test_a_record_follows_from_its_bundle_byte_for_byte(evidence):
    with opened(evidence.bundle) as case:
        found = replay(case)
    assert found.exact
    assert found.content.model_dump(mode="json") == json.loads(evidence.parts["content.json"])


def test_and_from_its_run_folder(evidence):
    with opened(evidence.run) as case:
        assert replay(case).exact


def test_no_vendor_is_imported(evidence):
    before = set(sys.modules)
    with opened(evidence.bundle) as case:
        replay(case)
    assert not {name for name in set(sys.modules) - before if "vendors_for_tests" in name}


def test_batches_follow_too(batched):
    path = seal(batched.path).path
    with opened(path) as case:
        assert replay(case).exact
    assert verify(path)["calls"] < 60


def test_an_edited_and_rehashed_record_that_verifies_does_not_follow(evidence, tmp_path):
    parts = rehashed(edited_record(evidence.parts), [])
    path = put_together(tmp_path / "b.zip", parts)
    assert verify(path)["signers"] == []
    with opened(path) as case, pytest.raises(EvidenceError) as caught:
        replay(case)
    assert "findings[0]" in caught.value.text("en")
    assert "findings[0]" in caught.value.text("zh")
    assert caught.value.exit_code == 5


def test_an_answer_changed_in_the_journal_shows_as_the_first_number_that_differs(
    evidence, tmp_path
):
    folder = copied(evidence.run, tmp_path / "run")
    with sqlite3.connect(folder.journal) as connection:
        connection.execute(
            "UPDATE answer SET body = cast('{\"final\":900.0}' AS BLOB) WHERE call % 2 = 0"
        )
    connection.close()
    path = seal(folder.path, tmp_path / "b.zip").path  # every hash is right
    with opened(path) as case, pytest.raises(EvidenceError) as caught:
        replay(case)
    assert caught.value.message_id == "evidence.replay_differs"


def copied(run_path, where):
    import shutil

    shutil.copytree(run_path, where)
    return RunFolder(where)


def test_a_plan_that_is_not_the_locks_is_refused(evidence, tmp_path):
    plan = evidence.parts["plan.yaml"].replace(b"seed: 7", b"seed: 9")
    parts = rehashed({**evidence.parts, "plan.yaml": plan}, [])
    path = put_together(tmp_path / "b.zip", parts)
    with pytest.raises(EvidenceError, match="not the plan"), opened(path):
        pass


def test_a_function_of_a_strangers_plan_does_not_run_unasked(evidence, tmp_path):
    witness = tmp_path / "ran"
    module = tmp_path / "evil_for_tests.py"
    module.write_text(f"open({str(witness)!r}, 'w').close()\ndef people(): return {{}}\n")
    plan = evidence.parts["plan.yaml"].replace(b"people.csv", b"evil_for_tests:people")
    parts = rehashed({**evidence.parts, "plan.yaml": plan}, [])
    path = put_together(tmp_path / "b.zip", parts)
    sys.path.insert(0, str(tmp_path))
    try:
        with pytest.raises(UsageError, match="trust"), opened(path):
            pass
    finally:
        sys.path.remove(str(tmp_path))
    assert not witness.exists()


# ------------------------------------------------------------------------ under other versions


def under(monkeypatch, **changed):
    now = lock.versions()
    monkeypatch.setattr("evenhand.audit.replay.versions", lambda: {**now, **changed})


def test_under_other_versions_eight_digits_and_the_verdicts_count(evidence, monkeypatch):
    under(monkeypatch, numpy="99.0")
    with opened(evidence.bundle) as case:
        found = replay(case)
        assert not found.exact
        assert "99.0" in case.other_versions
        sealed = copy.deepcopy(dict(case.sealed))
    with opened(evidence.bundle) as case:
        sealed["findings"][0]["effect"]["estimate"] *= 1 + 1e-10
        assert replay(replace(case, sealed=sealed))
    sealed["findings"][0]["effect"]["estimate"] += 1e-6
    with opened(evidence.bundle) as case, pytest.raises(EvidenceError, match="estimate"):
        replay(replace(case, sealed=sealed))


def test_under_the_locks_versions_every_digit_counts(evidence):
    sealed = json.loads(evidence.parts["content.json"])
    sealed["findings"][0]["effect"]["estimate"] *= 1 + 1e-9
    with opened(evidence.bundle) as case, pytest.raises(EvidenceError, match="estimate"):
        replay(replace(case, sealed=sealed))


@pytest.mark.parametrize(
    ("sealed", "found", "loosely", "where"),
    [
        ({"a": 1}, {"a": 1}, False, None),
        ({"a": 1}, {"a": 1.0}, False, None),
        ({"a": 1}, {"a": True}, False, "a"),
        ({"a": 1}, {"a": True}, True, "a"),
        ({"a": [1, 2]}, {"a": [1]}, True, "a[]"),
        ({"a": None}, {}, False, "a"),
        ({}, {"a": 3}, False, "a"),
        ({}, {"a": 3}, True, None),
        ({"a": 3}, {}, True, "a"),
        ({"t": {"zh": "甲", "en": "a"}}, {"t": {"zh": "乙", "en": "b"}}, True, None),
        ({"t": {"zh": "甲", "en": "a"}}, {"t": {"zh": "乙", "en": "b"}}, False, "t.zh"),
        ({"v": "cleared"}, {"v": "indicated"}, True, "v"),
        ({"e": 1.0}, {"e": 1.0 + 5e-8}, True, "e"),
        ({"e": 0.0}, {"e": 1e-30}, True, "e"),
        ([{"b": "x"}], [{"b": "y"}], False, "[0].b"),
        ({"a": 1}, [1], True, ""),
    ],
)
def test_the_first_difference(sealed, found, loosely, where):
    told = difference(sealed, found, loosely=loosely)
    assert (None if told is None else told[0]) == where


# -------------------------------------------------------------------------------- asking again


def test_the_recheck_asks_the_same_under_a_new_seed(evidence, tmp_path):
    where = tmp_path / "elsewhere" / "again.yaml"
    where.parent.mkdir()
    made = recheck(evidence.run, where, seed=99)
    where.write_text(made.text, "utf-8")
    again, first = prepare(load(where)), prepare(load(evidence.run / "plan.yaml"))
    assert again.plan.seed == 99
    assert again.lock.hypotheses == first.lock.hypotheses
    assert again.lock.files == first.lock.files
    assert again.plan.probes[0].tolerance == first.plan.probes[0].tolerance
    assert made.hypotheses == 1
    folder = begin(again, tmp_path / "run")
    with importable():
        run(again, folder)
    assert folder.read_record().content.findings[0].verdict == "cleared"


def test_the_recheck_of_a_bundle_brings_its_files(evidence, tmp_path):
    where = tmp_path / "again.yaml"
    where.write_text(recheck(evidence.bundle, where, seed=99).text, "utf-8")
    assert prepare(load(where)).lock.files == prepare(load(evidence.run / "plan.yaml")).lock.files


def test_findings_that_are_not_there_cannot_be_checked_again(evidence, tmp_path):
    with pytest.raises(UsageError, match="F07"):
        recheck(evidence.run, tmp_path / "p.yaml", seed=1, findings=["F01", "F07"])
    assert recheck(evidence.run, tmp_path / "p.yaml", seed=1, findings=["F01"]).hypotheses == 1
