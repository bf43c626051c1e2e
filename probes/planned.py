"""How a matched comparison goes on: rounds for flagged contexts, then fresh blocks.

Pure: the next wave is a function of what was seen in complete earlier waves, and of the generator.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .accounts import room
from .contexts import Contexts, contexts_of, draw, lay_out, together
from .design import REFERENCE, TREATED, TWIN, Wave, codes
from .gaps import beyond_if_confirmed, blocks_needed, inside
from .ledger import Ledger
from .protocol import Seen, Study
from .shares import Limit, shares_of

if TYPE_CHECKING:
    from .matched import Compared, Matched

FIRST_BLOCKS = 16
GROWTH = 0.25
LEAST_BLOCKS = 8
TWINS_ALWAYS, TWINS_EVERY = 50, 8
TWINS_WHILE = math.log(3)
PAIRS_AGAIN = 4


class Planned:
    """The next wave of a matched comparison, from what was seen."""

    def __init__(self, probe: Matched, study: Study, seen: Seen) -> None:
        self.probe, self.study, self.seen = probe, study, seen
        self.layout = probe.layout(study)
        self.paths = self.layout.paths(study, probe.session)
        self.costs = np.array([len(self.paths[i]) for i in range(self.layout.width)])
        self.open = [
            one
            for one in self.layout.compared
            if one.hypothesis.id in seen.undecided and one.delivered
        ]
        self.arms = sorted({TREATED + one.arm for one in self.open})
        self.pairwise = any(one.score.pairwise for one in self.open)

    def next(self, rng: np.random.Generator) -> Wave | None:
        """Return the wave, or None when nothing is open or nothing is left to ask it with."""
        if not self.arms:
            return None
        seen = self.seen
        again = self._again(rng)
        left = seen.trials_left - (len(again) if again else 0)
        if again is not None and self._rounds_suffice():
            return again
        block = int(self.costs[[REFERENCE, TWIN, *self.arms]].sum())
        limit = min(left, max(seen.wave_limit, block))
        first = len(self._ledger(self.open[0])) if again is None else int(again.block.max()) + 1
        fresh = self._fresh(limit, first, rng)
        if again is None or fresh is None:
            return again or fresh
        return together(again, fresh)

    def _ledger(self, one: Compared) -> Ledger:
        return Ledger.of(self.seen.observed, one.score, self.layout.width)

    def _again(self, rng: np.random.Generator) -> Wave | None:
        """Return one more round of four pairs for every flag that is worth it, arms sharing them."""
        seen, ledger = self.seen, self._ledger(self.open[0])
        if len(ledger) == 0 or self.study.tied:
            return None
        wanted = np.zeros(ledger.kind.shape, dtype=bool)
        for one in self.open:
            wanted[self._open_flags(one), TREATED + one.arm] = True
        blocks = np.flatnonzero(wanted.any(axis=1))
        wanted[:, [REFERENCE, TWIN]] = [True, self.pairwise]
        cost = PAIRS_AGAIN * (wanted[blocks] @ self.costs)
        blocks = blocks[np.cumsum(cost) <= min(seen.trials_left, seen.wave_limit)]
        if len(blocks) == 0:
            return None
        blocks = np.repeat(blocks, PAIRS_AGAIN)
        return lay_out(
            contexts_of(seen.observed, ledger.trial[blocks, REFERENCE]),
            arms=wanted[blocks],
            first_block=len(ledger),
            again=codes(blocks),
            overrides=self.layout.changes(),
            paths=self.paths,
            rng=rng,
        )

    def _open_flags(self, one: Compared) -> NDArray[np.intp]:
        """Return the blocks whose flags are worth another round."""
        limit = self.probe.limit_of(one.score)
        if limit is None or self._mean_decides(one, limit):
            return np.zeros(0, dtype=np.intp)
        ledger, direction = self._ledger(one), self.probe.direction_of(one)
        shares = shares_of(ledger, TREATED + one.arm, limit=limit, direction=direction)
        return shares.block[shares.open]

    def _mean_decides(self, one: Compared, limit: Limit) -> bool:
        """Whether the mean is so far beyond the limit that asking again would be wasted."""
        probe = self.probe
        x = self._ledger(one).clipped_mean_terms(TREATED + one.arm, probe.bound_of(one.score))
        x = x[~np.isnan(x)]
        if len(x) < LEAST_BLOCKS:
            return False
        mean = float(np.mean(x)) if probe.direction_of(one) == "harm" else abs(float(np.mean(x)))
        error = float(np.std(x)) / math.sqrt(len(x))
        return mean - limit.mean > 3 * error

    def _rounds_suffice(self) -> bool:
        """Whether asking again could settle every open hypothesis without a fresh block.

        It would be cleared if its open flags were dropped, or established if those that have
        survived a round were confirmed.
        """
        return all(self._settled(one) for one in self.open)

    def _settled(self, one: Compared) -> bool:
        probe, seen, arm = self.probe, self.seen, TREATED + one.arm
        limit, ledger = probe.limit_of(one.score), self._ledger(one)
        if limit is None:
            return False
        bound, direction = probe.bound_of(one.score), probe.direction_of(one)
        found = inside(ledger, arm, limit=limit, direction=direction, bound=bound, drop_open=True)
        shown = beyond_if_confirmed(ledger, arm, limit=limit, direction=direction)
        return min(found) >= seen.clear_at or shown >= seen.accuse_at

    def _fresh(self, limit: int, first_block: int, rng: np.random.Generator) -> Wave | None:
        """Return fresh blocks, as many as growth, a near decision and the budget allow."""
        ledger, seen, study = self._ledger(self.open[0]), self.seen, self.study
        done = int(np.sum(ledger.fresh))
        changes = self.layout.changes()
        arms = [dict(changes[arm]) for arm in self.arms]
        free = room(study, seen.observed, [{}, {}, *arms])
        size = self._size(done) if free is None else min(self._size(done), free)
        ask = np.zeros((size, self.layout.width), dtype=bool)
        ask[:, [REFERENCE, *self.arms]] = True
        ask[:, TWIN] = self._twins(done + np.arange(size))
        size = int(np.sum(np.cumsum(ask @ self.costs) <= limit))
        if size == 0:
            return None
        contexts = self._contexts(size, rng)
        return lay_out(
            contexts,
            arms=ask[:size] & self.layout.fits(contexts),
            first_block=first_block,
            overrides=changes,
            paths=self.paths,
            rng=rng,
        )

    def _contexts(self, size: int, rng: np.random.Generator) -> Contexts:
        """Return contexts in which some open arm can be asked."""
        vary = self.layout.background
        found = draw(self.study, size, rng, vary=vary)
        while not (usable := self.layout.fits(found)[:, self.arms].any(axis=1)).all():
            fresh = draw(self.study, int(np.sum(~usable)), rng, vary=vary)
            found = found.take(np.flatnonzero(usable)).followed_by(fresh)
        return found

    def _size(self, done: int) -> int:
        if done == 0:
            return FIRST_BLOCKS
        seen = self.seen
        quarter = max(math.ceil(done * GROWTH), LEAST_BLOCKS)
        open_ = [e for e in seen.evidence if e.hypothesis.id in seen.undecided and e.delivered]
        near = [
            blocks_needed(e.claims[1.0], e.n, accuse_at=seen.accuse_at, clear_at=seen.clear_at)
            for e in open_
        ]
        return max(LEAST_BLOCKS, min([quarter, *(n for n in near if n is not None)]))

    def _twins(self, blocks: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Say which blocks have a twin: the first fifty, then every eighth, and while it pays.

        It pays while a dependence shows and is not yet settled: a triple says more than a pair.
        Lists can only be compared with each other, so there every block has one.
        """
        pays = self.pairwise or any(
            e.claims[1.0].differs_now > TWINS_WHILE and e.claims[1.0].differs < self.seen.accuse_at
            for e in self.seen.evidence
            if e.hypothesis.id in self.seen.undecided
        )
        early: NDArray[np.bool_] = blocks < TWINS_ALWAYS
        twins: NDArray[np.bool_] = early | (blocks % TWINS_EVERY == 0) | pays
        return twins
