"""Verify a sealed bundle. This one file stands alone: Python 3.11 and ``cryptography``.

A copy travels in every bundle: ``python verify.py BUNDLE [PUBLIC_KEY.pem ...]`` says what it holds,
or what is wrong and where (exit code 5). It defines the format: every byte of a bundle is hashed by
what is signed, or can have one value only. Nothing that it reads is run or unpacked to disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, SEAL, TOKEN = "manifest.json", "seal.dsse.json", "time.tsr"
LOCK, LOCK_SEAL, PLAN = "plan.lock.json", "plan.lock.dsse.json", "plan.json"
RECORD, CONTENT, ANNEX = "record.json", "content.json", "annex.jsonl"
CALLS, WAVES = "calls.jsonl.gz", "waves.jsonl.gz"
STATEMENT, LOCKED = "application/vnd.in-toto+json", "application/vnd.evenhand.lock+json"
CHUNK, SMALL, LINE, RATIO = 1 << 20, 1 << 26, 1 << 27, 256  # most bytes at once, whole, in a line

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LOCAL, _CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_SURPRISES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Wrong(Exception):  # noqa: N818 - it says what the evidence is, not what a program did
    """What is wrong with a bundle (`code`) and where in it."""

    def __init__(self, code: str, where: str) -> None:
        where = "".join(sign if sign.isprintable() else "?" for sign in where[:200])
        super().__init__(f"{code}: {where}")
        self.code, self.where = code, where


def local(name: str, crc: int, size: int) -> bytes:
    """Return the bytes before a file in a bundle."""
    head = _LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, crc, size, size, len(name), 0)
    return head + name.encode()


def central(name: str, crc: int, size: int, offset: int) -> bytes:
    """Return a file's line in the directory of a bundle: a plain file of 1980, for everybody."""
    place = (0, 0, 0, 0, 0o100644 << 16, offset)
    head = (b"PK\1\2", 788, 20, 0, 0, 0, 33, crc, size, size, len(name), *place)
    return _CENTRAL.pack(*head) + name.encode()


def end(count: int, size: int, offset: int) -> bytes:
    """Return the last bytes of a bundle."""
    return _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)


def pae(kind: str, payload: bytes) -> bytes:
    """Return the bytes that are signed (DSSE v1)."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def dumps(value: Any) -> bytes:
    """Return canonical JSON (RFC 8785) of what holds no fractions and only ASCII keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def unbase64(text: str) -> bytes:
    """Return what was encoded, in the one way in which it can be."""
    if b64encode(data := b64decode(text, validate=True)).decode() == text:
        return data
    raise ValueError(text)


def keyid(public: Ed25519PublicKey) -> str:
    """Return the SHA-256 of a public key in DER: what people compare over the telephone."""
    der, info = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(public.public_bytes(der, info)).hexdigest()


def statement(root: str, digests: Mapping[str, str]) -> bytes:
    """Return what is signed: an in-toto statement about the root, the manifest and commitments."""
    subject = [{"digest": {"sha256": digests[name]}, "name": name} for name in sorted(digests)]
    predicate = {"format": 1, "root": root, "tree": "RFC 6962, SHA-256"}
    head = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:evenhand:seal:v1"}
    return dumps(head | {"predicate": predicate, "subject": subject})


class Tree:
    """The root of an RFC 6962 tree over leaves that come one by one, in logarithmic memory."""

    def __init__(self) -> None:
        self.size, self._peaks = 0, list[bytes]()

    def add(self, leaf: bytes) -> None:
        """Append a leaf."""
        node, size = hashlib.sha256(b"\0" + leaf).digest(), self.size
        while size & 1:
            node = hashlib.sha256(b"\1" + self._peaks.pop() + node).digest()
            size >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> str:
        """Return the root of what was added so far."""
        *rest, node = self._peaks or [hashlib.sha256().digest()]
        for peak in reversed(rest):
            node = hashlib.sha256(b"\1" + peak + node).digest()
        return node.hex()


