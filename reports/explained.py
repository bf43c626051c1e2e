"""Section 7: what a difference is made of, where it lives, and how well that is known."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from ..audit.record import (
    Agreement,
    Clause,
    Contribution,
    Counterfactual,
    Decomposition,
    Finding,
    Range,
    Subgroup,
    Surrogate,
)
from ..messages import numbers
from .clauses import NAME
from .context import Context, cells
from .model import Bar, Block, Bullets, Cell, FigureBlock, Group, Paragraph, ShareBars, Table
from .scrub import scrub
from .sizes import fraction, known, width

BARS = 5
"""Most bars of a chart; the rest is one bar."""
DRIVERS = 4
"""Most inputs of the surrogate that a sentence names."""
SLACK = 0.1
"""Shares of a gap are printed while none is further outside 0 to 1: beyond, parts cancel out."""
WORDS = 44
"""Most half-width characters of a bar's words."""
_RELATIONS = {"is": "explain.is", "at_most": "explain.at_most", "above": "explain.above"}


def flagged(about: Context) -> tuple[Finding, ...]:
    """Return the findings that are explained."""
    return about.of("established", "indicated")


def blocks(about: Context) -> tuple[Block, ...]:
    """Return section 7."""
    voice, found = about.voice, flagged(about)
    if not found:
        return (Paragraph(text=voice("committee.explained_none")),)
    made: list[Block] = [Paragraph(text=voice("committee.not_cause"), tone="small")]
    groups = [*_several(about, found), *(group for one in found for group in _own(about, one))]
    if not groups:
        return (*made, Paragraph(text=voice("committee.explained_missing")))
    return (*made, *groups, *_surrogates(about, found))


def of_kind(finding: Finding, scope: str) -> Decomposition | None:
    """Return the decomposition of a finding with this scope."""
    return next(
        (e for e in finding.explanations if e.kind == "decomposition" and e.scope == scope), None
    )


# ---------------------------------------------------------------------- what it is made of


def _several(about: Context, found: Sequence[Finding]) -> list[Group]:
    """Return the attributes that were changed together, once, with each finding's agreement."""
    voice = about.voice
    holders = [(one, made) for one in found if (made := of_kind(one, "attributes"))]
    if not holders:
        return []
    made = holders[0][1]
    ids = voice.listed(list(made.findings))
    notes = [_agreement(about, one, own.agreement) for one, own in holders]
    return [
        Group(
            title=voice("committee.several", ids=ids),
            blocks=(
                Paragraph(text=_gap(about, made, "committee.gap_several")),
                _figure(about, made, "together"),
                *_sentences(about, made, [note for note in notes if note]),
            ),
        )
    ]


def _own(about: Context, finding: Finding) -> list[Group]:
    made: list[Block] = []
    fields, single = of_kind(finding, "fields"), of_kind(finding, "single")
    if fields:
        made.append(Paragraph(text=_gap(about, fields, "committee.gap_fields")))
        made.append(_figure(about, fields, finding.id))
        made += _sentences(about, fields, [_agreement(about, finding, fields.agreement)])
    elif single:
        field = scrub(single.parts[0].name, NAME)
        percent = _percent(about, single.percent)
        made.append(
            Paragraph(text=about.voice("committee.gap_single", field=field, percent=percent))
        )
    made += [
        Paragraph(text=_who(about, one)) for one in finding.explanations if one.kind == "subgroup"
    ]
    title = f"{finding.id} {about.tell.question(finding)}"
    return [Group(title=title, blocks=tuple(made))] if made else []


def _gap(about: Context, made: Decomposition, message_id: str) -> str:
    voice = about.voice
    percent = made.percent
    digits = numbers.digits_for(width(percent))
    low, high = known(percent.low), known(percent.high)
    interval = (
        numbers.percent_range(low, high, voice.language, digits=digits)
        if low is not None and high is not None
        else voice("report.no_number")
    )
    money = _amount(about, made.money, made) if made.money else ""
    return voice(
        message_id,
        percent=_percent(about, percent),
        interval=interval,
        money=voice("report.money", money=money) if money else "",
        contexts=numbers.count(made.contexts),
        queries=numbers.count(made.queries),
    )


def _figure(about: Context, made: Decomposition, id_: str) -> FigureBlock:
    voice = about.voice
    bars = _bars(about, made)
    top = made.parts[0]
    amount = _part_amount(about, top, made)
    label = _label(about, top)
    return FigureBlock(
        id=f"{id_}-parts",
        title=voice("committee.bars_title", label=label, amount=amount),
        alt=voice(
            "committee.bars_alt",
            parts=voice.listed([bar.words for bar in bars]),
            gap=_whole(about, made),
        ),
        chart=ShareBars(
            bars=tuple(bars), legend=(voice("committee.dearer"), voice("committee.cheaper"))
        ),
        table=_table(about, made),
    )


