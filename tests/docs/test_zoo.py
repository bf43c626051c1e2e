"""The page of the zoo is what the vendors say of themselves now."""

from pathlib import Path

import pytest

from evenhand.datasets import vendors

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["zoo.md", "zoo.zh.md"])
def test_the_page_is_fresh(name, zoo):
    assert (DOCS / name).read_text("utf-8") == zoo.made()[name], (
        "stale: run python docs/make_zoo.py"
    )


def test_every_vendor_has_one_row_and_one_frame(zoo):
    for text in zoo.made().values():
        rows = [line for line in text.splitlines() if line.startswith("| `")]
        for name in vendors.names():
            assert len([row for row in rows if row.startswith(f"| `{name}` | ")]) == 1
            assert len([row for row in rows if row.count(f"`{name}`") and row.endswith(" |")]) >= 2
        columns = {row.count(" | ") for row in rows}
        assert columns == {4}
