"""Sessions of several steps: which life a session is in, what it was told, what it holds.

A session that was interrupted begins again under another identity. Its attempts are then counted
from one again, so the calls on file say which life each belongs to, and everything here is a
function of the calls in the order of asking.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..datasets.personas import Level
from ..probes.design import ANSWERED, FAILED, REFUSED, Wave
from ..probes.protocol import Study
from .journal import Call
from .target.protocol import Answers, Effect, Past, Request, Target, Walked

Next = Literal["on", "again", "anew", "end"]
"""What follows a reply: the next step, the same one, the first under another identity, nothing."""


@dataclass(slots=True)
class Life:
    """One identity on its way: what it was told, and where it holds what nobody has released."""

    number: int = 0
    captured: dict[str, Level] = field(default_factory=dict[str, Level])
    holds: list[int] = field(default_factory=list[int])

    @property
    def past(self) -> Past:
        """What the next step may use."""
        return Past(restart=self.number, captured=dict(self.captured))


@dataclass(slots=True)
class Session:
    """A session of a wave.

    Parameters
    ----------
    trials : tuple of int
        Its places in the wave, in the order of asking.
    replaceable : bool
        Whether another identity can be made for it: an account of a pool is never replaced.
    lives : list of Life
    at : int
        Rank of the trial to ask next in this life.
    asked : int
        Answers to that trial so far: all of them failed.
    faults : int
        Lives that ended because a call came to nothing.
    faulted : int
        How many calls of the wave had been answered when this one first came to nothing; else -1.
    ordered : bool
        Whether it has placed an order, which is never repeated.
    flying : bool
        Whether a call is under way.
    over : bool
        Whether nothing more is asked of it.
    """

    trials: tuple[int, ...]
    replaceable: bool
    lives: list[Life] = field(default_factory=list[Life])
    at: int = 0
    asked: int = 0
    faults: int = 0
    faulted: int = -1
    ordered: bool = False
    flying: bool = False
    over: bool = False

    @property
    def life(self) -> Life:
        """The life that it is in."""
        return self.lives[-1] if self.lives else Life()

    @property
    def place(self) -> int:
        """The trial to ask next."""
        return self.trials[self.at]

    @property
    def begun(self) -> bool:
        """Whether its identity has been seen by the vendor in this life."""
        return self.at > 0 or self.asked > 0

    @property
    def can_begin_again(self) -> bool:
        """Whether another identity can walk the same steps."""
        return self.replaceable and not self.ordered

    def begin_again(self) -> None:
        """Go back to the first step: the next call begins another life."""
        self.at = self.asked = 0

    def close(self) -> tuple[int, ...]:
        """End here, and return the trials that will not be asked."""
        self.over = True
        return self.trials[self.at + (self.asked > 0 or self.flying) :]


class Sessions:
    """All sessions of a wave, as far as its calls have gone.

    Parameters
    ----------
    wave : Wave
    effects : tuple of Effect
        What each step does to the vendor; default: nothing.

    Examples
    --------
    >>> none = [-1]
    >>> wave = Wave(block=[0], again=none, identity=none, arm=[0], persona=[0],
    ...     session=[0, 0], step=[0, 1], item=[0, 0], stage=[0, 0])
    >>> sessions = Sessions(wave)
    >>> for place, attempt in ((0, 1), (0, 1), (1, 1)):
    ...     sessions.began(place, attempt)
    >>> sessions.of(1).life.number
    1
    """

    def __init__(self, wave: Wave, effects: tuple[Effect, ...] = ()) -> None:
        self._row: list[int] = wave.session.tolist()
        self._step: list[int] = wave.step.tolist()
        self._effects = effects
        self._usable = 0
        trials: list[list[int]] = [[] for _ in range(wave.sessions)]
        for place, row in enumerate(self._row):
            trials[row].append(place)
        made = (wave.identity < 0).tolist()
        self.all = [Session(tuple(places), made[row]) for row, places in enumerate(trials)]

    def of(self, place: int) -> Session:
        """Return the session of a trial."""
        return self.all[self._row[place]]

    def effect(self, place: int) -> Effect:
        """Return what asking a trial does to the vendor."""
        return self._effects[self._step[place]] if self._effects else "none"

    def began(self, place: int, attempt: int) -> None:
        """Note that a call leaves."""
        session = self.of(place)
        if place == session.trials[0] and attempt == 1:
            session.faults += session.asked > 0
            session.lives.append(Life(len(session.lives)))
            session.begin_again()
        session.flying = True
        effect = self.effect(place)
        session.ordered |= effect == "order"
        if effect == "hold" and place not in session.life.holds:
            session.life.holds.append(place)

    def heard(self, place: int, said: Answers, *, replied: bool) -> None:
        """Note what came back: the session is then at its next step, or where it was."""
        session = self.of(place)
        session.at = session.trials.index(place)
        session.flying = False
        if said.kind[0] != FAILED:
            self._usable += 1
            session.faulted = -1
        elif session.faulted < 0:
            session.faulted = self._usable
        if said.kind[0] == ANSWERED:
            session.life.captured |= said.captured
            session.at += 1
            session.asked = 0
            session.over |= session.at == len(session.trials)
            return
        session.asked += 1
        # who was told no holds nothing; what became of a call without a reply nobody knows
        if replied and place in session.life.holds:
            session.life.holds.remove(place)

    def follows(self, place: int, said: Answers, *, replied: bool, attempts: int) -> Next:
        """Return what comes after a reply that was heard.

        A step is asked again where a reply says that nothing was done. Where no reply came, nobody
        knows what was done, and the session begins again. An order is never repeated.
        """
        session = self.of(place)
        if said.kind[0] == ANSWERED:
            return "on"
        if said.kind[0] == REFUSED or not said.retry or self.effect(place) == "order":
            return "end"
        if replied:
            return "again" if session.asked < attempts else "end"
        return "anew" if session.can_begin_again and session.faults + 1 < attempts else "end"

    def away(self, session: Session) -> bool:
        """Whether nobody has been answered since a session first failed."""
        return session.faulted == self._usable

    def past(self, place: int) -> Past:
        """Return what the next call for a trial is rendered with."""
        return self.of(place).life.past


def request_of(
    target: Target, study: Study, wave: Wave, call: Call, sessions: Sessions | None
) -> Request:
    """Return what a call on file sent: rendered again, with what its session had been told.

    Parameters
    ----------
    target : Target
    study : Study
    wave : Wave
    call : Call
    sessions : Sessions or None
        Those of the wave, as the earlier calls left them; None where each is one trial.
    """
    if sessions is None or not isinstance(target, Walked):
        rows = slice(call.first, call.first + call.count)
        return target.render(study, wave, call.wave, rows)
    if not call.attempt:  # it was never sent
        return Request(wave=call.wave, first=call.first, count=call.count, body=b"", route="")
    sessions.began(call.first, call.attempt)
    return target.render_step(study, wave, call.wave, call.first, sessions.past(call.first))
