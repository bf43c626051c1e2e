"""Waves for people: all of a question's blocks at once, before anybody is sent out.

A program can be asked sixteen blocks and then a few more. Testers are given their days in advance,
so each question has one wave, of all that its part of the budget pays for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...probes.accounts import assign
from ...probes.contexts import together
from ...probes.controls import POSITIVE_BLOCKS, Pilot, Positive
from ...probes.design import FAILED, Observed, Wave
from ...probes.protocol import Probe, Question, Seen, Study
from ..conduct import Conduct, Turn

PILOT_PART = 10
"""One trial in ten is the pilot's: people's time is dear, and the pilot is evidence of nothing."""


def parts(questions: Mapping[str, Question], queries: int) -> dict[str, int]:
    """Return how many trials each question is given; probes share what the controls leave.

    Examples
    --------
    >>> from evenhand.probes.controls import Pilot
    >>> parts({"control.pilot": Pilot()}, 200)
    {'control.pilot': 20}
    """
    controls = {
        name: queries // PILOT_PART
        if isinstance(question, Pilot)
        else POSITIVE_BLOCKS * (3 if question.score.pairwise else 2)
        for name, question in questions.items()
        if isinstance(question, Pilot | Positive)
    }
    probes = [name for name in questions if name not in controls]
    left = max(0, queries - sum(controls.values()))
    return {**controls, **{name: left // len(probes) for name in probes}}


def whole(question: Question, study: Study, trials: int, rng: np.random.Generator) -> Wave | None:
    """Return one wave of all that a question would ask with so many trials; None: of nothing.

    It is asked for its first wave again and again, so that every block has its twin. Where an
    account serves once, it is told which are spent.
    """
    open_ = (
        frozenset(one.id for one in question.hypotheses(study))
        if isinstance(question, Probe)
        else frozenset[str]()
    )
    wave: Wave | None = None
    while True:
        seen = Seen(
            observed=_blank(wave) if wave is not None and study.tied else Observed(),
            undecided=open_,
            trials_left=trials - (0 if wave is None else len(wave)),
        )
        more = question.design(study, seen, rng)
        if more is None:
            break
        wave = more if wave is None else together(wave, _after(more, wave))
    return wave if wave is None or study.tied else assign(study, wave, Observed(), rng)


def _after(more: Wave, wave: Wave) -> Wave:
    first = int(wave.block.max()) + 1
    return replace(more, block=more.block - more.block.min() + first)


def _blank(wave: Wave) -> Observed:
    n = len(wave)
    return Observed(
        waves=(wave,),
        numbers=(0,),
        kind=np.full(n, FAILED, dtype=np.int8),
        reason=np.zeros(n, dtype=np.int8),
        values={"final": np.full(n, np.nan)},
    )


def ahead(conduct: Conduct, name: str, rng: np.random.Generator) -> Wave | None:
    """Return the one wave of a question, whatever others came to; None once it was asked."""
    if name in conduct.observed:
        return None
    trials = parts(conduct.questions, conduct.rules.queries)[name]
    return whole(conduct.questions[name], conduct.study, trials, rng)


def turns(conduct: Conduct) -> list[Turn]:
    """Return every wave of an audit by people, before the first answer."""
    found: list[Turn] = []
    for name in conduct.questions:
        wave = ahead(conduct, name, conduct.rng(len(found)))
        if wave is not None:
            found.append(Turn(number=len(found), question=name, wave=wave))
    return found
