"""The scoreboard in a few numbers, effect by effect and as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .marks import Scored


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One effect of one vendor over all seeds.

    Parameters
    ----------
    vendor, attribute, outcome, side : str
    runs : int
    marks : mapping of str to int
        How often each mark was earned.
    median, ninetieth : float or None
        Trials of the audit until the right verdict; None where it was never reached.
    """

    vendor: str
    attribute: str
    outcome: str
    side: str
    runs: int
    marks: Mapping[str, int]
    median: float | None
    ninetieth: float | None


def lines(scored: Iterable[Scored]) -> tuple[Line, ...]:
    """Return the scores effect by effect, in the order in which they came."""
    grouped: dict[tuple[str, str, str, str], list[Scored]] = {}
    for one in scored:
        key = (one.vendor, one.attribute, one.outcome, one.side)
        grouped.setdefault(key, []).append(one)
    made = []
    for (vendor, attribute, outcome, side), found in grouped.items():
        right = [one.queries for one in found if one.mark == "correct"]
        made.append(
            Line(
                vendor=vendor,
                attribute=attribute,
                outcome=outcome,
                side=side,
                runs=len(found),
                marks=Counter(one.mark for one in found),
                median=float(np.median(right)) if right else None,
                ninetieth=float(np.quantile(right, 0.9)) if right else None,
            )
        )
    return tuple(made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The whole scoreboard in a few numbers.

    Parameters
    ----------
    claims : int
        Verdicts that were scored.
    audits : int
        Whole audits; the promise of an error rate is one for each.
    accused, cleared_falsely : int
        Audits with a false claim of either kind.
    chance_accused, chance_cleared : float
        Of at least so many at a rate of exactly alpha: small means that the promise was broken.
    established, guilty : int
        Guilty effects that were established, of how many.
    cleared, fair : int
        Innocent effects that were cleared, of how many.
    named, explained : int
        Explanations that put a guilty attribute first, of how many that said anything.
    """

    claims: int
    audits: int
    accused: int
    cleared_falsely: int
    chance_accused: float
    chance_cleared: float
    established: int
    guilty: int
    cleared: int
    fair: int
    named: int
    explained: int


def summary(scored: Sequence[Scored], *, alpha: float = 0.05) -> Summary:
    """Return the scoreboard in a few numbers; effects near a limit are left out."""
    told = [one for one in scored if one.mark != "near"]
    audits = {one.audit for one in told}
    accused = {one.audit for one in told if one.mark == "accused"}
    cleared = {one.audit for one in told if one.mark == "cleared_falsely"}
    guilty = [one for one in told if one.side == "guilty"]
    fair = [one for one in told if one.side == "innocent"]
    return Summary(
        claims=len(told),
        audits=len(audits),
        accused=len(accused),
        cleared_falsely=len(cleared),
        chance_accused=_chance(len(accused), len(audits), alpha),
        chance_cleared=_chance(len(cleared), len(audits), alpha),
        established=sum(one.mark == "correct" for one in guilty),
        guilty=len(guilty),
        cleared=sum(one.mark == "correct" for one in fair),
        fair=len(fair),
        named=sum(bool(one.named) for one in guilty),
        explained=sum(one.named is not None for one in guilty),
    )


def _chance(false: int, audits: int, alpha: float) -> float:
    """Return the chance of at least so many false claims at a rate of alpha."""
    from scipy.special import bdtrc

    return float(bdtrc(false - 1, audits, alpha)) if false else 1.0
