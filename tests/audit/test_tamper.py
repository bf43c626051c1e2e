"""Whoever changes a bundle is caught: generated tamperings of every kind, in every region.

Two forgers are played. One changes bytes where they lie. The other knows the format: takes the
bundle apart, changes something, and makes every hash again; the signature is kept, left out, or
made with a key of their own. An auditor who holds the public key catches both.
"""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.audit.evidence_for_tests import (
    Evidence,
    Parts,
    edited_record,
    packed,
    prepared_evidence,
    put_together,
    rehashed,
    unpacked,
)

from evenhand.audit.verify import CALLS, MANIFEST, SEAL, WAVES, Bundle, Wrong, verify

COUNT, PROVED = 300, 10_000


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    return prepared_evidence(tmp_path_factory.mktemp("evidence"))


# ------------------------------------------------------------------- bytes, where they lie


def regions(evidence: Evidence) -> list[tuple[str, int, int]]:
    """Every region of the file: each file's head and data, the directory, the end."""
    with evidence.bundle.open("rb") as file:
        bundle = Bundle(file)
    found, last = [], 0
    for name, (start, size, _) in bundle.files.items():
        found += [(f"head of {name}", last, start), (name, start, start + size)]
        last = start + size
    whole = len(evidence.data)
    found += [("directory", last, whole - 22), ("end", whole - 22, whole)]
    return [one for one in found if one[1] < one[2]]


