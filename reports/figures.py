"""Charts as inline SVG with real text: no script, no font, the same bytes for the same numbers.

Each is 360 units wide, the width of a small phone, so that its text is never set smaller than the
text around it. Shapes and words carry the meaning; the one colour only repeats it. What most marks
share stands once, on the drawing: outlined, in the colour of the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape

from ..audit.record import Verdict
from ..messages import numbers
from .model import Bar, Chart, Dot, FigureBlock, FlowChart, IconArray, IntervalChart, ShareBars

WIDTH = 360.0
_LEFT, _RIGHT = 14.0, 346.0
_ACCENT = 'class="accent" fill="#1f4e79" stroke="none"'
_BOLD = ' font-weight="600"'
_MEDIUM = ' stroke-width="1.5"'
_THICK = ' stroke-width="2"'
_TICKS = 6


def svg(figure: FigureBlock, *, families: str = "") -> str:
    """Return the chart of a figure as an SVG element.

    Parameters
    ----------
    figure : FigureBlock
        Its title becomes ``<title>``, its `alt` becomes ``<desc>`` and ``aria-label``.
    families : str
        Fonts, where no style sheet names them.
    """
    sheet = _draw(figure.chart)
    alt = escape(figure.alt)
    fonts = f' font-family="{escape(families)}"' if families else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(WIDTH)} {_n(sheet.height)}" '
        f'role="img" aria-label="{alt}" font-size="14" fill="none" stroke="currentColor"{fonts}>'
        f"<title>{escape(figure.title)}</title><desc>{alt}</desc>{''.join(sheet.marks)}"
        f'<g fill="currentColor" stroke="none" text-anchor="middle">{"".join(sheet.words)}</g></svg>'
    )


def _draw(chart: Chart) -> _Sheet:
    if isinstance(chart, IntervalChart):
        return _intervals(chart)
    if isinstance(chart, ShareBars):
        return _bars(chart)
    if isinstance(chart, IconArray):
        return _icons(chart)
    return _flow(chart)


@dataclass(slots=True)
class _Sheet:
    """A drawing in the making; words lie above marks."""

    marks: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    height: float = 0.0

    def line(self, x1: float, y1: float, x2: float, y2: float, extra: str = "") -> None:
        d = f"H{_n(x2)}" if y1 == y2 else f"V{_n(y2)}" if x1 == x2 else f"L{_n(x2)} {_n(y2)}"
        self.path(f"M{_n(x1)} {_n(y1)}{d}", extra)

    def path(self, d: str, extra: str = "") -> None:
        self.marks.append(f'<path d="{d}"{extra}/>')

    def box(self, x: float, y: float, width: float, height: float, extra: str = "") -> None:
        size = f'width="{_n(width)}" height="{_n(height)}"'
        self.marks.append(f'<rect x="{_n(x)}" y="{_n(y)}" {size}{extra}/>')

    def text(self, x: float, y: float, text: str, extra: str = "") -> None:
        """Write words around `x`."""
        self.words.append(f'<text x="{_n(x)}" y="{_n(y)}"{extra}>{escape(text)}</text>')

    def begin(self, x: float, y: float, text: str, extra: str = "") -> None:
        """Write words that begin at `x`."""
        self.text(x, y, text, f' text-anchor="start"{extra}')


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0" if abs(value) < 0.05 else "-0")  # noqa: PLR2004 - one decimal


# ---------------------------------------------------------------------- dot and interval


def _intervals(chart: IntervalChart) -> _Sheet:
    low, high = _span(chart.dots)
    sheet, step = _Sheet(), 50.0
    for row, dot in enumerate(chart.dots):
        _dot(sheet, dot, step * row, _scale(low, high))
    bottom = step * len(chart.dots) + 2
    _axis(sheet, low, high, bottom)
    height = bottom + 36
    sheet.text(WIDTH / 2, height, chart.percent_axis)
    if chart.money is not None:
        _axis(sheet, low * chart.money, high * chart.money, height + 14)
        height += 50
        sheet.text(WIDTH / 2, height, chart.money_axis)
    sheet.height = height + 8
    return sheet


def _span(dots: Iterable[Dot]) -> tuple[float, float]:
    ends = [0.0]
    for dot in dots:
        ends += [dot.low, dot.high, dot.estimate]
        ends += [limit for limit in (dot.limit_low, dot.limit_high) if limit is not None]
    low, high = min(ends), max(ends)
    pad = 0.06 * (high - low) or 1.0
    return low - pad, high + pad


def _scale(low: float, high: float) -> Callable[[float], float]:
    return lambda value: _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)


def _dot(sheet: _Sheet, dot: Dot, y: float, scale: Callable[[float], float]) -> None:
    line = y + 32
    up, down = line - 11, line + 11
    # the words stand in the gap between two tracks, so that no line crosses them
    sheet.begin(_LEFT, y + 15, f"{dot.label} {dot.value}".strip(), _BOLD)
    if dot.limit_low is not None and dot.limit_high is not None:
        left, right = scale(dot.limit_low), scale(dot.limit_high)
        grey = ' fill="currentColor" fill-opacity="0.08" stroke="none"'
        sheet.box(left, up, right - left, down - up, grey)
        for x in (left, right):
            sheet.line(x, up, x, down, ' stroke-dasharray="3 2"')
    sheet.line(scale(0.0), up, scale(0.0), down, _MEDIUM)
    left, right = scale(dot.low), scale(dot.high)
    ends = "".join(f"M{_n(x)} {_n(line - 5)}v10" for x in (left, right))
    sheet.path(f"M{_n(left)} {_n(line)}H{_n(right)}{ends}", _THICK)
    sheet.marks.append(_shape(dot.verdict, scale(dot.estimate), line))


def _shape(verdict: Verdict, x: float, y: float) -> str:
    if verdict == "cleared":
        return f'<circle cx="{_n(x)}" cy="{_n(y)}" r="6" {_ACCENT}/>'
    corners = {
        "established": ((0, -7), (7, 6), (-7, 6)),
        "indicated": ((-6, -6), (6, -6), (6, 6), (-6, 6)),
        "inconclusive": ((0, -8), (7, 0), (0, 8), (-7, 0)),
    }[verdict]
    points = " ".join(f"{_n(x + dx)},{_n(y + dy)}" for dx, dy in corners)
    return f'<polygon points="{points}" {_ACCENT}/>'


def _axis(sheet: _Sheet, low: float, high: float, y: float) -> None:
    step, scale = _step(low, high), _scale(low, high)
    ticks = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    marks = "".join(f"M{_n(scale(tick))} {_n(y)}v4" for tick in ticks)
    sheet.path(f"M{_n(_LEFT)} {_n(y)}H{_n(_RIGHT)}{marks}")
    for tick in ticks:
        sheet.text(scale(tick), y + 17, _tick(tick, step))


def _step(low: float, high: float) -> float:
    """Return a round step that gives at most six ticks.

    Examples
    --------
    >>> _step(-1.2, 3.8), _step(0.0, 70.0)
    (1.0, 20.0)
    """
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1.0, 2.0, 5.0, 10.0) if power * m >= rough * (1 - 1e-9))


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _tick(value: float, step: float) -> str:
    return numbers.decimal(value, _decimals(step))


# ---------------------------------------------------------------------- a hundred icons


def _icons(chart: IconArray) -> _Sheet:
    kinds = ["up"] * chart.up + ["down"] * chart.down + ["either"] * chart.either
    kinds = (kinds + ["rest"] * 100)[:100]
    pitch, across = 16.6, 20
    paths: dict[str, list[str]] = {}
    for place, kind in enumerate(kinds):
        x = _LEFT + pitch * (place % across + 0.5)
        y = 12 + pitch * (place // across)
        paths.setdefault(kind, []).append(_icon(kind, x, y))
    y = 12 + pitch * 5 + 6
    sheet = _Sheet()
    for kind, words in chart.legend:
        paths.setdefault(kind, []).append(_icon(kind, _LEFT + pitch / 2, y))
        sheet.begin(36, y + 4.5, words)
        y += 20
    for kind, icons in paths.items():
        sheet.path("".join(icons), _DOTS if kind == "rest" else f" {_ACCENT}")
    sheet.height = y - 4
    return sheet


_DOTS = ' stroke-width="4.5" stroke-linecap="round"'


def _icon(kind: str, x: float, y: float) -> str:
    if kind == "up":
        return f"M{_n(x)} {_n(y - 6)}l6 11h-12z"
    if kind == "down":
        return f"M{_n(x)} {_n(y + 6)}l6-11h-12z"
    if kind == "either":
        return f"M{_n(x - 5)} {_n(y - 5)}h10v10h-10z"
    return f"M{_n(x)} {_n(y)}h.01"  # hardly a line: its round ends are a dot


# ---------------------------------------------------------------------- shares of a gap


def _bars(chart: ShareBars) -> _Sheet:
    ends = [0.0, *(bar.value for bar in chart.bars)]
    low, high = min(ends), max(ends)
    scale = _scale(low, high if high > low else low + 1.0)
    sheet = _Sheet()
    for row, bar in enumerate(chart.bars):
        _bar(sheet, bar, 44.0 * row, scale)
    bottom = 44.0 * len(chart.bars) + 6
    if low < 0 < high:
        for x, look, words in ((_LEFT, _ACCENT, chart.legend[0]), (WIDTH / 2, "", chart.legend[1])):
            sheet.box(x, bottom + 3, 14, 11, f" {look}" if look else _MEDIUM)
            sheet.begin(x + 20, bottom + 13, words)
        bottom += 20
    sheet.height = bottom + 4
    return sheet


def _bar(sheet: _Sheet, bar: Bar, y: float, scale: Callable[[float], float]) -> None:
    left, right = sorted((scale(0.0), scale(bar.value)))
    sheet.begin(_LEFT, y + 14, bar.words)
    look = f" {_ACCENT}" if bar.value >= 0 else _MEDIUM
    sheet.box(left, y + 20, max(right - left, 1.0), 16, look)
    sheet.line(scale(0.0), y + 17, scale(0.0), y + 39, _MEDIUM)


# ---------------------------------------------------------------------- the flow of trials


def _flow(chart: FlowChart) -> _Sheet:
    n = len(chart.middle)
    gap = 10.0
    box = (WIDTH - 2 - gap * (n - 1)) / n
    centres = [1 + box / 2 + (box + gap) * place for place in range(n)]
    sheet = _Sheet(height=191)
    _station(sheet, WIDTH / 2, 1, 170, chart.first)
    sheet.line(WIDTH / 2, 49, WIDTH / 2, 60)
    sheet.line(centres[0], 60, centres[-1], 60)
    for centre, words in zip(centres, chart.middle, strict=True):
        sheet.line(centre, 60, centre, 71)
        _station(sheet, centre, 71, box, words)
    sheet.line(centres[0], 119, centres[0], 141)
    _station(sheet, max(centres[0], 87), 141, 170, chart.last)
    return sheet


def _station(sheet: _Sheet, centre: float, y: float, width: float, words: tuple[str, str]) -> None:
    name, value = words
    sheet.box(centre - width / 2, y, width, 48, ' rx="3"')
    sheet.text(centre, y + 19, name)
    sheet.text(centre, y + 39, value, f'{_BOLD} font-size="16"')
