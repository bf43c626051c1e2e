"""Planted records: coins that are tossed, and committed to, before anything is planted.

What is drawn here follows from the seed of the plan alone, not from the lock: the lock holds its
hash, so that nobody can choose the coins once the vendor has answered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..design import REFERENCE, TREATED, Wave, codes
from ..protocol import Study

RETRAINING = "retraining"
"""What must have happened at the vendor's before what was planted is looked for."""
STEPS = ("order", "buy", "checkout", "cart", "view")
"""Steps that leave a trace, the strongest first; the first that a target has plants."""


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
        rng = tossing(seed, name)
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


def tossing(seed: int, name: str) -> np.random.Generator:
    """Return what tosses the coins of an entry: it follows from the seed of the plan alone."""
    key = hashlib.sha256(f"evenhand coins\n{seed}\n{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(key, "big")))


def planting(study: Study, wanted: str = "") -> str | None:
    """Return the step that plants, before the last, which is measured; None where there is none."""
    known = (wanted,) if wanted else STEPS
    return next((step for step in known if step in study.steps[:-1]), None)


def planted_wave(
    study: Study,
    coins: NDArray[np.bool_],
    canary: Sequence[int],
    paths: Sequence[Sequence[tuple[int, int]]],
    rng: np.random.Generator,
    overrides: Mapping[str, Any] | None = None,
) -> Wave:
    """Return a wave of fresh accounts, a block for each canary.

    Parameters
    ----------
    study : Study
    coins : (canaries,) bool array
    canary : sequence of int
        Whose session each is.
    paths : sequence of sequence of (step, item) pairs
        What each session walks.
    rng : numpy.random.Generator
    overrides : mapping of str to (sessions,) codes, optional
        Levels beside the conditions, which are drawn.
    """
    n = len(canary)
    persona = rng.choice(len(study.persona_weights), size=n, p=study.persona_weights)
    walked = [(row, *stop) for row, path in enumerate(paths) for stop in path]
    session, step, item = (codes(column) for column in zip(*walked, strict=True))
    none = np.full(n, -1)
    tossed = coins[np.asarray(canary, dtype=np.intp)]
    return Wave(
        block=codes(canary),
        again=codes(none),
        identity=codes(none),
        arm=codes(np.where(tossed, TREATED, REFERENCE)),
        persona=codes(persona),
        overrides={**_drawn_conditions(study, n, rng), **(overrides or {})},
        cue={
            name: codes(rng.integers(len(one.cue_names), size=n))
            for name, one in study.attributes.items()
            if len(one.cue_names) > 1
        },
        session=session,
        step=step,
        item=item,
        stage=codes(np.zeros(len(session))),
    )


def _drawn_conditions(study: Study, n: int, rng: np.random.Generator) -> Mapping[str, Any]:
    """Return levels of the conditions that the population lacks; all else stays as it is."""
    return {
        name: codes(rng.integers(len(one.levels), size=n))
        for name, one in study.attributes.items()
        if one.role == "condition" and one.levels and name not in study.personas.columns
    }
