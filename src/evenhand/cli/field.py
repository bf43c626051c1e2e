"""``evenhand field``: people as a target. Print sheets, check them, take them in, read them again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SheetError, UsageError
from ..messages import text
from . import view
from .options import Json, Lang, RunPath, app, check_language

field = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=text("field.help"))
app.add_typer(field, name="field")

Sheets = Annotated[
    list[Path], typer.Argument(metavar="SHEET…", help=text("field.help_sheets"), show_default=False)
]
Screenshots = Annotated[
    Path | None, typer.Option("--screenshots", metavar="DIR", help=text("field.help_screenshots"))
]
Out = Annotated[Path, typer.Option("--out", help=text("field.help_out"))]


@field.command(name="print", help=text("field.help_print"))
def print_(
    run: RunPath,
    testers: Annotated[
        Path, typer.Option("--testers", metavar="CSV", help=text("field.help_testers"))
    ],
    out: Out = Path("sheets"),
    xlsx: Annotated[bool, typer.Option("--xlsx", help=text("field.help_xlsx"))] = False,
    lang: Lang = None,
) -> int:
    """Draw who looks when, once, and write the sheets."""
    from ..audit.field.intake import print_sheets

    check_language(lang)
    written = print_sheets(run, testers, out, xlsx=xlsx)
    people = len({path.stem for path in written})
    view.out(text("field.printed", testers=people, path=out))
    return 0


@field.command(help=text("field.help_check"))
def check(run: RunPath, sheets: Sheets, screenshots: Screenshots = None, lang: Lang = None) -> int:
    """Name every mistake in sheets."""
    from ..audit.field.intake import check_sheets

    check_language(lang)
    found = check_sheets(run, sheets, screenshots=screenshots)
    for sheet in found:
        view.out(
            text(
                "field.checked",
                name=sheet.name,
                rows=len(sheet.answers),
                empty=sheet.empty,
                problems=len(sheet.problems),
            )
        )
    problems = [problem for sheet in found for problem in sheet.problems]
    if problems:
        raise SheetError(problems)
    return 0


@field.command(name="import", help=text("field.help_import"))
def import_(
    run: RunPath,
    sheets: Annotated[
        list[Path] | None, typer.Argument(metavar="SHEET…", help=text("field.help_sheets"))
    ] = None,
    screenshots: Screenshots = None,
    reason: Annotated[str, typer.Option("--reason", help=text("field.help_reason"))] = "",
    close: Annotated[bool, typer.Option("--close", help=text("field.help_close"))] = False,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """Take in sheets; those with a mistake stay out and every mistake is named."""
    from ..audit.field.intake import take_in

    check_language(lang)
    done = take_in(run, sheets or [], screenshots=screenshots, reason=reason, close=close)
    if json_:
        told = {name: value for name, value in asdict(done).items() if name != "problems"}
        view.out(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        counts = {"new": done.new, "corrected": done.corrected, "unchanged": done.unchanged}
        view.out(text("field.taken", sheets=len(done.sheets), **counts))
        if done.late:
            view.out(text("field.late", late=done.late, blocks=done.blocks_out))
        left = text("field.left", left=done.left)
        view.out(left if done.left else text("field.complete", path=run))
    if done.problems:
        raise SheetError(done.problems)
    return 0


@field.command(help=text("field.help_audit"))
def audit(
    run: RunPath,
    share: Annotated[str, typer.Option("--share", help=text("field.help_share"))] = "10%",
    out: Annotated[Path | None, typer.Option("--out", help=text("field.help_out"))] = None,
    read: Annotated[Path | None, typer.Option("--read", help=text("field.help_read"))] = None,
    by: Annotated[str | None, typer.Option("--by", help=text("field.help_by"))] = None,
    lang: Lang = None,
) -> int:
    """Draw screenshots for a second reader, or record what the second reader read."""
    from ..audit.field.second import draw_second, record_second

    check_language(lang)
    if read is not None and by is not None:
        found = record_second(run, read, by=by)
        view.out(text("field.agreed", read=found.read, alike=found.alike))
    elif out is not None and read is None:
        count = draw_second(run, _part(share), out)
        view.out(text("field.second", count=count, path=out))
    else:
        raise UsageError("field.second_what")
    return 0


def _part(given: str) -> float:
    """Return a share that was given as ``10%`` or ``0.1``."""
    number = given.strip().removesuffix("%")
    try:
        part = float(number) / (100 if given.strip().endswith("%") else 1)
    except ValueError:
        part = 0.0
    if not 0 < part <= 1:
        raise UsageError("field.bad_share", got=given)
    return part
