"""A login for each identity: before its first question, and again when the vendor shuts the door."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import orjson

from ..planhttp import Login
from .outcomes import MISSING
from .protocol import Reply, Request
from .read import compile_path
from .secrets import LOGIN, NONE, Secrets
from .wire import remembered

Sent = Callable[[Request, Secrets], Awaitable[Reply]]
"""Sends a rendered login with its secrets."""

_OK, _NOT_OK = 200, 300


@dataclass(slots=True)
class _Door:
    """Whether one identity is inside."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    keys: Secrets | None = None


class Logins:
    """Gives each identity what its login captured.

    Parameters
    ----------
    spec : Login
    render : callable
        Identity → the request of its login.
    send : callable
    accounts : mapping of str to Secrets
        What only an account knows.
    """

    def __init__(
        self,
        spec: Login,
        *,
        render: Callable[[str], Request],
        send: Sent,
        accounts: Mapping[str, Secrets],
    ) -> None:
        self._renew_on = frozenset(spec.renew_on)
        self._captures = {name: compile_path(path) for name, path in spec.capture.items()}
        self._render = render
        self._send = send
        self._accounts = accounts
        self._doors: OrderedDict[str, _Door] = OrderedDict()
        self.turn: Callable[[], Awaitable[None]] | None = None
        """Waits until one more request may leave: logins count towards the rate."""

    async def through(self, request: Request, ask: Callable[[Secrets], Awaitable[Reply]]) -> Reply:
        """Ask with what the login gave; where the door is shut again, log in and ask once more."""
        door: _Door = remembered(self._doors, request.session or request.identity, _Door)
        for renewed in (False, True):
            keys = door.keys or await self._enter(door, request)
            if isinstance(keys, Reply):
                return keys
            reply = await ask(keys)
            if renewed or reply.status not in self._renew_on:
                return reply
            if door.keys is keys:  # else somebody else has logged in again meanwhile
                door.keys = None
        raise AssertionError  # the second time always returns

    async def _enter(self, door: _Door, request: Request) -> Secrets | Reply:
        async with door.lock:
            if door.keys is not None:
                return door.keys
            if self.turn is not None:
                await self.turn()
            known = self._accounts.get(request.identity, NONE)
            asked = replace(self._render(request.identity), session=request.session)
            reply = await self._send(asked, known)
            if reply.error is not None or not _OK <= reply.status < _NOT_OK:
                return replace(reply, body=b"")
            captured = self._captured(reply.body)
            if captured is None:
                return replace(reply, body=b"", error="auth")
            door.keys = Secrets.of(captured) | known
            return door.keys

    def _captured(self, body: bytes) -> dict[str, str] | None:
        try:
            tree: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        found = {f"{LOGIN}{name}": find(tree) for name, find in self._captures.items()}
        if any(value is MISSING or not isinstance(value, str | int) for value in found.values()):
            return None
        return {name: str(value) for name, value in found.items()}


def identity_column(identity: str) -> dict[str, Any]:
    """Return the one column that a login is filled in from."""
    return {"identity": np.array([identity], dtype=object)}