class Bundle:
    """A bundle, read where it lies; its directory is compared byte by byte when it is opened."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.at, self.files = file, "the end", dict[str, tuple[int, int, int]]()
        size = file.seek(0, 2)
        tail = self._bytes(max(0, size - _END.size), _END.size)
        self.must(len(tail) == _END.size and tail[:4] == b"PK\5\6", "not_a_bundle")
        count, length, start = _END.unpack(tail)[4:7]
        fits = length <= SMALL and start + length + _END.size == size
        self.must(fits and tail == end(count, length, start), "layout")
        directory, place, offset = self._bytes(start, length), 0, 0
        while place < length:
            self.at = f"directory, byte {start + place}"
            self.must(place + _CENTRAL.size <= length, "layout")
            crc, bytes_, _, width = _CENTRAL.unpack_from(directory, place)[7:11]
            name = directory[place + _CENTRAL.size :][:width].decode("ascii", "backslashreplace")
            self.must(_NAME.fullmatch(name) and name not in self.files, "name", ascii(name[:80]))
            line, head = central(name, crc, bytes_, offset), local(name, crc, bytes_)
            self.must(directory.startswith(line, place), "layout", name)
            self.must(self._bytes(offset, len(head)) == head, "layout", name)
            self.files[name] = (offset + len(head), bytes_, crc)
            offset, place = offset + len(head) + bytes_, place + len(line)
        self.must(offset == start and count == len(self.files), "layout")

    def must(self, holds: object, code: str, where: str | None = None) -> None:
        """Go on only where something holds; else say what is wrong, and where."""
        if not holds:
            raise Wrong(code, where or self.at)

    def _bytes(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file in parts."""
        self.at = name
        self.must(name in self.files, "missing")
        offset, size, _ = self.files[name]
        for start in range(0, size, CHUNK):
            yield self._bytes(offset + start, min(CHUNK, size - start))

    def read(self, name: str) -> bytes:
        """Return a small file."""
        self.must(self.files.get(name, (0, 0, 0))[1] <= SMALL, "too_long", name)
        return b"".join(self.chunks(name))

    def json(self, name: str) -> Any:
        """Return what a small JSON file says."""
        return json.loads(self.read(name))

    def sha256(self, name: str) -> str:
        """Return the hash of a file, of any size; its checksum is compared on the way."""
        digest, crc = hashlib.sha256(), 0
        for chunk in self.chunks(name):
            digest.update(chunk)
            crc = zlib.crc32(chunk, crc)
        self.must(crc == self.files[name][2], "changed", name)
        return digest.hexdigest()

    def lines(self, name: str, unpacked: int) -> Iterator[bytes]:
        """Yield the lines of a packed file of `unpacked` bytes, holding few of them at a time."""
        self.must(
            0 <= unpacked <= RATIO * self.files.get(name, (0, 0, 0))[1] + CHUNK, "swells", name
        )
        unpack, held, left = zlib.decompressobj(31), [b""], unpacked
        for chunk in self.chunks(name):
            data = chunk
            while data:
                self.must(not unpack.eof, "malformed", name)
                part = unpack.decompress(data, CHUNK)
                data, left = unpack.unconsumed_tail + unpack.unused_data, left - len(part)
                first, *more = part.split(b"\n")
                held.append(first)
                if more:
                    yield from (b"".join(held), *more[:-1])
                    held = [more[-1]]
                self.must(left >= 0 and sum(map(len, held)) <= LINE, "swells", name)
        self.must(unpack.eof and not any(held) and not left, "malformed", name)

    def signers(self, name: str, kind: str) -> tuple[bytes, list[str]]:
        """Return what an envelope holds and the ids of the keys that signed it."""
        raw, signed = self.read(name), list[str]()
        envelope = json.loads(raw)
        same = dumps(envelope) == raw and set(envelope) == {"payload", "payloadType", "signatures"}
        self.must(same and envelope["payloadType"] == kind, "not_canonical")
        payload = unbase64(envelope["payload"])
        for one in envelope["signatures"]:
            public = Ed25519PublicKey.from_public_bytes(unbase64(one["public"]))
            known = set(one) == {"keyid", "public", "sig"} and one["keyid"] == keyid(public)
            self.must(known and one["keyid"] not in signed, "signature")
            try:
                public.verify(unbase64(one["sig"]), pae(kind, payload))
            except InvalidSignature:
                raise Wrong("signature", f"{name}, key {one['keyid'][:16]}") from None
            signed.append(one["keyid"])
        return payload, signed


