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
from ..errors import EvenhandError

USAGE, INTERRUPTED = 2, 6


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code; an error is a sentence, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _choose_language(words)
    _speak_utf8()
    raise SystemExit(_run(words))


def _run(words: list[str]) -> int:
    import typer

    from .app import app

    # typer's own copy of click, or click itself in older ones: found by its name in either
    bases = typer.BadParameter.__mro__
    parser_error: Any = next(base for base in bases if base.__name__ == "ClickException")
    try:
        return int(app(words, standalone_mode=False) or 0)
    except EvenhandError as error:
        _say(error.text())
        return error.exit_code
    except parser_error as error:
        _say(error.format_message())
        return USAGE
    except typer.Exit as error:
        return int(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _say(messages.text("cli.interrupted"))
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - nobody reads any more
        return 0


def _choose_language(words: Sequence[str]) -> None:
    """Read ``--lang`` before anything is printed: help texts too are in the language chosen."""
    for i, word in enumerate(words):
        value = word.partition("=")[2] if word.startswith("--lang=") else None
        if word == "--lang" and i + 1 < len(words):
            value = words[i + 1]
        if value in messages.LANGUAGES:
            messages.use(value)


def _speak_utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def _say(sentence: str) -> None:
    from .view import clean

    print(clean(sentence), file=sys.stderr)


__all__ = ["main"]
