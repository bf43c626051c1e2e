"""The design that all matched comparisons share: blocks of one context, asked at one moment.

In each block one context is asked by customers that are alike but for one thing: a reference, a
treated arm for each comparison that is still open, and often the reference's twin. What differs
between the arms, and in which score they are compared, is what one probe says and another does not.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..metrics.dependence import log_dependence, log_harness, twin_accusations
from ..metrics.result import Estimate
from .accounts import assign, room
from .contexts import Contexts
from .design import FAILED, REFERENCE, TREATED, TWIN, Observed, Wave
from .gaps import read
from .ledger import Ledger
from .planned import Planned
from .protocol import Card, Check, Claims, Evidence, Hypothesis, Seen, Study
from .scores import FINAL, Score, told
from .shares import Direction, Limit

CHECK_AT = math.log(1000)
"""Harness and access are tested at .001."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What the sessions of one arm are.

    Parameters
    ----------
    changes : mapping of str to int
        Attribute → level code: in what its persona differs from the context's.
    path : tuple of str
        The steps that its sessions walk; empty: those of the probe.
    """

    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One hypothesis: an arm beside the reference, in one score.

    Parameters
    ----------
    hypothesis : Hypothesis
    arm : int
        Its place in `Layout.arms`.
    score : Score
    delivered : bool
        Whether the vendor can see what the arm changes.
    direction : {"any", "harm"}, optional
        Where it is not the probe's.
    """

    hypothesis: Hypothesis
    arm: int
    score: Score = FINAL
    delivered: bool = True
    direction: Direction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a probe compares: the treated arms, the hypotheses about them, and the reference."""

    arms: tuple[Arm, ...]
    compared: tuple[Compared, ...]
    reference: Arm = Arm()
    background: tuple[str, ...] = ()
    """Treated attributes that every block draws. An arm is asked where those that it changes are at
    their reference, so that it is compared with everything else as the block has it."""

    @property
    def width(self) -> int:
        """How many columns a ledger has."""
        return TREATED + len(self.arms)

    def changes(self) -> Mapping[int, Mapping[str, int]]:
        """Return what each column of a ledger changes in the context's persona."""
        own = self.reference.changes
        treated = {TREATED + i: arm.changes for i, arm in enumerate(self.arms)}
        return {REFERENCE: own, TWIN: own, **treated} if own else treated

    def fits(self, contexts: Contexts) -> NDArray[np.bool_]:
        """Say for each context and each column of a ledger whether it can be asked there."""
        fits = np.ones((len(contexts), self.width), dtype=bool)
        for place, arm in enumerate(self.arms):
            for name in arm.changes.keys() & set(self.background):
                fits[:, TREATED + place] &= contexts.conditions[name] == 0
        return fits

    def paths(self, study: Study, session: Sequence[str]) -> Mapping[int, tuple[int, ...]]:
        """Return the steps that each column of a ledger walks, as codes of ``study.steps``."""
        arms = [self.reference, self.reference, *self.arms]
        walked = [arm.path or tuple(session) or study.steps[-1:] for arm in arms]
        return {
            column: tuple(study.steps.index(step) for step in path)
            for column, path in enumerate(walked)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One comparison as it was read for a report: the answers, and the evidence in them."""

    study: Study
    observed: Observed
    layout: Layout
    one: Compared
    found: Evidence
    level: float

    @property
    def ledger(self) -> Ledger:
        """The answers by block and arm, in the score of the comparison."""
        return Ledger.of(self.observed, self.one.score, self.layout.width)

    @property
    def arm(self) -> int:
        """The column of the treated arm."""
        return TREATED + self.one.arm

    @property
    def changes(self) -> Mapping[str, int]:
        """What the treated arm changes."""
        return self.layout.arms[self.one.arm].changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched(ABC):
    """Matched customers in blocks, with twins. A probe says what varies: :meth:`layout`.

    Parameters
    ----------
    direction : {"any", "harm"}
        Whether only what is worse for the customer counts as beyond the limit.
    limit : Limit or None
        On the scale of ratios. Without one a difference can be indicated, never established or
        cleared.
    bound : float
        Log ratios are clipped to ± this in the mean, parts of a price to the same fraction of it,
        other differences to ± 1.
    session : tuple of str
        Steps that every session walks; the last is measured. Empty: the target's last step alone.
    name : str
        What the audit calls this entry of the plan: a plan may use a probe more than once.
    crossover : bool
        Whether one account carries all arms of a block, in random order.
    """

    direction: Direction = "any"
    limit: Limit | None = None
    bound: float = math.log(1.5)
    session: tuple[str, ...] = ()
    name: str = ""
    crossover: bool = False

    @property
    @abstractmethod
    def card(self) -> Card:
        """What the probe says of itself."""

    @abstractmethod
    def layout(self, study: Study) -> Layout:
        """Return what is compared: a pure function of the study."""

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return what will be found out, before anything is asked."""
        return tuple(one.hypothesis for one in self.layout(study).compared)

    def limit_of(self, score: Score) -> Limit | None:
        """Return the limit on the scale of a score."""
        return None if self.limit is None else self.limit.on(score)

    def bound_of(self, score: Score) -> float:
        """Return what gaps of a score are clipped to in the mean."""
        if score.unit == "share-of-price":
            return min(1.0, math.expm1(self.bound))
        return self.bound if score.unit == "log-ratio" else 1.0

    def direction_of(self, one: Compared) -> Direction:
        """Return what counts as beyond the limit for one hypothesis."""
        return one.direction or self.direction

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next wave: rounds for flagged contexts, then fresh blocks.

        The first wave has 16 blocks; later ones a quarter of what was asked, less when a decision
        is predicted to be nearer.
        """
        wave = Planned(self, study, seen).next(rng)
        if wave is None:
            return None
        return assign(study, wave, seen.observed, rng, crossover=self.crossover)

    # ------------------------------------------------------------------ reading
    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence for every hypothesis from all answers so far."""
        layout = self.layout(study)
        return tuple(self.evidence(study, layout, observed, one, level) for one in layout.compared)

    def evidence(
        self,
        study: Study,
        layout: Layout,
        observed: Observed,
        one: Compared,
        level: float | None,
    ) -> Evidence:
        """Return the evidence for one comparison."""
        if not one.delivered:
            return Evidence(
                hypothesis=one.hypothesis,
                delivered=False,
                claims={1.0: Claims()},
                effect=Estimate(value=None, unit=one.score.unit),
                reason="audit.reason_not_delivered",
            )
        found = read(
            Ledger.of(observed, one.score, layout.width),
            one.hypothesis,
            TREATED + one.arm,
            limit=self.limit_of(one.score),
            direction=self.direction_of(one),
            bound=self.bound_of(one.score),
            level=level,
            score=one.score,
            tied=bool(study.tied),
        )
        change = dict(layout.arms[one.arm].changes)
        brought = study.assigned == "self" and not set(study.tied).isdisjoint(change)
        if study.recorded or brought:
            found = associational(found)
        places = tuple(
            (int(observed.wave[trial]), int(observed.position[trial]))
            for pair in found.examples
            for trial in pair
        )
        free = room(study, observed, [{}, {}, change]) if study.tied else None
        effect = _told(found.effect, one.score)
        found = replace(found, effect=effect, examples=places, exhausted=free == 0)
        if level is None or found.n == 0:
            return found
        return self.detailed(
            Reading(
                study=study, observed=observed, layout=layout, one=one, found=found, level=level
            )
        )

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence with what else a report may say of it: here nothing more."""
        return reading.found

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> tuple[Check, ...]:
        """Return the twins' verdict on the audit itself, and whether arms failed unequally.

        The harness check tests reference against twin, the access check failures of each arm
        against those of its reference and twin; both at .001, at any stopping time.
        """
        layout = self.layout(study)
        one = next((c for c in layout.compared if c.delivered), layout.compared[0])
        arm = TREATED + one.arm
        ledger = Ledger.of(observed, one.score, layout.width)
        rows = ledger.fresh & ledger.asked[:, TWIN]
        scores = ledger.scores(arm)[rows]
        harness = log_harness(scores[:, 1], scores[:, 2])
        access = _log_access(ledger)
        found = [
            Check(kind="harness", passed=_peak(harness) < CHECK_AT, values={"pairs": len(harness)}),
            Check(kind="access", passed=access < CHECK_AT, values=_failed(ledger)),
        ]
        limit = self.limit_of(one.score)
        if rng is not None and limit is not None and rows.any():
            accused, draws = twin_accusations(
                scores,
                np.full(int(rows.sum()), 3),
                ratio=math.expm1(limit.mean),
                bound=self.bound_of(one.score),
                alpha=0.05,
                rng=rng,
            )
            found.append(
                Check(kind="twins", passed=True, values={"accused": accused, "draws": draws})
            )
        return tuple(found)


def _told(effect: Estimate, score: Score) -> Estimate:
    """Return an effect in the direction in which people tell it: a smaller coupon is less."""
    return replace(
        effect,
        value=None if effect.value is None else score.harm * effect.value,
        interval=effect.interval and told(effect.interval, score),
    )


def associational(found: Evidence) -> Evidence:
    """Return evidence that shows a dependence at most: nobody assigned the attribute by lot."""
    claims_ = {
        scale: replace(
            one,
            beyond=0.0,
            mean_beyond=0.0,
            share_beyond=0.0,
            inside=(-math.inf, -math.inf, -math.inf),
        )
        for scale, one in found.claims.items()
    }
    return replace(found, claims=claims_, associational=True)


def is_carried(study: Study, name: str) -> bool:
    """Whether the vendor can see the attribute: in the request, or by the account it is tied to.

    What a plan has no attribute for (a path through the shop) is seen by being done.
    """
    if name in study.tied or name not in study.attributes:
        return True
    attribute = study.attributes[name]
    return all(
        any(field in study.carried for field in attribute.fields(cue, 0))
        for cue in attribute.cue_names
    )


def treated_arms(study: Study, treat: Sequence[str]) -> tuple[tuple[Arm, str, Any], ...]:
    """Return an arm, its attribute and its level, for every treated level of the attributes."""
    return tuple(
        (Arm(changes={name: code}), name, level)
        for name in treat
        for code, level in enumerate(study.attributes[name].levels)
        if code
    )


def limit_of(options: Mapping[str, Any]) -> Limit | None:
    """Return the limit that a plan's entry sets; None where it sets none."""
    tolerance = options.get("tolerance")
    if tolerance is None:
        return None
    mean = tolerance.get("ratio") or tolerance["difference"]
    return Limit.of(
        ratio=mean,
        share=tolerance["share"],
        beyond=tolerance.get("beyond") or mean,
        reproducible=options.get("reproducible", 0.5),
        deterministic=options.get("assume") == "deterministic",
    )


def common(options: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """Return what every matched comparison takes from its plan entry."""
    return {
        "direction": options.get("direction", "any"),
        "limit": limit_of(options),
        "bound": math.log1p(options.get("clip", 0.5)),
        "session": tuple(options.get("session", ())),
        "name": options.get("name", card.name),
    }


def _peak(path: NDArray[np.float64]) -> float:
    return float(np.max(path, initial=0.0))


def _log_access(ledger: Ledger) -> float:
    """Return the evidence that some arm fails more, or less, than its reference and twin."""
    arms = range(TREATED, ledger.width)
    if not arms or not np.any(ledger.kind == FAILED):
        return 0.0
    peaks = [_peak(log_dependence(*ledger.failures(arm))) for arm in arms]
    return float(np.logaddexp.reduce(peaks) - math.log(len(peaks)))


def _failed(ledger: Ledger) -> dict[str, int]:
    failed = ledger.kind == FAILED
    return {
        "reference": int(failed[:, [REFERENCE, TWIN]].sum()),
        "treated": int(failed[:, TREATED:].sum()),
    }
