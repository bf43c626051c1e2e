"""The verifier: what it needs, what it names, and what no bundle can make it do."""

from __future__ import annotations

import ast
import gzip
import io
import json
import shutil
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import pytest
from tests.audit.evidence_for_tests import (
    packed,
    prepared_evidence,
    put_together,
    rehashed,
    unpacked,
)

import evenhand.audit.verify as verifier
from evenhand.audit.bundle import checked
from evenhand.audit.proofs import statement_of
from evenhand.audit.seal import attach, readme
from evenhand.audit.signing import public_pem
from evenhand.audit.verify import CALLS, MANIFEST, RATIO, SEAL, Wrong, dumps, verify
from evenhand.errors import EvidenceError, UsageError

OWN = Path(verifier.__file__)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


# --------------------------------------------------------------------- one file, on its own


def test_it_needs_the_standard_library_and_cryptography():
    tree = ast.parse(OWN.read_text("utf-8"))
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
        if name
    }  # fmt: skip
    assert names - set(sys.stdlib_module_names) == {"cryptography"}


def test_it_can_be_read_in_one_sitting():
    lines = [line for line in OWN.read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 300


def run_alone(evidence, folder, *words):
    (folder / "verify.py").write_bytes(evidence.parts["verify.py"])
    command = [sys.executable, "-I", "-W", "error", str(folder / "verify.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_the_copy_inside_is_this_one_and_runs_alone(evidence, tmp_path):
    assert evidence.parts["verify.py"] == OWN.read_bytes()
    public = tmp_path / "auditor.pub.pem"
    public.write_bytes(public_pem(evidence.public))
    said = run_alone(evidence, tmp_path, evidence.bundle, public)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (0, "OK"), said
    assert verify(evidence.bundle)["root"] in said.stdout


def test_alone_it_names_what_is_wrong(evidence, tmp_path):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(evidence.data[:-1])
    said = run_alone(evidence, tmp_path, bad)
    assert (said.returncode, said.stdout) == (5, "WRONG not_a_bundle: the end\n")
    public = tmp_path / "stranger.pem"
    public.write_bytes(public_pem(evidence.stranger.public_key()))
    said = run_alone(evidence, tmp_path, evidence.bundle, public)
    assert said.returncode == 5
    assert "not_signed_by" in said.stdout
    assert run_alone(evidence, tmp_path).returncode == 5
    assert run_alone(evidence, tmp_path, "nowhere.zip").returncode == 5


# ----------------------------------------------------------------------- what it names


def changed(evidence, **files):
    return {**evidence.parts, **{name.replace("__", "."): data for name, data in files.items()}}


@pytest.mark.parametrize(
    ("code", "where", "change"),
    [
        ("changed", "record.json", lambda p: {**p, "record.json": p["record.json"] + b" "}),
        ("files", "plan.yaml", lambda p: {n: d for n, d in p.items() if n != "plan.yaml"}),
        ("missing", "manifest.json", lambda p: {n: d for n, d in p.items() if n != MANIFEST}),
        ("not_canonical", MANIFEST, lambda p: {**p, MANIFEST: p[MANIFEST] + b" "}),
        ("malformed", SEAL, lambda p: {**p, SEAL: b"{}"}),
        ("malformed", MANIFEST, lambda p: {**p, MANIFEST: b"[" * 100_000}),
    ],
)
def test_what_is_wrong_and_where(evidence, tmp_path, code, where, change):
    path = put_together(tmp_path / "b.zip", change(evidence.parts))
    with pytest.raises(Wrong) as caught:
        verify(path)
    assert (caught.value.code, caught.value.where) in {(code, where), ("not_canonical", where)}
    with pytest.raises(EvidenceError) as told:
        checked(path)
    assert told.value.exit_code == 5
    assert where in told.value.text("zh")
    assert where in told.value.text("en")


def test_a_line_is_named_by_its_number(evidence, tmp_path):
    lines = unpacked(evidence.parts[CALLS])
    lines[16], lines[17] = lines[17], lines[16]
    parts = rehashed({**evidence.parts, CALLS: packed(lines)}, [evidence.key])
    with pytest.raises(Wrong) as caught:
        verify(put_together(tmp_path / "b.zip", parts))
    assert (caught.value.code, caught.value.where) == ("order", f"{CALLS}, line 17")


def test_a_bundle_that_is_not_there_is_a_mistake_of_the_command(tmp_path):
    with pytest.raises(UsageError):
        checked(tmp_path / "nowhere.zip")


# -------------------------------------------------------------------------- hostile zips


def zipped(*files: tuple[str, bytes], **how) -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as file:
        warnings.simplefilter("ignore")  # a name twice is the point
        for name, data in files:
            file.writestr(zipfile.ZipInfo(name), data, **how)
    return out.getvalue()


def linked() -> bytes:
    info = zipfile.ZipInfo("record.json")
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(info, "/etc/passwd")
    return out.getvalue()


HOSTILE = {
    "traversal": lambda: zipped(("../../escaped", b"x")),
    "absolute": lambda: zipped(("/elsewhere/escaped", b"x")),
    "windows": lambda: zipped(("..\\escaped", b"x")),
    "drive": lambda: zipped(("C:escaped", b"x")),
    "hidden": lambda: zipped((".ssh/authorized_keys", b"x")),
    "empty name": lambda: zipped(("", b"x")),
    "nul": lambda: zipped(("a", b"x")).replace(b"a", b"\0"),
    "link": linked,
    "twice": lambda: zipped(("record.json", b"1"), ("record.json", b"2")),
    "a bomb": lambda: zipped(("record.json", bytes(50_000_000)), compress_type=zipfile.ZIP_DEFLATED),
    "folder": lambda: zipped(("reports/", b"")),
    "nothing": zipped,
    "not a zip": lambda: b"PK\5\6" * 20,
    "empty": lambda: b"",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused_and_nothing_is_written(tmp_path, name):
    path = tmp_path / "in" / "hostile.zip"
    path.parent.mkdir()
    path.write_bytes(HOSTILE[name]())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Wrong):
        verify(path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name", ["../escaped", "/elsewhere/escaped", "a\\b", "a//b", ".hidden", "a/../b"]
)
def test_a_well_made_bundle_with_a_bad_name_is_refused(evidence, tmp_path, name):
    path = put_together(tmp_path / "b.zip", {name: b"x", **evidence.parts})
    with pytest.raises(Wrong) as caught:
        verify(path)
    assert caught.value.code == "name"


@pytest.mark.parametrize("honest", [True, False])
def test_a_table_that_swells_is_left_in_time_and_memory(evidence, tmp_path, honest):
    line, times = b" " * (1 << 20), 200
    bomb = gzip.compress(line * times, mtime=0)
    parts = rehashed({**evidence.parts, CALLS: bomb}, [evidence.key])
    if not honest:  # says that it is as long as may be
        manifest = json.loads(parts[MANIFEST])
        for one in manifest["files"]:
            if one["path"] == CALLS:
                one["unpacked"] = RATIO * len(bomb)
        parts[MANIFEST] = dumps(manifest)
    path = put_together(tmp_path / "b.zip", parts)
    tracemalloc.start()
    with pytest.raises(Wrong) as caught:
        verify(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "swells"
    assert peak < 300_000_000


def test_numbers_too_long_to_be_read_and_deep_trees_are_malformed(evidence, tmp_path):
    for data in (b'{"a":' + b"9" * 10_000 + b"}", b"[" * 50_000 + b"]" * 50_000, b"\xff", b""):
        parts = rehashed({**evidence.parts, "record.json": data}, [evidence.key])
        with pytest.raises(Wrong) as caught:
            verify(put_together(tmp_path / "b.zip", parts))
        assert caught.value.code == "malformed"


# --------------------------------------------------------------- by other people's tools

openssl = pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("unzip") is None,
    reason="needs the openssl and unzip programs",
)


@openssl
def test_the_recipe_of_the_readme_checks_the_signature_by_openssl_alone(evidence, tmp_path):
    text = readme()
    recipe = text[text.index("by openssl alone:") :].splitlines()[1:7]
    commands = "\n".join(line.partition("     (as")[0] for line in recipe)
    commands = commands.replace("THIS", "bundle.zip")
    shutil.copy(evidence.bundle, tmp_path / "bundle.zip")
    (tmp_path / "auditor.pub.pem").write_bytes(public_pem(evidence.public))

    def tried() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", commands], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    said = tried()
    assert said.returncode == 0, said
    assert "Signature Verified Successfully" in said.stdout
    digest = said.stdout.split()[-1]
    signed = json.loads((tmp_path / "statement.json").read_text("utf-8"))
    assert digest in {one["digest"]["sha256"] for one in signed["subject"]}
    (tmp_path / "auditor.pub.pem").write_bytes(public_pem(evidence.stranger.public_key()))
    assert tried().returncode != 0


@openssl
def test_a_real_time_token_is_taken_in_and_one_about_something_else_is_not(evidence, tmp_path):
    bundle = tmp_path / "bundle.zip"
    shutil.copy(evidence.bundle, bundle)
    (tmp_path / "statement").write_bytes(statement_of(bundle))
    (tmp_path / "other").write_bytes(b"something else")
    (tmp_path / "tsa.cnf").write_text(TSA, "utf-8")

    def shell(line: str) -> None:
        subprocess.run(line.split(), cwd=tmp_path, check=True, capture_output=True)

    shell("openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -days 2"
          " -config tsa.cnf -extensions tsa")  # fmt: skip
    (tmp_path / "serial").write_text("01\n")
    for name in ("statement", "other"):
        shell(f"openssl ts -query -data {name} -sha256 -cert -out {name}.tsq")
        shell(f"openssl ts -reply -config tsa.cnf -section stamp -queryfile {name}.tsq"
              f" -inkey tsa.key -signer tsa.pem -out {name}.tsr")  # fmt: skip
    with pytest.raises(EvidenceError, match="time token"):
        attach(bundle, token=(tmp_path / "other.tsr").read_bytes())
    assert bundle.read_bytes() == evidence.data
    attach(bundle, token=(tmp_path / "statement.tsr").read_bytes())
    found = verify(bundle, [evidence.public])
    assert found["time_token"]
    assert found["root"] == verify(evidence.bundle)["root"]
    attach(bundle, key=evidence.stranger)
    assert verify(bundle, [evidence.public, evidence.stranger.public_key()])["time_token"]
    shell("openssl ts -verify -data statement -in statement.tsr -CAfile tsa.pem")


TSA = """
[req]
distinguished_name = name
prompt = no
[name]
CN = A time stamping authority
[tsa]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[stamp]
serial = serial
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
"""
