"""How an audit goes on: which question asks next, and what has been decided.

Pure. Everything here is a function of the lock and of the answers to complete waves, so a run that
was killed, a run that is analysed again by somebody else, and the run itself come to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..probes.controls import PASS, Positive
from ..probes.design import Observed, Wave, joined
from ..probes.protocol import Check, Evidence, Hypothesis, Probe, Question, Seen, Study
from .decide import Decision, Family, Health, at_limits, decide

Rng = Callable[[int], np.random.Generator]
"""Wave number → its generator, seeded by the lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The next wave: whose it is and what it asks."""

    number: int
    question: str
    wave: Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the lock fixes of how an audit goes on."""

    family: Family
    queries: int
    wave_limit: int = 1 << 30
    patient: bool = False
    """Go on to the end of the budget, however hopeless a hypothesis looks."""


@dataclass
class Conduct:
    """The state of an audit between two waves.

    Questions take turns in the order given (controls first), one wave each. A question that has
    nothing left to ask drops out.

    Parameters
    ----------
    study : Study
    questions : mapping of str to Question
        By the name that the journal uses.
    rules : Rules
    rng : callable
    followups : callable, optional
        What is asked once these have nothing left to ask and every hypothesis is closed: a pure
        function of what was observed. It decides nothing.
    ahead : callable, optional
        Designs the waves of a question in its place, without a look at any answer: people are given
        their schedule at once.
    """

    study: Study
    questions: Mapping[str, Question]
    rules: Rules
    rng: Rng
    followups: Callable[[Conduct], Mapping[str, Question]] | None = None
    ahead: Callable[[Conduct, str, np.random.Generator], Wave | None] | None = None
    observed: dict[str, Observed] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    waves: list[Turn] = field(default_factory=list)
    _live: list[str] = field(default_factory=list)
    _place: int = 0
    _evidence: dict[str, Sequence[Evidence]] = field(default_factory=dict)
    _checks: dict[str, Sequence[Check]] = field(default_factory=dict)
    _moved: dict[str, bool] = field(default_factory=dict)
    probes: dict[str, Probe] = field(init=False)
    """The questions that test hypotheses."""

    def __post_init__(self) -> None:
        """Begin with every question alive and nothing asked."""
        self._live = list(self.questions)
        self.probes = {name: q for name, q in self.questions.items() if isinstance(q, Probe)}
        self._moved = {n: False for n, q in self.questions.items() if isinstance(q, Positive)}
        for name, probe in self.probes.items():
            self._evidence[name] = probe.test(self.study, Observed(), None)
        self._decide(final=False)

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """All primary hypotheses, in plan order."""
        return tuple(h for probe in self.probes.values() for h in probe.hypotheses(self.study))

    @property
    def trials_left(self) -> int:
        """What remains of the budget of queries."""
        return self.rules.queries - sum(len(turn.wave) for turn in self.waves)

    @property
    def established(self) -> int:
        """How many hypotheses are established so far."""
        return sum(one.label == "established" for one in self.decisions.values())

    def next(self) -> Turn | None:
        """Return the next wave, or None when nothing is left to ask."""
        while self._live:
            self._place %= len(self._live)
            name = self._live[self._place]
            number = len(self.waves)
            wave = self._designed(name, self.rng(number))
            if wave is not None:
                return Turn(number=number, question=name, wave=wave)
            self._live.remove(name)
            if isinstance(self.questions[name], Positive):
                self._decide(final=False)
        self._decide(final=True)
        if self.followups is None:
            return None
        more, self.followups = self.followups(self), None
        self.questions = {**self.questions, **more}
        self._live = list(more)
        return self.next()

    def _designed(self, name: str, rng: np.random.Generator) -> Wave | None:
        if self.ahead is not None:
            return self.ahead(self, name, rng)
        return self.questions[name].design(self.study, self._seen(name), rng)

    def take(self, turn: Turn, answers: Observed) -> None:
        """Take in the answers to a complete wave, test, and decide."""
        self.waves.append(turn)
        self._place += 1
        before = self.observed.get(turn.question)
        now = answers if before is None else joined([before, answers])
        self.observed[turn.question] = now
        question = self.questions[turn.question]
        if turn.question in self.probes:
            probe = self.probes[turn.question]
            self._evidence[turn.question] = probe.test(self.study, now, None)
            self._checks[turn.question] = probe.checks(self.study, now, None)
        if isinstance(question, Positive):
            self._moved[turn.question] = question.log_evidence(now) >= PASS
        self._decide(final=False)

    def close(self) -> None:
        """End the audit: what is open stays as it is and says why."""
        self._live.clear()
        self.followups = None
        self._decide(final=True)

    def checks(self, rng: np.random.Generator | None) -> dict[str, Sequence[Check]]:
        """Return what each probe says of the audit itself."""
        return {
            name: probe.checks(self.study, self.observed[name], rng)
            for name, probe in self.probes.items()
            if name in self.observed
        }

    def health(self) -> Health:
        """Return what the controls say so far."""
        found = [check for checks in self._checks.values() for check in checks]
        return Health(
            harness=all(check.passed for check in found if check.kind == "harness"),
            access=all(check.passed for check in found if check.kind == "access"),
            positive=self._positive(),
        )

    def _positive(self) -> bool | None:
        if not self._moved:
            return False
        if all(self._moved.values()):
            return True
        return None if any(name in self._live for name in self._moved) else False

    def _seen(self, name: str) -> Seen:
        probes_left = sum(other in self.probes for other in self._live)
        shared = self.trials_left // max(1, probes_left)
        return Seen(
            observed=self.observed.get(name, Observed()),
            evidence=self._evidence.get(name, ()),
            undecided=frozenset(id_ for id_, one in self.decisions.items() if not one.closed),
            trials_left=shared if name in self.probes else self.trials_left,
            accuse_at=self.rules.family.accuse_at(self.established),
            clear_at=self.rules.family.clear_at,
            wave_limit=self.rules.wave_limit,
        )

    def _decide(self, *, final: bool) -> None:
        before = self.decisions
        self.decisions = decide(
            [item for items in self._evidence.values() for item in items],
            before,
            family=self.rules.family,
            health=self.health(),
            trials_left=self.trials_left,
            budget=0 if self.rules.patient else self.rules.queries,
            final=final,
        )
        for name, one in self.decisions.items():
            if one.closed and one is not before.get(name):
                self.decisions[name] = self._reported(one)

    def _reported(self, one: Decision) -> Decision:
        """Return a decision with all that a report needs, at the level that it was made at."""
        hypothesis = one.evidence.hypothesis
        observed = self.observed.get(hypothesis.probe, Observed())
        found = self.probes[hypothesis.probe].test(self.study, observed, one.level)
        rivals = [
            other.evidence
            for other in self.decisions.values()
            if other.evidence.hypothesis.probe != hypothesis.probe
        ]
        own = next(item for item in found if item.hypothesis.id == hypothesis.id)
        return replace(
            one,
            evidence=own,
            at_limits=at_limits(own, [*found, *rivals], self.rules.family, self.health()),
        )
