"""The commands about evidence, as a person meets them: in order, in both languages, with their codes."""

from __future__ import annotations

import json
import re
import shutil
import stat

import pytest
from tests.cli.shell import asks, evenhand, plan

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A key, and a run whose lock it signed."""
    folder = tmp_path_factory.mktemp("place")
    made = evenhand("keys", "make", folder / "auditor.pem", "--lang", "en")
    assert made.code == 0, made.text
    said = evenhand(
        "run", plan(folder, asks()), "--out", folder / "run", "--key", folder / "auditor.pem"
    )
    assert said.code == 0, said.text
    return folder


@pytest.fixture(scope="module")
def bundle(place):
    said = evenhand("seal", place / "run", "--key", place / "auditor.pem", "--lang", "en")
    assert said.code == 0, said.text
    return place / "run" / "run.evidence.zip"


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    """A run of the same vendor, which has become dearer for a new phone."""
    folder = tmp_path_factory.mktemp("dear")
    assert evenhand("run", plan(folder, asks("dear")), "--out", folder / "run").code == 1
    return folder / "run"


def test_a_key_is_made_once_and_shown_without_its_secret(place):
    assert stat.S_IMODE((place / "auditor.pem").stat().st_mode) == 0o600
    assert evenhand("keys", "make", place / "auditor.pem").code == 2
    for name in ("auditor.pem", "auditor.pub.pem"):
        said = evenhand("keys", "show", place / name)
        assert said.code == 0
        assert "BEGIN PUBLIC KEY" in said.out
        assert "PRIVATE" not in said.text
    assert evenhand("keys", "break", place / "auditor.pem").code == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_seal_verify_and_replay_speak_both_languages(place, bundle, language):
    key = ("--key", place / "auditor.pub.pem")
    for words in (("verify", bundle, *key), ("replay", bundle), ("replay", place / "run")):
        said = evenhand(*words, "--lang", language)
        assert said.code == 0, said.text
        assert bool(HAN.search(said.out)) == (language == "zh")
        assert said.err == ""
    cover = (place / "run" / "run.evidence.cover.txt").read_text("utf-8")
    root = evenhand("verify", bundle, "--json").json["root"]
    assert cover.count(root) == 2


def test_verifying_says_who_signed_before_the_first_call_and_when_nobody_is_known(place, bundle):
    found = evenhand("verify", bundle, "--json").json
    assert found["signers"] == found["lock_signers"]
    assert len(found["signers"]) == 1
    said = evenhand("verify", bundle, "--lang", "en")
    assert "not who that is" in said.err
    bare = place / "bare.zip"
    assert evenhand("seal", place / "run", "--out", bare).code == 0
    said = evenhand("verify", bare, "--lang", "en")
    assert (said.code, "nobody signed" in said.err) == (0, True)
    assert evenhand("verify", bare, "--key", place / "auditor.pub.pem").code == 5


def test_a_changed_bundle_is_named_where_it_was_changed_and_ends_with_5(bundle, tmp_path):
    data = bytearray(bundle.read_bytes())
    at = data.index(b'"evenhand":1,"files"')
    data[at + 12] ^= 1
    forged = tmp_path / "forged.zip"
    forged.write_bytes(data)
    for command in ("verify", "replay"):
        said = evenhand(command, forged, "--lang", "en")
        assert said.code == 5
        assert said.out == ""
        assert "plan.lock.json" in said.err
        assert HAN.search(evenhand(command, forged, "--lang", "zh").err)


def test_a_witness_signs_a_bundle_later(place, bundle, tmp_path):
    copy = tmp_path / "b.zip"
    shutil.copy(bundle, copy)
    assert evenhand("keys", "make", tmp_path / "witness.pem").code == 0
    assert evenhand("seal", copy, "--key", tmp_path / "witness.pem").code == 0
    both = ("--key", place / "auditor.pub.pem", "--key", tmp_path / "witness.pub.pem")
    assert evenhand("verify", copy, *both).code == 0
    assert evenhand("verify", bundle, *both).code == 5


def test_statement_and_proof_are_given_out(bundle, tmp_path):
    said = evenhand("verify", bundle, "--statement", tmp_path / "s.json")
    assert said.code == 0
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["predicate"]["root"] in said.out
    record = json.loads((bundle.parent / "record.json").read_text("utf-8"))
    trial = record["content"]["findings"][0]["examples"][0]["treated"]["id"]
    proof = evenhand("verify", bundle, "--proof", trial)
    assert len(json.dumps(proof.json["proof"])) <= 1024
    assert evenhand("verify", bundle, "--proof", "nonsense").code == 2


def test_reports_are_made_again_and_are_the_same(bundle):
    found = evenhand("replay", bundle, "--json").json
    assert found == {"exact": True, "reports": ["reports/report.json"], "reports_other": []}


def test_a_report_that_was_edited_before_sealing_is_told(place, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    text = (run / "report.json").read_text("utf-8")
    (run / "report.json").write_text(text.replace("cleared", "proven fair"), "utf-8")
    assert evenhand("seal", run, "--out", tmp_path / "b.zip").code == 0
    said = evenhand("replay", tmp_path / "b.zip", "--lang", "en")
    assert "report.json" in said.err


def test_two_audits_are_compared(place, bundle, dear):
    same = evenhand("compare", place / "run", bundle, "--json")
    assert (same.code, same.json["changes"][0]["movement"]) == (0, "none")
    for language in ("zh", "en"):
        said = evenhand("compare", bundle, dear, "--lang", language)
        assert said.code == 1
        assert bool(HAN.search(said.out)) == (language == "zh")
    assert evenhand("compare", bundle, place / "nowhere").code == 2


def test_a_recheck_plan_is_written_and_runs(place, tmp_path):
    again = tmp_path / "again.yaml"
    said = evenhand("init", again, "--from", place / "run", "--findings", "F01", "--lang", "en")
    assert said.code == 0, said.text
    assert evenhand("check", again).code == 0
    assert evenhand("run", again, "--out", tmp_path / "run").code == 0
    assert evenhand("compare", place / "run", tmp_path / "run").code == 0
    assert (
        evenhand("init", tmp_path / "x.yaml", "--from", place / "run", "--findings", "F9").code == 2
    )
    assert evenhand("init", again, "--from", place / "run").code == 2


def test_asking_again_allows_for_noise(bundle, tmp_path):
    said = evenhand("replay", bundle, "--live", "--out", tmp_path / "live", "--lang", "en")
    assert said.code == 0, said.text
    assert "no change is shown" in said.out
    assert (tmp_path / "live" / "record.json").is_file()


def test_a_lock_is_not_signed_after_the_first_call(dear, place):
    said = evenhand(
        "run", dear / "plan.yaml", "--out", dear, "--key", place / "auditor.pem", "--lang", "en"
    )
    assert said.code == 2
    assert "first" in said.err


def test_every_kind_of_report_is_sealed_and_made_again(place, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(place / "run", run)
    words = ("--kind", "note", "--by", "a member", "--text", "Seen.")
    assert evenhand("annex", run, *words).code == 0
    assert evenhand("report", run, "--format", "html,pdf,json,csv,md").code == 0
    assert evenhand("seal", run, "--out", tmp_path / "b.zip").code == 0
    found = evenhand("replay", tmp_path / "b.zip", "--json").json
    assert len(found["reports"]) == 8
    assert found["reports_other"] == []
