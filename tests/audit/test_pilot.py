"""What a pilot says that it read, and in what a positive control compares: by what is answered."""

import pytest

from evenhand import messages
from evenhand.audit.pilot import pilot_of
from evenhand.audit.planfile import parse
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import prepare
from evenhand.errors import PlanError
from evenhand.probes.controls import Positive
from evenhand.probes.lists import ListDistance
from evenhand.probes.scores import FINAL

PLAN = """
evenhand: 1
audit: {{title: a, vendor: b, commissioned_by: c, paid_by: c, conflicts: none}}
seed: 1
target:
  kind: python
  function: evenhand.datasets.vendors:{vendor}.quote
  request: {{identity: "{{{{identity}}}}", device: "{{{{persona.device}}}}", consumption_grade: 2,
    gender: m, city_tier: 1, query: "{{{{persona.what}}}}", item: "{{{{persona.what}}}}",
    quantity: "{{{{persona.quantity}}}}", tenure_months: 3}}
  response: {response}
  money: {{currency: CNY, unit: yuan, per: order, includes: [tax]}}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: d}}
    what: {{role: condition, levels: [{what}]}}
    quantity: {{role: condition, levels: [1, 2]}}
probes: [{{use: {use}, treat: [device]}}]
controls: {{positive: {{attribute: quantity, from: 1, to: 2, expect: {expect}}}}}
budget: {{queries: 300}}
"""
SHELF = {
    "vendor": "fair_shelf",
    "response": "{ranking: $.ranking, prices: $.prices}",
    "what": "tea, laptop",
    "use": "steering.ranking",
}
GOODS = {
    "vendor": "fair_shop",
    "response": "{final: $.final, coupon: $.coupon, offers: $.offers, notice: $.notice}",
    "what": "kettle, backpack",
    "use": "pricing.twins",
}


def prepared(tmp_path, frame, expect="different"):
    return prepare(parse(PLAN.format(**frame, expect=expect), tmp_path / "plan.yaml"))


def lines(audit, language):
    messages.use(language)
    try:
        return list(pilot_of(rehearse(audit)).lines())
    finally:
        messages.use(None)


@pytest.mark.parametrize(("language", "right"), [("en", "right?"), ("zh", "对吗？")])
def test_a_pilot_of_lists_shows_lists(tmp_path, language, right):
    said = lines(prepared(tmp_path, SHELF), language)
    lists = [line for line in said if line.startswith("ranking") and right in line]
    assert len(lists) == 3
    assert "10" in lists[0]
    assert "laptop-" in "".join(lists) or "tea-" in "".join(lists)
    assert any(line.startswith("prices") for line in said)
    assert not any("CNY" in line for line in said)


def test_a_pilot_of_prices_shows_everything_else_that_was_read(tmp_path):
    said = "\n".join(lines(prepared(tmp_path, GOODS), "en"))
    assert said.count(" for one order, tax included: right?") == 3
    assert "coupon: CNY " in said
    assert "offers: 8, 8, 8: right?" in said
    assert "notice: true in 0 of 60 answers: right?" in said


def test_a_positive_control_compares_lists_where_the_probe_does(tmp_path):
    for frame, score in ((SHELF, ListDistance()), (GOODS, FINAL)):
        control = prepared(tmp_path, frame).questions["control.positive"]
        assert isinstance(control, Positive)
        assert control.score == score


def test_nothing_can_grow_dearer_where_no_price_is_answered(tmp_path):
    assert prepared(tmp_path, GOODS, expect="dearer").questions
    with pytest.raises(PlanError) as caught:
        prepared(tmp_path, SHELF, expect="dearer")
    (problem,) = caught.value.problems
    assert problem.message_id == "plan.positive_expect"
    assert problem.key == "controls.positive.expect"
