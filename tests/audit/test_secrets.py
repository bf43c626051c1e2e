"""A planted token is never found: in no file of the run, no line on the terminal, no bundle.

The vendor is spiteful: it sends back whatever it was sent, in bodies, headers and errors, and it
redirects to places that nobody allowed.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from tests.audit.evidence_for_tests import planned, taken_apart
from tests.cli.shell import evenhand

TOKEN = "tok-5f1c/9a77+Zq=="  # noqa: S105 - planted, to be looked for
FORMS = {
    TOKEN.encode(),
    quote(TOKEN, safe="").encode(),
    quote(TOKEN).encode(),
    quote_plus(TOKEN).encode(),
    base64.b64encode(TOKEN.encode()),
    TOKEN.encode("utf-16le"),
}
TARGET = """\
  kind: http
  url: "%s?key=${SHOP_TOKEN}"
  request: {id: "{{identity}}", device: "{{persona.device}}", age: "{{persona.age}}",
            nights: "{{persona.nights}}", token: "${SHOP_TOKEN}"}
  headers: {authorization: "Bearer ${SHOP_TOKEN}", x-api-key: "${SHOP_TOKEN}"}
  response: {final: "$.price", currency: "$.currency"}
  limits: {attempts: 2, timeout: 2s, concurrency: 8}"""


class Spiteful(BaseHTTPRequestHandler):
    """Gives back what it was given; the path says how."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server.seen.append((self.path, dict(self.headers), body))
        asked = json.loads(body or b"{}")
        told = {"price": 100.0 * int(asked.get("nights", 1)), "currency": "CNY"}
        everything = {"url": self.path, "body": asked, "headers": dict(self.headers)}
        mode = self.path.partition("?")[0]
        if mode == "/moved":
            self.reply(307, {}, location=f"{server.elsewhere}{self.path}")
        elif mode == "/long":
            self.reply(200, "-" * 490 + TOKEN + "-" * 2000)
        elif mode == "/fails":
            self.reply(500, everything)
        else:
            self.reply(200, {**told, **everything})

    def reply(self, status: int, content: object, **headers: str) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "x-request-id": self.headers["authorization"] or ""}.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A spiteful vendor on the loopback, and what it was sent."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, elsewhere: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Spiteful)
        self.elsewhere = elsewhere
        self.seen: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def serving(elsewhere: str = "") -> Iterator[Server]:
    server = Server(elsewhere)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def leaks(data: bytes) -> set[bytes]:
    return {form for form in FORMS if form in data}


def everything_on_file(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".zip":
            for name, data in taken_apart(path).items():
                yield name, gzip.decompress(data) if name.endswith(".gz") else data


def audited(folder: Path, url: str, *more: str) -> list[str]:
    """Run, show, report and seal under a token; return what the terminal showed."""
    run = folder / "run"
    plan = planned(folder / "plan", TARGET % url)
    commands: list[tuple[object, ...]] = [("run", plan, "--out", run, *more), ("status", run)]
    env = {"SHOP_TOKEN": TOKEN}
    said = [evenhand(*words, env=env).text for words in commands]
    if (run / "record.json").is_file():
        later = (("show", run), ("report", run), ("seal", run), ("show", run, "--json"))
        said.extend(evenhand(*words, env=env).text for words in later)
    return said


@pytest.mark.parametrize("mode", ["echo", "fails"])
def test_what_a_vendor_sends_back_is_not_put_on_file(tmp_path, mode):
    with serving() as server:
        said = audited(tmp_path, f"{server.url}/{mode}")
        path, headers, body = server.seen[0]
    assert quote(TOKEN, safe="") in path or TOKEN in path
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(body)["token"] == TOKEN
    found = {name: leaks(data) for name, data in everything_on_file(tmp_path)}
    assert (mode == "echo") == any("calls.jsonl" in name for name in found)
    assert {name: forms for name, forms in found.items() if forms} == {}
    assert not any(leaks(text.encode()) for text in said)


def test_an_error_before_the_first_answer_tells_no_token(tmp_path):
    with serving() as server:
        gone = server.url  # closed again before it is asked
    said = audited(tmp_path, f"{gone}/echo")
    assert not any(leaks(text.encode()) for text in said)
    assert not any(leaks(data) for _, data in everything_on_file(tmp_path))


def test_a_page_that_is_cut_off_is_cut_after_it_was_looked_through(tmp_path):
    with serving() as server:
        target = TARGET.replace("attempts: 2", "attempts: 1, body_bytes: 1024")
        plan = planned(tmp_path / "plan", target % f"{server.url}/long")
        evenhand("run", plan, "--out", tmp_path / "run", env={"SHOP_TOKEN": TOKEN})
    # a pilot that failed for good is set aside, one that was broken off is not
    journal = b"".join(path.read_bytes() for path in (tmp_path / "run").glob("journal*.sqlite"))
    assert b"-----" in journal
    assert TOKEN[:8].encode() not in journal


def test_a_redirect_to_another_place_is_not_followed_and_gets_no_token(tmp_path):
    with serving() as other, serving(elsewhere=other.url) as server:
        audited(tmp_path, f"{server.url}/moved")
        assert server.seen
        assert other.seen == []
    assert not any(leaks(data) for _, data in everything_on_file(tmp_path))


def test_the_check_finds_a_token_where_there_is_one(tmp_path):
    (tmp_path / "file").write_text(f"x {quote_plus(TOKEN)} y")
    assert any(leaks(data) for _, data in everything_on_file(tmp_path))
