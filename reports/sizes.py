"""How large a finding is, in words: the one place where an effect becomes text.

An effect is a ratio of prices and is told in percent, or a difference and is told in points of a
hundred. Everything that shows one, on paper, on a terminal or in a notebook, asks here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ..audit.record import Finding, Range
from ..messages import numbers, text
from .voice import Voice

RATIO = "log-ratio"
_MARKED = frozenset({"distance", "points"})
"""Units of an index: a hundred is the most there is, not all of something."""
_WORDS = {
    False: ("words.point", "words.points", "words.points_before"),
    True: ("words.mark", "words.marks", "words.marks_before"),
}
"""One, several, and before a noun; of an index or not."""


@dataclass(frozen=True, slots=True)
class Size:
    """The mean effect of a finding, written out. `flipped` ones are printed as amounts less.

    Parameters
    ----------
    value : str
        With its unit: percent or points.
    low, high : str
        Percent with their sign, points without their name. Empty where there is no interval.
    interval : str
        From low to high.
    number : str
        The value without its unit, for what is counted: “7.2 more of 100”.
    money, money_interval : str
        Empty where it is not money.
    """

    value: str
    low: str
    high: str
    interval: str
    number: str
    money: str
    money_interval: str


def known(value: float | None) -> float | None:
    """Return `value`, or None where it is not a number that can be printed."""
    return value if value is not None and math.isfinite(value) else None


def width(range_: Range | None) -> float | None:
    """Return how wide a range is; None where an end is missing."""
    if range_ is None or known(range_.low) is None or known(range_.high) is None:
        return None
    return (range_.high or 0.0) - (range_.low or 0.0)


def told(finding: Finding) -> Range | None:
    """Return the mean effect as it is told: in percent, or in points of a hundred."""
    return finding.percent if finding.effect.unit == RATIO else finding.points


def hundredths(value: float, unit: str) -> float:
    """Return an effect in percent, or in points of a hundred.

    Examples
    --------
    >>> round(hundredths(0.0296, "log-ratio"), 2), hundredths(0.25, "rate")
    (3.0, 25.0)
    """
    return 100 * (math.expm1(value) if unit == RATIO else value)


def written(value: float, unit: str, language: str, *, digits: int | None = None) -> str:
    """Return a number of hundredths with the name of its unit.

    Parameters
    ----------
    value : float
        In percent, or in points of a hundred.
    unit : str
        Of the effect: ``"log-ratio"``, ``"rate"``, ``"share-of-price"``, ``"distance"``, ``"points"``.
    language : {"zh", "en"}
    digits : int, optional
        Decimals. Default: as many as a declared number has.

    Examples
    --------
    >>> written(3.0, "log-ratio", "en", digits=1), written(7.2, "rate", "en", digits=1)
    ('3.0 %', '7.2 points')
    >>> written(7.2, "rate", "zh", digits=1), written(14.0, "distance", "zh", digits=0)
    ('7.2 个百分点', '14 分')
    """
    if unit == RATIO:
        return numbers.percent(value, language, digits=digits)
    return _named(numbers.plain(value, digits), unit, language)


def at_most(value: float, unit: str, language: str) -> str:
    """Return an upper bound of hundredths with the name of its unit, rounded up.

    Examples
    --------
    >>> at_most(7.21, "log-ratio", "en"), at_most(7.21, "rate", "en")
    ('7.3 %', '7.3 points')
    """
    if unit == RATIO:
        return numbers.at_most(value, language)
    return _named(numbers.bound(value), unit, language)


def _named(number: str, unit: str, language: str) -> str:
    one, several, _ = _WORDS[unit in _MARKED]
    return text(one if number == "1" else several, language, number=number)


def unit_of(findings: Iterable[Finding], voice: Voice) -> str:
    """Return the unit of an axis that all findings are drawn on: each is one of a hundred."""
    units = {finding.effect.unit for finding in findings}
    kinds = {"percent" if u == RATIO else "marks" if u in _MARKED else "points" for u in units}
    if len(kinds) <= 1:
        return voice(f"measures.unit_{next(iter(kinds), 'percent')}")
    return voice("measures.unit_either" if "percent" in kinds else "measures.unit_mixed")


def tolerance(finding: Finding, value: float | None, voice: Voice, *, before: bool = False) -> str:
    """Return a declared limit of a finding's effect, as a fraction, in the unit of the effect.

    `before`: as it stands before a noun, “the 1-point limit”.
    """
    if value is None:
        return ""
    unit = finding.effect.unit
    if not before:
        return written(100 * value, unit, voice.language)
    attributive = "words.percent_before" if unit == RATIO else _WORDS[unit in _MARKED][2]
    return voice(attributive, number=numbers.plain(100 * value))


def size(finding: Finding, voice: Voice, *, flipped: bool = False) -> Size | None:
    """Return the mean effect in words; None where none was measured."""
    range_ = told(finding)
    if range_ is None or known(range_.estimate) is None:
        return None
    sign = -1.0 if flipped else 1.0
    unit, language, digits = finding.effect.unit, voice.language, numbers.digits_for(width(range_))
    ends = sorted(sign * end for end in (known(range_.low), known(range_.high)) if end is not None)
    value = sign * (range_.estimate or 0.0)
    whole = len(ends) == 2  # noqa: PLR2004 - both ends
    low, high = (_end(end, unit, language, digits) for end in ends) if whole else ("", "")
    amount, amounts = _money(finding.money, voice, sign)
    return Size(
        value=written(value, unit, language, digits=digits),
        low=low,
        high=high,
        interval=span(ends[0], ends[1], unit, language, digits=digits)
        if whole
        else voice("report.no_number"),
        number=numbers.decimal(value, digits),
        money=amount,
        money_interval=amounts,
    )


def _end(value: float, unit: str, language: str, digits: int) -> str:
    if unit == RATIO:
        return numbers.percent(value, language, digits=digits)
    return numbers.decimal(value, digits)


def span(low: float, high: float, unit: str, language: str, *, digits: int) -> str:
    """Return an interval; points stand without their name, which the value beside it has.

    Examples
    --------
    >>> span(5.1, 9.4, "rate", "en", digits=1), span(2.4, 3.6, "log-ratio", "en", digits=1)
    ('5.1 to 9.4', '2.4 to 3.6 %')
    """
    if unit == RATIO:
        return numbers.percent_range(low, high, language, digits=digits)
    ends = {"low": numbers.decimal(low, digits), "high": numbers.decimal(high, digits)}
    return text("words.range", language, **ends)


def _money(money: Range | None, voice: Voice, sign: float) -> tuple[str, str]:
    if money is None or known(money.estimate) is None:
        return "", ""
    digits = numbers.digits_for(width(money))
    value = sign * (money.estimate or 0.0)
    amount = numbers.money(value, money.currency, voice.language, digits=digits, sentence=True)
    if width(money) is None:
        return amount, ""
    low, high = sorted((sign * (money.low or 0.0), sign * (money.high or 0.0)))
    spread = numbers.money_range(low, high, money.currency, voice.language, digits=digits)
    return amount, spread


def share_text(share: Range, voice: Voice) -> str:
    """Return the estimate of a share with the digits that its interval justifies."""
    digits = share_digits(share)
    return numbers.percent(100 * (share.estimate or 0.0), voice.language, digits=digits)


def share_digits(share: Range) -> int:
    """Return the decimals of a share in percent: one customer in a hundred is the unit."""
    wide = width(share)
    return numbers.digits_for(None if wide is None else 100 * wide, whole=5.0)


def fraction(value: float | None, voice: Voice) -> str:
    """Return a declared fraction as a percentage."""
    return "" if value is None else numbers.percent(100 * value, voice.language)
