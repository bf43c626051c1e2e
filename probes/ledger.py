"""The answers of a blocked design as a table: one row a block, one column an arm."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from .design import ANSWERED, FAILED, REFERENCE, TWIN, Codes, Floats, Observed

NOT_ASKED = -1

_L = TypeVar("_L", bound="Ledger")
_P = ParamSpec("_P")
_T = TypeVar("_T")


class Read(Protocol):
    """What turns answers into a ledger; see :mod:`evenhand.probes.scores`."""

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return the answers by block and arm."""
        ...


def once(
    work: Callable[Concatenate[_L, _P], _T],
) -> Callable[Concatenate[_L, _P], _T]:
    """Remember what a pure function of a ledger returned.

    Planning a wave, reading it and checking it ask the same of the same ledger.
    """

    @wraps(work)
    def remembered(ledger: _L, /, *args: _P.args, **options: _P.kwargs) -> _T:
        key = (work, args, tuple(sorted(options.items())))
        if key not in ledger.known:
            ledger.known[key] = work(ledger, *args, **options)
        found: _T = ledger.known[key]
        return found

    return remembered


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Blocks in the order asked.

    A session of several trials is one entry: its last trial is what is measured, the earlier ones
    are its history, and it failed if any of them did.

    Parameters
    ----------
    score : (blocks, arms) float
        What arms are compared in; for prices their logarithm, where −inf is a price of zero. NaN is
        no answer.
    kind : (blocks, arms) int8
        0 answered, 1 refused, 2 failed, −1 not asked.
    trial : (blocks, arms) int
        Row of the observed trials, −1 where not asked.
    asks : (blocks, arms) int
        How many trials it took.
    again : (blocks,) codes
        The earlier block that is asked again, −1 for a fresh context.
    wave : (blocks,) codes
        Global number of the block's wave.
    known : dict
        What :func:`once` remembers; its arrays are for reading.
    """

    score: Floats
    kind: NDArray[np.int8]
    trial: NDArray[np.intp]
    asks: NDArray[np.intp]
    again: Codes
    wave: Codes
    known: dict[Hashable, Any] = field(
        default_factory=dict[Hashable, Any], repr=False, compare=False
    )

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.again)

    @cached_property
    def fresh(self) -> NDArray[np.bool_]:
        """Which blocks ask a context for the first time."""
        return self.again < 0

    @cached_property
    def asked(self) -> NDArray[np.bool_]:
        """Which arms each block asked."""
        asked: NDArray[np.bool_] = self.kind != NOT_ASKED
        return asked

    @property
    def anchored(self) -> NDArray[np.bool_]:
        """Which blocks hold what a treated arm is compared with."""
        anchored: NDArray[np.bool_] = self.kind[:, REFERENCE] == ANSWERED
        return anchored

    @property
    def width(self) -> int:
        """How many arms there are."""
        return int(self.kind.shape[1])

    @staticmethod
    def of(observed: Observed, read: Read, width: int) -> Ledger:
        """Return the answers of a question by block and arm, laid out once."""
        key = (Ledger, read, width)
        if key not in observed.known:
            observed.known[key] = read.ledger(observed, width)
        found: Ledger = observed.known[key]
        return found

    @classmethod
    def laid_out(
        cls, observed: Observed, score: Floats, kind: NDArray[np.int8], width: int, **more: Any
    ) -> Self:
        """Return a ledger from one score and one kind a trial.

        Parameters
        ----------
        observed : Observed
        score : (trials,) float
        kind : (trials,) int8
        width : int
            How many arms there are, reference and twin among them.
        **more
            What else a subclass holds.
        """
        block, arm = observed.column("block"), observed.column("arm")
        n = int(block.max()) + 1 if len(block) else 0
        table = np.full((n, width), np.nan)
        kinds = np.full((n, width), NOT_ASKED, dtype=np.int8)
        trial = np.full((n, width), -1, dtype=np.intp)
        asks = np.zeros((n, width), dtype=np.intp)
        again, wave = np.full(n, -1, dtype=np.int32), np.zeros(n, dtype=np.int32)
        rows, taken, failed = sessions_of(observed)
        block, arm = block[rows], arm[rows]
        ended = np.where(failed, FAILED, kind[rows])
        table[block, arm] = np.where(failed, np.nan, score[rows])
        kinds[block, arm], trial[block, arm], asks[block, arm] = ended, rows, taken
        again[block], wave[block] = observed.column("again")[rows], observed.wave[rows]
        return cls(score=table, kind=kinds, trial=trial, asks=asks, again=again, wave=wave, **more)

    @once
    def gap(self, arm: int, against: int = REFERENCE) -> Floats:
        """Return score `arm` − score `against` by block; two prices of zero are alike."""
        with np.errstate(invalid="ignore"):
            gaps: Floats = self.score[:, arm] - self.score[:, against]
        gaps[np.isneginf(self.score[:, arm]) & np.isneginf(self.score[:, against])] = 0.0
        return gaps

    def scores(self, arm: int) -> Floats:
        """Return the scores of `arm`, reference and twin by block: exchangeable under the null."""
        found: Floats = self.score[:, [arm, REFERENCE, TWIN]]
        return found

    @once
    def exceedance(self, arm: int, beyond: float) -> float:
        """Return how often one pair of `arm` lies beyond a limit, to one side, by noise alone.

        From the twins: as often to either side, whatever the arm.
        """
        del arm
        gaps = self.gap(TWIN)[self.fresh & self.asked[:, TWIN]]
        gaps = gaps[~np.isnan(gaps)]
        return float(np.mean(np.abs(gaps) > beyond)) / 2 if len(gaps) else 0.0

    def triples(self, arm: int) -> tuple[Floats, NDArray[np.int8]]:
        """Return the rows for the test of dependence: (treated, reference, twin), and how many."""
        rows = self.asked[:, arm] & self.asked[:, REFERENCE]
        return self.scores(arm)[rows], (2 + self.asked[rows, TWIN]).astype(np.int8)

    def failures(self, arm: int) -> tuple[Floats, NDArray[np.int8]]:
        """Return the same rows with 1 where nothing came back and 0 where something did."""
        rows = self.asked[:, arm] & self.asked[:, REFERENCE]
        failed = (self.kind[rows][:, [arm, REFERENCE, TWIN]] == FAILED).astype(float)
        return failed, (2 + self.asked[rows, TWIN]).astype(np.int8)

    def standard(self, arm: int) -> Floats:
        """Return the scores of what `arm` is compared with, over its fresh blocks."""
        standard: Floats = self.score[self.fresh & self.asked[:, arm], REFERENCE]
        return standard

    @once
    def clipped_mean_terms(self, arm: int, bound: float) -> Floats:
        """Return ½ψ(A−R) + ½ψ(A−T) for each fresh block of `arm`, ψ(A−R) without a twin.

        NaN where one of the arms that were asked has no answer.
        """
        rows = self.fresh & self.asked[:, arm] & self.asked[:, REFERENCE]
        first, second = (np.clip(gaps, -bound, bound)[rows] for gaps in self._gaps_in_mean(arm))
        terms: Floats = np.where(self.asked[rows, TWIN], (first + second) / 2, first)
        return terms

    def _gaps_in_mean(self, arm: int) -> tuple[Floats, Floats]:
        """Return A−R and A−T by block, as the mean takes them."""
        return self.gap(arm), self.gap(arm, TWIN)


def sessions_of(
    observed: Observed,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Return for each session the row of its last trial, its trials, and whether one had failed."""
    n = len(observed)
    if all(wave.single for wave in observed.waves):
        return np.arange(n), np.ones(n, dtype=np.intp), np.zeros(n, dtype=np.bool_)
    counts = [wave.sessions for wave in observed.waves]
    before = np.cumsum([0, *counts])[:-1]
    session = np.concatenate(
        [wave.session + start for wave, start in zip(observed.waves, before, strict=True)]
    )
    last = np.zeros(sum(counts), dtype=np.intp)
    np.maximum.at(last, session, np.arange(n))
    taken = np.bincount(session, minlength=len(last))
    failures = np.bincount(session, observed.kind == FAILED, minlength=len(last))
    return last, taken, failures > 0
