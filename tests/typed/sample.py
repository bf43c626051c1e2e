"""What a user writes: every call is typed, so that a checker in strict mode finds nothing unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import evenhand
from evenhand.errors import EvenhandError
from evenhand.metrics.groups import group_metrics


def price(table: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the price of a stay."""
    return 90.0 * table["nights"]


def audit(guests: object) -> evenhand.Result:
    """Ask the model."""
    return evenhand.run(
        price,
        personas=guests,
        treat={"phone": ("old", ["new"])},
        conditions=["nights"],
        positive=("nights", 1, 4, "dearer"),
        money="EUR per stay",
    )


def lines(result: evenhand.Result) -> list[str]:
    """Say what was found."""
    found: list[str] = []
    for finding in result.findings:
        percent: float | None = None if finding.percent is None else finding.percent.estimate
        found.append(f"{finding.treatment}: {finding.verdict} {percent} {finding.queries:,}")
    return [*found, *result.explain(language="en"), f"{result.queries:,}"]


def gate(guests: object) -> str:
    """Return why a change may not be merged; empty where it may."""
    try:
        passed: evenhand.Result = evenhand.assert_even(
            price, personas=guests, treat={"phone": ("old", ["new"])}, conditions=["nights"]
        )
        passed.raise_for_findings(allow=[])
    except evenhand.UnevenError as uneven:
        return str(uneven)
    except EvenhandError as error:
        return error.text("zh")
    return ""


def kept(result: evenhand.Result, folder: Path) -> tuple[Path, str]:
    """Write the report, and return it with the plan."""
    return result.report(folder / "report.html", language="en"), result.plan.to_yaml()


def groups() -> evenhand.metrics.groups.GroupMetrics:
    """Return a table's means by group."""
    return group_metrics("mean", y_pred=np.ones(4), sensitive_features=np.array([0, 0, 1, 1]))
