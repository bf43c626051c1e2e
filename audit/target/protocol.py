"""The contract of an adapter: render (pure), send (the only impure line), read (pure)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...datasets.personas import Level
from ...probes.design import Column, Wave
from ...probes.protocol import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The exact bytes that leave, without secrets: a second auditor renders the same.

    Parameters
    ----------
    wave : int
        Global number of the wave.
    first, count : int
        The trials that it asks: positions ``first`` up to ``first + count`` of the wave.
    body : bytes
        What is sent.
    route : str
        Where to, without secrets: ``"POST /quote?x=1"``, ``"python:module:function"``.
    headers : mapping of str to str
        Headers that differ from trial to trial, where a plan shows a cue in one.
    step : int
        Which step of a session it is: row of ``Study.steps``. It says how the reply is read.
    identity, session : str
        Who asks, and in which session, where something is kept for each: a login, cookies.
    """

    wave: int
    first: int
    count: int
    body: bytes
    route: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    step: int = 0
    identity: str = ""
    session: str = ""

    def sha256(self) -> bytes:
        """Return the hash of everything that leaves.

        Examples
        --------
        >>> one = Request(wave=0, first=0, count=1, body=b"{}", route="POST /quote")
        >>> one.sha256().hex()[:8]
        '2a6a1be2'
        """
        head = "".join(f"\n{name}: {self.headers[name]}" for name in sorted(self.headers))
        return hashlib.sha256(f"{self.route}{head}\n\n".encode() + self.body).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a session brings to its next step.

    Parameters
    ----------
    restart : int
        How often it was begun again, under another identity each time.
    captured : mapping
        What earlier replies gave it: ``{{captured.NAME}}`` → value.
    """

    restart: int = 0
    captured: Mapping[str, Level] = field(default_factory=dict[str, Level])


Effect = Literal["none", "hold", "order"]
"""What a step does to the vendor: what is held must be released, an order is sent once."""

FRESH = Past()
"""The past of a session that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, bounded in size, without cookies or anything that was secret.

    `at` is seconds since the epoch, `seconds` the time it took. `error` is None, or a reason of
    ``probes.design.REASONS`` where no usable reply came.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    at: float = 0.0
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A reply, read: one entry a trial, in the order of the wave.

    Parameters
    ----------
    kind, reason : (count,) int8
        As in ``Observed``.
    values : mapping of str to (count,) column
        Outcome → value, NaN where not answered. Prices are in units of the currency.
    retry : bool
        Whether asking again can help (a 503 can, a 404 cannot).
    wait : float
        Seconds that the vendor asked us to wait before trying again.
    captured : mapping
        What a later step of the same session may use.
    """

    kind: NDArray[np.int8]
    reason: NDArray[np.int8]
    values: Mapping[str, Column]
    retry: bool = False
    wait: float = 0.0
    captured: Mapping[str, Level] = field(default_factory=dict[str, Level])


class Target(Protocol):
    """What is audited, behind three methods."""

    @property
    def batch(self) -> int:
        """Most trials in one call; 1 where each is a call of its own."""
        ...

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the request for trials `rows` of wave `number`. Pure."""
        ...

    async def send(self, request: Request) -> Reply:
        """Send it, once. The only line of an audit that acts on the world."""
        ...

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the reply says. Pure; never raises on a vendor's answer."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Walked(Target, Protocol):
    """A target whose identities live through several steps."""

    def render_step(self, study: Study, wave: Wave, number: int, place: int, past: Past) -> Request:
        """Return the request for the trial at `place`, by a session with a past. Pure."""
        ...

    def render_release(
        self, study: Study, wave: Wave, number: int, place: int, past: Past
    ) -> Request | None:
        """Return what lets go of what the step at `place` holds; None: it holds nothing. Pure."""
        ...

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What each step does to the vendor, in the order of ``Study.steps``."""
        ...
