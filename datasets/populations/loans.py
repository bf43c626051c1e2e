"""What people really borrowed, and on which credit: the conditions of a loan, not who took it."""

from __future__ import annotations

from ..personas import Table
from ..sources import loans

_CONDITIONS = (
    "loan_amount",
    "term",
    "loan_purpose",
    "annual_income",
    "debt_to_income",
    "delinq_2y",
    "inquiries_last_12m",
    "total_credit_lines",
    "total_credit_limit",
    "total_credit_utilized",
    "public_record_bankrupt",
)


def loan_applicants() -> Table:
    """Return the terms and the credit of the real loans of :func:`~evenhand.datasets.sources.loans`.

    Columns ``loan_amount``, ``annual_income``, ``total_credit_limit`` and
    ``total_credit_utilized`` in USD, ``term`` in months, ``loan_purpose``, ``debt_to_income`` in
    percent, ``delinq_2y``, ``inquiries_last_12m``, ``total_credit_lines`` and
    ``public_record_bankrupt`` in numbers of them. These are what a lender may price by; state, home
    and job of the borrower are not in it. Loans without a debt-to-income ratio are left out.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.
    EvidenceError
        If the data file is not the pinned one.

    Examples
    --------
    >>> len(loan_applicants())
    9976
    """
    made = loans()[list(_CONDITIONS)].dropna()
    columns = {name: made[name].to_numpy() for name in _CONDITIONS}
    return Table(
        {
            name: column.astype(str) if column.dtype.kind not in "iuf" else column
            for name, column in columns.items()
        }
    )
