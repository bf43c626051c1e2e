"""What a plan says of an endpoint over HTTP: the steps of a session, the login, the connection."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urljoin

from pydantic import Field

from .planparts import Limits, MoneyTerms, Part, Response, Whole

QUOTE = "quote"
"""The step that the target itself is."""

Encoding = Literal["json", "form", "query"]
Effect = Literal["none", "hold", "order"]
"""As in ``target.protocol``."""


_CAPTURED = "captured."


class Asking(Part):
    """One thing that can be sent: where to, how, and with what.

    Without an `encoding` a GET puts its request into the address and everything else sends JSON.
    """

    url: str
    method: str = Field("POST", pattern=r"^[A-Z]{1,20}$")
    encoding: Encoding | None = None
    request: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)

    @property
    def encoded(self) -> Encoding:
        """How the request travels."""
        return self.encoding or ("query" if self.method == "GET" else "json")


class Step(Asking):
    """One step of a session. Its url may stand relative to the target's.

    `capture` names what later steps of the same session may use: ``{{captured.NAME}}``. A step that
    holds something says how it is released; one that orders is sent once, and only as authorised.
    """

    response: Response = Response()
    capture: dict[str, str] = Field(default_factory=dict)
    effect: Effect = "none"
    release: Asking | None = None


class Login(Asking):
    """How an identity gets what opens the door, before its first question and when it is shut again.

    `capture` names what may be written as ``${login.NAME}`` in any url, header or request: it is
    filled in when something is sent, and is on no file.
    """

    capture: dict[str, str] = Field(min_length=1)
    renew_on: tuple[Whole, ...] = (401,)


class Tls(Part):
    """What a connection shows and trusts: paths of files in PEM form, or ``${NAME}``.

    They are read where they are, and never copied.
    """

    cert: str | None = None
    key: str | None = None
    ca: str | None = None


class HttpTarget(Asking):
    """An endpoint over HTTP. With `steps`, its own response is that of the last step, ``quote``.

    Steps send its headers too, but for those in which something captured stands.
    `cookies: session` keeps cookies, a jar for each session. `proxy` is the only one that is used.
    """

    kind: Literal["http"]
    response: Response | None = None
    steps: dict[str, Step] = Field(default_factory=dict)
    login: Login | None = None
    cookies: Literal["none", "session"] = "none"
    tls: Tls | None = None
    proxy: str | None = None
    money: MoneyTerms | None = None
    limits: Limits = Limits()

    def walked(self) -> dict[str, Step]:
        """Return the steps of a session by name, in plan order: whole addresses, all headers.

        Examples
        --------
        >>> shop = HttpTarget(kind="http", url="https://acme.example/quote", headers={"a": "1"},
        ...     response={"final": "$.price"}, steps={"view": {"url": "/view", "headers": {"b": "2"}}})
        >>> {name: step.url for name, step in shop.walked().items()}
        {'view': 'https://acme.example/view', 'quote': 'https://acme.example/quote'}
        >>> shop.walked()["view"].headers
        {'a': '1', 'b': '2'}
        """
        steps = {name: self._placed(step) for name, step in self.steps.items()}
        if self.response is not None or not steps:
            own = {name: getattr(self, name) for name in Asking.model_fields}
            steps.setdefault(QUOTE, Step(**own, response=self.response or Response()))
        return steps

    def entry(self) -> Login | None:
        """Return the login with its whole address; the target's own headers do not go with it."""
        found = self.login
        return found and found.model_copy(update={"url": _joined(self.url, found.url)})

    def addresses(self) -> tuple[str, ...]:
        """Return every address that something is sent to, each once; the target's own first.

        Examples
        --------
        >>> shop = HttpTarget(kind="http", url="https://acme.example/quote", response={"final": "$.p"},
        ...     login={"url": "https://id.acme.example/", "capture": {"key": "$.key"}})
        >>> shop.addresses()
        ('https://acme.example/quote', 'https://id.acme.example/')
        """
        steps = self.walked().values()
        releases = [step.release for step in steps if step.release is not None]
        sent = [*steps, *releases, *filter(None, [self.entry()])]
        return tuple(dict.fromkeys([self.url, *(one.url for one in sent)]))

    def _placed(self, step: Step) -> Step:
        release = step.release and step.release.model_copy(update=self._at(step.release))
        return step.model_copy(update={**self._at(step), "release": release})

    def _at(self, asking: Asking) -> dict[str, Any]:
        shared = {name: text for name, text in self.headers.items() if _CAPTURED not in text}
        return {"url": _joined(self.url, asking.url), "headers": {**shared, **asking.headers}}


def _joined(base: str, url: str) -> str:
    """Return an address that may stand relative to another; what cannot be read stays as it is."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url
