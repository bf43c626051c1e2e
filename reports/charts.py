"""Which chart shows a finding, and what its title concludes."""

from __future__ import annotations

import math

from ..audit.record import Finding, Range
from ..messages import numbers
from .context import Context, cells
from .measures import PRICE, measure
from .model import Cell, Dot, FigureBlock, FlowChart, IconArray, IntervalChart, Table
from .sizes import RATIO, known, share_digits, share_text, size, told, tolerance, unit_of


def interval(about: Context, finding: Finding) -> FigureBlock | None:
    """Return the dot with its interval, in percent and in money; None where there is no number."""
    dot = _dot(about, finding, "")
    if dot is None:
        return None
    voice = about.voice
    money = _money_of_one_percent(finding)
    currency = finding.money.currency if finding.money else None
    chart = IntervalChart(
        dots=(dot,),
        percent_axis=_axis(about, (finding,)),
        money_axis=voice("report.axis_money", currency=currency or "") if money else "",
        money=money,
        currency=currency,
    )
    return FigureBlock(
        id=f"{finding.id}-gap",
        title=voice(conclusion(dot), gap=_gap(about, (finding,))),
        alt=_alt(about, finding, dot),
        chart=chart,
    )


def forests(about: Context) -> list[FigureBlock]:
    """Return a chart of all ratios and one of all differences, a row for each that has a number."""
    ratios = tuple(one for one in about.primary if one.effect.unit == RATIO)
    rest = tuple(one for one in about.primary if one.effect.unit != RATIO)
    made = (_forest(about, "all-gaps", ratios), _forest(about, "all-points", rest))
    return [figure for figure in made if figure]


def _forest(about: Context, id_: str, findings: tuple[Finding, ...]) -> FigureBlock | None:
    voice = about.voice
    made = [(finding, _dot(about, finding, finding.id)) for finding in findings]
    rows = [(finding, dot) for finding, dot in made if dot is not None]
    if len(rows) < 2:  # noqa: PLR2004 - one row says no more than its own page
        return None
    dots = tuple(dot for _, dot in rows)
    beyond = sum(conclusion(dot) == "report.chart_outside" for dot in dots)
    limited = any(dot.limit_low is not None for dot in dots)
    gap = _gap(about, tuple(finding for finding, _ in rows))
    title = (
        voice("report.forest_beyond", n=str(len(dots)), beyond=str(beyond), gap=gap)
        if limited
        else voice("report.forest_title", gap=gap)
    )
    return FigureBlock(
        id=id_,
        title=title,
        alt=voice.joined([_alt(about, finding, dot) for finding, dot in rows]),
        chart=IntervalChart(
            dots=dots,
            percent_axis=_axis(about, tuple(finding for finding, _ in rows)),
        ),
    )


def _gap(about: Context, findings: tuple[Finding, ...]) -> str:
    """Return what the differences of all findings are called; that of prices for prices alone."""
    named = {about.tell.say.gap(finding) for finding in findings}
    return named.pop() if len(named) == 1 else about.voice("measures.gap_other")


def conclusion(dot: Dot) -> str:
    """Return the id of the message that says where an interval lies."""
    if dot.limit_low is None or dot.limit_high is None:
        apart = dot.low > 0 or dot.high < 0
        return "report.chart_apart" if apart else "report.chart_zero"
    if dot.low > dot.limit_high or dot.high < dot.limit_low:
        return "report.chart_outside"
    if dot.limit_low < dot.low and dot.high < dot.limit_high:
        return "report.chart_inside"
    return "report.chart_across"


