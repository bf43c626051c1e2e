"""Whether a target can serve a probe; what it cannot is *not testable*, and the rest runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from ..messages import Text, both
from .protocol import Card, Question, Study

STEP = "steps:"


@runtime_checkable
class Selective(Protocol):
    """A probe that may find something missing that no card can name beforehand."""

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study, in zh and en; None where it can."""
        ...


def missing(card: Card, options: Mapping[str, Any], study: Study) -> Text | None:
    """Return what a target does not give that a probe needs; None where it gives all.

    Parameters
    ----------
    card : Card
    options : mapping
        The plan's entry.
    study : Study
    """
    for need in sorted(card.needs):
        if need.startswith(STEP):
            if need.removeprefix(STEP) not in study.steps:
                return both("audit.no_step", step=need.removeprefix(STEP))
            continue
        outcome = options.get("outcome", "final") if need == "price" else need
        if outcome not in study.outcomes:
            return both("audit.not_answered", outcome=outcome)
    unknown = [step for step in options.get("session", ()) if step not in study.steps]
    return both("audit.no_step", step=unknown[0]) if unknown else None


def lacking(question: Question, study: Study) -> Text | None:
    """Return what the probe itself finds missing; None where nothing is."""
    return question.lacks(study) if isinstance(question, Selective) else None