def _bars(about: Context, made: Decomposition) -> list[Bar]:
    voice, parts = about.voice, list(made.parts)
    rest = parts[BARS - 1 :] if len(parts) > BARS else []
    shown = parts[: len(parts) - len(rest)]
    out = [
        Bar(
            words=_words(about, part, made),
            value=_value(part, made),
            low=known(_chosen(part, made).low),
            high=known(_chosen(part, made).high),
        )
        for part in shown
    ]
    if rest:
        total = sum(_value(part, made) for part in rest)
        name = voice("committee.others", n=str(len(rest)))
        amount = _written(about, total, made)
        out.append(Bar(words=voice("committee.bar", label=name, amount=amount), value=total))
    return out


def _words(about: Context, part: Contribution, made: Decomposition) -> str:
    amount = _part_amount(about, part, made)
    label = fitted(_label(about, part), WORDS - len(amount) - 3)
    return about.voice("committee.bar", label=label, amount=amount)


def fitted(text: str, most: int) -> str:
    """Return text of at most so many half-width characters; what is longer ends in ``…``.

    Examples
    --------
    >>> fitted("手机型号", 6), fitted("phone", 6)
    ('手机…', 'phone')
    """
    used = 0
    for place, character in enumerate(text):
        used += 2 if unicodedata.east_asian_width(character) in {"W", "F", "A"} else 1
        if used > most:
            kept = text[:place]
            while kept and _wide(kept) + 2 > most:
                kept = kept[:-1]
            return kept + "…"
    return text


def _wide(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in {"W", "F", "A"} else 1 for c in text)


def _label(about: Context, part: Contribution) -> str:
    return scrub(about.voice.of(part.label) or part.name, NAME)


def _chosen(part: Contribution, made: Decomposition) -> Range:
    return part.money if made.money and part.money else part.effect


def _value(part: Contribution, made: Decomposition) -> float:
    return _chosen(part, made).estimate or 0.0


def _written(about: Context, value: float, made: Decomposition) -> str:
    language = about.voice.language
    if made.money is None:
        return numbers.percent(100 * value, language, digits=2)
    digits = max(1, numbers.digits_for(width(made.money)))
    return numbers.money(value, made.money.currency, language, digits=digits)


def _part_amount(about: Context, part: Contribution, made: Decomposition) -> str:
    return _written(about, _value(part, made), made)


def _whole(about: Context, made: Decomposition) -> str:
    whole = made.money or made.gap
    return _written(about, whole.estimate or 0.0, made)


def _amount(about: Context, money: Range, made: Decomposition) -> str:
    digits = max(1, numbers.digits_for(width(made.money)))
    return numbers.money(
        money.estimate or 0.0, money.currency, about.voice.language, digits=digits, sentence=True
    )


def _table(about: Context, made: Decomposition) -> Table:
    voice = about.voice
    heads = (
        "committee.h_part",
        "committee.h_amount",
        "committee.h_of_gap",
        "committee.h_alone",
    )
    names = [voice(head) for head in heads]
    level = made.gap.level
    spread = (
        voice("report.h_interval")
        if level is None
        else voice("report.h_interval_at", level=fraction(level, voice))
    )
    return Table(
        caption=voice("committee.parts_table"),
        head=(*names[:2], spread, *names[2:]),
        rows=tuple(_row(about, part, made) for part in made.parts),
    )


def _row(about: Context, part: Contribution, made: Decomposition) -> tuple[Cell, ...]:
    share = (
        ""
        if part.share is None or not _plain(made)
        else numbers.percent(100 * part.share, about.voice.language, digits=0)
    )
    alone = _percent(about, part.alone) if part.alone else ""
    return (
        *cells(_label(about, part)),
        about.number(_part_amount(about, part, made)),
        about.number(_spread(about, part, made)),
        about.number(share),
        about.number(alone),
    )  # fmt: skip


def _plain(made: Decomposition) -> bool:
    shares = [part.share for part in made.parts if part.share is not None]
    return all(-SLACK <= share <= 1 + SLACK for share in shares)


def _spread(about: Context, part: Contribution, made: Decomposition) -> str:
    chosen = part.money if made.money and part.money else part.effect
    low, high = known(chosen.low), known(chosen.high)
    if low is None or high is None:
        return ""
    ends = (_written(about, low, made), _written(about, high, made))
    return about.voice("words.range", low=ends[0], high=ends[1])


def _sentences(about: Context, made: Decomposition, notes: Sequence[str]) -> list[Block]:
    said = [*_together(about, made), *_back(about, made.counterfactual), *notes]
    text = about.voice.joined([sentence for sentence in said if sentence])
    return [Paragraph(text=text)] if text else []


