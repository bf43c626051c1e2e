"""What is said of findings that are no gap of a price: in their own words, unit and direction."""

import re
import tomllib
from collections import Counter
from importlib import resources
from typing import Any

import pytest
from tests.reports import measured, samples
from tests.reports.test_numbers import FIGURES

from evenhand import messages
from evenhand.api import show
from evenhand.api.allow import Allow
from evenhand.audit.record import Range
from evenhand.cli import view
from evenhand.reports import exports, measures
from evenhand.reports.blocks import blocks
from evenhand.reports.context import context
from evenhand.reports.model import FigureBlock, IntervalChart, Table
from evenhand.reports.sizes import size, written
from evenhand.reports.voice import Voice

SHOWN = "simulated customers showing a new phone"
AGAINST = "those showing an entry-level one"


def points(estimate: float | None, low: float | None = None, high: float | None = None) -> Range:
    return Range(estimate=estimate, low=low, high=high, unit="points", level=0.983)


def of(outcome: str, unit: str, estimate: float, low: float, high: float, **changes):
    """A finding in points of a hundred, as large as is said, beyond its limit unless changed."""
    effect = Range(estimate=estimate / 100, low=low / 100, high=high / 100, unit=unit)
    base = {
        "outcome": outcome,
        "effect": effect,
        "percent": None,
        "money": None,
        "points": points(estimate, low, high),
        "direction": "more" if estimate > 0 else "less",
        "share": None,
        "share_dearer": None,
        "share_cheaper": None,
        "base": 0.03,
        "explanations": [],
    }
    return samples.finding(**base | changes)


def said(one, language):
    about = context(samples.record(one), [], language, None)
    return about.voice.joined(about.tell.sentences(about.primary[0]))


REFUSED = of("refused", "rate", 7.2, 5.1, 9.4)
COUPON = of("coupon", "share-of-price", -3.1, -4.2, -2.0, base=0.05)
LISTS = of("ranking", "distance", 14.0, 9.0, 20.0, base=None)
NOTICE = of("notice", "rate", -30.0, -41.0, -19.0, base=0.9)
HEAD = {"zh": "同一时间、同一间房，", "en": "For the same room at the same time, "}

MODELS = [
    (
        REFUSED,
        (
            "每 100 次询价中，显示为新款手机的模拟用户比显示为入门机型的多 7.2 次得不到报价"
            "（5.1—9.4；基准：每 100 次中 3.0 次）。"
        ),
        (
            f"of 100 quotes asked for, {SHOWN} were refused 7.2 more (5.1 to 9.4; reference: 3.0 of 100), "
            f"than {AGAINST}."
        ),
    ),
    (
        COUPON,
        (
            "显示为新款手机的模拟用户的优惠券比显示为入门机型的平均少了标价的 3.1 个百分点"
            "（2.0—4.2；基准：标价的 5.0%）。"
        ),
        (
            f"{SHOWN} had a coupon 3.1 points of the list price smaller on average "
            f"(2.0 to 4.2; reference: 5.0 % of the list price), than {AGAINST}."
        ),
    ),
    (
        LISTS,
        (
            "显示为新款手机与显示为入门机型相比，所见结果列表的差异度（百分制）比同款对照之间高 14 分"
            "（区间 9—20）。"
        ),
        (
            f"the lists of results shown to {SHOWN} and showing an entry-level one differed by 14 points "
            "more than those shown to identical customers differ from each other (9 to 20)."
        ),
    ),
    (
        NOTICE,
        (
            "每 100 次应答中，显示为新款手机的模拟用户比显示为入门机型的多 30 次没有得到告知"
            "（19—41；基准：每 100 次中 90 次有告知）。"
        ),
        (
            f"of 100 answers, the notice was missing in 30 more for {SHOWN} "
            f"(19 to 41; reference: 90 of 100 with it), than {AGAINST}."
        ),
    ),
]


@pytest.mark.parametrize(("one", "zh", "en"), MODELS, ids=lambda one: getattr(one, "outcome", ""))
def test_the_model_sentences_come_out_word_for_word(one, zh, en):
    assert said(one, "zh").startswith(HEAD["zh"] + zh)
    assert said(one, "en").startswith(HEAD["en"] + en)


def test_a_path_is_told_by_what_was_done():
    (one,) = measured.found()["looked"]
    way = "simulated customers who come by way of quote → quote were quoted 2.1 % more a night"
    assert way in said(one, "en")
    assert "than those who come by way of quote." in said(one, "en")
    assert "走“quote → quote”的模拟用户比走“quote”的平均每晚贵 2.1%" in said(one, "zh")
    assert "Quotes follow the way quote → quote;" in said(one, "en")


