"""How far an audit is: a bar and a line a hypothesis on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..audit.findings import subject_of
from ..messages import SYMBOLS, language, text
from ..reports.sizes import hundredths, written
from . import view

if TYPE_CHECKING:
    from ..audit.conduct import Conduct, Turn
    from ..audit.decide import Decision

ON_TERMINAL, ELSEWHERE = 0.1, 5.0
"""Seconds between two signs of life."""
WIDTH = 28


class Progress:
    """Shows an audit while it goes on; on the error stream, never in the way of the answer."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.began = time.monotonic()
        self.shown = -math.inf
        self.first: int | None = None
        self.live: Any = None

    def __enter__(self) -> None:
        """Begin; on a terminal the lines are drawn over each other."""
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, highlight=False, markup=False, emoji=False)
            self.live = Live(console=console, transient=True, auto_refresh=False)
            self.live.start()

    def __exit__(self, *_: object) -> None:
        """Take the lines away."""
        if self.live is not None:
            self.live.stop()

    def __call__(self, conduct: Conduct, turn: Turn | None, on_file: int) -> None:
        """Show how far it is, if it is time to."""
        now = time.monotonic()
        pause = ELSEWHERE if self.live is None else ON_TERMINAL
        if self.quiet or now - self.shown < pause:
            return
        self.shown = now
        done = sum(len(old.wave) for old in conduct.waves) + (on_file if turn else 0)
        if self.first is None:
            self.first = done
        rate = (done - self.first) / max(now - self.began, 1e-9)
        if self.live is None:
            view.note(_line(conduct, done, rate))
            return
        from rich.text import Text

        lines = [_bar(conduct, done) + " " + _line(conduct, done, rate), *_hypotheses(conduct)]
        self.live.update(Text("\n".join(map(view.clean, lines))), refresh=True)


def _bar(conduct: Conduct, done: int) -> str:
    """Return a bar of the budget; most audits end long before it is full."""
    full = round(WIDTH * min(1.0, done / conduct.rules.queries))
    return "█" * full + "░" * (WIDTH - full)


def _line(conduct: Conduct, done: int, rate: float) -> str:
    return text(
        "cli.progress",
        wave=len(conduct.waves),
        queries=f"{done:,}",
        budget=f"{conduct.rules.queries:,}",
        rate=f"{rate:,.0f}",
        left=_left(conduct, rate),
        states=" ".join(SYMBOLS[one.label] for one in conduct.decisions.values()),
    )


def _left(conduct: Conduct, rate: float) -> str:
    """Return the time that the open hypotheses are predicted to need, or a dash."""
    open_ = [one for one in conduct.decisions.values() if not one.closed]
    needed = [one.queries_needed for one in open_]
    if rate <= 0 or not open_ or None in needed:
        return "–"
    queries = min(conduct.trials_left, max(n for n in needed if n is not None))
    seconds = math.ceil(queries / rate)
    return f"{seconds // 60}:{seconds % 60:02d}"


def _hypotheses(conduct: Conduct) -> Iterator[str]:
    for one in conduct.decisions.values():
        yield text(
            "cli.hypothesis",
            symbol=SYMBOLS[one.label],
            name=_name(conduct, one),
            verdict=text(f"words.{one.label}" if one.closed else "cli.open"),
            effect=_effect(one),
            blocks=one.evidence.n,
        )


def _name(conduct: Conduct, one: Decision) -> str:
    hypothesis = one.evidence.hypothesis
    about = subject_of(hypothesis, conduct.study)
    label = (about.label or {}).get(language(), about.name)
    outcome = "" if hypothesis.outcome == "final" else f" · {hypothesis.outcome}"
    return f"{label} · {hypothesis.level}{outcome}"


def _effect(one: Decision) -> str:
    effect = one.evidence.effect
    if effect.value is None:
        return "–"
    return written(hundredths(effect.value, effect.unit), effect.unit, language())
