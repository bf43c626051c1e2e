"""How far an audit is, where somebody looks: one line on a terminal or in a notebook, nothing elsewhere."""

from __future__ import annotations

import math
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .. import messages
from ..messages import numbers

if TYPE_CHECKING:
    from ..audit.conduct import Conduct, Turn

EVERY = 0.2
"""Seconds between two signs of life."""


class Progress:
    """Shows an audit while it goes on, and takes the line away at its end.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.began = time.monotonic()
        self.shown = -math.inf
        self.notebook = None if quiet else _notebook()
        self.terminal = not quiet and self.notebook is None and sys.stderr.isatty()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        """Take the line away."""
        self._say("")

    def __call__(self, conduct: Conduct, turn: Turn | None, on_file: int) -> None:
        """Show how far it is, if it is time to."""
        now = time.monotonic()
        if (self.notebook is None and not self.terminal) or now - self.shown < EVERY:
            return
        self.shown = now
        done = sum(len(old.wave) for old in conduct.waves) + (on_file if turn else 0)
        open_ = sum(not one.closed for one in conduct.decisions.values())
        self._say(
            messages.text(
                "api.progress",
                queries=numbers.count(done),
                budget=numbers.count(conduct.rules.queries),
                open=open_,
                seconds=f"{now - self.began:.0f}",
            )
        )

    def _say(self, line: str) -> None:
        if self.notebook is not None:
            self.notebook.update({"text/plain": line or " "}, raw=True)
        elif self.terminal:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()


def _notebook() -> Any:
    """Return where a notebook shows something that changes; None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython import display as shown

    display: Any = shown.display  # untyped where IPython is installed, unknown where it is not
    return display({"text/plain": " "}, raw=True, display_id=True)
