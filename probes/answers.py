"""What an answer is compared in where nobody chose: one score for every outcome."""

from __future__ import annotations

from collections.abc import Mapping

from .lists import ListDistance, TopPrice
from .protocol import Study
from .scores import Count, Flag, LogPrice, Refusal, Score

FIRST = (
    "final", "list", "fee", "discount", "coupon", "ranking", "prices", "offers", "units", "notice",
    "refused",
)  # fmt: skip
"""Outcomes by how much they tell."""


def score_of(outcome: str, kind: str) -> Score:
    """Return what an outcome of a kind is compared in.

    Parameters
    ----------
    outcome : str
    kind : str
        As in `Study.outcomes`.

    Examples
    --------
    >>> score_of("final", "price").unit, score_of("ranking", "list").unit
    ('log-ratio', 'distance')
    """
    if outcome == "refused":
        return Refusal()
    if kind == "list":
        return TopPrice(outcome=outcome) if outcome == "prices" else ListDistance(outcome=outcome)
    if kind == "flag":
        return Flag(outcome)
    return Count(outcome) if kind == "number" else LogPrice(outcome)


def scores_of(study: Study) -> Mapping[str, Score]:
    """Return everything that a target answers with what it is compared in, what tells most first."""
    known = sorted(study.outcomes, key=(*FIRST, *study.outcomes).index)
    return {name: score_of(name, study.outcomes[name]) for name in known}
