"""Shipped populations: whom simulated customers are drawn from.

A population is a function of this folder's modules that bears the population's name and returns a
:class:`~evenhand.datasets.personas.Table`: one row a persona, its lawful conditions in columns,
with a column ``weight`` where the rows are not alike in number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache

from ...errors import UsageError
from ..personas import Table
from .city import demo_city
from .hotel import hotel_guests
from .loans import loan_applicants
from .urban import cn_urban

_POPULATIONS: Mapping[str, Callable[[], Table]] = {
    make.__name__.replace("_", "-"): make
    for make in (cn_urban, demo_city, hotel_guests, loan_applicants)
}


def names() -> tuple[str, ...]:
    """Return the names of all shipped populations, sorted.

    Examples
    --------
    >>> names()
    ('cn-urban', 'demo-city', 'hotel-guests', 'loan-applicants')
    """
    return tuple(sorted(_POPULATIONS))


@cache
def load(name: str) -> Table:
    """Return a shipped population.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists those that there are.
    MissingExtraError
        If it is made from real data and the extra ``data`` is not installed.

    Examples
    --------
    >>> sorted(load("demo-city").columns)
    ['distance_km', 'hour', 'party']
    """
    if name not in _POPULATIONS:
        near = get_close_matches(name, names(), n=1)
        message = "datasets.unknown_population_near" if near else "datasets.unknown_population"
        raise UsageError(message, name=name, near="".join(near), known=", ".join(names()))
    return _POPULATIONS[name]()
