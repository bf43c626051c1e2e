"""Gaps between groups in a log, with and without conditions; what is free of them; what gives away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...messages import Text, both
from ...metrics.groups.conditional import ConditionalGap, conditional_gap
from ...metrics.groups.disparity import FreePrice, discrimination_free
from ...metrics.groups.proxies import Proxy, proxies


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One group beside the reference group.

    Attributes
    ----------
    gap : ConditionalGap
        As log ratios: marginal, and at equal conditions.
    verdict : {"indicated", "inconclusive"}
        A log neither accuses nor clears.
    statement : mapping
        What is told of it, in zh and en.
    """

    gap: ConditionalGap
    verdict: Literal["indicated", "inconclusive"]
    statement: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Associations:
    """What a log shows about one protected column.

    Attributes
    ----------
    gaps : tuple of Association
    free : tuple of FreePrice
        How far each group's prices lie from the price that is free of discrimination.
    proxies : tuple of Proxy
        Which conditions give the protected column away, the clearest first.
    """

    gaps: tuple[Association, ...]
    free: tuple[FreePrice, ...]
    proxies: tuple[Proxy, ...]


def associations(
    log: Any,
    *,
    price: str,
    protected: str,
    given: Sequence[str],
    rng: np.random.Generator,
    reference: Any = None,
    alpha: float = 0.05,
) -> Associations:
    """Return what a log shows about a protected column, at equal conditions and without.

    Null hypothesis of each gap: at equal conditions the geometric mean price of the group is that of
    the reference. Guarantee: asymptotic; P(any false ``indicated``) ≤ `alpha` over the groups by
    Bonferroni. Nobody drew lots, so that a gap may come from conditions that the log does not hold.

    Parameters
    ----------
    log : mapping of str to column, or data frame
    price, protected : str
        Columns: a positive price, and the group.
    given : sequence of str
        Columns that a price may lawfully follow: held equal by their combinations.
    rng : numpy.random.Generator
        For what is cross-fitted.
    reference : label, optional
        The group that the others are compared with; the largest where it is not given.
    alpha : float

    Raises
    ------
    InputError
        If a column cannot be used.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> sex, zone = rng.choice(["f", "m"], 400), rng.choice(["a", "b"], 400)
    >>> log = {"sex": sex, "zone": zone, "price": np.where(zone == "a", 90.0, 100.0)
    ...     * np.where(sex == "f", 1.05, 1.0) * np.exp(rng.normal(0, 0.01, 400))}
    >>> found = associations(log, price="price", protected="sex", given=["zone"], rng=rng,
    ...     reference="m")
    >>> found.gaps[0].verdict, round(found.gaps[0].gap.conditional.value, 2)
    ('indicated', 0.05)
    """
    conditions = {name: log[name] for name in given}
    gaps = conditional_gap(
        log[price],
        sensitive_features={protected: log[protected]},
        control_features=conditions,
        kind="geometric_mean",
        reference=reference,
        level=1 - alpha,
    )
    return Associations(
        gaps=tuple(_told(gap, alpha / len(gaps)) for gap in gaps),
        free=discrimination_free(
            log[price],
            sensitive_features={protected: log[protected]},
            control_features=conditions,
            level=1 - alpha,
        ),
        proxies=proxies(log[protected], columns=conditions, rng=rng, level=1 - alpha),
    )


def _told(gap: ConditionalGap, alpha: float) -> Association:
    verdict: Literal["indicated", "inconclusive"] = (
        "indicated" if gap.p_value is not None and gap.p_value <= alpha else "inconclusive"
    )
    values = {
        "group": ", ".join(map(str, gap.group)),
        "reference": ", ".join(map(str, gap.reference)),
        "conditional": _percent(gap.conditional.value),
        "marginal": _percent(gap.marginal.value),
    }
    said = both(f"recorded.{verdict}", **values)
    turned = both("recorded.turned") if gap.turned else {"zh": "", "en": ""}
    return Association(
        gap=gap,
        verdict=verdict,
        statement={
            "zh": said["zh"] + turned["zh"],
            "en": f"{said['en']} {turned['en']}".rstrip(),
        },
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * math.expm1(value):.1f}%"
