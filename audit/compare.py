"""Comparing two audits of one vendor: what changed, and whether the change is shown.

Null hypothesis, for each pair of matching hypotheses: the mean effect is the same in both windows.
Each run's interval for its effect is computed again from its raw answers at 1 − α/(2K), where K
counts the pairs. A change is claimed where the two do not meet, so the chance of claiming any
change where there is none is at most α: finite-sample, at any stopping times of the two runs, and
whatever the two share. How far the effect moved is between the ends of the two intervals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import UsageError
from ..metrics.result import Interval
from ..probes.design import Observed
from ..probes.protocol import Hypothesis
from .conduct import Conduct
from .replay import Case, opened, replay

ALPHA = 0.05
Movement = Literal["larger", "smaller", "none", "unmeasured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One hypothesis in two audits.

    Parameters
    ----------
    probe, treatment, level, outcome : str
        What makes it the same hypothesis.
    before, after : str
        The verdicts.
    unit : str
        Of the effects: ``"log-ratio"``, or that of a difference.
    was, now : float or None
        The mean effects.
    low, high : float or None
        Where the difference `now` − `was` lies, with all the others, at 1 − α.
    movement : {"larger", "smaller", "none", "unmeasured"}
        Of the size of the effect where its direction stays; else of the effect itself. "none" is
        *not shown*, never *no change*.
    """

    probe: str
    treatment: str
    level: str
    outcome: str
    before: str
    after: str
    unit: str
    was: float | None
    now: float | None
    low: float | None
    high: float | None
    movement: Movement


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two audits of one vendor, side by side.

    Parameters
    ----------
    first, second : str
        What the two are called.
    alpha : float
        Highest chance of claiming any change where there is none.
    changes : tuple of Change
    only : tuple of (str, str) pairs
        Hypotheses of one audit alone, and which.
    terms : tuple of str
        What differs between the plans and makes the two not quite comparable.
    guarantee : str
    """

    first: str
    second: str
    alpha: float
    changes: tuple[Change, ...]
    only: tuple[tuple[str, str], ...]
    terms: tuple[str, ...]
    guarantee: str = "finite-sample"

    @property
    def changed(self) -> bool:
        """Whether any change is shown."""
        return any(one.movement in {"larger", "smaller"} for one in self.changes)


def compare(first: Path, second: Path, *, alpha: float = ALPHA, trust: bool = False) -> Comparison:
    """Compare two finished audits, run folders or bundles; both are recomputed.

    Parameters
    ----------
    first, second : Path
        The earlier and the later one.
    alpha : float
    trust : bool
        As in :func:`evenhand.audit.replay.opened`.

    Raises
    ------
    UsageError
        If they are of different vendors, or have nothing in common.
    EvidenceError
        If one of them does not verify or does not follow from its answers.
    """
    with opened(first, trust=trust) as case:
        old, before = case, replay(case).conduct
    with opened(second, trust=trust) as case:
        new, after = case, replay(case).conduct
    _one_vendor(old, new)
    ours, theirs = _hypotheses(before), _hypotheses(after)
    shared = [one for id_, one in ours.items() if id_ in theirs]
    if not shared:
        raise UsageError("evidence.compare_nothing")
    level = 1 - alpha / (2 * len(shared))
    sides = _intervals(before, level), _intervals(after, level)
    labels = _verdicts(before), _verdicts(after)
    changes = [
        _change(one, (labels[0][one.id], labels[1][one.id]), (sides[0][one.id], sides[1][one.id]))
        for one in shared
    ]
    only = [(_name(one), old.name) for id_, one in ours.items() if id_ not in theirs]
    only += [(_name(one), new.name) for id_, one in theirs.items() if id_ not in ours]
    return Comparison(
        first=old.name,
        second=new.name,
        alpha=alpha,
        changes=tuple(changes),
        only=tuple(only),
        terms=tuple(_terms(old, new)),
    )


def _one_vendor(old: Case, new: Case) -> None:
    vendors = [case.audit.plan.audit.vendor for case in (old, new)]
    if vendors[0] != vendors[1]:
        raise UsageError("evidence.compare_vendors", first=vendors[0], second=vendors[1])


def _name(one: Hypothesis) -> str:
    return f"{one.probe} {one.treatment} = {one.level} ({one.outcome})"


def _hypotheses(conduct: Conduct) -> dict[str, Hypothesis]:
    return {one.id: one for one in conduct.hypotheses}


def _verdicts(conduct: Conduct) -> dict[str, str]:
    return {one.evidence.hypothesis.id: one.label for one in conduct.decisions.values()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """A mean effect with its interval, where there is one."""

    value: float | None
    interval: Interval | None
    unit: str


def _intervals(conduct: Conduct, level: float) -> dict[str, _Measured]:
    """Return each effect with its interval at `level`, from the answers themselves."""
    found: dict[str, _Measured] = {}
    for name, probe in conduct.probes.items():
        observed = conduct.observed.get(name, Observed())
        for one in probe.test(conduct.study, observed, level):
            effect = one.effect
            found[one.hypothesis.id] = _Measured(
                value=effect.value, interval=effect.interval, unit=effect.unit
            )
    return found


def _change(
    one: Hypothesis, verdicts: tuple[str, str], sides: tuple[_Measured, _Measured]
) -> Change:
    before, after = sides
    then, later = before.interval, after.interval
    if before.unit != after.unit:  # nothing that can be subtracted
        then = later = None
    return Change(
        probe=one.probe,
        treatment=one.treatment,
        level=str(one.level),
        outcome=one.outcome,
        before=verdicts[0],
        after=verdicts[1],
        unit=after.unit,
        was=before.value,
        now=after.value,
        low=later.low - then.high if then and later else None,
        high=later.high - then.low if then and later else None,
        movement=movement(before.value, after.value, then, later),
    )


def movement(
    was: float | None, now: float | None, then: Interval | None, later: Interval | None
) -> Movement:
    """Return which way an effect moved, where two intervals show that it did.

    Examples
    --------
    >>> old = Interval(low=-0.02, high=-0.01, level=0.99, method="")
    >>> new = Interval(low=-0.06, high=-0.05, level=0.99, method="")
    >>> movement(-0.015, -0.055, old, new), movement(-0.015, -0.015, old, old)
    ('larger', 'none')
    """
    if was is None or now is None or then is None or later is None:
        return "unmeasured"
    if then.low <= later.high and later.low <= then.high:
        return "none"
    grew = abs(now) > abs(was) if was * now > 0 else now > was
    return "larger" if grew else "smaller"


def _terms(old: Case, new: Case) -> Sequence[str]:
    """Return what is not the same in two locks, beside seed and budget."""
    one, other = old.audit.lock, new.audit.lock
    names = [
        name for name in ("items", "population") if one.files.get(name) != other.files.get(name)
    ]
    parts: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
        ("personas", one.plan["personas"], other.plan["personas"]),
        ("request", _asked(one.plan), _asked(other.plan)),
        ("tolerance", _limits(one.plan), _limits(other.plan)),
    ]
    return [*names, *(name for name, a, b in parts if a != b and not _inside(b, a))]


def _asked(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    target = plan["target"]
    return {name: target.get(name) for name in ("request", "response", "steps", "money")}


def _limits(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        entry["use"]: {name: entry.get(name) for name in ("tolerance", "direction", "clip")}
        for entry in plan["probes"]
    }


def _inside(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Whether a re-check of some findings asks for nothing that the first audit did not."""
    return all(name in whole and whole[name] == value for name, value in part.items())
