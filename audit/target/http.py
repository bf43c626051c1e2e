"""A JSON endpoint over HTTP."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import yarl

from ...errors import UsageError
from ...probes.design import Wave
from ...probes.protocol import Study
from ..plan import HttpTarget as HttpSpec
from .protocol import Answers, Reply, Request
from .read import Reader
from .render import (
    HEADER,
    JSON,
    PATH,
    URL,
    Identities,
    Template,
    secrets_in,
    visible,
)

KEPT = (
    "age",
    "cache-control",
    "content-type",
    "date",
    "location",
    "retry-after",
    "server",
    "vary",
    "x-cache",
    "x-request-id",
)
"""Headers of a reply that are put on file: cookies and tokens are not among them."""

_KEPT_NAMES = {spelt.encode(): name for name in KEPT for spelt in (name, name.title())}
_HEADER_CHARACTERS = 500
_CHUNK = 256
_CHUNKS_KEPT = 4
_SECRET_LENGTH = 4
_HOPS = 3
_FAULTS = (TimeoutError, OSError, ValueError, aiohttp.ClientError)
_MOVED_AS_IT_IS = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303}) | _MOVED_AS_IT_IS
_ORIGIN = re.compile(r"^(https?://[^/?#]+)([^?#]*)(\?[^#]*)?", re.IGNORECASE)

_Chunk = tuple[Wave, Study, list[Request]]


class HttpTarget:
    """Asks a JSON endpoint, one trial a call.

    A redirect is followed only where it asks the same of the same origin, proxies of the environment
    are not used, cookies are not kept, and a reply longer than the plan allows is a failure.

    Parameters
    ----------
    spec : HttpTarget of the plan
    study : Study
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key.
    offline : bool
        Read stored replies only: no secret is looked up, and `send` refuses.

    Raises
    ------
    UsageError
        If a secret that the plan names is not set, or the template cannot be compiled.
    """

    batch = 1

    def __init__(
        self,
        spec: HttpSpec,
        study: Study,
        *,
        identities: Identities,
        key: bytes,
        offline: bool = False,
    ) -> None:
        self._spec = spec
        self._identities = identities
        self._key = key
        self._offline = offline
        self._reader = Reader(spec.response, study.money)
        self._origin, route = split_url(spec.url)
        self._templates, self._headers = http_templates(spec, route)
        every = (*self._templates.values(), *self._headers.values())
        self._fields = frozenset().union(*(one.fields for one in every))
        in_body = URL if spec.method == "GET" else JSON
        self._in_header = {} if offline else _secrets(spec, str.encode)
        self._in_url = {} if offline else _secrets(spec, URL.inside)
        self._in_body = {} if offline else _secrets(spec, in_body.inside)
        self._url: Any = None
        self._chunks: dict[tuple[int, int], _Chunk] = {}
        self._session: aiohttp.ClientSession | None = None

    def _constant_headers(self) -> dict[str, str]:
        return {
            name.lower(): self._filled(self._headers[name].fill({}, 1)[0], self._in_header).decode()
            for name in self._headers
            if not self._headers[name].fields
        }

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the request for one trial. Pure."""
        chunk, place = divmod(int(rows.start), _CHUNK)
        held: _Chunk | None = self._chunks.get((number, chunk))
        # waves and studies are frozen, so the same object always renders the same
        if held is None or held[0] is not wave or held[1] is not study:
            held = (wave, study, self._rendered(study, wave, number, chunk))
            while len(self._chunks) >= _CHUNKS_KEPT:
                del self._chunks[next(iter(self._chunks))]
            self._chunks[number, chunk] = held
        return held[2][place]

    def _rendered(self, study: Study, wave: Wave, number: int, chunk: int) -> list[Request]:
        rows = slice(chunk * _CHUNK, min(len(wave), (chunk + 1) * _CHUNK))
        count = rows.stop - rows.start
        columns = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=self._fields,
        )
        filled = {name: one.fill(columns, count) for name, one in self._templates.items()}
        varying = {
            name: one.fill(columns, count) for name, one in self._headers.items() if one.fields
        }
        return [
            Request(
                wave=number,
                first=rows.start + place,
                count=1,
                body=filled["body"][place],
                route=filled["route"][place].decode(),
                headers={name: texts[place].decode() for name, texts in varying.items()},
            )
            for place in range(count)
        ]

    async def send(self, request: Request) -> Reply:
        """Send it, once, and return what came back, bounded and without secrets."""
        session = self._session or await self._open()
        at, started = time.time(), time.perf_counter()
        try:
            status, headers, body, error = await self._exchange(session, request)
        except _FAULTS as problem:
            status, headers, error = 0, {}, "network"
            body = describe(problem).encode()
        seconds = time.perf_counter() - started
        return Reply(
            status=status,
            headers=headers,
            body=self._redacted(body),
            at=at,
            seconds=seconds,
            error=error,
        )

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        url, data = self._address(request)
        for hop in range(_HOPS + 1):
            call = session.request(
                self._spec.method,
                url,
                data=data,
                headers=request.headers or None,
                allow_redirects=False,
            )
            async with call as answer:
                onward = self._onward(answer) if answer.status in _MOVED and hop < _HOPS else None
                if onward is None:
                    body, whole = await self._body(answer)
                    return answer.status, self._kept(answer), body, None if whole else "format"
            url = onward
        raise AssertionError  # the last hop always returns

    def _address(self, request: Request) -> tuple[Any, bytes | None]:
        """Return the url with its secrets, and the data of a request."""
        method, _, path = request.route.partition(" ")
        data: bytes | None = self._filled(request.body, self._in_body)
        if method != "GET" and not self._templates["route"].fields:
            if self._url is None:
                self._url = self._parsed(path)
            return self._url, data
        if method == "GET" and data:
            path, data = f"{path}{'&' if '?' in path else '?'}{request.body.decode()}", None
        return self._parsed(path), data or None

    def _parsed(self, path: str) -> Any:
        text = self._filled((self._origin + path).encode(), self._in_url).decode()
        return yarl.URL(text, encoded=True)

    def _onward(self, answer: aiohttp.ClientResponse) -> Any:
        """Return where a reply sends us, if that is at the same origin and asks the same again."""
        keeps = answer.status in _MOVED_AS_IT_IS or self._spec.method == "GET"
        to = answer.url.join(yarl.URL(answer.headers.get("location", "")))
        return to if keeps and to.origin() == answer.url.origin() else None

    def _kept(self, answer: aiohttp.ClientResponse) -> dict[str, str]:
        # any of them can give a secret back; cut last, for half a secret is not recognised
        return {
            kept: self._redacted(value).decode("utf-8", "replace")[:_HEADER_CHARACTERS]
            for name, value in answer.raw_headers
            if (kept := _KEPT_NAMES.get(name) or _KEPT_NAMES.get(name.lower()))
        }

    async def _body(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        most = self._spec.limits.body_bytes
        length = answer.content_length
        if length is not None and length <= most and "content-encoding" not in answer.headers:
            return await answer.read(), True
        parts, size = [], 0
        async for part in answer.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > most:
                answer.close()
                return self._redacted(b"".join(parts))[:_HEADER_CHARACTERS], False
        return b"".join(parts), True

    async def _open(self) -> aiohttp.ClientSession:
        if self._offline:
            raise UsageError("target.offline")
        limits = self._spec.limits
        constant = {"content-type": "application/json", "accept": "application/json"}
        if self._spec.method == "GET":
            del constant["content-type"]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=limits.timeout),
            headers=constant | self._constant_headers(),
            skip_auto_headers=("User-Agent",),
            trust_env=False,
        )
        return self._session

    def read(self, request: Request, reply: Reply) -> Answers:  # noqa: ARG002  the protocol's
        """Return what the reply says. Pure."""
        return self._reader.answers(reply)

    async def close(self) -> None:
        """Let go of connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    @staticmethod
    def _filled(text: bytes, secrets: Mapping[bytes, bytes]) -> bytes:
        if not secrets or b"${" not in text:
            return text
        for name, value in secrets.items():
            text = text.replace(name, value)
        return text

    def _redacted(self, body: bytes) -> bytes:
        if not self._in_header:
            return body
        for secrets in (self._in_header, self._in_body, self._in_url):
            for name, value in secrets.items():
                if len(value) >= _SECRET_LENGTH and value in body:
                    body = body.replace(value, name)
        return body


def describe(problem: BaseException) -> str:
    """Return an error in a few words, without a url or anything else that could hold a secret."""
    number = getattr(problem, "errno", None)
    return f"{type(problem).__name__}: {os.strerror(number)}" if number else type(problem).__name__


def split_url(url: str) -> tuple[str, str]:
    """Return the origin of a url, and its path with what follows.

    Examples
    --------
    >>> split_url("https://quotes.acme.example/quote?v=2")
    ('https://quotes.acme.example', '/quote?v=2')
    """
    found = _ORIGIN.match(url)
    if not found or "{{" in found[1]:
        raise UsageError("target.bad_url", url=url)
    return found[1], (found[2] or "/") + (found[3] or "")


def http_templates(
    spec: HttpSpec, route: str
) -> tuple[Mapping[str, Template], Mapping[str, Template]]:
    """Return the templates of a request: its body and route, and its headers."""
    body = Template.query if spec.method == "GET" else Template.json
    return (
        {
            "body": body(spec.request),
            "route": Template.line(f"{spec.method} {route}", PATH),
        },
        {name: Template.line(text, HEADER) for name, text in spec.headers.items()},
    )


def _secrets(spec: HttpSpec, encoded: Callable[[str], bytes]) -> dict[bytes, bytes]:
    """Return ``${NAME}`` → value, as it is written in one place."""
    names = secrets_in(spec.request) | secrets_in(spec.headers) | secrets_in(spec.url)
    missing = sorted(name for name in names if name not in os.environ)
    if missing:
        raise UsageError("target.missing_secret", names=", ".join(missing))
    return {b"${%b}" % name.encode(): encoded(os.environ[name]) for name in sorted(names)}
