"""Paper: tagged, archived, attached, the same bytes for the same record; read back by another library."""

import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
import unicodedata
from dataclasses import fields, is_dataclass, replace
from itertools import pairwise

import pytest
import rfc8785
from tests.reports import samples

from evenhand import reports
from evenhand.audit.folder import RunFolder
from evenhand.cli import view
from evenhand.errors import MissingExtraError
from evenhand.reports import fonts
from evenhand.reports.blocks import blocks
from evenhand.reports.model import Cell, Facts, FigureBlock, Table
from evenhand.reports.pdf import columns, pdf, render

pypdf = pytest.importorskip("pypdf", reason="no pypdf: what typst wrote is not read back")
pytest.importorskip("typst", reason="no typst: no PDF is written")

RECORDS = {"four-verdicts": samples.record, "euro": samples.euro, "hostile": samples.hostile}
KEYS = [(name, language) for name in RECORDS for language in ("zh", "en")]
MARKUP = "#panic[x] $a_1$ *b* _c_ `d` @e <f> = g \\u{41} // h /* i */ #{1+1} - j + k\\ ~ https://l.example"
"""Everything that would mean something to typst, were it read."""


@pytest.fixture(scope="module")
def files():
    made = {name: make() for name, make in RECORDS.items()}
    return {
        (name, language): pdf(record, samples.annex(record), language)
        for name, record in made.items()
        for language in ("zh", "en")
    }


def read(data):
    return pypdf.PdfReader(io.BytesIO(data))


def objects(reader):
    """Every object of a file."""
    for number in range(1, int(reader.trailer["/Size"])):
        yield reader.get_object(pypdf.generic.IndirectObject(number, 0, reader))


def dictionaries(reader):
    return [one for one in objects(reader) if isinstance(one, pypdf.generic.DictionaryObject)]


def letters(text):
    """The letters and digits of a text: how a page is broken into lines does not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())


def strings(value):
    """Every text of a block model that is shown."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from strings(one)
    elif is_dataclass(value):
        unshown = {"language", "alt", "id", "verdict", "tone", "contents", "foot", "chart", "link"}
        unshown |= {"text"} if getattr(value, "badge", None) else set()
        for field in fields(value):
            if field.name not in unshown:
                yield from strings(getattr(value, field.name))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_it_claims_both_standards_and_typst_checked_both(files, key):
    reader = read(files[key])
    root = reader.trailer["/Root"]
    said = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in said
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in said
    assert "<pdfuaid:part>1</pdfuaid:part>" in said
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith(key[1])
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.title


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_font_is_in_the_file(files, key):
    made = [one for one in dictionaries(read(files[key])) if one.get("/Type") == "/FontDescriptor"]
    assert made
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & set(one) for one in made)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_nothing_acts_and_links_stay_inside(files, key):
    for one in dictionaries(read(files[key])):
        assert not {"/JS", "/URI", "/AA", "/OpenAction", "/Launch"} & set(one)
        if one.get("/Subtype") == "/Link":
            assert "/Dest" in one or one["/A"]["/S"] == "/GoTo"


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_text_of_the_report_is_on_paper(files, key):
    name, language = key
    record = RECORDS[name]()
    report = blocks(record, samples.annex(record), language)
    shown = letters("".join(page.extract_text() for page in read(files[key]).pages))
    for text in strings(report):
        # a page may end inside of a text: its footer stands between
        pieces = [letters(piece) for piece in re.findall(r".{1,18}", letters(text))]
        missed = [piece for piece in pieces if piece not in shown]
        assert len(missed) <= 1 + len(pieces) // 20, (text, missed)


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_chart_is_told_in_words(files, key):
    def figures(found):
        for one in found:
            if isinstance(one, FigureBlock):
                yield one
            else:
                yield from figures(getattr(one, "blocks", ()))

    name, language = key
    record = RECORDS[name]()
    report = blocks(record, samples.annex(record), language)
    wanted = {fonts.faces().shown(one.alt) for one in figures(report.sections)}
    told = {str(one["/Alt"]) for one in dictionaries(read(files[key])) if "/Alt" in one}
    assert wanted
    assert wanted <= told


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_headings_leave_no_level_out(files, key):
    def walk(node):
        kinds = node.get("/K", [])
        if str(node.get("/S", "")).startswith("/H"):
            yield str(node["/S"])
        for one in kinds if isinstance(kinds, list) else [kinds]:
            child = one.get_object()
            if isinstance(child, dict):
                yield from walk(child)

    tree = read(files[key]).trailer["/Root"]["/StructTreeRoot"]
    levels = [int(kind[2:]) for kind in walk(tree) if kind[2:].isdigit()]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert max(levels) >= 3


def test_the_record_is_attached_as_it_lies_in_the_folder(files, tmp_path):
    record = samples.record()
    RunFolder(tmp_path).write_record(record)
    (attached,) = read(files["four-verdicts", "en"]).attachments["record.json"]
    assert attached == (tmp_path / "record.json").read_bytes()
    content = rfc8785.dumps(json.loads(attached)["content"])
    assert hashlib.sha256(content).hexdigest() == record.content_sha256
    kinds = [one.get("/AFRelationship") for one in dictionaries(read(files["euro", "zh"]))]
    assert "/Source" in kinds


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_same_record_gives_the_same_bytes_on_another_day_and_in_another_place(language, files):
    code = (
        "import hashlib, runpy; from evenhand.reports.pdf import pdf\n"
        f"samples = runpy.run_path({samples.__file__!r}); record = samples['record']()\n"
        f"data = pdf(record, samples['annex'](record), {language!r})\n"
        "print(hashlib.sha256(data).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Shanghai", "SOURCE_DATE_EPOCH": "1", "PYTHONSAFEPATH": "1"},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    here = hashlib.sha256(files["four-verdicts", language]).hexdigest()
    assert there.stdout.strip() == here


