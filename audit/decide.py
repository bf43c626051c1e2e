"""From evidence to verdicts: families, precedence, and which hypotheses stay open.

Two promises, over all primary hypotheses of a plan and at any stopping time:
P(any false established or indicated) ≤ alpha, and P(any false cleared) ≤ alpha_clear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from ..metrics.families import accuse, adjusted, clear
from ..probes.gaps import GIVEN, blocks_needed
from ..probes.protocol import Claims, Evidence

Label = Literal["established", "cleared", "indicated", "inconclusive"]
Side = Literal["outside", "inside", "undecided", "not_estimable"]

HOPELESS = 3
"""A hypothesis that is predicted to need more than so many times what is left is closed."""
BELIEVED = 0.5
"""Part of the budget that must be spent before such a prediction is believed: evidence is slow to
show how fast it grows while flagged contexts wait for their rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the controls say of the audit.

    `positive` is None while the positive control is still being asked, or where there is none.
    """

    harness: bool = True
    access: bool = True
    positive: bool | None = None

    @property
    def may_clear(self) -> bool:
        """Whether anything may be cleared at all."""
        return self.harness and self.access and self.positive is True


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict on one hypothesis, with the evidence that it was made from.

    Parameters
    ----------
    closed : bool
        Whether it is no longer asked about.
    level : float
        Level of the interval: that of the claim, so that the interval and the verdict agree.
        1 − alpha/(K − k), k hypotheses being established already; for what is cleared 1 − 2/e,
        e being the evidence that closed testing asked for: both sides at that error.
    adjusted : float
        P-value, adjusted over the family by the rule that decides.
    queries_needed : int or None
        More queries that a verdict is predicted to need; None where that cannot be said.
    reason : str or None
        Id of the message that says why it could not be told.
    """

    evidence: Evidence
    label: Label
    mean: Side
    share: Side
    real: bool
    closed: bool
    level: float
    evalue: float
    adjusted: float
    queries_needed: int | None = None
    reason: str | None = None
    reason_values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    at_limits: Mapping[float, Label] = field(default_factory=dict[float, Label])


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How many primary hypotheses share the two levels: fixed in the lock."""

    hypotheses: int
    alpha: float
    alpha_clear: float

    def level(self, established: int) -> float:
        """Return the level of intervals while so many are established."""
        return 1 - self.alpha / max(1, self.hypotheses - established)

    def accuse_at(self, established: int) -> float:
        """Return the log e-value at which a hypothesis is accused."""
        return math.log(max(1, self.hypotheses - established) / self.alpha)

    @property
    def clear_at(self) -> float:
        """Return the log e-value at which a hypothesis is cleared where its rivals look alike."""
        return -math.log(self.alpha_clear)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What one set of limits comes to, before the controls have had their say."""

    indicated: bool
    established: bool
    cleared: bool
    mean: Side
    share: Side


