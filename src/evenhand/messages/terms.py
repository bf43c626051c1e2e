"""Words of a plan that people read in their own language: what a price is for, what it includes."""

from __future__ import annotations

from functools import cache

from . import ids, text


def term(word: str, language: str) -> str:
    """Return a word of a plan in a language; as the plan has it where the catalogue has none.

    Examples
    --------
    >>> term("night", "zh"), term("tax", "en"), term("city tax", "zh")
    ('晚', 'tax', 'city tax')
    """
    return text(f"terms.{word}", language) if f"terms.{word}" in _known() else word


@cache
def _known() -> frozenset[str]:
    return frozenset(ids())
