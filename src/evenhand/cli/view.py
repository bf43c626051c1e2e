"""What the terminal shows: progress, verdicts, findings. Vendor text is stripped of control codes."""

from __future__ import annotations

import os
import signal
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..messages import language, text

if TYPE_CHECKING:
    from ..audit.conduct import Conduct, Turn
    from ..audit.record import Finding, Record

SYMBOLS = {"established": "▲", "cleared": "●", "indicated": "◆", "inconclusive": "■"}
_KEPT = {"\n", "\t"}


def clean(sentence: str) -> str:
    r"""Return text without control and direction codes, which could repaint a terminal.

    Examples
    --------
    >>> clean("a\x1b[31mb\u202ec")
    'a[31mbc'
    """
    return "".join(
        letter
        for letter in sentence
        if letter in _KEPT or unicodedata.category(letter) not in {"Cc", "Cf"}
    )


def out(sentence: str = "") -> None:
    """Print a line of the answer; where nobody reads any more, the command goes on all the same."""
    with readerless():
        print(clean(sentence))


@contextmanager
def readerless() -> Iterator[None]:
    """Let the rest of standard output go nowhere once its reader has left."""
    try:
        yield
    except BrokenPipeError:
        # the descriptor itself: the interpreter flushes what is buffered when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(sentence: str) -> None:
    """Print a line beside the answer."""
    print(clean(sentence), file=sys.stderr, flush=True)


@contextmanager
def stoppable(request: Path) -> Iterator[None]:
    """Let one Ctrl-C (or SIGTERM) ask the run to stop, by the file `request`; a second ends it."""

    def gently(number: int, _: FrameType | None) -> None:
        try:
            request.touch()
        except OSError:  # a full or read-only disk cannot carry the wish
            raise KeyboardInterrupt from None
        signal.signal(number, at_once)
        note(text("cli.stopping"))

    def at_once(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, gently) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class Progress:
    """A bar on a terminal, a line now and then elsewhere; never in the way of the answer."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.terminal = sys.stderr.isatty()
        self.began = time.monotonic()
        self.last = -1e9
        self.sent = 0
        self.wave = -1

    def __call__(self, conduct: Conduct, turn: Turn | None, on_file: int) -> None:
        """Show how far it is."""
        now = time.monotonic()
        pause = 0.1 if self.terminal else 5.0
        if self.quiet or (now - self.last < pause and turn is not None):
            return
        if turn is None and not self.terminal and now - self.last < pause:
            return
        self.last = now
        done = sum(len(old.wave) for old in conduct.waves) + (on_file if turn else 0)
        line = text(
            "cli.progress",
            wave=len(conduct.waves),
            queries=f"{done:,}",
            budget=f"{conduct.rules.queries:,}",
            rate=f"{done / max(now - self.began, 1e-9):,.0f}",
            states=" ".join(SYMBOLS[one.label] for one in conduct.decisions.values()),
        )
        if self.terminal:
            print(f"\r\x1b[2K{clean(line)}", end="", file=sys.stderr, flush=True)
        else:
            note(line)

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """Leave the line."""
        if self.terminal and not self.quiet and self.last > 0:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def finding_lines(found: Finding) -> Iterable[str]:
    """Yield a finding in a few lines: verdict, effect, share, reason."""
    from ..messages import numbers

    chosen = language()
    label = text(f"words.{found.verdict}")
    name = getattr(found.label, chosen)
    level = getattr(found.level_label, chosen) if found.level_label else found.level
    reference = getattr(found.reference_label, chosen) if found.reference_label else found.reference
    yield text(
        "cli.finding",
        id=found.id,
        symbol=SYMBOLS[found.verdict],
        verdict=label,
        name=name,
        level=level,
        reference=reference,
    )
    effect = found.percent
    if effect is not None and effect.estimate is not None and effect.low is not None:
        width = (effect.high or 0.0) - effect.low
        digits = numbers.digits_for(width)
        yield text(
            "cli.effect",
            estimate=numbers.percent(effect.estimate, chosen, digits=digits),
            low=numbers.percent(effect.low, chosen, digits=digits),
            high=numbers.percent(effect.high or 0.0, chosen, digits=digits),
            blocks=found.n,
            queries=found.queries,
        )
    if found.share is not None and found.share.high is not None and found.share.low is not None:
        yield text(
            "cli.share",
            beyond=numbers.percent(100 * (found.share.beyond or 0.0), chosen),
            low=numbers.percent(100 * found.share.low, chosen),
            high=numbers.percent(100 * found.share.high, chosen),
        )
    if found.reason is not None:
        yield "    " + getattr(found.reason, chosen)
    elif found.queries_needed is not None:
        yield "    " + text("audit.reason_budget", queries=f"{found.queries_needed:,}")


def record_lines(record: Record) -> Iterable[str]:
    """Yield a record in a page: counts, controls, findings."""
    counts = record.content.counts
    chosen = language()
    yield getattr(record.content.setting.title, chosen)
    yield text(
        "cli.counts",
        planned=f"{counts.planned:,}",
        answered=f"{counts.answered:,}",
        refused=f"{counts.refused:,}",
        failed=f"{counts.failed:,}",
    )
    yield ""
    for found in record.content.findings:
        yield from finding_lines(found)
    yield ""
    for control in record.content.controls:
        yield ("✓ " if control.passed else "✗ ") + getattr(control.statement, chosen)
