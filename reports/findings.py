"""Sections 5, 6a and 6b: a page for each finding."""

from __future__ import annotations

from ..audit.record import ExamplePair, Finding, Range, Trial
from ..messages import numbers
from . import charts
from .appendix import replies_to
from .beside import beside
from .context import Context, cells, marked, small
from .measures import FLAGS, MONEY, measure
from .method import smallest
from .model import Block, Bullets, Cell, FindingPage, Group, Paragraph, Table
from .provisions import name, relation, says
from .sentences import DEFENCE_STATUS
from .sizes import RATIO, fraction, size, told, tolerance

EXAMPLES = 2
"""Most example pairs on a page."""
FIELDS = 12
"""Most fields that the vendor saw, shown with an example."""

_DEFENCE_MARKS = {
    "ruled_out_by_design": "✓",
    "tested": "●",
    "not_tested": "○",
    "not_applicable": "–",
}
_ARMS = {
    "reference": "words.arm_reference",
    "twin": "words.arm_twin",
    "treated": "words.arm_treated",
}
_CONDITIONAL = {
    "cleared": "report.provisions_within",
    "inconclusive": "report.provisions_unknown",
}
_OUTCOMES = {
    "answered": "words.answered",
    "refused": "words.refused",
    "failed": "words.failed",
}


def flagged(about: Context) -> tuple[Block, ...]:
    """Return section 5: what ended beyond the limit, and what is real with its size open."""
    pages = tuple(_page(about, finding) for finding in about.of("established", "indicated"))
    return pages or (Paragraph(text=about.voice("report.findings_none")),)


def cleared(about: Context) -> tuple[Block, ...]:
    """Return section 6a: what was shown to stay within the limit."""
    pages = tuple(_page(about, finding) for finding in about.of("cleared"))
    return pages or (Paragraph(text=about.voice("report.cleared_none")),)


def unknown(about: Context) -> tuple[Block, ...]:
    """Return section 6b: what could not be judged, and what could not be tested."""
    voice = about.voice
    pages: tuple[Block, ...] = tuple(_page(about, finding) for finding in about.of("inconclusive"))
    return (
        *(pages or (Paragraph(text=voice("report.inconclusive_none")),)),
        Group(title=voice("report.not_testable"), blocks=(_not_testable(about),)),
    )


def _not_testable(about: Context) -> Block:
    voice = about.voice
    rows = tuple(cells(entry.probe, voice.of(entry.reason)) for entry in about.content.not_testable)
    if not rows:
        return Paragraph(text=voice("report.all_testable"))
    heads = (voice("report.h_probe"), voice("report.h_reason"))
    return Table(caption=voice("report.not_testable"), head=heads, rows=rows)


def _page(about: Context, finding: Finding) -> FindingPage:
    voice = about.voice
    lead = Paragraph(text=voice.joined(about.tell.sentences(finding)), tone="lead")
    made: list[Block] = [lead]
    made += [chart for chart in (charts.interval(about, finding),) if chart]
    made.append(_numbers(about, finding))
    if told(finding) is not None:
        priced = finding.effect.unit == RATIO
        made.append(small(voice("report.numbers_note" if priced else "report.points_note")))
    if about.tell.measured(finding):
        made.append(small(about.tell.measured(finding)))
    made += _against_limits(about, finding)
    made += beside(about, finding)
    made += [chart for chart in (charts.icons(about, finding),) if chart]
    made += _open(about, finding)
    made += _strength(about, finding)
    made += _defences(about, finding)
    made += _examples(about, finding)
    made.append(Group(title=voice("report.sub_provisions"), blocks=_provisions(about, finding)))
    replies = replies_to(about, finding.id)
    made += [Group(title=voice("report.s11"), blocks=replies)] if replies else []
    return FindingPage(
        id=finding.id,
        badge=about.badge(finding.verdict),
        claim=about.tell.claim(finding),
        question=about.tell.question(finding),
        blocks=tuple(made),
    )


def _numbers(about: Context, finding: Finding) -> Table:
    voice, written = about.voice, size(finding, about.voice)
    those = about.tell.say.those(finding)
    mean = voice("report.q_mean", gap=about.tell.say.gap(finding))
    rows: list[tuple[Cell, ...] | None] = []
    if written:
        rows.append(cells(mean, written.value, written.interval))
    base = about.tell.say.base(finding)
    if base:
        rows.append(cells(voice("report.q_base"), base, voice("report.dash")))
    if written and written.money:
        per = about.tell.per(finding).strip()
        money = voice("report.q_money_per", per=per) if per else voice("report.q_money")
        rows.append(cells(money, written.money, written.money_interval))
    up, down = charts.sides(about, finding)
    sided = measure(finding).worse is not None
    rows += [
        charts.share_row(about, voice("report.q_share", those=those), finding.share),
        charts.share_row(about, up, finding.share_dearer if sided else None),
        charts.share_row(about, down, finding.share_cheaper if sided else None),
        charts.share_row(about, voice("report.q_single", those=those), finding.single_quotes),
        charts.share_row(about, voice("report.q_twin", those=those), finding.twin_beyond),
        charts.share_row(about, voice("report.q_excess"), _excess(finding)),
    ]
    level = finding.effect.level
    spread = (
        voice("report.h_interval")
        if level is None
        else voice("report.h_interval_at", level=fraction(level, voice))
    )
    return Table(
        caption=voice("report.sub_numbers"),
        head=(voice("report.h_quantity"), voice("report.h_estimate"), spread),
        rows=tuple(row for row in rows if row)
        or (cells(mean, voice("report.no_number"), voice("report.dash")),),
    )


