"""Ranked lists.

How alike two are (:mod:`.alike`), what stands at the top (:mod:`.top`), and whether the order
depends on the attribute (:mod:`.shift`).

A batch of lists is an integer array (n, k), one list a row, the item at the top first. Codes below
0 are empty places and stand at the end: a list of three among lists of ten is padded with -1.
:func:`code_lists` makes such arrays of item names. All functions work on all rows at once.
"""

from __future__ import annotations

from .alike import (
    Measure,
    code_lists,
    jaccard,
    kendall_tau,
    kendall_tau_b,
    list_distance,
    rank_biased_overlap,
)
from .shift import OrderShift, block_distances, log_order_dependence, order_shift, outlyingness
from .top import diversity, exposure_share, price_at, price_ndcg

__all__ = [
    "Measure",
    "OrderShift",
    "block_distances",
    "code_lists",
    "diversity",
    "exposure_share",
    "jaccard",
    "kendall_tau",
    "kendall_tau_b",
    "list_distance",
    "log_order_dependence",
    "order_shift",
    "outlyingness",
    "price_at",
    "price_ndcg",
    "rank_biased_overlap",
]
