"""Planted records: coins that are tossed, and committed to, before anything is planted.

What is drawn here follows from the seed of the plan alone, not from the lock: the lock holds its
hash, so that nobody can choose the coins once the vendor has answered.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..protocol import Study


@runtime_checkable
class Committed(Protocol):
    """A question whose coins are hashed into the lock before its first event."""

    def commitment(self, study: Study) -> str:
        """Return the sha256 of everything that is planted, coins included."""
        ...


@dataclass(frozen=True, kw_only=True)
class Canaries:
    """Pairs of items, and a coin for each: heads, one account takes both; tails, two accounts do.

    Parameters
    ----------
    first, second : (canaries,) int array
        Rows of the catalogue; no item serves twice, so that canaries interfere as little as can be.
    coins : (canaries,) bool array

    Examples
    --------
    >>> drawn = Canaries.drawn(10, 100, seed=1, name="privacy.canary_list")
    >>> len(drawn), len({*drawn.first.tolist(), *drawn.second.tolist()})
    (10, 20)
    >>> drawn.sha256 == Canaries.drawn(10, 100, seed=2, name="privacy.canary_list").sha256
    False
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    coins: NDArray[np.bool_]

    @classmethod
    def drawn(cls, count: int, items: int, *, seed: int, name: str) -> Canaries:
        """Draw so many pairs from a catalogue, and toss a coin for each; always the same.

        Parameters
        ----------
        count, items : int
            At most half as many canaries as items.
        seed : int
            The plan's.
        name : str
            What the plan calls the entry: two entries toss different coins.
        """
        key = hashlib.sha256(f"evenhand coins\n{seed}\n{name}".encode()).digest()
        rng = np.random.Generator(np.random.PCG64(int.from_bytes(key, "big")))
        rows = rng.permutation(items)[: 2 * count]
        return cls(first=rows[:count], second=rows[count:], coins=rng.integers(2, size=count) > 0)

    def __len__(self) -> int:
        """Return the number of canaries."""
        return len(self.coins)

    @cached_property
    def sha256(self) -> str:
        """The hash that commits to pairs and coins."""
        told = {
            "pairs": [self.first.tolist(), self.second.tolist()],
            "coins": "".join("1" if coin else "0" for coin in self.coins.tolist()),
        }
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()