def _excess(finding: Finding) -> Range | None:
    """Return how much more often single quotes part than twins do; an estimate only."""
    single, twins = finding.single_quotes, finding.twin_beyond
    if single is None or twins is None or single.estimate is None or twins.estimate is None:
        return None
    return Range(estimate=single.estimate - twins.estimate, low=None, high=None, unit="share")


def _against_limits(about: Context, finding: Finding) -> list[Block]:
    limits, voice = finding.limits, about.voice
    if limits is None:
        return []
    text = voice(
        "report.within_numbers",
        gap=about.tell.say.gap(finding),
        ratio=tolerance(finding, limits.ratio, voice),
        share=fraction(limits.share, voice),
        hit=about.tell.say.hit(finding),
        smallest=smallest(about, finding),
    )
    return [Paragraph(text=text)]


def _open(about: Context, finding: Finding) -> list[Block]:
    if finding.verdict not in {"inconclusive", "indicated"}:
        return []
    voice, queries = about.voice, finding.queries_needed
    takes = (
        voice("report.takes", queries=numbers.count(queries))
        if queries
        else voice("report.takes_unknown")
    )
    return [Group(title=voice("report.takes_title"), blocks=(Paragraph(text=takes),))]


def _strength(about: Context, finding: Finding) -> list[Block]:
    strength = about.tell.strength(finding)
    if not strength:
        return []
    title = about.voice("report.sub_strength")
    return [Group(title=title, blocks=(Paragraph(text=strength),))]


def _defences(about: Context, finding: Finding) -> list[Block]:
    if not finding.defences or finding.verdict in {"cleared", "inconclusive"}:
        return []
    voice = about.voice
    heads = ("report.h_defence", "report.h_status", "report.h_statement")
    table = Table(
        caption=voice("report.sub_defences"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(
            cells(
                about.tell.defence(row.id),
                marked(_DEFENCE_MARKS[row.status], voice(DEFENCE_STATUS[row.status])),
                voice.of(row.statement),
            )
            for row in finding.defences
        ),
    )
    return [Group(title=voice("report.sub_defences"), blocks=(table,))]


def _examples(about: Context, finding: Finding) -> list[Block]:
    if not finding.examples:
        return []
    voice = about.voice
    made: list[Block] = [small(voice("report.example_note"))]
    for pair in finding.examples[:EXAMPLES]:
        made += _example(about, finding, pair)
    return [Group(title=voice("report.sub_example"), blocks=tuple(made))]


def _example(about: Context, finding: Finding, pair: ExamplePair) -> list[Block]:
    voice = about.voice
    heads = ("report.h_arm", "report.h_trial", "report.h_level", "report.h_answer")
    table = Table(
        caption=voice("report.sub_example"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(_trial(about, finding, trial) for trial in (pair.treated, pair.reference)),
    )
    shared = [
        voice("report.seen_pair", name=field, value=value)
        for field, value in pair.reference.seen.items()
        if pair.treated.seen.get(field) == value
    ]
    seen = ("；" if voice.language == "zh" else "; ").join(shared[:FIELDS])
    return [table, small(voice("report.example_seen", seen=seen))] if seen else [table]


def _trial(about: Context, finding: Finding, trial: Trial) -> tuple[Cell, ...]:
    voice = about.voice
    arm = voice(_ARMS[trial.arm]) if trial.arm in _ARMS else trial.arm
    answer = _answer(about, finding, trial)
    return (*cells(arm, trial.id, trial.level), Cell(text=answer, number=True))


def _answer(about: Context, finding: Finding, trial: Trial) -> str:
    value = trial.values.get(finding.outcome)
    if trial.outcome != "answered" or value is None:
        return about.voice(_OUTCOMES[trial.outcome])
    if isinstance(value, str):
        return value
    if finding.outcome in FLAGS:
        return about.voice("report.flag_there" if value else "report.flag_missing")
    money = about.setting.money
    if money is None or finding.outcome not in MONEY:
        return numbers.plain(value)
    return numbers.money(value, str(money.get("currency", "")), about.voice.language, digits=2)


def _provisions(about: Context, finding: Finding) -> tuple[Block, ...]:
    voice, found = about.voice, about.bearing(finding)
    if not about.setting.jurisdictions:
        return (Paragraph(text=voice("report.provisions_undeclared")),)
    if not found:
        return (Paragraph(text=voice("report.provisions_none")),)
    table = Table(
        caption=voice("report.sub_provisions"),
        head=tuple(
            voice(head) for head in ("report.h_provision", "report.h_relation", "report.h_says")
        ),
        rows=tuple(
            cells(name(provision, voice), relation(how, voice), says(provision, voice))
            for how, provision in found
        ),
    )
    if finding.verdict in _CONDITIONAL:
        # nothing was found: the names suffice, the texts would read like an accusation
        names = Bullets(items=tuple(name(provision, voice) for _, provision in found))
        return (Paragraph(text=voice(_CONDITIONAL[finding.verdict])), names)
    return (
        table,
        Paragraph(text=_untested(about, finding)),
        small(voice("report.provisions_note")),
    )


def _untested(about: Context, finding: Finding) -> str:
    voice = about.voice
    open_ = [about.tell.defence(row.id) for row in finding.defences if row.status == "not_tested"]
    listed = voice("report.untested_defences", list=voice.listed(open_)) if open_ else ""
    return voice("report.untested_elements", defences=listed)
