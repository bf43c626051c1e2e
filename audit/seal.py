"""Sealing: a finished run becomes one file that proves itself.

Calls, waves, lock, plan, named files, record, annex, reports and the rules they were written by go
into a bundle under one RFC 6962 root. Sealing the same run again gives the same bytes; what may
differ are signatures and a time token, which stand in the last two files. Calls stream from the
journal through the tree into the bundle: memory does not grow with them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .. import datasets
from ..errors import EvidenceError, UsageError
from ..messages import both, text
from . import verify as verifier
from .bundle import Packed, Part, call_line, checked, entry, reading, wave_line, write
from .folder import LOCK, RunFolder, disk
from .folder import write as write_file
from .journal import Call, Journal, Opened
from .peer import PEER, noted
from .planfile import LoadedPlan
from .planrules import units
from .planwire import secret_names
from .proofs import REPORTS
from .record import Content, Record
from .run import Audit, reopen
from .sessions import Sessions, request_of
from .signing import PRIVATE, countersign, envelope
from .taken import TAKEN, Clock, taken
from .tally import read
from .target.protocol import Reply, Target
from .verify import (
    CALLS,
    CONTENT,
    LOCK_SEAL,
    LOCKED,
    MANIFEST,
    PLAN,
    SEAL,
    STATEMENT,
    TOKEN,
    WAVES,
    Tree,
    dumps,
    keyid,
    statement,
)

ENDING = ".evidence.zip"
_RECORDS = "record.*.json"
_SECRET_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A bundle that was written: where, its root, and what verifying it says."""

    path: Path
    found: Mapping[str, Any]

    @property
    def root(self) -> str:
        """What the cover prints: it stands for every call and every file."""
        return str(self.found["root"])

    def cover(self, language: str) -> str:
        """Return the cover: what to keep apart from the bundle."""
        signers = self.found["signers"]
        return text(
            "evidence.cover",
            language,
            name=self.path.name,
            root=self.root,
            calls=f"{self.found['calls']:,}",
            content=self.found["content_sha256"],
            lock=self.found["lock_sha256"],
            signers=", ".join(signers) or both("evidence.nobody"),
            lock_signers=", ".join(self.found["lock_signers"]) or both("evidence.nobody"),
        )


def sign_lock(folder: RunFolder, key: Ed25519PrivateKey) -> None:
    """Sign what the plan came to, before the first call: nobody can say later that it was fitted.

    Signing it again with the same key changes nothing.

    Raises
    ------
    UsageError
        If calls were made already: a signature now would say something that is not so.
    """
    path = folder.path / LOCK_SEAL
    made = envelope(LOCKED, folder.lock.read_bytes(), [key])
    if path.is_file() and path.read_bytes() == made:
        return
    with Journal.look(folder.journal) as journal:
        if path.is_file() or journal.attempts():
            raise UsageError("evidence.lock_late", path=str(folder.path))
    with disk(path):
        write_file(path, made)


def seal(
    path: Path,
    out: Path | None = None,
    *,
    keys: Sequence[Ed25519PrivateKey] = (),
    operator: str = "",
    witness: str = "",
) -> Sealed:
    """Seal a finished run.

    Parameters
    ----------
    path : Path
        The run folder.
    out : Path, optional
        The bundle; default: in the run folder, named like it. One that is there already keeps what
        others added to it; if it seals something else, it moves aside.
    keys : sequence of private key
        Who signs. Others can sign later, by :func:`attach`.
    operator, witness : str
        Who ran the audit and who watched, as annex A says it.

    Raises
    ------
    UsageError
        If there is no record yet, or something that must stay secret would be sealed.
    EvidenceError
        If what is on file is not what was locked.
    """
    audit, folder = reopen(path)
    record = folder.read_record()
    if record.content.lock_sha256 != audit.lock.sha256:
        raise EvidenceError("evidence.wrong_lock", where=LOCK)
    out = out or folder.path / f"{folder.path.resolve().name}{ENDING}"
    secrets = _Secrets(audit.loaded)
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".sealing-") as temporary:
        work = Path(temporary)
        tree, clock = Tree(), Clock()
        with Journal.look(folder.journal) as journal:
            waves = _waves(journal, record, Packed(work / WAVES))
            calls = _calls(audit, journal, Packed(work / CALLS), _Watch(tree, clock, secrets))
        parts: dict[str, Part] = {
            **_files(folder, record, audit),
            TAKEN: dumps(
                taken(
                    audit,
                    record,
                    clock,
                    peer=noted(folder.path),
                    operator=operator,
                    witness=witness,
                )
            ),
        }
        for name, part in parts.items():
            secrets.check(part if isinstance(part, bytes) else part.read_bytes(), name)
        tables = {CALLS: calls, WAVES: waves}
        ordered = sorted((parts | {name: one.path for name, one in tables.items()}).items())
        sizes = {name: table.unpacked for name, table in tables.items()}
        manifest, payload = _stated(ordered, sizes, tree, record.content, record.content_sha256)
        write(out, [*ordered, (MANIFEST, manifest), *_signed(out, payload, keys)])
    folder.fold_journal()
    return Sealed(path=out, found=checked(out))


