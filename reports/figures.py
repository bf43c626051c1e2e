"""Charts as inline SVG with real text: no script, no font, the same bytes for the same numbers.

Each is 360 units wide, the width of a small phone, so that its text is never set smaller than the
text around it. Shapes and words carry the meaning; the one colour only repeats it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from html import escape

from ..audit.record import Verdict
from ..messages import numbers
from .model import Bar, Chart, Dot, FigureBlock, FlowChart, IconArray, IntervalChart, ShareBars

WIDTH = 360.0
_LEFT, _RIGHT = 14.0, 346.0
_INK = 'fill="currentColor"'
_LINE = 'stroke="currentColor" fill="none"'
_ACCENT = 'class="accent" fill="#1f4e79"'
_OUTLINE = 'fill="none" stroke="currentColor" stroke-width="1.5"'
_BOLD = ' font-weight="600"'
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
    body, height = _draw(figure.chart)
    alt = escape(figure.alt)
    fonts = f' font-family="{escape(families)}"' if families else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(WIDTH)} {_n(height)}" '
        f'role="img" aria-label="{alt}" font-size="14"{fonts}>'
        f"<title>{escape(figure.title)}</title><desc>{alt}</desc>{body}</svg>"
    )


def _draw(chart: Chart) -> tuple[str, float]:
    if isinstance(chart, IntervalChart):
        return _intervals(chart)
    if isinstance(chart, ShareBars):
        return _bars(chart)
    if isinstance(chart, IconArray):
        return _icons(chart)
    return _flow(chart)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace("-0", "0" if abs(value) < 0.05 else "-0")  # noqa: PLR2004 - one decimal


def _text(x: float, y: float, text: str, anchor: str = "middle", extra: str = "") -> str:
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" {_INK}{extra}>{escape(text)}</text>'
    )


def _rule(x1: float, y1: float, x2: float, y2: float, extra: str = "") -> str:
    ends = f'x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"'
    return f"<line {ends} {_LINE}{extra}/>"


# ---------------------------------------------------------------------- dot and interval


def _intervals(chart: IntervalChart) -> tuple[str, float]:
    low, high = _span(chart.dots)
    scale = _scale(low, high)
    step = 50.0
    parts: list[str] = []
    for row, dot in enumerate(chart.dots):
        parts += _dot(dot, step * row, scale)
    bottom = step * len(chart.dots) + 2
    parts += _axis(low, high, scale, bottom)
    height = bottom + 36
    parts.append(_text(WIDTH / 2, height, chart.percent_axis))
    if chart.money is not None:
        height += 14
        parts += _axis(
            low * chart.money,
            high * chart.money,
            _scale(low * chart.money, high * chart.money),
            height,
        )
        height += 36
        parts.append(_text(WIDTH / 2, height, chart.money_axis))
    return "".join(parts), height + 8


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


def _dot(dot: Dot, y: float, scale: Callable[[float], float]) -> list[str]:
    line = y + 32
    up, down = line - 11, line + 11
    # the words stand in the gap between two tracks, so that no line crosses them
    parts = [_text(_LEFT, y + 15, f"{dot.label} {dot.value}".strip(), "start", _BOLD)]
    if dot.limit_low is not None and dot.limit_high is not None:
        left, right = scale(dot.limit_low), scale(dot.limit_high)
        parts.append(
            f'<rect x="{_n(left)}" y="{_n(up)}" width="{_n(right - left)}" '
            f'height="{_n(down - up)}" {_INK} fill-opacity="0.08"/>'
        )
        parts += [_rule(x, up, x, down, ' stroke-dasharray="3 2"') for x in (left, right)]
    parts.append(_rule(scale(0.0), up, scale(0.0), down, ' stroke-width="1.5"'))
    left, right = scale(dot.low), scale(dot.high)
    parts.append(_rule(left, line, right, line, _THICK))
    parts += [_rule(x, line - 5, x, line + 5, _THICK) for x in (left, right)]
    return [*parts, _shape(dot.verdict, scale(dot.estimate), line)]


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


def _axis(
    low: float,
    high: float,
    scale: Callable[[float], float],
    y: float,
) -> list[str]:
    step = _step(low, high)
    parts = [_rule(_LEFT, y, _RIGHT, y)]
    for index in range(math.ceil(low / step), math.floor(high / step) + 1):
        x = scale(index * step)
        parts += [_rule(x, y, x, y + 4), _text(x, y + 17, _tick(index * step, step))]
    return parts


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


def _icons(chart: IconArray) -> tuple[str, float]:
    kinds = ["up"] * chart.up + ["down"] * chart.down + ["either"] * chart.either
    kinds = (kinds + ["rest"] * 100)[:100]
    pitch, across = 16.6, 20
    paths: dict[str, list[str]] = {}
    for place, kind in enumerate(kinds):
        x = _LEFT + pitch * (place % across + 0.5)
        y = 12 + pitch * (place // across)
        paths.setdefault(kind, []).append(_icon(kind, x, y))
    parts = [_path(kind, "".join(marks)) for kind, marks in paths.items()]
    y = 12 + pitch * 5 + 6
    for kind, words in chart.legend:
        parts += [
            _path(kind, _icon(kind, _LEFT + pitch / 2, y)),
            _text(36, y + 4.5, words, "start"),
        ]
        y += 20
    return "".join(parts), y - 4


def _path(kind: str, d: str) -> str:
    return f'<path d="{d}" {_LINE}/>' if kind == "rest" else f'<path d="{d}" {_ACCENT}/>'


def _icon(kind: str, x: float, y: float) -> str:
    if kind == "up":
        return f"M{_n(x)} {_n(y - 6)}l6 11h-12z"
    if kind == "down":
        return f"M{_n(x)} {_n(y + 6)}l6 -11h-12z"
    if kind == "either":
        return f"M{_n(x - 5)} {_n(y - 5)}h10v10h-10z"
    return f"M{_n(x - 3)} {_n(y)}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0"


# ---------------------------------------------------------------------- shares of a gap


def _bars(chart: ShareBars) -> tuple[str, float]:
    ends = [0.0, *(bar.value for bar in chart.bars)]
    low, high = min(ends), max(ends)
    scale = _scale(low, high if high > low else low + 1.0)
    parts = [part for row, bar in enumerate(chart.bars) for part in _bar(bar, 44.0 * row, scale)]
    bottom = 44.0 * len(chart.bars) + 6
    if low < 0 < high:
        parts += [
            f'<rect x="{_n(_LEFT)}" y="{_n(bottom + 3)}" width="14" height="11" {_ACCENT}/>',
            _text(_LEFT + 20, bottom + 13, chart.legend[0], "start"),
            f'<rect x="{_n(WIDTH / 2)}" y="{_n(bottom + 3)}" width="14" height="11" {_OUTLINE}/>',
            _text(WIDTH / 2 + 20, bottom + 13, chart.legend[1], "start"),
        ]
        bottom += 20
    return "".join(parts), bottom + 4


def _bar(bar: Bar, y: float, scale: Callable[[float], float]) -> list[str]:
    left, right = sorted((scale(0.0), scale(bar.value)))
    look = _ACCENT if bar.value >= 0 else _OUTLINE
    box = (
        f'<rect x="{_n(left)}" y="{_n(y + 20)}" width="{_n(max(right - left, 1.0))}" '
        f'height="16" {look}/>'
    )
    zero = _rule(scale(0.0), y + 17, scale(0.0), y + 39, ' stroke-width="1.5"')
    return [_text(_LEFT, y + 14, bar.words, "start"), box, zero]


# ---------------------------------------------------------------------- the flow of trials


def _flow(chart: FlowChart) -> tuple[str, float]:
    n = len(chart.middle)
    gap = 10.0
    box = (WIDTH - 2 - gap * (n - 1)) / n
    centres = [1 + box / 2 + (box + gap) * place for place in range(n)]
    parts = _box(WIDTH / 2, 1, 170, chart.first)
    parts += [_rule(WIDTH / 2, 49, WIDTH / 2, 60), _rule(centres[0], 60, centres[-1], 60)]
    for centre, words in zip(centres, chart.middle, strict=True):
        parts += [_rule(centre, 60, centre, 71), *_box(centre, 71, box, words)]
    parts += [
        _rule(centres[0], 119, centres[0], 141),
        *_box(max(centres[0], 87), 141, 170, chart.last),
    ]
    return "".join(parts), 191


def _box(centre: float, y: float, width: float, words: tuple[str, str]) -> list[str]:
    name, value = words
    frame = (
        f'<rect x="{_n(centre - width / 2)}" y="{_n(y)}" width="{_n(width)}" height="48" rx="3" '
        f"{_LINE}/>"
    )
    bold = ' font-weight="600" font-size="16"'
    return [frame, _text(centre, y + 19, name), _text(centre, y + 39, value, extra=bold)]
