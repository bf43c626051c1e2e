"""The data scientist's way in: one call in a notebook, two assertions in pytest."""

from .allow import Allow
from .call import run
from .gate import UndecidedError, UnevenError, assert_even, assert_no_worse
from .result import Findings, Result, RunPlan

__all__ = [
    "Allow",
    "Findings",
    "Result",
    "RunPlan",
    "UndecidedError",
    "UnevenError",
    "assert_even",
    "assert_no_worse",
    "run",
]
