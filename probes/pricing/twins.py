"""pricing.twins: does the price follow who the customer is.

In each block one context is asked at one moment by customers that are alike but for one attribute:
a reference, a treated arm for each level that is still open, and often the reference's twin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...datasets.personas import TREATMENTS
from ...messages import both
from ...metrics.dependence import log_dependence, log_harness, twin_accusations
from ...metrics.result import Estimate
from ..accounts import assign, room
from ..contexts import contexts_of, draw, lay_out, together
from ..design import FAILED, REFERENCE, TREATED, TWIN, Observed, Wave, codes
from ..gaps import beyond_if_confirmed, blocks_needed, inside, read
from ..ledger import Ledger
from ..protocol import Card, Check, Claims, Evidence, Hypothesis, Probe, Seen, Study
from ..registry import register
from ..shares import Limit, shares_of

FIRST_BLOCKS = 16
GROWTH = 0.25
LEAST_BLOCKS = 8
TWINS_ALWAYS, TWINS_EVERY = 50, 8
TWINS_WHILE = math.log(3)
PAIRS_AGAIN = 4
CHECK_AT = math.log(1000)
"""Harness and access are tested at .001."""

CARD = Card(
    name="pricing.twins",
    question=both("audit.twins_question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("audit.twins_null"),
    cost=both("audit.twins_cost"),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Matched customers in blocks, with twins.

    Parameters
    ----------
    treat : tuple of str
        Attributes to vary, one at a time, from the reference profile.
    direction : {"any", "harm"}
        Whether only a dearer price counts as beyond the limit.
    limit : Limit or None
        Without one a difference can be indicated, never established or cleared.
    bound : float
        Log ratios are clipped to ± this in the mean.
    outcome : str
    name : str
        What the audit calls this entry of the plan: a plan may use the probe more than once.
    """

    treat: tuple[str, ...]
    direction: Literal["any", "harm"] = "any"
    limit: Limit | None = None
    bound: float = math.log(1.5)
    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return one hypothesis for each treated level."""
        return tuple(
            Hypothesis(
                id=f"{self.name}:{name}={level}:{self.outcome}",
                probe=self.name,
                outcome=self.outcome,
                treatment=name,
                level=level,
            )
            for name in self.treat
            for level in study.attributes[name].levels[1:]
        )

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next wave: rounds for flagged contexts, then fresh blocks.

        The first wave has 16 blocks; later ones a quarter of what was asked, less when a decision
        is predicted to be nearer.
        """
        wave = self._next(study, seen, rng)
        return None if wave is None else assign(study, wave, seen.observed, rng)

    def _next(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        arms = self._open_arms(study, seen)
        if not arms:
            return None
        ledger = self._ledger(study, seen.observed)
        again = self._again(study, ledger, seen, arms, rng)
        left = seen.trials_left - (len(again) if again else 0)
        if again is not None and self._rounds_suffice(ledger, seen, arms):
            return again
        limit = min(left, max(seen.wave_limit, 2 + len(arms)))
        first = len(ledger) if again is None else int(again.block.max()) + 1
        fresh = self._fresh(study, ledger, seen, arms, limit, first, rng)
        if again is None or fresh is None:
            return again or fresh
        return together(again, fresh)

    def _open_arms(self, study: Study, seen: Seen) -> list[int]:
        """Return the arms that are asked: open hypotheses whose attribute is carried."""
        return [
            TREATED + i
            for i, hypothesis in enumerate(self.hypotheses(study))
            if hypothesis.id in seen.undecided and is_carried(study, hypothesis.treatment)
        ]

    def _changes(self, study: Study) -> Mapping[int, Mapping[str, int]]:
        """Return what makes each arm differ from the reference."""
        return {
            TREATED + i: {h.treatment: study.attributes[h.treatment].levels.index(h.level)}
            for i, h in enumerate(self.hypotheses(study))
        }

    def _ledger(self, study: Study, observed: Observed) -> Ledger:
        return Ledger.of(observed, self.outcome, TREATED + len(self.hypotheses(study)))

    def _again(
        self,
        study: Study,
        ledger: Ledger,
        seen: Seen,
        arms: Sequence[int],
        rng: np.random.Generator,
    ) -> Wave | None:
        """Return one more round of four pairs for every flag that is worth it, arms sharing them."""
        if self.limit is None or len(ledger) == 0 or study.tied:
            return None
        wanted = np.zeros(ledger.log.shape, dtype=bool)
        for arm in arms:
            if not self._mean_decides(ledger, arm):
                shares = shares_of(ledger, arm, limit=self.limit, direction=self.direction)
                wanted[shares.block[shares.open], arm] = True
        blocks = np.flatnonzero(wanted.any(axis=1))
        cost = PAIRS_AGAIN * (1 + wanted[blocks].sum(axis=1))
        blocks = blocks[np.cumsum(cost) <= min(seen.trials_left, seen.wave_limit)]
        if len(blocks) == 0:
            return None
        blocks = np.repeat(blocks, PAIRS_AGAIN)
        ask = wanted[blocks]
        ask[:, REFERENCE] = True
        return lay_out(
            contexts_of(seen.observed, ledger.trial[blocks, REFERENCE]),
            arms=ask,
            first_block=len(ledger),
            again=codes(blocks),
            overrides=self._changes(study),
            rng=rng,
        )

    def _mean_decides(self, ledger: Ledger, arm: int) -> bool:
        """Whether the mean is so far beyond the limit that asking again would be wasted."""
        x = ledger.clipped_mean_terms(arm, self.bound)
        x = x[~np.isnan(x)]
        if self.limit is None or len(x) < LEAST_BLOCKS:
            return False
        mean = float(np.mean(x)) if self.direction == "harm" else abs(float(np.mean(x)))
        error = float(np.std(x)) / math.sqrt(len(x))
        return mean - self.limit.mean > 3 * error

    def _rounds_suffice(self, ledger: Ledger, seen: Seen, arms: Sequence[int]) -> bool:
        """Whether asking again could settle every open arm without a fresh block.

        An arm would be cleared if its open flags were dropped, or established if those that have
        survived a round were confirmed.
        """
        limit, direction = self.limit, self.direction
        if limit is None:
            return False

        def settled(arm: int) -> bool:
            found = inside(
                ledger, arm, limit=limit, direction=direction, bound=self.bound, drop_open=True
            )
            shown = beyond_if_confirmed(ledger, arm, limit=limit, direction=direction)
            return min(found) >= seen.clear_at or shown >= seen.accuse_at

        return all(settled(arm) for arm in arms)

    def _fresh(
        self,
        study: Study,
        ledger: Ledger,
        seen: Seen,
        arms: Sequence[int],
        limit: int,
        first_block: int,
        rng: np.random.Generator,
    ) -> Wave | None:
        """Return fresh blocks, as many as growth, a near decision and the budget allow."""
        done = int(np.sum(ledger.fresh))
        changes = self._changes(study)
        free = room(study, seen.observed, [{}, {}, *(dict(changes[arm]) for arm in arms)])
        size = self._size(done, seen) if free is None else min(self._size(done, seen), free)
        ask = np.zeros((size, ledger.log.shape[1]), dtype=bool)
        ask[:, [REFERENCE, *arms]] = True
        ask[:, TWIN] = self._twins(done + np.arange(size), seen)
        size = int(np.sum(np.cumsum(ask.sum(axis=1)) <= limit))
        if size == 0:
            return None
        return lay_out(
            draw(study, size, rng),
            arms=ask[:size],
            first_block=first_block,
            overrides=changes,
            rng=rng,
        )

    def _size(self, done: int, seen: Seen) -> int:
        if done == 0:
            return FIRST_BLOCKS
        quarter = max(math.ceil(done * GROWTH), LEAST_BLOCKS)
        open_ = [e for e in seen.evidence if e.hypothesis.id in seen.undecided and e.delivered]
        near = [
            blocks_needed(e.claims[1.0], e.n, accuse_at=seen.accuse_at, clear_at=seen.clear_at)
            for e in open_
        ]
        return max(LEAST_BLOCKS, min([quarter, *(n for n in near if n is not None)]))

    def _twins(self, blocks: NDArray[np.intp], seen: Seen) -> NDArray[np.bool_]:
        """Say which blocks have a twin: the first fifty, then every eighth, and while it pays.

        It pays while a dependence shows and is not yet settled: a triple says more than a pair.
        """
        pays = any(
            e.claims[1.0].differs_now > TWINS_WHILE and e.claims[1.0].differs < seen.accuse_at
            for e in seen.evidence
            if e.hypothesis.id in seen.undecided
        )
        early: NDArray[np.bool_] = blocks < TWINS_ALWAYS
        twins: NDArray[np.bool_] = early | (blocks % TWINS_EVERY == 0) | pays
        return twins

    # ------------------------------------------------------------------ reading
    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence for every hypothesis from all answers so far."""
        ledger = self._ledger(study, observed)
        return tuple(
            self._read(study, ledger, observed, hypothesis, TREATED + i, level)
            for i, hypothesis in enumerate(self.hypotheses(study))
        )

    def _read(
        self,
        study: Study,
        ledger: Ledger,
        observed: Observed,
        hypothesis: Hypothesis,
        arm: int,
        level: float | None,
    ) -> Evidence:
        if not is_carried(study, hypothesis.treatment):
            return Evidence(
                hypothesis=hypothesis,
                delivered=False,
                claims={1.0: Claims()},
                effect=Estimate(value=None, unit="log-ratio"),
                reason="audit.reason_not_delivered",
            )
        found = read(
            ledger,
            hypothesis,
            arm,
            limit=self.limit,
            direction=self.direction,
            bound=self.bound,
            level=level,
            tied=bool(study.tied),
        )
        if hypothesis.treatment in study.tied and study.assigned == "self":
            found = associational(found)
        places = tuple(
            (int(observed.wave[trial]), int(observed.position[trial]))
            for pair in found.examples
            for trial in pair
        )
        change = dict(self._changes(study)[arm])
        free = room(study, observed, [{}, {}, change]) if study.tied else None
        return replace(found, examples=places, exhausted=free == 0)

    def checks(self, observed: Observed, rng: np.random.Generator | None) -> tuple[Check, ...]:
        """Return the twins' verdict on the audit itself, and whether arms failed unequally.

        The harness check tests reference against twin, the access check failures of each arm
        against those of its reference and twin; both at .001, at any stopping time.
        """
        width = int(observed.column("arm").max(initial=TWIN)) + 1
        ledger = Ledger.of(observed, self.outcome, width)
        rows = ledger.fresh & ledger.asked[:, TWIN]
        harness = log_harness(ledger.log[rows, REFERENCE], ledger.log[rows, TWIN])
        access = _log_access(ledger)
        found = [
            Check(kind="harness", passed=_peak(harness) < CHECK_AT, values={"pairs": len(harness)}),
            Check(kind="access", passed=access < CHECK_AT, values=_failed(ledger)),
        ]
        if rng is not None and self.limit is not None and rows.any():
            accused, draws = twin_accusations(
                ledger.log[rows][:, [TREATED, REFERENCE, TWIN]],
                np.full(int(rows.sum()), 3),
                ratio=math.expm1(self.limit.mean),
                bound=self.bound,
                alpha=0.05,
                rng=rng,
            )
            found.append(
                Check(kind="twins", passed=True, values={"accused": accused, "draws": draws})
            )
        return tuple(found)


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
    """Whether the vendor can see the attribute: in the request, or by the account it is tied to."""
    if name in study.tied:
        return True
    attribute = study.attributes[name]
    return all(
        any(field in study.carried for field in attribute.fields(cue, 0))
        for cue in attribute.cue_names
    )


def _peak(path: NDArray[np.float64]) -> float:
    return float(np.max(path, initial=0.0))


def _log_access(ledger: Ledger) -> float:
    """Return the evidence that some arm fails more, or less, than its reference and twin."""
    arms = range(TREATED, ledger.kind.shape[1])
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


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    tolerance = options.get("tolerance")
    limit = None
    if tolerance is not None:
        limit = Limit.of(
            ratio=tolerance["ratio"],
            share=tolerance["share"],
            beyond=tolerance.get("beyond") or tolerance["ratio"],
            reproducible=options.get("reproducible", 0.5),
            deterministic=options.get("assume") == "deterministic",
        )
    return Twins(
        treat=tuple(options["treat"]),
        direction=options.get("direction", "any"),
        limit=limit,
        bound=math.log1p(options.get("clip", 0.5)),
        outcome=options.get("outcome", "final"),
        name=options.get("name", CARD.name),
    )
