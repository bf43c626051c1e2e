"""Whatever testers write into a cell: an amount, a flag, a moment, or words about what is wrong."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fuzz.noise import few, only_our_errors

from evenhand.audit.field import cells

DAY = datetime(2026, 11, 25, tzinfo=UTC)
written = st.text(max_size=16) | st.text("0123456789.,-:/ ￥¥元€$eE是否yn年月日", max_size=16)


@few
@given(written, st.sampled_from(["CNY", "EUR", "USD", "JPY"]))
def test_an_amount_of_anything(cell, currency):
    with only_our_errors():
        found = cells.amount(cell, currency)
        assert found is None or (np.isfinite(found) and found >= 0)


@few
@given(written)
def test_a_flag_of_anything(cell):
    with only_our_errors():
        assert cells.flag(cell) in {True, False}


@few
@example("1,234")  # a number, and no moment
@given(written)
def test_a_moment_of_anything(cell):
    with only_our_errors():
        assert cells.moment(cell, DAY).tzinfo is not None
