"""What a statistic returns: a number that never stands without its unit, interval and counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Guarantee = Literal["exact", "finite-sample", "asymptotic", "heuristic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval.

    `time_uniform` intervals hold at all sample sizes at once, so the run may stop at any of them.
    """

    low: float
    high: float
    level: float
    method: str
    time_uniform: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with unit, interval and counts. None is "not measured" and is never 0."""

    value: float | None
    unit: str
    interval: Interval | None = None
    n: int = 0
    n_excluded: int = 0
