"""What is asked once the probes have nothing left to ask: about flagged findings, and no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...probes.design import REFERENCE, TREATED, Floats, Observed
from ...probes.estimate import Fresh
from ...probes.ledger import Ledger
from ...probes.matched import Compared, Matched, is_carried
from ...probes.protocol import Question
from ...probes.scores import LogPrice
from ..conduct import Conduct
from ..decide import Decision
from .games import Parts, Player
from .mixtures import MOST_FIELDS, code_of, fields_of
from .who import Rules, Who, block_features, search

QUERIES = 2000
"""Most trials that explanations ask by default; never more than the budget leaves."""
JOINT = "explanation.parts"
"""Name of the question that takes several attributes apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """A finding that is explained.

    `number` is its place in the record; `arm` and `level` say where its answers are.
    """

    number: int
    decision: Decision
    probe: Matched
    arm: int
    level: int

    @property
    def id(self) -> str:
        """The finding's number as it is printed."""
        return f"F{self.number:02d}"

    @property
    def hypothesis(self) -> str:
        """Id of its hypothesis."""
        return self.decision.evidence.hypothesis.id

    @property
    def question(self) -> str:
        """Name of its probe, as the journal has it."""
        return self.decision.evidence.hypothesis.probe

    @property
    def treatment(self) -> str:
        """Name of its attribute."""
        return self.decision.evidence.hypothesis.treatment

    @property
    def outcome(self) -> str:
        """What was compared."""
        return self.decision.evidence.hypothesis.outcome


def flagged(conduct: Conduct) -> list[Flagged]:
    """Return the findings that are explained: beyond the limit, or real; prices of matched twins.

    An average over backgrounds, and what is asked of customers who have opted out, is left out:
    explanations ask about the reference profile.
    """
    out = []
    for number, decision in enumerate(conduct.decisions.values(), 1):
        hypothesis = decision.evidence.hypothesis
        probe = conduct.questions.get(hypothesis.probe)
        if decision.label not in {"established", "indicated"} or not isinstance(probe, Matched):
            continue
        layout = probe.layout(conduct.study)
        one = next(one for one in layout.compared if one.hypothesis.id == hypothesis.id)
        plain = not layout.background and not layout.reference.changes
        if plain and _explicable(one, probe, conduct):
            levels = conduct.study.attributes[hypothesis.treatment].levels
            out.append(
                Flagged(
                    number=number,
                    decision=decision,
                    probe=probe,
                    arm=TREATED + one.arm,
                    level=levels.index(hypothesis.level),
                )
            )
    return out


def _explicable(one: Compared, probe: Matched, conduct: Conduct) -> bool:
    """Whether it is a price by an attribute of the plan, asked in one step: what can be mixed."""
    of_price = isinstance(one.score, LogPrice) and one.hypothesis.subject is None
    return of_price and not probe.session and len(conduct.study.steps) == 1


def joint(found: Sequence[Flagged], conduct: Conduct) -> list[Flagged]:
    """Return the findings whose attributes are changed together: one level an attribute.

    Of several flagged levels of one attribute that with the largest effect. Empty below two.
    """
    best: dict[str, Flagged] = {}
    for one in found:
        if not is_carried(conduct.study, one.treatment):
            continue
        old = best.get(one.treatment)
        if old is None or _size(one) > _size(old):
            best[one.treatment] = one
    same = [one for one in best.values() if one.outcome == next(iter(best.values())).outcome]
    return same if len(same) > 1 else []


def _size(one: Flagged) -> float:
    return abs(one.decision.evidence.effect.value or 0.0)


