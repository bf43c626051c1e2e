"""Finished runs without a vendor: for tests and benchmarks of what is sealed.

Their answers follow a small law of prices, so a million calls take seconds; plan, lock, waves and
the hashes of requests are the real ones.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evenhand.audit.annex import add
from evenhand.audit.bundle import entry, write
from evenhand.audit.compose import record
from evenhand.audit.folder import RunFolder
from evenhand.audit.journal import Journal
from evenhand.audit.planfile import load
from evenhand.audit.run import Audit, begin, prepare, reopen, run
from evenhand.audit.seal import fingerprint, seal, sign_lock
from evenhand.audit.signing import envelope
from evenhand.audit.verify import (
    CALLS,
    CONTENT,
    LOCK,
    MANIFEST,
    SEAL,
    STATEMENT,
    TOKEN,
    WAVES,
    Bundle,
    Tree,
    dumps,
    statement,
)
from evenhand.audit.verify import PLAN as PLAN_JSON
from evenhand.probes.design import Wave
from evenhand.reports import write as write_reports

HERE = Path(__file__).parent
PEOPLE = "age\n" + "\n".join(map(str, range(20, 80))) + "\n"
PLAN = """\
evenhand: 1
audit: {title: {zh: 手机与报价, en: Phones and quotes}, vendor: a stranger, commissioned_by: us,
        paid_by: us, conflicts: none}
seed: 7
target:
%s
  money: {currency: CNY, unit: yuan, per: night, includes: [tax]}
personas:
  population: people.csv
  attributes:
    device:
      role: ability_to_pay
      reference: old
      levels: [new]
      label: {zh: 手机, en: phone}
      because: {zh: 手机不该影响报价。, en: A phone should not move a price.}
    nights: {role: condition, levels: [1, 2], label: {zh: 晚数, en: nights}}
probes:
  - use: pricing.twins
    treat: [device]
    tolerance:
      ratio: 5%%
      share: 20%%
      beyond: 10%%
      because: {zh: 看得见的差别。, en: A difference that one can see.}
controls: {positive: {attribute: nights, from: 1, to: 2, expect: dearer}}
budget: {queries: 1000}
report: {languages: [en], formats: [json]}
"""
REQUEST = (
    '{id: "{{identity}}", device: "{{persona.device}}", age: "{{persona.age}}",'
    ' nights: "{{persona.nights}}"}'
)
PYTHON = "  kind: python\n  function: %s\n  table: %s\n  request: " + REQUEST
HTTP = (
    "  kind: http\n  url: %s\n  request: " + REQUEST + "\n  headers: %s\n"
    '  response: {final: "$.price", currency: "$.currency"}'
)
SECONDS = 1_800_000_000
_ROWS = 10_000


def planned(folder: Path, target: str, name: str = "plan.yaml", **changes: str) -> Path:
    """Write a plan with its population and return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.csv").write_text(PEOPLE, "utf-8")
    text = PLAN % target
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / name).write_text(text, "utf-8")
    return folder / name


def python(function: str, *, table: bool = False) -> str:
    return PYTHON % (function, "true" if table else "false")


def http(url: str, headers: str = "{}") -> str:
    return HTTP % (url, headers)