def _stated(
    ordered: Sequence[tuple[str, Part]],
    unpacked: Mapping[str, int],
    tree: Tree,
    content: Content,
    content_sha256: str,
) -> tuple[bytes, bytes]:
    """Return the manifest, and the statement that is signed; the tree holds the calls already."""
    calls = tree.size
    files = [entry(name, part, unpacked.get(name)) for name, part in ordered]
    for one in files:
        tree.add(dumps(one))
    root = tree.root()
    manifest = dumps({"calls": calls, "evenhand": 1, "files": files, "root": root})
    digests = {
        MANIFEST: fingerprint(manifest),
        CONTENT: content_sha256,
        LOCK: content.lock_sha256,
        PLAN: content.plan_sha256,
    }
    return manifest, statement(root, digests)


def _signed(
    out: Path, payload: bytes, keys: Sequence[Ed25519PrivateKey]
) -> list[tuple[str, bytes]]:
    """Return the last files of a bundle; what others added to the same seal before is not lost.

    A bundle at `out` that seals something else moves aside and is named by its root.
    """
    if not out.exists():
        return [(SEAL, envelope(STATEMENT, payload, keys))]
    try:
        with reading(out) as bundle:
            sealed, token = bundle.read(SEAL), bundle.token()
            root = json.loads(bundle.read(MANIFEST))["root"]
        earlier = json.loads(sealed)
        same = base64.b64decode(earlier["payload"]) == payload
        signers = {one["keyid"] for one in earlier["signatures"]}
    except (EvidenceError, ValueError, LookupError, TypeError) as error:
        raise UsageError("evidence.in_the_way", path=str(out)) from error
    if not same:
        out.replace(out.with_name(f"{out.name.removesuffix(ENDING)}.{root[:8]}{ENDING}"))
        return [(SEAL, envelope(STATEMENT, payload, keys))]
    for key in keys:
        if keyid(key.public_key()) not in signers:
            sealed = countersign(sealed, key)
    return [(SEAL, sealed), *([(TOKEN, token)] if token is not None else [])]


@dataclass(frozen=True, slots=True)
class _Watch:
    """What every line that is sealed passes."""

    tree: Tree
    clock: Clock
    secrets: _Secrets

    def see(self, line: bytes, reply: Reply | None, number: int) -> None:
        """Refuse a line that holds a secret, and take it into tree and clock."""
        self.secrets.check(line, _line(number))
        self.tree.add(line)
        if reply is not None:
            self.clock.see(reply)


class _Secrets:
    """What must not be sealed: the values of the plan's secrets, and private keys."""

    def __init__(self, loaded: LoadedPlan) -> None:
        given = {name: os.environ.get(name, "") for name in secret_names(loaded.plan)}
        self._values = {
            name: {value.encode(), dumps(value)[1:-1]}
            for name, value in given.items()
            if len(value) >= _SECRET_LENGTH
        }

    def check(self, data: bytes, where: str) -> None:
        """Refuse what holds a secret, naming its variable and place, never its value."""
        if PRIVATE in data:
            raise UsageError("evidence.key_inside", where=where)
        for name, values in self._values.items():
            if any(value in data for value in values):
                raise UsageError("evidence.secret_inside", name=name, where=where)


def _waves(journal: Journal, record: Record, table: Packed) -> Packed:
    hashes: list[str] = []
    with table:
        for one in journal.each_wave():
            hashes.append(one.sha256)
            table.add(wave_line(one))
    if hashes != record.content.waves:
        raise EvidenceError("evidence.other_waves", path=str(journal.path))
    return table


def _calls(audit: Audit, journal: Journal, table: Packed, watch: _Watch) -> Packed:
    target, money = audit.target(offline=True), audit.study.money
    minor = max(units(money.currency).values()) if money else 1
    with table:
        for opened in journal.each_wave():
            sessions = None if opened.wave.single else Sessions(opened.wave)
            for call, reply in journal.calls(opened.number):
                line = _call(audit, target, opened, call, reply, sessions, table.lines + 1, minor)
                watch.see(line, reply, table.lines + 1)
                table.add(line)
    return table