VERDICTS: dict[str, dict[str, Any]] = {
    "established": {},
    "by share": {"mean": "inside", "share": samples.share(0.05, 0.03, 0.07, 0.05)},
    "joint": {"mean": "undecided", "share_verdict": "undecided"},
    "cleared": {"verdict": "cleared", "mean": "inside", "direction": "none"},
    "small": {"verdict": "cleared", "mean": "inside", "share": samples.share(0.0, 0.0, 0.013)},
    "indicated": {"verdict": "indicated", "mean": "undecided", "queries_needed": 900},
    "inconclusive": {"verdict": "inconclusive", "mean": "undecided"},
    "unmeasured": {"points": None, "percent": None, "effect": None},
}
MEASURED = [
    (outcome, unit)
    for unit, named in [
        ("rate", ["refused", "notice", "unannounced", "else"]),
        ("share-of-price", ["coupon", "discount", "fee", "else"]),
        ("distance", ["ranking", "else"]),
        ("points", ["ranking", "prices", "else"]),
        (
            "log-ratio",
            ["list", "fee", "coupon", "offers", "units", "prices", "final+coupon", "else"],
        ),
    ]
    for outcome in named
]


def variants(outcome, unit):
    for changes in VERDICTS.values():
        for sign in (1, -1):
            ends = sorted((sign * 1.2, sign * 3.8))
            one = of(outcome, unit, sign * 2.5, *ends, **{k: v for k, v in changes.items() if v})
            if unit == "log-ratio":
                told = {"percent": samples.percent(sign * 2.5, *ends), "points": None}
                one = one.model_copy(update=told)
            if "points" in changes:
                nothing = Range(estimate=None, low=None, high=None, unit=unit)
                none = {"points": None, "percent": None, "effect": nothing}
                one = one.model_copy(update=none)
            yield one


@pytest.mark.parametrize(("outcome", "unit"), MEASURED, ids="/".join)
def test_both_languages_say_the_same_numbers_and_nothing_half_said(outcome, unit):
    for one in variants(outcome, unit):
        record = samples.record(one)
        texts = {}
        for language in messages.LANGUAGES:
            about = context(record, [], language, None)
            told = [about.tell.claim(one), *about.tell.sentences(one)]
            texts[language] = " ".join(told)
            assert not re.search(r"None|nan|[{}]|  | [,.;)]|（ ", texts[language]), texts[language]
            assert all(sentence.endswith(("。", ".")) for sentence in told[1:])
        assert Counter(FIGURES.findall(texts["zh"])) == Counter(FIGURES.findall(texts["en"])), texts


SHARED = {"gap", "hit", "those", "unit", "opted"}
"""Sentences that no one measure asks for: parts that several share."""


def test_every_sentence_about_measures_is_said():
    source = resources.files("evenhand.messages").joinpath("measures.toml").read_text("utf-8")
    listed = {one for one in tomllib.loads(source) if one.partition("_")[0] not in SHARED}
    known = {
        measures.PRICE,
        *measures._BY_PROBE.values(),
        *measures._BY_UNIT.values(),
        *(one for by in measures._BY_OUTCOME.values() for one in by.values()),
    }
    needed = {f"many_{one.name}" for one in known}
    needed |= {f"one_{one.name}" for one in known if one.clause in {"amount", "part", "index"}}
    needed |= {f"{one.clause}_base" for one in known if one.base}
    for one in known:
        ways = ["apart"] if one.clause == "lists" else ["more", "less", "apart"]
        needed |= {f"{one.clause}_{way}" for way in ways}
    assert listed == needed


TRUTH = {
    ("refused", "refused"): (12.0, "more", True),
    ("unrefused", "refused"): (0.0, "none", False),
    ("billed", "list"): (4.0, "dearer", True),
    ("billed", "coupon"): (-3.0, "less", True),
    ("billed", "fee"): (2.0, "more", True),
    ("packed", "units"): (100 / 0.9 - 100, "dearer", True),
    ("offered", "offers"): (-30.0, "less", True),
    ("told", "notice"): (-30.0, "less", True),
    ("looked", "final"): (2.1, "dearer", True),
}


@pytest.mark.parametrize(("name", "outcome"), TRUTH)
def test_what_is_said_of_a_planted_difference_holds_it(name, outcome):
    truth, direction, worse = TRUTH[name, outcome]
    one = next(one for one in measured.found()[name] if one.outcome == outcome)
    told = one.percent or one.points
    assert told is not None
    assert told.low is not None
    assert told.high is not None
    assert told.low - 1e-9 <= truth <= told.high + 1e-9
    assert one.direction == direction
    assert measures.is_worse(one) is worse
    found = size(one, Voice("en"), flipped=truth < 0)
    assert found is not None
    ends = [float(end.split()[0].replace("−", "-")) for end in (found.low, found.high)]
    assert ends[0] - 0.5 <= abs(truth) <= ends[1] + 0.5


def test_what_holds_in_spite_of_an_opt_out_says_so():
    ignored, dearer = measured.found()["opted"]
    assert "同一间房，关闭个性化之后，显示为新款手机的模拟用户比" in said(ignored, "zh")
    assert "with personalisation switched off, simulated customers showing" in said(ignored, "en")
    assert "simulated customers who have opted out of personalisation were" in said(dearer, "en")
    assert (ignored.kind, dearer.kind) == ("optout.ineffective", "optout.missing")


