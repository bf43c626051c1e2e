"""The answers of a blocked design as a table: one row a block, one column an arm."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from .design import ANSWERED, FAILED, REFERENCE, TWIN, Codes, Floats, Observed

NOT_ASKED = -1

_P = ParamSpec("_P")
_T = TypeVar("_T")


def once(
    work: Callable[Concatenate[Ledger, _P], _T],
) -> Callable[Concatenate[Ledger, _P], _T]:
    """Remember what a pure function of a ledger returned.

    Planning a wave, reading it and checking it ask the same of the same ledger.
    """

    @wraps(work)
    def remembered(ledger: Ledger, /, *args: _P.args, **options: _P.kwargs) -> _T:
        key = (work, args, tuple(sorted(options.items())))
        if key not in ledger.known:
            ledger.known[key] = work(ledger, *args, **options)
        found: _T = ledger.known[key]
        return found

    return remembered


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Blocks in the order asked.

    Parameters
    ----------
    log : (blocks, arms) float
        Logarithm of the outcome; −inf is a price of zero, NaN is no answer.
    kind : (blocks, arms) int8
        0 answered, 1 refused, 2 failed, −1 not asked.
    trial : (blocks, arms) int
        Row of the observed trials, −1 where not asked.
    again : (blocks,) codes
        The earlier block that is asked again, −1 for a fresh context.
    wave : (blocks,) codes
        Global number of the block's wave.
    known : dict
        What :func:`once` remembers; its arrays are for reading.
    """

    log: Floats
    kind: NDArray[np.int8]
    trial: NDArray[np.intp]
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

    @classmethod
    def of(cls, observed: Observed, outcome: str, width: int) -> Ledger:
        """Return the answers of a question by block and arm, laid out once."""
        key = (cls, outcome, width)
        if key not in observed.known:
            observed.known[key] = cls._laid_out(observed, outcome, width)
        found: Ledger = observed.known[key]
        return found

    @classmethod
    def _laid_out(cls, observed: Observed, outcome: str, width: int) -> Ledger:
        block, arm = observed.column("block"), observed.column("arm")
        n = int(block.max()) + 1 if len(block) else 0
        log = np.full((n, width), np.nan)
        kind = np.full((n, width), NOT_ASKED, dtype=np.int8)
        trial = np.full((n, width), -1, dtype=np.intp)
        again, wave = np.full(n, -1, dtype=np.int32), np.zeros(n, dtype=np.int32)
        values = observed.values.get(outcome)
        prices = np.full(len(block), np.nan) if values is None else np.asarray(values, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            log[block, arm] = np.log(np.where(observed.kind == ANSWERED, prices, np.nan))
        kind[block, arm] = observed.kind
        trial[block, arm] = np.arange(len(block))
        again[block], wave[block] = observed.column("again"), observed.wave
        return cls(log=log, kind=kind, trial=trial, again=again, wave=wave)

    @once
    def gap(self, arm: int, against: int = REFERENCE) -> Floats:
        """Return log `arm` − log `against` by block; two prices of zero are alike."""
        with np.errstate(invalid="ignore"):
            gaps: Floats = self.log[:, arm] - self.log[:, against]
        gaps[np.isneginf(self.log[:, arm]) & np.isneginf(self.log[:, against])] = 0.0
        return gaps

    def triples(self, arm: int) -> tuple[Floats, NDArray[np.int8]]:
        """Return the rows for the test of dependence: (treated, reference, twin), and how many."""
        rows = self.asked[:, arm] & self.asked[:, REFERENCE]
        answers = self.log[rows][:, [arm, REFERENCE, TWIN]]
        return answers, (2 + self.asked[rows, TWIN]).astype(np.int8)

    def failures(self, arm: int) -> tuple[Floats, NDArray[np.int8]]:
        """Return the same rows with 1 where nothing came back and 0 where something did."""
        rows = self.asked[:, arm] & self.asked[:, REFERENCE]
        failed = (self.kind[rows][:, [arm, REFERENCE, TWIN]] == FAILED).astype(float)
        return failed, (2 + self.asked[rows, TWIN]).astype(np.int8)

    @once
    def clipped_mean_terms(self, arm: int, bound: float) -> Floats:
        """Return ½ψ(A−R) + ½ψ(A−T) for each fresh block of `arm`, ψ(A−R) without a twin.

        NaN where one of the arms that were asked has no answer.
        """
        rows = self.fresh & self.asked[:, arm] & self.asked[:, REFERENCE]
        first = np.clip(self.gap(arm), -bound, bound)[rows]
        second = np.clip(self.gap(arm, TWIN), -bound, bound)[rows]
        terms: Floats = np.where(self.asked[rows, TWIN], (first + second) / 2, first)
        return terms
