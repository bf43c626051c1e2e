"""What all commands share: the app that they register on, their options, and how words are checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..messages import text

app = typer.Typer(
    name="evenhand",
    help=text("cli.help"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.help_plan"))]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help=text("cli.help_run"))]
Out = Annotated[Path | None, typer.Option("--out", metavar="RUN", help=text("cli.help_out"))]
Lang = Annotated[str | None, typer.Option("--lang", metavar="zh|en", help=text("cli.help_lang"))]
Json = Annotated[bool, typer.Option("--json", help=text("cli.help_json"))]
Quiet = Annotated[bool, typer.Option("--quiet", help=text("cli.help_quiet"))]
Wait = Annotated[bool, typer.Option("--wait", help=text("cli.help_wait"))]
FailOn = Annotated[str | None, typer.Option("--fail-on", help=text("cli.help_fail_on"))]


def one_of(option: str, got: str, known: tuple[str, ...]) -> str:
    """Return a word that must be one of the known ones."""
    if got not in known:
        raise UsageError("cli.bad_choice", option=option, known=", ".join(known), got=got)
    return got


def several(option: str, given: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return words that were given with commas between."""
    words = [word.strip() for word in given.split(",") if word.strip()]
    return tuple(one_of(option, word, known) for word in words)


def check_language(given: str | None) -> None:
    """Check ``--lang``; it took effect before the command was parsed."""
    if given is not None:
        one_of("--lang", given, ("zh", "en"))
