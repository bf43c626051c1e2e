"""Whatever is read: no crash but our own errors. Each reader gets noise, and good input gone bad."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.evidence_for_tests import (
    PEOPLE,
    PLAN,
    Evidence,
    fabricated,
    http,
    prepared_evidence,
    put_together,
    python,
    rehashed,
    samples,
)
from tests.fuzz.noise import MANY, edits, few, folder, gone_bad, only_our_errors, plain

from evenhand.audit.bundle import checked
from evenhand.audit.folder import RunFolder
from evenhand.audit.journal import Journal
from evenhand.audit.lock import Lock
from evenhand.audit.planfile import load, parse
from evenhand.audit.planparts import Response
from evenhand.audit.replay import opened, replay
from evenhand.audit.seal import seal
from evenhand.audit.signing import countersign, public_key
from evenhand.audit.target.protocol import Reply
from evenhand.audit.target.read import Reader, compile_path
from evenhand.audit.target.render import HEADER, Template
from evenhand.audit.verify import CALLS, MANIFEST, SEAL, WAVES
from evenhand.probes.protocol import Money
from evenhand.reports.html import html


@pytest.fixture(scope="module")
def evidence(tmp_path_factory) -> Evidence:
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> RunFolder:
    return fabricated(tmp_path_factory.mktemp("small") / "run", 120, waves=3)


@pytest.mark.prove
def test_everything_here_at_length():
    words = ["-m", "not prove", "-q", "-p", "no:cacheprovider", str(Path(__file__).parent)]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pytest")), *words],
        env={**os.environ, MANY: "1500"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]


# --------------------------------------------------------------------------------------- plans

TEXTS = [PLAN % http("http://127.0.0.1:9/quote"), PLAN % python("shop:quote")]


@few
@given(st.text(max_size=300))
def test_noise_for_a_plan(text):
    with only_our_errors():
        parse(text, Path("plan.yaml"))


@few
@given(st.sampled_from(TEXTS), edits)
def test_a_plan_gone_bad(text, changes):
    with folder() as where:
        (where / "people.csv").write_text(PEOPLE, "utf-8")
        (where / "plan.yaml").write_bytes(gone_bad(text.encode(), changes))
        with only_our_errors():
            load(where / "plan.yaml")


@few
@given(st.dictionaries(st.sampled_from(
    ["evenhand", "audit", "seed", "target", "personas", "probes", "controls", "budget", "items"]
), plain, max_size=6))  # fmt: skip
def test_a_plan_of_anything(tree):
    with only_our_errors():
        parse(json.dumps(tree, allow_nan=True), Path("plan.yaml"))


# -------------------------------------------------------------------------- locks, records, annex


@few
@given(edits)
def test_a_lock_gone_bad(evidence, changes):
    with only_our_errors():
        Lock.from_bytes(gone_bad(evidence.parts["plan.lock.json"], changes))


@few
@given(st.binary(max_size=200))
def test_noise_for_everything_that_is_read(evidence, data):
    with folder() as where:
        path = where / "file"
        path.write_bytes(data)
        readers: tuple[Callable[[], object], ...] = (
            lambda: Lock.from_bytes(data),
            lambda: checked(path),
            lambda: public_key(path),
            lambda: Journal.look(path).close(),
            lambda: countersign(data, evidence.key),
        )
        for read in readers:
            with only_our_errors():
                read()


@few
@given(edits, edits)
def test_a_record_and_an_annex_gone_bad(evidence, changes, more):
    with folder() as where:
        run = RunFolder(where)
        run.record.write_bytes(gone_bad(evidence.parts["record.json"], changes))
        run.annex.write_bytes(gone_bad(evidence.parts["annex.jsonl"], more))
        with only_our_errors():
            run.read_record()
        with only_our_errors():
            run.read_annex()


@few
@given(plain)
def test_a_record_of_anything(tree):
    with folder() as where:
        run = RunFolder(where)
        run.record.write_text(json.dumps(tree), "utf-8")
        run.annex.write_text(json.dumps(tree) + "\n", "utf-8")
        with only_our_errors():
            run.read_record()
        with only_our_errors():
            assert all(isinstance(one, dict) for one in run.read_annex())


# ------------------------------------------------------------------------------ bundles, journals


@few
@given(edits)
def test_a_bundle_gone_bad(evidence, changes):
    with folder() as where:
        path = where / "b.zip"
        path.write_bytes(gone_bad(evidence.data, changes))
        with only_our_errors():
            checked(path)


@few
@given(
    st.sampled_from([MANIFEST, SEAL, "record.json", "plan.lock.json", "plan.json", "annex.jsonl"]),
    plain,
    st.booleans(),
)
def test_a_bundle_of_anything_in_well_made_files(evidence, name, tree, again):
    parts = {**evidence.parts, name: json.dumps(tree).encode()}
    if again and name not in {MANIFEST, SEAL}:
        parts = rehashed(parts, [])
    with folder() as where, only_our_errors():
        checked(put_together(where / "b.zip", parts))


@few
@given(
    st.sampled_from(["plan.yaml", "record.json", "content.json", "plan.lock.json",
                     "inputs/population.csv", CALLS, WAVES]),
    edits,
)  # fmt: skip
def test_recomputing_from_a_forged_bundle(evidence, name, changes):
    """Every hash is made again by the forger, so what is read is read in earnest."""
    from tests.audit.evidence_for_tests import packed, unpacked

    data = evidence.parts[name]
    if name in {CALLS, WAVES}:
        parts = {**evidence.parts, name: packed([gone_bad(b"\n".join(unpacked(data)), changes)])}
    else:
        parts = {**evidence.parts, name: gone_bad(data, changes)}
    with folder() as where, only_our_errors():
        path = put_together(where / "b.zip", rehashed(parts, []))
        with opened(path) as case:
            replay(case)


@few
@given(edits)
def test_a_journal_gone_bad(small, changes):
    with folder() as where:
        run = RunFolder(Path(shutil.copytree(small.path, where / "run")))
        run.journal.write_bytes(gone_bad(run.journal.read_bytes(), changes))
        with only_our_errors():
            seal(run.path)


@few
@given(
    st.sampled_from(["headers", "body", "error", "status", "seconds"]),
    st.text(max_size=20) | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=20),
)
def test_a_journal_of_anything_in_well_made_rows(small, column, value):
    with folder() as where:
        run = RunFolder(Path(shutil.copytree(small.path, where / "run")))
        connection = sqlite3.connect(run.journal)
        try:
            connection.execute(f"UPDATE answer SET {column} = ? WHERE call = 7", (value,))  # noqa: S608 - from the list above
            connection.commit()
        except sqlite3.Error:
            return  # the table itself refuses it
        finally:
            connection.close()
        with only_our_errors():
            seal(run.path)


# -------------------------------------------------------------- what vendors say, what people read

RESPONSE = Response(final="$.price", list="$.list[0].price", currency="$.currency")
MONEY = Money(currency="CNY", unit="fen", per="night", minor=100)
bodies = st.binary(max_size=80) | plain.map(lambda tree: json.dumps(tree).encode())


@few
@given(
    bodies,
    st.integers(-1, 1000),
    st.dictionaries(st.sampled_from(["retry-after", "date", "content-type"]), st.text(max_size=20)),
    st.none() | st.sampled_from(["network", "format", "ceiling", "?"]),
)
def test_whatever_a_vendor_says_is_an_answer_or_a_failure(body, status, headers, error):
    reply = Reply(status=status, body=body, headers=headers, error=error)
    said = Reader(RESPONSE, MONEY).answers(reply)
    assert len(said.kind) == 1
    for column in said.values.values():
        assert (said.kind[0] == 0) == bool(column[0] >= 0)


@few
@given(st.text(max_size=40))
def test_a_path_of_anything(text):
    with only_our_errors():
        compile_path(f"$.{text}")({"a": 1})
    with only_our_errors():
        compile_path(text)({"a": [1, {"b": 2}]})


@few
@given(st.recursive(st.text(max_size=12), lambda one: st.dictionaries(st.text(max_size=5), one)))
def test_a_template_of_anything(tree):
    with only_our_errors():
        Template.json(tree)
    with only_our_errors():
        Template.line(str(tree), HEADER)


@few
@given(
    st.lists(st.fixed_dictionaries({"kind": st.sampled_from(["note", "reply", "review", "waiver"]),
                                    "by": st.text(), "text": st.text()}), max_size=3),
    st.text(),
    st.sampled_from(["zh", "en"]),
)  # fmt: skip
def test_a_report_of_anything_has_no_script(entries, words, language):
    record = samples().record()
    audit = record.content.setting.model_copy(update={"vendor": words, "conflicts": words})
    content = record.content.model_copy(update={"setting": audit})
    base = {"role": "", "time": "2026-11-23T00:00:00+00:00", "record_sha256": "", "previous": ""}
    page = html(
        record.model_copy(update={"content": content}), [base | one for one in entries], language
    )
    assert "<script" not in page.lower()
