"""What one audit says of a vendor, beside the vendor's truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from ...datasets import vendors
from ...datasets.vendors.shop import Shop
from ...datasets.vendors.truth import Effect
from ..conduct import Conduct
from ..rehearsal import rehearse
from ..run import prepare
from .cases import QUERIES, Case, cases, plan_of
from .named import named_first

BLOCK = 8
"""Most trials that a vendor with a memory is asked at once: about a block."""
NEAR = 0.25
"""Effects that lie so near to a limit, as a part of it, are not scored: either answer would do."""

Mark = Literal["correct", "missed", "accused", "cleared_falsely", "open", "near"]
"""What a verdict was worth: `missed` and `open` claim nothing; two are false claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One verdict beside the truth.

    Parameters
    ----------
    vendor, attribute, outcome : str
    side : str
        Of the truth.
    verdict : str
    mark : str
    queries : int
        Trials of the whole audit when this verdict was reached; of the audit's end where none was.
    audit : str
        Which audit it was: several verdicts share one.
    named : bool or None
        Whether what explains it names a guilty attribute first; None where nothing was explained.
    """

    vendor: str
    attribute: str
    outcome: str
    side: str
    verdict: str
    mark: Mark
    queries: int
    audit: str
    named: bool | None = None


def near_limit(effect: Effect) -> bool:
    """Whether an effect lies so near to a limit that either answer would do.

    Examples
    --------
    >>> tenure = Effect(attribute="tenure", reference=0, level=36)
    >>> near_limit(tenure.moves(mean=0.012)), near_limit(tenure.moves(mean=0.05)), near_limit(tenure)
    (True, False, False)
    """
    mean, _ = effect.limit.scaled(effect.unit)
    by_mean = abs(abs(effect.mean) / mean - 1) <= NEAR
    by_share = abs(effect.share / effect.limit.share - 1) <= NEAR
    beyond = abs(effect.mean) > (1 + NEAR) * mean or effect.share > (1 + NEAR) * effect.limit.share
    return (by_mean or by_share) and not beyond


def mark(effect: Effect, verdict: str) -> Mark:
    """Return what a verdict is worth beside the truth.

    An effect that exists and is small is *between*: to say that it is real is right, to say that
    it is beyond the limit is not.

    Examples
    --------
    >>> tenure = Effect(attribute="tenure", reference=0, level=36)
    >>> mark(tenure, "indicated"), mark(tenure, "cleared"), mark(tenure, "inconclusive")
    ('accused', 'correct', 'open')
    >>> guilty = tenure.moves(mean=0.05)
    >>> mark(guilty, "established"), mark(guilty, "cleared"), mark(guilty, "indicated")
    ('correct', 'cleared_falsely', 'missed')
    """
    if near_limit(effect):
        return "near"
    if effect.side == "guilty":
        return {"established": "correct", "cleared": "cleared_falsely"}.get(verdict, "missed")  # type: ignore[return-value]
    false = {"established"} if effect.side == "between" else {"established", "indicated"}
    if verdict in false:
        return "accused"
    return "correct" if verdict == "cleared" else "open"


def score(
    case: Case, *, seed: int, queries: int = QUERIES, explain: bool = False
) -> Iterator[Scored]:
    """Yield what one audit says of each effect of a case, beside the truth.

    Parameters
    ----------
    case : Case
    seed : int
    queries : int
        Budget of trials.
    explain : bool
        Whether what is established is explained as well, out of what the budget leaves.
    """
    case.vendor.prepare()
    audit = prepare(plan_of(case, seed=seed, queries=queries))
    if case.vendor.remembers:
        audit = replace(audit, model=Shop(case.vendor))
    reached: dict[str, int] = {}
    batch = BLOCK if case.vendor.remembers else None
    conduct = rehearse(audit, explain=explain, batch=batch, watch=partial(_note, reached))
    guilty = {effect.attribute for effect in case.effects if effect.side != "innocent"}
    for effect in case.effects:
        name = _hypothesis(conduct, effect)
        label = conduct.decisions[name].label if name else "not_testable"
        explained = explain and label == "established"
        yield Scored(
            vendor=case.vendor.name,
            attribute=effect.attribute,
            outcome=effect.outcome,
            side=effect.side,
            verdict=label,
            mark=mark(effect, label),
            queries=reached.get(name or "", _asked(conduct)),
            audit=f"{case.vendor.name}/{case.number}/{seed}",
            named=named_first(conduct, name, guilty) if name and explained else None,
        )


def _note(reached: dict[str, int], conduct: Conduct) -> None:
    """Note after how many trials each hypothesis was settled."""
    asked = _asked(conduct)
    for name, decision in conduct.decisions.items():
        if decision.closed and decision.label in {"established", "cleared"}:
            reached.setdefault(name, asked)


def _asked(conduct: Conduct) -> int:
    return sum(len(turn.wave) for turn in conduct.waves)


def _hypothesis(conduct: Conduct, effect: Effect) -> str | None:
    """Return the id of the hypothesis about an effect; None where it could not be tested."""
    for hypothesis in conduct.hypotheses:
        if (hypothesis.treatment, hypothesis.outcome) == (effect.attribute, effect.outcome):
            return hypothesis.id
    return None


def scores(
    names: Iterable[str] | None = None,
    *,
    seeds: Sequence[int],
    queries: int = QUERIES,
    explain: bool = False,
) -> Iterator[Scored]:
    """Yield the scores of vendors of the zoo over seeds, vendor by vendor."""
    for name in vendors.names() if names is None else names:
        for case in cases(vendors.get(name)):
            for seed in seeds:
                yield from score(case, seed=seed, queries=queries, explain=explain)
