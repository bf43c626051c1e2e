"""The scoreboard: what a verdict is worth beside a truth, and a few vendors scored for real."""

from dataclasses import replace

import pytest

from evenhand.audit import scoreboard
from evenhand.audit.scoreboard import Scored, cases, lines, mark, plan_of, scores, summary
from evenhand.datasets import vendors
from evenhand.datasets.vendors.truth import Effect, Limit

TENURE = Effect(attribute="tenure", reference=0, level=36)
FEW = ("device_markup", "flat_fare", "small_change", "price_test")


@pytest.mark.parametrize(
    ("effect", "verdict", "worth"),
    [
        (TENURE.moves(mean=0.05), "established", "correct"),
        (TENURE.moves(mean=0.05), "indicated", "missed"),
        (TENURE.moves(mean=0.05), "inconclusive", "missed"),
        (TENURE.moves(mean=0.05), "cleared", "cleared_falsely"),
        (TENURE.moves(mean=-0.004), "indicated", "open"),
        (TENURE.moves(mean=-0.004), "established", "accused"),
        (TENURE.moves(mean=-0.004), "cleared", "correct"),
        (TENURE, "indicated", "accused"),
        (TENURE, "cleared", "correct"),
        (TENURE, "not_testable", "open"),
        (TENURE.moves(mean=0.0115), "cleared", "near"),
        (TENURE.moves(share=0.019), "established", "near"),
        (TENURE.moves(mean=0.0115, share=0.4), "cleared", "cleared_falsely"),
        (TENURE.moves(mean=0.006, limit=Limit(mean=0.005)), "established", "near"),
    ],
)
def test_what_a_verdict_is_worth(effect, verdict, worth):
    assert mark(effect, verdict) == worth


@pytest.mark.parametrize("name", vendors.names())
def test_every_effect_of_every_vendor_is_asked_about_once(name):
    vendor = vendors.get(name)
    asked = [effect for case in cases(vendor) for effect in case.effects]
    assert len(asked) == len({id(effect) for effect in asked})
    for case in cases(vendor):
        assert len(case.effects) <= 3
        assert len({(one.attribute, one.outcome) for one in case.effects}) == len(case.effects)


def test_a_plan_stands_at_the_home_that_the_effect_is_told_at():
    """Asked in the sandbox the guilty vendor is fair; the plan must ask where the truth says."""
    found = {
        tuple(sorted(case.effects[0].given.items())): plan_of(case, seed=1).plan
        for case in cases(vendors.get("sandbox_smile"))
        if case.effects[0].attribute == "device"
    }
    requests = {given: plan.target.request or {} for given, plan in found.items()}
    assert requests[()]["mode"] == "live"
    assert requests[(("mode", "sandbox"),)]["mode"] == "sandbox"


def test_a_few_vendors_are_judged_rightly():
    found = list(scores(FEW, seeds=range(2)))
    whole = summary(found)
    # one audit in twenty may: of these eight, two or more would come with a chance of .06
    assert whole.accused <= 1
    assert whole.cleared_falsely == 0
    by_effect = {(one.vendor, one.attribute): one for one in lines(found)}
    assert by_effect["device_markup", "device"].marks == {"correct": 2}
    assert by_effect["flat_fare", "tenure"].marks == {"correct": 2}
    assert by_effect["small_change", "device"].side == "between"
    assert by_effect["price_test", "past_spend"].marks == {"open": 2}, "noise beyond all limits"
    assert by_effect["price_test", "past_spend"].median is None


def test_an_explanation_names_the_guilty_attribute_first():
    found = list(scores(["device_markup"], seeds=[0], explain=True))
    assert {one.attribute: one.named for one in found if one.side == "guilty"} == {"device": True}
    assert all(one.named is None for one in found if one.side == "innocent")
    assert (summary(found).named, summary(found).explained) == (1, 1)


def test_a_broken_promise_shows():
    right = Scored(
        vendor="a", attribute="x", outcome="final", side="innocent", verdict="cleared",
        mark="correct", queries=900, audit="a/0/0",
    )  # fmt: skip
    audits = [replace(right, audit=f"a/0/{seed}") for seed in range(100)]
    assert summary(audits).chance_accused == 1.0
    worse = [replace(one, mark="accused") for one in audits[:15]] + audits[15:]
    assert summary(worse).accused == 15
    assert summary(worse).chance_accused < 0.001
    near = [replace(one, mark="near") for one in audits]
    assert summary(near).audits == 0


@pytest.mark.prove
def test_the_whole_zoo_over_twenty_seeds():
    whole = summary(list(scoreboard.scores(seeds=range(scoreboard.SEEDS))))
    assert min(whole.chance_accused, whole.chance_cleared) > 0.01
