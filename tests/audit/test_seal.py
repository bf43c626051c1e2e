"""What is sealed: canonical, whole, the same again, under a root that others can compute."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sqlite3
import stat

import numpy as np
import pytest
import rfc8785
from tests.audit.evidence_for_tests import (
    fabricated,
    http,
    importable,
    planned,
    prepared_evidence,
    python,
    taken_apart,
    unpacked,
)

from evenhand.audit.annex import add
from evenhand.audit.bundle import Packed, amount
from evenhand.audit.compose import record as composed
from evenhand.audit.folder import RunFolder
from evenhand.audit.journal import Journal
from evenhand.audit.lock import Lock
from evenhand.audit.merkle import Proof, leaf_hash, prove, root
from evenhand.audit.planfile import load
from evenhand.audit.proofs import prove_trial
from evenhand.audit.run import begin, prepare, run
from evenhand.audit.seal import attach, seal, sign_lock
from evenhand.audit.signing import make_key, private_key, public_key
from evenhand.audit.taken import seen, told
from evenhand.audit.verify import CALLS, MANIFEST, SEAL, WAVES, Tree, dumps, keyid, verify
from evenhand.errors import EvidenceError, UsageError


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


# ------------------------------------------------------------------------ trees, by the standard

RFC_6962_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Roots over the first leaves of the test vectors of Certificate Transparency."""
LEAVES = [
    bytes.fromhex(one)
    for one in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip


@pytest.mark.parametrize("size", RFC_6962_ROOTS)
def test_roots_are_those_of_certificate_transparency(size):
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.add(leaf)
    assert tree.root() == RFC_6962_ROOTS[size] == root([leaf_hash(x) for x in LEAVES[:size]]).hex()


@pytest.mark.parametrize("size", [*range(1, 20), 100, 255, 256, 257])
def test_every_leaf_has_a_proof_and_no_other_leaf_fits_it(size):
    leaves = [str(i).encode() for i in range(size)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    top = root(hashes)
    for i, leaf in enumerate(leaves):
        proof = prove(hashes, i)
        assert proof.root(leaf) == top
        assert proof.root(leaf + b"x") != top
        elsewhere = Proof(index=(i + 1) % size, size=size, beside=proof.beside)
        assert size == 1 or elsewhere.root(leaf) != top
    with pytest.raises(IndexError):
        prove(hashes, size)


def test_a_proof_among_a_million_is_short():
    one = prove((bytes(32) for _ in range(1_000_000)), 777_777)
    assert len(one.to_bytes()) <= 1024


# ------------------------------------------------------------------------------ what is inside


def test_calls_are_canonical_by_somebody_elses_writer(evidence):
    for name in (CALLS, WAVES):
        for line in unpacked(evidence.parts[name]):
            assert rfc8785.dumps(json.loads(line)) == line
    for name in (MANIFEST, SEAL, "plan.lock.json", "content.json", "taken.json"):
        assert rfc8785.dumps(json.loads(evidence.parts[name])) == evidence.parts[name]


def test_money_is_whole_minor_units_and_the_vendors_bytes_stand_beside_it(evidence):
    calls = [json.loads(line) for line in unpacked(evidence.parts[CALLS])]
    assert len(calls) > 100
    for call in calls:
        said = json.loads(call["answer"]["body"])["final"]
        assert type(call["answer"]["read"]["final"]) is int
        assert call["answer"]["read"]["final"] == round(100 * said)


@pytest.mark.parametrize(
    ("value", "minor", "expected"),
    [(12.34, 100, 1234), (0.07, 100, 7), (1e15 + 0.5, 1, "1000000000000000.5"), (5.0, 1, 5),
     (12.345, 100, "12.345"), (float("nan"), 100, None), (0.0, 100, 0), (1e300, 100, "1e+300")],
)  # fmt: skip
def test_an_amount_is_exact_or_is_text(value, minor, expected):
    found = amount(value, minor)
    assert found == expected
    assert type(found) is type(expected)


def test_every_cent_of_a_wide_range_comes_back():
    cents = np.arange(0, 2_000_000, 37)
    assert [amount(float(c) / 100, 100) for c in cents] == cents.tolist()


def test_the_bundle_holds_what_a_reader_needs(evidence):
    names = set(evidence.parts)
    assert names >= {
        "README.txt", "verify.py", "plan.yaml", "plan.json", "plan.lock.json", "plan.lock.dsse.json",
        "record.json", "content.json", "annex.jsonl", "taken.json", "inputs/population.csv",
        "reports/report.zh.html", "reports/report.en.html", "rules/provisions.yaml",
        CALLS, WAVES, MANIFEST, SEAL,
    }  # fmt: skip
    assert not any("journal" in name or name.endswith(".pem") for name in names)
    manifest = json.loads(evidence.parts[MANIFEST])
    assert [one["path"] for one in manifest["files"]] == sorted(names - {MANIFEST, SEAL})


def test_annex_a_says_how_it_was_taken(evidence, tmp_path):
    sealed = seal(evidence.run, tmp_path / "b.zip", operator="an auditor", witness="a member")
    taken = json.loads(taken_apart(sealed.path)["taken.json"])
    assert (taken["operator"], taken["witness"]) == ("an auditor", "a member")
    assert taken["address"] == "vendors_for_tests:quote"
    assert len(taken["tool"]["source_sha256"]) == 64
    assert taken["steps"][0]["step"] == "locked"
    assert taken["steps"][1]["at"] <= taken["steps"][2]["at"]
    # what a report says before the sealing is what the sealed file says
    said = told(taken_apart(sealed.path)["taken.json"])
    assert said == seen(RunFolder.existing(evidence.run)) | {"steps": said["steps"]}
    assert [s for s in said["steps"] if "answer" in s["step"]] == seen(
        RunFolder.existing(evidence.run)
    )["steps"]


def test_the_vendors_clock_is_read_from_its_headers(tmp_path):
    folder = fabricated(tmp_path / "run", 600)
    taken = json.loads(taken_apart(seal(folder.path).path)["taken.json"])
    assert taken["clock"]["answers"] == 600
    assert abs(taken["clock"]["median_seconds"]) <= 1
    assert seen(folder)["clock"] == taken["clock"]


# ----------------------------------------------------------------------------- the same again


def test_sealing_again_gives_the_same_bytes(evidence, tmp_path):
    again = seal(evidence.run, tmp_path / "again.zip", keys=[evidence.key]).path
    assert again.read_bytes() == evidence.data


def test_only_signatures_differ_between_signers(evidence, tmp_path):
    bare = taken_apart(seal(evidence.run, tmp_path / "bare.zip").path)
    assert {n for n in bare if bare[n] != evidence.parts[n]} == {SEAL}
    assert verify(tmp_path / "bare.zip")["signers"] == []
    attach(tmp_path / "bare.zip", key=evidence.key)
    assert (tmp_path / "bare.zip").read_bytes() == evidence.data


def test_a_second_signature_joins_the_first(evidence, tmp_path):
    path = tmp_path / "b.zip"
    path.write_bytes(evidence.data)
    attach(path, key=evidence.stranger)
    both = verify(path, [evidence.public, evidence.stranger.public_key()])
    assert len(both["signers"]) == 2
    with pytest.raises(UsageError, match="already"):
        attach(path, key=evidence.key)


def test_sealing_again_keeps_what_others_added(evidence, tmp_path):
    path = tmp_path / "b.evidence.zip"
    path.write_bytes(evidence.data)
    attach(path, key=evidence.stranger)
    before = path.read_bytes()
    assert seal(evidence.run, path, keys=[evidence.key]).path.read_bytes() == before
    assert seal(evidence.run, path).path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_bundle_that_seals_something_else_moves_aside(evidence, tmp_path):
    path = tmp_path / "b.evidence.zip"
    first = seal(evidence.run, path)
    data = path.read_bytes()
    second = seal(evidence.run, path, witness="a member")
    assert second.root != first.root
    aside = tmp_path / f"b.{first.root[:8]}.evidence.zip"
    assert aside.read_bytes() == data
    assert verify(path)["root"] == second.root


def test_a_file_that_is_no_bundle_is_not_overwritten(evidence, tmp_path):
    path = tmp_path / "b.zip"
    path.write_text("a thesis")
    with pytest.raises(UsageError, match="another name"):
        seal(evidence.run, path)
    assert path.read_text() == "a thesis"
    assert [one.name for one in tmp_path.iterdir()] == ["b.zip"]


def test_the_cover_prints_the_root_in_both_languages(evidence, tmp_path):
    sealed = seal(evidence.run, tmp_path / "b.zip", keys=[evidence.key])
    for language in ("zh", "en"):
        cover = sealed.cover(language)
        assert sealed.root in cover
        assert keyid(evidence.public) in cover


def test_a_table_that_would_swell_is_packed_loosely(tmp_path):
    lines = [b'{"a":"%s"}' % (b"x" * 5000)] * 2000
    with Packed(tmp_path / "t.jsonl.gz") as table:
        for line in lines:
            table.add(line)
    data = table.path.read_bytes()
    assert gzip.decompress(data).splitlines() == lines
    assert len(data) * 256 >= table.unpacked


# ------------------------------------------------------------------------------- what is refused


def test_a_run_without_a_record_is_not_sealed(tmp_path):
    made = begin(
        prepare(load(planned(tmp_path, python("vendors_for_tests:quote")))), tmp_path / "r"
    )
    with pytest.raises(UsageError):
        seal(made.path)


def test_a_journal_that_was_changed_is_not_sealed(tmp_path):
    folder = fabricated(tmp_path / "run", 90)
    with sqlite3.connect(folder.journal) as connection:
        connection.execute("UPDATE call SET request_sha256 = zeroblob(32) WHERE id = 5")
    connection.close()
    with pytest.raises(EvidenceError) as caught:
        seal(folder.path)
    assert "line 5" in caught.value.text("en")
    assert not list(folder.path.glob("*.zip*"))
    assert not list(folder.path.glob(".sealing*"))


@pytest.mark.parametrize("value", [-9e15, 1e300, float("inf")])
def test_a_time_that_no_clock_shows_is_named_by_its_line(tmp_path, value):
    folder = fabricated(tmp_path / "run", 90)
    with sqlite3.connect(folder.journal) as connection:
        connection.execute("UPDATE answer SET seconds = ? WHERE call = 7", (value,))
    connection.close()
    with pytest.raises(EvidenceError, match="line 7"):
        seal(folder.path)


def test_a_run_that_goes_on_beyond_its_record_is_not_sealed(tmp_path):
    folder = fabricated(tmp_path / "run", 90)
    with sqlite3.connect(folder.journal) as connection:
        connection.execute("DELETE FROM wave WHERE n = 39")
    connection.close()
    with pytest.raises(EvidenceError, match="resume"):
        seal(folder.path)


def test_a_private_key_never_goes_into_a_bundle(tmp_path):
    folder = fabricated(tmp_path / "run", 90)
    make_key(tmp_path / "k.pem")
    secret = (tmp_path / "k.pem").read_text("utf-8")
    add(folder, kind="note", by="somebody careless", words=secret)
    with pytest.raises(UsageError, match="annex"):
        seal(folder.path)
    assert not list(folder.path.glob("*.zip"))


def test_links_are_not_followed_out_of_the_folder(tmp_path):
    folder = fabricated(tmp_path / "run", 90)
    outside = tmp_path / "outside.html"
    outside.write_text("private")
    (folder.path / "report.zz.html").symlink_to(outside)
    assert "reports/report.zz.html" not in taken_apart(seal(folder.path).path)


def test_the_value_of_a_secret_is_looked_for_before_sealing(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-5f1c9a77")
    target = http("http://127.0.0.1:9/quote", '{authorization: "Bearer ${SHOP_TOKEN}"}')
    made = begin(prepare(load(planned(tmp_path / "p", target))), tmp_path / "run")
    other = fabricated(tmp_path / "other", 90)
    record = other.read_record()
    lock = Lock.from_bytes(made.lock.read_bytes())
    hashes = {"lock_sha256": lock.sha256, "plan_sha256": lock.plan_sha256, "waves": []}
    made.write_record(composed(record.content.model_copy(update=hashes), record.run))
    add(made, kind="note", by="a leak", words="they sent tok-5f1c9a77 back")
    with pytest.raises(UsageError) as caught:
        seal(made.path)
    assert "SHOP_TOKEN" in str(caught.value)
    assert "5f1c9a77" not in str(caught.value)


# ----------------------------------------------------------------------------------------- keys


def test_a_private_key_is_for_its_owner_alone(tmp_path):
    beside = make_key(tmp_path / "new" / "k.pem")
    assert stat.S_IMODE((tmp_path / "new" / "k.pem").stat().st_mode) == 0o600
    assert keyid(public_key(beside)) == keyid(private_key(tmp_path / "new" / "k.pem").public_key())
    assert b"PRIVATE" not in beside.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        make_key(tmp_path / "new" / "k.pem")


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_can_read_is_not_used(tmp_path):
    make_key(tmp_path / "k.pem")
    (tmp_path / "k.pem").chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        private_key(tmp_path / "k.pem")


@pytest.mark.parametrize("data", [b"", b"not a key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_what_is_no_key_is_said_so(tmp_path, data):
    path = tmp_path / "k.pem"
    path.write_bytes(data)
    path.chmod(0o600)
    for read in (private_key, public_key):
        with pytest.raises(UsageError, match="not an Ed25519 key"):
            read(path)
        with pytest.raises(UsageError, match="not an Ed25519 key"):
            read(tmp_path / "nowhere.pem")


def test_bundle_and_run_folder_are_for_their_owner(evidence):
    assert stat.S_IMODE(evidence.bundle.stat().st_mode) == 0o600
    assert stat.S_IMODE(evidence.run.stat().st_mode) == 0o700
    for path in evidence.run.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0, path


# ------------------------------------------------------------------- before the first call


def test_the_lock_is_signed_before_the_first_call_or_not_at_all(tmp_path, evidence):
    audit = prepare(load(planned(tmp_path, python("vendors_for_tests:quote"))))
    folder = begin(audit, tmp_path / "run")
    sign_lock(folder, evidence.key)
    sign_lock(folder, evidence.key)
    with pytest.raises(UsageError, match="first"):
        sign_lock(folder, evidence.stranger)
    (folder.path / "plan.lock.dsse.json").unlink()
    with importable():
        run(audit, folder)
    with pytest.raises(UsageError, match="first"):
        sign_lock(folder, evidence.key)
    assert verify(seal(folder.path).path)["lock_signers"] == []
    assert verify(evidence.bundle)["lock_signers"] == [keyid(evidence.public)]


def test_a_trial_is_proved_under_the_root_in_a_kilobyte(evidence):
    record = json.loads(evidence.parts["record.json"])
    name = f"{record['content']['plan_sha256'][:8]}-2-5"
    found = prove_trial(evidence.bundle, name)
    call = json.loads(found["leaf"])
    assert (call["wave"], call["first"]) == (2, 5)
    raw = base64.urlsafe_b64decode(found["proof"]["path"])
    proof = Proof(
        index=found["proof"]["index"],
        size=found["proof"]["size"],
        beside=tuple(raw[i : i + 32] for i in range(0, len(raw), 32)),
    )
    assert proof.root(found["leaf"].encode()).hex() == verify(evidence.bundle)["root"]
    assert len(dumps(found["proof"])) <= 1024
    for wrong in ("00000000-2-5", f"{name}000", "nonsense", f"{name[:9]}99-1"):
        with pytest.raises(UsageError):
            prove_trial(evidence.bundle, wrong)


def test_fabricated_runs_verify(tmp_path):
    assert verify(seal(fabricated(tmp_path / "run", 400).path).path)["calls"] == 400


# ------------------------------------------------------------------------ what lies beside a journal


def test_a_journal_that_was_set_aside_is_sealed_too(tmp_path):
    folder = fabricated(tmp_path / "run", 120, waves=3)
    aside = folder.path / "journal.unanswered-1.sqlite"
    aside.write_bytes(folder.journal.read_bytes())
    sealed = seal(folder.path)
    verify(sealed.path)
    assert taken_apart(sealed.path)[f"set-aside/{aside.name}"] == aside.read_bytes()


def test_sealing_leaves_nothing_beside_the_journal(tmp_path):
    folder = fabricated(tmp_path / "run", 120, waves=3)
    first = seal(folder.path).path.read_bytes()
    beside = [path.name for path in folder.path.glob("journal.sqlite-*")]
    assert beside == []
    assert seal(folder.path).path.read_bytes() == first


def test_a_journal_that_a_run_writes_is_left_alone(tmp_path):
    folder = fabricated(tmp_path / "run", 120, waves=3)
    with Journal.open(folder.journal) as journal:
        folder.fold_journal()
        assert (folder.path / "journal.sqlite-wal").exists()
        assert len(journal.waves()) == 3
