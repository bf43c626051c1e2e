"""Secrets: what stands on file in their place, and how each is written where it is sent.

``${NAME}`` is read from the environment, ``${account.COLUMN}`` from a table of accounts that is never
copied, ``${login.NAME}`` from the reply to a login. None of them is ever rendered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets.frames import read_table
from ...errors import UsageError
from .render import JSON, URL

ACCOUNT, LOGIN = "account.", "login."


@dataclass(frozen=True, slots=True)
class Secrets:
    """What stands on file → the secret, as it is written in a header, an address, and JSON.

    Examples
    --------
    >>> Secrets.of({"KEY": "a b"}).url
    {b'${KEY}': b'a%20b'}
    """

    header: Mapping[bytes, bytes]
    url: Mapping[bytes, bytes]
    json: Mapping[bytes, bytes]

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Secrets:
        """Return named values in each way that they are written."""
        names = {name: b"${%b}" % name.encode() for name in sorted(values)}
        return cls(
            header={mark: values[name].encode() for name, mark in names.items()},
            url={mark: URL.inside(values[name]) for name, mark in names.items()},
            json={mark: JSON.inside(values[name]) for name, mark in names.items()},
        )

    def __or__(self, other: Secrets) -> Secrets:
        """Return these and those."""
        return Secrets(
            {**self.header, **other.header}, {**self.url, **other.url}, {**self.json, **other.json}
        )

    @property
    def written(self) -> dict[bytes, Sequence[bytes]]:
        """Every way in which a reply could give one back."""
        return {
            mark: tuple(dict.fromkeys((value, self.json[mark], self.url[mark])))
            for mark, value in self.header.items()
        }


NONE = Secrets({}, {}, {})


def filled(text: bytes, secrets: Mapping[bytes, bytes]) -> bytes:
    """Return a text with its secrets in it.

    Examples
    --------
    >>> filled(b"Bearer ${KEY}", {b"${KEY}": b"abc"})
    b'Bearer abc'
    """
    if not secrets or b"${" not in text:
        return text
    for name, value in secrets.items():
        text = text.replace(name, value)
    return text


def from_environment(names: Iterable[str]) -> Secrets:
    """Return the secrets of these names that the environment holds; those of a login come later.

    Raises
    ------
    UsageError
        If one is not set.
    """
    wanted = sorted(name for name in names if "." not in name)
    missing = [name for name in wanted if name not in os.environ]
    if missing:
        raise UsageError("target.missing_secret", names=", ".join(missing))
    return Secrets.of({name: os.environ[name] for name in wanted})


def of_accounts(path: str | None) -> Mapping[str, Secrets]:
    """Return what only each account knows: id → its row in a table that stays where it is.

    Raises
    ------
    UsageError
        If there is no such table, or it has no column ``id``.
    """
    if path is None:
        return {}
    columns = read_table(Path(path)).columns
    if "id" not in columns:
        raise UsageError("target.secrets_without_id", path=path)
    names = [name for name in columns if name != "id"]
    return {
        str(one): Secrets.of({f"{ACCOUNT}{name}": str(columns[name][row]) for name in names})
        for row, one in enumerate(columns["id"].tolist())
    }
