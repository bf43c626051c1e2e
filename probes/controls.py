"""Questions that check the audit itself: the pilot and the positive control."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..messages import both
from ..metrics.dependence import log_one_sided
from .accounts import assign
from .contexts import draw, lay_out
from .design import ANSWERED, REFERENCE, TREATED, TWIN, Floats, Observed, Wave
from .protocol import Card, Seen, Study

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
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio"},
    null=both("audit.positive_null"),
    cost=both("audit.positive_cost", blocks=POSITIVE_BLOCKS, cap=POSITIVE_CAP),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True)
class Pilot:
    """Wave 0: thirty pairs of identical customers. Counted, never evidence.

    It shows that the target can be reached and read, and how noisy it is by itself.
    """

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return PILOT

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the one wave of pairs, then None."""
        pairs = min(PILOT_PAIRS, seen.trials_left // 2)
        if seen.observed.waves or pairs < 1:
            return None
        arms = np.ones((pairs, 2), dtype=bool)
        contexts = draw(study, pairs, rng)
        wave = lay_out(contexts, arms=arms, first_block=0, overrides={}, rng=rng)
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
    outcome : str
    """

    attribute: str
    low: int
    high: int
    expect: Literal["dearer", "cheaper", "different"] = "different"
    outcome: str = "final"

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return POSITIVE

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return sixteen more blocks until the condition has moved the answer, or the cap."""
        asked = sum(len(wave) for wave in seen.observed.waves) // 2
        blocks = min(POSITIVE_BLOCKS, seen.trials_left // 2, POSITIVE_CAP - asked)
        if blocks < 1 or self.log_evidence(seen.observed) >= PASS:
            return None
        arms = np.zeros((blocks, TREATED + 1), dtype=bool)
        arms[:, [REFERENCE, TREATED]] = True
        overrides = {
            REFERENCE: {self.attribute: self.low},
            TREATED: {self.attribute: self.high},
        }
        contexts = draw(study, blocks, rng)
        wave = lay_out(contexts, arms=arms, first_block=asked, overrides=overrides, rng=rng)
        return assign(study, wave, seen.observed, rng)

    def log_evidence(self, observed: Observed) -> float:
        """Return the largest log e-value so far against "the condition does not move the answer".

        Finite-sample, by the random order of the two arms; at any stopping time.
        """
        if not observed.waves:
            return 0.0
        answers = by_block(observed, self.outcome, TREATED + 1)
        low, high = answers[:, REFERENCE], answers[:, TREATED]
        if self.expect == "dearer":
            return _largest(log_one_sided(high, low))
        if self.expect == "cheaper":
            return _largest(log_one_sided(low, high))
        up, down = log_one_sided(high, low), log_one_sided(low, high)
        return _largest(np.logaddexp(up, down) - math.log(2))


def by_block(observed: Observed, outcome: str, width: int) -> Floats:
    """Return the logarithm of `outcome` as (blocks, arms); NaN where nothing was answered."""
    block, arm = observed.column("block"), observed.column("arm")
    table = np.full((int(block.max()) + 1, width), np.nan)
    values = np.asarray(observed.values.get(outcome, np.full(len(block), np.nan)), dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(observed.kind == ANSWERED, values, np.nan))
    table[block, arm] = logs
    return table


def _largest(path: Floats) -> float:
    return float(max(0.0, np.max(path, initial=0.0)))


def pilot_noise(observed: Observed, outcome: str) -> float:
    """Return the standard deviation of the vendor's own noise on the log scale, from the pilot.

    NaN where fewer than two pairs were answered.
    """
    if not observed.waves:
        return math.nan
    answers = by_block(observed, outcome, TWIN + 1)
    gaps = answers[:, TWIN] - answers[:, REFERENCE]
    gaps = gaps[np.isfinite(gaps)]
    return float(np.sqrt(np.mean(gaps**2) / 2)) if len(gaps) > 1 else math.nan
