"""What is true of a vendor, as data: what an audit of it should find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Level = str | int | float | bool
Prices = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float64]]
Side = Literal["innocent", "between", "guilty"]

RATIO, SHARE, BEYOND = 0.01, 0.02, 0.05
"""The tolerance that truths are told against: a mean ratio, a share, and beyond what it counts."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one level of an attribute does to the price, against its reference.

    Parameters
    ----------
    reference, level : level
    mean : float
        Mean log ratio of the prices over the frame, noise apart.
    share : float
        Share of contexts whose own price moves by strictly more than :data:`BEYOND`.

    Examples
    --------
    >>> Effect(reference=0, level=36, mean=log(1.05), share=0.0).side
    'guilty'
    >>> Effect(reference="old", level="new", mean=0.0, share=0.0).side
    'innocent'
    """

    reference: Level
    level: Level
    mean: float
    share: float

    @property
    def side(self) -> Side:
        """Innocent: no difference. Between: one inside the tolerance. Guilty: one beyond it."""
        if abs(self.mean) > log(1 + RATIO) or self.share > SHARE:
            return "guilty"
        return "between" if abs(self.mean) > _ROUNDING or self.share > 0 else "innocent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The whole truth about a vendor.

    Parameters
    ----------
    question : mapping
        What an auditor would ask of it, in zh and en.
    effects : mapping of str to Effect
        Attribute → effect. Empty where nothing was planted, and only enumeration can tell.
    noise : float
        Standard deviation of the log price of one trial; 0 for a vendor that always says the same.
    """

    question: Mapping[str, str]
    effects: Mapping[str, Effect] = field(default_factory=dict[str, Effect])
    noise: float = 0.0


def enumerated(
    prices: Prices,
    contexts: Mapping[str, NDArray[Any]],
    *,
    reference: Mapping[str, Level],
    level: Mapping[str, Level],
    weights: NDArray[np.float64] | None = None,
) -> Effect:
    """Return the effect of a level by asking for the price of every context of a frame, twice.

    Parameters
    ----------
    prices : callable
        Table to prices, without noise.
    contexts : mapping of str to (contexts,) array
        The frame.
    reference, level : mapping of str to level
        The fields that a vendor sees of either; the first names the levels of the result.
    weights : (contexts,) float array, optional
        Default: all alike.

    Examples
    --------
    >>> def dearer_for_two(table):
    ...     return np.where((table["who"] == "b") & (table["km"] > 2), 11.0, 10.0)
    >>> found = enumerated(dearer_for_two, {"km": np.arange(4)},
    ...     reference={"who": "a"}, level={"who": "b"})
    >>> round(found.mean, 4), found.share, found.side
    (0.0238, 0.25, 'guilty')
    """
    treated, plain = (np.log(prices(_with(contexts, fields))) for fields in (level, reference))
    gap = treated - plain
    return Effect(
        reference=next(iter(reference.values())),
        level=next(iter(level.values())),
        mean=float(np.average(gap, weights=weights)),
        share=float(np.average(np.abs(gap) > log(1 + BEYOND) + _ROUNDING, weights=weights)),
    )


def _with(
    contexts: Mapping[str, NDArray[Any]], fields: Mapping[str, Level]
) -> dict[str, NDArray[Any]]:
    rows = len(next(iter(contexts.values())))
    return {**contexts, **{name: np.full(rows, value) for name, value in fields.items()}}
