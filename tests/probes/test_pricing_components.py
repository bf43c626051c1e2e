"""Where a difference sits in a price, and when a list price misleads: on laws whose truth is known."""

import math

import numpy as np
import pytest

from evenhand.errors import UsageError
from evenhand.probes.pricing.components import Components
from evenhand.probes.pricing.reference import Reference
from evenhand.probes.registry import card, make
from evenhand.probes.scores import PartOf
from evenhand.probes.served import lacking
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
PARTS = {
    "final": "price", "list": "price", "discount": "amount", "coupon": "amount", "fee": "amount",
}  # fmt: skip


def shopkeeper(*, list_=1.0, final=None, coupon=0.10, withheld=0.0, fee=0.0, noise=0.01):
    """A shop with a coupon of a tenth: what the treated get else is `list_`, `withheld` and `fee`.

    With `final` given, the treated pay that part of what others do whatever their list price.
    """

    def law(seen, rng):
        treated = seen["t0"] == 1
        own = (
            seen["base"] * (1 + seen["nights"]) * np.exp(noise * rng.standard_normal(len(treated)))
        )
        listed = own * np.where(treated, list_, 1.0)
        off = listed * np.where(treated, coupon - withheld, coupon)
        more = listed * np.where(treated, fee, 0.0)
        paid = listed - off + more
        if final is not None:
            paid = np.where(treated, own * (1 - coupon) * final, paid)
            off = listed - paid
        return {"list": listed, "coupon": off, "discount": 0 * off, "fee": more, "final": paid}

    return law


def audited(shop, probe, law, seed=0, outcomes=PARTS, queries=8_000):
    conduct = shop.rehearse(probe, law, shop.study(outcomes), seed=seed, queries=queries)
    return {one.evidence.hypothesis.outcome: one for one in conduct.decisions.values()}


def components(shop, law, seed=0, **changes):
    return audited(shop, Components(treat=("t0",), limit=LIMIT, **changes), law, seed)


@pytest.mark.parametrize("seed", range(3))
def test_a_coupon_that_is_withheld_is_found_in_the_coupon_and_in_what_is_paid(shop, seed):
    found = components(shop, shopkeeper(withheld=0.05), seed)
    verdicts = {name: one.label for name, one in found.items()}
    assert verdicts == {
        "coupon": "established", "final": "established", "list": "cleared", "discount": "cleared",
        "fee": "cleared",
    }  # fmt: skip
    assert found["coupon"].evidence.effect.value == pytest.approx(-0.05, abs=1e-6)
    assert found["coupon"].evidence.effect.unit == "share-of-price"
    assert found["coupon"].evidence.hypothesis.kind == "price.coupon"
    assert "coupon" in found["coupon"].evidence.hypothesis.question["en"]


def test_what_each_part_adds_sums_to_the_gap(shop):
    found = components(shop, shopkeeper(list_=1.02, withheld=0.04, fee=0.01, noise=0.0))
    told = {one.name: one.estimate for one in found["final"].evidence.described}
    sizes = {name: told[f"share.{name}"].value for name in ("list", "discount", "coupon", "fee")}
    assert sum(sizes.values()) == pytest.approx(1.0, abs=1e-9)
    # per unit of the reference's list price: list +.02; coupon .1 → 1.02 × .06; fee 1.02 × .01
    gap = 1.02 * (1 - 0.06 + 0.01) - 0.9
    truth = {"list": 0.02, "discount": 0.0, "coupon": 0.1 - 1.02 * 0.06, "fee": 1.02 * 0.01}
    for name, part in truth.items():
        assert sizes[name] == pytest.approx(part / gap, abs=1e-9)
    assert told["part.fee"].unit == "money"


def test_parts_of_a_gap_that_does_not_show_are_left_out(shop):
    found = components(shop, shopkeeper())
    names = {one.name for one in found["final"].evidence.described}
    assert "part.coupon" in names
    assert not any(name.startswith("share.") for name in names)


@pytest.mark.parametrize("seed", range(3))
def test_a_fair_shop_is_cleared_in_every_part(shop, seed):
    assert {one.label for one in components(shop, shopkeeper(), seed).values()} == {"cleared"}


def test_only_what_the_target_answers_is_compared(shop):
    probe = Components(treat=("t0",), limit=LIMIT, components=("coupon", "final"))
    study = shop.study({"final": "price", "coupon": "amount"})
    outcomes = [one.outcome for one in probe.hypotheses(study)]
    assert outcomes == ["coupon", "final"]
    assert probe.scores(study)["coupon"] == PartOf("coupon", of="final", harm=-1)
    why = lacking(Components(treat=("t0",), components=("fee",)), study)
    assert why is not None
    assert "fee" in why["en"]


def test_a_plan_chooses_the_parts_and_hears_what_it_got_wrong():
    own = {"treat": ["t0"], "options": {"components": ["final", "coupon"]}}
    chosen = make("pricing.components", own)
    assert isinstance(chosen, Components)
    assert chosen.components == ("coupon", "final")
    with pytest.raises(UsageError) as told:
        make("pricing.components", {"treat": ["t0"], "options": {"components": ["cupon"]}})
    assert "cupon" in str(told.value)


# ---------------------------------------------------------------------------- misleading prices

PRICED = {"final": "price", "list": "price"}


def reference(shop, law, seed=0):
    probe = Reference(treat=("t0",), limit=LIMIT, direction=card("pricing.reference").direction)
    return audited(shop, probe, law, seed, outcomes=PRICED)["list"]


@pytest.mark.parametrize("seed", range(3))
def test_a_list_price_raised_for_the_sake_of_a_discount_is_found(shop, seed):
    found = reference(shop, shopkeeper(list_=1.15, final=1.0), seed)
    assert found.label == "established"
    assert found.evidence.hypothesis.kind == "price.misleading"
    assert found.evidence.effect.value == pytest.approx(math.log(1.15), abs=0.01)
    told = {one.name: one.estimate.value for one in found.evidence.described}
    assert told["final"] == pytest.approx(0.0, abs=0.01)
    assert told["shown"] == pytest.approx(math.log(1.15), abs=0.01)


@pytest.mark.parametrize(
    "law",
    [
        shopkeeper(),
        shopkeeper(list_=1.15),  # dearer, list and final alike: another probe's finding
        shopkeeper(withheld=-0.08),  # a larger coupon at the same list price
        shopkeeper(list_=0.9, final=1.0),  # a smaller discount than others are shown
    ],
    ids=["fair", "dearer", "coupon", "lower"],
)
def test_what_does_not_mislead_is_cleared(shop, law):
    assert [reference(shop, law, seed).label for seed in range(2)] == ["cleared"] * 2


@pytest.mark.prove
def test_false_claims_about_misleading_prices_at_the_limit(shop):
    """Both distances at the limit of the mean: each error promised at most at 5 %."""
    law = shopkeeper(list_=1.01, final=1.0, noise=0.003)
    labels = [reference(shop, law, seed).label for seed in range(100)]
    assert labels.count("established") <= 10
    assert labels.count("cleared") <= 10
