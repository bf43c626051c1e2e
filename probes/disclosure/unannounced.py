"""A price that stands apart without a notice: which of three answers, if any, is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..design import ANSWERED, REFERENCE, TWIN, Floats, Observed
from ..ledger import Ledger, once
from ..lists import Beside
from ..scores import Unit, column, logs


@dataclass(frozen=True, kw_only=True)
class UnannouncedLedger(Beside):
    """Prices by block and arm, and whether a notice came with each.

    Parameters
    ----------
    silent : (trials,) bool
        Whether no notice was shown.
    apart : float
        Log ratio beyond which two prices differ.
    """

    silent: np.ndarray[tuple[int], np.dtype[np.bool_]]
    apart: float

    def _among(self, arm: int) -> tuple[Floats, Floats]:
        """Return the prices of `arm`, reference and twin, and 1 where no notice came with them."""
        arms = [arm, REFERENCE, TWIN]
        answered = self.kind[:, arms] == ANSWERED
        silent = np.where(answered, self.silent[self.trial[:, arms]], np.nan)
        return np.where(answered, self.score[:, arms], np.nan), silent

    @once
    def standing(self, arm: int) -> Floats:
        """Return 1 where an answer's price stands apart from both others and is not announced.

        Of three prices one at most stands apart: the one that is farthest from its nearest.
        """
        prices, silent = self._among(arm)
        nearest = np.stack([_between(prices, 0), _between(prices, 1), _between(prices, 2)], axis=1)
        farthest = nearest.max(axis=1, keepdims=True)
        alone = (nearest == farthest) & ((nearest == farthest).sum(axis=1, keepdims=True) == 1)
        found = np.where(alone & (nearest > self.apart), silent, 0.0)
        missing = np.isnan(prices).any(axis=1, keepdims=True)
        return np.where(missing, np.nan, found)

    def noise(self) -> Floats:
        """Return 1 where the prices of reference and twin differ and one is not announced."""
        prices, silent = self._among(TWIN)
        gap = _gap(prices[:, 1], prices[:, 2])
        hushed = silent[:, 1:].max(axis=1)
        return np.where(np.isnan(gap), np.nan, (gap > self.apart) * hushed)


def _gap(one: Floats, other: Floats) -> Floats:
    """Return how far log prices are apart; two that are free are alike."""
    with np.errstate(invalid="ignore"):
        gap: Floats = np.abs(one - other)
    gap[np.isneginf(one) & np.isneginf(other)] = 0.0
    return gap


def _between(prices: Floats, place: int) -> Floats:
    """Return how far one of three prices is from the nearer of the others."""
    first, second = (place + 1) % 3, (place + 2) % 3
    nearest: Floats = np.minimum(
        _gap(prices[:, place], prices[:, first]), _gap(prices[:, place], prices[:, second])
    )
    return nearest


@dataclass(frozen=True, slots=True)
class Unannounced:
    """Whether a price stands apart from those of two identical customers, without a notice.

    Parameters
    ----------
    apart : float
        Log ratio beyond which two prices differ.
    outcome, notice : str
        The price, and the flag that announces it.
    """

    apart: float
    outcome: str = "final"
    notice: str = "notice"
    unit: ClassVar[Unit] = "rate"
    harm: ClassVar[int] = 1
    flips: ClassVar[bool] = True
    pairwise: ClassVar[bool] = True

    @property
    def needs(self) -> frozenset[str]:
        """The outcomes that it reads."""
        return frozenset({self.outcome, self.notice})

    def ledger(self, observed: Observed, width: int) -> Ledger:
        """Return prices and notices by block and arm."""
        return UnannouncedLedger.laid_out(
            observed,
            logs(column(observed, self.outcome)),
            observed.kind,
            width,
            silent=column(observed, self.notice) == 0,
            apart=self.apart,
        )
