"""What a finding measures: how people call it, which sentence tells it, which way is worse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..audit.record import Finding

Way = Literal["more", "less", "apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is compared between customers.

    Parameters
    ----------
    name : str
        Its names in the catalogue: ``measures.many_<name>`` and ``measures.one_<name>``.
    clause : str
        The sentences that tell a difference: ``measures.<clause>_more``, ``_less``, ``_apart``.
    worse : {"more", "less"} or None
        Which way is worse for the customer, where one is.
    priced : bool
        Whether a difference is one of prices (差价) and not of anything else (差距).
    base : bool
        Whether what the reference gets is told beside a difference.
    """

    name: str
    clause: str
    worse: Literal["more", "less"] | None = "more"
    priced: bool = False
    base: bool = True


def _price(name: str, clause: str = "amount") -> Measure:
    return Measure(name=name, clause=clause, priced=True, base=False)


def _less(name: str, clause: str, *, base: bool = True) -> Measure:
    return Measure(name=name, clause=clause, worse="less", base=base)


def _lists(name: str) -> Measure:
    return Measure(name=name, clause="lists", worse=None, base=False)


PRICE = _price("price", "price")

_BY_PROBE: Mapping[tuple[str, str], Measure] = {
    ("pricing.value", "log-ratio"): _price("value"),
    ("steering.assortment", "distance"): _lists("assortment"),
    ("steering.exposure", "points"): Measure(name="group", clause="attention", worse=None),
    ("privacy.canary_list", "rate"): Measure(name="planted", clause="given_away"),
}
"""What the name of an outcome alone does not say."""
_BY_OUTCOME: Mapping[str, Mapping[str, Measure]] = {
    "log-ratio": {
        "final": PRICE,
        "final+coupon": _price("settled", "price"),
        "final+discount": _price("settled", "price"),
        "list": _price("list"),
        "fee": _price("fee"),
        "discount": _less("discount", "amount", base=False),
        "coupon": _less("coupon", "amount", base=False),
        "offers": _less("offers", "offers", base=False),
        "units": _less("units", "amount", base=False),
        "prices": _price("first"),
    },
    "share-of-price": {
        "discount": _less("discount", "part"),
        "coupon": _less("coupon", "part"),
        "fee": Measure(name="fee", clause="part"),
    },
    "rate": {
        "refused": Measure(name="refusal", clause="refusal"),
        "notice": _less("notice", "notice"),
        "unannounced": Measure(name="unannounced", clause="unannounced", base=False),
    },
    "distance": {"ranking": _lists("ranking")},
    "points": {
        "prices": Measure(name="dear", clause="dear"),
    },
}
_BY_UNIT: Mapping[str, Measure] = {
    "log-ratio": Measure(name="other", clause="amount", worse=None, base=False),
    "rate": Measure(name="other", clause="rate", worse=None),
    "share-of-price": Measure(name="other", clause="part", worse=None),
    "distance": _lists("other"),
    "points": Measure(name="other", clause="index", worse=None),
}
MONEY = frozenset({"final", "list", "discount", "coupon", "fee"})
"""Outcomes that are amounts of money, whatever they are compared in."""
FLAGS = frozenset({"notice"})
"""Outcomes that are there or not."""


def measure(finding: Finding) -> Measure:
    """Return what a finding measures; of what another package measures, what its unit says."""
    unit = finding.effect.unit
    # a probe that is used twice in a plan is numbered there
    own = _BY_PROBE.get((finding.probe.partition("#")[0], unit))
    return own or _BY_OUTCOME.get(unit, {}).get(finding.outcome) or _BY_UNIT.get(unit, PRICE)


def way(finding: Finding) -> Way:
    """Return which way a finding goes; “apart” where it is lists, or no way is known."""
    if measure(finding).clause == "lists" or finding.direction == "none":
        return "apart"
    return "more" if finding.direction in {"dearer", "more"} else "less"


def is_worse(finding: Finding) -> bool:
    """Whether the treated side is worse off."""
    worse = measure(finding).worse
    return worse is not None and way(finding) == worse
