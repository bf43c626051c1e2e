"""Links lead somewhere, both languages have the same parts, and the README invents no number."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
CHINESE = [page for page in PAGES if page.name.endswith(".zh.md")]
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
HEADING = re.compile(r"^(#+) +(.+)$", re.MULTILINE)
PICTURE = re.compile(r"<!-- picture.*?<!-- /picture \w+ -->", re.DOTALL)
SAID = {"3.11", "2.0", "1"}
"""Numbers that the README's own words may hold: Python's, the licence's, an exit code."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(text: str) -> str:
    return FENCE.sub("", text)


def slug(heading: str) -> str:
    """The anchor that a heading gets on the usual code hosts."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def dead_links(page: Path, text: str) -> Iterator[str]:
    """Relative links of a page that lead nowhere."""
    for found in LINK.finditer(prose(text)):
        target = found[1] or found[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if not aim.exists() or (anchor and anchor not in anchors(aim.read_text("utf-8"))):
            yield target


def anchors(text: str) -> set[str]:
    return {slug(title) for _, title in HEADING.findall(prose(text))}


def shape(text: str) -> list[str]:
    """The parts of a page in order: depths of headings, and the first lines of its fences."""
    parts = re.finditer(r"^(?:(#+) |```([^\n]*)\n.*?^```$)", text, re.MULTILINE | re.DOTALL)
    return [found[1] or found[2] for found in parts]


def invented(text: str) -> set[str]:
    """Numbers in a page's own words: outside of terminals and of the picture's words."""
    own = PICTURE.sub("", FENCE.sub("", text))
    own = re.sub(r"\]\([^)]*\)", "", own)
    return set(re.findall(r"\d+(?:\.\d+)*", own)) - SAID


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    assert list(dead_links(page, page.read_text("utf-8"))) == []


def test_a_dead_link_is_seen(tmp_path):
    (tmp_path / "b.md").write_text("# One two\n")
    page = tmp_path / "a.md"
    text = "[x](c.md) [y](b.md#one-two) [z](b.md#three) [w](https://e.example/) ```(q.md)```"
    assert list(dead_links(page, text)) == ["c.md", "b.md#three"]


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_both_languages_have_the_same_parts(page):
    english = page.with_name(page.name.replace(".zh.md", ".md"))
    assert shape(page.read_text("utf-8")) == shape(english.read_text("utf-8"))


def test_another_part_is_seen():
    page = "# A\n\n```sh\n# no heading\n```\n\n## B\n"
    assert shape(page) == ["#", "sh", "##"]
    assert shape(page) != shape(page.replace("## B", "### B"))


@pytest.mark.parametrize("page", CHINESE, ids=name)
def test_each_language_links_to_the_other(page):
    english = page.with_name(page.name.replace(".zh.md", ".md"))
    assert f"]({english.name})" in page.read_text("utf-8")
    assert f"]({page.name})" in english.read_text("utf-8")


def test_the_readme_invents_no_number():
    assert invented((ROOT / "README.md").read_text("utf-8")) == set()


def test_an_invented_number_is_seen():
    assert invented("Saves 90 % ```\n") == {"90"}
    assert invented("```sh\n90\n```\n") == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "tables"], ids=name)
def test_no_page_is_out_of_reach(page):
    linked = set()
    for other in PAGES:
        for found in LINK.finditer(other.read_text("utf-8")):
            target = (found[1] or found[2]).partition("#")[0]
            linked.add((other.parent / target).resolve())
    assert page.name == "README.md" or page.resolve() in linked
