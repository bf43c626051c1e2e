"""privacy.canary_list: do lists give away what one planted account took together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ...metrics.bounded import log_mean_evidence
from ...metrics.privacy.canary import epsilon_bound, exposure
from ...metrics.privacy.coins import (
    coin_contrast,
    hit_rates,
    log_coin_evidence,
    smallest_hit_rate,
)
from ...metrics.result import Estimate
from ..design import ANSWERED, FAILED, REFUSED, Floats, Observed, Wave
from ..gaps import GIVEN, HALF, SCALES
from ..ledger import sessions_of
from ..matched import CHECK_AT, limit_of
from ..options import Options
from ..protocol import (
    Card,
    Check,
    Claims,
    Described,
    Evidence,
    Hypothesis,
    Probe,
    Seen,
    Study,
    Subject,
)
from ..registry import register
from ..shares import Limit
from .planted import RETRAINING, STEPS, Canaries, planted_wave, planting

CANARIES, PLACES, COPIES = 200, 10, 1
ITEM = "id"

CARD = Card(
    name="privacy.canary_list",
    question=both("private.canary_question"),
    roles=frozenset(),
    needs=frozenset({"ranking"}),
    outcomes={"ranking": "rate"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("private.canary_null"),
    cost=both("private.canary_cost", canaries=CANARIES),
    guarantee="exact",
    finding_kinds=frozenset({"privacy.leak"}),
    direction="harm",
    options={
        "canaries": both("private.option_canaries", canaries=CANARIES),
        "places": both("private.option_places", places=PLACES),
        "copies": both("private.option_copies", copies=COPIES),
        "guesses": both("private.option_guesses"),
        "plant": both("private.option_plant"),
    },
)


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """What came back of each canary.

    Parameters
    ----------
    rank : (canaries,) int array
        Place of the second item in the list that was asked for, from 1; 0 where it was not listed.
    kind : (canaries,) int8 array
        What became of the question; −1 where it was not asked yet.
    trial : (canaries,) int array
        Row of the observed trials.
    ever : bool
        Whether any list held any planted item: else lists say nothing of what was planted.
    """

    rank: NDArray[np.intp]
    kind: NDArray[np.int8]
    trial: NDArray[np.intp]
    ever: bool

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Which canaries were answered with a list."""
        answered: NDArray[np.bool_] = self.kind == ANSWERED
        return answered


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryList:
    """Pairs of items that accounts of the audit take; a coin says whether one account takes both.

    Both items of every pair are taken equally often, so that popularity says nothing of the coin:
    only having been taken together does. After the vendor has learnt from it, a fresh account that
    has looked at the first item asks for a list. Is the second among the first places?

    Parameters
    ----------
    seed : int
        The plan's: pairs and coins follow from it.
    limit : Limit or None
    canaries : int
    places : int
        How far down a list counts as a hit.
    copies : int
        How often each canary is planted; bounds are for one copy.
    guesses : int
        Most hits that are guessed to be heads, the highest placed first; 0: all. Fixed beforehand.
    plant : str
        The step that takes an item. Empty: the first of :data:`STEPS` that the target has.
    session : tuple of str
        Steps that whoever asks for a list walks. Empty: `plant` or a look, and the last step.
    name : str
    """

    seed: int
    limit: Limit | None = None
    canaries: int = CANARIES
    places: int = PLACES
    copies: int = COPIES
    guesses: int = 0
    plant: str = ""
    session: tuple[str, ...] = ()
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: nothing to plant, too few items, accounts that are given."""
        items = len(study.items)
        if planting(study, self.plant) is None:
            return both("private.no_plant", steps=", ".join(STEPS), known=", ".join(study.steps))
        if ITEM not in study.items.columns or items < 2 * self.canaries:
            return both("private.few_items", items=items, needed=2 * self.canaries)
        if self.places >= items:
            return both("private.long_list", places=self.places, items=items)
        return both("private.need_fresh") if len(study.identities) else None

    def _drawn(self, study: Study) -> Canaries:
        return Canaries.drawn(self.canaries, len(study.items), seed=self.seed, name=self.name)

    def commitment(self, study: Study) -> str:
        """Return the sha256 of all pairs and coins, for the lock."""
        return self._drawn(study).sha256

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return the one hypothesis: a list depends on whether one account took both."""
        del study
        return (
            Hypothesis(
                id=f"{self.name}:canary:ranking",
                probe=self.name,
                outcome="ranking",
                treatment="canary",
                level="together",
                subject=Subject(
                    label=both("private.canary_label"),
                    question=both("private.asks_canary"),
                    reference="apart",
                    level_label=both("private.canary_together"),
                    reference_label=both("private.canary_apart"),
                    role="private",
                    kind="privacy.leak",
                ),
            ),
        )

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the wave that plants; then, after retraining, the one that asks; then None."""
        drawn, done = self._drawn(study), len(seen.observed.waves)
        if done > 1:
            return None
        planted = self._planted(study, drawn, rng)
        asked = self._asked(study, drawn, rng)
        if done == 0:
            return planted if len(planted) + len(asked) <= seen.trials_left else None
        return asked if len(asked) <= seen.trials_left else None

    def _planted(self, study: Study, drawn: Canaries, rng: np.random.Generator) -> Wave:
        """Return the accounts that take the pairs, in random order: both items, or one each."""
        step = study.steps.index(planting(study, self.plant) or "")
        baskets = [
            (canary, basket)
            for canary, coin in enumerate(drawn.coins.tolist())
            for basket in _baskets(int(drawn.first[canary]), int(drawn.second[canary]), both_=coin)
            for _ in range(self.copies)
        ]
        baskets = [baskets[place] for place in rng.permutation(len(baskets)).tolist()]
        paths = [[(step, item) for item in basket] for _, basket in baskets]
        return planted_wave(study, drawn.coins, [canary for canary, _ in baskets], paths, rng)

    def _asked(self, study: Study, drawn: Canaries, rng: np.random.Generator) -> Wave:
        """Return one fresh account for each canary: it looks at the first item and asks for a list."""
        look = "view" if "view" in study.steps[:-1] else planting(study, self.plant) or ""
        walked = self.session or (look, study.steps[-1])
        order = rng.permutation(len(drawn)).tolist()
        paths = [
            [(study.steps.index(step), int(drawn.first[canary])) for step in walked]
            for canary in order
        ]
        return replace(planted_wave(study, drawn.coins, order, paths, rng), after=RETRAINING)

    # ------------------------------------------------------------------ reading
    def sightings(self, study: Study, observed: Observed) -> Sightings:
        """Return at which place each canary's second item was listed."""
        drawn = self._drawn(study)
        rank, trial = np.zeros(len(drawn), dtype=np.intp), np.full(len(drawn), -1, dtype=np.intp)
        kind = np.full(len(drawn), -1, dtype=np.int8)
        rows, _, failed = sessions_of(observed)
        asking = [
            number for number, w in zip(observed.numbers, observed.waves, strict=True) if w.after
        ]
        mine = np.isin(observed.wave[rows], asking)
        names = study.items.columns[ITEM].astype(str)
        wanted = names[drawn.second].tolist()
        planted, ever = {*names[drawn.first].tolist(), *wanted}, False
        lists = observed.values.get("ranking", np.full(len(observed), None))
        for row, lost in zip(rows[mine].tolist(), failed[mine].tolist(), strict=True):
            canary, shown = int(observed.column("block")[row]), lists[row]
            given = shown is not None and len(shown) > 0
            usual = REFUSED if observed.kind[row] == ANSWERED and not given else observed.kind[row]
            kind[canary], trial[canary] = FAILED if lost else usual, row
            ever |= given and not planted.isdisjoint(shown)
            if given and wanted[canary] in shown:
                rank[canary] = shown.index(wanted[canary]) + 1
        return Sightings(rank=rank, kind=kind, trial=trial, ever=ever)

    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence that lists know which items one account took together."""
        drawn, found = self._drawn(study), self.sightings(study, observed)
        (hypothesis,) = self.hypotheses(study)
        used = found.answered
        coins = drawn.coins[used]
        hits = (found.rank[used] > 0) & (found.rank[used] <= self.places)
        never = bool(used.any()) and not found.ever
        rates = hit_rates(coins, hits, level=level or 0.95)
        return (
            Evidence(
                hypothesis=hypothesis,
                delivered=not never,
                claims=_claims(coins, hits, self.limit),
                effect=rates if level is not None else replace(rates, interval=None),
                share=replace(rates, unit="share") if self.limit and rates.value else None,
                base=float(np.mean(hits[~coins])) if np.any(~coins) else math.nan,
                guarantee="exact",
                unit="canary",
                n=int(used.sum()),
                n_excluded=int(np.sum(found.kind >= 0) - used.sum()),
                queries=len(observed),
                smallest_detectable=smallest_hit_rate(int(used.sum())) if used.any() else None,
                reason="private.reason_never_listed" if never else None,
                examples=_examples(observed, drawn, found),
                described=self._described(study, drawn, found, level) if level else (),
                method=(both("private.canary_method", places=self.places, copies=self.copies),),
            ),
        )

    def _described(
        self, study: Study, drawn: Canaries, found: Sightings, level: float
    ) -> tuple[Described, ...]:
        """Return ε, its cap, the bits that lists give away and the least that would have shown."""
        n = int(found.answered.sum())
        least = Estimate(value=smallest_hit_rate(n), unit="share", n=n)
        told = [Described(name="smallest", label=both("private.smallest"), estimate=least)]
        guessed = self._guessed(found)
        if len(guessed):
            right = int(np.sum(drawn.coins[guessed]))
            bound = epsilon_bound(right, len(guessed), level=level, copies=self.copies)
            told += [
                Described(
                    name=name,
                    label=both(f"private.{name}", right=right, guesses=len(guessed)),
                    estimate=Estimate(value=value, unit="epsilon", n=len(guessed)),
                    guarantee="finite-sample",
                )
                for name, value in (("epsilon", bound.value), ("epsilon_cap", bound.cap))
            ]
        heads = found.answered & drawn.coins
        if heads.any():
            bits = [_bits(int(rank), len(study.items)) for rank in found.rank[heads]]
            mean = Estimate(value=float(np.mean(bits)), unit="bits", n=len(bits))
            told.append(Described(name="exposure", label=both("private.exposure"), estimate=mean))
        return tuple(told)

    def _guessed(self, found: Sightings) -> NDArray[np.intp]:
        """Return the canaries that are guessed to be heads, by a rule that never saw a coin."""
        hit = np.flatnonzero(found.answered & (found.rank > 0) & (found.rank <= self.places))
        ordered = hit[np.argsort(found.rank[hit], kind="stable")]
        return ordered[: self.guesses] if self.guesses else ordered

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> Sequence[Check]:
        """Return whether questions about either side of the coin failed alike; at .001."""
        del rng
        coins, failed = self._drawn(study).coins, self.sightings(study, observed).kind == FAILED
        either = np.logaddexp(log_coin_evidence(coins, failed), log_coin_evidence(~coins, failed))
        counts = {"treated": int(failed[coins].sum()), "reference": int(failed[~coins].sum())}
        peak = float(np.max(either, initial=0.0)) - HALF
        return (Check(kind="access", passed=peak < CHECK_AT, values=counts),)


def _baskets(first: int, second: int, *, both_: bool) -> tuple[tuple[int, ...], ...]:
    return ((first, second),) if both_ else ((first,), (second,))


def _bits(rank: int, items: int) -> float:
    """Return the exposure of a canary; one that is not listed counts as the last."""
    return exposure(rank or items, items)


def _claims(
    coins: NDArray[np.bool_], hits: NDArray[np.bool_], limit: Limit | None
) -> Mapping[float, Claims]:
    path = log_coin_evidence(coins, hits)
    differs, now = float(np.max(path, initial=0.0)), float(path[-1]) if len(path) else 0.0
    if limit is None:
        return {1.0: Claims(differs=differs, differs_now=now, estimable=False)}
    contrast = coin_contrast(coins, hits)
    return {
        scale: _claimed(differs, now, contrast, math.expm1(limit.times(scale).mean))
        for scale in SCALES
    }


def _claimed(differs: float, now: float, contrast: Floats, most: float) -> Claims:
    """Return the claims at one limit: of hits in a hundred, the mean is the share."""
    above = log_mean_evidence(contrast, bound=2.0, limit=most, side="above")
    below = log_mean_evidence(contrast, bound=2.0, limit=most, side="below")
    beyond = float(np.max(above, initial=0.0))
    return Claims(
        differs=differs,
        differs_now=now,
        beyond=beyond,
        mean_beyond=beyond,
        inside=(GIVEN, float(below[-1]) if len(below) else 0.0, GIVEN),
    )


def _examples(observed: Observed, drawn: Canaries, found: Sightings) -> tuple[tuple[int, int], ...]:
    """Return the trials of the highest placed canary of either side, as (wave, position)."""
    hit = np.flatnonzero(drawn.coins & (found.rank > 0))
    missed = np.flatnonzero(~drawn.coins & found.answered)
    if not len(hit) or not len(missed):
        return ()
    rows = (found.trial[hit[np.argmin(found.rank[hit])]], found.trial[missed[0]])
    return tuple((int(observed.wave[row]), int(observed.position[row])) for row in rows)


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return CanaryList(
        seed=int(options.get("seed", 0)),
        limit=limit_of(options),
        canaries=own.count("canaries", CANARIES),
        places=int(own.number("places")) or PLACES,
        copies=int(own.number("copies")) or COPIES,
        guesses=int(own.number("guesses")),
        plant=str(options.get("options", {}).get("plant", "")),
        session=tuple(options.get("session", ())),
        name=options.get("name", CARD.name),
    )
