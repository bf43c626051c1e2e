"""Which commit the running code stands at, where it runs from a checkout."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

SECONDS = 5
"""Most that git may take: a record does not wait for a slow disk."""
_DIRTY = "-dirty"


class Standing(NamedTuple):
    """A commit, and whether files that git knows differ from it; None where there is none."""

    commit: str | None = None
    dirty: bool | None = None


@cache
def standing(file: Path = Path(__file__)) -> Standing:
    """Return where the checkout of a file stands; asked once, for code once loaded stays.

    Parameters
    ----------
    file : Path
        One of the files of the code; default: this one.

    Returns
    -------
    Standing
        Without a commit where git is missing, or does not know the file: what was installed into
        somebody's repository is not of it.

    Examples
    --------
    >>> standing(Path("/no/such/file.py"))
    Standing(commit=None, dirty=None)
    """
    file = file.resolve()
    try:
        _git(file.parent, "ls-files", "--error-unmatch", file.name)
        said = _git(file.parent, "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty")
    except (OSError, subprocess.SubprocessError):
        return Standing()
    return Standing(said.removesuffix(_DIRTY), said.endswith(_DIRTY))


def _git(folder: Path, *words: str) -> str:
    # a hook of another repository sets GIT_DIR; and nothing may be written by looking
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 - fixed words, our own folder
        ["git", *words],  # noqa: S607 - whichever git there is
        cwd=folder,
        env={**clean, "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        check=True,
        text=True,
        timeout=SECONDS,
    )
    return done.stdout.strip()