def bits(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    where = regions(evidence)
    name, start, stop = where[rng.integers(len(where))]
    data = bytearray(evidence.data)
    for _ in range(rng.integers(1, 4)):
        data[rng.integers(start, stop)] ^= 1 << rng.integers(8)
    return f"bits of {name}", bytes(data)


def cut(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    return "truncated", evidence.data[: rng.integers(len(evidence.data))]


def appended(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    return "appended", evidence.data + rng.bytes(int(rng.integers(1, 100)))


def before(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    return "put before", rng.bytes(int(rng.integers(1, 100))) + evidence.data


def doubled(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    at, size = sorted(rng.integers(0, len(evidence.data), 2).tolist())
    return "doubled", evidence.data[:size] + evidence.data[at:]


def taken_out(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    start = int(rng.integers(len(evidence.data)))
    return "taken out", evidence.data[:start] + evidence.data[start + 1 + rng.integers(50) :]


def commented(evidence: Evidence, rng: np.random.Generator) -> tuple[str, bytes]:
    words = rng.bytes(int(rng.integers(1, 30)))
    return "a comment", evidence.data[:-2] + struct.pack("<H", len(words)) + words


RAW: tuple[Callable[[Evidence, np.random.Generator], tuple[str, bytes]], ...] = (
    bits, bits, bits, bits, bits, bits, cut, appended, before, doubled, taken_out, commented,
)  # fmt: skip


# --------------------------------------------------------------- by one who knows the format


def of_lines(table: str, change: Callable[[list[bytes], np.random.Generator], list[bytes]]):
    def tampered(evidence: Evidence, rng: np.random.Generator) -> Parts:
        lines = change(unpacked(evidence.parts[table]), rng)
        return {**evidence.parts, table: packed(lines)}

    return tampered


def drop(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    del lines[rng.integers(len(lines))]
    return lines


def double(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    at = rng.integers(len(lines))
    return [*lines[:at], lines[at], *lines[at:]]


def exchange(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    a, b = rng.choice(len(lines), 2, replace=False)
    lines[a], lines[b] = lines[b], lines[a]
    return lines


def shorten(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    return lines[: rng.integers(len(lines))]


def lengthen(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    return [*lines, lines[rng.integers(len(lines))]]


def renumbered(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Drop a call and number the rest again, as one does who wants it not to be missed."""
    left = [json.loads(line) for line in drop(lines, rng)]
    return [_canonical({**call, "id": n}) for n, call in enumerate(left, 1)]


def repriced(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    at = rng.integers(len(lines))
    call = json.loads(lines[at])
    call["answer"]["body"] = '{"final":1.5}'
    lines[at] = _canonical(call)
    return lines


def asked_otherwise(lines: list[bytes], rng: np.random.Generator) -> list[bytes]:
    at = rng.integers(len(lines))
    call = json.loads(lines[at])
    call["request"]["body"] = call["request"]["body"].replace("1", "2")
    lines[at] = _canonical(call) if call != json.loads(lines[at]) else lines[at] + b" "
    return lines


def _canonical(value: object) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def file_dropped(evidence: Evidence, rng: np.random.Generator) -> Parts:
    names = [name for name in evidence.parts if name not in {MANIFEST, SEAL}]
    gone = names[rng.integers(len(names))]
    return {name: data for name, data in evidence.parts.items() if name != gone}


def file_added(evidence: Evidence, rng: np.random.Generator) -> Parts:
    return {f"reports/report.{rng.integers(1000)}.html": b"<p>all is well</p>", **evidence.parts}


def swapped(evidence: Evidence, rng: np.random.Generator) -> Parts:
    names = [n for n in evidence.parts if evidence.others.get(n) not in {None, evidence.parts[n]}]
    name = names[rng.integers(len(names))]
    return {**evidence.parts, name: evidence.others[name]}


def annex_edited(evidence: Evidence, rng: np.random.Generator) -> Parts:
    lines = evidence.parts["annex.jsonl"].splitlines(keepends=True)
    if rng.integers(2):
        lines = lines[1:] if rng.integers(2) else lines[::-1]
    else:
        lines[0] = lines[0].replace(b"A remark.", b"No remark.")
    return {**evidence.parts, "annex.jsonl": b"".join(lines)}


def record_edited(evidence: Evidence, _: np.random.Generator) -> Parts:
    return edited_record(evidence.parts)


def sealed_by_another(evidence: Evidence, _: np.random.Generator) -> Parts:
    return {**evidence.parts, SEAL: evidence.others[SEAL]}


def byte_of_a_file(evidence: Evidence, rng: np.random.Generator) -> Parts:
    names = [name for name in evidence.parts if name not in {MANIFEST, SEAL, CALLS, WAVES}]
    name = names[rng.integers(len(names))]
    data = bytearray(evidence.parts[name])
    data[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return {**evidence.parts, name: bytes(data)}


CLEVER = {
    "call dropped": of_lines(CALLS, drop),
    "call doubled": of_lines(CALLS, double),
    "calls exchanged": of_lines(CALLS, exchange),
    "calls cut off": of_lines(CALLS, shorten),
    "call appended": of_lines(CALLS, lengthen),
    "call dropped, the rest renumbered": of_lines(CALLS, renumbered),
    "answer edited": of_lines(CALLS, repriced),
    "request edited": of_lines(CALLS, asked_otherwise),
    "wave dropped": of_lines(WAVES, drop),
    "waves exchanged": of_lines(WAVES, exchange),
    "wave doubled": of_lines(WAVES, double),
    "file dropped": file_dropped,
    "file added": file_added,
    "file of another bundle": swapped,
    "annex edited": annex_edited,
    "record edited": record_edited,
    "seal of another bundle": sealed_by_another,
    "byte of a file": byte_of_a_file,
}

SELF_CONTRADICTING = (
    "call dropped",
    "call doubled",
    "calls exchanged",
    "calls cut off",
    "call appended",
    "call dropped, the rest renumbered",
    "request edited",
    "wave dropped",
    "waves exchanged",
    "wave doubled",
)
"""What shows even where a forger signs as they like, since the record commits to it."""


def forged(evidence: Evidence, name: str, way: int, rng: np.random.Generator) -> tuple[str, Parts]:
    parts = CLEVER[name](evidence, rng)
    ways = {
        0: ("hashes left", lambda: parts),
        1: ("hashed again, old signature", lambda: rehashed(parts, None)),
        2: ("hashed again, no signature", lambda: rehashed(parts, [])),
        3: ("hashed again, signed by a stranger", lambda: rehashed(parts, [evidence.stranger])),
    }
    told, make = ways[way]
    return f"{name}, {told}", make()


# --------------------------------------------------------------------------------- the attack


def one_attack(evidence: Evidence, number: int, path: Path) -> str:
    """Tamper once, by number; return what was done if it was NOT caught, else what it was."""
    rng = np.random.default_rng([20261123, number])
    if number % 2:
        name, data = RAW[(number // 2) % len(RAW)](evidence, rng)
        if data == evidence.data:  # a slice put back where it was: nothing was tampered with
            return ""
        path.write_bytes(data)
    else:
        names = list(CLEVER)
        at = number // 2
        name, parts = forged(evidence, names[at % len(names)], (at // len(names)) % 4, rng)
        if parts == evidence.parts:
            return ""
        put_together(path, parts)
    try:
        verify(path, [evidence.public])
    except Wrong as wrong:
        return f"{name.split(',')[0]}: {wrong.code if wrong.where else ''}"
    return pytest.fail(f"not caught: {number} {name}")


def attack(evidence: Evidence, numbers: range, path: Path) -> Counter[str]:
    return Counter(one_attack(evidence, number, path) for number in numbers)


def test_every_tampering_is_caught(evidence, tmp_path):
    found = attack(evidence, range(COUNT), tmp_path / "forged.zip")
    assert found.pop("", 0) < COUNT / 20
    assert found.total() > COUNT * 0.95
    assert len({name.split(": ")[1] for name in found}) >= 10, found


@pytest.mark.prove
@pytest.mark.parametrize("part", range(10))
def test_ten_thousand_tamperings_are_caught(evidence, tmp_path, part):
    each = PROVED // 10
    found = attack(evidence, range(part * each, (part + 1) * each), tmp_path / "forged.zip")
    assert found.pop("", 0) < each / 20


def test_untouched_bundles_pass(evidence):
    for path in (evidence.bundle, evidence.other):
        assert verify(path, [evidence.public])["signers"]
        assert verify(path)["root"]


def test_taking_apart_and_putting_together_changes_nothing(evidence, tmp_path):
    path = put_together(tmp_path / "again.zip", evidence.parts)
    assert path.read_bytes() == evidence.data
    again = put_together(tmp_path / "hashed.zip", rehashed(evidence.parts, [evidence.key]))
    assert verify(again, [evidence.public])["content_sha256"]


@pytest.mark.parametrize("name", SELF_CONTRADICTING)
def test_what_contradicts_the_record_is_caught_without_any_key(evidence, tmp_path, name):
    for seed in range(4):
        _, parts = forged(evidence, name, 2, np.random.default_rng(seed))
        with pytest.raises(Wrong):
            verify(put_together(tmp_path / "forged.zip", parts))


def test_a_replaced_key_shows_only_to_who_holds_the_right_one(evidence, tmp_path):
    path = put_together(tmp_path / "b.zip", rehashed(evidence.parts, [evidence.stranger]))
    assert verify(path)["signers"] != verify(evidence.bundle)["signers"]
    with pytest.raises(Wrong, match="not_signed_by"):
        verify(path, [evidence.public])
