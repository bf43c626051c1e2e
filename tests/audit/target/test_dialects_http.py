"""The habits of servers over HTTP: encodings, statuses, cookies, logins, certificates, a proxy."""

from __future__ import annotations

import datetime as dt
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.audit.harness import KEY, http_spec, ids, in_loop, make_study, make_wave, serving

from evenhand.audit.target import open_target
from evenhand.audit.target.protocol import Answers, Reply
from evenhand.errors import UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED

Handler = Callable[[web.Request], Awaitable[web.Response]]
WAVE = make_wave(2)
FLAT = {"who": "{{identity}}", "note": "a b&c=é", "ages": ["{{persona.age}}", 7]}


def exchanged(
    handler: Handler, *, places: tuple[int, ...] = (0,), accounts: str | None = None, **changes: Any
) -> list[tuple[Answers, Reply]]:
    """Ask a real server these trials, one after another."""

    async def main() -> list[tuple[Answers, Reply]]:
        async with serving(handler) as url:
            filled = _filled(changes, url)
            spec = http_spec(url + "/quote", **filled)
            target = open_target(spec, make_study(), identities=ids, key=KEY, accounts=accounts)
            out = []
            try:
                for place in places:
                    request = target.render(make_study(), WAVE, 0, slice(place, place + 1))
                    reply = await target.send(request)
                    out.append((target.read(request, reply), reply))
            finally:
                await target.close()
            return out

    return in_loop(main)


def _filled(tree: Any, url: str) -> Any:
    if isinstance(tree, dict):
        return {name: _filled(value, url) for name, value in tree.items()}
    return tree.replace("URL", url) if isinstance(tree, str) else tree


def priced(value: float = 5.0, **settings: Any) -> web.Response:
    return web.json_response({"price": {"final": value}}, **settings)


@pytest.mark.parametrize(
    ("method", "encoding", "kind"),
    [
        ("POST", "form", "application/x-www-form-urlencoded"),
        ("PUT", "form", "application/x-www-form-urlencoded"),
        ("POST", "query", None),
        ("GET", None, None),
        ("DELETE", "query", None),
    ],
)
def test_a_flat_request_travels_as_the_server_takes_it(method, encoding, kind):
    heard: list[tuple[str, str, list[tuple[str, str]]]] = []

    async def handler(request: web.Request) -> web.Response:
        pairs: Any = await request.post() if encoding == "form" else request.query
        heard.append((request.method, request.headers.get("content-type", ""), list(pairs.items())))
        return priced()

    ((answers, _),) = exchanged(handler, method=method, encoding=encoding, request=FLAT)
    assert answers.kind[0] == ANSWERED
    said_method, said_kind, pairs = heard[0]
    assert said_method == method
    assert kind is None or said_kind == kind
    assert pairs == [("who", "u0-0"), ("note", "a b&c=é"), ("ages", "30"), ("ages", "7")]


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_json_goes_with_any_method(method):
    async def handler(request: web.Request) -> web.Response:
        assert request.method == method
        return priced((await request.json())["n"])

    ((answers, _),) = exchanged(handler, method=method, encoding="json", request={"n": 3})
    assert answers.values["final"][0] == 3.0


@pytest.mark.parametrize(
    ("status", "meaning", "kind", "reason", "retry"),
    [
        (404, "refused", REFUSED, "", False),
        (409, "failed", FAILED, "format", False),
        (500, "failed", FAILED, "format", False),
        (422, "retry", FAILED, "format", True),
        (207, "refused", REFUSED, "", False),
        (402, "answered", ANSWERED, "", False),
    ],
)
def test_a_status_means_what_the_plan_says(status, meaning, kind, reason, retry):
    async def handler(_: web.Request) -> web.Response:
        return priced(status=status)

    rules = {"final": "$.price.final", "statuses": {status: meaning}}
    ((answers, _),) = exchanged(handler, response=rules)
    assert (answers.kind[0], REASONS[answers.reason[0]], answers.retry) == (kind, reason, retry)


