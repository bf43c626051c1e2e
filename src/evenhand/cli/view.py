"""What the terminal shows: progress, verdicts, findings. Vendor text is stripped of control codes."""

from __future__ import annotations

import os
import signal
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ..errors import MissingExtraError
from ..messages import SYMBOLS, language, text

if TYPE_CHECKING:
    from ..audit.record import Finding, Record

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


def writable(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Return the formats of a report that can be written here; what is not installed is noted."""
    from ..reports import check

    able = []
    for format_ in formats:
        try:
            check([format_])
        except MissingExtraError as error:
            note(str(error))
        else:
            able.append(format_)
    return tuple(able)


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


def finding_lines(found: Finding) -> Iterable[str]:
    """Yield a finding in a few lines: verdict, effect, share, reason."""
    from ..messages import numbers
    from ..reports.clauses import Clauses
    from ..reports.measures import PRICE, measure
    from ..reports.sizes import size
    from ..reports.voice import Voice

    chosen = language()
    say = Clauses(Voice(chosen))
    label = text(f"words.{found.verdict}")
    name = getattr(found.label, chosen)
    if measure(found) != PRICE:
        name = text("cli.named", name=name, many=say.many(found))
    # what was done is called by verbs, which only a sentence can hold
    level, reference = found.level, found.reference
    if not found.done:
        level = say.voice.of(found.level_label, level)
        reference = say.voice.of(found.reference_label, reference)
    yield text(
        "cli.finding",
        id=found.id,
        symbol=SYMBOLS[found.verdict],
        verdict=label,
        name=name,
        level=level,
        reference=reference,
    )
    effect = size(found, say.voice)
    if effect is not None and effect.low:
        yield text(
            "cli.effect_fresh" if found.fresh_blocks else "cli.effect",
            estimate=effect.value,
            low=effect.low,
            high=effect.high,
            blocks=f"{found.n:,}",
            queries=f"{found.queries:,}",
            fresh=found.fresh_blocks,
        )
    known = found.share is not None and (found.share.low, found.share.high) != (0.0, 1.0)
    if known and found.share is not None and None not in (found.share.low, found.share.high):
        yield text(
            "cli.share",
            those=say.those(found),
            low=numbers.percent(100 * (found.share.low or 0.0), chosen),
            high=numbers.percent(100 * (found.share.high or 0.0), chosen),
        )
    if found.reason is not None:
        yield "    " + getattr(found.reason, chosen)
    elif found.queries_needed is not None:
        why = "audit.reason_accounts" if found.unit == "account" else "audit.reason_budget"
        yield "    " + text(why, queries=f"{found.queries_needed:,}")


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
