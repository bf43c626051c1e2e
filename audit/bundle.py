"""What a bundle is made of: canonical lines, packed files, and a zip in which no byte is free.

The format itself is defined by :mod:`evenhand.audit.verify`, which travels inside; here it is
written, and read again for whoever recomputes. Files are stored, not deflated: what a file's hash
covers is what lies on the disk. Only the two long tables are packed, line by line.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ..errors import EvidenceError, UsageError
from ..probes.design import REASONS, Wave
from .folder import disk
from .journal import Call, Opened
from .target.protocol import Answers, Reply, Request
from .verify import (
    CALLS,
    CHUNK,
    MANIFEST,
    RATIO,
    TOKEN,
    WAVES,
    Bundle,
    Wrong,
    central,
    end,
    local,
    verify,
)

KINDS = ("answered", "refused", "failed")
MICRO = 1_000_000
_LEVEL = 4


def amount(value: float, minor: int) -> int | str | None:
    """Return an amount in whole minor units, exactly; what is finer stays as text, in units.

    Parameters
    ----------
    value : float
        In units of the currency; NaN where nothing was answered.
    minor : int
        Minor units in a unit; 1 where the outcome is no money.

    Examples
    --------
    >>> amount(328.1, 100), amount(0.29, 100), amount(1 / 3, 100), amount(float("nan"), 100)
    (32810, 29, '0.3333333333333333', None)
    """
    if value != value:  # noqa: PLR0124 - not-a-number is what differs from itself
        return None
    whole = round(value * minor) if abs(value) < 2**53 / minor else 0
    return whole if whole / minor == value else repr(float(value))


def call_line(
    number: int, call: Call, request: Request, reply: Reply | None, said: Answers | None, minor: int
) -> bytes:
    """Return a call as canonical JSON: what was asked, what came back, what was read from it.

    Parameters
    ----------
    number : int
        Its place among all calls of the run, from 1.
    call : Call
    request : Request
        As it is rendered again from the lock: its hash is the one that was stored before it left.
    reply : Reply or None
        None where a crash left its fate unknown; it was asked again.
    said : Answers or None
        What the target's reader makes of the reply.
    minor : int
        Minor units in a unit of money.
    """
    asked: dict[str, Any] = {
        "headers": dict(request.headers),
        "route": request.route,
        "sha256": call.request_sha256.hex(),
        **_text(request.body),
    }
    answer: dict[str, Any] | None = None
    if reply is not None:
        answer = {
            "at": round(reply.at * MICRO),
            "error": reply.error,
            "headers": dict(reply.headers),
            "read": None if said is None else _read(said, minor),
            "seconds": round(reply.seconds * MICRO),
            "status": reply.status,
            **_text(reply.body),
        }
    line = {
        "answer": answer,
        "attempt": call.attempt,
        "count": call.count,
        "first": call.first,
        "id": number,
        "request": asked,
        "wave": call.wave,
    }
    return orjson.dumps(line, option=orjson.OPT_SORT_KEYS)


def _text(body: bytes) -> dict[str, str]:
    """Return bytes as text where they are text, so that people can read what was said."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _read(said: Answers, minor: int) -> list[dict[str, Any]] | dict[str, Any]:
    if len(said.kind) == 1:
        return _one(said, 0, minor)
    return [_one(said, place, minor) for place in range(len(said.kind))]


def _one(said: Answers, place: int, minor: int) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": KINDS[said.kind[place]]}
    if said.reason[place]:
        found["reason"] = REASONS[said.reason[place]]
    values = {name: _value(column[place], minor) for name, column in said.values.items()}
    return found | {name: value for name, value in values.items() if value is not None}


def _value(value: Any, minor: int) -> Any:
    if isinstance(value, float | np.floating):
        return amount(float(value), minor)
    plain = value.tolist() if isinstance(value, np.generic | np.ndarray) else value
    return plain if plain is None or isinstance(plain, str | int) else json.dumps(plain)


def wave_line(opened: Opened) -> bytes:
    """Return a wave as canonical JSON; its hash was stored before its first call."""
    return orjson.dumps(
        {
            "columns": base64.b64encode(opened.wave.to_bytes()).decode(),
            "n": opened.number,
            "question": opened.question,
            "sha256": opened.sha256,
        },
        option=orjson.OPT_SORT_KEYS,
    )


class Packed:
    r"""A table of lines that is packed while it is written; nothing of it is held.

    Parameters
    ----------
    path : Path
        Where it is written, for a moment, before it becomes part of a bundle.

    Examples
    --------
    >>> import gzip, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Packed(Path(folder) / "t.jsonl.gz") as table:
    ...         table.add(b"{}")
    ...     gzip.decompress(table.path.read_bytes()), table.lines, table.unpacked
    (b'{}\n', 1, 3)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines, self.unpacked = 0, 0
        self._file = path.open("wb")
        self._pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
        self._held: list[bytes] = []
        self._waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        self._file.close()

    def add(self, line: bytes) -> None:
        """Append a line."""
        self.lines += 1
        self._held.append(line)
        self._waiting += len(line) + 1
        if self._waiting >= CHUNK:
            self._out()

    def _finish(self) -> None:
        self._out()
        self._file.write(self._pack.flush())
        self._file.close()
        if self.unpacked > RATIO * self.path.stat().st_size:
            self._loosen()

    def _out(self) -> None:
        if self._held:
            self._held.append(b"")
            self._file.write(self._pack.compress(b"\n".join(self._held)))
            self.unpacked += self._waiting
            self._held, self._waiting = [], 0

    def _loosen(self) -> None:
        """Pack again without squeezing: a file that swells too much is refused by its readers."""
        loose = self.path.with_suffix(".loose")
        unpack, pack = zlib.decompressobj(31), zlib.compressobj(0, zlib.DEFLATED, 31)
        with self.path.open("rb") as tight, loose.open("wb") as file:
            while data := tight.read(CHUNK >> 8):
                file.write(pack.compress(unpack.decompress(data)))
            file.write(pack.flush())
        loose.replace(self.path)


Part = bytes | Path


def entry(name: str, part: Part, unpacked: int | None = None) -> dict[str, Any]:
    """Return a file's line of the manifest."""
    found: dict[str, Any] = {"path": name, **_digest(part)}
    if unpacked is not None:
        found["unpacked"] = unpacked
    return found