@cache
def samples() -> Any:
    path = HERE.parent / "reports" / "samples.py"
    spec = importlib.util.spec_from_file_location("samples", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fabricated(folder: Path, calls: int, *, waves: int = 40) -> RunFolder:
    """Return a run folder of so many calls over HTTP, as if a vendor had answered.

    The record is a sample's that commits to these waves: it verifies, and does not follow.
    """
    plan = planned(folder.with_name(folder.name + "-plan"), http("http://127.0.0.1:9/quote"))
    made = begin(prepare(load(plan)), folder)
    audit, _ = reopen(folder)
    lengths = [len(part) for part in np.array_split(np.arange(calls), waves)]
    designs = [_wave(length, number) for number, length in enumerate(lengths)]
    with Journal.open(made.journal) as journal:
        hashes = [journal.open_wave(n, "pricing.twins", wave) for n, wave in enumerate(designs)]
    connection = sqlite3.connect(made.journal)
    for number, wave in enumerate(designs):
        _fill(connection, audit, number, wave)
    connection.commit()
    connection.close()
    sample = samples().record()
    changes = {"plan_sha256": audit.lock.plan_sha256, "lock_sha256": audit.lock.sha256}
    content = sample.content.model_copy(update={**changes, "waves": hashes})
    made.write_record(record(content, sample.run))
    return made


def _wave(n: int, number: int) -> Wave:
    block = np.arange(n) // 3
    arm = np.arange(n) % 3
    return Wave.of_single_trials(
        item=np.full(n, -1),
        block=block,
        again=np.full(n, -1),
        identity=np.full(n, -1),
        arm=arm,
        persona=(block * 7 + number) % 60,
        overrides={"device": np.where(arm >= 2, 1, -1), "nights": block % 2},
    )


def _fill(connection: sqlite3.Connection, audit: Audit, number: int, wave: Wave) -> None:
    target = audit.target(offline=True)
    (start,) = connection.execute("SELECT coalesce(max(id), 0) FROM call").fetchone()
    for first in range(0, len(wave), _ROWS):
        rows = range(first, min(len(wave), first + _ROWS))
        hashes = [target.render(audit.asked, wave, number, slice(i, i + 1)).sha256() for i in rows]
        connection.executemany(
            "INSERT INTO call VALUES (?, ?, ?, 1, 1, ?)",
            [(start + i + 1, number, i, one) for i, one in zip(rows, hashes, strict=True)],
        )
        answers = list(_answers(start, rows))
        connection.executemany("INSERT INTO answer VALUES (?, ?, ?, 200, NULL, ?, ?)", answers)


def _answers(start: int, rows: range) -> Iterator[tuple[Any, ...]]:
    for i in rows:
        at = SECONDS + (start + i) / 100
        headers = f'{{"content-type":"application/json","date":"{_date(int(at))}"}}'
        body = f'{{"price":{300 + (start + i) % 7000 / 100:.2f},"currency":"CNY"}}'
        yield start + i + 1, at, 0.012, headers, body.encode()


@cache
def _date(second: int) -> str:
    from email.utils import formatdate

    return formatdate(second, usegmt=True)


# ------------------------------------------------------------------------- bundles, taken apart

Parts = dict[str, bytes]


@dataclass(frozen=True)
class Evidence:
    """A run, its bundle, who signed it; and another run's bundle, to swap parts with."""

    run: Path
    bundle: Path
    other: Path
    key: Ed25519PrivateKey
    stranger: Ed25519PrivateKey

    @property
    def public(self) -> Ed25519PublicKey:
        return self.key.public_key()

    @cached_property
    def data(self) -> bytes:
        return self.bundle.read_bytes()

    @cached_property
    def parts(self) -> Parts:
        return taken_apart(self.bundle)

    @cached_property
    def others(self) -> Parts:
        return taken_apart(self.other)


def prepared_evidence(folder: Path) -> Evidence:
    """Two signed bundles of small finished runs, with an annex, in `folder`."""
    key, stranger = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    made = []
    for name, seed in (("one", "seed: 7"), ("two", "seed: 8")):
        plan = planned(folder / name, python("vendors_for_tests:quote"), **{"seed: 7": seed})
        with importable():
            audit = prepare(load(plan))
            run_folder = begin(audit, folder / name / "run")
            sign_lock(run_folder, key)
            run(audit, run_folder)
        for words in ("A remark.", "Another."):
            add(run_folder, kind="note", by="a member", words=words)
        write_reports(run_folder.read_record(), run_folder.read_annex(), run_folder.path)
        made.append(seal(run_folder.path, keys=[key]).path)
    return Evidence(folder / "one" / "run", made[0], made[1], key, stranger)


def finished_by(
    folder: Path, function: str, seed: int = 7, changes: Mapping[str, str] | None = None
) -> Path:
    """Run the plan against a function, with changes to its text, and return the run folder."""
    plan = planned(folder, python(function), **{"seed: 7": f"seed: {seed}", **(changes or {})})
    with importable():
        audit = prepare(load(plan))
        made = begin(audit, folder / "run")
        run(audit, made)
    return made.path


@contextmanager
def importable() -> Iterator[None]:
    """Let the functions of ``vendors_for_tests`` be found by their module's name."""
    sys.path.insert(0, str(HERE))
    try:
        yield
    finally:
        sys.path.remove(str(HERE))


def taken_apart(path: Path) -> Parts:
    """Every file of a bundle, in order."""
    with path.open("rb") as file:
        bundle = Bundle(file)
        return {name: bundle.read(name) for name in bundle.files}


def unpacked(data: bytes) -> list[bytes]:
    return gzip.decompress(data).splitlines()


def packed(lines: list[bytes]) -> bytes:
    return gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)


def put_together(path: Path, parts: Parts) -> Path:
    """Write a bundle of these parts as they are, right in every byte that holds it together."""
    write(path, list(parts.items()))
    return path


def rehashed(parts: Parts, keys: list[Ed25519PrivateKey] | None) -> Parts:
    """The parts as a forger leaves them who knows the format: every hash is made again.

    `keys`: who signs the new statement; None keeps the old envelope.
    """
    inner = {name: data for name, data in parts.items() if name not in {MANIFEST, SEAL, TOKEN}}
    tables = {name: unpacked(inner[name]) for name in (CALLS, WAVES) if name in inner}
    sizes = {name: sum(len(line) + 1 for line in lines) for name, lines in tables.items()}
    files = [entry(name, data, sizes.get(name)) for name, data in sorted(inner.items())]
    tree = Tree()
    for line in (*tables.get(CALLS, ()), *map(dumps, files)):
        tree.add(line)
    head = {"calls": len(tables.get(CALLS, ())), "evenhand": 1, "files": files}
    manifest = dumps({**head, "root": tree.root()})
    digests = {name: fingerprint(inner.get(name, b"")) for name in (CONTENT, LOCK, PLAN_JSON)}
    payload = statement(tree.root(), {**digests, MANIFEST: fingerprint(manifest)})
    sealed = parts[SEAL] if keys is None else envelope(STATEMENT, payload, keys)
    return {**dict(sorted(inner.items())), MANIFEST: manifest, SEAL: sealed}


def edited_record(parts: Parts) -> Parts:
    """The parts with a friendlier record, its content hashed again, and what would object gone."""
    record_ = json.loads(parts["record.json"])
    finding = record_["content"]["findings"][0]
    finding["verdict"] = "established" if finding["verdict"] != "established" else "cleared"
    finding["effect"]["estimate"] = 0.5
    content = rfc8785.dumps(record_["content"])
    record_["content_sha256"] = fingerprint(content)
    left = {name: data for name, data in parts.items() if name != "annex.jsonl"}
    return {**left, "record.json": json.dumps(record_).encode(), CONTENT: content}
