"""The model texts of the fixed terms, word for word, and what else a finding may have to say."""

import re

import pytest
from tests.reports import samples

from evenhand.audit.record import Control
from evenhand.reports.blocks import blocks
from evenhand.reports.model import FindingPage, FindingSummary

MODELS = {
    ("F01", "zh"): (
        "同一时间、同一间房，显示为新款手机的模拟用户比显示为入门机型的平均每晚贵 3.0%（2.4%—3.6%），约 6.1 元。"
        "212 组随机对照中约 97% 贵出 2% 以上；同款对照无此倾向。"
        "报价随手机型号变化；这不说明平台意图，也不认定违法。"
    ),
    ("F01", "en"): (
        "For the same room at the same time, simulated customers showing a new phone were quoted "
        "3.0 % more a night on average (2.4 to 3.6 %), about ¥6.1, than those showing an "
        "entry-level one. In about 97 % of 212 randomised comparisons the gap exceeded 2 %; "
        "identical customers compared with each other showed no such lean. Quotes follow the phone "
        "model; this says nothing about intent and does not find a breach of law."
    ),
    ("F03", "zh"): (
        "同一时间、同一间房，老用户与新用户的模拟报价平均相差 0.1%（区间 −0.3%—0.5%），约 0.2 元，"
        "未超过测试前设定的 1% 判定界限。差价超过 2% 的模拟用户不多于 1.9%。"
        "更小的差别、未测的房型和日期不在结论内；判定界限不是法律允许的幅度。"
    ),
    ("F03", "en"): (
        "For the same room at the same time, quotes to simulated returning and new customers "
        "differed by 0.1 % on average (−0.3 to 0.5 %), about ¥0.2, inside the 1 % limit set before "
        "the test. At most 1.9 % of simulated customers saw a gap beyond 2 %. Smaller gaps, and "
        "rooms and dates not tested, are outside this conclusion; the limit is not an amount that "
        "the law permits."
    ),
    ("F05", "zh"): (
        "这次尚不能判断。40 组账号最多只能说明“受影响的模拟用户不超过 7.2%”，"
        "达不到事先设定的 2%，约需再增 110 组。这既不说明有差别，也不说明没有差别。"
    ),
    ("F05", "en"): (
        "Forty groups of accounts can show at best that at most 7.2 % of simulated customers are "
        "affected, short of the 2 % set beforehand; about 110 more are needed. This is evidence "
        "neither for a difference nor for its absence."
    ),
}
TITLES = {
    ("F01", "zh"): "F01 超限 ▲ 手机型号会不会影响房价？",
    ("F01", "en"): "F01 Beyond the limit ▲ Does the phone model change the room price?",
    ("F03", "zh"): "F03 未超限 ● 老用户是不是付得更多？",
    ("F03", "en"): "F03 Within the limit ● Do returning customers pay more?",
    ("F05", "zh"): "F05 尚不能判断 ◆ 优惠券是否随消费水平而不同？",
    ("F05", "en"): "F05 Cannot tell yet ◆ Do coupons depend on spending level?",
}


def summaries(made, language):
    report = blocks(made, [], language)
    section = next(section for section in report.sections if section.id == "s1")
    return {block.id: block for block in section.blocks if isinstance(block, FindingSummary)}


def told(made, finding_id, language):
    found = summaries(made, language)[finding_id]
    return ("" if language == "zh" else " ").join(found.sentences)


def claim(made, finding_id, language):
    report = blocks(made, [], language)
    pages = [block for section in report.sections for block in section.blocks]
    return next(p.claim for p in pages if isinstance(p, FindingPage) and p.id == finding_id)


@pytest.mark.parametrize(("finding_id", "language"), MODELS)
def test_the_model_summaries_come_out_word_for_word(finding_id, language):
    found = summaries(samples.record(), language)[finding_id]
    assert told(samples.record(), finding_id, language) == MODELS[finding_id, language]
    title = f"{found.id} {found.badge.words} {found.badge.symbol} {found.question}"
    assert title.lower() == TITLES[finding_id, language].lower()


