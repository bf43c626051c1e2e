"""Sections 11, 12, B, C and D: what people added, every result, the statistics, the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import messages
from ..audit.record import Finding, Side
from ..messages import numbers
from . import committee
from .context import LABELS, Context, cells, small
from .model import Block, Cell, Fact, Facts, Group, Paragraph, Quote, Table
from .sizes import size

_KINDS = {
    "reply": "report.annex_reply",
    "decision": "report.annex_decision",
    "review": "report.annex_review",
    "waiver": "report.annex_waiver",
    "note": "report.annex_note",
}
_SIDES: dict[Side, str] = {
    "outside": "words.outside",
    "inside": "words.inside",
    "undecided": "words.undecided",
    "not_estimable": "words.not_estimable",
}
_GUARANTEES = {
    "exact": "report.guarantee_exact",
    "finite-sample": "report.guarantee_finite",
    "asymptotic": "report.guarantee_asymptotic",
    "heuristic": "report.guarantee_heuristic",
}
_UNITS = {"block": "report.unit_block", "account": "report.unit_account"}
_MEANINGS = (
    ("words.established", "verdicts.established_means"),
    ("words.cleared", "verdicts.cleared_means"),
    ("words.indicated", "verdicts.indicated_means"),
    ("words.inconclusive", "verdicts.inconclusive_means"),
    ("words.persona", "words.persona_means"),
    ("words.identity", "words.identity_means"),
    ("words.trial", "words.trial_means"),
    ("words.block", "words.block_means"),
    ("words.wave", "words.wave_means"),
    ("words.treatment", "words.treatment_means"),
    ("words.condition", "words.condition_means"),
    ("words.cue", "words.cue_means"),
    ("words.reference", "words.reference_means"),
    ("words.twin", "words.twin_means"),
    ("words.positive_control", "words.positive_control_means"),
    ("words.delivery", "words.delivery_means"),
    ("words.limit", "words.limit_means"),
    ("words.effect", "words.effect_means"),
    ("words.interval", "words.interval_means"),
    ("words.share", "words.share_means"),
    ("words.strength", "words.strength_means"),
    ("words.evalue", "words.evalue_means"),
)
TEXTS = 200
"""Most paragraphs of one entry of the annex."""


def replies(about: Context) -> tuple[Block, ...]:
    """Return section 11: what the vendor says, word for word."""
    said = replies_to(about)
    return said or (Paragraph(text=about.voice("report.no_reply")),)


def replies_to(about: Context, finding: str | None = None) -> tuple[Block, ...]:
    """Return the replies of the vendor: those to one finding, or all."""
    return tuple(
        _quote(about, entry)
        for entry in about.annex
        if entry.get("kind") == "reply" and finding in {None, entry.get("finding")}
    )


def decisions(about: Context) -> tuple[Block, ...]:
    """Return section 12: decisions, reviews, waivers and notes, and a blank form to print."""
    order = [kind for kind in _KINDS if kind != "reply"]
    entries = [entry for kind in order for entry in about.annex if entry.get("kind") == kind]
    formal = [entry for entry in entries if entry.get("decision")]
    made = [
        committee.quoted(about, _quote(about, entry), entry, last=entry is formal[-1])
        if entry in formal
        else _quote(about, entry)
        for entry in entries
    ]
    return (*made, committee.form(about))


def _quote(about: Context, entry: Mapping[str, Any]) -> Quote:
    voice = about.voice
    by = str(entry.get("by") or voice("report.anonymous"))
    role, time = str(entry.get("role") or ""), str(entry.get("time") or "")
    time = numbers.moment(time) if "T" in time else time
    said = (
        voice("report.said_by", by=by, role=role, time=time)
        if role
        else voice("report.said_by_plain", by=by, time=time)
    )
    kind = voice(_KINDS[entry["kind"]])
    lines = [line.strip() for line in str(entry.get("text") or "").splitlines()]
    return Quote(
        heading=voice("report.control_failed_text", control=kind, statement=said),
        texts=tuple(line for line in lines if line)[:TEXTS],
        notes=tuple(_notes(about, entry)),
    )


def _notes(about: Context, entry: Mapping[str, Any]) -> list[str]:
    voice = about.voice
    notes = []
    if entry.get("finding"):
        notes.append(voice("report.about_finding", finding=str(entry["finding"])))
    if entry.get("file"):
        sha = str(entry.get("sha256") or voice("report.none_named"))
        notes.append(voice("report.about_file", file=str(entry["file"]), sha=sha))
    other = str(entry.get("record_sha256") or "")
    if other and other != about.record.content_sha256:
        notes.append(voice("report.other_record", hash=other[:12]))
    return notes


_GAPS = (
    "report.h_id",
    "report.h_compared",
    "report.h_verdict",
    "report.h_mean",
    "report.h_share",
    "report.h_percent",
    "report.h_money",
)
_EVIDENCE = (
    "report.h_id",
    "report.h_n",
    "report.h_excluded",
    "report.h_queries",
    "report.h_evalue",
    "report.h_adjusted",
)


def results(about: Context) -> tuple[Block, ...]:
    """Return annex B: every test run, also the dull ones."""
    voice, found = about.voice, about.content.findings
    gaps = Table(
        caption=voice("report.s_b"),
        head=tuple(voice(head) for head in _GAPS),
        rows=tuple(_gap(about, finding) for finding in found),
    )
    # twelve columns do not fit on paper
    evidence = Table(
        caption=voice("report.evidence"),
        head=tuple(voice(head) for head in _EVIDENCE),
        rows=tuple(_evidence(about, finding) for finding in found),
    )
    note = voice("report.evalue_note", k=str(about.setting.hypotheses))
    return (gaps, evidence, small(note))


def _gap(about: Context, finding: Finding) -> tuple[Cell, ...]:
    voice, written = about.voice, size(finding, about.voice)
    effect = voice("report.value", size=written.value, interval=written.interval) if written else ""
    compared = voice(
        "report.compared",
        label=voice.of(finding.label),
        level=finding.level,
        reference=finding.reference,
    )
    return (
        _id(finding),
        Cell(text=compared if finding.primary else compared + voice("report.secondary")),
        about.verdict_cell(finding.verdict),
        *cells(voice(_SIDES[finding.mean]), voice(_SIDES[finding.share_verdict])),
        about.number(effect),
        about.number(written.money if written else ""),
    )


def _evidence(about: Context, finding: Finding) -> tuple[Cell, ...]:
    voice = about.voice
    return (
        _id(finding),
        about.counted(finding.n),
        about.counted(finding.n_excluded),
        about.counted(finding.queries),
        about.number(numbers.odds(finding.evalue, voice.language)),
        about.number(numbers.probability(finding.adjusted, voice.language)),
    )


def _id(finding: Finding) -> Cell:
    return Cell(text=finding.id, link=finding.id if finding.primary else None)


def statistics(about: Context) -> tuple[Block, ...]:
    """Return annex C: methods, guarantees, seed, versions."""
    voice, run = about.voice, about.run
    heads = ("report.h_id", "report.h_method", "report.h_guarantee", "report.h_unit")
    methods = Table(
        caption=voice("report.sub_methods"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(_method(about, finding) for finding in about.content.findings),
    )
    facts = [about.fact("report.seed", str(about.setting.seed), code=True)]
    facts.append(about.fact("report.waves", numbers.count(len(about.content.waves))))
    facts += [
        Fact(name=name, value=version, code=True) for name, version in sorted(run.versions.items())
    ]
    if run.commit:
        commit = voice("report.commit_dirty", commit=run.commit) if run.dirty else run.commit
        facts.append(about.fact("report.commit", commit, code=True))
    return (
        Group(title=voice("report.sub_methods"), blocks=(methods,)),
        Group(title=voice("report.sub_versions"), blocks=(Facts(facts=tuple(facts)),)),
    )


def _method(about: Context, finding: Finding) -> tuple[Cell, ...]:
    voice = about.voice
    guarantee, unit = finding.guarantee, finding.unit
    return cells(
        finding.id,
        voice.of(finding.method),
        voice(_GUARANTEES[guarantee]) if guarantee in _GUARANTEES else guarantee,
        voice(_UNITS[unit]) if unit in _UNITS else unit,
    )


def glossary(about: Context) -> tuple[Block, ...]:
    """Return annex D: each term in both languages, and what it means here."""
    voice = about.voice
    other = next(language for language in messages.LANGUAGES if language != voice.language)
    heads = ("report.h_term", "report.h_other", "report.h_means")
    rows = []
    for term, means in _MEANINGS:
        badge = next((about.badge(verdict) for verdict, id_ in LABELS.items() if id_ == term), None)
        first = Cell(text="" if badge else voice(term), badge=badge)
        rows.append((first, *cells(messages.text(term, other), voice(means))))
    return (
        Table(
            caption=voice("report.s_d"),
            head=tuple(voice(head) for head in heads),
            rows=tuple(rows),
        ),
    )