def test_cookies_are_kept_a_session_where_the_plan_says_so_and_are_on_no_file():
    async def handler(request: web.Request) -> web.Response:
        seen = request.cookies.get("visit", "")
        answer = web.json_response({"price": {"final": 1.0 + bool(seen)}, "echo": seen})
        if not seen:
            who = (await request.json())["user"]["id"]
            answer.set_cookie("visit", f"secret-of-{who}")
        return answer

    forgotten = exchanged(handler, places=(0, 0, 1))
    assert [answers.values["final"][0] for answers, _ in forgotten] == [1.0, 1.0, 1.0]
    kept = exchanged(handler, places=(0, 0, 1, 1), cookies="session")
    assert [answers.values["final"][0] for answers, _ in kept] == [1.0, 2.0, 1.0, 2.0]
    for _, reply in kept:
        assert b"secret-of" not in reply.body
        assert "secret-of" not in str(reply.headers)
    assert b"${cookie.visit}" in kept[1][1].body


class Door:
    """A vendor that wants a password, gives a token, and after a while wants another."""

    def __init__(self, *, lasts: int = 99) -> None:
        self.lasts = lasts
        self.given: Counter[str] = Counter()
        self.left: dict[str, int] = {}

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/login":
            form: Any = await request.post()
            if form["password"] != f"pw of {form['user']}" or form["app"] != "app/key":
                return web.json_response({"error": form["password"]}, status=401)
            who = str(form["user"])
            self.given[who] += 1
            token = f"token-{who}-{self.given[who]}"
            self.left[token] = self.lasts
            return web.json_response({"session": {"token": token}})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.left.get(token):
            return web.json_response({"error": f"no {token}"}, status=401)
        self.left[token] -= 1
        who = (await request.json())["user"]["id"]
        assert f"-{who}-" in token
        return web.json_response({"price": {"final": 5}, "echo": token})


LOGIN: dict[str, Any] = {
    "headers": {"authorization": "Bearer ${login.token}"},
    "login": {
        "url": "/login",
        "encoding": "form",
        "request": {
            "user": "{{identity}}",
            "password": "${account.password}",
            "app": "${DOOR_APP}",
        },
        "capture": {"token": "$.session.token"},
    },
}