def test_whoever_loses_a_coupon_has_less_also_where_the_share_alone_shows_it():
    (one,) = measured.found()["missed"]
    assert (one.verdict, one.mean, one.share_verdict) == ("established", "undecided", "outside")
    assert one.direction == "less"
    assert measures.is_worse(one)
    assert re.search(
        r"about 1\d % of simulated customers .* saw a gap beyond 5 points", said(one, "en")
    )


def test_a_count_of_offers_is_no_money():
    (one,) = measured.found()["offered"]
    assert one.money is None
    assert "¥" not in said(one, "en")


def test_parts_of_a_price_bear_on_rules_of_their_own():
    kinds = {one.outcome: one.kind for one in measured.found()["billed"]}
    assert kinds["coupon"] == "price.coupon"
    assert kinds["final"] == measured.DEVICE.kind
    assert {one.kind for one in measured.found()["ranked"]} == {"steer.ranking"}


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (1.0, "rate", "1 个百分点", "1 point"),
        (2.5, "share-of-price", "2.5 个百分点", "2.5 points"),
        (1.0, "distance", "1 分", "1 point"),
        (1.0, "log-ratio", "1%", "1 %"),
    ],
)
def test_a_limit_is_told_in_the_unit_of_what_it_limits(value, unit, zh, en):
    assert (written(value, unit, "zh"), written(value, unit, "en")) == (zh, en)


def figures(report):
    found = {}
    for section in report.sections:
        for block in section.blocks:
            for part in (block, *getattr(block, "blocks", ())):
                if isinstance(part, FigureBlock):
                    found[part.id] = part
    return found


def test_ratios_and_points_never_share_an_axis():
    drawn = figures(blocks(measured.record(), [], "en"))
    gaps, rest = drawn["all-gaps"].chart, drawn["all-points"].chart
    assert isinstance(gaps, IntervalChart)
    assert isinstance(rest, IntervalChart)
    assert "(%)" in gaps.percent_axis
    assert "points of 100" in rest.percent_axis
    assert len(gaps.dots) + len(rest.dots) == len(
        [one for one in measured.record().content.findings if one.percent or one.points]
    )
    zh = figures(blocks(measured.record(), [], "zh"))
    assert "百分点" in zh["all-points"].chart.percent_axis
    assert "差距" in zh["all-points"].title


def test_a_limit_in_points_lies_alike_on_both_sides():
    chart = figures(blocks(samples.record(REFUSED), [], "en"))["F01-gap"].chart
    (dot,) = chart.dots
    assert (dot.limit_low, dot.limit_high) == (-1.0, 1.0)
    assert chart.money is None
    assert "1 point" in figures(blocks(samples.record(REFUSED), [], "en"))["F01-gap"].alt


def tables(block):
    if isinstance(block, Table):
        yield block
    for part in getattr(block, "blocks", ()):
        yield from tables(part)


def test_the_numbers_of_a_page_say_what_the_reference_gets():
    report = blocks(samples.record(REFUSED), [], "en")
    cells = [
        cell.text
        for section in report.sections
        for block in section.blocks
        for table in tables(block)
        for row in table.rows
        for cell in row
    ]
    assert "3.0 of 100" in cells
    assert "7.2 points" in cells
    assert not any(re.search(r"\bdearer\b", text) for text in cells if "dearer or" not in text)


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_terminal_and_notebook_print_what_the_report_prints(language):
    messages.use(language)
    try:
        line = "\n".join(view.finding_lines(COUPON))
    finally:
        messages.use(None)
    found = size(COUPON, Voice(language))
    assert found is not None
    assert found.value in line
    assert found.low in line
    html = show.html(samples.record(COUPON), language)
    assert found.value in html
    assert said(COUPON, language) in html
    assert said(COUPON, language)[:40] in show.text(samples.record(COUPON), language)


def test_exports_hold_points_beside_their_unit():
    (row,) = exports.rows(samples.record(REFUSED))
    assert (row["points"], row["points_low"], row["points_high"]) == (7.2, 5.1, 9.4)
    assert (row["effect_unit"], row["base"], row["percent"]) == ("rate", 0.03, None)
    markdown = exports.markdown(samples.record(REFUSED), [], "en")
    assert "were refused 7.2 more" in markdown


@pytest.mark.parametrize(
    ("up_to", "changes", "covered"),
    [
        ("4%", {}, True),
        ("3%", {}, False),
        ("4%", {"direction": "less"}, True),
        ("4%", {"direction": "more"}, False),
        ("4%", {"outcome": "fee"}, False),
        ("4%", {"outcome": "coupon"}, True),
    ],
)
def test_a_difference_is_allowed_in_points(up_to, changes, covered):
    entry = Allow(
        treatment="device",
        up_to=up_to,
        because="A trial.",
        owner="pricing",
        until="2026-12-31",
        **changes,
    )
    assert entry.covers(COUPON) is covered


def test_a_chart_in_a_notebook_names_its_unit():
    pytest.importorskip("matplotlib").use("Agg")
    axes = show.plot(samples.record(REFUSED), language="en")
    assert "points of 100" in axes.get_xlabel()
    both = show.plot(samples.record(REFUSED, samples.within()), language="en")
    assert "% or points of 100" in both.get_xlabel()
