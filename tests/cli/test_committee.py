"""explain, decide, rules, and reports of every kind, as a person meets them."""

import json
import re

import pytest
from tests.cli.shell import asks, evenhand, plan, record

HAN = re.compile(r"[\u4e00-\u9fff]")

DECISION = """\
record: "{hash}"
option: {option}
decided: 2026-12-10
members: [{{name: Wang, role: chair, vote: for}}]
votes: {{for: 1, against: 0}}
reasons: quotes follow the phone
"""


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dear")
    said = evenhand("run", plan(folder, asks("dear")), "--out", folder / "run", "--json")
    assert said.code == 1, said.text
    return folder / "run"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_explain_says_what_the_difference_is_made_of(dear, language):
    said = evenhand("explain", dear, "F01", "--lang", language)
    assert said.code == 0
    assert "¥" in said.out
    assert bool(HAN.search(said.out)) is (language == "zh")


def test_explain_asks_nothing_that_was_asked_and_gives_json(dear):
    before = record(dear)["content_sha256"]
    found = evenhand("explain", dear, "--json").json
    kinds = [one["kind"] for one in found["F01"]]
    assert kinds == ["decomposition", "subgroup", "surrogate"]
    assert record(dear)["content_sha256"] == before


@pytest.mark.parametrize("name", ["F09", "x"])
def test_explaining_what_is_not_there_is_refused(dear, name):
    said = evenhand("explain", dear, name, "--lang", "en")
    assert said.code == 2
    assert name in said.err


def test_a_fair_vendor_has_nothing_to_explain(tmp_path):
    run = tmp_path / "run"
    assert evenhand("run", plan(tmp_path, asks()), "--out", run, "--json").code == 0
    assert "Nothing was flagged" in evenhand("explain", run, "--lang", "en").out
    assert evenhand("explain", run, "F01", "--lang", "en").code == 2


def test_a_decision_is_kept_and_shown_and_another_records_is_refused(dear, tmp_path):
    file = tmp_path / "decision.yaml"
    words = ("decide", dear, "--procedure", "internal", "--file", file, "--lang", "en")
    file.write_text(DECISION.format(hash="0" * 16, option="no-launch"), "utf-8")
    refused = evenhand(*words)
    assert refused.code == 2
    assert not (dear / "annex.jsonl").exists()
    hash_ = record(dear)["content_sha256"][:16]
    file.write_text(DECISION.format(hash=hash_, option="no-launch"), "utf-8")
    kept = evenhand(*words)
    assert kept.code == 0
    assert "12 months" in kept.err, "no next review is named"
    entry = json.loads((dear / "annex.jsonl").read_text("utf-8"))
    assert entry["decision"]["option"] == "no-launch"
    assert evenhand("report", dear, "--language", "en").code == 0
    page = (dear / "report.en.html").read_text("utf-8")
    assert "no launch" in page
    assert "quotes follow the phone" in page


def test_every_format_and_the_one_page(dear):
    said = evenhand("report", dear, "--format", "html,json,csv,md", "--page", "summary")
    assert said.code == 0, said.text
    for name in (
        "summary.zh.html",
        "summary.en.html",
        "report.csv",
        "report.zh.md",
        "report.en.md",
    ):
        assert (dear / name).is_file()
    assert evenhand("report", dear, "--page", "cover").code == 2
    assert evenhand("report", dear, "--format", "docx").code == 2


@pytest.mark.parametrize("language", ["zh", "en"])
def test_rules_are_listed_shown_and_checked(language):
    listed = evenhand("rules", "list", "--lang", language)
    assert listed.code == 0
    assert "cn-sz-ai-72-2-5" in listed.out
    shown = evenhand("rules", "show", "cn-sz-ai-72-2-5", "--lang", language)
    assert ("支付能力" if language == "zh" else "ability to pay") in shown.out
    checked = evenhand("rules", "check", "--lang", language)
    assert checked.code == 0
    assert "us-four-fifths" in checked.out
    assert evenhand("rules", "show", "nothing", "--lang", language).code == 2
    assert evenhand("rules", "show", "--lang", language).code == 2
    assert evenhand("rules", "burn", "--lang", language).code == 2
