"""What must hold of every probe that Evenhand brings: it says what it asks, in both languages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import get_args

import pytest

from evenhand import messages
from evenhand.audit import planrules
from evenhand.datasets import rules
from evenhand.datasets.personas import TREATMENTS
from evenhand.metrics.result import Guarantee
from evenhand.probes import registry
from evenhand.probes.protocol import Card

KINDS = rules.finding_kinds().keys()


def card_problems(card: Card) -> Iterator[str]:
    """What is wrong with what a probe says of itself."""
    if not re.fullmatch(r"[a-z]+(?:\.[a-z_]+)+", card.name):
        yield f"name {card.name!r} is not of the form area.name"
    for field in ("question", "null", "cost"):
        yield from (f"{field}: {problem}" for problem in text_problems(getattr(card, field)))
    if not card.outcomes or not all(card.outcomes.values()):
        yield "outcomes: each needs the unit of its effect"
    if card.guarantee not in get_args(Guarantee):
        yield f"guarantee {card.guarantee!r} is none of {', '.join(get_args(Guarantee))}"
    if not card.finding_kinds <= KINDS:
        yield f"kinds {sorted(card.finding_kinds - KINDS)} are none of the rules"
    if not card.roles <= TREATMENTS:
        yield f"roles {sorted(card.roles - TREATMENTS)} cannot be treated"


def text_problems(text: Mapping[str, str]) -> Iterator[str]:
    if set(text) != set(messages.LANGUAGES):
        yield f"needs {', '.join(messages.LANGUAGES)}"
        return
    if not all(sentence.strip() for sentence in text.values()):
        yield "is empty"
    if not re.search(r"[\u4e00-\u9fff]", text["zh"]) or re.search(r"[\u4e00-\u9fff]", text["en"]):
        yield "is in the wrong language"


@pytest.mark.parametrize("name", registry.names())
def test_every_probe_says_what_it_is(name):
    card = registry.card(name)
    assert list(card_problems(card)) == []
    assert card.name == name


GOOD = Card(
    name="pricing.sample",
    question={"zh": "价格会变吗？", "en": "Does the price change?"},
    roles=frozenset({"habit"}),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio"},
    null={"zh": "价格不变。", "en": "It does not."},
    cost={"zh": "若干次询价。", "en": "Some quotes."},
    guarantee="exact",
)


@pytest.mark.parametrize(
    "planted",
    [
        {"name": "sample"},
        {"question": {"en": "Does the price change?"}},
        {"null": {"zh": " ", "en": "It does not."}},
        {"cost": {"zh": "Some quotes.", "en": "Some quotes."}},
        {"outcomes": {}},
        {"outcomes": {"final": ""}},
        {"guarantee": "certain"},
        {"roles": frozenset({"condition"})},
        {"finding_kinds": frozenset({"price.imagined"})},
    ],
)
def test_a_planted_card_is_caught(planted):
    assert list(card_problems(GOOD)) == []
    assert list(card_problems(replace(GOOD, **planted)))


def test_every_kind_of_finding_that_a_plan_may_name_is_one_of_the_rules():
    assert set(planrules.KINDS) <= KINDS
