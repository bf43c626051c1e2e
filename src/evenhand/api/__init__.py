"""The data scientist's way in: one call in a notebook, two assertions in pytest."""

from .call import run
from .gate import Allow, UndecidedError, UnevenError, assert_even, assert_no_worse
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
