"""What a flagged difference is made of, drawn: a bar a part, its interval, its conclusion above."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .. import messages
from ..audit.record import Record
from ..errors import UsageError
from ..reports.explained import blocks
from ..reports.model import Block, FigureBlock, Group, ShareBars
from .show import about, cjk_font

TOGETHER = "together"
"""What names the figure of the attributes that were changed together."""
_LATIN = "DejaVu Sans"
"""The family that comes with matplotlib."""
_ADDS, _TAKES = "#8fb3d4", "none"


def plot(
    record: Record, finding: str | None = None, axes: Any = None, language: str | None = None
) -> Any:
    """Draw a decomposition of the report, and return the axes.

    Parameters
    ----------
    record : Record
    finding : str, optional
        The id of a finding whose own parts are drawn, or ``"together"`` for the attributes that
        were changed together. Default: the first figure of the report's section.
    axes : matplotlib axes, optional
    language : {"zh", "en"}, optional
        Chinese needs a font that has it; where none is installed the words are English.

    Raises
    ------
    UsageError
        If nothing, or not this finding, was taken apart.
    """
    import matplotlib.pyplot as plt

    font = cjk_font()
    chosen = language or messages.language()
    tell = about(record, chosen if chosen == "en" or font else "en")
    figure, chart = _found(_drawn(blocks(tell)), finding)
    if axes is None:
        size = (7, 1.2 + 0.5 * len(chart.bars))
        axes = plt.subplots(figsize=size, layout="constrained")[1]
    # a label of the vendor's may be Chinese in an English figure
    family = {"fontfamily": [_LATIN, font] if tell.voice.language == "en" else font} if font else {}
    for place, bar in enumerate(chart.bars):
        look = _ADDS if bar.value >= 0 else _TAKES
        axes.barh(place, bar.value, height=0.55, color=look, edgecolor="0.2", linewidth=1)
        if bar.low is not None and bar.high is not None:
            axes.plot([bar.low, bar.high], [place, place], color="0.2", linewidth=2)
    axes.axvline(0, color="0.2", linewidth=1)
    axes.set_yticks(range(len(chart.bars)), [bar.words for bar in chart.bars], **family)
    axes.set_ylim(len(chart.bars) - 0.5, -0.5)
    axes.set_title(figure.title, loc="left", fontsize="medium", **family)
    axes.set_xlabel(tell.voice.listed(list(chart.legend)), **family)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return axes


def _drawn(parts: Iterable[Block]) -> Iterator[tuple[FigureBlock, ShareBars]]:
    for part in parts:
        if isinstance(part, Group):
            yield from _drawn(part.blocks)
        elif isinstance(part, FigureBlock) and isinstance(part.chart, ShareBars):
            yield part, part.chart


def _found(
    drawn: Iterable[tuple[FigureBlock, ShareBars]], finding: str | None
) -> tuple[FigureBlock, ShareBars]:
    made = {figure.id.removesuffix("-parts"): (figure, chart) for figure, chart in drawn}
    if not made:
        raise UsageError("api.nothing_apart")
    if finding is None:
        return next(iter(made.values()))
    if finding not in made:
        raise UsageError("api.not_apart", finding=finding, known=", ".join(made))
    return made[finding]
