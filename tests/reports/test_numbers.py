"""Numbers as people read them: the same digits in both languages, never more than are justified."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evenhand.messages import numbers

FIGURES = re.compile(r"−?\d+(?:,\d{3})*(?:\.\d+)?")
SOME = st.floats(-1e6, 1e6, allow_nan=False)


@given(SOME, st.integers(0, 2))
def test_percent_has_the_same_digits_in_both_languages(value, digits):
    zh, en = (numbers.percent(value, lang, digits=digits) for lang in ("zh", "en"))
    assert FIGURES.findall(zh) == FIGURES.findall(en)
    read = float(en.removesuffix(" %").replace(",", "").replace("−", "-"))
    assert math.isclose(read, value, abs_tol=0.5001 * 10**-digits)


@given(SOME, st.sampled_from(["CNY", "EUR", "SGD", None]))
def test_money_has_the_same_digits_in_both_languages(value, currency):
    said = [
        numbers.money(value, currency, lang, digits=1, sentence=sentence)
        for lang in ("zh", "en")
        for sentence in (True, False)
    ]
    assert len({"".join(FIGURES.findall(one)).lstrip("−") for one in said}) == 1
    assert all(("−" in one) == (round(value, 1) < 0) for one in said)


@given(st.floats(0, 100))
def test_a_bound_is_never_printed_smaller_than_it_is(bound):
    read = float(numbers.at_most(bound, "en").removesuffix(" %"))
    assert read >= bound - 1e-8
    assert read <= bound + (1 if bound >= 10 else 0.1 if bound >= 1 else 0.01) + 1e-8


@given(st.floats(0, 1))
@example(0.875)
def test_a_small_probability_is_never_called_smaller_than_it_is(p):
    said = numbers.probability(p, "en")
    words = {"thousand": 1e-3, "ten thousand": 1e-4, "hundred thousand": 1e-5, "million": 1e-6}
    if said.startswith("less than one in "):
        assert p < words[said.removeprefix("less than one in ").removeprefix("a ")]
    else:
        assert math.isclose(float(said), p, abs_tol=0.0050001)
        assert p >= 1e-3


@pytest.mark.parametrize(
    ("evalue", "en"),
    [
        (0.8, "0.8 to 1"),
        (0.0, "0.0 to 1"),
        (99.6, "100 to 1"),
        (1500.0, "more than a thousand to 1"),
        (math.inf, "more than a million to 1"),
    ],
)
def test_odds(evalue, en):
    assert numbers.odds(evalue, "en") == en


@pytest.mark.parametrize(
    ("width", "digits"), [(0.0, 2), (0.49, 2), (0.5, 1), (9.9, 1), (10.0, 0), (math.inf, 1)]
)
def test_digits_follow_the_interval(width, digits):
    assert numbers.digits_for(width) == digits


def test_a_currency_without_a_name_shows_its_code():
    assert numbers.money(3.0, "JPY", "zh", digits=0, sentence=True) == "3 JPY"
    assert numbers.money_range(1.0, 2.5, "SGD", "en", digits=1) == "SGD 1.0 to SGD 2.5"


def test_minus_nothing_is_nothing():
    assert numbers.percent(-0.04, "en", digits=1) == "0.0 %"
    assert numbers.money(-0.04, "EUR", "en", digits=1) == "€0.0"


def test_days_are_iso_and_in_utc():
    assert numbers.day("2026-11-24T00:30:00+08:00") == "2026-11-23"
    assert numbers.moment("2026-11-24T00:30:59") == "2026-11-24 00:30 UTC"
    assert numbers.day("") == ""


@given(st.integers(0, 99))
def test_counts_that_begin_a_sentence_are_words_in_english_only(n):
    assert re.fullmatch(r"[A-Z][a-z]+(-[a-z]+)?", numbers.spelled(n, "en"))
    assert numbers.spelled(n, "zh") == str(n)
