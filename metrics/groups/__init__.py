"""Group metrics of a table: with fairlearn's names and numbers, intervals and tests.

The way of a number: :mod:`.table` reads columns of any kind, :mod:`.cells` counts them,
:mod:`.rates` and :mod:`.prices` make metrics of the cells (:mod:`.measures` names them),
:mod:`.bands` and :mod:`.contrasts` their limits, :mod:`.exchangeable` their tests; :mod:`.metrics`
brings it together and :mod:`.result` is what is given back. Beside it, with lawful conditions held
equal: :mod:`.conditional` and :mod:`.disparity`.
"""

from __future__ import annotations

from .conditional import ConditionalGap, conditional_gap
from .disparity import Disparity, FreePrice, conditional_disparity, discrimination_free
from .measures import Metric, quantile
from .metrics import group_metrics
from .result import Comparison, GroupMetrics

__all__ = [
    "Comparison",
    "ConditionalGap",
    "Disparity",
    "FreePrice",
    "GroupMetrics",
    "Metric",
    "conditional_disparity",
    "conditional_gap",
    "discrimination_free",
    "group_metrics",
    "quantile",
]
