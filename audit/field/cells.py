"""What a cell of a sheet says. Widths, signs and dates of any spreadsheet are read; nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

from ...errors import UsageError

_SIGNS = {
    "CNY": ("人民币", "RMB", "CNY", "¥", "元"),
    "HKD": ("港币", "港元", "HKD", "HK$"),
    "TWD": ("新台币", "TWD", "NT$"),
    "USD": ("美元", "USD", "US$"),
    "EUR": ("欧元", "EUR", "€"),
    "GBP": ("英镑", "GBP", "£"),
    "JPY": ("日元", "日圆", "JPY"),
    "KRW": ("韩元", "KRW", "₩"),
}
_SHARED = {"$": ("USD", "HKD", "TWD"), "¥": ("CNY", "JPY")}
"""Signs of more than one currency: the plan says which of them is meant."""
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_YES = frozenset({"是", "有", "看到", "√", "✓", "Y", "YES", "TRUE", "1"})
_NO = frozenset({"", "否", "无", "没有", "没看到", "×", "N", "NO", "FALSE", "0"})
_DATES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
_CLOCKS = ("%H:%M:%S", "%H:%M")
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day 0 has no zone
_SERIALS = (20_000.0, 80_000.0)
"""Days since a spreadsheet's day 0 that a date may be: 1954 to 2119."""


def normal(cell: str) -> str:
    """Return a cell with signs of usual width and no blanks around.

    Examples
    --------
    >>> normal("　￥１２．５０ ")
    '¥12.50'
    """
    return unicodedata.normalize("NFKC", cell).strip()


def amount(cell: str, currency: str) -> float | None:
    """Return the amount that a cell holds; None where it is empty.

    Raises
    ------
    UsageError
        If it holds two, another currency, or something else.

    Examples
    --------
    >>> amount("￥1,234.50", "CNY"), amount("1234元", "CNY"), amount("３２８", "CNY"), amount(" ", "CNY")
    (1234.5, 1234.0, 328.0, None)
    """
    text = normal(cell).upper()
    if not text:
        return None
    for known in sorted(_own(currency), key=len, reverse=True):
        text = text.replace(known, " ")
    foreign = next((sign for sign in _others(currency) if sign in text), None)
    if foreign is not None:
        raise UsageError("field.currency", sign=foreign, currency=currency, got=cell.strip())
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text.replace(",", ""))
    if len(_NUMBER.findall(text)) > 1:
        raise UsageError("field.two_prices", got=cell.strip())
    raise UsageError("field.no_amount", got=cell.strip())


def _own(currency: str) -> tuple[str, ...]:
    shared = tuple(sign for sign, whose in _SHARED.items() if currency in whose)
    return (*_SIGNS.get(currency, ()), currency, *shared)


def _others(currency: str) -> list[str]:
    own = set(_own(currency))
    known = {sign for signs in _SIGNS.values() for sign in signs} | set(_SHARED)
    return sorted(known - own, key=len, reverse=True)


def flag(cell: str) -> bool:
    """Return whether a cell says yes; an empty one says no.

    Raises
    ------
    UsageError
        If it says neither.
    """
    text = normal(cell).upper()
    if text in _YES or text in _NO:
        return text in _YES
    raise UsageError("field.no_flag", got=cell.strip())


def moment(cell: str, day: datetime) -> datetime:
    """Return the moment that a cell holds, in the zone of `day`; a time alone is on that day.

    Raises
    ------
    UsageError
        If it is no moment.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> day = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
    >>> found = [moment(cell, day) for cell in ("9:12", "2026/12/1 09:12", "46357.38333", "0.38333")]
    >>> {one.isoformat(timespec="minutes") for one in found}
    {'2026-12-01T09:12+08:00'}
    """
    text = normal(cell).replace("/", "-").replace("年", "-").replace("月", "-").replace("日", " ")
    text = " ".join(text.replace("T", " ").split())
    for form in _DATES:
        if (found := _parsed(text, form)) is not None:
            return found.replace(tzinfo=day.tzinfo)
    for form in _CLOCKS:
        if (found := _parsed(text, form)) is not None:
            return datetime.combine(day.date(), found.time(), day.tzinfo)
    if _NUMBER.fullmatch(text):
        serial = float(text.replace(",", ""))
        if 0 < serial < 1:
            return _minute(datetime.combine(day.date(), datetime.min.time(), day.tzinfo), serial)
        if _SERIALS[0] < serial < _SERIALS[1]:
            return _minute(_EPOCH.replace(tzinfo=day.tzinfo), serial)
    raise UsageError("field.no_time", got=cell.strip())


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the plan's
    except ValueError:
        return None


def _minute(start: datetime, days: float) -> datetime:
    """Add days to a moment, to the second: a spreadsheet keeps times as fractions."""
    return start + timedelta(seconds=round(days * 86_400))
