"""The wire: bytes out and bytes in, bounded, with nothing secret in what comes back.

Whatever speaks over HTTP sends through it: an endpoint of a plan, a model server, a login.
"""

from __future__ import annotations

import os
import re
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import aiohttp
import yarl

from ...errors import UsageError
from ..planhttp import Tls
from ..planparts import Limits
from .protocol import Reply

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

SESSIONS = 4096
"""Sessions for which the wire remembers something at once; the one unused for longest goes first."""

_KEPT_NAMES = {spelt.encode(): name for name in KEPT for spelt in (name, name.title())}
_HEADER_CHARACTERS = 500
_SECRET_LENGTH = 4
_HOPS = 3
_FAULTS = (TimeoutError, OSError, ValueError, aiohttp.ClientError)
_MOVED_AS_IT_IS = frozenset({307, 308})
_MOVED = frozenset({301, 302, 303}) | _MOVED_AS_IT_IS
_SAFE = frozenset({"GET", "HEAD"})
Kept = TypeVar("Kept")

_ORIGIN = re.compile(r"^(https?://[^/?#]+)([^?#]*)(\?[^#]*)?", re.IGNORECASE)


class Wire:
    """Sends over HTTP, each time once, and returns what came back.

    A redirect is followed only where it asks the same of the same origin, proxies of the environment
    are not used, and a reply longer than the plan allows is a failure.

    Parameters
    ----------
    limits : Limits
    headers : mapping of str to str
        Sent with everything.
    secrets : mapping of bytes to sequence of bytes
        What stands on file instead of a secret → the secret, in each way it may be written.
    tls : Tls, optional
        The certificate that we show, and who vouches for the one that we are shown.
    proxy : str, optional
        The only proxy that is used.
    cookies : bool
        Keep cookies, a jar for each session; else none is kept.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        headers: Mapping[str, str],
        secrets: Mapping[bytes, Sequence[bytes]],
        tls: Tls | None = None,
        proxy: str | None = None,
        cookies: bool = False,
    ) -> None:
        self._limits = limits
        self._headers = dict(headers)
        self._secrets = secrets
        self._tls = tls
        self._proxy = proxy
        self._jars: OrderedDict[str, aiohttp.CookieJar] | None = OrderedDict() if cookies else None
        self._session: aiohttp.ClientSession | None = None

    async def exchange(
        self,
        method: str,
        url: yarl.URL,
        data: bytes | None,
        headers: Mapping[str, str] | None,
        *,
        session: str = "",
        hidden: Mapping[bytes, Sequence[bytes]] | None = None,
    ) -> Reply:
        """Send, once.

        Parameters
        ----------
        method : str
        url : yarl.URL
            With its secrets.
        data : bytes, optional
        headers : mapping, optional
            Beside those of the wire.
        session : str
            Whose cookies go with it.
        hidden : mapping, optional
            As `secrets`, for this reply alone.
        """
        client = self._session or self._open()
        jar = None if self._jars is None else self._jar(self._jars, session)
        at, started = time.time(), time.perf_counter()
        try:
            status, kept, body, error = await self._hops(client, method, url, data, headers, jar)
        except _FAULTS as problem:
            status, kept, error = 0, {}, "network"
            body = describe(problem).encode()
        seconds = time.perf_counter() - started
        if self._secrets or hidden or jar is not None:
            secrets = [*self._secrets.items(), *(hidden or {}).items(), *_values(jar)]
            body = redacted(body, secrets)
            kept = {name: _clean(value, secrets) for name, value in kept.items()}
        # cut last: half a secret is not recognised
        kept = {name: value[:_HEADER_CHARACTERS] for name, value in kept.items()}
        if error == "format":
            body = body[:_HEADER_CHARACTERS]
        return Reply(status=status, headers=kept, body=body, at=at, seconds=seconds, error=error)

    async def _hops(
        self,
        client: aiohttp.ClientSession,
        method: str,
        url: yarl.URL,
        data: bytes | None,
        headers: Mapping[str, str] | None,
        jar: aiohttp.CookieJar | None,
    ) -> tuple[int, dict[str, str], bytes, str | None]:
        for hop in range(_HOPS + 1):
            call = client.request(
                method,
                url,
                data=data,
                headers=headers if jar is None else _with_cookies(headers, jar, url),
                allow_redirects=False,
                proxy=self._proxy,
            )
            async with call as answer:
                if jar is not None:
                    jar.update_cookies(answer.cookies, answer.url)
                moved = answer.status in _MOVED and hop < _HOPS
                onward = _onward(method, answer) if moved else None
                if onward is None:
                    body, whole = await self._body(answer)
                    return answer.status, _kept(answer), body, None if whole else "format"
            url = onward
        raise AssertionError  # the last hop always returns

    async def _body(self, answer: aiohttp.ClientResponse) -> tuple[bytes, bool]:
        most = self._limits.body_bytes
        length = answer.content_length
        if length is not None and length <= most and "content-encoding" not in answer.headers:
            return await answer.read(), True
        parts, size = [], 0
        async for part in answer.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > most:
                answer.close()
                return b"".join(parts), False
        return b"".join(parts), True

    @staticmethod
    def _jar(jars: OrderedDict[str, aiohttp.CookieJar], session: str) -> aiohttp.CookieJar:
        return remembered(jars, session, lambda: aiohttp.CookieJar(unsafe=True))

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ttl_dns_cache=300,
                ssl=True if self._tls is None else context(self._tls),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._limits.timeout),
            headers=self._headers,
            skip_auto_headers=("User-Agent",),
            trust_env=False,
        )
        return self._session

    async def close(self) -> None:
        """Let go of connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def remembered(kept: OrderedDict[str, Kept], name: str, make: Callable[[], Kept]) -> Kept:
    """Return what is kept under a name, made where nothing is; what was unused for longest goes.

    Examples
    --------
    >>> kept = OrderedDict()
    >>> remembered(kept, "a", list).append(1)
    >>> remembered(kept, "a", list)
    [1]
    """
    found = kept.pop(name, None)
    found = make() if found is None else found
    kept[name] = found
    while len(kept) > SESSIONS:
        kept.popitem(last=False)
    return found


