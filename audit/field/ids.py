"""Short names of trials that survive pens, phones and spreadsheets.

Three signs of the plan, four of the trial, one to check. No letter is like a digit or another
letter, and there is no E: no spreadsheet takes ``4E7`` for a number.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

SIGNS = "ABCDFGHJKMNPQRSTUVWXY23456789"
"""Twenty-nine, a prime: one wrong sign, and two that changed places, always show."""
_BASE, _LETTERS = len(SIGNS), 21
_PLAN, _TRIAL = 3, 4
LENGTH = _PLAN + _TRIAL + 1
MOST = _BASE**_TRIAL
_MANGLED = re.compile(r"[0-9.,]+E\+?[0-9]+")

Wrong = Literal["mangled", "mistyped", "other_plan"]


def plan_mark(plan_sha256: str) -> str:
    """Return the three signs that all ids of a plan begin with, a letter first.

    Examples
    --------
    >>> plan_mark("00" * 32)
    'AAA'
    """
    number = int(plan_sha256[:16], 16)
    number, first = divmod(number, _LETTERS)
    second, third = divmod(number % _BASE**2, _BASE)
    return SIGNS[first] + SIGNS[second] + SIGNS[third]


def trial_id(mark: str, number: int) -> str:
    """Return the id of a trial.

    Examples
    --------
    >>> one = trial_id("AAA", 5)
    >>> one, wrong(one, "AAA"), wrong(one.replace("G", "H"), "AAA"), wrong(one, "BAA")
    ('AAA-AAAG-W', None, 'mistyped', 'other_plan')
    """
    signs = "".join(SIGNS[number // _BASE**place % _BASE] for place in range(_TRIAL - 1, -1, -1))
    return f"{mark}-{signs}-{_check(mark + signs)}"


def _check(signs: str) -> str:
    weighed = sum(place * SIGNS.index(sign) for place, sign in enumerate(signs, 2))
    return SIGNS[-weighed % _BASE]


def normal(cell: str) -> str:
    """Return an id as it was meant: capital letters, usual width, hyphens in their place.

    Examples
    --------
    >>> normal(" ａaa aaag t ")
    'AAA-AAAG-T'
    """
    text = unicodedata.normalize("NFKC", cell).upper()
    signs = re.sub(r"[\s\-–—_]", "", text)
    return (
        f"{signs[:_PLAN]}-{signs[_PLAN:-1]}-{signs[-1:]}" if len(signs) == LENGTH else text.strip()
    )


def wrong(given: str, mark: str) -> Wrong | None:
    """Return what is wrong with a normal id; None: nothing that shows.

    Examples
    --------
    >>> wrong("1.2E+10", "AAA")
    'mangled'
    """
    if _MANGLED.fullmatch(given):
        return "mangled"
    signs = given.replace("-", "")
    if len(signs) != LENGTH or not set(signs) <= set(SIGNS) or _check(signs[:-1]) != signs[-1]:
        return "mistyped"
    return None if signs.startswith(mark) else "other_plan"