def _together(about: Context, made: Decomposition) -> list[str]:
    found = made.together
    if found is None or found.low is None or found.high is None or found.low <= 0 <= found.high:
        return []
    percent = numbers.percent(100 * (found.estimate or 0.0), about.voice.language, digits=1)
    return [about.voice("committee.together", percent=percent)]


def _back(about: Context, found: Counterfactual | None) -> list[str]:
    if found is None:
        return []
    voice = about.voice
    if found.remaining is None:
        return [voice("committee.back_all")]
    names = voice.listed([scrub(voice.of(label), NAME) for label in found.labels])
    return [voice("committee.back", names=names, left=_percent(about, found.remaining))]


def _agreement(about: Context, finding: Finding, found: Agreement | None) -> str:
    if found is None:
        return ""
    tested = _percent(about, found.tested)
    if found.agrees:
        return about.voice("committee.agrees", id=finding.id, tested=tested)
    return about.voice(
        "committee.disagrees",
        id=finding.id,
        label=about.tell.label(finding),
        explained=_percent(about, found.explained),
        tested=tested,
    )


def _percent(about: Context, found: Range) -> str:
    digits = max(1, numbers.digits_for(width(found)))
    return numbers.percent(known(found.estimate) or 0.0, about.voice.language, digits=digits)


def _spanned(about: Context, found: Range) -> str:
    low, high = known(found.low), known(found.high)
    if low is None or high is None:
        return _percent(about, found)
    digits = max(1, numbers.digits_for(width(found)))
    interval = numbers.percent_range(low, high, about.voice.language, digits=digits)
    return about.voice("report.value", size=_percent(about, found), interval=interval)


# ---------------------------------------------------------------------- where it lives


def _who(about: Context, one: Subgroup) -> str:
    voice = about.voice
    if not one.clauses:
        return voice("committee.who_nowhere")
    where = voice("explain.and").join(_clause(about, clause) for clause in one.clauses)
    if one.confirmed is None or one.inside is None or one.elsewhere is None:
        return voice("committee.who_unasked", where=where)
    part = numbers.percent(100 * (one.part_of_frame or 0.0), voice.language, digits=0)
    values = {
        "where": where,
        "inside": _spanned(about, one.inside),
        "elsewhere": _spanned(about, one.elsewhere),
        "blocks": numbers.count(one.blocks),
    }
    if one.confirmed:
        return voice("committee.who_confirmed", part=part, **values)
    return voice("committee.who_unconfirmed", **values)


def _clause(about: Context, clause: Clause) -> str:
    value = clause.value if isinstance(clause.value, str) else f"{clause.value:g}"
    label = scrub(about.voice.of(clause.label) or clause.name, NAME)
    return about.voice(_RELATIONS[clause.relation], label=label, value=scrub(value, NAME))


# ---------------------------------------------------------------------- the surrogate


def _surrogates(about: Context, found: Sequence[Finding]) -> list[Group]:
    """Return each surrogate once: findings of one probe share it."""
    held = [
        (finding, e) for finding in found for e in finding.explanations if e.kind == "surrogate"
    ]
    said = dict.fromkeys(_surrogate(about, one) for _, one in held)
    made: list[Block] = [Paragraph(text=text) for text in said]
    beside = [_beside(about, finding, one.agreement) for finding, one in held if one.agreement]
    made += [Bullets(items=tuple(beside))] if beside else []
    return [Group(title=about.voice("committee.surrogate"), blocks=tuple(made))] if made else []


def _beside(about: Context, finding: Finding, found: Agreement) -> str:
    voice = about.voice
    return voice(
        "committee.surrogate_beside",
        id=finding.id,
        label=about.tell.label(finding),
        explained=_percent(about, found.explained),
        tested=_percent(about, found.tested),
        state=voice("committee.same" if found.agrees else "committee.apart"),
    )


def _surrogate(about: Context, one: Surrogate) -> str:
    voice = about.voice
    if one.fidelity is None:
        return voice("committee.surrogate_none")
    fidelity = numbers.percent(100 * max(0.0, one.fidelity), voice.language, digits=0)
    floor = numbers.percent(100 * one.floor, voice.language, digits=0)
    if not one.drivers:
        return voice("committee.surrogate_poor", fidelity=fidelity, floor=floor)
    drivers = [
        voice(
            "committee.driver",
            label=scrub(voice.of(driver.label) or driver.name, NAME),
            percent=numbers.percent(driver.percent, voice.language, digits=1),
        )
        for driver in one.drivers[:DRIVERS]
    ]
    return voice(
        "committee.surrogate_good",
        fitted=numbers.count(one.fitted),
        held=numbers.count(one.held_out),
        fidelity=fidelity,
        floor=floor,
        drivers=voice.listed(drivers),
    )
