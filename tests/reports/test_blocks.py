"""What a report holds, and that both of its languages hold the same."""

import dataclasses
import re
from collections import Counter

import pytest
from tests.reports import samples

from evenhand.audit.record import Control
from evenhand.datasets import rules
from evenhand.errors import UsageError
from evenhand.messages import numbers
from evenhand.reports.blocks import blocks
from evenhand.reports.model import Cell, FigureBlock, FindingPage, Table

FIGURES = re.compile(r"−?\d+(?:,\d{3})*(?:\.\d+)?")
RECORDS = {"four verdicts": samples.record, "euro": samples.euro, "hostile": samples.hostile}


def walk(value):
    """Every dataclass and text of a report, in the order of the page."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from walk(one)
    elif dataclasses.is_dataclass(value):
        yield value
        for field in dataclasses.fields(value):
            yield from walk(getattr(value, field.name))


def texts(value):
    return [one for one in walk(value) if isinstance(one, str)]


def all_text(value):
    return "\n".join(texts(value))


def of_type(value, kind):
    return [one for one in walk(value) if isinstance(one, kind)]


def section(report, section_id):
    return next(section for section in report.sections if section.id == section_id)


def figures(text):
    """The numbers of a text; a count that begins an English sentence is a word."""
    for n in range(100):
        text = re.sub(rf"\b{numbers.spelled(n, 'en')} (?=groups|randomised)", f"{n} ", text)
    return Counter(FIGURES.findall(re.sub("[¥€]", "", text)))


@pytest.mark.parametrize("name", RECORDS)
def test_both_languages_hold_the_same_numbers(name):
    made = RECORDS[name]()
    zh, en = (blocks(made, samples.annex(made), lang, provisions=()) for lang in ("zh", "en"))
    left, right = list(walk(zh)), list(walk(en))
    assert [type(one) for one in left] == [type(one) for one in right]
    for one, other in zip(left, right, strict=True):
        if isinstance(one, str):
            assert figures(one) == figures(other), (one, other)


@pytest.mark.parametrize("name", RECORDS)
def test_both_languages_hold_the_same_ids_in_the_same_order(name):
    made = RECORDS[name]()
    found = [
        [
            *(section.id for section in report.sections),
            *(page.id for page in of_type(report, FindingPage)),
            *(figure.id for figure in of_type(report, FigureBlock)),
            *(cell.link for cell in of_type(report, Cell) if cell.link),
        ]
        for report in (blocks(made, [], lang) for lang in ("zh", "en"))
    ]
    assert found[0] == found[1]


def test_the_numbers_of_a_page_can_differ():
    """The comparison above sees a number that one language lacks."""
    assert figures("3.0%（2.4%—3.6%）") == figures("3.0 % (2.4 to 3.6 %)")
    assert figures("3.0%") != figures("3.1 %")
    assert figures("−0.3%") != figures("0.3 %")
    assert figures("40 组") == figures("Forty groups")


OUTLINE = [*map(str, range(6)), "6a", "6b", *map(str, range(7, 13)), "A", "B", "C", "D"]
ENDS = {
    "all four": samples.record,
    "within": lambda: samples.record(samples.within()),
    "unknown": lambda: samples.record(samples.unknown(), not_testable=[]),
    "real": lambda: samples.record(samples.real()),
    "uncontrolled": samples.uncontrolled,
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ENDS)
def test_every_section_of_the_outline_is_there_whatever_was_found(name, language):
    report = blocks(ENDS[name](), [], language)
    assert [one.number for one in report.sections] == OUTLINE
    assert all(texts(one) for one in report.sections)


def test_every_primary_finding_has_its_page_where_its_verdict_belongs():
    report = blocks(samples.record(), [], "en")
    pages = {s.id: [page.id for page in of_type(s, FindingPage)] for s in report.sections}
    assert pages["s5"] == ["F01", "F04"]
    assert pages["s6a"] == ["F03"]
    assert pages["s6b"] == ["F05"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_without_findings_says_so(language):
    made = samples.record(samples.finding(primary=False))
    report = blocks(made, [], language)
    assert not of_type(report, FindingPage)
    assert not of_type(section(report, "s5"), Table)
    assert "F01" in all_text(section(report, "sB"))


def test_the_cover_lets_anybody_verify():
    made = samples.record()
    cover = all_text(section(blocks(made, [], "zh"), "s0"))
    assert made.content_sha256 in cover
    assert made.content.lock_sha256 in cover
    assert "本报告不是司法鉴定意见，也不是资质认定范围内的检验检测报告。" in cover
    assert "2026-11-23—2026-11-24" in cover


def test_the_line_that_verifies_prints_the_hash_of_the_record(tmp_path):
    import subprocess
    import sys

    made = samples.record()
    (tmp_path / "record.json").write_text(made.model_dump_json(), "utf-8")
    cover = texts(section(blocks(made, [], "en"), "s0"))
    line = next(text for text in cover if text.startswith("python -c "))
    code = line.removeprefix('python -c "').removesuffix('"')
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == made.content_sha256


def test_provisions_are_printed_as_far_as_their_text_is_known():
    graded = {rule["id"]: rule for rule in rules.provisions()}
    made = samples.record(jurisdictions=sorted({r["jurisdiction"] for r in graded.values()}))
    for language in ("zh", "en"):
        text = all_text(blocks(made, [], language))
        for rule in graded.values():
            printed = str(rule["paraphrase"][language]).rstrip("。.") in text
            quoted = bool(rule.get("quote_zh")) and rule["quote_zh"] in text
            if rule["confidence"] == "C":
                assert not printed
                assert not quoted
            if rule["confidence"] == "B" or language == "en":
                assert not quoted
    direct = graded["cn-sz-ai-72-2-5"]
    assert f"“{direct['quote_zh']}”" in all_text(blocks(made, [], "zh"))
    assert direct["paraphrase"]["en"].rstrip(".") in all_text(blocks(made, [], "en"))


def test_only_declared_jurisdictions_are_listed():
    elsewhere = all_text(section(blocks(samples.record(jurisdictions=["EU"]), [], "en"), "s5"))
    assert "Shenzhen" not in elsewhere
    none = all_text(section(blocks(samples.record(jurisdictions=[]), [], "en"), "s5"))
    assert "declares no jurisdiction" in none


def test_a_report_bears_on_and_never_accuses():
    made = samples.record()
    zh, en = (all_text(blocks(made, [], lang, provisions=())) for lang in ("zh", "en"))
    for word in ("违反", "涉嫌", "价格歧视", "未发现", "迹象", "容差", "用户画像"):
        assert word not in zh
    assert not re.search(r"violat|discriminat|illegal", en, re.IGNORECASE)
    assert "涉及" in zh
    assert "bears on" in en


def test_what_was_not_tested_is_named():
    page = all_text(section(blocks(samples.record(), [], "zh"), "s5"))
    assert "没有测的要件：消费者是否知情、是否有正当理由；没有测的解释：成本、渠道。" in page


def test_a_failed_control_stands_in_the_summary():
    bad = Control(
        kind="positive",
        passed=False,
        statement=samples.text("晚数不起作用。", "Nights do nothing."),
    )
    summary = all_text(section(blocks(samples.record(controls=[bad]), [], "en"), "s1"))
    assert "positive control: Nights do nothing." in summary
    quiet = all_text(section(blocks(samples.record(), [], "en"), "s1"))
    assert "A control was not passed" not in quiet


def test_the_flow_of_trials_is_whole():
    text = all_text(section(blocks(samples.record(), [], "en"), "s4"))
    for count in ("11,480", "11,395", "62", "23", "11,210"):
        assert count in text
    left = samples.record(counts={**samples.record().content.counts.model_dump(), "failed": 3})
    assert "not asked" in all_text(section(blocks(left, [], "en"), "s4"))


def test_verdicts_at_other_limits_are_printed():
    scaled = [
        t for t in of_type(section(blocks(samples.record(), [], "zh"), "s9"), Table) if t.rows
    ]
    row = next(row for row in scaled[0].rows if row[0].text == "F03")
    assert [cell.badge.verdict for cell in row[1:] if cell.badge] == [
        "inconclusive",
        "cleared",
        "cleared",
    ]


def test_the_annex_is_printed_word_for_word_and_checked_against_the_record():
    made = samples.record()
    report = blocks(made, samples.annex(made), "en")
    reply = texts(section(report, "s11"))
    assert "Prices are not meant to depend on it." in reply
    assert not any("another record" in text for text in reply)
    decision = texts(section(report, "s12"))
    assert "整改后上线 / approved after changes" in decision
    assert any("another record (000000000000)" in text for text in decision)


def test_a_hundred_icons_are_a_hundred():
    for made in (samples.record(), samples.euro()):
        for figure in of_type(blocks(made, [], "en"), FigureBlock):
            if figure.id.endswith("-share"):
                chart = figure.chart
                hit = chart.up + chart.down + chart.either
                assert 0 <= hit <= 100
                assert f" {hit} " in figure.title
                assert f"{100 - hit} others" in figure.alt


def test_a_chart_concludes_what_its_interval_shows():
    titles = {
        figure.id: figure.title
        for figure in of_type(blocks(samples.record(), [], "en"), FigureBlock)
    }
    assert titles["F01-gap"] == "The whole interval of the mean gap lies beyond the limit"
    assert titles["F03-gap"] == "The whole interval of the mean gap lies inside the limit"
    assert titles["F04-gap"] == "The interval of the mean gap reaches across the limit"
    assert titles["all-gaps"] == "The mean gap of 1 of 3 items lies wholly beyond its limit"


def test_there_is_no_third_language():
    with pytest.raises(UsageError) as error:
        blocks(samples.record(), [], "fr")
    assert "fr" in error.value.text("zh")


def test_the_vendors_reply_stands_beside_the_finding_and_in_its_section():
    record = samples.record()
    report = blocks(record, samples.annex(record), "en")
    (page,) = [one for one in section(report, "s5").blocks if one.id == "F01"]
    (other,) = [one for one in section(report, "s5").blocks if one.id == "F04"]
    said = "Prices are not meant to depend on it."
    assert said in texts(page)
    assert said in texts(section(report, "s11"))
    assert said not in texts(other)


def test_earlier_records_and_the_tests_own_error_are_told():
    record = samples.record()
    run = record.run.model_copy(update={"supersedes": "ef" * 32})
    told = " ".join(texts(section(blocks(record.model_copy(update={"run": run}), [], "en"), "s9")))
    assert "ef" * 32 in told
    assert "Of 1,000 swaps of twins, 41 were accused." in told
    bare = " ".join(texts(section(blocks(samples.uncontrolled(), [], "en"), "s9")))
    assert "no twins" in bare
    assert "no earlier record" in bare
