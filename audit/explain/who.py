"""For whom a difference holds: a search on the answers on file, confirmed on fresh blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ...metrics.bounded import mean_interval
from ...metrics.result import Interval
from ...probes.accounts import assign
from ...probes.contexts import Contexts, contexts_of, draw, lay_out
from ...probes.design import REFERENCE, TREATED, Floats, Observed, Wave
from ...probes.ledger import Ledger
from ...probes.protocol import Card, Seen, Study
from ...probes.scores import LogPrice
from .frames import Feature, features

Bools = NDArray[np.bool_]

SIDE = 8
"""Blocks that each side of a split must have."""
CLEAR = 5.0
"""A split is followed up when its two sides lie so many standard errors apart."""
HALF = 0.5
"""… and when the effect elsewhere is at most this part of the effect inside."""
DEEPER = 1.5
"""A second condition must part the sides so many times better than the first alone."""
FOLLOWED = 6
"""Single conditions that are tried together with a second one."""
CUTS = 9
"""Thresholds that are tried of one column of numbers."""
WAVE, MOST = 16, 96
"""Fresh blocks of one side in one wave, and at most."""
LEVEL = 0.975
"""Of each of the two intervals: both hold at once with probability 95 %, whenever asking ends."""
FRAME = 4096
"""Contexts that are drawn to say how large a part of the frame a subgroup is."""
OVERDRAW = 64
"""Contexts drawn for each one kept, at most: a subgroup that is rarer is left unconfirmed."""

CARD = Card(
    name="explanation.who",
    question=both("explain.who_question"),
    roles=frozenset(),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    null=both("explain.who_null"),
    cost=both("explain.who_cost", most=2 * MOST),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition on a context.

    Examples
    --------
    >>> long = Rule(name="km", label={"zh": "里程", "en": "distance"}, relation="above", value=5.0)
    >>> long.holds(np.array([3.0, 8.0])).tolist()
    [False, True]
    """

    name: str
    label: Text
    relation: Literal["is", "at_most", "above"]
    value: float | str

    def holds(self, column: NDArray[np.generic]) -> Bools:
        """Return in which entries of the column it holds."""
        if self.relation == "is":
            same: Bools = column == self.value
            return same
        below: Bools = np.asarray(column, dtype=float) <= float(self.value)
        return below if self.relation == "at_most" else ~below


Rules = tuple[Rule, ...]
SIDES: tuple[Literal["at_most", "above"], ...] = ("at_most", "above")


def inside(rules: Rules, known: Sequence[Feature]) -> Bools:
    """Return which contexts meet all rules."""
    columns: Mapping[str, NDArray[np.generic]] = {one.name: one.column for one in known}
    met = [rule.holds(columns[rule.name]) for rule in rules]
    out: Bools = np.logical_and.reduce(met)
    return out


def search(known: Sequence[Feature], gaps: Floats) -> Rules:
    """Return the shallowest rule inside which the gap lives; empty where there is none.

    Heuristic: it looks at many rules and promises nothing. What it finds is asked again.

    Parameters
    ----------
    known : sequence of Feature
        Of the contexts of the blocks.
    gaps : (blocks,) float
        Log ratio of each block; NaN where something was not answered.
    """
    usable = np.isfinite(gaps)
    if usable.sum() < 2 * SIDE:
        return ()
    kept = [
        Feature(name=f.name, label=f.label, role=f.role, column=f.column[usable])
        for f in known
        if f.role in {"condition", "item"}
    ]
    gap = gaps[usable]
    scored = sorted(
        ((_apart(inside((rule,), kept), gap), (rule,)) for rule in _single(kept)),
        key=lambda one: -one[0],
    )
    if not scored:
        return ()
    best: tuple[float, Rules] = scored[0]
    heads = [rules[0] for _, rules in scored[:FOLLOWED]]
    for pair in combinations(heads, 2):
        if pair[0].name == pair[1].name:
            continue
        score = _apart(inside(pair, kept), gap)
        if score > max(DEEPER * scored[0][0], best[0]):
            best = (score, pair)
    return best[1] if best[0] >= CLEAR else ()


