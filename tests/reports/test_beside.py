"""What a finding shows beside its verdict: every number with its unit, its error, and a name."""

import pytest

from evenhand.audit.record import Description, Range, Text
from evenhand.reports.beside import beside
from evenhand.reports.context import context
from evenhand.reports.model import Table


def described(name, unit, estimate, guarantee="finite-sample", **more):
    ends = {"low": 0.9 * estimate, "high": 1.1 * estimate} if guarantee != "heuristic" else {}
    value = Range(**{"estimate": estimate, "low": None, "high": None, "unit": unit, **ends, **more})
    return Description(
        name=name, label=Text(zh=f"项 {name}", en=f"item {name}"), value=value, n=50,
        guarantee=guarantee,
    )  # fmt: skip


SHOWN = [
    described("p95", "percent", 4.0, "heuristic"),
    described("share.coupon", "share", 0.5, "asymptotic"),
    described("year", "money", 146.4, currency="CNY", per="year"),
    described("elasticity", "elasticity", 0.03),
]


@pytest.fixture(scope="module")
def rows():
    """The table of a finding that shows all this, in a language, as text."""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("samples", Path(__file__).with_name("samples.py"))
    assert spec is not None
    assert spec.loader is not None
    samples = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(samples)

    def rows_of(language, shown):
        made = samples.record()
        finding = made.content.findings[0].model_copy(update={"described": shown})
        blocks = beside(context(made, [], language, None), finding)
        if not blocks:
            return []
        table = blocks[0].blocks[0]
        assert isinstance(table, Table)
        return [[cell.text for cell in row] for row in table.rows]

    return rows_of


def test_each_number_has_its_unit_and_its_error(rows):
    p95, share, year, elasticity = rows("en", SHOWN)
    assert p95[1] == "4.0 %"
    assert not any(figure in p95[2] for figure in "0123456789")
    assert share[1] == "50.0 %"
    assert share[2].startswith("roughly")
    assert year[1].endswith("a year")
    assert "¥146.40" in year[1]
    assert "roughly" not in year[2]
    assert elasticity[1] == "0.030"


def test_it_is_told_in_chinese_too(rows):
    assert rows("zh", SHOWN)[2][1] == "¥146.40（一年）"


def test_nothing_described_is_no_table(rows):
    assert rows("en", []) == []
    assert (
        rows(
            "en",
            [
                described("a", "share", 0.5).model_copy(
                    update={"value": Range(estimate=None, low=None, high=None, unit="share")}
                )
            ],
        )
        == []
    )
