"""The pricing probes against vendors of the zoo, through a plan, a target, a journal and a record."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.planfile import parse
from evenhand.audit.recheck import recheck
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import begin, prepare, run
from evenhand.datasets.vendors import get
from evenhand.errors import PlanError

TABLES = Path(__file__).parents[2] / "docs" / "tables"
PLAN = """
evenhand: 1
audit: {{title: {vendor}, vendor: {vendor}, commissioned_by: us, paid_by: us, conflicts: none}}
seed: {seed}
target:
  kind: python
  function: evenhand.datasets.vendors.{vendor}:quote
  request:
    identity: "{{{{identity}}}}"
    device: "{{{{persona.device}}}}"
    consumption_grade: "{{{{persona.grade}}}}"
    tenure_months: "{{{{persona.tenure}}}}"
    item: "{{{{persona.item}}}}"
    quantity: "{{{{persona.quantity}}}}"
    city_tier: "{{{{persona.city_tier}}}}"
  response: {{final: $.final, list: $.list, discount: $.discount, coupon: $.coupon, fee: $.fee,
    units: $.units}}
  money: {{currency: CNY, unit: yuan, per: order, includes: [tax]}}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: a}}
    grade: {{role: ability_to_pay, reference: 2, levels: [5], because: b}}
    tenure: {{role: habit, reference: 3, levels: [60], because: c}}
    item: {{role: condition, levels: [rice-10kg, kettle, headphones, backpack]}}
    quantity: {{role: condition, levels: [1, 2]}}
    city_tier: {{role: condition, levels: [1, 2, 3]}}
probes:
  - use: {use}
    treat: [{treat}]
    tolerance: {{ratio: 1%, share: 2%, beyond: 5%, because: d}}
    options: {options}
controls: {{positive: {{attribute: quantity, from: 1, to: 2, expect: dearer}}}}
budget: {{queries: 12000}}
"""


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """Run an audit of a vendor and return its findings by outcome."""

    @cache
    def findings(vendor, use, treat, seed=1, options="{}"):
        folder = tmp_path_factory.mktemp("zoo")
        text = PLAN.format(vendor=vendor, use=use, treat=treat, seed=seed, options=options)
        audit = prepare(parse(text, folder / "plan.yaml"))
        where = begin(audit, folder / "run")
        run(audit, where)
        content = where.read_record().content
        return {one.outcome: one for one in content.findings}

    return findings


def verdicts(found):
    return {outcome: one.verdict for outcome, one in found.items()}


def test_a_withheld_coupon_is_a_finding_about_coupons(audited):
    found = audited("guilty.coupon_withheld", "pricing.components", "grade")
    assert verdicts(found) == {
        "list": "cleared", "discount": "cleared", "coupon": "established", "fee": "cleared",
        "final": "established",
    }  # fmt: skip
    coupon = found["coupon"]
    assert coupon.kind == "price.coupon"
    assert coupon.points.estimate == pytest.approx(-8.0, abs=0.05)
    assert coupon.direction == "less"
    assert coupon.percent is None
    described = {one.name: one.value for one in found["final"].described}
    assert described["share.coupon"].estimate == pytest.approx(1.0, abs=0.1)
    assert described["share.fee"].estimate == pytest.approx(0.0, abs=0.1)
    assert described["part.coupon"].currency == "CNY"


def test_a_hidden_fee_is_a_finding_about_fees(audited):
    found = audited("guilty.hidden_fee", "pricing.components", "tenure")
    truth = get("hidden_fee").truth
    assert {name: found[name].verdict for name in ("fee", "final", "list", "coupon")} == {
        "fee": "established", "final": "established", "list": "cleared", "coupon": "cleared",
    }  # fmt: skip
    fee = truth.of("tenure_months", "fee")
    assert found["fee"].points.estimate == pytest.approx(100 * fee.mean, abs=0.05)
    assert found["fee"].kind != "price.coupon"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_list_price_that_is_raised_for_a_discount_misleads(audited, seed):
    found = audited("guilty.inflated_list", "pricing.reference", "device", seed)["list"]
    assert (found.verdict, found.kind) == ("established", "price.misleading")
    assert found.limits.direction == "harm"
    assert found.percent.estimate == pytest.approx(10.0, abs=0.5)
    described = {one.name: one.value for one in found.described}
    assert described["final"].estimate == pytest.approx(0.0, abs=0.5)
    assert described["final"].unit == "percent"


def test_smaller_packs_are_dearer_by_the_unit(audited):
    found = audited("guilty.smaller_packs", "pricing.value", "device")["units"]
    truth = get("smaller_packs").truth.of("device", "units")
    assert (found.verdict, found.direction) == ("established", "dearer")
    assert found.effect.estimate == pytest.approx(truth.mean, abs=0.005)


@pytest.mark.parametrize("use", ["pricing.components", "pricing.reference", "pricing.value"])
def test_an_honest_shop_is_cleared(audited, use):
    assert set(verdicts(audited("fair.fair_shop", use, "device")).values()) == {"cleared"}


def test_customers_who_stay_are_treated_alike_by_an_honest_shop(audited):
    options = "{offer: coupon, basket: 24}"
    found = audited("fair.fair_shop", "pricing.loyalty", "tenure", options=options)
    assert verdicts(found) == {"final": "cleared", "final+coupon": "cleared"}
    assert {one.kind for one in found.values()} == {"price.loyalty"}
    described = {one.name: one.value for one in found["final"].described}
    assert described["year"].per == "year"


@pytest.mark.parametrize("use", ["components", "reference", "value", "loyalty", "drift", "twins"])
def test_prices_without_terms_are_a_mistake_of_the_plan(use, tmp_path):
    text = PLAN.format(
        vendor="fair.fair_shop", use=f"pricing.{use}", treat="tenure", seed=1, options="{}"
    )
    terms = next(line for line in text.splitlines() if "money:" in line)
    with pytest.raises(PlanError) as refused:
        parse(text.replace(terms, ""), tmp_path / "plan.yaml")
    assert any("money" in str(problem) for problem in refused.value.problems)


def test_a_recheck_keeps_the_attributes_that_settings_name(tmp_path):
    text = PLAN.format(
        vendor="guilty.coupon_withheld", use="pricing.twins", seed=1,
        treat="tenure, grade, device", options="{interactions: [[grade, device]]}",
    )  # fmt: skip
    audit = prepare(parse(text, tmp_path / "plan.yaml"))
    where = begin(audit, tmp_path / "run")
    run(audit, where)
    found = {one.treatment: one.id for one in where.read_record().content.findings}
    again = recheck(where.path, tmp_path / "again.yaml", seed=2, findings=[found["grade"]])
    entry = parse(again.text, tmp_path / "again.yaml").plan.probes[0]
    assert entry.treat == ("grade", "device")


GUILTY = {
    ("guilty.coupon_withheld", "components", "grade"): {"coupon", "final"},
    ("guilty.hidden_fee", "components", "tenure"): {"fee", "final"},
    ("guilty.inflated_list", "components", "device"): {"list", "discount"},
    ("guilty.inflated_list", "reference", "device"): {"list"},
    ("guilty.smaller_packs", "value", "device"): {"units"},
}
"""Vendor, probe and attribute → what must be found beyond the limit. All else within it."""
FAIR = {
    ("fair.fair_shop", use, treat): frozenset[str]()
    for use, treat in (
        ("components", "device"), ("reference", "device"), ("value", "grade"), ("loyalty", "tenure"),
    )
}  # fmt: skip
SEEDS = 20
HEAD = """# Pricing probes, vendor by vendor

