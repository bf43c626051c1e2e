"""Probes by name: those that come with Evenhand, and those that other packages declare.

A third party declares an entry point in the group ``evenhand.probes``; no list is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from .. import probes
from ..errors import UsageError
from .protocol import Card, Probe

Maker = Callable[[Mapping[str, Any]], Probe]

_cards: dict[str, Card] = {}
_makers: dict[str, Maker] = {}


def register(card: Card) -> Callable[[Maker], Maker]:
    """Register what makes a probe from the options of its plan entry, under its card's name."""

    def keep(maker: Maker) -> Maker:
        _cards[card.name], _makers[card.name] = card, maker
        return maker

    return keep


@cache
def _load() -> None:
    for module in pkgutil.walk_packages(probes.__path__, f"{probes.__name__}."):
        importlib.import_module(module.name)
    for entry in entry_points(group="evenhand.probes"):
        entry.load()


def names() -> tuple[str, ...]:
    """Return the names of all probes, sorted.

    Examples
    --------
    >>> "pricing.twins" in names()
    True
    """
    _load()
    return tuple(sorted(_makers))


def card(name: str) -> Card:
    """Return what the probe `name` says of itself."""
    _require(name)
    return _cards[name]


def make(name: str, options: Mapping[str, Any]) -> Probe:
    """Return the probe `name` with the options of its plan entry.

    Raises
    ------
    UsageError
        If there is no probe of that name.
    """
    _require(name)
    return _makers[name](options)


def _require(name: str) -> None:
    if name not in names():
        raise UsageError("errors.no_such_probe", name=name, known=", ".join(names()))