def icons(about: Context, finding: Finding) -> FigureBlock | None:
    """Return a hundred customers, as many marked as the share says; None where it is unknown."""
    share = finding.share
    if share is None:
        return None
    if finding.verdict == "cleared":
        return _bound_icons(about, finding, share)
    if known(share.estimate) is None:
        return None
    voice, values = about.voice, _values(about, finding)
    count = _hundredth(share)
    up, down = _sides(finding, count)
    names = dict(zip(("up", "down"), sides(about, finding), strict=True))
    names["either"] = voice("report.icons_either", **values)
    counts = {"up": up, "down": down, "either": count - up - down}
    title = voice("report.icons_title", count=str(count), **values)
    return _icon_figure(about, finding, title, counts, names)


def _values(about: Context, finding: Finding) -> dict[str, str]:
    say = about.tell.say
    return {"hit": say.hit(finding), "beyond": say.beyond(finding)}


def sides(about: Context, finding: Finding) -> tuple[str, str]:
    """Return how customers are called whom it hits either way: dearer and cheaper, or worse off."""
    ids = (
        ("report.icons_up", "report.icons_down")
        if measure(finding) == PRICE
        else ("report.icons_worse", "report.icons_better")
    )
    up, down = (about.voice(message_id, **_values(about, finding)) for message_id in ids)
    return up, down


def _bound_icons(about: Context, finding: Finding, share: Range) -> FigureBlock | None:
    if known(share.high) is None:
        return None
    voice, values = about.voice, _values(about, finding)
    count = min(100, math.ceil(round(100 * (share.high or 0.0), 9)))
    title = voice("report.icons_bound", count=str(count), **values)
    names = {"either": voice("report.icons_may", **values)}
    return _icon_figure(about, finding, title, {"either": count}, names)


def _icon_figure(
    about: Context, finding: Finding, title: str, counts: dict[str, int], names: dict[str, str]
) -> FigureBlock:
    voice = about.voice
    present = {kind: n for kind, n in counts.items() if n}
    rest = 100 - sum(present.values())
    legend = [
        (kind, voice("report.icons_part", n=str(n), what=names[kind]))
        for kind, n in present.items()
    ]
    legend.append(
        ("rest", voice("report.icons_part", n=str(rest), what=voice("report.icons_rest")))
    )
    parts = voice.listed([words for _, words in legend])
    return FigureBlock(
        id=f"{finding.id}-share",
        title=title,
        alt=voice("report.icons_alt", parts=parts),
        chart=IconArray(
            up=counts.get("up", 0),
            down=counts.get("down", 0),
            either=counts.get("either", 0),
            legend=tuple(legend),
        ),
    )


def flow(about: Context) -> FigureBlock:
    """Return the flow of trials."""
    voice, counts = about.voice, about.content.counts
    names = ("planned", "answered", "refused", "failed", "analysed")
    values = {name: numbers.count(getattr(counts, name)) for name in names}
    middle = [
        (voice("words.answered"), values["answered"]),
        (voice("words.refused"), values["refused"]),
        (voice("words.failed"), values["failed"]),
    ]
    left = counts.planned - counts.answered - counts.refused - counts.failed
    if left > 0:
        middle.append((voice("report.flow_left"), numbers.count(left)))
    return FigureBlock(
        id="flow",
        title=voice("report.flow_title", planned=values["planned"], analysed=values["analysed"]),
        alt=voice("report.flow_alt", **values),
        chart=FlowChart(
            first=(voice("report.flow_planned"), values["planned"]),
            middle=tuple(middle),
            last=(voice("report.flow_analysed"), values["analysed"]),
        ),
        table=_reasons(about),
    )


_REASONS = {
    "auth": "words.reason_auth",
    "blocked": "words.reason_blocked",
    "rate": "words.reason_rate",
    "network": "words.reason_network",
    "format": "words.reason_format",
    "ceiling": "words.reason_ceiling",
    "not-held": "words.reason_not_held",
    "window": "words.reason_window",
}


def _reasons(about: Context) -> Table | None:
    voice = about.voice
    rows = tuple(
        (Cell(text=voice(_REASONS[reason]) if reason in _REASONS else reason), about.counted(n))
        for reason, n in sorted(about.content.counts.reasons.items())
        if n
    )
    if not rows:
        return None
    heads = (voice("report.h_reason"), voice("report.h_count"))
    return Table(caption=voice("report.failed_by_reason"), head=heads, rows=rows)


