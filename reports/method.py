"""Sections 3, 4 and 9: what was audited, how it was asked, and what may be wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..audit.record import AttributeNote, Finding
from ..messages import numbers
from ..messages.terms import term
from . import charts
from .context import Context, cells, marked, small
from .measures import PRICE, measure
from .model import Block, Bullets, Cell, Fact, Facts, Group, Paragraph, Table
from .sizes import at_most, fraction, tolerance
from .summary import CONTROLS

ROLES = {
    "ability_to_pay": "words.role_ability_to_pay",
    "preference": "words.role_preference",
    "habit": "words.role_habit",
    "protected": "words.role_protected",
    "private": "words.role_private",
    "condition": "words.role_condition",
}
_AUTHORISATION = {
    "kind": "report.auth_kind",
    "by": "report.auth_by",
    "reference": "report.auth_reference",
    "file": "report.auth_file",
    "valid": "report.auth_valid",
    "hosts": "report.auth_hosts",
    "hours": "report.auth_hours",
    "max": "report.auth_max",
}
_BASIS = {
    "order": "report.kind_order",
    "consent": "report.kind_consent",
    "contract": "report.kind_contract",
    "own-system": "report.kind_own_system",
    "consumer": "report.kind_consumer",
}
_LOAD = {
    "requests_per_second_asked": "report.load_asked",
    "requests_per_second_reached": "report.load_reached",
    "latency_before": "report.load_latency_before",
    "latency_median": "report.load_latency",
    "latency_longest": "report.load_latency_longest",
    "calls_answered": "report.load_calls",
}
_SOURCES = {"fresh": "report.identities_fresh", "pool": "report.identities_pool"}
_DIRECTIONS = {
    ("any", True): "report.direction_any",
    ("harm", True): "report.direction_harm",
    ("any", False): "report.direction_either",
    ("harm", False): "report.direction_worse",
}
"""Which differences count, of a price and of anything else."""
_SCALES = ((0.5, "report.h_half"), (1.0, "report.h_one"), (2.0, "report.h_two"))


def system(about: Context) -> tuple[Block, ...]:
    """Return section 3: the system, the permission, the load."""
    voice, setting = about.voice, about.setting
    target = setting.target
    facts = (
        about.fact("report.kind", str(target.get("kind", "")), code=True),
        about.fact("report.address", str(target.get("address", "")), code=True),
        about.fact("report.batch", _plain(target.get("batch", ""))),
        about.fact("report.identities", _identities(about)),
        about.fact("report.personas", numbers.count(setting.personas)),
        about.fact("report.items_in_frame", numbers.count(setting.items)),
        about.fact("report.price_is", _price(about)),
    )
    return (
        Group(title=voice("report.sub_system"), blocks=(Facts(facts=facts),)),
        Group(title=voice("report.sub_authorisation"), blocks=(_authorisation(about),)),
        Group(title=voice("report.sub_load"), blocks=(_load(about),)),
    )


def _identities(about: Context) -> str:
    source = about.setting.identities
    return about.voice(_SOURCES[source]) if source in _SOURCES else source


def _price(about: Context) -> str:
    money = about.setting.money
    if not money:
        return about.voice("report.no_money")
    language = about.voice.language
    includes = [term(str(part), language) for part in money.get("includes") or ()]
    values = {
        name: term(str(money.get(name, "")), language) for name in ("currency", "unit", "per")
    }
    if not includes:
        return about.voice("report.price_terms_bare", **values)
    return about.voice("report.price_terms", **values, includes=about.voice.listed(includes))


def _authorisation(about: Context) -> Block:
    given = about.setting.authorisation
    if not given:
        return Paragraph(text=about.voice("report.no_authorisation"))
    facts = []
    for key, value in given.items():
        shown = about.voice(_BASIS[value]) if key == "kind" and value in _BASIS else _plain(value)
        if shown:
            name = about.voice(_AUTHORISATION[key]) if key in _AUTHORISATION else key
            facts.append(Fact(name=name, value=shown))
    return Facts(facts=tuple(facts))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        parts = ((key, _plain(entry)) for key, entry in value.items())
        return ", ".join(f"{key} {entry}" for key, entry in parts if entry)
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(entry) for entry in value)
    return str(value)


def _load(about: Context) -> Facts:
    facts = [about.fact("report.attempts", numbers.count(about.run.attempts))]
    for key, value in about.run.load.items():
        name = about.voice(_LOAD[key]) if key in _LOAD else key
        facts.append(Fact(name=name, value=_three_figures(value)))
    return Facts(facts=tuple(facts))


def _three_figures(value: float) -> str:
    if value == int(value):
        return numbers.count(value)
    return numbers.decimal(value, min(4, max(0, 2 - math.floor(math.log10(abs(value))))))


def asked(about: Context) -> tuple[Block, ...]:
    """Return section 4: the locked plan, who was compared, limits, flow, controls."""
    voice = about.voice
    locked = voice(
        "report.locked",
        hash=about.content.lock_sha256[:12],
        seed=str(about.setting.seed),
        budget=numbers.count(about.setting.budget),
        waves=numbers.count(len(about.content.waves)),
    )
    return (
        Paragraph(text=locked),
        Paragraph(text=voice("report.how_pairs")),
        Group(title=voice("report.sub_treatments"), blocks=(_treatments(about),)),
        Group(title=voice("report.sub_conditions"), blocks=(_conditions(about),)),
        Group(title=voice("report.sub_limits"), blocks=_limits(about)),
        Group(title=voice("report.sub_flow"), blocks=(charts.flow(about),)),
        Group(title=voice("report.sub_controls"), blocks=(_controls(about),)),
        Group(title=voice("report.sub_smallest"), blocks=(_smallest(about),)),
    )


def _named(about: Context, note: AttributeNote) -> Cell:
    label = about.voice.of(note.label)
    return Cell(text=label if label == note.name or not label else f"{label} ({note.name})")


def _treatments(about: Context) -> Table:
    voice = about.voice
    heads = (
        "report.h_attribute",
        "report.h_role",
        "report.h_reference",
        "report.h_levels",
        "report.h_cues",
        "report.h_because",
        "report.h_carried",
    )
    rows = tuple(
        (
            _named(about, note),
            Cell(text=voice(ROLES[note.role]) if note.role in ROLES else note.role),
            *cells(
                note.reference or voice("report.dash"),
                voice.listed(_treated(note)),
                voice.listed([cue for cue in note.cues if cue]) or voice("report.dash"),
                voice.of(note.because, voice("report.dash")),
                voice("report.yes") if note.carried else voice("report.no"),
            ),
        )
        for note in about.setting.attributes
        if note.role != "condition"
    )
    return Table(
        caption=voice("report.sub_treatments"),
        head=tuple(voice(head) for head in heads),
        rows=rows,
        wide=True,
    )


def _treated(note: AttributeNote) -> list[str]:
    return [level for level in note.levels if level != note.reference]


def _conditions(about: Context) -> Block:
    voice = about.voice
    rows = tuple(
        (
            _named(about, note),
            *cells(
                voice.listed(list(note.levels)) or voice("report.dash"),
                voice("report.yes") if note.carried else voice("report.no"),
            ),
        )
        for note in about.setting.attributes
        if note.role == "condition"
    )
    if not rows:
        return Paragraph(text=voice("report.no_conditions"))
    heads = ("report.h_attribute", "report.h_values", "report.h_carried")
    return Table(
        caption=voice("report.sub_conditions"),
        head=tuple(voice(head) for head in heads),
        rows=rows,
    )


def _limits(about: Context) -> tuple[Block, ...]:
    voice = about.voice
    rows = tuple(_limit_row(about, finding) for finding in about.content.findings if finding.limits)
    if not rows:
        return (Paragraph(text=voice("report.no_limits")),)
    heads = (
        "report.h_id",
        "report.h_mean_limit",
        "report.h_share_limit",
        "report.h_beyond",
        "report.h_direction",
        "report.h_because",
    )
    table = Table(
        caption=voice("report.sub_limits"), head=tuple(voice(head) for head in heads), rows=rows
    )
    return (table, small(voice("report.limits_note")))


def _limit_row(about: Context, finding: Finding) -> tuple[Cell, ...]:
    limits = finding.limits
    if limits is None:
        return ()
    voice = about.voice
    flips = finding.effect.unit == "rate"  # an answer changes or does not
    return (
        Cell(text=finding.id, link=finding.id),
        about.number(tolerance(finding, limits.ratio, voice)),
        about.number(fraction(limits.share, voice)),
        about.number("" if flips else tolerance(finding, limits.beyond, voice)),
        Cell(text=voice(_DIRECTIONS[limits.direction, measure(finding) == PRICE])),
        Cell(text=voice.of(limits.because)),
    )


def _controls(about: Context) -> Block:
    voice = about.voice
    rows = tuple(
        cells(
            voice(CONTROLS[control.kind]),
            marked("✓", voice("words.passed"))
            if control.passed
            else marked("✗", voice("words.failed_check")),
            voice.of(control.statement),
        )
        for control in about.content.controls
    )
    if not rows:
        return Paragraph(text=voice("report.no_controls"))
    heads = ("report.h_control", "report.h_result", "report.h_statement")
    return Table(
        caption=voice("report.sub_controls"), head=tuple(voice(head) for head in heads), rows=rows
    )


def smallest(about: Context, finding: Finding) -> str:
    """Return the smallest mean gap that would be settled; “not measured” where it is unknown."""
    value = finding.smallest_detectable
    if value is None:
        return about.voice("report.no_number")
    return at_most(100 * value, finding.effect.unit, about.voice.language)


def _smallest(about: Context) -> Table:
    voice = about.voice
    heads = ("report.h_id", "report.h_question", "report.h_n", "report.h_smallest")
    return Table(
        caption=voice("report.sub_smallest"),
        head=tuple(voice(head) for head in heads),
        rows=tuple(
            (
                Cell(text=finding.id, link=finding.id),
                Cell(text=about.tell.question(finding)),
                about.counted(finding.n),
                about.number(smallest(about, finding)),
            )
            for finding in about.primary
        ),
    )


def limits(about: Context) -> tuple[Block, ...]:
    """Return section 9: promises, other limits, what would change the result, errors, earlier runs."""
    voice, setting, counts = about.voice, about.setting, about.content.counts
    k = str(setting.hypotheses)
    promises = tuple(
        voice(message_id, k=k, alpha=fraction(level, voice))
        for message_id, level in (
            ("report.promise_accuse", setting.alpha),
            ("report.promise_clear", setting.alpha_clear),
        )
    )
    lost = {"refused": numbers.count(counts.refused), "failed": numbers.count(counts.failed)}
    changes = (
        voice("report.change_frame"),
        voice("report.change_cue"),
        voice("report.change_known"),
        voice("report.change_lost", **lost),
    )
    made: list[Block] = [
        Group(title=voice("report.sub_promises"), blocks=(Bullets(items=promises),)),
    ]
    scaled = _scaled(about)
    if scaled:
        note = Paragraph(text=voice("report.scaled_note"))
        made.append(Group(title=voice("report.sub_scaled"), blocks=(note, scaled)))
    made.append(Group(title=voice("report.sub_changes"), blocks=(Bullets(items=changes),)))
    return (*made, _own_error(about), _earlier(about))


def _own_error(about: Context) -> Group:
    """Return how often the audit itself accuses whom it should not, as its own twins showed."""
    voice = about.voice
    told = [voice.of(one.statement) for one in about.content.controls if one.kind == "twins"]
    text = voice.joined(told) if told else voice("report.own_error_unknown")
    return Group(
        title=voice("report.sub_own_error"),
        blocks=(Paragraph(text=text), small(voice("report.own_error_note"))),
    )


def _earlier(about: Context) -> Group:
    voice, earlier = about.voice, about.run.supersedes
    text = voice("report.earlier_is", hash=earlier) if earlier else voice("report.earlier_none")
    return Group(title=voice("report.sub_earlier"), blocks=(Paragraph(text=text),))


def _scaled(about: Context) -> Table | None:
    voice = about.voice
    rows = tuple(
        (Cell(text=finding.id, link=finding.id), *_at_scales(about, finding))
        for finding in about.primary
        if finding.at_limits
    )
    if not rows:
        return None
    heads = (voice("report.h_id"), *(voice(head) for _, head in _SCALES))
    return Table(caption=voice("report.sub_scaled"), head=heads, rows=rows)


def _at_scales(about: Context, finding: Finding) -> list[Cell]:
    known = {at.scale: at.verdict for at in finding.at_limits}
    return [
        about.verdict_cell(known[scale])
        if scale in known
        else Cell(text=about.voice("report.dash"))
        for scale, _ in _SCALES
    ]
