"""Refusals and offers: the right verdict on a vendor that treats people alike, and on one that does not."""

import math

import numpy as np
import pytest

from evenhand.probes.access.offers import Offers
from evenhand.probes.access.refusal import Refusals
from evenhand.probes.design import Observed
from evenhand.probes.ledger import Ledger
from evenhand.probes.registry import make
from evenhand.probes.scores import Count
from evenhand.probes.shares import Limit
from evenhand.probes.treated import Treated

LIMIT = Limit.of(ratio=0.02, share=0.02, beyond=0.1)
PRICED = {"final": "price", "refused": "flag"}
COUNTED = {"final": "price", "offers": "number"}


def refusing(chance, *, treated=0.0, always=0):
    """Refuses everybody with a chance, the treated with more, and `always` some contexts."""

    def law(seen, rng):
        risk = chance + treated * seen["t0"]
        gone = (seen["context"] % always == 0) & (seen["t0"] == 1) if always else False
        return {
            "final": seen["base"] * (1 + seen["nights"]),
            "refused": (rng.random(len(seen["base"])) < risk) | gone,
        }

    return law


def offering(part=1.0, *, noise=False, none_for=0):
    """Offers ten, of which the treated see a part; `none_for` a fraction of contexts none."""

    def law(seen, rng):
        many = np.where(noise, rng.binomial(12, 0.8, len(seen["base"])), 10.0)
        many = np.where(seen["t0"] == 1, np.floor(part * many), many)
        if none_for:
            many = np.where((seen["t0"] == 1) & (seen["context"] % none_for == 0), 0, many)
        return {"final": seen["base"] * (1 + seen["nights"]), "offers": many}

    return law


def refused(shop, law, seed=0, **changes):
    probe = Refusals(treat=("t0",), limit=changes.pop("limit", LIMIT), **changes)
    return shop.labels(shop.rehearse(probe, law, shop.study(PRICED), seed=seed))["t0=old:refused"]


def offered(shop, law, seed=0, **changes):
    probe = Offers(treat=("t0",), limit=changes.pop("limit", LIMIT), **changes)
    return shop.labels(shop.rehearse(probe, law, shop.study(COUNTED), seed=seed))["t0=old:offers"]


@pytest.mark.parametrize("seed", range(4))
def test_a_vendor_that_refuses_nobody_or_anybody_alike_is_cleared(shop, seed):
    assert refused(shop, refusing(0.0), seed) == "cleared"
    assert refused(shop, refusing(0.005), seed) == "cleared"


@pytest.mark.parametrize("seed", range(4))
def test_a_vendor_that_refuses_some_customers_more_often_is_found_out(shop, seed):
    assert refused(shop, refusing(0.05, treated=0.25), seed) == "established"
    assert refused(shop, refusing(0.0, always=8), seed) == "established"


def test_fewer_refusals_of_the_treated_are_no_harm(shop):
    law = refusing(0.3, treated=-0.3)
    assert refused(shop, law) == "established"
    assert refused(shop, law, direction="harm") != "established"


@pytest.mark.parametrize("seed", range(4))
def test_a_vendor_that_offers_everybody_as_much_is_cleared(shop, seed):
    assert offered(shop, offering(), seed) == "cleared"


@pytest.mark.parametrize("seed", range(4))
def test_fewer_offers_are_found_and_told_as_fewer(shop, seed):
    assert offered(shop, offering(0.8), seed) == "established"
    probe = Offers(treat=("t0",), limit=LIMIT)
    conduct = shop.rehearse(probe, offering(0.8), shop.study(COUNTED), seed=seed)
    (one,) = conduct.decisions.values()
    assert one.evidence.effect.value == pytest.approx(math.log(0.8))
    assert one.evidence.base == pytest.approx(10.0)


def test_no_offer_at_all_is_finite_evidence_of_harm(shop):
    assert offered(shop, offering(none_for=5), direction="harm") == "established"
    study = shop.study(COUNTED)
    probe = Offers(treat=("t0",), limit=LIMIT)
    wave = shop.rehearse(probe, offering(), study, queries=300).waves[-1].wave
    said = {"offers": np.zeros(len(wave)), "final": np.ones(len(wave))}
    observed = shop.answered(study, wave, 0, said)
    ledger = Ledger.of(observed, Count(), 3)
    assert np.isfinite(ledger.score[ledger.asked]).all()


def test_noise_in_the_number_of_offers_is_no_accusation(shop):
    verdicts = [offered(shop, offering(noise=True), seed) for seed in range(6)]
    assert not {"established", "indicated"} & set(verdicts)


@pytest.mark.parametrize("use", ["access.refusal", "access.offers"])
def test_a_plan_makes_them_with_a_limit_of_their_own_kind(use):
    kind = "difference" if use.endswith("refusal") else "ratio"
    tolerance = {kind: 0.02, "share": 0.02, "beyond": 0.1}
    probe = make(use, {"treat": ["t0"], "tolerance": tolerance, "direction": "harm"})
    assert isinstance(probe, Treated)
    assert probe.limit == LIMIT
    assert probe.direction == "harm"
    assert probe.card.name == use


def test_nothing_asked_says_nothing(shop):
    probe = Refusals(treat=("t0",), limit=LIMIT)
    (found,) = probe.test(shop.study(PRICED), Observed(), None)
    assert found.n == 0
    assert found.effect.value is None
