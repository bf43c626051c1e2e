"""Who is asked, as the network has it before the first call: addresses, and the certificate shown."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .folder import RunFolder, disk, write
from .plan import Plan, Remote
from .verify import dumps

PEER = "peer.json"
PATIENCE = 5.0
"""Seconds to wait for an address or a certificate: a run does not fail for want of either."""


def note_peer(plan: Plan, folder: RunFolder) -> None:
    """Write down who will be asked; once, before the first call, where the target is a host.

    Parameters
    ----------
    plan : Plan
    folder : RunFolder
    """
    path = folder.path / PEER
    if path.exists() or not isinstance(plan.target, Remote):
        return
    found = peer(plan.target.url)
    with disk(path):
        write(path, dumps({**found, "at": round(time.time() * 1_000_000)}))


def noted(folder: Path) -> dict[str, Any]:
    """Return what was written down; nothing where nothing was."""
    path = folder / PEER
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def peer(url: str, patience: float = PATIENCE) -> dict[str, Any]:
    """Return the host of a url, its addresses, and the SHA-256 of the certificate that it shows.

    Nothing is asked of it beyond the handshake. What cannot be learnt is None or empty.

    Examples
    --------
    >>> peer("http://127.0.0.1:9/quote?key=1")
    {'host': '127.0.0.1', 'port': 9, 'addresses': ['127.0.0.1'], 'certificate_sha256': None}
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme.lower() == "https"
    port = parts.port or (443 if secure else 80)
    return {
        "host": host,
        "port": port,
        "addresses": _addresses(host, port),
        "certificate_sha256": _certificate(host, port, patience) if secure else None,
    }


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(one[4][0]) for one in found})


def _certificate(host: str, port: int, patience: float) -> str | None:
    # whether it is to be trusted is for the calls themselves; here it is written down, whatever it is
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            closing(socket.create_connection((host, port), patience)) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except (OSError, ValueError):
        return None
    return hashlib.sha256(shown).hexdigest() if shown else None
