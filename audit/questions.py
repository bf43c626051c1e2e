"""What a plan asks: its controls and probes, and what the target cannot serve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..messages import Text
from ..probes.answers import scores_of
from ..probes.controls import Pilot, Positive
from ..probes.matched import Matched
from ..probes.privacy.planted import Committed
from ..probes.protocol import Hypothesis, Probe, Question, Study
from ..probes.registry import card, make
from ..probes.scores import FINAL, Score
from ..probes.served import lacking, missing
from ..probes.shares import Direction
from .plan import Plan, ProbeEntry, entries_of


def questions_of(plan: Plan, study: Study) -> dict[str, Question]:
    """Return what a plan asks, in the order of turns: controls first."""
    probes, _ = probes_of(plan, study)
    # controls walk the way of the first probe: a shop may answer nobody who has not come through it
    session = next((entry.session for entry in plan.probes), ())
    pilot = Pilot(session=session)
    questions: dict[str, Question] = {pilot.card.name: pilot}
    if plan.controls.positive is not None:
        declared = plan.controls.positive
        levels = study.attributes[declared.attribute].levels
        control = Positive(
            attribute=declared.attribute,
            low=levels.index(declared.from_),
            high=levels.index(declared.to),
            expect=declared.expect,
            score=_moved(declared.expect, probes.values(), study),
            session=session,
        )
        questions[control.card.name] = control
    return {**questions, **probes}


def _moved(expect: str, probes: Iterable[Probe], study: Study) -> Score:
    """Return in what the positive control compares answers: in prices, where there are any.

    In lists where the first probe does, unless it is to grow dearer or cheaper.
    """
    answered = scores_of(study)
    matched = [probe for probe in probes if isinstance(probe, Matched)]
    compared = [one.score for probe in matched[:1] for one in probe.layout(study).compared[:1]]
    lists = [
        answered[name]
        for score in compared
        for name in sorted(score.needs, reverse=True)
        if study.outcomes[name] == "list" and expect == "different"
    ]
    return next(iter([*lists, *answered.values()]), FINAL)


def probes_of(plan: Plan, study: Study) -> tuple[dict[str, Probe], dict[str, Text]]:
    """Return the probes that the target can serve, and why it cannot serve the others, by name."""
    served: dict[str, Probe] = {}
    refused: dict[str, Text] = {}
    for name, entry in entries_of(plan).items():
        options = {
            **entry.model_dump(),
            "name": name,
            "direction": direction_of(entry),
            "seed": plan.seed,
        }
        why = missing(card(entry.use), options, study)
        if why is None:
            probe = make(entry.use, options)
            why = lacking(probe, study)
            if why is None:
                served[name] = probe
        if why is not None:
            refused[name] = why
    return served, refused


def direction_of(entry: ProbeEntry) -> Direction:
    """Return which differences count: as the plan says, else as the probe itself does."""
    return entry.direction or card(entry.use).direction


def commitments_of(questions: Mapping[str, Question], study: Study) -> dict[str, str]:
    """Return the hash of the coins of every question that tosses some before it asks, by name."""
    return {
        name: question.commitment(study)
        for name, question in questions.items()
        if isinstance(question, Committed)
    }


def hypotheses_of(questions: dict[str, Question], study: Study) -> tuple[Hypothesis, ...]:
    """Return the primary hypotheses of all probes, in plan order."""
    probes = [question for question in questions.values() if isinstance(question, Probe)]
    return tuple(h for probe in probes for h in probe.hypotheses(study))
