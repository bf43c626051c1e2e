"""Section 1: enough for a member who reads nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ..audit.record import Finding
from ..messages import numbers
from . import charts
from .context import LABELS, Context
from .model import (
    Block,
    Bullets,
    Callout,
    Cell,
    Facts,
    FindingSummary,
    Group,
    Paragraph,
    Table,
)
from .provisions import name
from .scrub import scrub
from .sentences import STRENGTHS
from .sizes import size

CONTROLS = {
    "twins": "words.control_twins",
    "positive": "words.control_positive",
    "delivery": "words.control_delivery",
    "access": "words.control_access",
    "harness": "words.control_harness",
    "drift": "words.control_drift",
    "asking": "words.control_asking",
}

LINE = 160
"""Most characters of a name on the one page."""
NAMED = 2
"""Most provisions named in the table of the summary."""


def blocks(about: Context) -> tuple[Block, ...]:
    """Return the summary."""
    made: list[Block] = [Paragraph(text=_tally(about), tone="lead")]
    made += _failed_controls(about)
    made += [_one(about, finding) for finding in about.primary]
    made += charts.forests(about)
    made += [
        _table(about),
        Group(title=about.voice("report.not_judged"), blocks=(_not_judged(about),)),
        Group(title=about.voice("report.not_said"), blocks=(_not_said(about),)),
    ]
    return tuple(made)


def page(about: Context) -> tuple[Block, ...]:
    """Return one page for a member who reads nothing else: whose report, what was found, what not."""
    voice, setting = about.voice, about.setting
    facts = Facts(
        facts=(
            about.fact("report.vendor", scrub(setting.vendor, LINE)),
            about.fact("report.paid_by", scrub(setting.paid_by, LINE)),
            about.fact("report.dates", _days(about)),
            about.fact("report.record_hash", about.record.content_sha256, code=True),
        )
    )
    findings = tuple(
        replace(_one(about, finding), notes=(), linked=False) for finding in about.primary
    )
    law = voice("report.not_said_law")
    return (
        facts,
        Paragraph(text=_tally(about)),
        *_failed_controls(about),
        *findings,
        Group(title=voice("report.not_judged"), blocks=(_not_judged(about),)),
        Group(title=voice("report.not_said"), blocks=(Bullets(items=(law,)),)),
    )


def _days(about: Context) -> str:
    days = [numbers.day(about.run.started), numbers.day(about.run.ended)]
    low, high = days
    return low if low == high else about.voice("words.range", low=low, high=high)


def _tally(about: Context) -> str:
    tally = Counter(finding.verdict for finding in about.primary)
    counts = {verdict: str(tally[verdict]) for verdict in LABELS}
    return about.voice("report.tally", k=str(len(about.primary)), **counts)


def _failed_controls(about: Context) -> list[Block]:
    voice = about.voice
    texts = tuple(
        voice(
            "report.control_failed_text",
            control=voice(CONTROLS[control.kind]),
            statement=voice.of(control.statement),
        )
        for control in about.content.controls
        if not control.passed
    )
    return [Callout(title=voice("report.control_failed"), texts=texts)] if texts else []


def _one(about: Context, finding: Finding) -> FindingSummary:
    tell = about.tell
    notes = (tell.strength(finding), tell.measured(finding), tell.explanations(finding))
    flagged = finding.verdict in {"established", "indicated"}
    return FindingSummary(
        id=finding.id,
        badge=about.badge(finding.verdict),
        question=about.tell.question(finding),
        sentences=tuple(about.tell.sentences(finding)),
        notes=tuple(note for note in (notes if flagged else notes[:1]) if note),
    )


def _table(about: Context) -> Table:
    voice = about.voice
    heads = (
        "report.h_id",
        "report.h_question",
        "report.h_verdict",
        "report.h_strength",
        "report.h_percent",
        "report.h_money",
        "report.h_provisions",
    )
    return Table(
        caption=voice("report.table_findings"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(_row(about, finding) for finding in about.primary),
    )


def _row(about: Context, finding: Finding) -> tuple[Cell, ...]:
    voice, written = about.voice, size(finding, about.voice)
    strength = STRENGTHS.get(finding.strength or "") if about.tell.strength(finding) else None
    return (
        Cell(text=finding.id, link=finding.id),
        Cell(text=about.tell.question(finding)),
        about.verdict_cell(finding.verdict),
        Cell(text=voice(strength) if strength else voice("report.dash")),
        about.number(written.value if written else ""),
        about.number(written.money if written else ""),
        Cell(text=_bears_on(about, finding) or voice("report.dash")),
    )


def _bears_on(about: Context, finding: Finding) -> str:
    """Name the first provisions of a flagged finding; its page has them all."""
    if finding.verdict not in {"established", "indicated"}:
        return ""
    voice = about.voice
    direct = [name(rule, voice) for how, rule in about.bearing(finding) if how == "direct"]
    shown = ("；" if voice.language == "zh" else "; ").join(direct[:NAMED])
    if len(direct) <= NAMED:
        return shown
    return voice("report.and_more", names=shown, more=str(len(direct) - NAMED))


def _not_judged(about: Context) -> Block:
    voice = about.voice
    items = [
        voice(
            "report.not_judged_item",
            id=finding.id,
            question=about.tell.question(finding),
            reason=about.tell.why(finding),
        ).strip()
        for finding in about.of("inconclusive")
    ]
    items += [
        voice("report.control_failed_text", control=entry.probe, statement=voice.of(entry.reason))
        for entry in about.content.not_testable
    ]
    if not items:
        return Paragraph(text=voice("report.all_judged"))
    return Bullets(items=tuple(items))


def _not_said(about: Context) -> Bullets:
    ids = (
        "report.not_said_law",
        "report.not_said_intent",
        "report.not_said_real",
        "report.not_said_rest",
        "report.not_said_rank",
    )
    return Bullets(items=tuple(about.voice(message_id) for message_id in ids))
