"""Annex A: the files that this report rests on, and how they were taken."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

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
    tool = about.taken.get("tool") or {}
    when = voice("words.range", low=numbers.moment(run.started), high=numbers.moment(run.ended))
    # the waves' own hashes in their order, hashed: one line to compare by telephone
    root = hashlib.sha256("\n".join(about.content.waves).encode()).hexdigest()
    return (
        about.fact("committee.root", root, code=True),
        about.fact("committee.taken", when),
        about.fact("committee.tool", run.versions.get("evenhand"), code=True),
        *([about.fact("committee.source", tool["source_sha256"], code=True)] if tool else []),
        about.fact("committee.operator", about.setting.auditor),
        about.fact("committee.witness", voice("committee.witness_sealed")),
        about.fact("committee.clock", _clock(about)),
        *_answers(about),
        *_peer(about),
    )


def _clock(about: Context) -> str:
    voice, clock = about.voice, about.taken.get("clock")
    if not clock:
        return voice("committee.clock_unknown")
    low, high = clock["low_seconds"], clock["high_seconds"]
    return voice(
        "committee.clock_told",
        answers=numbers.count(clock["answers"]),
        median=numbers.decimal(clock["median_seconds"], 0),
        low=numbers.decimal(low, 0),
        high=numbers.decimal(high, 0),
    )


def _answers(about: Context) -> list[Fact]:
    at = {step.get("step"): step.get("at") for step in about.taken.get("steps") or ()}
    first, last = at.get("first answer"), at.get("last answer")
    if first is None or last is None:
        return []
    when = about.voice("words.range", low=_moment(first), high=_moment(last))
    return [about.fact("committee.answered_between", when)]


def _moment(micro: int) -> str:
    return numbers.moment(datetime.fromtimestamp(micro // 1_000_000, UTC).isoformat())


def _peer(about: Context) -> list[Fact]:
    peer: Mapping[str, Any] = about.taken.get("peer") or {}
    if not peer.get("host"):
        return []
    where = about.voice.listed([str(one) for one in (peer["host"], *(peer.get("addresses") or ()))])
    facts = [about.fact("committee.peer", where, code=True)]
    if peer.get("certificate_sha256"):
        facts.append(
            about.fact("committee.certificate", str(peer["certificate_sha256"]), code=True)
        )
    return facts


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
