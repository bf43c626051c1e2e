"""The question that takes a difference apart: which coalitions are asked, and what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ...probes.accounts import assign
from ...probes.contexts import Contexts, draw
from ...probes.design import ANSWERED, Floats, Observed, Wave, codes
from ...probes.protocol import Card, Seen, Study
from .shapley import along, orders, walk, weights

ENUMERATED = 4
"""Up to so many players every coalition is asked; beyond, those along a permutation."""
FIRST = 16
"""Contexts of the first wave; later ones have half of what was asked."""
LEAST = 8
"""Contexts below which nothing is said."""
ENOUGH, FINE = 0.05, 0.0025
"""Asking ends when the error of every part is below this fraction of the gap, or this log ratio."""
Z = 1.959963984540054
"""Two-sided 95 % of the normal law: the error bars of explanations are asymptotic."""

CARD = Card(
    name="explanation.parts",
    question=both("explain.parts_question"),
    roles=frozenset(),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    null=both("explain.no_null"),
    cost=both("explain.parts_cost"),
    guarantee="asymptotic",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """One thing that is changed.

    `attribute` is overridden with `level`; for a field of a cue with the mixture of `bit`.
    """

    name: str
    label: Text
    attribute: str
    level: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Shapley values of the gap between two personas, from answers to mixtures of both.

    In each context all coalitions (or those along a random permutation) are asked
    at one moment, in random order, each under an identity of its own.

    Parameters
    ----------
    players : tuple of Player
    mixtures : tuple of int or None
        For the fields of one attribute: the code of each mask. None: each player is an attribute.
    outcome : str
    most : int
        Most trials.
    """

    players: tuple[Player, ...]
    mixtures: tuple[int, ...] | None = None
    outcome: str = "final"
    most: int

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        return CARD

    @property
    def enumerated(self) -> bool:
        """Whether every coalition is asked."""
        return len(self.players) <= ENUMERATED

    @property
    def width(self) -> int:
        """Trials of one context."""
        d = len(self.players)
        return 1 << d if self.enumerated else d + 1

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return more contexts until every part is known well enough, or the cap."""
        asked = sum(len(wave) for wave in seen.observed.waves)
        left = min(self.most - asked, seen.trials_left, seen.wave_limit)
        n = min(max(FIRST, asked // self.width // 2), left // self.width)
        if n < 1 or (not asked and n < LEAST) or self._known(seen.observed):
            return None
        wave = self._laid_out(draw(study, n, rng), asked // self.width, rng)
        return assign(study, wave, seen.observed, rng)

    def _known(self, observed: Observed) -> bool:
        game = self.game(observed)
        if len(game.effect) < LEAST:
            return False
        _, error = game.parts(game.effect)
        gap = float(np.mean(game.effect.sum(axis=1)))
        return bool(np.all(Z * error <= max(ENOUGH * abs(gap), FINE)))

    def _laid_out(self, contexts: Contexts, first: int, rng: np.random.Generator) -> Wave:
        d = len(self.players)
        n = len(contexts)
        met = (
            np.tile(np.arange(1 << d), (n, 1))
            if self.enumerated
            else np.array([walk(order) for order in orders(n, d, rng)])
        )
        masks = rng.permuted(met, axis=1)
        row = np.repeat(np.arange(n), masks.shape[1])
        mask = masks.ravel()
        overrides = {name: column[row].copy() for name, column in contexts.conditions.items()}
        if self.mixtures is not None:
            overrides[self.players[0].attribute] = np.array(self.mixtures)[mask]
        else:
            for i, player in enumerate(self.players):
                overrides[player.attribute] = np.where(mask >> i & 1, player.level, 0)
        return Wave.of_single_trials(
            block=codes(first + row),
            again=codes(np.full(len(row), -1)),
            identity=codes(np.full(len(row), -1)),
            # 0 is the reference; 1 would be its twin
            arm=codes(np.where(mask > 0, mask + 1, 0)),
            persona=contexts.persona[row],
            overrides={name: codes(column) for name, column in overrides.items()},
            cue={name: column[row] for name, column in contexts.cue.items()},
            item=contexts.item[row],
        )

    def game(self, observed: Observed) -> Game:
        """Return the Shapley values of each context whose coalitions were all answered."""
        d = len(self.players)
        if not observed.waves:
            return Game.empty(d)
        missing = np.full(len(observed), np.nan)
        values = np.asarray(observed.values.get(self.outcome, missing), dtype=float)
        answered = (observed.kind == ANSWERED) & np.isfinite(values) & (values > 0)
        mask = np.maximum(observed.column("arm") - 1, 0)
        # blocks are numbered and asked whole: each is `width` rows in a row
        shape = (-1, self.width)
        whole = answered.reshape(shape).all(axis=1)
        order = np.argsort(mask.reshape(shape), axis=1)
        masks = np.take_along_axis(mask.reshape(shape), order, axis=1)[whole].astype(np.int64)
        price = np.take_along_axis(values.reshape(shape), order, axis=1)[whole]
        return Game(
            effect=self._values(masks, np.log(price)),
            money=self._values(masks, price),
            alone=_alone(masks, np.log(price), d),
            masks=masks,
            log=np.log(price),
            excluded=int((~whole).sum()),
        )

    def _values(self, masks: NDArray[np.int64], values: Floats) -> Floats:
        d = len(self.players)
        if self.enumerated:
            every: Floats = values @ weights(d)
            return every
        rows = [along(m, v, d) for m, v in zip(masks, values, strict=True)]
        return np.array(rows).reshape(-1, d)


def _alone(masks: NDArray[np.int64], log: Floats, players: int) -> Floats:
    """Return what each player does alone; NaN where a context did not ask it."""
    out = np.full((len(masks), players), np.nan)
    for i in range(players):
        row, column = np.nonzero(masks == 1 << i)
        out[row, i] = log[row, column] - log[row, 0]
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """Answers of whole contexts, taken apart.

    Parameters
    ----------
    effect, money : (contexts, players) float
        Shapley values on the log scale and in money; each row adds up to that context's gap.
    alone : (contexts, players) float
        Log ratio when one player alone is changed; NaN where it was not asked.
    masks, log : (contexts, coalitions)
        The coalitions and the logarithms of the answers to them.
    excluded : int
        Contexts in which something was not answered.
    """

    effect: Floats
    money: Floats
    alone: Floats
    masks: NDArray[np.int64]
    log: Floats
    excluded: int = 0

    @classmethod
    def empty(cls, players: int) -> Game:
        """Return a game of no context."""
        none = np.zeros((0, players))
        return cls(
            effect=none,
            money=none,
            alone=none,
            masks=np.zeros((0, 2), dtype=np.int64),
            log=np.zeros((0, 2)),
        )

    @staticmethod
    def parts(values: Floats) -> tuple[Floats, Floats]:
        """Return the mean over contexts of each column, and its standard error."""
        n = np.sum(np.isfinite(values), axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.nansum(values, axis=0) / n
            spread = np.nansum((values - mean) ** 2, axis=0) / np.maximum(n - 1, 1)
            error = np.sqrt(spread / n)
        return mean, error

    def remaining(self, back: Sequence[int]) -> tuple[float, float, int]:
        """Return the gap that is left when the players `back` are as for the reference.

        Mean log ratio, its standard error, and the number of contexts that asked it.
        """
        players = self.effect.shape[1]
        mask = ((1 << players) - 1) & ~sum(1 << i for i in back)
        row, column = np.nonzero(self.masks == mask)
        gaps = self.log[row, column] - self.log[row, 0]
        if len(gaps) < LEAST:
            return math.nan, math.nan, len(gaps)
        mean, error = self.parts(gaps[:, None])
        return float(mean[0]), float(error[0]), len(gaps)
