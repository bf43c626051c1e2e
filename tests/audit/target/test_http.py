from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.harness import (
    KEY,
    YUAN,
    http_spec,
    ids,
    in_loop,
    make_study,
    make_wave,
    opened,
    serving,
)

from evenhand.audit.planparts import Response
from evenhand.audit.target import address, carried, open_target
from evenhand.audit.target.outcomes import price
from evenhand.audit.target.protocol import Answers, Reply
from evenhand.audit.target.read import Reader, compile_path
from evenhand.errors import UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED
from evenhand.probes.protocol import Money

KINDS = {"answered": ANSWERED, "refused": REFUSED, "failed": FAILED}


def quoted(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    *,
    path: str = "/quote",
    **changes: Any,
) -> tuple[Answers, Reply]:
    """Return what one question to a real server came to."""

    async def main() -> tuple[Answers, Reply]:
        async with serving(handler) as url:
            target = opened(http_spec(url + path, **changes))
            try:
                request = target.render(make_study(), wave, 0, slice(2, 3))
                reply = await target.send(request)
                return target.read(request, reply), reply
            finally:
                await target.close()

    wave = make_wave(1)
    return in_loop(main)


def replying(body: Any, **settings: Any) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_: web.Request) -> web.Response:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        return web.Response(body=raw, **({"content_type": "application/json"} | settings))

    return handler


def shown(answers: Answers) -> tuple[int, str, float, bool]:
    return (
        int(answers.kind[0]),
        REASONS[answers.reason[0]],
        float(answers.values["final"][0]),
        answers.retry,
    )


NAN: Any = pytest.approx(float("nan"), nan_ok=True)
PAGE = "<html><title>请完成验证</title> captcha </html>".encode()


@pytest.mark.parametrize(
    ("body", "settings", "kind", "reason", "value", "retry"),
    [
        ({"price": {"final": 328}}, {}, "answered", "", 328.0, False),
        ({"price": {"final": "328.00"}}, {}, "answered", "", 328.0, False),
        ({"price": {"final": 0}}, {}, "answered", "", 0.0, False),
        ({"price": {"final": -1}}, {}, "failed", "format", NAN, False),
        ({"price": {"final": True}}, {}, "failed", "format", NAN, False),
        ({"price": {"final": "1,299"}}, {}, "failed", "format", NAN, False),
        ({"price": {"final": None}}, {}, "failed", "format", NAN, False),
        ({"price": {}}, {}, "failed", "format", NAN, False),
        ([], {}, "failed", "format", NAN, False),
        (b'{"price": {"final": NaN}}', {}, "failed", "format", NAN, True),
        (b'{"price": {"fin', {}, "failed", "format", NAN, True),
        (b"", {}, "failed", "format", NAN, True),
        (PAGE, {"content_type": "text/html"}, "failed", "blocked", NAN, False),
        (PAGE, {}, "failed", "blocked", NAN, False),
        ({"code": 7, "message": "请先完成验证码"}, {}, "failed", "blocked", NAN, False),
        ({"error": "x"}, {"status": 401}, "failed", "auth", NAN, False),
        ({"error": "x"}, {"status": 407}, "failed", "auth", NAN, False),
        ({"error": "x"}, {"status": 403}, "failed", "blocked", NAN, False),
        ({"error": "x"}, {"status": 404}, "failed", "format", NAN, False),
        ({"error": "x"}, {"status": 422}, "failed", "format", NAN, False),
        ({"error": "x"}, {"status": 429}, "failed", "rate", NAN, True),
        ({"error": "x"}, {"status": 500}, "failed", "network", NAN, True),
        (b"oops", {"status": 500, "content_type": "text/plain"}, "failed", "network", NAN, True),
        (PAGE, {"status": 503, "content_type": "text/html"}, "failed", "blocked", NAN, False),
        (
            b"<html>down</html>",
            {"status": 502, "content_type": "text/html"},
            "failed",
            "network",
            NAN,
            True,
        ),
        ({"price": {"final": 5}}, {"status": 500}, "failed", "network", NAN, True),
    ],
)
def test_what_a_server_says(body, settings, kind, reason, value, retry):
    answers, _ = quoted(replying(body, **settings))
    assert shown(answers) == (KINDS[kind], reason, value, retry)


