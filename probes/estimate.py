"""Fresh blocks for what was established: how large the effect is, without the bias of stopping.

Evidence that stops when it suffices stops on the high side by one to three per cent of the effect,
and early, so that the interval is wide. A number of blocks fixed beforehand has neither flaw. What
they say changes no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..messages import both
from ..metrics.bounded import mean_interval
from ..metrics.result import Estimate
from .contexts import draw, lay_out
from .design import REFERENCE, Observed, Wave
from .ledger import Ledger
from .protocol import Card, Seen, Study

CARD = Card(
    name="estimate.fresh",
    question=both("audit.fresh_question"),
    roles=frozenset(),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    null=both("audit.no_null"),
    cost=both("audit.fresh_cost"),
    guarantee="finite-sample",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Reference and treated arms on fresh contexts, as many blocks as the plan says.

    Parameters
    ----------
    arms : mapping of int to mapping of str to int
        Arm, numbered as in the probe → attribute → level code.
    blocks : int
    outcome : str
    bound : float
        Log ratios are clipped to ± this, as in the probe.
    """

    arms: Mapping[int, Mapping[str, int]]
    blocks: int
    outcome: str
    bound: float

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return CARD

    @property
    def width(self) -> int:
        """How many columns its ledger has."""
        return max(self.arms) + 1

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the blocks that are still to be asked, as many as the limits allow at once."""
        done = len(Ledger.of(seen.observed, self.outcome, self.width))
        most = min(seen.trials_left, max(seen.wave_limit, 1 + len(self.arms)))
        size = min(self.blocks - done, most // (1 + len(self.arms)))
        if size < 1:
            return None
        arms = np.zeros((size, self.width), dtype=bool)
        arms[:, [REFERENCE, *self.arms]] = True
        contexts = draw(study, size, rng)
        return lay_out(contexts, arms=arms, first_block=done, overrides=self.arms, rng=rng)

    def effect(self, observed: Observed, arm: int, level: float) -> Estimate | None:
        """Return the mean of the clipped log ratios of `arm`, or None where it was not asked."""
        if arm not in self.arms or not observed.waves:
            return None
        x = Ledger.of(observed, self.outcome, self.width).clipped_mean_terms(arm, self.bound)
        used = x[~np.isnan(x)]
        if len(used) == 0:
            return None
        return Estimate(
            value=float(np.mean(used)),
            unit="log-ratio",
            interval=mean_interval(x, bound=self.bound, level=level),
            n=len(used),
            n_excluded=len(x) - len(used),
        )
