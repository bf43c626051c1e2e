"""Findings as text, as HTML without a script, and as a chart; words and numbers are the report's."""

from __future__ import annotations

from html import escape
from typing import Any

from .. import messages
from ..audit.record import Finding, Record
from ..messages import SYMBOLS, numbers
from ..reports.context import LABELS, Context, context
from ..reports.model import Block, Bullets, FigureBlock, Group, Paragraph
from ..reports.sizes import size, told, unit_of

MARKERS = {"established": "^", "cleared": "o", "indicated": "s", "inconclusive": "D"}
"""Shapes tell verdicts apart, as in the report; colour says nothing."""

CJK_FONTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei",
    "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback",
)  # fmt: skip

_TABLE = "border-collapse:collapse;font-size:13px;line-height:1.4"
_CELL = "border:1px solid #bbb;padding:4px 8px;text-align:left;vertical-align:top"


def about(record: Record, language: str | None = None) -> Context:
    """Return a record ready to be told of, every text from outside made harmless."""
    return context(record, (), language or messages.language(), None)


def text(record: Record, language: str | None = None) -> str:
    """Return a record in a few lines: a line a finding, then its sentences."""
    tell = about(record, language)
    lines = [_head(tell)]
    for finding in tell.primary:
        lines.append(f"{finding.id} {_verdict(tell, finding)} · {tell.tell.question(finding)}")
        lines += [f"    {sentence}" for sentence in tell.tell.sentences(finding)]
    return "\n".join([*lines, *_controls(tell)])


def html(record: Record, language: str | None = None) -> str:
    """Return a record as an HTML table: no script, no outside request."""
    tell = about(record, language)
    heads = ("api.h_verdict", "api.h_question", "api.h_effect", "api.h_money", "api.h_asked")
    row = "".join(f'<th style="{_CELL}">{escape(tell.voice(head))}</th>' for head in heads)
    rows = "".join(_row(tell, finding) for finding in tell.primary)
    notes = "".join(f"<div>{escape(line)}</div>" for line in _controls(tell))
    return (
        f'<div lang="{tell.voice.language}"><p>{escape(_head(tell))}</p>'
        f'<table style="{_TABLE}"><thead><tr>{row}</tr></thead><tbody>{rows}</tbody></table>'
        f"{notes}</div>"
    )


def _head(tell: Context) -> str:
    content = tell.content
    return tell.voice(
        "api.head",
        title=tell.voice.of(content.setting.title),
        queries=numbers.count(content.counts.planned),
        hypotheses=len(tell.primary),
    )


def _verdict(tell: Context, finding: Finding) -> str:
    return f"{SYMBOLS[finding.verdict]} {tell.voice(LABELS[finding.verdict])}"


def _controls(tell: Context) -> list[str]:
    failed = [control for control in tell.content.controls if not control.passed]
    if not failed:
        return [tell.voice("api.controls_passed", count=len(tell.content.controls))]
    return [f"✗ {tell.voice.of(control.statement)}" for control in failed]


def _row(tell: Context, finding: Finding) -> str:
    written = size(finding, tell.voice)
    dash = tell.voice("report.dash")
    cells = [
        f"{finding.id} {_verdict(tell, finding)}",
        tell.tell.question(finding),
        tell.voice("report.value", size=written.value, interval=written.interval)
        if written
        else dash,
        written.money if written and written.money else dash,
        tell.voice("api.asked", blocks=numbers.count(finding.n)),
    ]
    told = escape(tell.voice.joined(tell.tell.sentences(finding)))
    row = "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in cells)
    return f'<tr>{row}</tr><tr><td colspan="{len(cells)}" style="{_CELL}">{told}</td></tr>'


def explained(record: Record, language: str | None = None) -> list[str]:
    """Return what a flagged difference is made of and who is hit, as the report says it."""
    from ..reports.explained import blocks

    return [line for block in blocks(about(record, language)) for line in _lines(block)]


def _lines(block: Block) -> list[str]:
    if isinstance(block, Group):
        return [block.title, *(f"    {line}" for one in block.blocks for line in _lines(one))]
    if isinstance(block, Paragraph):
        return [block.text]
    if isinstance(block, FigureBlock):
        return [block.alt]
    return list(block.items) if isinstance(block, Bullets) else []


def plot(record: Record, axes: Any = None, language: str | None = None) -> Any:
    """Draw each finding with its interval against the limit, and return the axes."""
    import matplotlib.pyplot as plt

    font = cjk_font()
    chosen = language or messages.language()
    tell = about(record, chosen if chosen == "en" or font else "en")
    found = [one for one in tell.primary if _measured(one)]
    if axes is None:
        height = 1.2 + 0.55 * max(1, len(found))
        axes = plt.subplots(figsize=(7, height), layout="constrained")[1]
    family = {"fontfamily": font} if tell.voice.language == "zh" else {}
    for place, finding in enumerate(found):
        _draw(axes, finding, place)
    axes.axvline(0, color="0.3", linewidth=1)
    names = [f"{one.id} {tell.tell.label(one)}: {_level(tell, one)}" for one in found]
    axes.set_yticks(range(len(found)), names, **family)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel(tell.voice("api.axis", unit=unit_of(found, tell.voice)), **family)
    axes.set_title(_conclusion(tell), loc="left", fontsize="medium", **family)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return axes


def _draw(axes: Any, finding: Finding, place: int) -> None:
    effect = told(finding)
    if effect is None or effect.estimate is None:
        return
    if finding.limits is not None:
        limit = 100 * finding.limits.ratio
        ends = ([-limit, limit], [place - 0.35] * 2, [place + 0.35] * 2)
        axes.fill_between(*ends, color="0.88", linewidth=0)
    if effect.low is not None and effect.high is not None:
        axes.plot([effect.low, effect.high], [place, place], color="#1f4e79", linewidth=2)
    marker = MARKERS[finding.verdict]
    axes.plot([effect.estimate], [place], marker=marker, color="#1f4e79", markersize=8)


def _measured(finding: Finding) -> bool:
    effect = told(finding)
    return effect is not None and effect.estimate is not None


def _level(tell: Context, finding: Finding) -> str:
    return tell.voice.of(finding.level_label, finding.level)


def _conclusion(tell: Context) -> str:
    """Return what the chart shows: its one claim, or how many findings are beyond their limit."""
    if len(tell.primary) == 1:
        return tell.tell.claim(tell.primary[0])
    beyond = sum(finding.verdict == "established" for finding in tell.primary)
    gaps = {tell.tell.say.gap(finding) for finding in tell.primary}
    gap = gaps.pop() if len(gaps) == 1 else tell.voice("measures.gap_other")
    return tell.voice("report.forest_beyond", n=str(len(tell.primary)), beyond=str(beyond), gap=gap)


def cjk_font() -> str | None:
    """Return a family that has Chinese letters; None where matplotlib knows of none."""
    from matplotlib import font_manager

    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in known), None)
