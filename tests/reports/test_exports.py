"""csv, Markdown and the one page: safe, whole, and with the numbers of the report."""

import csv
import io
import re
from collections import Counter

import pytest
from tests.reports import browser, samples

from evenhand import reports
from evenhand.errors import UsageError
from evenhand.reports import exports
from evenhand.reports.blocks import blocks
from evenhand.reports.model import FindingSummary

FIGURES = re.compile(r"\d+(?:[.,]\d+)*")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


def table(record):
    text = exports.csv(record)
    assert text.startswith("\ufeff"), "spreadsheets read it as UTF-8"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_a_row_a_finding_with_the_records_numbers():
    record = samples.record()
    found = table(record)
    assert [row["id"] for row in found] == [one.id for one in record.content.findings]
    for row, finding in zip(found, record.content.findings, strict=True):
        assert row["record_sha256"] == record.content_sha256
        if finding.percent and finding.percent.estimate is not None:
            assert float(row["percent"]) == finding.percent.estimate
        assert row["queries_needed"] == str(finding.queries_needed or "")


@pytest.mark.parametrize(
    "start", ["=1+1", "+1", "-cmd", "@SUM(A1)", "\t=1", "\r=1", " =1", "|x", "%x"]
)
def test_no_cell_is_a_formula(start):
    record = samples.record(samples.finding(treatment=start, level=start))
    (row,) = table(record)
    for cell in row.values():
        stripped = cell.strip()
        assert not stripped or stripped[0] not in "=+-@|%\t\r" or NUMBER.fullmatch(stripped)


def test_hostile_text_stays_in_its_cell_and_its_line():
    record = samples.hostile()
    (row,) = table(record)
    assert len(row) == len(exports.rows(record)[0]) + 1
    for language in ("zh", "en"):
        text = exports.markdown(record, [], language)
        assert not re.search(r"(?<!\\)<script", text)
        assert "\x1b" not in text


def test_markdown_has_the_same_numbers_in_both_languages():
    record = samples.record()
    zh, en = (exports.markdown(record, samples.annex(record), lang) for lang in ("zh", "en"))
    one, other = (Counter(FIGURES.findall(text)) for text in (zh, en))
    assert {n: c for n, c in one.items() if len(n) > 2} == {
        n: c for n, c in other.items() if len(n) > 2
    }


def test_every_format_is_written_and_a_page_of_its_own(tmp_path):
    record = samples.record()
    written = reports.write(record, [], tmp_path, formats=reports.FORMATS, page="summary")
    assert sorted(path.name for path in written) == [
        "report.csv", "report.en.md", "report.json", "report.zh.md",
        "summary.en.html", "summary.en.pdf", "summary.zh.html", "summary.zh.pdf",
    ]  # fmt: skip
    with pytest.raises(UsageError):
        reports.write(record, [], tmp_path, page="cover")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_holds_every_finding_and_links_nowhere(language):
    record = samples.record()
    page = blocks(record, [], language, page="summary")
    assert page.single
    (section,) = page.sections
    ids = [block.id for block in section.blocks if isinstance(block, FindingSummary)]
    assert ids == [one.id for one in record.content.findings]
    assert 'href="#' not in reports.html.render(page)


@pytest.mark.skipif(browser.PROGRAM is None, reason="no Chromium on PATH")
def test_the_page_is_one_page(tmp_path):
    record = samples.record()
    files = reports.write(record, [], tmp_path, formats=("html",), page="summary")
    with browser.opened() as page:
        for path in files:
            page.open(path, 665, 1000)
            page.paper(tmp_path / "page.pdf")
            printed = (tmp_path / "page.pdf").read_bytes()
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1, path.name
            page.open(path, 360)
            assert page.ask("document.documentElement.scrollWidth") <= 360
            assert page.complaints() == []
