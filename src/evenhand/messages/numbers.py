"""Numbers, money, dates and odds as people read them, in Chinese and in English.

The same number comes out with the same digits in both languages. No function prints more digits
than the interval of the number justifies: :func:`digits_for` says how many that are.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from . import text

_MINUS = "\N{MINUS SIGN}"
_MONEY = {
    "CNY": ("¥", "words.money_cny"),
    "EUR": ("€", "words.money_eur"),
}
_ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL_P = (
    (1e-6, "words.below_millionth"),
    (1e-5, "words.below_hundred_thousandth"),
    (1e-4, "words.below_ten_thousandth"),
    (1e-3, "words.below_thousandth"),
)
_LARGE_ODDS = (
    (1e6, "words.odds_million"),
    (1e5, "words.odds_hundred_thousand"),
    (1e4, "words.odds_ten_thousand"),
    (1e3, "words.odds_thousand"),
)


def digits_for(width: float | None, *, whole: float = 10.0) -> int:
    """Return how many decimals an interval of this width justifies: 0, 1 or 2.

    Parameters
    ----------
    width : float or None
        High minus low, in the unit that is printed. None, where there is no interval, gives 1.
    whole : float
        From this width on there are none. From a half on there is one, of which the interval then
        holds at least five.

    Examples
    --------
    >>> digits_for(1.2), digits_for(12.0), digits_for(0.02), digits_for(None)
    (1, 0, 2, 1)
    """
    if width is None or not math.isfinite(width):
        return 1
    return 0 if width >= whole else 1 if width >= 0.5 else 2  # noqa: PLR2004 - said above


def decimal(value: float, digits: int) -> str:
    """Return `value` with `digits` decimals, thousands marked and a true minus sign.

    Examples
    --------
    >>> decimal(-1234.56, 1), decimal(-0.004, 1)
    ('−1,234.6', '0.0')
    """
    rounded = _rounded(value, digits, ROUND_HALF_EVEN)
    return f"{rounded:,.{digits}f}".replace("-", _MINUS)


def percent(value: float, language: str, *, digits: int | None = None) -> str:
    """Return a percentage: ``3.0%`` in Chinese, ``3.0 %`` in English.

    Parameters
    ----------
    value : float
        In percent: 3.0 is three in a hundred.
    language : {"zh", "en"}
    digits : int, optional
        Decimals. Default: as many as a declared number has, at most two (``1 %``, ``2.5 %``).

    Examples
    --------
    >>> percent(3.0, "zh", digits=1), percent(3.0, "en", digits=1), percent(1.0, "en")
    ('3.0%', '3.0 %', '1 %')
    """
    return text("words.percent", language, number=plain(value, digits))


def plain(value: float, digits: int | None = None) -> str:
    """Return a number with `digits` decimals; without, with as many as a declared number has.

    Examples
    --------
    >>> plain(3.0, 1), plain(3.0), plain(2.5)
    ('3.0', '3', '2.5')
    """
    return _shortest(value) if digits is None else decimal(value, digits)


def percent_range(low: float, high: float, language: str, *, digits: int) -> str:
    """Return an interval of percentages.

    Examples
    --------
    >>> percent_range(2.4, 3.6, "zh", digits=1), percent_range(-0.3, 0.5, "en", digits=1)
    ('2.4%—3.6%', '−0.3 to 0.5 %')
    """
    return text(
        "words.percent_range", language, low=decimal(low, digits), high=decimal(high, digits)
    )


def at_most(value: float, language: str) -> str:
    """Return an upper bound in percent with two figures, rounded up: a bound never shrinks.

    Examples
    --------
    >>> at_most(1.9, "zh"), at_most(7.21, "en"), at_most(12.0, "en"), at_most(0.0, "en")
    ('1.9%', '7.3 %', '12 %', '0 %')
    """
    return text("words.percent", language, number=bound(value))


def bound(value: float) -> str:
    """Return an upper bound with two figures, rounded up.

    Examples
    --------
    >>> bound(1.9), bound(7.21)
    ('1.9', '7.3')
    """
    digits = 0 if value == 0 or value >= 10 else 1 if value >= 1 else 2  # noqa: PLR2004 - two figures
    return f"{_rounded(round(value, 9), digits, ROUND_CEILING):.{digits}f}"


def money(
    value: float, currency: str | None, language: str, *, digits: int, sentence: bool = False
) -> str:
    """Return an amount of money.

    Parameters
    ----------
    value : float
        In units of the currency.
    currency : str or None
        ISO 4217. CNY and EUR have their sign and their Chinese name; others show the code.
    language : {"zh", "en"}
    digits : int
        Decimals.
    sentence : bool
        In Chinese: ``6.1 元`` instead of ``¥6.1``.

    Examples
    --------
    >>> money(6.1, "CNY", "zh", digits=1, sentence=True), money(6.1, "CNY", "en", digits=1)
    ('6.1 元', '¥6.1')
    >>> money(-6.1, "EUR", "zh", digits=1), money(6.1, "SGD", "en", digits=1)
    ('−€6.1', 'SGD 6.1')
    """
    number = decimal(abs(value), digits)
    sign = _MINUS if value < 0 and any(figure in number for figure in "123456789") else ""
    symbol, spoken = _MONEY.get(currency or "", (f"{currency or ''} ".lstrip(), None))
    if sentence and language == "zh":
        amount = sign + number
        return text(spoken, language, amount=amount) if spoken else f"{amount} {currency or ''}"
    return f"{sign}{symbol}{number}"


def money_range(
    low: float, high: float, currency: str | None, language: str, *, digits: int
) -> str:
    """Return an interval of amounts.

    Examples
    --------
    >>> money_range(4.9, 7.2, "CNY", "zh", digits=1), money_range(4.9, 7.2, "CNY", "en", digits=1)
    ('¥4.9—¥7.2', '¥4.9 to ¥7.2')
    """
    ends = (money(value, currency, language, digits=digits) for value in (low, high))
    return text("words.range", language, **dict(zip(("low", "high"), ends, strict=True)))


def count(n: float) -> str:
    """Return a count with thousands marked, the same in both languages.

    Examples
    --------
    >>> count(20000)
    '20,000'
    """
    return f"{round(n):,}"


def spelled(n: int, language: str) -> str:
    """Return a count that begins a sentence: a word in English where it is below a hundred.

    Examples
    --------
    >>> spelled(40, "en"), spelled(57, "en"), spelled(40, "zh"), spelled(149, "en")
    ('Forty', 'Fifty-seven', '40', '149')
    """
    if language != "en" or not 0 <= n < 100:  # noqa: PLR2004 - said above
        return count(n)
    if n < len(_ONES):
        return _ONES[n].capitalize()
    tens, ones = divmod(n, 10)
    return (_TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")).capitalize()


def probability(p: float, language: str) -> str:
    """Return a small probability: two figures down to one in a thousand, then words.

    Examples
    --------
    >>> probability(0.0312, "en"), probability(7.3e-7, "en"), probability(7.3e-7, "zh")
    ('0.031', 'less than one in a million', '小于百万分之一')
    """
    for bound, message_id in _SMALL_P:
        if p < bound:
            return text(message_id, language)
    return decimal(p, 2 if p >= 0.1 else 3)  # noqa: PLR2004 - two figures


def odds(evalue: float, language: str) -> str:
    """Return an e-value as odds that a bet against the null has paid.

    Examples
    --------
    >>> odds(41.3, "en"), odds(4.1e6, "en"), odds(4.1e6, "zh")
    ('41 to 1', 'more than a million to 1', '超过一百万比 1')
    """
    for bound, message_id in _LARGE_ODDS:
        if evalue >= bound:
            return text(message_id, language)
    return text("words.odds", language, number=decimal(evalue, 0 if evalue >= 10 else 1))  # noqa: PLR2004 - two figures


def day(moment: str) -> str:
    """Return the ISO date of an ISO moment, in UTC.

    Examples
    --------
    >>> day("2026-11-23T23:59:00+08:00")
    '2026-11-23'
    """
    return _parsed(moment).strftime("%Y-%m-%d") if moment else ""


def moment(moment: str) -> str:
    """Return an ISO moment to the minute, in UTC.

    Examples
    --------
    >>> moment("2026-11-23T10:15:30.5+08:00")
    '2026-11-23 02:15 UTC'
    """
    return _parsed(moment).strftime("%Y-%m-%d %H:%M UTC") if moment else ""


def _parsed(moment: str) -> datetime:
    read = datetime.fromisoformat(moment)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)


def _rounded(value: float, digits: int, rounding: str) -> Decimal:
    # + 0: a rounded minus nothing is nothing
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), rounding=rounding) + 0


def _shortest(value: float) -> str:
    number = decimal(value, 2)
    return number.rstrip("0").rstrip(".") if "." in number else number
