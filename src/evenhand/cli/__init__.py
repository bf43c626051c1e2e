"""The command line: a thin skin over the library, in Chinese and in English.

Exit codes: 0 all within the limit · 1 something beyond it or real · 2 usage or plan · 3 cannot
tell · 4 the target failed · 5 evidence does not verify · 6 waiting, resume later.
When several hold: 5, 2, 4, 6, 1, 3, 0.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from .. import messages
from ..errors import EvenhandError, UsageError

USAGE, INTERRUPTED = 2, 6
TYPER_INTERRUPTED = 130
"""What typer makes of Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; an error is a sentence, never a traceback."""
    _speak_utf8()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(_choose_language(words))
    except KeyboardInterrupt:
        _say(messages.text("cli.interrupted"))
        # now means now: a vendor's function that hangs in a thread would be waited for
        os._exit(INTERRUPTED)
    except EvenhandError as error:
        _say(error.text())
        code = error.exit_code
    _flush()
    raise SystemExit(code)


def commands() -> Any:
    """Return the app with every command registered on it, in the order that help lists them."""
    from . import app as main_path
    from . import evidence, field
    from .options import app

    return app


def _run(words: Sequence[str]) -> int:
    import typer

    app = commands()
    # typer's own copy of click, or click itself in older ones: found by its name in either
    bases = typer.BadParameter.__mro__
    parser_error: Any = next(base for base in bases if base.__name__ == "ClickException")
    try:
        code = int(app(words, standalone_mode=False) or 0)
    except parser_error as error:
        _say(_mistake(error))
        return USAGE
    except typer.Exit as error:
        return int(error.exit_code)
    except typer.Abort:
        code = TYPER_INTERRUPTED
    if code == TYPER_INTERRUPTED:
        raise KeyboardInterrupt
    return code


def _mistake(error: Any) -> str:
    """Return what is wrong with a line, in the language chosen where the parser says what it is."""
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    if kind == "NoArgsIsHelpError":
        return str(error.format_message())
    if kind == "NoSuchOption":
        near = ", ".join(error.possibilities or ()) or "--help"
        return messages.text("cli.no_such_option", name=error.option_name, near=near)
    if kind == "MissingParameter" and parameter is not None:
        return messages.text("cli.missing", name=parameter.metavar or parameter.opts[0])
    return messages.text("cli.mistake", problem=error.format_message())


def _choose_language(words: Sequence[str]) -> list[str]:
    """Take ``--lang`` out, wherever it stands: help texts too are in the language chosen."""
    left: list[str] = []
    given = iter(words)
    for word in given:
        name, is_one_word, value = word.partition("=")
        if word == "--":
            left.append(word)
            break
        if name != "--lang":
            left.append(word)
            continue
        chosen = value if is_one_word else next(given, "")
        if chosen not in messages.LANGUAGES:
            known = ", ".join(messages.LANGUAGES)
            raise UsageError("cli.bad_choice", option="--lang", known=known, got=chosen)
        messages.use(chosen)
    return [*left, *given]


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def _flush() -> None:
    from .view import readerless

    with readerless():
        sys.stdout.flush()


def _say(sentence: str) -> None:
    from .view import clean

    _flush()  # what was said before stands before
    print(clean(sentence), file=sys.stderr)


__all__ = ["main"]