def followups(conduct: Conduct) -> dict[str, Question]:
    """Return the questions that explain what was flagged, by the name that the journal uses.

    A pure function of the answers on file. Where an attribute comes with an account nothing is
    asked: each account serves once, and what is on file has to do. So it is with a recorded log.
    """
    found = flagged(conduct)
    left = min(QUERIES, conduct.trials_left)
    if not found or conduct.study.tied or conduct.study.recorded:
        return {}
    wanted: list[tuple[str, int, Callable[[int], Question]]] = []
    together = joint(found, conduct)
    if together:
        wanted.append((JOINT, 4, partial(of_attributes, conduct, together)))
    for one in found:
        if has_fields(conduct, one):
            wanted.append((fields_name(one), 2, partial(of_fields, conduct, one)))
        rules = rules_of(conduct, one)
        if rules:
            wanted.append((who_name(one), 3, partial(of_rules, one, rules)))
    total = sum(weight for _, weight, _ in wanted)
    return {name: make(left * weight // total) for name, weight, make in wanted}


def fields_name(one: Flagged) -> str:
    """Return the name of the question that takes the fields of one attribute apart."""
    return f"explanation.fields.{one.id}"


def who_name(one: Flagged) -> str:
    """Return the name of the question that confirms for whom an effect holds."""
    return f"explanation.who.{one.id}"


def has_fields(conduct: Conduct, one: Flagged) -> bool:
    """Whether several fields show the attribute, so that there is something to take apart."""
    attribute = conduct.study.attributes[one.treatment]
    return bool(attribute.cues) and 1 < len(fields_of(attribute, one.level)) <= MOST_FIELDS


def of_attributes(conduct: Conduct, found: Sequence[Flagged], most: int) -> Parts:
    """Return the game whose players are attributes."""
    players = []
    for one in found:
        attribute = conduct.study.attributes[one.treatment]
        label = attribute.label or {"zh": attribute.name, "en": attribute.name}
        players.append(
            Player(name=one.treatment, label=label, attribute=one.treatment, level=one.level)
        )
    return Parts(players=tuple(players), outcome=found[0].outcome, most=most)


def of_fields(conduct: Conduct, one: Flagged, most: int) -> Parts:
    """Return the game whose players are the fields that show one attribute."""
    attribute = conduct.study.attributes[one.treatment]
    names = fields_of(attribute, one.level)
    players = tuple(
        Player(name=name, label={"zh": name, "en": name}, attribute=one.treatment, level=one.level)
        for name in names
    )
    mixtures = tuple(code_of(attribute, one.level, mask) for mask in range(1 << len(names)))
    return Parts(players=players, mixtures=mixtures, outcome=one.outcome, most=most)


def of_rules(one: Flagged, rules: Rules, most: int) -> Who:
    """Return the question that asks inside and outside the rules on fresh blocks."""
    return Who(
        rules=rules,
        attribute=one.treatment,
        level=one.level,
        bound=one.probe.bound,
        outcome=one.outcome,
        most=most,
    )


def rules_of(conduct: Conduct, one: Flagged) -> Rules:
    """Return the shallowest subgroup that the answers on file suggest; empty where none shows."""
    observed = conduct.observed.get(one.question, Observed())
    ledger = ledger_of(one, observed)
    rows = np.flatnonzero(ledger.fresh & ledger.asked[:, one.arm] & ledger.asked[:, REFERENCE])
    if len(rows) == 0:
        return ()
    gaps = np.clip(ledger.gap(one.arm), -one.probe.bound, one.probe.bound)[rows]
    return search(block_features(conduct.study, observed, ledger.trial[rows, REFERENCE]), gaps)


def ledger_of(one: Flagged, observed: Observed) -> Ledger:
    """Return the blocks of a finding's probe."""
    width = max(one.arm, int(observed.column("arm").max(initial=one.arm))) + 1
    return Ledger.of(observed, LogPrice(one.outcome), width)


def measured(conduct: Conduct, one: Flagged) -> Ledger:
    """Return the blocks that the finding's effect is taken from: those asked afresh, if there are."""
    name = f"estimate.{one.question}"
    question, observed = conduct.questions.get(name), conduct.observed.get(name)
    if isinstance(question, Fresh) and observed is not None and one.arm in question.treated:
        return Ledger.of(observed, LogPrice(one.outcome), question.width)
    return ledger_of(one, conduct.observed.get(one.question, Observed()))


def paired(conduct: Conduct, one: Flagged) -> tuple[float, float, int]:
    """Return the mean effect that was measured, its standard error, and its blocks."""
    terms: Floats = measured(conduct, one).clipped_mean_terms(one.arm, one.probe.bound)
    terms = terms[np.isfinite(terms)]
    n = len(terms)
    error = float(np.std(terms, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return (float(np.mean(terms)) if n else float("nan")), error, n