def share_row(about: Context, name: str, share: Range | None) -> tuple[Cell, ...] | None:
    """Return a row of the table of numbers for a share; None where there is none."""
    if share is None or known(share.estimate) is None:
        return None
    voice = about.voice
    low, high = known(share.low), known(share.high)
    spread = voice("report.dash")
    if low is not None and high is not None:
        digits = share_digits(share)
        spread = numbers.percent_range(100 * low, 100 * high, voice.language, digits=digits)
    return cells(voice.begun(name), share_text(share, voice), spread)


def _dot(about: Context, finding: Finding, label: str) -> Dot | None:
    range_, written = told(finding), size(finding, about.voice)
    if range_ is None or written is None:
        return None
    low, high, middle = known(range_.low), known(range_.high), known(range_.estimate)
    if low is None or high is None or middle is None:
        return None
    limit = finding.limits.ratio if finding.limits else None
    values = {"size": written.value, "interval": written.interval}
    return Dot(
        label=label,
        verdict=finding.verdict,
        estimate=middle,
        low=low,
        high=high,
        value=about.voice("report.value", **values),
        limit_low=None if limit is None else _down(finding, limit),
        limit_high=None if limit is None else 100 * limit,
    )


def _down(finding: Finding, limit: float) -> float:
    """Return the limit on the other side of zero: of a ratio its inverse."""
    return 100 * (1 / (1 + limit) - 1 if finding.effect.unit == RATIO else -limit)


def _alt(about: Context, finding: Finding, dot: Dot) -> str:
    value = dot.value
    written = size(finding, about.voice)
    if written and written.money:
        value += about.voice("report.money", money=written.money)
    if finding.limits is None:
        return about.voice("report.chart_alt_free", id=finding.id, value=value)
    return about.voice(
        "report.chart_alt",
        id=finding.id,
        value=value,
        limit=tolerance(finding, finding.limits.ratio, about.voice),
    )


def _axis(about: Context, findings: tuple[Finding, ...]) -> str:
    limits = {finding.limits.ratio if finding.limits else None for finding in findings}
    voice = about.voice
    values = {"gap": _gap(about, findings), "unit": unit_of(findings, voice)}
    if limits == {None}:
        return voice("report.axis", **values)
    limit, *more = limits
    if more or limit is None:
        return voice("report.axis_each", **values)
    # points are named once, or the words would not fit
    ratio = findings[0].effect.unit == RATIO
    number = tolerance(findings[0], limit, voice) if ratio else numbers.plain(100 * limit)
    return voice("report.axis_limit", **values, limit=number)


def _money_of_one_percent(finding: Finding) -> float | None:
    percent, money = finding.percent, finding.money
    if percent is None or money is None:
        return None
    pairs = zip(
        (percent.high, percent.low, percent.estimate),
        (money.high, money.low, money.estimate),
        strict=True,
    )
    # the end furthest from zero divides with the least loss
    usable = [(abs(p), m / p) for p, m in pairs if p and m is not None and math.isfinite(m / p)]
    ratio = max(usable)[1] if usable else None
    return ratio if ratio and ratio > 0 else None


def _hundredth(share: Range) -> int:
    return min(100, max(0, round(100 * (share.estimate or 0.0))))


def _sides(finding: Finding, hit: int) -> tuple[int, int]:
    """Share `hit` out between dearer and cheaper, so that the whole stays the whole."""
    if measure(finding).worse is None:
        return 0, 0
    dearer, cheaper = finding.share_dearer, finding.share_cheaper
    up = known(dearer.estimate) if dearer else None
    down = known(cheaper.estimate) if cheaper else None
    if up is None or down is None or up + down <= 0:
        return 0, 0
    first = round(hit * up / (up + down))
    return first, hit - first