def test_an_endless_number_is_not_a_price():
    answers, _ = quoted(replying(b'{"price": {"final": 1e999}}'))
    assert shown(answers)[:2] == (FAILED, "format")


def test_too_many_says_how_long():
    answers, reply = quoted(replying({}, status=429, headers={"Retry-After": "17"}))
    assert answers.wait == 17
    assert reply.headers["retry-after"] == "17"


def test_a_date_to_wait_for_counts_from_the_reply():
    reply = Reply(
        status=429, headers={"retry-after": "Wed, 25 Nov 2026 00:00:10 GMT"}, at=1795564800.0
    )
    said = Reader(Response(final="$"), None).said(reply)
    assert said.wait == pytest.approx(10)
    never = Reply(status=429, headers={"retry-after": "soon"})
    assert Reader(Response(final="$"), None).said(never).wait == 0


@pytest.mark.parametrize(
    ("rule", "body", "status", "kind"),
    [
        ({"path": "$.status", "equals": "sold_out"}, {"status": "sold_out"}, 200, "refused"),
        ({"path": "$.status", "equals": "sold_out"}, {"status": "sold_out"}, 404, "refused"),
        ({"path": "$.status", "equals": "sold_out"}, {"status": "ok"}, 200, "failed"),
        ({"path": "$.status", "equals": ["x", "y"]}, {"status": "y"}, 200, "refused"),
        ({"path": "$.code", "equals": 1}, {"code": True}, 200, "failed"),
        ({"path": "$.status", "equals": "sold_out"}, {"status": "sold_out"}, 403, "failed"),
        ({"status": [404, 410]}, {}, 410, "refused"),
        ({"status": [404, 410]}, {}, 400, "failed"),
        ({"status": [429]}, {}, 429, "failed"),
    ],
)
def test_refused_is_what_the_plan_declares_and_nothing_else(rule, body, status, kind):
    answers, _ = quoted(
        replying(body, status=status), response={"final": "$.price.final", "refused": rule}
    )
    assert answers.kind[0] == KINDS[kind]


@pytest.mark.parametrize(
    ("said", "kind"),
    [("CNY", "answered"), ("cny", "answered"), ("EUR", "failed"), (None, "failed")],
)
def test_a_foreign_currency_is_not_a_price(said, kind):
    body = {"price": {"final": 3}, "currency": said}
    answers, _ = quoted(
        replying(body), response={"final": "$.price.final", "currency": "$.currency"}
    )
    assert answers.kind[0] == KINDS[kind]


def test_minor_units_are_divided():
    money = Money(currency="CNY", unit="fen", per="night", minor=100)
    said = Reader(Response(final="$.p"), money).said(Reply(status=200, body=b'{"p": 32850}'))
    assert said.values == (328.5,)


def test_a_slow_vendor_is_a_failure_that_may_pass():
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    answers, reply = quoted(slow, limits={"timeout": 0.05})
    assert shown(answers) == (FAILED, "network", NAN, True)
    assert reply.seconds >= 0.04


