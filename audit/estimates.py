"""Which established findings are measured again on fresh blocks, and what came out."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.result import Estimate
from ..probes.design import TREATED
from ..probes.estimate import Fresh
from ..probes.pricing.twins import Twins
from ..probes.protocol import Question
from .conduct import Conduct


def fresh_blocks(conduct: Conduct, blocks: int) -> dict[str, Question]:
    """Return one question a probe for what it established, by the name that the journal uses.

    Empty where the plan asks for none, or where an attribute comes with the accounts: each of
    those serves once.
    """
    if blocks == 0 or conduct.study.tied:
        return {}
    questions: dict[str, Question] = {}
    for name, probe in conduct.probes.items():
        if not isinstance(probe, Twins):
            continue
        arms = {
            TREATED + i: {h.treatment: conduct.study.attributes[h.treatment].levels.index(h.level)}
            for i, h in enumerate(probe.hypotheses(conduct.study))
            if conduct.decisions[h.id].label == "established"
        }
        if arms:
            questions[f"estimate.{name}"] = Fresh(
                arms=arms, blocks=blocks, outcome=probe.outcome, bound=probe.bound
            )
    return questions


def measured_again(conduct: Conduct) -> Mapping[str, Estimate]:
    """Return the effect on fresh blocks by hypothesis, for those that have one."""
    found: dict[str, Estimate] = {}
    for name, probe in conduct.probes.items():
        question = conduct.questions.get(f"estimate.{name}")
        observed = conduct.observed.get(f"estimate.{name}")
        if not isinstance(question, Fresh) or observed is None:
            continue
        for i, h in enumerate(probe.hypotheses(conduct.study)):
            effect = question.effect(observed, TREATED + i, conduct.decisions[h.id].level)
            if effect is not None:
                found[h.id] = effect
    return found