def _single(known: Iterable[Feature]) -> list[Rule]:
    out: list[Rule] = []
    for one in known:
        values = np.unique(one.column)
        if one.numeric and len(values) > 2:  # noqa: PLR2004 - two values part at one cut
            places = np.unique(
                np.linspace(0, len(values) - 2, min(CUTS, len(values) - 1)).astype(int)
            )
            out += [
                Rule(name=one.name, label=one.label, relation=relation, value=float(value))
                for value in values[places].tolist()
                for relation in SIDES
            ]
        else:
            out += [
                Rule(name=one.name, label=one.label, relation="is", value=value)
                for value in values.tolist()
            ]
    return out


def _apart(chosen: Bools, gap: Floats) -> float:
    """Return by how many standard errors the two sides part; 0 where the effect lives in both."""
    in_, out = gap[chosen], gap[~chosen]
    if min(len(in_), len(out)) < SIDE:
        return 0.0
    effect, rest = float(np.mean(in_)), float(np.mean(out))
    if abs(rest) > HALF * abs(effect):
        return 0.0
    error = np.sqrt(np.var(in_) / len(in_) + np.var(out) / len(out))
    return abs(effect - rest) / max(float(error), 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whether an effect lives inside a rule and not elsewhere, on fresh blocks of either side.

    Null hypothesis
        The mean clipped log ratio is the same inside and elsewhere.
    Guarantee
        Finite-sample, at any stopping time, under any noise: the two time-uniform intervals must
        be disjoint.
    """

    rules: Rules
    attribute: str
    level: int
    bound: float
    outcome: str = "final"
    most: int = 4 * MOST

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return CARD

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return more blocks of both sides until their intervals part, or the cap."""
        asked = sum(len(wave) for wave in seen.observed.waves) // 2
        left = min(self.most - 2 * asked, seen.trials_left, seen.wave_limit) // 4
        n = min(WAVE, left, MOST - asked // 2)
        if n < 1 or (not asked and n < SIDE) or self.confirmed(study, seen.observed):
            return None
        contexts = self._both(study, n, rng)
        if contexts is None:
            return None
        arms = np.zeros((len(contexts), TREATED + 1), dtype=bool)
        arms[:, [REFERENCE, TREATED]] = True
        wave = lay_out(
            contexts,
            arms=arms,
            first_block=asked,
            overrides={TREATED: {self.attribute: self.level}},
            rng=rng,
        )
        return assign(study, wave, seen.observed, rng)

    def _both(self, study: Study, n: int, rng: np.random.Generator) -> Contexts | None:
        """Return `n` contexts inside and as many elsewhere; None where either is too rare."""
        drawn = draw(study, OVERDRAW * n, rng)
        met = inside(self.rules, _all(study, drawn))
        sides = [np.flatnonzero(met)[:n], np.flatnonzero(~met)[:n]]
        if min(len(side) for side in sides) < n:
            return None
        return drawn.take(np.concatenate(sides))

    def gaps(self, study: Study, observed: Observed) -> tuple[Floats, Bools]:
        """Return the clipped gap of each block, and whether it lies inside."""
        ledger = Ledger.of(observed, LogPrice(self.outcome), TREATED + 1)
        gaps = np.clip(ledger.gap(TREATED), -self.bound, self.bound)
        known = block_features(study, observed, ledger.trial[:, REFERENCE], every=True)
        return gaps, inside(self.rules, known)

    def intervals(self, study: Study, observed: Observed) -> tuple[Interval, Interval]:
        """Return where the mean effect lies, inside and elsewhere: time-uniform."""
        gaps, met = self.gaps(study, observed)
        sides = (gaps[met], gaps[~met])
        first, second = (mean_interval(x, bound=self.bound, level=LEVEL) for x in sides)
        return first, second

    def confirmed(self, study: Study, observed: Observed) -> bool:
        """Whether the two intervals are disjoint."""
        if not observed.waves:
            return False
        first, second = self.intervals(study, observed)
        return first.low > second.high or second.low > first.high


def _all(study: Study, contexts: Contexts) -> list[Feature]:
    return features(study, contexts, every=True)


def block_features(
    study: Study, observed: Observed, trials: NDArray[np.intp], *, every: bool = False
) -> list[Feature]:
    """Return the features of the contexts of these trials."""
    return features(study, contexts_of(observed, trials), every=every)


def part_of_frame(study: Study, rules: Rules, rng: np.random.Generator) -> float:
    """Return how large a part of the frame meets the rules."""
    return float(np.mean(inside(rules, _all(study, draw(study, FRAME, rng)))))
