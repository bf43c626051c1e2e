"""What is got for the price, and what staying costs: on laws whose truth is known."""

import math

import numpy as np
import pytest

from evenhand.probes.pricing.loyalty import Loyalty
from evenhand.probes.pricing.value import Value
from evenhand.probes.registry import make
from evenhand.probes.served import lacking, missing
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
LINE = {"final": "price", "units": "number"}
OFFERED = {"final": "price", "coupon": "amount"}


def line(slower=1.0, noise=0.01):
    """The same price for everybody; the treated get a part of what others do."""

    def law(seen, rng):
        price = seen["base"] * (1 + seen["nights"])
        price = price * np.exp(noise * rng.standard_normal(len(price)))
        return {"final": price, "units": np.where(seen["t0"] == 1, 100 * slower, 100.0)}

    return law


def club(penalty=0.0, offer=0.0, noise=0.01):
    """New customers get an offer; those who stayed pay a penalty on top."""

    def law(seen, rng):
        old = seen["t0"] == 1
        price = seen["base"] * (1 + seen["nights"]) * np.where(old, 1 + penalty, 1.0)
        price = price * np.exp(noise * rng.standard_normal(len(price)))
        coupon = np.where(old, 0.0, offer * price)
        return {"final": price - coupon, "coupon": coupon}

    return law


def verdicts(shop, probe, law, outcomes, seed=0):
    conduct = shop.rehearse(probe, law, shop.study(outcomes), seed=seed)
    return {one.evidence.hypothesis.outcome: one for one in conduct.decisions.values()}


@pytest.mark.parametrize("seed", range(3))
def test_a_slower_line_at_the_same_price_is_a_dearer_line(shop, seed):
    probe = Value(treat=("t0",), limit=LIMIT)
    found = verdicts(shop, probe, line(0.5), LINE, seed)["units"]
    assert found.label == "established"
    assert found.evidence.effect.value == pytest.approx(math.log(1.5), abs=0.01)  # clipped there
    assert verdicts(shop, probe, line(), LINE, seed)["units"].label == "cleared"


def test_nothing_got_is_no_answer(shop):
    probe = Value(treat=("t0",), limit=LIMIT)
    (one,) = verdicts(shop, probe, line(0.0), LINE).values()
    assert one.evidence.n == 0


def test_a_target_that_does_not_say_what_is_got_cannot_be_asked(shop):
    probe = make("pricing.value", {"treat": ["t0"]})
    why = missing(probe.card, {}, shop.study({"final": "price"}))
    assert why is not None
    assert "units" in why["en"]


def loyalty(shop, law, seed=0, offer="coupon"):
    options = {
        "treat": ["t0"],
        "direction": "harm",
        "tolerance": {"ratio": 0.01, "share": 0.02, "beyond": 0.05},
        "options": {"offer": offer} if offer else {},
    }
    found = verdicts(shop, make("pricing.loyalty", options), law, OFFERED, seed)
    return {name: one.label for name, one in found.items()}


@pytest.mark.parametrize("seed", range(3))
def test_a_penalty_for_staying_shows_with_the_offer_and_without(shop, seed):
    paid = {"final": "established", "final+coupon": "established"}
    assert loyalty(shop, club(penalty=0.08, offer=0.05), seed) == paid


@pytest.mark.parametrize("seed", range(3))
def test_an_offer_to_new_customers_is_set_apart(shop, seed):
    found = loyalty(shop, club(offer=0.10), seed)
    assert found == {"final": "established", "final+coupon": "cleared"}


@pytest.mark.parametrize("seed", range(3))
def test_a_reward_for_staying_is_no_penalty(shop, seed):
    assert loyalty(shop, club(penalty=-0.08), seed, offer=None) == {"final": "cleared"}


def test_the_offer_must_be_answered_and_says_which_defence_it_tests(shop):
    probe = Loyalty(treat=("t0",), offer="coupon")
    why = lacking(probe, shop.study({"final": "price"}))
    assert why is not None
    assert "coupon" in why["en"]
    with_offer = probe.hypotheses(shop.study(OFFERED))
    assert [one.defence for one in with_offer] == ["", "new_customer_offer"]
    assert {one.kind for one in with_offer} == {"price.loyalty"}
