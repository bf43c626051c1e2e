"""The suite over the zoo: what it says of vendors whose truth is known, and at what cost.

Each vendor is asked about at most three of its effects at once, in memory, by the loop that every
audit is driven by. The truth is the vendor's own data, checked elsewhere by enumeration.
"""

from .cases import QUERIES, SEEDS, Case, cases, plan_of
from .marks import Mark, Scored, mark, score, scores
from .summary import Line, Summary, lines, summary

__all__ = [
    "QUERIES",
    "SEEDS",
    "Case",
    "Line",
    "Mark",
    "Scored",
    "Summary",
    "cases",
    "lines",
    "mark",
    "plan_of",
    "score",
    "scores",
    "summary",
]
