"""Keys and signatures: Ed25519 over DSSE envelopes. Private keys stay in files only their owner reads."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from ..errors import EvidenceError, UsageError
from .folder import disk
from .verify import dumps, keyid, pae

PRIVATE = b"PRIVATE KEY-----"
"""What every private key in PEM has in its first line: a file that holds it is never sealed."""

_OTHERS = 0o077


def make_key(path: Path) -> Path:
    """Make a key pair: the private key at `path` (mode 600), the public one beside it.

    Returns
    -------
    Path
        Where the public key is, ``<path>.pub.pem``.

    Raises
    ------
    UsageError
        If either file exists.
    PausedError
        If they cannot be written.
    """
    beside = path.with_name(path.name.removesuffix(".pem") + ".pub.pem")
    for one in (path, beside):
        if one.exists():
            raise UsageError("evidence.key_exists", path=str(one))
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # the mode from the first instant: a key that could be read for a moment was read
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
        beside.write_bytes(public_pem(key.public_key()))
    return beside


def public_pem(key: Ed25519PublicKey) -> bytes:
    """Return a public key as PEM, as openssl reads it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key.

    Raises
    ------
    UsageError
        If it is no Ed25519 key in PEM, or if others than its owner can read it.
    """
    data = _bytes(path)
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise UsageError("evidence.key_open", path=str(path))
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("evidence.not_a_key", path=str(path))
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """Read a public key, from its own file or from the private key's.

    Raises
    ------
    UsageError
        If it is no Ed25519 key in PEM.
    """
    data = _bytes(path)
    if PRIVATE in data:
        return private_key(path).public_key()
    try:
        key = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("evidence.not_a_key", path=str(path))
    return key


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("evidence.not_a_key", path=str(path)) from error


def envelope(kind: str, payload: bytes, keys: Sequence[Ed25519PrivateKey] = ()) -> bytes:
    """Return a DSSE envelope, canonical, with a signature by each key.

    Parameters
    ----------
    kind : str
        The type of the payload.
    payload : bytes
    keys : sequence of private key
        None is allowed: the envelope has room for signatures that come later.
    """
    made: Mapping[str, Any] = {"payload": _text(payload), "payloadType": kind, "signatures": []}
    for key in keys:
        made = _signed(made, key)
    return dumps(made)


def countersign(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return an envelope with one more signature; the others stay.

    Raises
    ------
    UsageError
        If that key has signed it already.
    EvidenceError
        If it is not an envelope.
    """
    try:
        return dumps(_signed(json.loads(data), key))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise EvidenceError("evidence.wrong_malformed", where="DSSE") from error


def _signed(made: Mapping[str, Any], key: Ed25519PrivateKey) -> Mapping[str, Any]:
    public = key.public_key()
    if any(one["keyid"] == keyid(public) for one in made["signatures"]):
        raise UsageError("evidence.signed_already", key=keyid(public)[:16])
    message = pae(made["payloadType"], base64.b64decode(made["payload"]))
    one = {
        "keyid": keyid(public),
        "public": _text(public.public_bytes_raw()),
        "sig": _text(key.sign(message)),
    }
    return {**made, "signatures": [*made["signatures"], one]}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
