"""Record, annex and dated rules in; blocks of text and numbers out.

A report is made from nothing else. The sections are those of the report's outline; each is a
function that takes a :class:`~.context.Context` and returns blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import messages
from ..audit.record import Record
from ..errors import UsageError
from . import appendix, committee, cover, elements, evidence, explained, findings, method, summary
from .context import Context, context
from .model import Block, Report, Section
from .provisions import Provision

PAGES = ("summary",)
"""Pages that can be had on their own."""
Planned = tuple[str, str, str, tuple[Block, ...]]
"""A section: id, number, title, blocks."""


def blocks(
    record: Record,
    annex: Sequence[Mapping[str, Any]],
    language: str,
    *,
    provisions: Sequence[Provision] | None = None,
    taken: Mapping[str, Any] | None = None,
    page: str | None = None,
) -> Report:
    """Return a report in one language, before it is HTML or paper.

    Parameters
    ----------
    record : Record
        The audit. Every figure of the report comes from it.
    annex : sequence of mapping
        What people added later: ``kind``, ``by``, ``role``, ``time``, ``record_sha256``, ``text``,
        and where there are any ``finding``, ``file``, ``sha256``.
    language : {"zh", "en"}
    provisions : sequence of mapping, optional
        The rules as of today. Default: the shipped map.
    taken : mapping, optional
        How the evidence was taken, for annex A; see :func:`evenhand.audit.taken.seen`.
    page : {"summary"}, optional
        One page only. Default: the whole report.

    Returns
    -------
    Report
        With the same sections, ids and numbers in each language.

    Raises
    ------
    UsageError
        If there is no such language or page.
    """
    if language not in messages.LANGUAGES:
        raise UsageError(
            "report.unknown_language", language=language, known=", ".join(messages.LANGUAGES)
        )
    if page not in {None, *PAGES}:
        raise UsageError("report.unknown_page", page=page, known=", ".join(PAGES))
    about = context(record, annex, language, provisions, taken)
    voice = about.voice
    if page is not None:
        return _report(about, [("s1", "1", voice("report.s1"), summary.page(about))], single=True)
    plan: list[Planned] = [
        ("s0", "0", voice("report.s0"), cover.blocks(about)),
        ("s1", "1", voice("report.s1"), summary.blocks(about)),
        ("s2", "2", voice("committee.s2"), committee.asked(about)),
        ("s3", "3", voice("report.s3"), method.system(about)),
        ("s4", "4", voice("report.s4"), method.asked(about)),
        ("s5", "5", voice("report.s5"), findings.flagged(about)),
        ("s6a", "6a", voice("report.s6a"), findings.cleared(about)),
        ("s6b", "6b", voice("report.s6b"), findings.unknown(about)),
        ("s7", "7", voice("committee.s7"), explained.blocks(about)),
        ("s8", "8", voice("committee.s8"), elements.blocks(about)),
        ("s9", "9", voice("report.s9"), method.limits(about)),
        ("s10", "10", voice("committee.s10"), committee.improvements(about)),
        ("s11", "11", voice("report.s11"), appendix.replies(about)),
        ("s12", "12", voice("report.s12"), appendix.decisions(about)),
        ("sA", "A", voice("committee.s_a"), evidence.blocks(about)),
        ("sB", "B", voice("report.s_b"), appendix.results(about)),
        ("sC", "C", voice("report.s_c"), appendix.statistics(about)),
        ("sD", "D", voice("report.s_d"), appendix.glossary(about)),
    ]
    return _report(about, plan)


def _report(about: Context, plan: Sequence[Planned], *, single: bool = False) -> Report:
    voice = about.voice
    return Report(
        language=voice.language,
        title=voice("report.title"),
        subtitle=voice.of(about.setting.title),
        contents=voice("report.contents"),
        foot=voice("report.foot", id=about.report_id),
        sections=tuple(
            Section(id=id_, number=number, title=title, blocks=made)
            for id_, number, title, made in plan
            if made
        ),
        single=single,
    )
