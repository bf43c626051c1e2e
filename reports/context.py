"""What every section of a report needs: the cleaned record, the annex, the rules, a language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..audit.record import Content, Finding, Record, Run, Setting, Verdict
from ..datasets import rules
from ..messages import numbers
from .model import Badge, Cell, Fact, Paragraph
from .provisions import Provision, bearing
from .scrub import scrub_all, scrub_annex, scrub_record
from .sentences import Teller
from .voice import Voice

LABELS: dict[Verdict, str] = {
    "established": "words.established",
    "cleared": "words.cleared",
    "indicated": "words.indicated",
    "inconclusive": "words.inconclusive",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One report in the making. Every text in it is harmless already."""

    record: Record
    annex: Sequence[Mapping[str, Any]]
    voice: Voice
    tell: Teller
    provisions: Sequence[Provision]
    taken: Mapping[str, Any]
    """How the evidence was taken, as ``taken.json`` has it; empty where nobody looked."""

    @property
    def content(self) -> Content:
        """The reproducible part of the record."""
        return self.record.content

    @property
    def run(self) -> Run:
        """How it went."""
        return self.record.run

    @property
    def setting(self) -> Setting:
        """What was audited, by whom, under which rules."""
        return self.record.content.setting

    @property
    def report_id(self) -> str:
        """The beginning of the record's hash: the same record, the same report."""
        return self.record.content_sha256[:12]

    @property
    def primary(self) -> tuple[Finding, ...]:
        """The findings that the plan promised, in the order of the record."""
        return tuple(finding for finding in self.content.findings if finding.primary)

    def of(self, *verdicts: Verdict) -> tuple[Finding, ...]:
        """Return the primary findings with one of these verdicts."""
        return tuple(finding for finding in self.primary if finding.verdict in verdicts)

    def badge(self, verdict: Verdict) -> Badge:
        """Return a verdict with its shape and words."""
        return Badge(verdict=verdict, words=self.voice(LABELS[verdict]))

    def verdict_cell(self, verdict: Verdict) -> Cell:
        """Return a cell that shows a verdict."""
        return Cell(text="", badge=self.badge(verdict))

    def bearing(self, finding: Finding) -> list[tuple[str, Provision]]:
        """Return the provisions that a finding bears on, with how."""
        return bearing(finding.kind, self.setting.jurisdictions, self.provisions)

    def number(self, text: str) -> Cell:
        """Return a cell that holds a number; a dash where there is none."""
        return Cell(text=text or self.voice("report.dash"), number=True)

    def counted(self, n: float) -> Cell:
        """Return a cell that holds a count."""
        return Cell(text=numbers.count(n), number=True)

    def fact(self, message_id: str, value: str | None, *, code: bool = False) -> Fact:
        """Return a name and a value; “not named” where there is none."""
        shown = value or self.voice("report.none_named")
        return Fact(name=self.voice(message_id), value=shown, code=code and bool(value))


def context(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    language: str,
    provisions: Sequence[Provision] | None,
    taken: Mapping[str, Any] | None = None,
) -> Context:
    """Return the context of a report, with every text from outside made harmless."""
    clean = scrub_record(record)
    voice = Voice(language)
    names = {defence["id"]: defence["name"] for defence in rules.defences()}
    content = clean.content
    repeated = Counter(finding.question.en for finding in content.findings)
    return Context(
        record=clean,
        annex=scrub_annex(annex),
        voice=voice,
        tell=Teller(voice, content.setting, content.controls, names, repeated),
        provisions=rules.provisions() if provisions is None else provisions,
        taken=scrub_all(taken or {}),
    )


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return plain cells."""
    return tuple(Cell(text=text) for text in texts)


def marked(mark: str, words: str) -> str:
    """Return words behind a mark that is never left alone at the end of a line."""
    return f"{mark}\N{NO-BREAK SPACE}{words}"


def small(text: str) -> Paragraph:
    """Return a note in small print."""
    return Paragraph(text=text, tone="small")