def context(tls: Tls) -> ssl.SSLContext:
    """Return what a connection shows and trusts. The files are read where they are, never copied.

    Raises
    ------
    UsageError
        If a file cannot be read, or is no certificate or key.
    """
    try:
        made = ssl.create_default_context(cafile=in_environment(tls.ca))
        if tls.cert is not None:
            made.load_cert_chain(str(in_environment(tls.cert)), in_environment(tls.key))
    except (OSError, ssl.SSLError) as problem:
        raise UsageError("target.bad_tls", problem=describe(problem)) from None
    return made


def in_environment(text: str | None) -> str | None:
    """Return a text with each ``${NAME}`` read from the environment."""
    return None if text is None else os.path.expandvars(text)


def redacted(body: bytes, secrets: Sequence[tuple[bytes, Sequence[bytes]]]) -> bytes:
    """Return bytes with the name of each secret in its place.

    Examples
    --------
    >>> redacted(b"key=abcdef", [(b"${KEY}", [b"abcdef"])])
    b'key=${KEY}'
    """
    for name, values in secrets:
        for value in values:
            if len(value) >= _SECRET_LENGTH and value in body:
                body = body.replace(value, name)
    return body


def describe(problem: BaseException) -> str:
    """Return an error in a few words, without a url or anything else that could hold a secret."""
    number = getattr(problem, "errno", None)
    told = type(problem).__name__
    return f"{told}: {os.strerror(number)}" if number and number > 0 else told


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


def _onward(method: str, answer: aiohttp.ClientResponse) -> yarl.URL | None:
    """Return where a reply sends us, if that is at the same origin and asks the same again."""
    keeps = answer.status in _MOVED_AS_IT_IS or method in _SAFE
    to = answer.url.join(yarl.URL(answer.headers.get("location", "")))
    return to if keeps and to.origin() == answer.url.origin() else None


def _kept(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {
        kept: value.decode("utf-8", "replace")
        for name, value in answer.raw_headers
        if (kept := _KEPT_NAMES.get(name) or _KEPT_NAMES.get(name.lower()))
    }


def _clean(text: str, secrets: Sequence[tuple[bytes, Sequence[bytes]]]) -> str:
    return redacted(text.encode(), secrets).decode("utf-8", "replace")


def _with_cookies(
    headers: Mapping[str, str] | None, jar: aiohttp.CookieJar, url: yarl.URL
) -> dict[str, str]:
    held = jar.filter_cookies(url).values()
    sent = "; ".join(f"{one.key}={one.value}" for one in held)
    return {**(headers or {}), **({"cookie": sent} if sent else {})}


def _values(jar: aiohttp.CookieJar | None) -> Iterator[tuple[bytes, Sequence[bytes]]]:
    for cookie in jar or ():
        yield b"${cookie.%b}" % cookie.key.encode(), (cookie.value.encode(),)
