"""Questions that check the audit itself: the pilot and the positive control."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..messages import both
from ..metrics.dependence import log_dependence, log_one_sided
from .accounts import assign
from .contexts import draw, lay_out
from .design import REFERENCE, TREATED, TWIN, Floats, Observed, Wave
from .ledger import Ledger
from .protocol import Card, Seen, Study
from .scores import FINAL, Score

PILOT_PAIRS = 30
POSITIVE_BLOCKS = 16
POSITIVE_CAP = 128
"""Blocks after which a condition that has not moved the answer counts as not moving it."""
PASS = math.log(1000)

PILOT = Card(
    name="control.pilot",
    question=both("audit.pilot_question"),
    roles=frozenset(),
    needs=frozenset(),
    outcomes={},
    null=both("audit.no_null"),
    cost=both("audit.pilot_cost", pairs=PILOT_PAIRS),
    guarantee="heuristic",
)
POSITIVE = Card(
    name="control.positive",
    question=both("audit.positive_question"),
    roles=frozenset({"condition"}),
    needs=frozenset(),
    outcomes={},
    null=both("audit.positive_null"),
    cost=both("audit.positive_cost", blocks=POSITIVE_BLOCKS, cap=POSITIVE_CAP),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pilot:
    """Wave 0: thirty pairs of identical customers. Counted, never evidence.

    It shows that the target can be reached and read, and how noisy it is by itself.

    Parameters
    ----------
    session : tuple of str
        Steps that every session walks. Empty: the target's last step alone.
    """

    session: tuple[str, ...] = ()

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return PILOT

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the one wave of pairs, then None."""
        path = walked(study, self.session)
        pairs = min(PILOT_PAIRS, seen.trials_left // (2 * len(path)))
        if seen.observed.waves or pairs < 1:
            return None
        arms = np.ones((pairs, 2), dtype=bool)
        contexts = draw(study, pairs, rng)
        paths = {REFERENCE: path, TWIN: path}
        wave = lay_out(contexts, arms=arms, first_block=0, overrides={}, paths=paths, rng=rng)
        return assign(study, wave, seen.observed, rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Positive:
    """A declared condition that must move the answer. If nothing moves, nothing can be cleared.

    Parameters
    ----------
    attribute : str
    low, high : int
        Level codes that are compared; `expect` says how the answer moves from `low` to `high`.
    expect : {"dearer", "cheaper", "different"}
    score : Score
        In what answers are compared. What can only be judged beside others is asked with a twin,
        and can only be different.
    session : tuple of str
        Steps that every session walks. Empty: the target's last step alone.
    """

    attribute: str
    low: int
    high: int
    expect: Literal["dearer", "cheaper", "different"] = "different"
    score: Score = FINAL
    session: tuple[str, ...] = ()

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return POSITIVE

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return sixteen more blocks until the condition has moved the answer, or the cap."""
        path = walked(study, self.session)
        asked = [REFERENCE, *([TWIN] if self.score.pairwise else []), TREATED]
        done = int(seen.observed.column("block").max(initial=-1)) + 1
        affordable = seen.trials_left // (len(asked) * len(path))
        blocks = min(POSITIVE_BLOCKS, affordable, POSITIVE_CAP - done)
        if blocks < 1 or self.log_evidence(seen.observed) >= PASS:
            return None
        arms = np.zeros((blocks, TREATED + 1), dtype=bool)
        arms[:, asked] = True
        wave = lay_out(
            draw(study, blocks, rng),
            arms=arms,
            first_block=done,
            overrides={
                column: {self.attribute: self.high if column == TREATED else self.low}
                for column in asked
            },
            paths=dict.fromkeys(range(TREATED + 1), path),
            rng=rng,
        )
        return assign(study, wave, seen.observed, rng)

    def log_evidence(self, observed: Observed) -> float:
        """Return the largest log e-value so far against "the condition does not move the answer".

        Finite-sample, by the random order of the arms; at any stopping time.
        """
        if not observed.waves:
            return 0.0
        ledger = Ledger.of(observed, self.score, TREATED + 1)
        if self.score.pairwise:
            return _largest(log_dependence(*ledger.triples(TREATED)))
        low, high = ledger.score[:, REFERENCE], ledger.score[:, TREATED]
        if self.expect == "dearer":
            return _largest(log_one_sided(high, low))
        if self.expect == "cheaper":
            return _largest(log_one_sided(low, high))
        up, down = log_one_sided(high, low), log_one_sided(low, high)
        return _largest(np.logaddexp(up, down) - math.log(2))


def walked(study: Study, session: tuple[str, ...]) -> tuple[int, ...]:
    """Return the steps of a session as codes; without any the target's last step alone."""
    return tuple(study.steps.index(step) for step in session or study.steps[-1:])


def _largest(path: Floats) -> float:
    return float(max(0.0, np.max(path, initial=0.0)))


def pilot_noise(observed: Observed, score: Score) -> float:
    """Return how far identical customers of the pilot are apart, in a score.

    For amounts the standard deviation of one quote on the log scale; for all else the mean
    difference between two customers. NaN where fewer than two pairs were answered.
    """
    if not observed.waves:
        return math.nan
    gaps = Ledger.of(observed, score, TWIN + 1).gap(TWIN)
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) < 2:  # noqa: PLR2004 - one pair says nothing of a spread
        return math.nan
    if score.unit == "log-ratio":
        return float(np.sqrt(np.mean(gaps**2) / 2))
    return float(np.mean(np.abs(gaps)))