def _call(
    audit: Audit,
    target: Target,
    opened: Opened,
    call: Call,
    reply: Reply | None,
    sessions: Sessions | None,
    number: int,
    minor: int,
) -> bytes:
    request = request_of(target, audit.asked, opened.wave, call, sessions)
    if call.attempt and request.sha256() != call.request_sha256:
        raise EvidenceError("evidence.wrong_request", where=_line(number))
    said = None if reply is None else read(target, opened.wave, call, reply)
    if sessions is not None and said is not None and reply is not None and call.attempt:
        sessions.heard(call.first, said, replied=bool(reply.status))
    try:
        return call_line(number, call, request, reply, said, minor)
    except (TypeError, ValueError, OverflowError) as error:  # a time that no clock can show
        raise EvidenceError("evidence.wrong_malformed", where=_line(number)) from error


def _line(number: int) -> str:
    return f"{CALLS}, line {number}"


def _files(folder: RunFolder, record: Record, audit: Audit) -> dict[str, Part]:
    """Return what is sealed as it is. Nothing else in the folder is."""
    lock = audit.lock
    parts: dict[str, Part] = {
        "README.txt": readme().encode(),
        "verify.py": Path(verifier.__file__).read_bytes(),
        "plan.json": rfc8785.dumps({"plan": lock.plan, "files": lock.files}),
        CONTENT: rfc8785.dumps(record.content.model_dump(mode="json")),
    }
    beside = (folder.path / LOCK_SEAL, folder.path / PEER)
    named = (folder.plan, folder.lock, folder.record, folder.annex, *beside)
    parts |= {path.name: path for path in named if path.is_file()}
    for pattern in (_RECORDS, *REPORTS):
        found = sorted(folder.path.glob(pattern))
        prefix = "" if pattern == _RECORDS else "reports/"
        parts |= {prefix + path.name: path for path in found if _plain(path)}
    parts |= {f"set-aside/{path.name}": path for path in folder.set_aside() if _plain(path)}
    parts |= {f"inputs/{path.name}": path for path in audit.loaded.digest_inputs.values()}
    rules = resources.files(datasets).joinpath("rules")
    parts |= {
        f"rules/{file.name}": file.read_bytes()
        for file in rules.iterdir()
        if file.name.endswith(".yaml")
    }
    return parts


def _plain(path: Path) -> bool:
    """Whether a file is itself in the folder: a link would seal something from elsewhere."""
    return path.is_file() and not path.is_symlink()


def readme() -> str:
    """Return the page that travels in a bundle: what it is and how to check it, in two languages.

    Examples
    --------
    >>> "openssl pkeyutl -verify" in readme()
    True
    """
    return "\n\n".join(text("evidence.readme", language) for language in ("zh", "en"))


def attach(path: Path, *, key: Ed25519PrivateKey | None = None, token: bytes | None = None) -> None:
    """Add a signature or a time token to a bundle; nothing that is sealed changes.

    Parameters
    ----------
    path : Path
    key : private key, optional
        Of a witness, a vendor, a second auditor.
    token : bytes, optional
        A reply of a time-stamping authority (RFC 3161) about the statement, as ``openssl ts`` has it.

    Raises
    ------
    EvidenceError
        If the bundle does not verify, before or after.
    """
    checked(path)
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".sealing-") as temporary:
        with reading(path) as bundle:
            parts = [(name, _copied(bundle.chunks(name), Path(temporary))) for name in bundle.names]
            signed, manifest = bundle.read(SEAL), bundle.read(MANIFEST)
            stamped = bundle.token() if token is None else token
        if key is not None:
            signed = countersign(signed, key)
        kept = path.with_name(path.name + ".new")
        tail = [(TOKEN, stamped)] if stamped is not None else []
        try:
            write(kept, [*parts, (MANIFEST, manifest), (SEAL, signed), *tail])
            checked(kept)
            kept.replace(path)
        finally:
            kept.unlink(missing_ok=True)


def _copied(chunks: Iterator[bytes], folder: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
    return Path(name)


def fingerprint(data: bytes) -> str:
    """Return the SHA-256 of bytes, as people compare it."""
    return hashlib.sha256(data).hexdigest()


__all__ = ["ENDING", "Sealed", "attach", "fingerprint", "read", "seal", "sign_lock"]
