"""``evenhand vendors score``: what the suite says of vendors whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ..messages import language, numbers, text
from . import view

if TYPE_CHECKING:
    from ..audit.scoreboard import Line, Summary

BROKEN = 0.01
"""A promise is broken where so many false claims would come with a smaller chance than this."""


def score(names: Sequence[str], *, seeds: int, queries: int, explain: bool, json_: bool) -> int:
    """Print the scoreboard, vendor by vendor as it comes, then as a whole.

    Returns
    -------
    int
        1 where false claims are more than chance would make of the promised rates.
    """
    from ..audit import scoreboard
    from ..datasets import vendors

    found: list[scoreboard.Scored] = []
    for name in names or vendors.names():
        own = list(scoreboard.scores([name], seeds=range(seeds), queries=queries, explain=explain))
        found += own
        for line in scoreboard.lines(own):
            view.out(json.dumps(asdict(line)) if json_ else _line(line))
    whole = scoreboard.summary(found)
    if json_:
        view.out(json.dumps(asdict(whole)))
    else:
        for sentence in _whole(whole):
            view.out(sentence)
    return int(min(whole.chance_accused, whole.chance_cleared) < BROKEN)


def _line(line: Line) -> str:
    marks = line.marks
    told = text(
        "vendors.score_line",
        vendor=line.vendor,
        attribute=line.attribute,
        outcome=line.outcome,
        side=text(f"vendors.side_{line.side}"),
        right=marks.get("correct", 0),
        runs=line.runs,
        false=marks.get("accused", 0) + marks.get("cleared_falsely", 0),
    )
    if line.median is None or line.ninetieth is None:
        return told
    median, ninetieth = numbers.count(round(line.median)), numbers.count(round(line.ninetieth))
    return told + text("vendors.score_queries", median=median, ninetieth=ninetieth)


def _whole(whole: Summary) -> list[str]:
    named = text("vendors.score_named", right=whole.named, of=whole.explained)
    return [
        *([named] if whole.explained else []),
        text("vendors.score_established", right=whole.established, of=whole.guilty),
        text("vendors.score_cleared", right=whole.cleared, of=whole.fair),
        *(
            text(
                f"vendors.score_{kind}",
                false=false,
                audits=whole.audits,
                rate=numbers.percent(100 * false / max(1, whole.audits), language()),
                chance=f"{chance:.2g}",
            )
            for kind, false, chance in (
                ("accused", whole.accused, whole.chance_accused),
                ("wrongly_cleared", whole.cleared_falsely, whole.chance_cleared),
            )
        ),
    ]