def _waves(bundle: Bundle, lines: Iterable[bytes], expected: Sequence[str]) -> list[int]:
    """Check that every wave is the one that the record commits to; return how long each is."""
    lengths: list[int] = []
    for n, line in enumerate(lines):
        bundle.at = f"{WAVES}, line {n + 1}"
        wave = json.loads(line)
        columns = unbase64(wave["columns"])
        bundle.must(dumps(wave) == line, "not_canonical")
        bundle.must(wave["n"] == n < len(expected), "order")
        bundle.must(hashlib.sha256(columns).hexdigest() == wave["sha256"] == expected[n], "wave")
        head, _, table = columns.partition(b"\n")
        named = dict(json.loads(head)["columns"])
        bundle.must(4 * sum(named.values()) == len(table), "wave")
        lengths.append(named["session"])
    bundle.must(len(lengths) == len(expected), "wave", WAVES)
    return lengths


def _calls(bundle: Bundle, lines: Iterable[bytes], lengths: Sequence[int], tree: Tree) -> None:
    """Check every call: its form, its order, its request's hash; every trial must be answered."""
    current, open_ = -1, bytearray()
    for n, line in enumerate(lines, 1):
        bundle.at = f"{CALLS}, line {n}"
        call = json.loads(line)
        bundle.must(dumps(call) == line, "not_canonical")
        tree.add(line)
        while call["wave"] > current:
            bundle.must(not any(open_), "unanswered")
            current += 1
            open_ = bytearray(b"\1") * lengths[current]
        first, count, asked = call["first"], call["count"], call["request"]
        ordered = call["wave"] == current and call["id"] == n
        bundle.must(ordered and 0 <= first < first + count <= len(open_), "order")
        head = "".join(f"\n{key}: {asked['headers'][key]}" for key in sorted(asked["headers"]))
        body = asked["body"].encode() if "body" in asked else unbase64(asked["base64"])
        sent = hashlib.sha256(f"{asked['route']}{head}\n\n".encode() + body).hexdigest()
        bundle.must(asked["sha256"] == (sent if call["attempt"] else ""), "request")
        if call["answer"] is not None:
            open_[first : first + count] = bytes(count)
    bundle.must(current == len(lengths) - 1 and not any(open_), "unanswered", CALLS)


