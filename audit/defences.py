"""What an audit can say to each explanation that a vendor may give for a difference.

Four answers: ruled out by how it was asked; tested, with what came out; not tested; does not
concern this attribute. An explanation that was tested is told with its result, also where the
result speaks for the vendor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..datasets.personas import Attribute
from ..datasets.rules import defences as known_defences
from ..messages import Text as Pair
from ..messages import both
from ..probes.protocol import Check, Evidence, Hypothesis, Study
from .decide import Decision
from .record import Defence, DefenceRow, Text

LEAST = 8
"""Fewer pairs of twins than this test nothing."""

Answer = tuple[Defence, Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What all findings of an audit have to answer with.

    Parameters
    ----------
    study : Study
    fresh_identities : bool
        Whether every trial had an identity of its own.
    decisions : sequence of Decision
        On every hypothesis: some put a defence to the test.
    checks : sequence of Check
        What the probes say of the audit itself.
    """

    study: Study
    fresh_identities: bool
    decisions: Sequence[Decision] = ()
    checks: Sequence[Check] = ()


def defences(attribute: Attribute, decision: Decision, grounds: Grounds) -> list[DefenceRow]:
    """Return the explanations that a vendor may give, in the order of the rules, with our answers.

    Parameters
    ----------
    attribute : Attribute
        What the finding is about; its kind decides what can be said for it.
    decision : Decision
    grounds : Grounds
    """
    rows = []
    for known in known_defences():
        concerns = known["concerns"]
        if concerns and attribute.kind not in concerns:
            status, statement = _answer("not_applicable", both("audit.defence_not_applicable"))
        else:
            status, statement = _ANSWERS[known["ruled_out_by"]](known, decision, grounds)
        rows.append(
            DefenceRow(
                id=known["id"],
                status=status,
                statement=Text(zh=statement["zh"], en=statement["en"]),
            )
        )
    return rows


def _answer(status: Defence, statement: Pair) -> Answer:
    return status, statement


def _by_twins(known: Mapping[str, Any], decision: Decision, grounds: Grounds) -> Answer:
    """Answer by the same persona under another identity: with how often it differed, if counted."""
    item = decision.evidence
    if not grounds.fresh_identities or item.n == 0:
        return _answer("not_tested", known["open"])
    counted = _counted(item)
    if counted is None:
        return _answer("ruled_out_by_design", known["ruled_out"])
    return _answer("tested", both("pricing.defence_random_trial", **counted))


def _counted(item: Evidence) -> dict[str, str | int] | None:
    twins, single = item.bounds.get("twin_beyond"), item.bounds.get("single_quotes")
    if twins is None or single is None or twins.value is None or single.value is None:
        return None
    if twins.n < LEAST:
        return None
    return {
        "pairs": twins.n,
        "twins": f"{100 * twins.value:.1f}",
        "blocks": single.n,
        "treated": f"{100 * single.value:.1f}",
    }


def _by_moment(known: Mapping[str, Any], decision: Decision, grounds: Grounds) -> Answer:
    """Answer by asking at one moment; where the plan also watched the time, with what moved."""
    if decision.evidence.n == 0:
        return _answer("not_tested", known["open"])
    drift = next((check for check in grounds.checks if check.kind == "drift"), None)
    if drift is None:
        return _answer("ruled_out_by_design", known["ruled_out"])
    moved = {name: drift.values[name] for name in ("percent", "low", "high")}
    return _answer("tested", both("pricing.defence_time_and_stock", **moved))


def _by_condition(known: Mapping[str, Any], decision: Decision, grounds: Grounds) -> Answer:
    """Answer by what decides it being held equal, where the plan says what that is."""
    deciding = [
        attribute.label or {"zh": attribute.name, "en": attribute.name}
        for attribute in grounds.study.attributes.values()
        if known["id"] in attribute.decides
    ]
    if decision.evidence.n == 0 or not deciding:
        return _answer("not_tested", known["open"])
    names = {
        "zh": "、".join(label["zh"] for label in deciding),
        "en": ", ".join(label["en"] for label in deciding),
    }
    return _answer("ruled_out_by_design", both("pricing.defence_condition", names=names))


def _by_hypothesis(known: Mapping[str, Any], decision: Decision, grounds: Grounds) -> Answer:
    """Answer by what came of the hypothesis that sets it apart, about the same attribute and level."""
    own = decision.evidence.hypothesis
    tested = next(
        (
            one
            for one in grounds.decisions
            if one.evidence.hypothesis.defence == known["id"]
            and _about(one.evidence.hypothesis) == _about(own)
        ),
        None,
    )
    result = None if tested is None else _RESULTS.get(tested.label)
    if result == "explains" and decision.label == "cleared":
        result = "idle"
    if result is None:
        return _answer("not_tested", known["open"])
    return _answer("tested", both(f"pricing.defence_offer_{result}"))


def _about(hypothesis: Hypothesis) -> tuple[str, str]:
    return hypothesis.treatment, str(hypothesis.level)


_RESULTS: Mapping[str, str] = {
    "established": "remains",
    "indicated": "remains",
    "cleared": "explains",
}
_ANSWERS: Mapping[str, Callable[[Mapping[str, Any], Decision, Grounds], Answer]] = {
    "twins": _by_twins,
    "moment": _by_moment,
    "condition": _by_condition,
    "hypothesis": _by_hypothesis,
}
"""How the rules say that an explanation is answered → what answers it."""
