"""Differences that are accounted for: by whom, why, how large, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from ..audit.record import Finding
from ..errors import UsageError
from ..reports.sizes import told

Direction = Literal["dearer", "cheaper", "more", "less", "any"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """A difference that is known and accounted for: it stays a finding and does not stop a change.

    Parameters
    ----------
    treatment : str
    up_to : float
        Largest mean gap that is allowed, as a fraction: 0.04, or ``"4%"``; of a difference that is
        no ratio of prices in points of a hundred. The finding's estimate is compared with it.
    because, owner : str
        Why, and who answers for it.
    until : date
        At most twelve months ahead; from the next day on the entry fails.
    direction : {"dearer", "cheaper", "more", "less", "any"}
        As in the finding: prices are dearer or cheaper, anything else is more or less.
    probe : str
    outcome : str
        What of the answer is compared: ``"coupon"``. Empty: whatever the probe compares.

    Raises
    ------
    UsageError
        If it has no reason, no owner, or a date too far ahead.

    Examples
    --------
    >>> entry = Allow(treatment="route", up_to="4%", because="The agent's commission.",
    ...     owner="pricing", until=date(2026, 12, 31))
    >>> entry.up_to
    0.04
    """

    treatment: str
    up_to: float | str
    because: str
    owner: str
    until: date | str
    direction: Direction = "any"
    probe: str = "pricing.twins"
    outcome: str = ""

    def __post_init__(self) -> None:
        """Read percentages and dates, and refuse what accounts for nothing."""
        object.__setattr__(self, "up_to", fraction(self.up_to))
        object.__setattr__(self, "until", day(self.until))
        for name in ("treatment", "because", "owner"):
            if not str(getattr(self, name)).strip():
                raise UsageError("api.allow_empty", name=name)
        if self.direction not in get_args(Direction):
            known = ", ".join(get_args(Direction))
            raise UsageError("api.allow_direction", known=known, got=str(self.direction))

    def covers(self, finding: Finding) -> bool:
        """Return whether a finding is the one that is meant, and no larger than allowed."""
        way = self.direction in {"any", finding.direction}
        return self.about(finding) and way and mean(finding) <= float(self.up_to)

    def about(self, finding: Finding) -> bool:
        """Return whether a finding is of the probe, the treatment and the outcome that are meant."""
        # a probe that is used twice in a plan is numbered there
        probe = finding.probe.partition("#")[0]
        same = (probe, finding.treatment) == (self.probe, self.treatment)
        return same and self.outcome in {"", finding.outcome}


def mean(finding: Finding) -> float:
    """Return how large the mean effect is, as a fraction; 0 where none was measured."""
    effect = told(finding)
    estimate = effect.estimate if effect else None
    return abs(estimate or 0.0) / 100


def fraction(value: float | str) -> float:
    """Read ``"4%"`` as 0.04; a number is a fraction already.

    Examples
    --------
    >>> fraction("4%"), fraction(0.04)
    (0.04, 0.04)
    """
    try:
        if isinstance(value, str):
            return float(value.strip().removesuffix("%")) / (100 if "%" in value else 1)
        return float(value)
    except ValueError:
        raise UsageError("api.allow_up_to", got=str(value)) from None


def day(value: date | str) -> date:
    """Read a date.

    Examples
    --------
    >>> day("2026-12-31")
    datetime.date(2026, 12, 31)
    """
    try:
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UsageError("api.allow_until", got=str(value)) from None


def allowances(given: Sequence[Allow | Mapping[str, Any]] | str | Path) -> tuple[Allow, ...]:
    """Return entries as they are given: objects, mappings, or a YAML file with a list of them.

    Raises
    ------
    UsageError
        If the file cannot be read, or an entry has other keys.
    """
    if isinstance(given, str | Path):
        try:
            found = yaml.safe_load(Path(given).read_text("utf-8-sig"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raise UsageError("api.allow_file", path=str(given)) from None
        given = found.get("allow", []) if isinstance(found, dict) else (found or [])
    return tuple(entry if isinstance(entry, Allow) else _entry(entry) for entry in given)


def _entry(entry: Mapping[str, Any]) -> Allow:
    try:
        return Allow(**entry)
    except TypeError:
        known = ", ".join(Allow.__dataclass_fields__)
        raise UsageError("api.allow_keys", known=known, got=str(entry)) from None
