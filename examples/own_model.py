"""Audit a model of your own in one call, and account for what is found."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

import evenhand


def price(table: pd.DataFrame) -> pd.Series[float]:
    """Return the price of a stay: returning guests pay 4 % more."""
    loyal = np.where(table["earlier_stays"] > 0, 1.04, 1.0)
    return (60.0 + 40.0 * table["nights"]) * loyal


def main() -> None:
    """Audit it, print what was found, and let an allowance account for it."""
    guests = pd.DataFrame({"nights": [1, 2, 3, 5, 7], "earlier_stays": [0, 2, 0, 1, 0]})
    result: evenhand.Result = evenhand.run(
        price,
        personas=guests,
        treat={"earlier_stays": {"reference": 0, "levels": [3], "role": "habit"}},
        conditions=["nights"],
        positive=("nights", 1, 7, "dearer"),
        money="EUR per stay",
    )
    print(result)
    for finding in result.findings:
        estimate = finding.percent.estimate if finding.percent else None
        print(finding.id, finding.verdict, estimate)
    breakfast = evenhand.Allow(
        treatment="earlier_stays",
        up_to="6%",
        direction="dearer",
        because="Returning guests are given breakfast; the fare says so.",
        owner="pricing",
        until=datetime.now().astimezone().date() + timedelta(days=180),
    )
    result.raise_for_findings(allow=[breakfast])


if __name__ == "__main__":
    main()