def _digest(part: Part) -> dict[str, Any]:
    if isinstance(part, bytes):
        return {"sha256": hashlib.sha256(part).hexdigest(), "size": len(part)}
    with part.open("rb") as file:
        return {
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
            "size": part.stat().st_size,
        }


def write(path: Path, parts: Sequence[tuple[str, Part]]) -> None:
    """Write a bundle, whole or not at all; only its owner may read it until they hand it on.

    Raises
    ------
    EvidenceError
        If it is larger than the format holds.
    PausedError
        If the disk does not take it.
    """
    part = path.with_name(path.name + ".part")
    try:
        with disk(path):
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                _write(file, parts)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
    except struct.error as error:
        raise EvidenceError("evidence.too_large", path=str(path)) from error
    finally:
        part.unlink(missing_ok=True)


def _write(file: BinaryIO, parts: Sequence[tuple[str, Part]]) -> None:
    directory = []
    for name, part in parts:
        size, crc = 0, 0
        for chunk in _chunks(part):
            size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        directory.append(central(name, crc, size, file.tell()))
        file.write(local(name, crc, size))
        for chunk in _chunks(part):
            file.write(chunk)
    start, whole = file.tell(), b"".join(directory)
    file.write(whole)
    file.write(end(len(directory), len(whole), start))


def _chunks(part: Part) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
        return
    with part.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def checked(path: Path, keys: Sequence[Ed25519PublicKey] = ()) -> dict[str, Any]:
    """Verify a bundle, with errors of Evenhand; see :func:`evenhand.audit.verify.verify`.

    Raises
    ------
    UsageError
        If there is no such file.
    EvidenceError
        If it does not verify: what is wrong, and where.
    """
    try:
        return verify(path, keys)
    except Wrong as wrong:
        raise told(wrong) from None


def told(wrong: Wrong) -> UsageError | EvidenceError:
    """Return what the verifier found as an error that speaks both languages."""
    if wrong.code == "unreadable":
        return UsageError("evidence.unreadable", where=wrong.where)
    return EvidenceError(f"evidence.wrong_{wrong.code}", where=wrong.where)


class Reader:
    """A verified bundle, opened to be computed with. Made by :func:`reading`."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._manifest = {one["path"]: one for one in bundle.json(MANIFEST)["files"]}
        self._calls = self._lines(CALLS)
        self._next: Mapping[str, Any] | None = next(self._calls, None)
        self.attempts = 0
        """Trials sent in the waves that were read so far."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every file of the manifest."""
        return tuple(self._manifest)

    def read(self, name: str) -> bytes:
        """Return a small file."""
        return self._bundle.read(name)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file in parts."""
        return self._bundle.chunks(name)

    def token(self) -> bytes | None:
        """Return the time token, where there is one."""
        return self._bundle.read(TOKEN) if TOKEN in self._bundle.files else None

    def _lines(self, name: str) -> Iterator[Mapping[str, Any]]:
        for line in self._bundle.lines(name, self._manifest[name]["unpacked"]):
            yield orjson.loads(line)

    def lines(self) -> Iterator[bytes]:
        """Yield the calls as they are sealed: the first leaves of the tree."""
        return self._bundle.lines(CALLS, self._manifest[CALLS]["unpacked"])

    def waves(self) -> Iterator[Opened]:
        """Yield every wave, by number."""
        for one in self._lines(WAVES):
            columns = base64.b64decode(one["columns"])
            yield Opened(one["n"], one["question"], Wave.from_bytes(columns), one["sha256"])

    def replies(self, number: int) -> Iterator[tuple[Call, Reply]]:
        """Yield the answered calls of a wave in the order of asking; waves in their order, once."""
        while (found := self._next) is not None and found["wave"] <= number:
            self._next = next(self._calls, None)
            if found["wave"] != number:
                continue
            self.attempts += found["count"] if found["attempt"] else 0
            answer = found["answer"]
            sha256 = bytes.fromhex(found["request"]["sha256"])
            if answer is not None:
                yield (
                    Call(number, found["first"], found["count"], found["attempt"], sha256),
                    Reply(
                        status=answer["status"],
                        headers=answer["headers"],
                        body=_body(answer),
                        at=answer["at"] / MICRO,
                        seconds=answer["seconds"] / MICRO,
                        error=answer["error"],
                    ),
                )


def _body(found: Mapping[str, Any]) -> bytes:
    return found["body"].encode() if "body" in found else base64.b64decode(found["base64"])


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open a bundle that was verified.

    Raises
    ------
    UsageError
        If it cannot be read.
    EvidenceError
        If it is no bundle.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UsageError("evidence.unreadable", where=str(path)) from error
    with file:
        try:
            yield Reader(Bundle(file))
        except Wrong as wrong:
            raise told(wrong) from None
