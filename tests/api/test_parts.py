"""The figure of what a difference is made of: the report's numbers, its conclusion above."""

import matplotlib.pyplot as plt
import pytest
from tests.reports import samples

from evenhand.api import parts
from evenhand.errors import UsageError


@pytest.fixture
def axes():
    made = plt.subplots()[1]
    yield made
    plt.close("all")


def test_bars_are_the_records_parts_with_their_intervals(axes):
    record = samples.record()
    assert parts.plot(record, axes=axes, language="en") is axes
    made = next(
        one
        for finding in record.content.findings
        for one in finding.explanations
        if one.kind == "decomposition" and one.scope == "attributes"
    )
    amounts = [part.money for part in made.parts if part.money]
    widths = [bar.get_width() for bar in axes.patches]
    shown = len(widths) - 1
    assert widths[:shown] == [money.estimate for money in amounts[:shown]]
    assert sum(widths) == pytest.approx(sum(money.estimate or 0.0 for money in amounts))
    spans = [sorted(line.get_xdata()) for line in axes.lines if len(set(line.get_xdata())) > 1]
    assert spans == [[money.low, money.high] for money in amounts[:shown]]
    assert made.parts[0].label.en in axes.get_title(loc="left")


def test_a_finding_is_chosen_and_a_missing_one_is_said(axes):
    record = samples.record()
    parts.plot(record, "F01", axes, "en")
    assert "user_agent" in axes.get_title(loc="left")
    with pytest.raises(UsageError, match="together, F01"):
        parts.plot(record, "F99", axes, "en")
    with pytest.raises(UsageError, match="nothing to draw"):
        parts.plot(samples.record(samples.within()), axes=axes, language="en")


def test_a_figure_is_made_where_none_is_given():
    made = parts.plot(samples.record(), "F01", language="en")
    try:
        assert len(made.patches) == len(made.get_yticklabels())
    finally:
        plt.close("all")
