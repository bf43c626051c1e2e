"""What people write into cells."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from evenhand.audit.field.cells import amount, flag, moment
from evenhand.errors import UsageError

DAY = datetime(2026, 12, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("￥1,234.50", 1234.5),
        ("1234元", 1234.0),
        ("１２３４．５", 1234.5),
        ("CNY 12", 12.0),
        ("¥0", 0.0),
        ("人民币12.3", 12.3),
        (" ", None),
    ],
)
def test_amounts_are_read(cell, value):
    assert amount(cell, "CNY") == value


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("12 13", "two_prices"),
        ("12/13", "two_prices"),
        ("￥12-￥15", "two_prices"),
        ("US$12", "currency"),
        ("$12", "currency"),
        ("12 EUR", "currency"),
        ("HK$12", "currency"),
        ("12.3.4", "two_prices"),
        ("1,23", "two_prices"),
        ("-5", "no_amount"),
        ("十二", "no_amount"),
        ("1.2E+10", "two_prices"),
    ],
)
def test_what_is_no_one_amount_is_refused(cell, why):
    with pytest.raises(UsageError) as told:
        amount(cell, "CNY")
    assert told.value.message_id == f"field.{why}"


@pytest.mark.parametrize(
    "cell", ["2026-12-01 09:12", "2026/12/1 9:12:00", "2026年12月1日 9:12", "９：１２"]
)
def test_moments_are_read(cell):
    assert moment(cell, DAY) == DAY.replace(minute=12)


def test_flags_are_read():
    assert [flag(cell) for cell in ("是", "Yes", "1", "否", "", "no")] == [True] * 3 + [False] * 3
