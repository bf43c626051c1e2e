"""The one catalogue of sentences that people read, in Chinese and in English.

The lowest layer: it imports nothing of Evenhand. A sentence has an id, ``"area.name"``, and stands
in ``messages/area.toml`` as a table with the keys ``zh`` and ``en``. Placeholders are those of
:meth:`str.format` and are the same in both languages. A value that is itself a pair of languages
(``{"zh": …, "en": …}``) is put in in the language of the sentence.

    [no_such_run]
    zh = "没有这个运行目录：{path}"
    en = "There is no run folder {path}."
"""

from __future__ import annotations

import locale
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

Language = Literal["zh", "en"]
Text = Mapping[str, str]

LANGUAGES: tuple[str, ...] = get_args(Language)

SYMBOLS: Mapping[str, str] = {
    "established": "▲",
    "cleared": "●",
    "indicated": "■",
    "inconclusive": "◆",
}
"""A shape for each verdict: it reads in grey and without colour."""

_chosen: ContextVar[str | None] = ContextVar("evenhand_language", default=None)


def use(language: str | None) -> None:
    """Choose the language of everything printed from here on; None goes back to the default."""
    if language is not None and language not in LANGUAGES:
        msg = f"language must be one of {', '.join(LANGUAGES)}, got {language!r}"
        raise ValueError(msg)
    _chosen.set(language)


def language() -> str:
    """Return the current language: what was chosen, else ``EVENHAND_LANG``, else the locale's.

    Examples
    --------
    >>> use("zh")
    >>> language()
    'zh'
    >>> use(None)
    """
    chosen = _chosen.get() or os.environ.get("EVENHAND_LANG", "")[:2].lower()
    if chosen in LANGUAGES:
        return chosen
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    set_name = next((name for name in names if name), None) or locale.getlocale()[0] or ""
    return "zh" if set_name.lower().startswith(("zh", "chinese")) else "en"


@cache
def _area(area: str) -> Mapping[str, Text]:
    source = resources.files(__package__).joinpath(f"{area}.toml")
    try:
        return tomllib.loads(source.read_text("utf-8"))
    except FileNotFoundError:
        return {}


def areas() -> tuple[str, ...]:
    """Return the names of all areas, sorted."""
    names = (entry.name for entry in resources.files(__package__).iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".toml")))


def ids() -> Iterator[str]:
    """Yield the id of every sentence, area by area."""
    for area in areas():
        for name in _area(area):
            yield f"{area}.{name}"


def template(message_id: str, language: str) -> str:
    """Return the sentence with its placeholders still in it.

    Raises
    ------
    KeyError
        If there is no such id. That is a defect of Evenhand, not of its user.
    """
    area, _, name = message_id.partition(".")
    return _area(area)[name][language]


def text(message_id: str, language_: str | None = None, /, **values: Any) -> str:
    """Return a sentence of the catalogue.

    Parameters
    ----------
    message_id : str
        ``"area.name"``.
    language_ : {"zh", "en"}, optional
        Default: the current language.
    **values : object
        One for each placeholder.

    Examples
    --------
    >>> text("words.established", "zh"), text("words.established", "en")
    ('超限', 'beyond the limit')
    """
    chosen = language_ or language()
    return template(message_id, chosen).format(
        **{name: pick(value, chosen) for name, value in values.items()}
    )


def both(message_id: str, /, **values: Any) -> dict[str, str]:
    """Return a sentence in every language, for a record that both are read from."""
    return {chosen: text(message_id, chosen, **values) for chosen in LANGUAGES}


def pick(value: Any, language_: str) -> Any:
    """Return the side of a pair of languages; anything else is returned as it is."""
    if isinstance(value, Mapping) and set(value) == set(LANGUAGES):
        return value[language_]
    return value
