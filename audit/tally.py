"""The answers of one wave, gathered as they are read: from a vendor just now, or from the file."""

from __future__ import annotations

import numpy as np

from ..errors import EvidenceError
from ..probes.design import FAILED, REASONS, REFUSED, Column, Observed, Wave
from .journal import Call
from .target.protocol import Answers, Reply, Request, Target

FORMAT = REASONS.index("format")
_OPEN = -1
_BROKEN = 500


class Tally:
    """Takes the answers to a wave in any order; the last one of a trial counts.

    Parameters
    ----------
    number : int
        Global number of the wave.
    wave : Wave

    Examples
    --------
    >>> wave = Wave.of_single_trials(item=np.zeros(2, int), block=[0, 0], again=[-1] * 2,
    ...     identity=[-1] * 2, arm=[0, 1], persona=[0] * 2)
    >>> tally = Tally(0, wave)
    >>> def said(value):
    ...     return Answers(kind=np.zeros(1, np.int8), reason=np.zeros(1, np.int8),
    ...         values={"final": np.array([value])})
    >>> for place, value in ((1, 7.0), (0, 5.0), (0, 6.0)):
    ...     tally.take(place, said(value))
    >>> tally.observed().values["final"].tolist()
    [6.0, 7.0]
    """

    def __init__(self, number: int, wave: Wave) -> None:
        n = len(wave)
        self._number = number
        self._wave = wave
        self._kind = np.full(n, _OPEN, dtype=np.int8)
        self._reason = np.zeros(n, dtype=np.int8)
        self._values: dict[str, Column] = {}

    def take(self, first: int, said: Answers) -> None:
        """Take in what was said of the trials from `first` on."""
        rows = slice(first, first + len(said.kind))
        self._kind[rows] = said.kind
        self._reason[rows] = said.reason
        for name, found in said.values.items():
            column = self._values.get(name)
            if column is None:
                column = self._values[name] = _empty(found, len(self._kind))
            column[rows] = found
        if len(said.values) < len(self._values):
            self._nothing_else(rows, said)

    def _nothing_else(self, rows: slice, said: Answers) -> None:
        """Forget what an earlier answer said of outcomes that the last one does not name."""
        for name, column in self._values.items():
            if name not in said.values:
                column[rows] = None if column.dtype == object else np.nan

    def observed(self) -> Observed:
        """Return the answers in the order of the design.

        Raises
        ------
        EvidenceError
            If a trial has no answer.
        """
        missing = int(np.count_nonzero(self._kind == _OPEN))
        if missing:
            raise EvidenceError("journal.incomplete", number=self._number, count=missing)
        return Observed(
            waves=(self._wave,),
            numbers=(self._number,),
            kind=self._kind,
            reason=self._reason,
            values={name: self._values[name] for name in sorted(self._values)},
        )


def read(target: Target, wave: Wave, call: Call, reply: Reply) -> Answers:
    """Return what a reply on file says; what was never asked says why."""
    if not call.attempt:
        return unasked(call.count, reply.error or "ceiling")
    # what was sent is not stored: it is rendered again by whoever verifies, and not needed to read
    request = Request(
        wave=call.wave,
        first=call.first,
        count=call.count,
        body=b"",
        route="",
        step=int(wave.step[call.first]),
    )
    return target.read(request, reply)


def unasked(count: int, why: str) -> Answers:
    """Return the answers of trials that were never asked.

    Parameters
    ----------
    count : int
    why : str
        A reason of ``probes.design.REASONS``; ``"refused"`` where an earlier step of the session was.
    """
    kind = REFUSED if why == "refused" else FAILED
    return Answers(
        kind=np.full(count, kind, dtype=np.int8),
        reason=np.full(count, 0 if kind == REFUSED else REASONS.index(why), dtype=np.int8),
        values={},
    )


def may_be_away(said: Answers, reply: Reply) -> bool:
    """Whether a failure may be that of a vendor who is out of reach, and not of this question.

    Some servers say 500 to a question that they cannot read, and will say so for ever.
    """
    return said.retry and said.reason[0] != FORMAT and reply.status != _BROKEN


def _empty(like: Column, n: int) -> Column:
    """Return a column in which nothing has been answered yet."""
    if like.dtype == object:
        return np.full(n, None, dtype=object)
    return np.full(n, np.nan)
