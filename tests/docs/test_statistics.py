"""The page of the statistics is what the registry and the code say now."""

import inspect
from importlib import import_module
from pathlib import Path

import pytest

from evenhand.metrics.registry import entries

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["statistics.md", "statistics.zh.md"])
def test_the_page_is_fresh(name, statistics):
    written = (DOCS / name).read_text("utf-8")
    assert written == statistics.made()[name], "stale: run python docs/make_statistics.py"


def test_every_test_of_the_registry_has_one_row(statistics):
    for text in statistics.made().values():
        for entry in entries():
            home = entry.function.__module__.removeprefix("evenhand.metrics.")
            assert text.count(f"| `{home}.{entry.function.__name__}` | ") == 1
        assert text.count("\n### ") == len(statistics.KINDS)


def test_every_engine_exists_and_says_that_guarantee_itself(statistics):
    for engine in statistics.ENGINES:
        function = getattr(import_module(f"evenhand.metrics.{engine.module}"), engine.name)
        said = inspect.getdoc(function) or ""
        assert "Guarantee" in said, engine.name
        if engine.guarantee == "finite-sample":
            assert "finite-sample" in said, engine.name


def test_where_an_engine_is_used_is_found(statistics):
    found = {engine.name: statistics.used_by(engine) for engine in statistics.ENGINES}
    assert "probes/gaps.py" in found["log_share_inside"]  # behind an alias of its module
    assert "audit/decide.py" in found["accuse"]  # by name
    assert "audit/conduct.py" not in found["clear"]  # a word of a sentence is no use


@pytest.mark.parametrize("index", ["index.md", "index.zh.md"])
def test_the_index_leads_to_every_table(index):
    text = (DOCS / index).read_text("utf-8")
    for table in (DOCS / "tables").glob("*.md"):
        assert f"(tables/{table.name})" in text
