"""Everything that Evenhand raises on purpose.

::

    EvenhandError            exit code
     ├── UsageError              2      the command or the call cannot be meant
     │    ├── MistakesError      2      files with mistakes; carries every one of them
     │    │    ├── PlanError     2      a plan
     │    │    └── SheetError    2      sheets that testers brought back
     │    ├── InputError         2      a statistic was given data it cannot use (also a ValueError)
     │    └── MissingExtraError  2      an optional part is not installed
     ├── AuthorisationError      2      the written permission does not cover what was asked
     ├── TargetError             4      the vendor cannot be reached or read at all
     ├── EvidenceError           5      what is on file is not what was locked
     └── PausedError             6      nothing is lost; the run can be resumed

An error holds the id of its message and the values in it, so it can be read in Chinese and in
English. Its text is made when it is printed, not when it is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import messages


class EvenhandError(Exception):
    """Base of all errors raised on purpose.

    Parameters
    ----------
    message_id : str
        Id in the catalogue, ``"area.name"``.
    **values : object
        What the placeholders of the message stand for.

    Examples
    --------
    >>> error = UsageError("errors.no_such_run", path="runs/x")
    >>> error.exit_code
    2
    >>> "runs/x" in error.text("zh") and "runs/x" in error.text("en")
    True
    """

    exit_code = 2

    def __init__(self, message_id: str, **values: Any) -> None:
        super().__init__(message_id)
        self.message_id = message_id
        self.values: Mapping[str, Any] = values

    def text(self, language: str | None = None) -> str:
        """Return the message in `language` (``"zh"``, ``"en"``; default: the current one)."""
        return messages.text(self.message_id, language, **self.values)

    def __str__(self) -> str:
        """Return the message in the current language."""
        return self.text()


class UsageError(EvenhandError):
    """The command or the call cannot be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a plan: where it stands and what to do about it."""

    message_id: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    file: str = ""
    line: int = 0
    key: str = ""

    def text(self, language: str | None = None) -> str:
        """Return ``file:line: key: message`` in `language`."""
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: " if self.file else ""
        key = f"{self.key}: " if self.key else ""
        return place + key + messages.text(self.message_id, language, **self.values)


class MistakesError(UsageError):
    """Mistakes in files; `problems` holds every one, in the order of the file."""

    def __init__(self, message_id: str, problems: Sequence[Problem]) -> None:
        super().__init__(message_id, count=len(problems))
        self.problems = tuple(problems)

    def text(self, language: str | None = None) -> str:
        """Return one line a mistake."""
        return "\n".join(problem.text(language) for problem in self.problems)


class PlanError(MistakesError):
    """A plan that cannot be run; `problems` holds every mistake, in the order of the file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("errors.plan", problems)


class SheetError(MistakesError):
    """Sheets that cannot be taken in; `problems` holds every mistake: sheet, row and column."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("field.mistakes", problems)


class InputError(UsageError, ValueError):
    """Data that a statistic cannot use: which parameter, what it must be, what it got."""


class MissingExtraError(UsageError):
    """An optional part is not installed; the message says what to install."""


class AuthorisationError(EvenhandError):
    """The written permission does not cover what was asked."""


class TargetError(EvenhandError):
    """The vendor cannot be reached or read at all."""

    exit_code = 4


class EvidenceError(EvenhandError):
    """What is on file is not what was locked."""

    exit_code = 5


class PausedError(EvenhandError):
    """The run stopped with nothing lost; `resume` goes on."""

    exit_code = 6
