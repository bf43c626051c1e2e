"""Which established findings are measured again on fresh blocks, and what came out."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.result import Estimate
from ..probes.design import TREATED
from ..probes.estimate import Fresh
from ..probes.matched import Matched
from ..probes.protocol import Question
from .conduct import Conduct


def fresh_blocks(conduct: Conduct, blocks: int) -> dict[str, Question]:
    """Return one question a probe for what it established, by the name that the journal uses.

    Empty where the plan asks for none, or where an attribute comes with the accounts: each of
    those serves once; or where a log is all there is. Lists are left out: without a twin in each block they say nothing. So are
    averages over backgrounds: these blocks ask at the reference profile.
    """
    if blocks == 0 or conduct.study.tied or conduct.study.recorded:
        return {}
    questions: dict[str, Question] = {}
    for name, probe in conduct.probes.items():
        if not isinstance(probe, Matched):
            continue
        layout = probe.layout(conduct.study)
        treated = {
            TREATED + one.arm
            for one in layout.compared
            if conduct.decisions[one.hypothesis.id].label == "established"
            and not one.score.pairwise
        }
        if treated and not layout.background:
            questions[f"estimate.{name}"] = Fresh(
                arms=layout.changes(),
                paths=layout.paths(conduct.study, probe.session),
                treated=tuple(sorted(treated)),
                blocks=blocks,
            )
    return questions


def measured_again(conduct: Conduct) -> Mapping[str, Estimate]:
    """Return the effect on fresh blocks by hypothesis, for those that have one."""
    found: dict[str, Estimate] = {}
    for name, probe in conduct.probes.items():
        question = conduct.questions.get(f"estimate.{name}")
        observed = conduct.observed.get(f"estimate.{name}")
        if not isinstance(question, Fresh) or not isinstance(probe, Matched) or observed is None:
            continue
        for one in probe.layout(conduct.study).compared:
            effect = question.effect(
                observed,
                TREATED + one.arm,
                score=one.score,
                bound=probe.bound_of(one.score),
                level=conduct.decisions[one.hypothesis.id].level,
            )
            if effect is not None:
                found[one.hypothesis.id] = effect
    return found