def test_the_time_is_the_records(files):
    made = read(files["four-verdicts", "en"]).metadata.creation_date
    assert made.isoformat() == "2026-11-24T09:30:00+00:00"


def test_what_a_vendor_writes_is_never_read_as_markup():
    bad = samples.text(MARKUP, MARKUP)
    made = samples.finding(question=bad, label=bad, level=MARKUP, level_label=bad)
    data = pdf(samples.record(made, title=bad, vendor=MARKUP), [], "en")
    shown = "".join(page.extract_text() for page in read(data).pages).replace("\n", " ")
    for part in ("#panic[x]", "$a_1$", "*b*", "_c_", "`d`", "@e", "\\u{41}", "/* i */", "#{1+1}"):
        assert part in shown


def test_any_character_can_be_set():
    rng = random.Random(20261125)
    points = [
        rng.choice((rng.randrange(0x20, 0x3000), rng.randrange(0x20, 0x110000)))
        for _ in range(6000)
    ]
    wild = "".join(chr(p) for p in points if not 0xD800 <= p < 0xE000)
    texts = [wild[start : start + 400] for start in range(0, len(wild), 400)]
    texts += [
        "😀" * 500,
        "e\u0301\u0302\u0303" * 40,
        "नमस्ते สวัสดี שלום مرحبا 안녕 \U0001f468\u200d\U0001f469",
    ]
    record = samples.record()
    report = blocks(record, [], "zh", page="summary")
    (section,) = report.sections
    (facts,) = [one for one in section.blocks if isinstance(one, Facts)]
    told = tuple(replace(facts.facts[0], name="", value=text) for text in texts)
    heads = tuple(replace(facts.facts[0], name=text[:60], value=text, code=True) for text in texts)
    more = replace(section, blocks=(replace(facts, facts=told + heads), *section.blocks))
    assert render(replace(report, subtitle=wild[:300], sections=(more,)), record)


def test_a_mark_stays_where_one_font_has_its_letter_too():
    latin, marks = frozenset(map(ord, "abc")), frozenset(map(ord, "q\u0323"))
    face = fonts.Faces(sans="", serif="", last="", fonts=None, known=(latin, marks))
    assert face.shown("q\u0323 b\u0323 c") == "q\u0323 \ufffd c"
    assert face.shown("a\U0001f600c\n") == "a\ufffdc\n"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("findings", [1, 4, 8])
def test_the_one_page_is_one_page(language, findings):
    makers = (samples.finding, samples.within, samples.real, samples.unknown)
    record = samples.record(*(makers[i % 4](id=f"F{i:02d}") for i in range(findings)))
    assert len(read(pdf(record, samples.annex(record), language, page="summary")).pages) == 1


def test_a_long_reply_goes_on_over_the_page():
    record = samples.record()
    lines = [f"line {place} of the reply" for place in range(150)]
    entry = samples.annex(record)[0] | {"text": "\n".join(lines)}
    shown = "".join(page.extract_text() for page in read(pdf(record, [entry], "en")).pages)
    assert all(shown.count(f"line {place} of the reply") == 2 for place in range(150))


def test_a_column_of_short_things_is_not_broken():
    rows = (
        (Cell(text="F01"), Cell(text="a much longer text than that"), Cell(text="长" * 40)),
    ) * 2
    table = Table(caption="", head=("", "", ""), rows=rows)
    short, middle, long = columns(table)
    assert short is None
    assert middle is not None
    assert long is not None
    assert middle < long
    assert columns(replace(table, rows=tuple(row[:1] for row in rows))) == [1.0]
    assert columns(replace(table, rows=())) == [1.0] * 3


def test_what_is_not_installed_is_said(monkeypatch, tmp_path):
    record = samples.record()
    fonts.faces.cache_clear()
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtraError, match=r"evenhand\[pdf\]"):
        reports.write(record, [], tmp_path / "x", formats=("html", "pdf"))
    assert not (tmp_path / "x").exists()
    reports.check(("html", "csv"))


def test_a_run_leaves_out_what_is_not_installed_and_says_so_once(monkeypatch, capsys):
    fonts.faces.cache_clear()
    monkeypatch.setitem(sys.modules, "typst", None)
    assert view.writable(("html", "pdf", "csv")) == ("html", "csv")
    assert capsys.readouterr().err.count("evenhand[pdf]") == 1


class _System:
    """A typst that knows only what a system has."""

    def __init__(self, *families):
        self.families = families

    def Fonts(self, **_):  # noqa: N802 - as typst calls it
        return self

    def fonts(self):
        return [_Font(family, weight) for family in self.families for weight in (700, 400)]


class _Font:
    def __init__(self, family, weight):
        self.family, self.weight, self.index = family, weight, 0
        self.path = f"/fonts/{family} {weight}.ttc"


def test_a_systems_fonts_serve_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pylopdf_fonts_zh_cn", None)
    found = fonts._installed(_System("Arial", "SimSun", "Microsoft YaHei"))
    assert found is not None
    families, files = found
    assert families == ("Microsoft YaHei", "SimSun")
    assert [path.name for path, _ in files] == ["Microsoft YaHei 400.ttc", "SimSun 400.ttc"]
    fonts.faces.cache_clear()
    monkeypatch.setattr(fonts, "_typst", lambda: _System("Arial"))
    with pytest.raises(MissingExtraError, match="Noto Sans SC"):
        fonts.faces()
    fonts.faces.cache_clear()
