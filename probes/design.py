"""What a question asks and gets: waves of whole blocks, and the answers in the order of the design.

Everything is columnar. A wave of a million trials is a dozen arrays, not a million objects.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Column = NDArray[Any]

REFERENCE, TWIN, TREATED = 0, 1, 2
"""Arms of a block: the reference, the same persona under another identity, the first treated level."""

ANSWERED, REFUSED, FAILED = 0, 1, 2
"""What became of a trial. Refused is not a price of zero, and a captcha is not a refusal."""

REASONS = ("", "auth", "blocked", "rate", "network", "format", "ceiling", "not-held", "window")
"""Why a trial failed; `Observed.reason` holds positions in this tuple."""

_SESSION = ("block", "again", "identity", "arm", "persona")
_TRIAL = ("session", "step", "item", "stage")


def codes(values: Any) -> Codes:
    """Return `values` as a read-only array of codes (little-endian int32)."""
    column = np.array(values, dtype="<i4", ndmin=1)
    column.flags.writeable = False
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Whole blocks, fixed before any of their answers is seen. Two aligned tables.

    A *session* is one identity that carries one persona: the unit of randomisation and of retry.
    A *trial* is one step of a session: one question, one answer. The order of the trials is the
    order of asking.

    Parameters
    ----------
    block : (sessions,) codes
        Running number of the block over the waves of the question.
    again : (sessions,) codes
        The earlier block whose context this one asks again; -1 is a fresh context.
    identity : (sessions,) codes
        Row of ``Study.identities``; -1 is a fresh identity, a keyed hash of its place.
    arm : (sessions,) codes
        0 reference, 1 twin, 2 and up the treated levels.
    persona : (sessions,) codes
        Row of ``Study.personas``.
    overrides : mapping of str to (sessions,) codes
        Attribute → code of its level; -1 is as the persona has it.
    cue : mapping of str to (sessions,) codes
        Attribute → code of the cue that shows it.
    session, step, item, stage : (trials,) codes
        Row of the session table; row of ``Study.steps``; row of ``Study.items`` (-1: none); inside
        a block, stage s + 1 leaves when stage s is answered.
    after : str, optional
        What must happen before the wave may be asked, e.g. ``"retraining"``.
    """

    block: Codes
    again: Codes
    identity: Codes
    arm: Codes
    persona: Codes
    overrides: Mapping[str, Codes] = field(default_factory=dict[str, Codes])
    cue: Mapping[str, Codes] = field(default_factory=dict[str, Codes])
    session: Codes
    step: Codes
    item: Codes
    stage: Codes
    after: str | None = None

    def __post_init__(self) -> None:
        """Freeze every column and check that the two tables are aligned."""
        for names in (_SESSION, _TRIAL):
            for name in names:
                object.__setattr__(self, name, codes(getattr(self, name)))
            lengths = {name: len(getattr(self, name)) for name in names}
            if len(set(lengths.values())) > 1:
                msg = f"columns of a wave must be aligned, got lengths {lengths}"
                raise ValueError(msg)
        for name in ("overrides", "cue"):
            columns = {key: codes(value) for key, value in sorted(getattr(self, name).items())}
            if any(len(column) != self.sessions for column in columns.values()):
                msg = f"every column of {name} must have one entry a session ({self.sessions})"
                raise ValueError(msg)
            object.__setattr__(self, name, MappingProxyType(columns))

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self.session)

    @property
    def sessions(self) -> int:
        """The number of sessions."""
        return len(self.block)

    @property
    def single(self) -> bool:
        """Whether every session is one trial, so that a trial may be asked on its own."""
        return self.sessions == len(self)

    @classmethod
    def of_single_trials(cls, *, item: Codes, **sessions: Any) -> Self:
        """Make a wave in which each session asks once, in the order of the session table."""
        n = len(item)
        zero = np.zeros(n, dtype=np.int32)
        return cls(
            session=np.arange(n, dtype=np.int32), step=zero, item=item, stage=zero, **sessions
        )

    def trial_column(self, name: str) -> Codes:
        """Return a column of either table with one entry a trial."""
        column: Codes = getattr(self, name)
        return column if name in _TRIAL else column[self.session]

    def to_bytes(self) -> bytes:
        """Return the wave as bytes: a line of JSON, then the columns, little-endian int32."""
        parts: list[tuple[str, Codes]] = [(name, getattr(self, name)) for name in _SESSION + _TRIAL]
        parts += [(f"override.{name}", column) for name, column in self.overrides.items()]
        parts += [(f"cue.{name}", column) for name, column in self.cue.items()]
        head = {"after": self.after, "columns": [[name, len(column)] for name, column in parts]}
        line = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return b"\n".join([line.encode(), b"".join(column.tobytes() for _, column in parts)])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Examples
        --------
        >>> ask = Wave.of_single_trials(item=codes([0, 0]), block=[0, 0], again=[-1, -1],
        ...     identity=[-1, -1], arm=[0, 1], persona=[3, 3], overrides={"nights": [1, 1]})
        >>> Wave.from_bytes(ask.to_bytes()).to_bytes() == ask.to_bytes()
        True
        """
        line, _, body = data.partition(b"\n")
        head = json.loads(line)
        found: dict[str, dict[str, Codes]] = {"": {}, "override": {}, "cue": {}}
        start = 0
        for name, length in head["columns"]:
            table, _, key = name.partition(".") if "." in name else ("", "", name)
            found[table][key] = np.frombuffer(body, dtype="<i4", count=length, offset=start)
            start += 4 * length
        return cls(**found[""], overrides=found["override"], cue=found["cue"], after=head["after"])

    def sha256(self) -> str:
        """Return the hash under which the wave is locked before its first call."""
        return hashlib.sha256(self.to_bytes()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All trials of a question with their answers, in the order of the design.

    What arrived when does not show. One entry a trial, over all complete waves of the question.

    Parameters
    ----------
    waves : tuple of Wave
    numbers : tuple of int
        The global number of each wave.
    kind : (trials,) int8
        0 answered, 1 refused, 2 failed.
    reason : (trials,) int8
        Position in :data:`REASONS`.
    values : mapping of str to (trials,) column
        Outcome → value; NaN (or None, for lists) where it was not answered.
    """

    waves: tuple[Wave, ...] = ()
    numbers: tuple[int, ...] = ()
    kind: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, dtype=np.int8))
    reason: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, dtype=np.int8))
    values: Mapping[str, Column] = field(default_factory=dict[str, Column])

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self.kind)

    @cached_property
    def known(self) -> dict[Hashable, Any]:
        """What was worked out from these answers: they do not change, so neither does it."""
        return {}

    @cached_property
    def wave(self) -> Codes:
        """The global number of the wave of each trial."""
        lengths = [len(wave) for wave in self.waves]
        return np.repeat(np.array(self.numbers, dtype=np.int32), lengths)

    @cached_property
    def position(self) -> Codes:
        """The place of each trial in its wave."""
        places = [np.arange(len(wave), dtype=np.int32) for wave in self.waves]
        return np.concatenate([np.zeros(0, dtype=np.int32), *places])

    def column(self, name: str) -> Codes:
        """Return a column of the waves, one entry a trial; read-only."""
        found: Codes | None = self.known.get(name)
        if found is None:
            parts = [wave.trial_column(name) for wave in self.waves]
            found = np.concatenate([np.zeros(0, dtype=np.int32), *parts])
            found.flags.writeable = False
            self.known[name] = found
        return found


def joined(parts: Sequence[Observed]) -> Observed:
    """Put the answers of consecutive waves together."""
    if not parts:
        return Observed()
    names = list(dict.fromkeys(name for part in parts for name in part.values))
    return Observed(
        waves=tuple(wave for part in parts for wave in part.waves),
        numbers=tuple(number for part in parts for number in part.numbers),
        kind=np.concatenate([part.kind for part in parts]),
        reason=np.concatenate([part.reason for part in parts]),
        values={name: _one_column(parts, name) for name in names},
    )


def _one_column(parts: Sequence[Observed], name: str) -> Column:
    """Return an outcome over all parts; of those that lack it, nothing."""
    lists = any(part.values[name].dtype == object for part in parts if name in part.values)
    nothing = None if lists else np.nan
    return np.concatenate([part.values.get(name, np.full(len(part), nothing)) for part in parts])
