"""Sections 2, 10 and 12: what a committee is asked, what should change, what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from ..audit.record import Finding
from ..datasets import rules
from ..messages import numbers
from .clauses import NAME
from .context import Context, cells, small
from .explained import of_kind
from .model import Block, Bullets, Callout, Cell, Facts, Group, Paragraph, Quote, Table
from .scrub import scrub

MONTHS = 12
"""Months after which a finding is too old to rely on; the longest interval that the rules name."""
ROWS = 5
"""Empty rows for members in the blank form."""
BLANK = "＿" * 8
_VOTES = {
    "for": "committee.vote_for",
    "against": "committee.vote_against",
    "abstain": "committee.vote_abstain",
    "none": "committee.vote_none",
}
_ASKS = {
    "established": "committee.ask_established",
    "indicated": "committee.ask_indicated",
    "inconclusive": "committee.ask_inconclusive",
}
_NONE = {"none", "无", "无。", ""}


# ---------------------------------------------------------------------- 2


def asked(about: Context) -> tuple[Block, ...]:
    """Return section 2: what there is to decide, with which options, until when."""
    voice = about.voice
    matters = [
        voice(_ASKS[finding.verdict], id=finding.id, question=about.tell.question(finding))
        for finding in about.primary
        if finding.verdict in _ASKS
    ]
    untested = len(about.content.not_testable)
    if untested:
        matters.append(voice("committee.ask_untested", n=str(untested)))
    return (
        Paragraph(text=voice("committee.asked")),
        Bullets(items=tuple(matters or [voice("committee.ask_nothing")])),
        _options(about),
        small(_deadline(about)),
    )


def _options(about: Context) -> Table:
    voice = about.voice
    heads = ("committee.h_procedure", "committee.h_option", "committee.h_means")
    rows: list[tuple[Cell, ...]] = []
    for procedure in rules.procedures().values():
        name = procedure["name"][voice.language]
        if not procedure["options"]:
            rows.append(cells(name, voice("committee.free_text"), voice("committee.free_means")))
        rows += [
            cells(name, option["name"][voice.language], option["means"][voice.language])
            for option in procedure["options"]
        ]
    return Table(
        caption=voice("committee.options"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(rows),
    )


def _deadline(about: Context) -> str:
    first = rules.procedures()["ethics-initial"]
    return about.voice(
        "committee.deadline",
        days=str(first["deadline_days"]),
        months=str(first["review_months"]),
        source=first["source_name"][about.voice.language],
    )


# ---------------------------------------------------------------------- 10


def improvements(about: Context) -> tuple[Block, ...]:
    """Return section 10: what should change, who and when, the test that will show it."""
    voice, found = about.voice, about.of("established", "indicated")
    review = Paragraph(text=_next_review(about))
    if not found:
        return (Paragraph(text=voice("committee.improve_none")), review)
    heads = (
        "report.h_id",
        "committee.h_improvement",
        "committee.h_owner",
        "committee.h_due",
        "committee.h_test",
    )
    table = Table(
        caption=voice("committee.s10"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(_improvement(about, finding) for finding in found),
    )
    return (
        Paragraph(text=voice("committee.improve_intro")),
        table,
        Paragraph(text=voice("committee.recheck")),
        review,
    )  # fmt: skip


def _improvement(about: Context, finding: Finding) -> tuple[Cell, ...]:
    voice = about.voice
    said = [voice("committee.improve_attribute", label=about.tell.label(finding))]
    fields = of_kind(finding, "fields")
    if fields and fields.counterfactual and fields.counterfactual.remaining:
        names = voice.listed([scrub(name, NAME) for name in fields.counterfactual.back])
        said.append(voice("committee.improve_fields", names=names))
    if finding.verdict == "indicated":
        said.append(voice("committee.improve_settle"))
    return (
        Cell(text=finding.id, link=finding.id),
        *cells(voice.joined(said), BLANK, BLANK, voice("committee.improve_test", id=finding.id)),
    )


def _next_review(about: Context) -> str:
    ended = numbers.day(about.run.ended)
    try:
        day = _later(date.fromisoformat(ended)).isoformat()
    except ValueError:
        day = BLANK
    return about.voice("committee.next_review", day=day, months=str(MONTHS))


def _later(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


# ---------------------------------------------------------------------- 12


def decided(about: Context, entry: Mapping[str, Any], *, last: bool) -> list[Block]:
    """Return a decision of the annex that was put there by its form; empty for any other entry."""
    found = entry.get("decision")
    if not isinstance(found, Mapping):
        return []
    voice = about.voice
    procedure = rules.procedures().get(str(found.get("procedure")))
    counted = [str(n) for n in list(found.get("counted") or ())[:3]]
    members = [one for one in found.get("members") or () if isinstance(one, Mapping)]
    present = sum(bool(one.get("present")) for one in members)
    facts = [
        about.fact("committee.decided", _option(about, found, procedure)),
        about.fact(
            "committee.decided_by",
            procedure["name"][voice.language] if procedure else str(found.get("procedure")),
        ),
        about.fact("committee.decided_on", str(found.get("decided") or "")),
        about.fact("committee.decided_record", str(entry.get("record_sha256") or ""), code=True),
    ]
    if len(counted) == 3:  # noqa: PLR2004 - for, against, abstaining
        votes = dict(zip(("yes", "no", "abstain"), counted, strict=True))
        facts.append(
            about.fact(
                "committee.votes", voice("committee.votes_are", **votes, present=str(present))
            )
        )
    facts.append(about.fact("committee.next", str(found.get("next_review") or "")))
    made: list[Block] = [Facts(facts=tuple(facts))]
    warnings = _warnings(about, found)
    if not last:
        warnings.insert(0, voice("committee.superseded"))
    if warnings:
        made.append(Callout(title=voice("committee.procedure_notes"), texts=tuple(warnings)))
    if members:
        made.append(_members(about, members))
    conditions = [str(one) for one in found.get("conditions") or ()]
    if conditions:
        made.append(
            Group(title=voice("committee.conditions"), blocks=(Bullets(items=tuple(conditions)),))
        )
    return made  # fmt: skip


def _option(about: Context, found: Mapping[str, Any], procedure: Mapping[str, Any] | None) -> str:
    known = procedure["options"] if procedure else ()
    name = next((o["name"] for o in known if o["id"] == found.get("option")), None)
    return str(name[about.voice.language]) if name else str(found.get("option") or "")


def _warnings(about: Context, found: Mapping[str, Any]) -> list[str]:
    return [
        str(one[about.voice.language])
        for one in found.get("warnings") or ()
        if isinstance(one, Mapping) and about.voice.language in one
    ]


def _members(about: Context, members: list[Mapping[str, Any]]) -> Table:
    voice = about.voice
    heads = ("committee.h_name", "committee.h_role", "committee.h_conflict", "committee.h_vote")
    return Table(
        caption=voice("committee.members"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(cells(*_member(about, one)) for one in members),
    )


def _member(about: Context, one: Mapping[str, Any]) -> tuple[str, str, str, str]:
    voice = about.voice
    conflict = str(one.get("conflict") or "").strip()
    plain = conflict.lower() in _NONE
    vote = _VOTES.get(str(one.get("vote")), "committee.vote_none")
    if not one.get("present"):
        vote = "committee.vote_absent"
    return (
        str(one.get("name") or ""),
        str(one.get("role") or "") or voice("report.dash"),
        voice("committee.no_conflict") if plain else conflict,
        voice(vote),
    )


def quoted(about: Context, quote: Quote, entry: Mapping[str, Any], *, last: bool) -> Block:
    """Return an entry of the annex; a decision with its votes and conditions."""
    more = decided(about, entry, last=last)
    if not more:
        return quote
    reasons = Group(
        title=about.voice("committee.reasons"),
        blocks=tuple(Paragraph(text=text) for text in quote.texts),
    )
    notes = tuple(small(note) for note in quote.notes)
    return Group(title=quote.heading, blocks=(*more, reasons, *notes))


def form(about: Context) -> Group:
    """Return the blank form: what a decision needs, to print and fill in."""
    voice = about.voice
    items = [
        (voice("committee.decided_record"), about.record.content_sha256),
        *(
            (procedure["name"][voice.language], _boxes(about, procedure))
            for procedure in rules.procedures().values()
        ),
        *(
            (voice(id_), BLANK * 2)
            for id_ in ("committee.decided_on", "committee.votes", "committee.reasons", "committee.conditions", "committee.next")
        ),
    ]  # fmt: skip
    heads = (
        "committee.h_name",
        "committee.h_role",
        "committee.h_conflict",
        "committee.h_vote",
        "committee.h_signature",
    )
    return Group(
        title=voice("committee.form"),
        blocks=(
            Table(
                caption=voice("committee.form"),
                head=(voice("committee.form_item"), voice("committee.form_fill")),
                rows=tuple(cells(*item) for item in items),
            ),
            Table(
                caption=voice("committee.members"),
                head=tuple(voice(head) for head in heads),
                rows=tuple(cells(*[BLANK[:4]] * len(heads)) for _ in range(ROWS)),
            ),
            small(voice("committee.form_note")),
        ),
    )  # fmt: skip


def _boxes(about: Context, procedure: Mapping[str, Any]) -> str:
    voice = about.voice
    boxes = [
        voice("committee.form_option", name=option["name"][voice.language])
        for option in procedure["options"]
    ]
    # a gap where a line may end
    return "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE} ".join(
        boxes or [voice("committee.form_other", blank=BLANK)]
    )
