"""Fresh blocks for what was established: how large the effect is, without the bias of stopping.

Evidence that stops when it suffices stops on the high side by one to three per cent of the effect,
and early, so that the interval is wide. A number of blocks fixed beforehand has neither flaw. What
they say changes no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..messages import both
from ..metrics.bounded import mean_interval
from ..metrics.result import Estimate
from .contexts import draw, lay_out
from .design import REFERENCE, Observed, Wave
from .ledger import Ledger
from .protocol import Card, Seen, Study
from .scores import Score, told

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
        Column, numbered as in the probe → attribute → level code; those of the reference among
        them where it changes something.
    paths : mapping of int to sequence of int
        Column → the steps that its sessions walk.
    treated : tuple of int
        The columns that are asked beside the reference.
    blocks : int
    """

    arms: Mapping[int, Mapping[str, int]]
    paths: Mapping[int, Sequence[int]]
    treated: tuple[int, ...]
    blocks: int

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return CARD

    @property
    def width(self) -> int:
        """How many columns its ledger has."""
        return max(self.treated) + 1

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the blocks that are still to be asked, as many as the limits allow at once."""
        done = int(seen.observed.column("block").max(initial=-1)) + 1
        asked = [REFERENCE, *self.treated]
        cost = sum(len(self.paths[column]) for column in asked)
        most = min(seen.trials_left, max(seen.wave_limit, cost))
        size = min(self.blocks - done, most // cost)
        if size < 1:
            return None
        arms = np.zeros((size, self.width), dtype=bool)
        arms[:, asked] = True
        return lay_out(
            draw(study, size, rng),
            arms=arms,
            first_block=done,
            overrides=self.arms,
            paths=self.paths,
            rng=rng,
        )

    def effect(
        self, observed: Observed, arm: int, *, score: Score, bound: float, level: float
    ) -> Estimate | None:
        """Return the mean of the clipped gaps of `arm`, or None where it was not asked."""
        if arm not in self.treated or not observed.waves:
            return None
        x = Ledger.of(observed, score, self.width).clipped_mean_terms(arm, bound)
        used = x[~np.isnan(x)]
        if len(used) == 0:
            return None
        return Estimate(
            value=score.harm * float(np.mean(used)),
            unit=score.unit,
            interval=told(mean_interval(x, bound=bound, level=level), score),
            n=len(used),
            n_excluded=len(x) - len(used),
        )