def call(
    claims: Sequence[Claims | None], family: Family, established: Sequence[bool]
) -> list[Called]:
    """Return what the evidence comes to at one set of limits, hypothesis by hypothesis.

    Parameters
    ----------
    claims : sequence of Claims or None
        None where nothing was asked; it counts in the family all the same.
    established : sequence of bool
        What was established at earlier waves: claims stay, and each relaxes the level of the rest.
    """
    k = family.hypotheses
    known = [claim or Claims(estimable=False) for claim in claims]
    differs = np.array([claim.differs for claim in known])
    joint = np.array([min(claim.differs, claim.beyond) for claim in known])
    done = np.array(established, dtype=bool)
    while True:
        already = min(int(done.sum()), k - 1)
        more = done | accuse(joint, already=already, hypotheses=k, alpha=family.alpha)
        if np.array_equal(more, done):
            break
        done = more
    already = min(int(done.sum()), k - 1)

    def crosses(values: Sequence[float]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return accuse(np.array(values), already=already, hypotheses=k, alpha=family.alpha)

    def inside(parts: slice) -> np.ndarray[Any, np.dtype[np.bool_]]:
        table = np.full((len(known), 3), GIVEN)
        table[:, parts] = np.array([claim.inside for claim in known])[:, parts]
        table[[claim is None for claim in claims]] = -np.inf
        return clear(table, hypotheses=k, alpha_clear=family.alpha_clear)

    indicated = crosses(list(differs))
    mean_out = crosses([claim.mean_beyond for claim in known])
    share_out = crosses([claim.share_beyond for claim in known])
    cleared, mean_in, share_in = inside(slice(None)), inside(slice(1, 3)), inside(slice(0, 1))
    return [
        Called(
            indicated=bool(indicated[i] or done[i]),
            established=bool(done[i]),
            cleared=bool(cleared[i] and known[i].estimable),
            mean=_side(out=bool(mean_out[i]), inside=bool(mean_in[i]), estimable=True),
            share=_side(
                out=bool(share_out[i]), inside=bool(share_in[i]), estimable=known[i].estimable
            ),
        )
        for i in range(len(known))
    ]


def _side(*, out: bool, inside: bool, estimable: bool) -> Side:
    if out:
        return "outside"
    if not estimable:
        return "not_estimable"
    return "inside" if inside else "undecided"


def decide(
    evidence: Sequence[Evidence],
    before: Mapping[str, Decision],
    *,
    family: Family,
    health: Health,
    trials_left: int,
    budget: int,
    final: bool,
) -> dict[str, Decision]:
    """Return the decision on every hypothesis after a complete wave.

    What was established or cleared stays so, with the evidence and at the level of that moment;
    what was cleared on an assumption of the plan opens again when the assumption is withdrawn.
    Precedence: harness or delivery failed → inconclusive; positive or access control failed →
    never cleared; then established > cleared > indicated > inconclusive.
    """
    ids = [item.hypothesis.id for item in evidence]
    kept = [
        None if old is not None and _lost_ground(old, item) else old
        for old, item in ((before.get(item.hypothesis.id), item) for item in evidence)
    ]
    was = [one is not None and one.closed and one.label == "established" for one in kept]
    current = [
        kept_.evidence if kept_ is not None and kept_.closed else item
        for kept_, item in zip(kept, evidence, strict=True)
    ]
    called = call([item.claims[1.0] for item in current], family, was)
    established = sum(one.established for one in called)
    needed = evidence_to_clear([item.claims[1.0] for item in current], family)
    decisions: dict[str, Decision] = {}
    for i, (name, item) in enumerate(zip(ids, current, strict=True)):
        old = kept[i]
        if old is not None and old.closed and _stands(old, health):
            decisions[name] = old
            continue
        decisions[name] = _one(
            item,
            called[i],
            family=family,
            established=established - int(called[i].established),
            to_clear=needed[i],
            health=health,
            trials_left=trials_left if trials_left <= BELIEVED * budget else None,
            final=final,
        )
    return decisions


def evidence_to_clear(claims: Sequence[Claims], family: Family) -> list[float]:
    """Return the e-value that closed testing asks of each hypothesis, given its rivals.

    A hypothesis is cleared when it and its m weakest rivals average 1/alpha_clear, for every m;
    those that were not asked count as rivals without evidence.
    """
    evidence = np.exp(np.minimum([min(claim.inside) for claim in claims], 100.0))
    needed = []
    for i in range(len(evidence)):
        rivals = np.sort(np.delete(evidence, i))
        unasked = np.zeros(max(0, family.hypotheses - 1 - len(rivals)))
        sums = np.cumsum(np.concatenate([[0.0], unasked, rivals]))
        wanted = np.arange(1, len(sums) + 1) / family.alpha_clear - sums
        needed.append(float(np.max(wanted)))
    return needed


def at_limits(
    item: Evidence, family_evidence: Sequence[Evidence], family: Family, health: Health
) -> dict[float, Label]:
    """Return the verdict that `item` would have had at each set of limits that it was read at.

    Parameters
    ----------
    family_evidence : sequence of Evidence
        All of the family, `item` among them.
    """
    place = next(i for i, one in enumerate(family_evidence) if one is item)
    nobody = [False] * len(family_evidence)
    labels: dict[float, Label] = {}
    for scale in sorted(item.claims):
        claims = [one.claims.get(scale) for one in family_evidence]
        labels[scale] = _label(item, call(claims, family, nobody)[place], health)
    return labels


def _lost_ground(old: Decision, item: Evidence) -> bool:
    """Whether it was cleared on an assumption that answers have contradicted since."""
    rested = old.label == "cleared" and old.evidence.assumption == "holds"
    return rested and item.assumption == "withdrawn"


def _stands(old: Decision, health: Health) -> bool:
    """Whether a closed decision outlives what the controls say now."""
    return health.harness and (health.access or old.label != "cleared")


def _one(
    item: Evidence,
    one: Called,
    *,
    family: Family,
    established: int,
    to_clear: float,
    health: Health,
    trials_left: int | None,
    final: bool,
) -> Decision:
    claims = item.claims[1.0]
    label = _label(item, one, health)
    decided = {"established": min(claims.differs, claims.beyond)}
    log_e = decided.get(label, claims.differs)
    base = Decision(
        evidence=item,
        label=label,
        mean=one.mean,
        share=one.share,
        real=one.indicated,
        closed=False,
        level=1 - 2 / to_clear if label == "cleared" else family.level(established),
        evalue=math.exp(min(log_e, 700.0)),
        adjusted=float(adjusted(log_e, min(established, family.hypotheses - 1), family.hypotheses)),
    )
    needed = queries_needed(item, family, established)
    at_best = queries_needed(_hoped(item), family, established)
    closed, reason = _why(item, one, base, health, needed, at_best, trials_left, final=final)
    return replace(
        base,
        closed=closed,
        reason=reason,
        reason_values={"queries": needed},
        queries_needed=None if base.label in {"established", "cleared"} else needed,
    )


def queries_needed(item: Evidence, family: Family, established: int) -> int | None:
    """Return how many more queries the nearest verdict is predicted to need; None: unknown."""
    blocks = blocks_needed(
        item.claims[1.0],
        item.n,
        accuse_at=family.accuse_at(established),
        clear_at=family.clear_at,
    )
    return None if blocks is None else math.ceil(blocks * item.queries / max(1, item.n))


def _hoped(item: Evidence) -> Evidence:
    """Return the evidence as it may well come to be: whether going on is hopeless."""
    claims = item.claims[1.0]
    if claims.hoped is None:
        return item
    inside, beyond = claims.hoped
    best = replace(claims, inside=(inside,) * 3, beyond=beyond)
    return replace(item, claims={1.0: best})


def _label(item: Evidence, one: Called, health: Health) -> Label:
    if not health.harness or not item.delivered:
        return "inconclusive"
    if one.established:
        return "established"
    if one.cleared and health.may_clear:
        return "cleared"
    return "indicated" if one.indicated else "inconclusive"


def _why(
    item: Evidence,
    one: Called,
    base: Decision,
    health: Health,
    needed: int | None,
    at_best: int | None,
    trials_left: int | None,
    *,
    final: bool,
) -> tuple[bool, str | None]:
    """Return whether the hypothesis is closed, and why it was not settled, by precedence."""
    noisy = base.share == "not_estimable" and item.share is not None
    hopeless = at_best is not None and trials_left is not None and at_best > HOPELESS * trials_left
    over = final or hopeless
    unknown = needed is None
    reasons: tuple[tuple[bool, str | None], ...] = (
        (not health.harness, "audit.reason_harness"),
        (not item.delivered, item.reason or "audit.reason_not_delivered"),
        (base.label in {"established", "cleared"}, None),
        (one.cleared and not health.access, "audit.reason_access"),
        (one.cleared and (health.positive is False or final), "audit.reason_positive"),
        (noisy and (one.mean == "inside" or over), "audit.reason_noise"),
        (item.associational and one.indicated, "audit.reason_associational"),
        (item.share is None and one.indicated, "audit.reason_no_limit"),
        (item.n == 0 and item.reason is not None, item.reason),
        (final and item.n == 0, "audit.reason_no_answers"),
        (over and item.exhausted, "audit.reason_accounts"),
        (over, "audit.reason_budget_unknown" if unknown else "audit.reason_budget"),
    )
    return next(((True, reason) for holds, reason in reasons if holds), (False, None))
