"""What the pages say a command prints, it prints."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUN = re.compile(r"^```console run", re.MULTILINE)
EVERY = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
RUNNING = [page for page in EVERY if RUN.search(page.read_text("utf-8"))]
TRANSLATED = [page for page in RUNNING if page.name.endswith(".zh.md")]
"""Their commands are those of the English page; what they print in Chinese is compared in full runs."""
STALE = "stale: run python docs/make_pages.py and read what changed"


PAGES = [
    pytest.param(page, marks=pytest.mark.prove if page in TRANSLATED else (), id=name)
    for page, name in ((page, str(page.relative_to(ROOT))) for page in RUNNING)
]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(page, pages):
    shown = page.read_text("utf-8")
    with pages.terminal(pages.language_of(page), serves=pages.serves(shown)) as here:
        now = pages.renewed(shown, here)
    if pages.exact(here):
        assert now == shown, STALE
    assert pages.without_numbers(now) == pages.without_numbers(shown), STALE


@pytest.fixture
def here(pages):
    with pages.terminal("zh") as opened:
        yield opened


def test_a_wrong_line_is_seen(pages, here):
    page = "```console run\n$ echo one; echo two\none\nthree\n```\n"
    assert pages.renewed(page, here) == page.replace("three", "two")


def test_only_marked_blocks_are_run(pages, here):
    page = "```console\n$ exit 1\nnot run\n```\n"
    assert pages.renewed(page, here) == page


def test_files_exit_codes_and_errors_reach_the_next_command(pages, here):
    page = (
        "```text file=a/b.txt\nhello\n```\n"
        "```console run\n$ cat a/b.txt\n$ evenhand nonsense\n$ echo $?\n```\n"
    )
    done = pages.renewed(page, here)
    assert "$ cat a/b.txt\nhello\n" in done
    assert re.search(r"\$ evenhand nonsense\n.*nonsense.*\n\$ echo \$\?\n2\n", done)


def test_what_no_two_runs_share_is_left_out(pages, here):
    page = "```console run head=1\n$ date -u +%Y-%m-%dT%H:%M:%S; echo 2\n```\n"
    assert pages.renewed(page, here).splitlines()[2:4] == ["…", "..."]


def test_what_runs_in_the_background_ends_with_the_page(pages):
    with pages.terminal("en") as here:
        assert here.run("sh -c 'echo up; exec sleep 60' &") == ["up"]
        job = here.jobs[0]
        assert job.poll() is None
    assert job.poll() is not None
