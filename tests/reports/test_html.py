"""The page: self-contained, escaped, the same bytes for the same record."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from tests.reports import samples

from evenhand import reports
from evenhand.errors import UsageError
from evenhand.reports.html import html
from evenhand.reports.scrub import TEXT, scrub

RECORDS = {"four verdicts": samples.record, "euro": samples.euro, "hostile": samples.hostile}
PAGES = [(name, language) for name in RECORDS for language in ("zh", "en")]
LOADS = {"src", "srcset", "data", "action", "formaction", "background", "poster", "ping", "style"}
TAGS = {"script", "iframe", "object", "embed", "form", "img", "video", "audio", "base", "template"}


class Reader(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.stack, self.crossed = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "wbr", "line", "rect", "circle", "polygon", "path"}:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.crossed.append(tag)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def pages():
    made = {name: make() for name, make in RECORDS.items()}
    return {
        (name, language): html(record, samples.annex(record), language)
        for name, record in made.items()
        for language in ("zh", "en")
    }


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_nothing_runs_and_nothing_loads(pages, key):
    read = Reader(pages[key])
    assert not {tag for tag, _ in read.tags} & TAGS
    for tag, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes), attributes
        assert not LOADS & set(attributes), attributes
        if tag == "a":
            assert attributes["href"].startswith("#")
        if tag == "link":
            assert attributes["href"] == "data:,"
    assert "<script" not in pages[key].lower()
    assert "url(" not in pages[key]
    assert "@import" not in pages[key]


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_the_policy_lets_nothing_in(pages, key):
    policy = next(
        attributes["content"]
        for tag, attributes in Reader(pages[key]).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules["style-src"])


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_tags_are_closed_in_order_and_links_lead_somewhere(pages, key):
    read = Reader(pages[key])
    assert read.crossed == []
    assert read.stack == []
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for tag, attributes in read.tags if tag == "a"}
    assert links <= set(ids)


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_a_page_is_small(pages, key):
    assert len(pages[key].encode()) < 200_000


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_no_character_hides_or_turns_the_line(pages, key):
    assert not re.search(
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", pages[key]
    )


def test_what_a_vendor_writes_is_text(pages):
    page = pages["hostile", "en"]
    assert "<img" not in page
    assert "{{7*7}}" in "".join(Reader(page).text)
    assert page.count("</style>") == 1
    assert page.count("</title>") == page.count("<title>")
    assert "长" * 700 not in page


def test_the_same_record_gives_the_same_bytes(pages):
    record = samples.record()
    assert html(record, samples.annex(record), "zh") == pages["four verdicts", "zh"]


@pytest.mark.parametrize("key", PAGES, ids=str)
def test_charts_are_xml_with_their_numbers_in_words(pages, key):
    charts = re.findall(r"<svg.*?</svg>", pages[key], re.DOTALL)
    assert charts
    for chart in charts:
        root = ET.fromstring(chart)  # noqa: S314 - our own output, that is the point
        assert root.get("role") == "img"
        space = "{http://www.w3.org/2000/svg}"
        assert root.get("aria-label") == root.findtext(f"{space}desc")
        assert re.search(r"\d", root.get("aria-label") or "")
        assert root.findtext(f"{space}title")
        width, height = map(float, (root.get("viewBox") or "").split()[2:])
        for text in root.iter(f"{space}text"):
            assert 0 <= float(text.get("x") or -1) <= width
            assert 0 < float(text.get("y") or -1) <= height
        assert "nan" not in chart


def test_shapes_tell_verdicts_apart_without_colour(pages):
    page = pages["four verdicts", "en"]
    for symbol, words in (
        ("▲", "beyond the limit"),
        ("●", "within the limit"),
        ("■", "real, size not settled"),
        ("◆", "cannot tell yet"),
    ):
        assert f'aria-hidden="true">{symbol}</span> {words}' in page


def test_the_language_of_the_page_is_declared(pages):
    assert '<html lang="zh-Hans">' in pages["euro", "zh"]
    assert '<html lang="en">' in pages["euro", "en"]


def test_percent_signs_stay_with_their_numbers(pages):
    body = pages["four verdicts", "en"].partition("<body>")[2]
    outside = re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)
    assert "3.0\N{NO-BREAK SPACE}%" in outside
    assert not re.search(r"\d %", outside)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\u202eb", "a\ufffdb"),
        ("a\u2066b\u2069", "a\ufffdb\ufffd"),
        ("a\x1b[0m\x00", "a\ufffd[0m\ufffd"),
        ("a\r\n\tb", "a   b"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 4),
        ("汉字 ok – “x” ½", "汉字 ok – “x” ½"),
    ],
)
def test_scrubbing(given, kept):
    assert scrub(given) == kept


def test_scrubbing_bounds_lengths():
    assert scrub("x" * (TEXT + 1)) == "x" * (TEXT - 1) + "…"
    assert scrub("x" * TEXT) == "x" * TEXT
    assert scrub("a\nb", lines=True) == "a\nb"


def test_write_gives_one_file_a_language(tmp_path):
    record = samples.record()
    written = reports.write(record, samples.annex(record), tmp_path / "new", ("zh", "en"))
    names = ["report.zh.html", "report.en.html", "report.json"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(names)
    assert written[0].read_text("utf-8") == html(record, samples.annex(record), "zh")


def test_write_replaces_whole_files_only(tmp_path, monkeypatch):
    record = samples.record()
    reports.write(record, [], tmp_path, ("en",), ("html",))
    before = (tmp_path / "report.en.html").read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        reports.write(samples.euro(), [], tmp_path, ("en",), ("html",))
    assert [path.name for path in tmp_path.iterdir()] == ["report.en.html"]
    assert (tmp_path / "report.en.html").read_bytes() == before


def test_write_refuses_what_it_does_not_know_before_it_writes(tmp_path):
    with pytest.raises(UsageError):
        reports.write(samples.record(), [], tmp_path, ("en",), ("docx",))
    with pytest.raises(UsageError):
        reports.write(samples.record(), [], tmp_path, ("en", "fr"), ("html",))
    assert list(tmp_path.iterdir()) == []


def test_findings_come_out_tidy(tmp_path):
    import json

    record = samples.record()
    (path,) = reports.write(record, [], tmp_path, ("zh",), ("json",))
    table = json.loads(path.read_text("utf-8"))
    assert table["record_sha256"] == record.content_sha256
    rows = {row["id"]: row for row in table["findings"]}
    assert rows["F01"]["percent_low"] == 2.4
    assert rows["F01"]["currency"] == "CNY"
    assert rows["F05"]["percent"] is None
    assert rows["F05"]["question_zh"] == "优惠券是否随消费水平而不同？"
    assert len({tuple(row) for row in rows.values()}) == 1
    assert not any(
        isinstance(value, dict | list) for row in rows.values() for value in row.values()
    )


def test_a_hundred_findings_are_not_two_megabytes():
    record = samples.many(100)
    sizes = [len(html(record, samples.annex(record), lang).encode()) for lang in ("zh", "en")]
    assert max(sizes) < 1_600_000
