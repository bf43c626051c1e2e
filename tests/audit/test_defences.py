"""What an audit answers to the explanations of a vendor: by design, by test, or not at all."""

from dataclasses import replace

import numpy as np
import pytest

from evenhand.audit.decide import Decision
from evenhand.audit.defences import Grounds, defences
from evenhand.datasets.personas import Attribute, Table
from evenhand.metrics.result import Estimate
from evenhand.probes.protocol import Check, Claims, Evidence, Hypothesis, Study

TENURE = Attribute(name="tenure", role="habit", levels=(0, 36), kind="price.loyalty")
NIGHTS = Attribute(name="nights", role="condition", levels=(1, 2))


def study(**conditions):
    nights = replace(NIGHTS, **conditions)
    return Study(
        personas=Table({"age": np.array([30])}),
        persona_weights=np.ones(1),
        items=Table(),
        item_weights=np.zeros(0),
        attributes={"tenure": TENURE, "nights": nights},
        carried=frozenset({"tenure", "nights"}),
        outcomes={"final": "price"},
    )


def decided(label="established", *, defence="", level=36, n=200, twins=60, quotes=0.01):
    hypothesis = Hypothesis(
        id=f"{defence}{level}", probe="pricing.loyalty", outcome="final", treatment="tenure",
        level=level, defence=defence,
    )  # fmt: skip
    bounds = {
        "twin_beyond": Estimate(value=quotes, unit="quotes", n=twins),
        "single_quotes": Estimate(value=0.9, unit="quotes", n=n),
    }
    evidence = Evidence(
        hypothesis=hypothesis,
        claims={1.0: Claims()},
        effect=Estimate(value=0.05, unit="log-ratio", n=n),
        bounds=bounds,
        n=n,
    )
    return Decision(
        evidence=evidence, label=label, mean="outside", share="outside", real=True, closed=True,
        level=0.95, evalue=1e3, adjusted=1e-3,
    )  # fmt: skip


def answers(decision, attribute=TENURE, **grounds):
    settled = {"study": study(), "fresh_identities": True, **grounds}
    return {row.id: row for row in defences(attribute, decision, Grounds(**settled))}


def test_a_random_trial_is_tested_by_the_twins_with_their_numbers():
    row = answers(decided())["random_trial"]
    assert row.status == "tested"
    assert all(number in row.statement.en for number in ("60", "1.0 %", "90.0 %", "200"))
    assert answers(decided(twins=3))["random_trial"].status == "ruled_out_by_design"
    assert answers(decided(), fresh_identities=False)["random_trial"].status == "not_tested"
    assert answers(decided(n=0))["random_trial"].status == "not_tested"


def test_time_and_stock_are_ruled_out_by_design_and_tested_where_drift_was_watched():
    assert answers(decided())["time_and_stock"].status == "ruled_out_by_design"
    values = {"percent": "+0.40", "low": "-0.10", "high": "+0.90", "n": 6}
    drift = Check(kind="drift", passed=True, values=values)
    row = answers(decided(), checks=[drift])["time_and_stock"]
    assert row.status == "tested"
    assert "+0.40 %" in row.statement.en


@pytest.mark.parametrize(
    ("label", "status", "word"),
    [
        ("established", "tested", "remains"),
        ("indicated", "tested", "remains"),
        ("cleared", "tested", "accounts for it"),
        ("inconclusive", "not_tested", "Not tested"),
    ],
)
def test_an_offer_to_new_customers_is_answered_by_its_own_hypothesis(label, status, word):
    paid = decided()
    settled = decided(label, defence="new_customer_offer")
    row = answers(paid, decisions=[paid, settled])["new_customer_offer"]
    assert row.status == status
    assert word in row.statement.en
    other = decided(label, defence="new_customer_offer", level=12)
    assert answers(paid, decisions=[paid, other])["new_customer_offer"].status == "not_tested"


def test_an_offer_accounts_for_nothing_where_nothing_is_beyond_the_limit():
    paid, settled = decided("cleared"), decided("cleared", defence="new_customer_offer")
    row = answers(paid, decisions=[paid, settled])["new_customer_offer"]
    assert "nothing to account for" in row.statement.en


def test_cost_and_channel_are_ruled_out_where_the_plan_says_what_decides_them():
    assert answers(decided())["cost"].status == "not_tested"
    held = study(decides=("cost",), label={"zh": "晚数", "en": "nights stayed"})
    row = answers(decided(), study=held)["cost"]
    assert row.status == "ruled_out_by_design"
    assert "nights stayed" in row.statement.en
    device = replace(TENURE, kind="price.device")
    assert answers(decided(), device, study=held)["channel"].status == "not_tested"


def test_what_does_not_concern_an_attribute_is_not_said_for_it():
    private = replace(TENURE, kind="privacy.excess")
    assert answers(decided(), private)["new_customer_offer"].status == "not_applicable"