@pytest.fixture
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The passwords of four accounts, in a file that the environment names."""
    path = tmp_path / "secrets.csv"
    rows = "".join(f"u0-{n},pw of u0-{n}\n" for n in range(4))
    path.write_text(f"id,password\n{rows}", "utf-8")
    monkeypatch.setenv("DOOR_ACCOUNTS", str(path))
    monkeypatch.setenv("DOOR_APP", "app/key")
    return "${DOOR_ACCOUNTS}"


def test_each_identity_logs_in_once_and_nothing_of_it_is_on_file(accounts):
    door = Door()
    seen = exchanged(door.answer, places=(0, 1, 0, 1, 2), accounts=accounts, **LOGIN)
    assert all(answers.kind[0] == ANSWERED for answers, _ in seen)
    assert door.given == {"u0-0": 1, "u0-1": 1, "u0-2": 1}
    for _, reply in seen:
        assert b"token-" not in reply.body
        assert b"pw of" not in reply.body
        assert b"${login.token}" in reply.body


def test_a_login_that_has_run_out_is_renewed_and_the_question_asked_once_more(accounts):
    door = Door(lasts=2)
    seen = exchanged(door.answer, places=(0,) * 5, accounts=accounts, **LOGIN)
    assert all(answers.kind[0] == ANSWERED for answers, _ in seen)
    assert door.given["u0-0"] == 3


def test_a_door_that_stays_shut_is_a_failure_for_want_of_access(accounts, tmp_path):
    (tmp_path / "secrets.csv").write_text("id,password\nu0-0,wrong\n", "utf-8")
    ((answers, reply),) = exchanged(Door().answer, accounts=accounts, **LOGIN)
    assert (answers.kind[0], REASONS[answers.reason[0]]) == (FAILED, "auth")
    assert b"wrong" not in reply.body


def test_logins_wait_their_turn(accounts):
    turns: list[int] = []

    async def main() -> None:
        async with serving(Door().answer) as url:
            target = open_target(
                http_spec(url + "/quote", **LOGIN),
                make_study(),
                identities=ids,
                key=KEY,
                accounts=accounts,
            )

            async def turn() -> None:
                turns.append(1)

            target.logins.turn = turn  # type: ignore[attr-defined]
            request = target.render(make_study(), WAVE, 0, slice(0, 1))
            await target.send(request)
            await target.send(replace(request, identity="u0-1"))
            await target.close()

    in_loop(main)
    assert len(turns) == 2


def test_accounts_need_a_column_id(tmp_path, monkeypatch):
    (tmp_path / "s.csv").write_text("name,password\na,b\n", "utf-8")
    monkeypatch.setenv("DOOR_APP", "x")
    with pytest.raises(UsageError) as told:
        exchanged(Door().answer, accounts=str(tmp_path / "s.csv"), **LOGIN)
    assert told.value.message_id == "target.secrets_without_id"


def test_a_proxy_is_used_only_where_the_plan_names_it(monkeypatch):
    heard: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        heard.append(str(request.url))
        return priced()

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    ((direct, _),) = exchanged(handler)
    assert direct.kind[0] == ANSWERED
    # the server itself plays the proxy: it is asked for the whole address
    monkeypatch.setenv("SHOP_PROXY", "http://127.0.0.1:9")
    ((answers, _),) = exchanged(handler, proxy="${SHOP_PROXY}")
    assert (answers.kind[0], REASONS[answers.reason[0]]) == (FAILED, "network")
    ((through, _),) = exchanged(handler, proxy="URL")
    assert through.kind[0] == ANSWERED


# --------------------------------------------------------------------- certificates


def certified(folder: Path, name: str, issuer: tuple[Any, Any] | None = None) -> tuple[Any, Any]:
    """Write a key and a certificate, by itself or by an issuer, and return both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by_key, by_name = (key, subject) if issuer is None else (issuer[0], issuer[1].subject)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(by_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key, made


def over_tls(folder: Path, tls: dict[str, str] | None) -> Answers:
    """Ask a server that shows a certificate of our own authority, and wants one."""

    async def handler(_: web.Request) -> web.Response:
        return priced()

    async def main() -> Answers:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder / "ca.pem")
        context.load_cert_chain(folder / "shop.pem", folder / "shop.key")
        context.verify_mode = ssl.CERT_REQUIRED
        app = web.Application()
        app.router.add_post("/quote", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        url = f"https://127.0.0.1:{runner.addresses[0][1]}/quote"
        target = open_target(http_spec(url, tls=tls), make_study(), identities=ids, key=KEY)
        try:
            request = target.render(make_study(), WAVE, 0, slice(0, 1))
            return target.read(request, await target.send(request))
        finally:
            await target.close()
            await runner.cleanup()

    return in_loop(main)


def test_a_certificate_is_shown_and_one_of_our_own_authority_is_trusted(tmp_path, monkeypatch):
    authority = certified(tmp_path, "ca")
    for name in ("shop", "auditor"):
        certified(tmp_path, name, authority)
    monkeypatch.setenv("OUR_KEY", str(tmp_path / "auditor.key"))
    ca, cert = str(tmp_path / "ca.pem"), str(tmp_path / "auditor.pem")
    assert over_tls(tmp_path, {"ca": ca, "cert": cert, "key": "${OUR_KEY}"}).kind[0] == ANSWERED
    for tls in (None, {"ca": ca}, {"cert": cert, "key": "${OUR_KEY}"}):
        answers = over_tls(tmp_path, tls)
        assert (answers.kind[0], REASONS[answers.reason[0]]) == (FAILED, "network")


def test_a_certificate_that_is_not_there_is_said(tmp_path):
    authority = certified(tmp_path, "ca")
    certified(tmp_path, "shop", authority)
    with pytest.raises(UsageError) as told:
        over_tls(tmp_path, {"cert": str(tmp_path / "none.pem")})
    assert told.value.message_id == "target.bad_tls"
