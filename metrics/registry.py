"""One registry of all tests that are open to the public, with what must hold of each.

A test enters by the decorator :func:`register` above its function; no list is edited. The laws and
the type-I table go through :func:`entries` and so reach every test, whoever wrote it.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, TypeVar

from .result import TestResult

Kind = Literal[
    "gaps", "price pairs", "binary pairs", "arms", "price arms", "binary arms", "blocks", "ladder",
    "strata", "binary strata", "crossed", "groups", "binary groups", "outcomes", "outcome gaps",
    "stream", "binary stream", "distances",
]  # fmt: skip
"""What a test is handed: one column, two that match row by row, two arms, a table, several outcomes
of the same rows, what arrives in order, or distances of lists."""

Swap = Literal["negate", "reciprocal", "complement", "same"]
"""What becomes of the estimate when treated and reference change places; the p-value stays."""

Scale = Literal["multiply", "invariant"]
"""What becomes of the estimate when all answers are multiplied; None: that has no meaning here."""

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A public test and its laws.

    Parameters
    ----------
    name : str
        Of the function.
    function : callable
    kind : str
        What it is handed.
    swap : str or None
        What becomes of the estimate when the arms change places. None: the arms have no order.
    scale : str or None
        What becomes of the estimate when all answers are multiplied by a positive number.
    draws : bool
        Whether it takes a generator.
    read : str or None
        Where its main result stands in what it returns; None: it is what it returns.
    options : mapping
        What it has to be told besides the data, for an example.
    """

    name: str
    function: Callable[..., Any]
    kind: Kind
    swap: Swap | None
    scale: Scale | None
    draws: bool
    read: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def result(self, *data: Any, **options: Any) -> TestResult:
        """Return the main result of the test on `data`."""
        found = self.function(*data, **{**self.options, **options})
        main: TestResult = found if self.read is None else getattr(found, self.read)
        return main


_ENTRIES: dict[str, Entry] = {}


def register(
    *,
    kind: Kind,
    swap: Swap | None,
    scale: Scale | None,
    read: str | None = None,
    **options: Any,
) -> Callable[[Function], Function]:
    """Enter a test into the registry.

    Parameters
    ----------
    kind, swap, scale, read
        As :class:`Entry`.
    **options
        What the test has to be told besides the data.

    Returns
    -------
    callable
        A decorator that gives the function back as it is.

    Examples
    --------
    >>> [entry.kind for entry in entries() if entry.name == "mcnemar"]
    ['binary pairs']
    """

    def enter(function: Function) -> Function:
        name = function.__name__
        known = _ENTRIES.get(name)
        if known is not None and known.function.__module__ != function.__module__:
            name = f"{function.__module__.rpartition('.')[2]}.{name}"
        _ENTRIES[name] = Entry(
            name=name,
            function=function,
            kind=kind,
            swap=swap,
            scale=scale,
            draws="rng" in function.__annotations__,
            read=read,
            options=options,
        )
        return function

    return enter


def entries() -> tuple[Entry, ...]:
    """Return all tests of the package, by name.

    Returns
    -------
    tuple of Entry

    Examples
    --------
    >>> {"sign_flip", "mcnemar"} <= {entry.name for entry in entries()}
    True
    """
    package = import_module(__package__)
    for module in pkgutil.walk_packages(package.__path__, f"{__package__}."):
        import_module(module.name)
    return tuple(_ENTRIES[name] for name in sorted(_ENTRIES))
