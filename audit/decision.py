"""A committee's decision: read from a file, checked, and put into the annex.

What is wrong in itself (votes that do not add up, an unknown option, another record) is refused.
What a rule asks of the meeting (who must be present, which majority) is a warning with its source:
whether a decision stands is not for a tool to say.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ..datasets import rules
from ..errors import Problem, UsageError
from ..messages import LANGUAGES, text
from .annex import add
from .folder import RunFolder
from .record import Record

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
FREE = "free"
"""The option of a procedure that has none: the decision is its own words."""
PREFIX = 12
"""Least characters of the record's hash that say which record was decided on."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(_Part):
    """Somebody of the committee: who, as what, with which conflict, and how they voted."""

    name: Name
    role: str = ""
    conflict: str = "none"
    present: bool = True
    vote: Literal["for", "against", "abstain", "none"] = "none"


class Votes(_Part):
    """The count as the chair announced it; it must be what the members' votes come to."""

    in_favour: int = Field(alias="for", ge=0)
    against: int = Field(ge=0)
    abstain: int = Field(0, ge=0)


class Decision(_Part):
    """What was decided, by whom, why, and on which conditions.

    Parameters
    ----------
    record : str
        Hash of the record decided on; its first twelve characters suffice.
    option : str
        Id of an option of the procedure; in a procedure without options, the decision in words.
    next_review : date, optional
    """

    record: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{12,64}$")]
    option: Sentence
    decided: date
    members: tuple[Member, ...] = Field(min_length=1)
    votes: Votes | None = None
    reasons: Sentence
    conditions: tuple[Sentence, ...] = ()
    next_review: date | None = None


def read(path: Path) -> tuple[Decision, bytes]:
    """Return a decision file and its bytes.

    Raises
    ------
    UsageError
        If it cannot be read, or a field is missing or not what it must be.
    """
    try:
        data = path.read_bytes()
        found = yaml.safe_load(data.decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise UsageError("decision.unreadable", path=path.name) from None
    try:
        return Decision.model_validate(found), data
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or path.name
        raise UsageError("decision.field", path=path.name, key=key, why=first["msg"]) from None


def check(decision: Decision, procedure: str, record: Record) -> list[Problem]:
    """Return what the rules of the procedure would ask about; see the module.

    Raises
    ------
    UsageError
        If the procedure or the option is unknown, the record is another, or votes do not add up.
    """
    known = rules.procedures()
    if procedure not in known:
        raise UsageError("decision.procedure", got=procedure, known=", ".join(known))
    asked = known[procedure]
    options = [option["id"] for option in asked["options"]]
    if options and decision.option not in options:
        raise UsageError("decision.option", got=decision.option, known=", ".join(options))
    if not record.content_sha256.startswith(decision.record):
        raise UsageError(
            "decision.other_record", got=decision.record[:PREFIX], wanted=record.content_sha256[:PREFIX]
        )  # fmt: skip
    _votes(decision)
    return _warnings(decision, asked)


def _votes(decision: Decision) -> None:
    absent = next((m for m in decision.members if not m.present and m.vote != "none"), None)
    if absent is not None:
        raise UsageError("decision.absent_vote", name=absent.name)
    if decision.votes is not None and counted(decision) != (
        decision.votes.in_favour,
        decision.votes.against,
        decision.votes.abstain,
    ):
        raise UsageError("decision.votes", counted=" / ".join(map(str, counted(decision))))


def counted(decision: Decision) -> tuple[int, int, int]:
    """Return the votes for, against and abstaining, as the members cast them."""
    cast = [member.vote for member in decision.members]
    return cast.count("for"), cast.count("against"), cast.count("abstain")


def _warnings(decision: Decision, asked: Any) -> list[Problem]:
    present = sum(member.present for member in decision.members)
    source = _source(asked)
    found: list[Problem] = []

    def warn(message_id: str, **values: Any) -> None:
        found.append(Problem(message_id=message_id, values={"source": source, **values}))

    least, majority = asked.get("present"), asked.get("majority")
    if least and present < least:
        warn("decision.warn_present", present=present, least=least)
    if majority and counted(decision)[0] < majority * present:
        warn("decision.warn_majority", votes=counted(decision)[0], present=present)
    for member in decision.members:
        if member.vote != "none" and member.conflict.strip().lower() not in {"none", "无", "无。"}:
            warn("decision.warn_conflict", name=member.name)
    months = asked.get("review_months")
    if months and decision.next_review is None:
        warn("decision.warn_no_review", months=months)
    elif (
        months and decision.next_review and decision.next_review > _later(decision.decided, months)
    ):
        warn("decision.warn_review", months=months)
    return found


def _source(asked: Any) -> dict[str, str]:
    own = {language: text("decision.source_own", language) for language in LANGUAGES}
    named: dict[str, str] = asked.get("source_name", own)
    return named


def _later(day: date, months: int) -> date:
    """Return the day so many months later, or the last one before it that exists."""
    year, month = divmod(day.month - 1 + months, 12)
    for back in range(4):
        try:
            return date(day.year + year, month + 1, day.day - back)
        except ValueError:
            continue
    return day + timedelta(days=30 * months)


def decide(folder: RunFolder, procedure: str, path: Path) -> list[Problem]:
    """Put a decision into the annex; an earlier one stays and is named as superseded.

    Returns
    -------
    list of Problem
        What the rules of the procedure would ask about.

    Raises
    ------
    UsageError
        As :func:`read` and :func:`check`.
    """
    decision, data = read(path)
    record = folder.read_record()
    warnings = check(decision, procedure, record)
    chair = next((m for m in decision.members if m.role), decision.members[0])
    earlier = [one for one in folder.read_annex() if one.get("kind") == "decision"]
    more = {
        "decision": {
            "procedure": procedure,
            **decision.model_dump(mode="json", by_alias=True),
            "counted": list(counted(decision)),
            "warnings": [
                {language: one.text(language) for language in LANGUAGES} for one in warnings
            ],
            "supersedes": _hash(folder, earlier[-1]) if earlier else None,
        },
        "file": path.name,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    add(folder, kind="decision", by=chair.name, role=chair.role, words=decision.reasons, more=more)
    return warnings


def _hash(folder: RunFolder, entry: Any) -> str:
    """Return the hash of an entry's line in the annex."""
    import json

    lines = folder.annex.read_bytes().splitlines()
    same = [line for line in lines if line.strip() and json.loads(line) == entry]
    return hashlib.sha256(same[-1]).hexdigest()
