"""An endpoint over HTTP: one step or several, each with its own address, encoding and reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import yarl

from ...errors import UsageError
from ...probes.design import Wave
from ...probes.protocol import Study
from ..planhttp import Asking
from ..planhttp import HttpTarget as HttpSpec
from .login import Logins, identity_column
from .protocol import FRESH, Answers, Effect, Past, Reply, Request
from .read import Reader, require_outcome
from .render import HEADER, PATH, Identities, Template, secrets_in, visible
from .secrets import NONE, Secrets, filled, from_environment, of_accounts
from .wire import KEPT, Wire, describe, in_environment, split_url

__all__ = ["KEPT", "Compiled", "HttpTarget", "describe", "split_url"]

_CHUNK = 256
_CHUNKS_KEPT = 4
_BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}

_Chunk = tuple[Wave, Study, list[Request]]


class Compiled:
    """One thing that can be sent, compiled.

    Parameters
    ----------
    asking : Asking
        With its whole address.
    home : str
        The origin that a route on file need not name.

    Examples
    --------
    >>> quote = Compiled(Asking(url="https://acme.example/q", request={"who": "{{identity}}"}),
    ...     "https://acme.example")
    >>> list(quote.rows(identity_column("u1"), 1))
    [(b'{"who":"u1"}', 'POST /q', {})]
    """

    def __init__(self, asking: Asking, home: str) -> None:
        origin, path = split_url(asking.url)
        template = Template.json if asking.encoded == "json" else Template.query
        bodiless = not asking.request and asking.method in _BODILESS
        self.method = asking.method
        self._home = home
        self._encoded = asking.encoded
        self._body = template(asking.request) if not bodiless else Template([], HEADER)
        where = path if origin == home else origin + path
        self._route = Template.line(f"{asking.method} {where}", PATH)
        self._headers = {name: Template.line(text, HEADER) for name, text in asking.headers.items()}
        parts = (self._body, self._route, *self._headers.values())
        self.fields = frozenset().union(*(one.fields for one in parts))
        self.secrets = frozenset().union(
            *(secrets_in(part) for part in (asking.url, asking.request, asking.headers))
        )
        shared = not self._route.fields and not secrets_in(asking.url) - _plain(asking.url)
        self._shares_url = shared and self._encoded != "query"
        self._url: yarl.URL | None = None
        self._type = {} if bodiless or self._encoded == "query" else _typed(self._encoded)

    def rows(
        self, columns: Mapping[str, Any], rows: int
    ) -> Iterator[tuple[bytes, str, dict[str, str]]]:
        """Yield body, route and the headers that differ, a row."""
        varying = {
            name: one.fill(columns, rows) for name, one in self._headers.items() if one.fields
        }
        bodies, routes = self._body.fill(columns, rows), self._route.fill(columns, rows)
        for place in range(rows):
            headers = {name: texts[place].decode() for name, texts in varying.items()}
            yield bodies[place], routes[place].decode(), headers

    def constant(self, secrets: Secrets) -> dict[str, str]:
        """Return the headers that are always the same, with their secrets."""
        return self._type | {
            name.lower(): filled(one.fill({}, 1)[0], secrets.header).decode()
            for name, one in self._headers.items()
            if not one.fields
        }

    def address(self, request: Request, secrets: Secrets) -> tuple[yarl.URL, bytes | None]:
        """Return where a request goes, and the data that goes with it, with their secrets."""
        in_body = secrets.json if self._encoded == "json" else secrets.url
        data = filled(request.body, in_body)
        if self._shares_url:
            if self._url is None:
                self._url = self._parsed(request.route, b"", secrets)
            return self._url, data or None
        if self._encoded == "query":
            return self._parsed(request.route, data, secrets), None
        return self._parsed(request.route, b"", secrets), data or None

    def _parsed(self, route: str, query: bytes, secrets: Secrets) -> yarl.URL:
        where = route.partition(" ")[2]
        base = self._home if where.startswith("/") else ""
        text = filled((base + where).encode(), secrets.url)
        if query:
            text += (b"&" if b"?" in text else b"?") + query
        return yarl.URL(text.decode(), encoded=True)


def _plain(text: str) -> frozenset[str]:
    """Return the secrets of a text that are the same for everybody."""
    return frozenset(name for name in secrets_in(text) if "." not in name)


def _typed(encoded: str) -> dict[str, str]:
    return {"content-type": _TYPES[encoded]}


class HttpTarget:
    """Asks an endpoint over HTTP, one trial a call.

    A redirect is followed only where it asks the same of the same origin, proxies of the environment
    are not used, and a reply longer than the plan allows is a failure.

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
    accounts : str, optional
        The path of a table of what only accounts know.

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
        accounts: str | None = None,
    ) -> None:
        walked = tuple(spec.walked().values())
        self._identities = identities
        self._key = key
        self._offline = offline
        self._home = split_url(spec.url)[0]
        self._steps = len(walked)
        releases = [step.release for step in walked]
        self._asked = tuple(self._compiled(one) for one in (*walked, *releases))
        self._readers = tuple(
            Reader(step.response, study.money, capture=step.capture) for step in walked
        )
        require_outcome(self._readers)
        self._effects = tuple(step.effect for step in walked)
        self._cookies = spec.cookies == "session"
        entry = spec.entry()
        self._login = self._compiled(entry)
        self._named = self._cookies or self._login is not None
        self._chunks: dict[tuple[int, int], _Chunk] = {}
        self._secrets = NONE if offline else from_environment(self._secret_names(spec))
        self._alone = self._steps == 1 and not self._named
        self._wire = self._wired(spec)
        self.logins = None if offline else self._logins(spec, accounts)

    def _compiled(self, asking: Asking | None) -> Compiled | None:
        return None if asking is None else Compiled(asking, self._home)

    def _secret_names(self, spec: HttpSpec) -> frozenset[str]:
        tls = () if spec.tls is None else (spec.tls.cert, spec.tls.key, spec.tls.ca)
        compiled = (*self._asked, self._login)
        return frozenset().union(
            *(one.secrets for one in compiled if one), secrets_in([spec.proxy, *tls])
        )

    def _wired(self, spec: HttpSpec) -> Wire:
        first = self._asked[0]
        constant = first.constant(self._secrets) if self._alone and first else {}
        return Wire(
            spec.limits,
            headers={"accept": "application/json", **constant},
            secrets=self._secrets.written,
            tls=spec.tls,
            proxy=None if self._offline else in_environment(spec.proxy),
            cookies=self._cookies,
        )

    def _logins(self, spec: HttpSpec, accounts: str | None) -> Logins | None:
        entry, compiled = spec.entry(), self._login
        if entry is None or compiled is None:
            return None

        def render(identity: str) -> Request:
            body, route, headers = next(compiled.rows(identity_column(identity), 1))
            return Request(wave=0, first=0, count=0, body=body, route=route, headers=headers)

        return Logins(
            entry,
            render=render,
            send=partial(self._sent, compiled),
            accounts=of_accounts(in_environment(accounts)),
        )

    # ------------------------------------------------------------------ render

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
        steps = set(wave.step[rows].tolist())
        if len(steps) == 1:
            return self._made(steps.pop(), study, wave, number, rows)
        return [
            self._made(int(wave.step[place]), study, wave, number, slice(place, place + 1))[0]
            for place in range(rows.start, rows.stop)
        ]

    def render_step(self, study: Study, wave: Wave, number: int, place: int, past: Past) -> Request:
        """Return the request for one trial of a session with a past. Pure."""
        rows = slice(place, place + 1)
        return self._made(int(wave.step[place]), study, wave, number, rows, past)[0]

    def render_release(
        self, study: Study, wave: Wave, number: int, place: int, past: Past
    ) -> Request | None:
        """Return what lets go of what the step at `place` holds. Pure."""
        step = self._steps + int(wave.step[place])
        if self._asked[step] is None:
            return None
        return self._made(step, study, wave, number, slice(place, place + 1), past)[0]

    def _made(
        self,
        step: int,
        study: Study,
        wave: Wave,
        number: int,
        rows: slice,
        past: Past = FRESH,
    ) -> list[Request]:
        asked = self._asked[step]
        if asked is None:
            raise UsageError("target.no_step", step=step)
        count = rows.stop - rows.start
        columns = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=asked.fields | ({"identity"} if self._named else set()),
            past=past,
        )
        names = columns["identity"].tolist() if self._named else [""] * count
        places = wave.session[rows].tolist() if self._cookies else None
        return [
            Request(
                wave=number,
                first=rows.start + place,
                count=1,
                body=body,
                route=route,
                headers=headers,
                step=step,
                identity=str(names[place]),
                session=f"{number}.{places[place]}.{past.restart}" if places else "",
            )
            for place, (body, route, headers) in enumerate(asked.rows(columns, count))
        ]

    # ------------------------------------------------------------------ send

    async def send(self, request: Request) -> Reply:
        """Send it, once, and return what came back, bounded and without secrets.

        Where the plan has a login, that comes before an identity's first request, and once more
        where the vendor says that it has run out.
        """
        if self._offline:
            raise UsageError("target.offline")
        asked = self._asked[request.step]
        if asked is None:
            raise UsageError("target.no_step", step=request.step)
        if self.logins is None:
            return await self._sent(asked, request, NONE)
        return await self.logins.through(request, partial(self._sent, asked, request))

    async def _sent(self, asked: Compiled, request: Request, keys: Secrets) -> Reply:
        secrets = self._secrets if keys is NONE else self._secrets | keys
        url, data = asked.address(request, secrets)
        return await self._wire.exchange(
            asked.method,
            url,
            data,
            self._headers(asked, request, secrets),
            session=request.session,
            hidden=None if keys is NONE else keys.written,
        )

    def _headers(
        self, asked: Compiled, request: Request, secrets: Secrets
    ) -> Mapping[str, str] | None:
        if self._alone:  # what is always the same stands on the connection
            return request.headers or None
        return {**asked.constant(secrets), **request.headers}

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each step does to the vendor."""
        return self._effects

    # ------------------------------------------------------------------ read

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the reply says. Pure."""
        return self._readers[request.step].answers(reply)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()


def http_fields(spec: HttpSpec) -> frozenset[str]:
    """Return the fields that requests carry, over all steps."""
    home = split_url(spec.url)[0]
    return frozenset().union(*(Compiled(step, home).fields for step in spec.walked().values()))
