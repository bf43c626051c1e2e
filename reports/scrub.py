"""Text from outside, made harmless before it is set in a report.

A vendor, a plan or an annex may hold control characters, characters that turn the direction of
writing, characters that nobody sees, or no end. Escaping for HTML is the renderer's business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ..audit.record import Record

TEXT = 600
"""Most characters of one text of a record."""
ANNEX_TEXT = 20_000
"""Most characters of one text of the annex: a reply is printed word for word."""
ENTRIES = 200
"""Most entries of one list or mapping that comes from outside."""
MARKS = 4
"""Most combining marks on one letter; more would cover the lines above and below."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def scrub(value: str, limit: int = TEXT, *, lines: bool = False) -> str:
    r"""Return `value` on one line, bounded, with every unseen or turning character made visible.

    Parameters
    ----------
    value : str
    limit : int
        Most characters; what is longer ends in ``…``.
    lines : bool
        Keep line breaks.

    Examples
    --------
    >>> scrub("a\u202ebc\x1b[31m"), scrub("x" * 10, 4)
    ('a\ufffdbc\ufffd[31m', 'xxx…')
    """
    kept: list[str] = []
    marks = 0
    for character in value[: limit + 1]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= MARKS:
            kept.append(_visible(character, category, lines=lines))
    return "".join(kept) if len(value) <= limit else "".join(kept)[: limit - 1] + "…"


def _visible(character: str, category: str, *, lines: bool) -> str:
    if character == "\n" and lines:
        return character
    if character in "\n\r\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if category in _HIDDEN else character


def scrub_all(value: Any, limit: int = TEXT, *, lines: bool = False) -> Any:
    """Return `value` with every text in it scrubbed and every collection bounded."""
    if isinstance(value, str):
        return scrub(value, limit, lines=lines)
    if isinstance(value, Mapping):
        pairs = list(value.items())[:ENTRIES]
        return {scrub(str(k), 120): scrub_all(v, limit, lines=lines) for k, v in pairs}
    if isinstance(value, (list, tuple)):
        return [scrub_all(entry, limit, lines=lines) for entry in value]
    return value


def scrub_record(record: Record) -> Record:
    """Return the record with every text in it made harmless; numbers and hashes stay."""
    return Record.model_validate(scrub_all(record.model_dump(by_alias=True)))


def scrub_annex(annex: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the annex with every text in it made harmless; line breaks stay."""
    return [scrub_all(dict(entry), ANNEX_TEXT, lines=True) for entry in annex]
