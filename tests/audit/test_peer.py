"""Who is asked is written down before the first call: addresses and the certificate, as shown."""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.audit.evidence_for_tests import fabricated, http, planned, python, taken_apart

from evenhand.audit.peer import PEER, note_peer, noted, peer
from evenhand.audit.planfile import load
from evenhand.audit.run import begin, prepare
from evenhand.audit.seal import seal


def certified(folder: Path) -> bytes:
    """Write a key and a certificate of its own making, and return the certificate in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "quotes.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "tls.pem").write_bytes(secret + made.public_bytes(pem))
    return made.public_bytes(serialization.Encoding.DER)


@contextmanager
def handshaking(folder: Path) -> Iterator[int]:
    """Shake one hand over TLS on the loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                plain, _ = server.accept()
                with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as one:
                    one.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            with suppress(OSError):
                socket.create_connection(server.getsockname(), 0.2).close()
            thread.join()


def test_the_certificate_is_the_one_that_was_shown(tmp_path):
    der = certified(tmp_path)
    with handshaking(tmp_path) as port:
        found = peer(f"https://127.0.0.1:{port}/quote")
    assert found["certificate_sha256"] == hashlib.sha256(der).hexdigest()
    assert found["addresses"] == ["127.0.0.1"]


def test_nobody_there_is_written_down_as_that():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = peer(f"https://127.0.0.1:{port}/quote", patience=0.5)
    assert found["certificate_sha256"] is None
    assert peer("http://no-such-host.invalid/")["addresses"] == []


def test_it_is_noted_once_and_without_what_the_url_carries(tmp_path):
    target = http("http://127.0.0.1:9/quote?key=${SHOP_TOKEN}")
    audit = prepare(load(planned(tmp_path / "plan", target)))
    folder = begin(audit, tmp_path / "run")
    note_peer(audit.plan, folder)
    first = (folder.path / PEER).read_bytes()
    note_peer(audit.plan, folder)
    assert (folder.path / PEER).read_bytes() == first
    assert set(noted(folder.path)) == {"host", "port", "addresses", "certificate_sha256", "at"}
    assert b"key" not in first


def test_a_function_has_no_address(tmp_path):
    audit = prepare(load(planned(tmp_path / "plan", python("shop:quote"))))
    folder = begin(audit, tmp_path / "run")
    note_peer(audit.plan, folder)
    assert noted(folder.path) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00"])
def test_a_note_that_cannot_be_read_says_nothing(tmp_path, text):
    (tmp_path / PEER).write_text(text)
    assert noted(tmp_path) == {}


def test_annex_a_tells_what_was_noted(tmp_path):
    folder = fabricated(tmp_path / "run", 90)
    note_peer(load(folder.plan).plan, folder)
    parts = taken_apart(seal(folder.path).path)
    taken = json.loads(parts["taken.json"])
    assert taken["peer"]["addresses"] == ["127.0.0.1"]
    assert parts[PEER] == (folder.path / PEER).read_bytes()