Vendors of the zoo that sell goods, 1 % noise; limits: mean 1 %, share 2 %, beyond 5 %; budget
12,000 queries; 20 seeds each, in process. A verdict is right where it is beyond the limit for what
was planted and within it for all else. Written by `make prove`.

| vendor | probe | attribute | outcomes | right | missed | wrongly beyond | wrongly within | median queries |
|---|---|---|---|---|---|---|---|---|
"""


@pytest.mark.prove
def test_the_right_verdict_over_seeds(tmp_path):
    rows, wrong = [], 0
    for (vendor, use, treat), guilty in {**GUILTY, **FAIR}.items():
        conducts = [_rehearsed(vendor, use, treat, seed, tmp_path) for seed in range(SEEDS)]
        told = [
            (one.evidence.hypothesis.outcome in guilty, one.label)
            for conduct in conducts
            for one in conduct.decisions.values()
        ]
        right = sum(label == ("established" if is_ else "cleared") for is_, label in told)
        beyond = sum(label in {"established", "indicated"} for is_, label in told if not is_)
        within = sum(label == "cleared" for is_, label in told if is_)
        wrong += beyond + within
        queries = np.median([sum(len(turn.wave) for turn in one.waves) for one in conducts])
        missed = len(told) - right - beyond - within
        rows.append(
            f"| {vendor} | pricing.{use} | {treat} | {len(told)} | {right} | {missed} | {beyond}"
            f" | {within} | {queries:,.0f} |"
        )
        assert right >= 0.95 * len(told), rows[-1]
    if os.environ.get("EVENHAND_PROVE"):
        (TABLES / "pricing.md").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    assert wrong <= 2


def _rehearsed(vendor, use, treat, seed, folder):
    text = PLAN.format(vendor=vendor, use=f"pricing.{use}", treat=treat, seed=seed, options="{}")
    return rehearse(prepare(parse(text, folder / "plan.yaml")))
