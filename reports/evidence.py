"""Annex A: the files that this report rests on, and how they were taken."""

from __future__ import annotations

import hashlib

from ..messages import numbers
from .context import Context, cells, small
from .model import Block, Cell, Fact, Facts, Group, Paragraph, Table


def blocks(about: Context) -> tuple[Block, ...]:
    """Return annex A."""
    voice = about.voice
    made: list[Block] = [Paragraph(text=voice("committee.evidence_intro")), _files(about)]
    made.append(Facts(facts=_taken(about)))
    trials = _trials(about)
    if trials:
        note = small(voice("committee.trials_note"))
        made.append(Group(title=voice("committee.example_trials"), blocks=(trials, note)))
    return tuple(made)


def _files(about: Context) -> Table:
    voice, content = about.voice, about.content
    waves = numbers.count(len(content.waves))
    dash = voice("report.dash")
    rows = [
        ("plan.yaml", voice("committee.file_plan"), content.plan_sha256),
        ("plan.lock.json", voice("committee.file_lock"), content.lock_sha256),
        ("journal.sqlite", voice("committee.file_journal", waves=waves), dash),
        ("record.json", voice("committee.file_record"), about.record.content_sha256),
        ("annex.jsonl", voice("committee.file_annex", n=numbers.count(len(about.annex))), dash),
    ]
    rows += [
        (str(entry["file"]), voice("committee.file_attached"), str(entry.get("sha256") or dash))
        for entry in about.annex
        if entry.get("file")
    ]
    heads = ("committee.h_file", "committee.h_holds", "committee.h_sha")
    return Table(
        caption=voice("committee.s_a"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(cells(*row) for row in rows),
    )


def _taken(about: Context) -> tuple[Fact, ...]:
    voice, run = about.voice, about.run
    when = voice("words.range", low=numbers.moment(run.started), high=numbers.moment(run.ended))
    # the waves' own hashes in their order, hashed: one line to compare by telephone
    root = hashlib.sha256("\n".join(about.content.waves).encode()).hexdigest()
    return (
        about.fact("committee.root", root, code=True),
        about.fact("committee.taken", when),
        about.fact("committee.tool", run.versions.get("evenhand"), code=True),
        about.fact("committee.operator", about.setting.auditor),
        about.fact("committee.witness", None),
        about.fact("committee.clock", voice("committee.clock_unknown")),
    )


def _trials(about: Context) -> Table | None:
    voice = about.voice
    rows = tuple(
        (
            Cell(text=finding.id, link=finding.id if finding.primary else None),
            *cells(pair.treated.id, pair.reference.id),
        )
        for finding in about.content.findings
        for pair in finding.examples
    )
    if not rows:
        return None
    heads = ("report.h_id", "words.arm_treated", "words.arm_reference")
    return Table(
        caption=voice("committee.example_trials"),
        head=tuple(voice(head) for head in heads),
        rows=rows,
    )