def test_a_reply_cut_short_is_a_failure_that_may_pass():
    async def short(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": "1000"})
        await response.prepare(request)
        await response.write(b'{"price": {"final": 3')
        assert request.transport is not None
        request.transport.close()
        return response

    answers, _ = quoted(short)
    assert shown(answers) == (FAILED, "network", NAN, True)


def test_nobody_there_is_a_failure_without_a_url_in_its_words():
    async def main() -> tuple[Answers, Reply]:
        async with serving(replying({})) as url:
            target = opened(http_spec(url + "/secret-path"))
        request = target.render(make_study(), make_wave(1), 0, slice(0, 1))
        reply = await target.send(request)
        await target.close()
        return target.read(request, reply), reply

    answers, reply = in_loop(main)
    assert shown(answers) == (FAILED, "network", NAN, True)
    assert b"secret-path" not in reply.body
    assert b"127.0.0.1" not in reply.body


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("squeezed", [True, False])
def test_a_body_without_end_is_cut_off(chunked, squeezed):
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if squeezed:
            response.enable_compression()
        elif not chunked:
            response.content_length = 50 << 20
        await response.prepare(request)
        try:
            for _ in range(50):
                await response.write(b" " * (1 << 20))
        except ConnectionError:
            pass
        return response

    answers, reply = quoted(endless)
    assert shown(answers) == (FAILED, "format", NAN, False)
    assert len(reply.body) < 1 << 20


def test_a_redirect_elsewhere_is_not_followed():
    visited = []

    async def elsewhere(_: web.Request) -> web.Response:
        visited.append(1)
        return web.json_response({"price": {"final": 1}})

    async def main() -> Answers:
        async with serving(elsewhere) as there:

            async def moved(_: web.Request) -> web.Response:
                return web.Response(status=307, headers={"location": there + "/login"})

            async with serving(moved) as here:
                target = opened(http_spec(here + "/quote"))
                request = target.render(make_study(), make_wave(1), 0, slice(0, 1))
                try:
                    return target.read(request, await target.send(request))
                finally:
                    await target.close()

    assert shown(in_loop(main)) == (FAILED, "blocked", NAN, False)
    assert not visited


def test_a_redirect_to_the_same_place_with_a_slash_is_followed_and_others_are_not():
    async def slash(request: web.Request) -> web.Response:
        if request.path == "/quote":
            return web.Response(status=308, headers={"location": "/quote/"})
        return web.json_response({"price": {"final": len(await request.read())}})

    answers, _ = quoted(slash)
    assert answers.values["final"][0] > 20

    async def forever(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"location": "/quote"})

    answers, _ = quoted(forever)
    assert shown(answers)[:2] == (FAILED, "blocked")

    async def login(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "/login"})

    answers, _ = quoted(login)
    assert shown(answers)[:2] == (FAILED, "blocked")


def test_cookies_are_neither_kept_nor_sent():
    cookies = []

    async def baker(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("cookie"))
        response = web.json_response({"price": {"final": 1}})
        response.set_cookie("session", "secret")
        return response

    async def main() -> list[Reply]:
        async with serving(baker) as url:
            target = opened(http_spec(url))
            request = target.render(make_study(), make_wave(1), 0, slice(0, 1))
            replies = [await target.send(request) for _ in range(2)]
            await target.close()
            return replies

    replies = in_loop(main)
    assert cookies == [None, None]
    assert all("set-cookie" not in reply.headers for reply in replies)


def test_secrets_leave_and_never_come_back(monkeypatch):
    monkeypatch.setenv("ACME_TOKEN", 'p"ss word&1')
    got: dict[str, Any] = {}

    async def echo(request: web.Request) -> web.Response:
        got.update(
            header=request.headers["authorization"],
            body=await request.json(),
            query=request.query["key"],
        )
        echoed = {"price": {"final": 1}, "you_sent": got["body"], "header": got["header"]}
        return web.json_response(echoed, headers={"x-request-id": "r1"})

    async def main() -> tuple[Any, Reply]:
        async with serving(echo) as url:
            target = opened(
                http_spec(
                    url + "/quote?key=${ACME_TOKEN}",
                    request={"token": "${ACME_TOKEN}", "age": "{{persona.age}}"},
                    headers={"Authorization": "Bearer ${ACME_TOKEN}"},
                )
            )
            request = target.render(make_study(), make_wave(1), 0, slice(0, 1))
            reply = await target.send(request)
            await target.close()
            return request, reply

    request, reply = in_loop(main)
    assert got == {
        "header": 'Bearer p"ss word&1',
        "body": {"token": 'p"ss word&1', "age": 30},
        "query": 'p"ss word&1',
    }
    for text in (request.body, request.route.encode(), reply.body):
        assert b"ss word" not in text
    assert b"${ACME_TOKEN}" in reply.body
    assert reply.headers["x-request-id"] == "r1"


def test_a_missing_secret_is_told_before_anything_is_sent(monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)
    spec = http_spec("http://127.0.0.1:9", headers={"authorization": "${NOT_SET}"})
    with pytest.raises(UsageError) as told:
        opened(spec)
    assert "NOT_SET" in told.value.text("zh")
    offline = open_target(spec, make_study(), identities=ids, key=KEY, offline=True)
    request = offline.render(make_study(), make_wave(1), 0, slice(0, 1))
    assert (
        offline.read(request, Reply(status=200, body=b'{"price":{"final":2}}')).values["final"] == 2
    )
    with pytest.raises(UsageError):
        asyncio.run(offline.send(request))


