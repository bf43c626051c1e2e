"""A lender's rates, learnt from 10,000 real loans. Nothing is planted in it.

Gradient-boosted trees on the logarithm of the yearly interest for each 100 USD that are lent. Where
the borrower lives, in what kind of home and how long in a job stand among the inputs because they
stand in the data; whatever the trees made of it is what an audit finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...sources import loans
from ..trees import Trees, learnt
from ..truth import Column, Columns, Effect, Frame, Truth

_CREDIT = (
    "loan_amount",
    "term",
    "annual_income",
    "debt_to_income",
    "delinq_2y",
    "inquiries_last_12m",
    "total_credit_lines",
    "total_credit_limit",
    "total_credit_utilized",
    "public_record_bankrupt",
)
_BORROWER = ("emp_length",)
_NAMES = ("loan_purpose", "state", "homeownership")

COLUMNS: Mapping[str, type] = {
    **dict.fromkeys(_CREDIT + _BORROWER, float),
    **dict.fromkeys(_NAMES, str),
}

CURRENCY = "USD"

FRAME = Frame(
    population="loan-applicants",
    items={},
    home={"emp_length": 10, "state": "CA", "homeownership": "MORTGAGE"},
    mover=Effect(attribute="term", reference=36, level=60),
)

TRUTH = Truth(
    question={
        "zh": "用真实贷款训练的利率模型，会不会因借款人的住处、住房和工龄而报出不同的利率？",
        "en": "Does a model learnt from real loans charge by where the borrower lives and works?",
    },
)


def quote(table: Columns) -> NDArray[np.float64]:
    """Return the interest of a year on 100 USD for each row, in USD.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.

    Examples
    --------
    >>> rows, _ = applications()
    >>> short, long = ({**rows, "term": np.full(10_000, term)} for term in (36, 60))
    >>> bool(quote(long).mean() > 1.2 * quote(short).mean())
    True
    """
    return prepare().prices(table)


@cache
def prepare() -> Trees:
    """Train the model, once in a process."""
    table, rates = applications()
    return learnt(table, rates, numbers=_CREDIT + _BORROWER, names=_NAMES)


def applications() -> tuple[dict[str, Column], NDArray[np.float64]]:
    """Return the loans as the vendor's columns, and the rate of each in percent a year."""
    made = loans()
    columns = {
        name: made[name].to_numpy(dtype=object if kind is str else float)
        for name, kind in COLUMNS.items()
    }
    return columns, made["interest_rate"].to_numpy(dtype=float)