def _commitments(bundle: Bundle, files: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Check what record, content, lock, plan, named files and annex say of each other."""
    record, lock = bundle.json(RECORD), bundle.json(LOCK)
    held, said = record["content"], {name: files[name]["sha256"] for name in (CONTENT, LOCK, PLAN)}
    bundle.must(record["content_sha256"] == said[CONTENT], "content", RECORD)
    bundle.must(bundle.json(CONTENT) == held, "content", RECORD)
    bundle.must(held["lock_sha256"] == said[LOCK], "lock", LOCK)
    same = bundle.json(PLAN) == {"plan": lock["plan"], "files": lock["files"]}
    bundle.must(same and held["plan_sha256"] == said[PLAN], "plan", PLAN)
    about, previous = {said[CONTENT]}, ""
    for name, one in files.items():
        if name.startswith("inputs/"):
            role = name.removeprefix("inputs/").partition(".")[0]
            bundle.must(lock["files"].get(role) == one["sha256"], "input", name)
        elif re.fullmatch(r"record\.[0-9a-f]{8}\.json", name):
            about.add(bundle.json(name)["content_sha256"])
    for n, line in enumerate(bundle.read(ANNEX).splitlines() if ANNEX in files else (), 1):
        entry, bundle.at = json.loads(line), f"{ANNEX}, line {n}"
        bundle.must(entry["previous"] == previous and entry["record_sha256"] in about, "annex")
        previous = hashlib.sha256(line).hexdigest()
    return said


def verify(path: Path | str, keys: Sequence[Ed25519PublicKey] = ()) -> dict[str, Any]:
    """Return what a bundle holds; each of `keys` must have signed it.

    ``signers`` and ``lock_signers`` are ids of keys; ``time_token`` is whether a token names this
    seal (who stamped it is for ``openssl ts``). Without `keys` a signature shows that one owner
    sealed it all, not who that is. Raises :class:`Wrong` at the first thing that is not as it must.
    """
    bundle: Bundle | None = None
    try:
        with Path(path).open("rb") as file:
            bundle = Bundle(file)
            return _verified(bundle, keys)
    except OSError as error:
        raise Wrong("unreadable", f"{path} ({error.strerror})") from error
    except (*_SURPRISES, struct.error, zlib.error) as error:
        raise Wrong("malformed", bundle.at if bundle else "directory") from error


def _verified(bundle: Bundle, keys: Sequence[Ed25519PublicKey]) -> dict[str, Any]:
    raw, tree = bundle.read(MANIFEST), Tree()
    manifest = json.loads(raw)
    bundle.must(dumps(manifest) == raw, "not_canonical")
    payload, signers = bundle.signers(SEAL, STATEMENT)
    for key in keys:
        bundle.must(keyid(key) in signers, "not_signed_by", keyid(key))
    files = {one["path"]: one for one in manifest["files"]}
    last = [MANIFEST, SEAL] + [TOKEN] * (TOKEN in bundle.files)
    order = [one["path"] for one in manifest["files"]] + last
    strange = next(iter(set(order) ^ set(bundle.files)), "order")
    bundle.must(order == list(bundle.files), "files", strange)
    for name in order:
        sha256, one = bundle.sha256(name), files.get(name)
        same = one is None or (one["sha256"], one["size"]) == (sha256, bundle.files[name][1])
        bundle.must(same, "changed", name)
    said = _commitments(bundle, files)
    waves = bundle.lines(WAVES, files[WAVES]["unpacked"])
    lengths = _waves(bundle, waves, bundle.json(RECORD)["content"]["waves"])
    _calls(bundle, bundle.lines(CALLS, files[CALLS]["unpacked"]), lengths, tree)
    calls = tree.size
    bundle.must(calls == manifest["calls"], "calls", CALLS)
    for one in manifest["files"]:
        tree.add(dumps(one))
    root, own = tree.root(), {MANIFEST: hashlib.sha256(raw).hexdigest()}
    bundle.must(root == manifest["root"], "root", MANIFEST)
    bundle.must(payload == statement(root, said | own), "statement", SEAL)
    lock_signers = list[str]()
    if LOCK_SEAL in files:
        promised, lock_signers = bundle.signers(LOCK_SEAL, LOCKED)
        bundle.must(promised == bundle.read(LOCK), "lock", LOCK_SEAL)
    if stamped := TOKEN in bundle.files:
        bundle.must(hashlib.sha256(payload).digest() in bundle.read(TOKEN), "time", TOKEN)
    found = {"root": root, "leaves": tree.size, "calls": calls, "waves": len(lengths)}
    hashes = {"content_sha256": said[CONTENT], "lock_sha256": said[LOCK], "time_token": stamped}
    return {**found, **hashes, "signers": signers, "lock_signers": lock_signers}


def main(words: Sequence[str]) -> int:
    """Verify the bundle named first by the public keys named after it; return the exit code."""
    try:
        pems = [Path(word).read_bytes() for word in words[1:]]
        keys = [serialization.load_pem_public_key(pem) for pem in pems]
        found = verify(words[0], [key for key in keys if isinstance(key, Ed25519PublicKey)])
    except (Wrong, OSError, ValueError, IndexError) as error:
        print("WRONG", error if words else "python verify.py BUNDLE [PUBLIC_KEY.pem ...]")  # noqa: T201 - a program of its own where it travels
        return 5
    for name, value in found.items():
        print(name, *(value if isinstance(value, list) else [value]))  # noqa: T201 - a program of its own where it travels
    print("OK" if found["signers"] else "OK, but nobody signed it")  # noqa: T201 - a program of its own where it travels
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
