"""The zoo: pricing and recommendation models to try an audit on, each with its truth as data.

One stranger a file: ``fair/`` holds those that treat people alike, ``guilty/`` those that do not,
``trained/`` models learnt from real data, in which nothing was planted. A module is a vendor when it
holds a ``TRUTH``. It brings

- ``quote``: columns in, answers out; the answer for a row depends on that row alone,
- ``COLUMNS``, ``CURRENCY``, ``FRAME``: what it must be told, its money, what its truth is about,
- ``centre``, where answers are noisy: the same without noise, refusals and notices as chances,
- ``REMEMBERS``, where the answer depends on what a customer did before: the columns that
  :class:`~evenhand.datasets.vendors.shop.Shop` adds to each row,
- ``prepare``, where it must be trained first.

No list is edited to add one. A plan reaches one through this package, whatever its folder:
``evenhand.datasets.vendors:fair_noise.quote``.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import ModuleType

from ...errors import UsageError
from .truth import Column, Columns, Frame, Level, Quoted, Quotes, Truth, shown

GROUPS = ("fair", "guilty", "trained")
"""The folders that vendors live in."""

STEP = "step"
REMEMBERED: Mapping[str, Level] = {
    STEP: "quote",
    "looks": 0.0,
    "views": 0.0,
    "searches": 0.0,
    "viewed": "",
    "opted_out": 0.0,
    "calls": 0.0,
}
"""What a shop can tell a vendor beyond the request, and what it says of a customer it never saw: the
step that is asked, how often this identity was given a quote, viewed and searched before, the item
that it viewed last, whether it opted out, and how many quotes the shop has given to anybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One pricing or recommendation model.

    Parameters
    ----------
    name : str
    group : str
        One of :data:`GROUPS`.
    quote : callable
        Table → final prices, or a mapping of outcomes to columns; see
        :data:`~evenhand.datasets.vendors.truth.UNITS`. ``ranking`` and ``prices`` hold a tuple a
        row, ``refused`` and ``notice`` a flag.
    centre : callable
        The same without noise.
    columns : mapping of str to type
        What each request must hold: ``str`` or ``float``.
    remembers : tuple of str
        What it must be told beyond that, of :data:`REMEMBERED`. Empty for a vendor without memory.
    currency : str
    truth : Truth
    frame : Frame
    prepare : callable
        Does what takes long (training), once.
    """

    name: str
    group: str
    quote: Quotes
    centre: Quotes
    columns: Mapping[str, type]
    remembers: tuple[str, ...] = ()
    currency: str
    truth: Truth
    frame: Frame
    prepare: Callable[[], object]

    def contexts(self, population: Columns) -> dict[str, Column]:
        """Return the frame's contexts with everything that `quote` needs, asked for the first time.

        Parameters
        ----------
        population : mapping of str to column
            The columns of the frame's population.
        """
        rows = shown(self.frame.contexts(population), {n: REMEMBERED[n] for n in self.remembers})
        return shown(rows, {"identity": "somebody"}) if "identity" in self.columns else rows


def names(group: str | None = None) -> tuple[str, ...]:
    """Return the names of all vendors, or of one group's, sorted.

    Examples
    --------
    >>> "fair_noise" in names(), "serve" in names(), "fair_noise" in names("guilty")
    (True, False, False)
    """
    modules = _modules().items()
    return tuple(sorted(name for name, module in modules if group in {None, _group(module)}))


def get(name: str) -> Vendor:
    """Return a vendor.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists those that there are.

    Examples
    --------
    >>> get("loyal_markup").truth.of("tenure").side
    'guilty'
    """
    module = _modules().get(name)
    if module is None:
        known = names()
        near = get_close_matches(name, known, n=1)
        message = "datasets.unknown_vendor_near" if near else "datasets.unknown_vendor"
        raise UsageError(message, name=name, near="".join(near), known=", ".join(known))
    return Vendor(
        name=name,
        group=_group(module),
        quote=module.quote,
        centre=getattr(module, "centre", module.quote),
        columns=module.COLUMNS,
        remembers=getattr(module, "REMEMBERS", ()),
        currency=module.CURRENCY,
        truth=module.TRUTH,
        frame=module.FRAME,
        prepare=getattr(module, "prepare", lambda: None),
    )


def _group(module: ModuleType) -> str:
    return module.__name__.split(".")[-2]


@cache
def _modules() -> Mapping[str, ModuleType]:
    modules = {
        entry.name: import_module(f"{__name__}.{group}.{entry.name}")
        for group in GROUPS
        for entry in pkgutil.iter_modules([f"{folder}/{group}" for folder in __path__])
    }
    return {name: module for name, module in modules.items() if hasattr(module, "TRUTH")}


def __getattr__(name: str) -> ModuleType:
    """Give a vendor's module by the vendor's name alone."""
    # the import system asks for parts of a package, and dunders, on its own
    if name.startswith("_") or name not in _modules():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _modules()[name]


__all__ = ["GROUPS", "REMEMBERED", "STEP", "Quoted", "Vendor", "get", "names"]
