"""The zoo: pricing models to try an audit on, one stranger a file, each with its truth as data.

A module of this folder is a vendor when it holds a ``TRUTH``. It brings ``quote`` (columns in,
prices out), ``COLUMNS`` (what it must be told), ``CURRENCY``, and where its prices are noisy
``centre``, the price before noise. No list is edited to add one.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from .truth import Prices, Truth

Quoted = NDArray[np.float64] | Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One pricing model.

    Parameters
    ----------
    name : str
    quote : callable
        Table → final prices, or a mapping of outcomes (``"final"``, ``"list"``) to prices. The
        answer for a row depends on that row alone.
    centre : callable
        Table → prices without noise.
    columns : mapping of str to type
        What each row must hold: ``str`` or ``float``.
    currency : str
    truth : Truth
    prepare : callable
        Does what takes long (training), once.
    """

    name: str
    quote: Callable[[Mapping[str, NDArray[Any]]], Quoted]
    centre: Prices
    columns: Mapping[str, type]
    currency: str
    truth: Truth
    prepare: Callable[[], object]


def names() -> tuple[str, ...]:
    """Return the names of all vendors, sorted.

    Examples
    --------
    >>> "fair_noise" in names(), "serve" in names()
    (True, False)
    """
    return tuple(sorted(_modules()))


def get(name: str) -> Vendor:
    """Return a vendor.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists those that there are.

    Examples
    --------
    >>> get("loyal_markup").truth.effects["tenure"].side
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
        quote=module.quote,
        centre=getattr(module, "centre", module.quote),
        columns=module.COLUMNS,
        currency=module.CURRENCY,
        truth=module.TRUTH,
        prepare=getattr(module, "prepare", lambda: None),
    )


@cache
def _modules() -> Mapping[str, ModuleType]:
    found = (entry.name for entry in pkgutil.iter_modules(__path__))
    modules = {name: import_module(f"{__name__}.{name}") for name in found}
    return {name: module for name, module in modules.items() if hasattr(module, "TRUTH")}
