"""The zoo on the command line: what is asked of each vendor and what is true of it."""

import json
import re

import pytest

from evenhand import messages
from evenhand.cli.zoo import show
from evenhand.datasets import vendors
from evenhand.datasets.vendors.telling import noise, sentence, told
from evenhand.datasets.vendors.truth import Effect
from evenhand.errors import UsageError

HAN = re.compile(r"[一-鿿]")


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_vendor_is_listed_with_its_question_and_its_truth(language, capsys, monkeypatch):
    monkeypatch.setenv("EVENHAND_LANG", language)
    show("", json_=False)
    lines = capsys.readouterr().out.splitlines()
    heads = [line for line in lines if not line.startswith(" ")]

    assert len(heads) == len(vendors.names()) + len(vendors.GROUPS)
    for name in vendors.names():
        vendor = vendors.get(name)
        (head,) = [line for line in heads if line.startswith(name)]
        place = lines.index(head)
        assert vendor.truth.question[language] in head
        sentences = told(vendor, language)
        assert lines[place + 1 : place + 1 + len(sentences)] == [f"  {one}" for one in sentences]
        assert all(bool(HAN.search(one)) is (language == "zh") for one in sentences)


def test_the_truth_is_given_to_machines_as_it_is(capsys):
    show("loyal_markup", json_=True)
    (found,) = json.loads(capsys.readouterr().out)

    assert (found["name"], found["group"], found["twin"]) == (
        "loyal_markup",
        "guilty",
        "fair_noise",
    )
    first = Effect(**{key: value for key, value in found["effects"][0].items() if key in KEPT})
    assert first == vendors.get("loyal_markup").truth.of("tenure")


KEPT = ("attribute", "reference", "level", "outcome", "mean", "share", "given", "lawful")


def test_an_unknown_vendor_is_a_mistake_of_the_user():
    with pytest.raises(UsageError, match="nobody"):
        show("nobody", json_=False)


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ({"mean": 0.05, "outcome": "coupon"}, "coupon +5.0 % of the list price"),
        ({"mean": -0.15, "outcome": "refused"}, "refusals −15.0 points"),
        ({"mean": 0.25, "outcome": "ranking"}, "list 0.25 apart"),
        ({"share": 0.25}, "price 0.0 % on average, more than 5 % in 25 % of contexts"),
        ({"share": 1.0, "mean": 0.1, "lawful": "cost"}, "; defence: cost"),
        ({"mean": 0.1, "given": {"mode": "live"}}, "km 1 → 2 with mode = live: price"),
    ],
)
def test_an_effect_is_told_in_its_unit(effect, said):
    assert said in sentence(Effect(attribute="km", reference=1, level=2, **effect), "en")


def test_noise_is_told_as_a_part_of_the_price():
    assert noise(vendors.get("one_percent"), "zh") == "3%"