def test_routes_queries_and_headers_carry_placeholders():
    got = []

    async def note(request: web.Request) -> web.Response:
        got.append((request.method, request.path, dict(request.query), request.headers["x-device"]))
        return web.json_response({"price": {"final": 1}})

    answers, _ = quoted(
        note,
        path="/rooms/{{item.id}}?v=2",
        method="GET",
        request={"age": "{{persona.age}}", "who": "{{identity}} &"},
        headers={"x-device": "{{persona.device}}"},
    )
    assert got == [("GET", "/rooms/a", {"v": "2", "age": "30", "who": "u0-2 &"}, "new")]
    assert answers.kind[0] == ANSWERED


def test_headers_that_vary_are_part_of_the_hash():
    target = opened(
        http_spec("http://127.0.0.1:9", request={}, headers={"d": "{{persona.device}}"})
    )
    study, wave = make_study(), make_wave(1)
    hashes = [target.render(study, wave, 0, slice(n, n + 1)).sha256() for n in range(3)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_rendering_is_pure_and_in_any_order():
    study, wave = make_study(), make_wave(1200)
    one, other = (opened(http_spec("http://127.0.0.1:9")) for _ in range(2))
    places = [3599, 0, 1, 2000, 700, 0, 3599, 1400, 2900]
    forward = [one.render(study, wave, 4, slice(n, n + 1)) for n in places]
    back = [other.render(study, wave, 4, slice(n, n + 1)) for n in reversed(places)][::-1]
    assert forward == back
    assert [request.first for request in forward] == places


def test_the_address_holds_no_secret_and_carried_says_what_arrives():
    spec = http_spec(
        "https://user:pass@quotes.acme.example:8443/x?key=1", headers={"d": "{{persona.hat}}"}
    )
    assert address(spec) == "quotes.acme.example:8443"
    assert carried(spec) == frozenset(
        {"identity", "persona.device", "persona.age", "item.id", "persona.hat"}
    )
    for url in ("quotes.acme.example", "ftp://x/", "https://{{item.id}}/"):
        with pytest.raises(UsageError):
            opened(http_spec(url))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["price", "final", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(tree=json_values, status=st.integers(100, 599))
def test_no_reply_breaks_the_reader(tree, status):
    reader = Reader(Response(final="$.price.final", list="$..x"), YUAN)
    answers = reader.answers(Reply(status=status, body=orjson.dumps(tree)))
    assert answers.kind[0] in {ANSWERED, FAILED}
    assert (answers.kind[0] == FAILED) == (answers.reason[0] > 0)


@given(body=st.binary(max_size=50), status=st.integers(100, 599))
def test_no_bytes_break_the_reader(body, status):
    Reader(Response(final="$"), None).answers(Reply(status=status, body=body))


@given(tree=json_values)
@pytest.mark.parametrize(
    "path", ["$", "$.price", "$.price.final", "$[0]", "$.x[-1]", "$['price']['x']"]
)
def test_the_short_way_finds_what_the_standard_finds(path, tree):
    import jsonpath_rfc9535

    found = jsonpath_rfc9535.find(path, tree).values()
    mine = compile_path(path)(tree)
    if found:
        assert mine is found[0] or mine == found[0]
    else:
        assert type(mine) is object


def test_a_path_that_finds_several_is_not_a_price():
    reader = Reader(Response(final="$.p[*]"), None)
    assert reader.said(Reply(status=200, body=b'{"p": [1, 2]}')).reason == "format"
    assert reader.said(Reply(status=200, body=b'{"p": [1]}')).values == (1.0,)
    with pytest.raises(UsageError):
        compile_path("price.final")


@given(amount=st.decimals(min_value=0, max_value=10**9, places=2))
def test_decimal_texts_are_read_exactly(amount):
    assert price(str(amount)) == float(amount)


@pytest.mark.parametrize(
    "text", ["", " 3", "3 ", "+3", "-3", "3.", ".5", "1e3", "inf", "nan", "٣", "3_0", "0x3"]
)
def test_other_texts_are_not_prices(text):
    assert price(text) != price(text)
