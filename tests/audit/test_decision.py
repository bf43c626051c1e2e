"""Decisions: what is refused, what is warned of, and that nothing is overwritten."""

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest

from evenhand.audit.decision import check, decide, read
from evenhand.audit.folder import RunFolder
from evenhand.errors import UsageError

_spec = importlib.util.spec_from_file_location(
    "samples", Path(__file__).parents[1] / "reports" / "samples.py"
)
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
RECORD = samples.record()

WHOLE = """
record: {hash}
option: approve-after-changes
decided: 2026-12-10
members:
{members}
votes: {{for: 4, against: 1, abstain: 0}}
reasons: 报价随手机型号变化。
conditions: [三个月内整改]
next_review: 2027-12-10
"""
MEMBERS = "\n".join(
    f"  - {{name: M{i}, role: {'chair' if i == 0 else 'law'}, vote: {'for' if i < 4 else 'against'}}}"
    for i in range(5)
)


@pytest.fixture
def folder(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.lock.write_text("{}")
    run.write_record(RECORD)
    return run


@pytest.fixture
def given(tmp_path):
    def written(**changes):
        text = WHOLE.format(hash=RECORD.content_sha256[:16], members=MEMBERS)
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "decision.yaml"
        path.write_text(text, "utf-8")
        return path

    return written


def test_a_sound_decision_is_appended_without_warnings(folder, given):
    assert decide(folder, "ethics-initial", given()) == []
    (entry,) = folder.read_annex()
    assert entry["kind"] == "decision"
    assert entry["record_sha256"] == RECORD.content_sha256
    assert entry["decision"]["counted"] == [4, 1, 0]
    assert entry["sha256"] == hashlib.sha256(given().read_bytes()).hexdigest()


def test_a_later_decision_supersedes_and_overwrites_nothing(folder, given):
    decide(folder, "ethics-initial", given())
    first = folder.annex.read_bytes()
    decide(folder, "ethics-initial", given(a=("approve-after-changes", "reject")))
    whole = folder.annex.read_bytes()
    assert whole.startswith(first)
    last = json.loads(whole.splitlines()[-1])
    assert last["decision"]["supersedes"] == hashlib.sha256(first.rstrip()).hexdigest()
    assert last["previous"] == hashlib.sha256(first.rstrip()).hexdigest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("against: 1", "against: 0"), "decision.votes"),
        (("approve-after-changes", "launch"), "decision.option"),
        (("record: ", "record: '000000000000' #"), "decision.other_record"),
        (("vote: against", "vote: against, present: false"), "decision.absent_vote"),
        (("reasons: 报价随手机型号变化。", "reasons: ''"), "decision.field"),
        (("decided: 2026-12-10", "decided: tomorrow"), "decision.field"),
        (("conditions:", "terms:"), "decision.field"),
        (("members:", "members: ["), "decision.unreadable"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_in_itself_is_refused_and_nothing_is_written(folder, given, change, message):
    with pytest.raises(UsageError) as raised:
        decide(folder, "ethics-initial", given(a=change))
    assert raised.value.message_id == message
    assert raised.value.text("zh")
    assert raised.value.text("en")
    assert not folder.annex.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"a": ("  - {name: M3, role: law, vote: for}\n", ""), "b": ("for: 4", "for: 3")},
         "decision.warn_present"),
        ({"a": ("name: M3, role: law, vote: for", "name: M3, role: law, vote: against"),
          "b": ("for: 4, against: 1", "for: 3, against: 2")}, "decision.warn_majority"),
        ({"a": ("name: M3,", "name: M3, conflict: shares,")}, "decision.warn_conflict"),
        ({"a": ("next_review: 2027-12-10", "")}, "decision.warn_no_review"),
        ({"a": ("next_review: 2027-12-10", "next_review: 2027-12-11")}, "decision.warn_review"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_a_rule_asks_is_a_warning_with_its_source(folder, given, changes, message):
    found = decide(folder, "ethics-initial", given(**changes))
    assert [one.message_id for one in found] == [message]
    assert "科技伦理审查办法" in found[0].text("zh")
    assert len(folder.read_annex()) == 1


def test_a_procedure_without_options_takes_words(given):
    decision, _ = read(given(a=("option: approve-after-changes", "option: 责令改正")))
    assert check(decision, "regulator", RECORD) == []
    with pytest.raises(UsageError, match="court"):
        check(decision, "court", RECORD)
