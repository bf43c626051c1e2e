"""``evenhand explain``: what flagged differences are made of, in the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..messages import language, numbers, text
from . import view

if TYPE_CHECKING:
    from ..audit.record import (
        Agreement,
        Clause,
        Contribution,
        Decomposition,
        Explanation,
        Finding,
        Range,
        Record,
        Subgroup,
        Surrogate,
    )

FLAGGED = ("established", "indicated")
RELATIONS = {"is": "explain.is", "at_most": "explain.at_most", "above": "explain.above"}
SLACK = 0.1
"""Shares of a gap are printed while none is further outside 0 to 1."""
NAMED = 4
"""Most inputs of the surrogate that a line names."""


def explained(record: Record, name: str | None) -> list[Finding]:
    """Return the flagged findings, or the one that is asked for.

    Raises
    ------
    UsageError
        If there is no such finding, or it was not flagged.
    """
    found = [one for one in record.content.findings if one.verdict in FLAGGED]
    if name is None:
        return found
    if name not in {one.id for one in record.content.findings}:
        raise UsageError("cli.no_such_finding", name=name)
    if name not in {one.id for one in found}:
        raise UsageError("explain.not_flagged", name=name)
    return [one for one in found if one.id == name]


def as_json(found: Iterable[Finding]) -> str:
    """Return the explanations as JSON, by finding."""
    plain = {one.id: [e.model_dump(mode="json") for e in one.explanations] for one in found}
    return json.dumps(plain, ensure_ascii=False, indent=1)


def lines(found: Finding) -> Iterable[str]:
    """Yield the explanations of a finding in words."""
    yield text("explain.head", id=found.id, name=getattr(found.question, language()))
    for one in found.explanations:
        yield from _told(one, found)


def _told(one: Explanation, found: Finding) -> Iterable[str]:
    if one.kind == "decomposition":
        return _parts(one, found)
    return _surrogate(one) if one.kind == "surrogate" else _who(one)


def _percent(value: float | None) -> str:
    return numbers.percent(value or 0.0, language(), digits=1)


def _money(range_: Range | None) -> str:
    if range_ is None or range_.estimate is None:
        return ""
    return numbers.money(range_.estimate, range_.currency, language(), digits=2)


def _parts(one: Decomposition, found: Finding) -> Iterable[str]:
    several = one.scope == "attributes"
    money = _money(found.money if one.scope == "single" else one.money)
    yield text(
        "explain.gap",
        what=text("explain.what_attributes" if several else "explain.what_fields", ids=", ".join(one.findings)),
        percent=_percent(one.percent.estimate),
        low=_percent(one.percent.low),
        high=_percent(one.percent.high),
        money=f" · {money}" if money else "",
        contexts=one.contexts,
        queries=one.queries,
    )  # fmt: skip
    shares = [part.share for part in one.parts if part.share is not None]
    # parts of both signs cancel out: shares of what is left of them tell nothing
    plain = all(-SLACK <= share <= 1 + SLACK for share in shares)
    for part in one.parts if len(one.parts) > 1 else ():
        yield _part(part, shared=plain)
    if one.counterfactual is not None and len(one.parts) > 1:
        back = one.counterfactual
        if back.remaining is None:
            yield text("explain.counterfactual_all")
        else:
            names = ", ".join(getattr(label, language()) for label in back.labels)
            left = text("explain.left", percent=_percent(back.remaining.estimate))
            yield text("explain.counterfactual", names=names, left=left)
    yield from _agreement(one.agreement)


def _part(part: Contribution, *, shared: bool) -> str:
    share = (
        ""
        if part.share is None or not shared
        else text("explain.share", share=_percent(100 * part.share))
    )
    amount = _money(part.money) or numbers.decimal(part.effect.estimate or 0.0, 4)
    return text("explain.part", label=getattr(part.label, language()), amount=amount, share=share)


def _agreement(found: Agreement | None) -> Iterable[str]:
    if found is None:
        return
    if found.agrees:
        yield text("explain.agrees")
    else:
        yield text(
            "explain.disagrees",
            explained=_percent(found.explained.estimate),
            tested=_percent(found.tested.estimate),
        )


def _surrogate(one: Surrogate) -> Iterable[str]:
    if not one.drivers:
        yield text("explain.surrogate_refused", floor=_percent(100 * one.floor))
        return
    drivers = [
        text(
            "explain.driver",
            label=getattr(driver.label, language()),
            percent=_percent(driver.percent),
        )
        for driver in one.drivers[:NAMED]
    ]
    fidelity = _percent(100 * (one.fidelity or 0.0))
    yield text("explain.surrogate", fidelity=fidelity, drivers=", ".join(drivers))


def _who(one: Subgroup) -> Iterable[str]:
    if not one.clauses:
        yield text("explain.who_nowhere")
        return
    where = text("explain.and").join(_clause(clause) for clause in one.clauses)
    if one.confirmed is None or one.inside is None or one.elsewhere is None:
        yield text("explain.who_unasked", where=where)
        return
    state = text("explain.confirmed" if one.confirmed else "explain.unconfirmed", blocks=one.blocks)
    inside, elsewhere = _percent(one.inside.estimate), _percent(one.elsewhere.estimate)
    yield text("explain.who", where=where, inside=inside, elsewhere=elsewhere, state=state)


def _clause(clause: Clause) -> str:
    value = clause.value if isinstance(clause.value, str) else f"{clause.value:g}"
    label = getattr(clause.label, language())
    return text(RELATIONS[clause.relation], label=label, value=value)


def show(record: Record, name: str | None, *, json_: bool) -> None:
    """Print the explanations of a record."""
    found = explained(record, name)
    if json_:
        view.out(as_json(found))
        return
    if not found:
        view.out(text("explain.nothing"))
    for one in found:
        for line in lines(one):
            view.out(line)
