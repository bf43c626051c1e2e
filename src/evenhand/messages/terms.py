"""Words of a plan that people read in their own language: what a price is for, what it includes."""

from __future__ import annotations

from . import text

KNOWN = frozenset(
    {
        "night",
        "ride",
        "trip",
        "stay",
        "order",
        "item",
        "person",
        "ticket",
        "policy",
        "day",
        "month",
        "year",
        "quote",
        "tax",
        "fee",
        "fees",
        "service",
        "delivery",
        "cleaning",
        "breakfast",
        "insurance",
        "tolls",
        "yuan",
        "euro",
    }
)
"""Words that the catalogue has; any other stands as the plan has it."""


def term(word: str, language: str) -> str:
    """Return a word of a plan in a language.

    Examples
    --------
    >>> term("night", "zh"), term("tax", "en"), term("city tax", "zh")
    ('晚', 'tax', 'city tax')
    """
    return text(f"terms.{word}", language) if word in KNOWN else word