@pytest.mark.parametrize("finding_id", ["F01", "F03", "F04"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_summary_is_three_sentences_and_short(finding_id, language):
    found = summaries(samples.record(), language)[finding_id]
    assert len(found.sentences) == 3
    for sentence in found.sentences:
        ends = re.findall("。" if language == "zh" else r"\.(?!\d)", sentence)
        assert len(ends) == 1
        assert sentence.endswith(("。", "."))


def test_what_we_know_of_strength_and_defences_is_said():
    notes = summaries(samples.record(), "zh")["F01"].notes
    assert notes[0] == "证据强度：中（仅用一种外在线索）。"
    assert "随机试价：已由设计排除" in notes[1]
    assert "新用户优惠：不涉及" in notes[1]
    assert "渠道：未测" in notes[1]


def test_every_figure_follows_the_record():
    other = samples.finding(
        n=331,
        percent=samples.percent(7.5, 6.8, 8.1),
        money=samples.money(15.2, 13.8, 16.4),
        share_dearer=samples.share(0.88, 0.81, 0.93),
    )
    text = told(samples.record(other), "F01", "en")
    assert "7.5 % more a night on average (6.8 to 8.1 %), about ¥15.2" in text
    assert "about 88 % of 331 randomised comparisons" in text
    assert "3.0" not in text


def test_a_vendor_who_hits_a_few_is_told_by_the_share():
    made = samples.euro()
    assert "about 5.1 % of simulated customers (at least 3.4 %) saw a gap beyond 5 %" in told(
        made, "F01", "en"
    )
    assert "平均相差 0.42%（0.31%—0.55%），约 0.44 欧元" in told(made, "F01", "zh")
    assert claim(made, "F01", "en") == "About 5.1 % of simulated customers saw a gap beyond 5 %"


def test_a_small_real_difference_is_said_to_be_real_and_small():
    assert "差别真实存在但很小" in told(samples.euro(), "F02", "zh")
    assert "a difference exists but is small" in told(samples.euro(), "F02", "en")


def test_cheaper_is_told_as_an_amount_less():
    text = told(samples.euro(), "F03", "en")
    assert "12.4 % less a night on average (9.3 to 15.1 %), about €13.1, than" in text
    assert "便宜 12.4%（9.3%—15.1%），约 13.1 欧元" in told(samples.euro(), "F03", "zh")
    assert claim(samples.euro(), "F03", "en").endswith("were quoted 12.4 % less a night on average")


def test_a_joint_claim_does_not_pretend_to_know_which_half():
    one = samples.finding(mean="undecided", share_verdict="undecided")
    assert "taken together, the mean or the share" in told(samples.record(one), "F01", "en")


def test_a_reason_on_record_is_what_is_said():
    one = samples.unknown(reason=samples.text("平台自身波动太大。", "The vendor is too noisy."))
    assert told(samples.record(one), "F05", "zh") == (
        "这次尚不能判断。平台自身波动太大。这既不说明有差别，也不说明没有差别。"
    )
    assert told(samples.record(one), "F05", "en").startswith("The vendor is too noisy. This is")


def test_noisy_twins_take_the_reassurance_away():
    twins = Control(kind="twins", passed=False, statement=samples.text("太吵。", "Too noisy."))
    loud = told(samples.record(controls=[twins]), "F01", "en")
    assert "no such lean" not in loud
    assert "was not passed" in loud
    assert "were not compared" in told(samples.record(controls=[]), "F01", "en")


def test_findings_without_money_or_percent_say_no_number():
    bare = {"percent": None, "money": None, "share": None, "share_dearer": None}
    for make in (samples.finding, samples.within, samples.real, samples.unknown):
        one = make(**bare, limits=None)
        for language in ("zh", "en"):
            text = told(samples.record(one), one.id, language)
            assert "None" not in text
            assert "nan" not in text
            assert claim(samples.record(one), one.id, language)


def test_levels_without_names_are_quoted_with_their_attribute():
    one = samples.finding(level_label=None)
    assert "simulated customers with “iphone-new” as phone model were quoted" in told(
        samples.record(one), "F01", "en"
    )
    assert "“手机型号”为“iphone-new”的模拟用户" in told(samples.record(one), "F01", "zh")


def test_a_question_that_is_asked_twice_says_of_what():
    first = samples.finding()
    second = samples.within(question=first.question)
    found = summaries(samples.record(first, second), "en")
    assert found["F03"].question.endswith("(length of membership: returning – new)")
    assert found["F01"].question != found["F03"].question
