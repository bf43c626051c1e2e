"""Section 8: provision – element – evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..audit.record import Finding
from ..datasets import rules
from .context import Context, cells, marked
from .measures import PRICE, is_worse, measure
from .model import Block, Group, Paragraph, Table
from .provisions import Provision, name

_MARKS = {
    "committee.evidence": "●",
    "committee.partial": "◐",
    "committee.no_evidence": "○",
    "committee.untested": "–",
    "committee.not_concerned": "–",
}
_READING = {"A": "committee.reading_a", "B": "committee.reading_b"}
Said = tuple[str, str]
"""Id of the status's words, and what it rests on."""


def blocks(about: Context) -> tuple[Block, ...]:
    """Return section 8."""
    voice = about.voice
    found = _bearing(about)
    if not found:
        return (Paragraph(text=voice("committee.elements_none")),)
    day = max(str(rule["checked_on"]) for rule, _ in found)
    groups = tuple(_provision(about, rule, on) for rule, on in found)
    return (Paragraph(text=voice("committee.as_of", day=day), tone="small"), *groups)


def _bearing(about: Context) -> list[tuple[Provision, list[Finding]]]:
    """Return the provisions that flagged findings bear on directly, in the order of the map."""
    out: dict[str, tuple[Provision, list[Finding]]] = {}
    for finding in about.of("established", "indicated"):
        for how, rule in about.bearing(finding):
            if how == "direct":
                out.setdefault(str(rule["id"]), (rule, []))[1].append(finding)
    return list(out.values())


def _provision(about: Context, rule: Provision, on: Sequence[Finding]) -> Group:
    voice, known = about.voice, rules.elements()
    heads = ("committee.h_element", "committee.h_status", "committee.h_basis")
    rows = []
    for id_ in rules.elements_of(str(rule["id"])):
        element = known[id_]
        status, basis = _SAID[element["evidence"]](about, on, element)
        rows.append(
            cells(element["name"][voice.language], marked(_MARKS[status], voice(status)), basis)
        )
    title = name(rule, voice)
    reading = voice(_READING[rule["confidence"]], ids=voice.listed([one.id for one in on]))
    return Group(
        title=title,
        blocks=(
            Table(caption=title, head=tuple(voice(head) for head in heads), rows=tuple(rows)),
            Paragraph(text=reading, tone="small"),
        ),
    )


def _ids(about: Context, on: Sequence[Finding]) -> str:
    return about.voice.listed([one.id for one in on])


def _shown(on: Sequence[Finding]) -> str:
    established = any(one.verdict == "established" for one in on)
    return "committee.evidence" if established else "committee.partial"


def _difference(about: Context, on: Sequence[Finding], _: Any) -> Said:
    priced = all(measure(one) == PRICE for one in on)
    message = "committee.basis_difference" if priced else "committee.basis_answers"
    return _shown(on), about.voice(message, ids=_ids(about, on))


def _ground(about: Context, on: Sequence[Finding], _: Any) -> Said:
    labels = about.voice.listed([about.tell.label(one) for one in on])
    return _shown(on), about.voice("committee.basis_ground", labels=labels, ids=_ids(about, on))


def _item(about: Context, _on: Sequence[Finding], _: Any) -> Said:
    return "committee.evidence", about.voice("committee.basis_item")


def _conditions(about: Context, _on: Sequence[Finding], _: Any) -> Said:
    voice = about.voice
    held = [
        voice.of(note.label) or note.name
        for note in about.setting.attributes
        if note.role == "condition"
    ]
    if not held:
        return "committee.partial", voice("committee.basis_no_conditions")
    return "committee.partial", voice("committee.basis_conditions", list=voice.listed(held))


def _automated(about: Context, _on: Sequence[Finding], _: Any) -> Said:
    return "committee.partial", about.voice("committee.basis_automated")


def _detriment(about: Context, on: Sequence[Finding], _: Any) -> Said:
    worse = [one for one in on if is_worse(one)]
    priced = all(measure(one) == PRICE for one in worse or on)
    if not worse:
        message = "committee.basis_no_detriment" if priced else "committee.basis_not_worse"
        return "committee.no_evidence", about.voice(message)
    message = "committee.basis_detriment" if priced else "committee.basis_worse"
    return "committee.partial", about.voice(message, ids=_ids(about, worse))


def _defences(about: Context, on: Sequence[Finding], _: Any) -> Said:
    voice = about.voice
    status = {row.id: row.status for one in on for row in one.defences}
    for one in on:  # what is open for one finding is open
        status |= {row.id: row.status for row in one.defences if row.status == "not_tested"}
    ruled = [
        about.tell.defence(id_)
        for id_, s in status.items()
        if s in {"ruled_out_by_design", "tested"}
    ]
    open_ = [about.tell.defence(id_) for id_, s in status.items() if s == "not_tested"]
    nothing = voice("committee.nothing")
    basis = voice(
        "committee.basis_defences",
        ruled=voice.listed(ruled) or nothing,
        open=voice.listed(open_) or nothing,
    )
    if not ruled:
        return ("committee.untested" if open_ else "committee.not_concerned"), basis
    return ("committee.partial" if open_ else "committee.evidence"), basis


def _untested(about: Context, _on: Sequence[Finding], element: Any) -> Said:
    return "committee.untested", element["open"][about.voice.language]


_SAID: dict[str, Callable[[Context, Sequence[Finding], Any], Said]] = {
    "difference": _difference,
    "ground": _ground,
    "item": _item,
    "conditions": _conditions,
    "automated": _automated,
    "detriment": _detriment,
    "defences": _defences,
    "none": _untested,
}
