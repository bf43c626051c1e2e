"""Both languages, opened in a real browser: on a phone, on a desk, on paper."""

import json
import re
from importlib import util
from pathlib import Path

import pytest
from tests.reports import browser, real, samples

from evenhand import reports

pytestmark = pytest.mark.skipif(
    browser.PROGRAM is None, reason="no Chromium on PATH: reports are not opened in a real browser"
)
RECORDS = {
    "four-verdicts": samples.record,
    "euro": samples.euro,
    "hostile": samples.hostile,
}
MORE = {
    "uncontrolled": samples.uncontrolled,
    "twelve-findings": lambda: samples.many(12),
    "log": real.log,
    "field": real.field,
}
"""Opened once a language."""
SMALLEST = 11.0
"""Pixels of the smallest text on a phone."""

WIDEST = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.unseen, thead') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5)
  .map(e => e.outerHTML.slice(0, 120))
"""
TEXT_SIZES = """
[...document.querySelectorAll('p, li, td, th, dt, dd, code, caption, .badge, svg text')]
  .map(e => { const svg = e.closest('svg');
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return parseFloat(getComputedStyle(e).fontSize) * scale; })
"""
CLIPPED = """
[...document.querySelectorAll('svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')]
    .filter(t => { const r = t.getBoundingClientRect();
      return r.left < box.left - 1 || r.right > box.right + 1 || r.bottom > box.bottom + 1; })
    .map(t => t.textContent); })
"""
OVERLAPS = """
[...document.querySelectorAll('td, tbody th')].filter(cell => cell.scrollWidth > cell.clientWidth + 1)
  .map(cell => cell.outerHTML.slice(0, 120))
"""
UNLABELLED = """
[...document.querySelectorAll('td, tbody th')].filter(cell =>
  cell.closest('table').querySelectorAll('thead th')[cell.cellIndex].textContent
  !== JSON.parse(getComputedStyle(cell, '::before').content))
  .map(cell => cell.outerHTML.slice(0, 120))
"""
BREACHES = """
axe.run(document).then(found => JSON.stringify(found.violations.map(
  rule => ({rule: rule.id, count: rule.nodes.length, first: rule.nodes[0].html.slice(0, 160)}))))
"""


@pytest.fixture(scope="module")
def page():
    with browser.opened() as opened:
        yield opened


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    found = {}
    for name, make in (RECORDS | MORE).items():
        record = make()
        folder = tmp_path_factory.mktemp(name)
        for path in reports.write(record, samples.annex(record), folder, formats=("html",)):
            found[name, path.name.split(".")[1]] = path
    return found


KEYS = [(name, language) for name in RECORDS for language in ("zh", "en")]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_report_is_read_without_sideways_scrolling(page, files, key, width):
    page.open(files[key], width)
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask(WIDEST) == []
    assert page.ask(OVERLAPS) == []
    assert page.ask(CLIPPED) == []
    assert min(page.ask(TEXT_SIZES)) >= SMALLEST
    if width < 600:
        assert page.ask(UNLABELLED) == []


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_nothing_is_asked_for_and_nothing_complains(page, files, key):
    page.open(files[key], 360)
    assert page.requests() == [files[key].as_uri()]
    assert page.complaints() == []
    assert page.ask("document.title").replace("\ufffd", "")
    # the style applies: its hash is the one that the policy names
    assert page.ask("getComputedStyle(document.querySelector('.badge')).borderTopStyle") != "none"


@pytest.fixture(scope="module")
def axe():
    found = util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("no axe_playwright_python: its axe.min.js is not there")
    return Path(found.origin).with_name("axe.min.js").read_text("utf-8")


def breaches(page, axe):
    """What axe-core finds wrong with the page: it comes in by the debugger, which no policy binds."""
    page.ask(f"{axe};0")
    return json.loads(page.ask(BREACHES))


@pytest.mark.parametrize(
    ("language", "width", "scheme"), [("zh", 360, "light"), ("en", 1280, "dark")]
)
@pytest.mark.parametrize("name", RECORDS | MORE)
def test_a_report_is_open_to_everybody(page, axe, files, name, language, width, scheme):
    page.call(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}]
    )
    try:
        page.open(files[name, language], width)
        assert breaches(page, axe) == []
    finally:
        page.call("Emulation.setEmulatedMedia", features=[])


def test_axe_sees_what_is_wrong(page, axe, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta charset=utf-8><meta http-equiv=Content-Security-Policy"
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        "<p style='color:#bbb;background:#fff'>pale</p><svg role=img></svg>",
        "utf-8",
    )
    page.open(bad, 360)
    found = {one["rule"] for one in breaches(page, axe)}
    assert {"color-contrast", "html-has-lang", "svg-img-alt"} <= found


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_a_report_prints_on_a4(page, files, key, tmp_path):
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        # 210 mm less the margins, at 96 dots an inch
        page.open(files[key], 665, 1000)
        assert page.ask(WIDEST) == []
        assert page.ask(CLIPPED) == []
        paper = tmp_path / "report.pdf"
        page.paper(paper)
    finally:
        page.call("Emulation.setEmulatedMedia", media="")
    assert re.search(rb"/MediaBox \[0 0 59[45][.\d]* 84[12][.\d]*\]", paper.read_bytes())


def test_the_checks_see_what_is_too_wide(page, tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<p style='width:900px;font-size:6px'>x</p><img src='http://127.0.0.1:9/x'>"
        "<table style='table-layout:fixed;width:60px'><tr><td>aaaaaaaaaaaaaaaa<td>b</table>"
        "<script>console.error('x')</script>",
        "utf-8",
    )
    page.open(bad, 360)
    assert page.ask("document.documentElement.scrollWidth") > 360
    assert page.ask(WIDEST)
    assert page.ask(OVERLAPS)
    assert min(page.ask(TEXT_SIZES)) < SMALLEST
    assert len(page.requests()) == 2
    assert page.complaints()
