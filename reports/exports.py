"""Findings as tidy data: one flat row each, for tables and for machines."""

from __future__ import annotations

import json
import math
from typing import Any

from ..audit.record import Finding, Range, Record

_RANGES = (
    "effect",
    "percent",
    "money",
    "share",
    "share_dearer",
    "share_cheaper",
    "single_quotes",
    "twin_beyond",
)
_PLAIN = (
    "id",
    "kind",
    "probe",
    "treatment",
    "role",
    "level",
    "reference",
    "outcome",
    "primary",
    "verdict",
    "mean",
    "share_verdict",
    "real",
    "direction",
    "strength",
    "evalue",
    "adjusted",
    "guarantee",
    "unit",
    "n",
    "n_excluded",
    "queries",
    "smallest_detectable",
    "queries_needed",
)


def rows(record: Record) -> list[dict[str, Any]]:
    """Return one flat mapping a finding, in the order of the record.

    A range becomes three columns, ``percent``, ``percent_low`` and ``percent_high``; what is not
    measured is None and never 0. Texts come in both languages, ``question_zh``, ``question_en``.
    """
    return [_row(finding) for finding in record.content.findings]


def _row(finding: Finding) -> dict[str, Any]:
    row: dict[str, Any] = {name: _number(getattr(finding, name)) for name in _PLAIN}
    for name in ("question", "label", "reason", "method"):
        text = getattr(finding, name)
        row[f"{name}_zh"] = text.zh if text else None
        row[f"{name}_en"] = text.en if text else None
    for name in _RANGES:
        row |= _ends(name, getattr(finding, name))
    row["effect_unit"], row["effect_level"] = finding.effect.unit, finding.effect.level
    row["currency"] = finding.money.currency if finding.money else None
    row["per"] = finding.money.per if finding.money else None
    for name in ("ratio", "share", "beyond", "direction"):
        row[f"limit_{name}"] = getattr(finding.limits, name) if finding.limits else None
    return row


def _ends(name: str, range_: Range | None) -> dict[str, float | None]:
    return {
        name: _number(range_.estimate) if range_ else None,
        f"{name}_low": _number(range_.low) if range_ else None,
        f"{name}_high": _number(range_.high) if range_ else None,
    }


def _number(value: Any) -> Any:
    # JSON has no infinity: what cannot be written down is not measured
    return None if isinstance(value, float) and not math.isfinite(value) else value


def tidy(record: Record) -> str:
    """Return the findings as JSON text, with the hash of the record that they come from."""
    table = {
        "evenhand": record.evenhand,
        "record_sha256": record.content_sha256,
        "lock_sha256": record.content.lock_sha256,
        "counts": record.content.counts.model_dump(),
        "controls": [
            {"kind": control.kind, "passed": control.passed} for control in record.content.controls
        ],
        "findings": rows(record),
    }
    return json.dumps(table, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
