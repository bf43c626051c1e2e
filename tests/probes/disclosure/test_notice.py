"""Notices: kept from some, missing where a price is made for a person, and shown where it is."""

import math

import numpy as np
import pytest

from evenhand.probes.contexts import Contexts, lay_out
from evenhand.probes.design import REFERENCE, TREATED, TWIN, Observed
from evenhand.probes.disclosure.notice import Notice
from evenhand.probes.disclosure.unannounced import Unannounced, UnannouncedLedger
from evenhand.probes.ledger import Ledger
from evenhand.probes.registry import card, make
from evenhand.probes.shares import Limit
from evenhand.probes.treated import Treated

LIMIT = Limit.of(ratio=0.05, share=0.05, beyond=0.05)
OUTCOMES = {"final": "price", "notice": "flag"}


def shop_of(*, markup=0.0, noise=0.0, told=0.0, told_treated=None):
    """Charges the treated more; tells everybody with a chance, the treated with their own."""

    def law(seen, rng):
        n = len(seen["t0"])
        chance = np.where(seen["t0"] == 1, told if told_treated is None else told_treated, told)
        jitter = markup * seen["t0"] + noise * rng.standard_normal(n)
        return {
            "final": seen["base"] * (1 + seen["nights"]) * np.exp(jitter),
            "notice": (rng.random(n) < chance).astype(float),
        }

    return law


def verdicts(shop, law, seed=0, **changes):
    probe = Notice(treat=("t0",), limit=LIMIT, direction="harm", **changes)
    conduct = shop.rehearse(probe, law, shop.study(OUTCOMES), seed=seed)
    return {name.rpartition(":")[2]: label for name, label in shop.labels(conduct).items()}


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize("seed", range(3))
def test_one_price_for_all_needs_no_notice(shop, noise, seed):
    found = verdicts(shop, shop_of(noise=noise), seed, apart=0.1)
    assert found == {"notice": "cleared", "unannounced": "cleared"}


def test_prices_that_differ_by_noise_alone_stand_apart_for_everybody_alike(shop):
    found = verdicts(shop, shop_of(noise=0.02))
    assert found["unannounced"] == "inconclusive"


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("seed", range(3))
def test_a_price_for_a_person_without_a_notice_is_found(shop, noise, seed):
    found = verdicts(shop, shop_of(markup=math.log(1.05), noise=noise), seed)
    assert found == {"notice": "cleared", "unannounced": "established"}


@pytest.mark.parametrize("seed", range(3))
def test_a_price_for_a_person_under_a_notice_is_none(shop, seed):
    law = shop_of(markup=math.log(1.05), noise=0.01, told_treated=1.0)
    assert verdicts(shop, law, seed) == {"notice": "cleared", "unannounced": "cleared"}


@pytest.mark.parametrize("seed", range(3))
def test_a_notice_that_is_kept_from_some_is_found(shop, seed):
    found = verdicts(shop, shop_of(told=1.0, told_treated=0.7), seed)
    assert found == {"notice": "established", "unannounced": "cleared"}


def test_without_prices_the_notice_alone_is_asked_about(shop):
    probe = Notice(treat=("t0",))
    asked = [one.outcome for one in probe.hypotheses(shop.study({"notice": "flag"}))]
    assert asked == ["notice"]


def test_it_counts_what_is_worse_and_a_plan_may_say_what_differs():
    assert card("disclosure.notice").direction == "harm"
    probe = make("disclosure.notice", {"treat": ["t0"], "options": {"apart": 0.03}})
    assert isinstance(probe, Treated)
    assert probe == Notice(treat=("t0",), apart=0.03)


# ------------------------------------------------------------------------------- the ledger


def ledger_of(prices, notices=None, apart=0.01):
    """One block a row: prices and notices of treated, reference and twin."""
    prices = np.asarray(prices, float)
    n = len(prices)
    notices = np.zeros((n, 3)) if notices is None else np.asarray(notices, float)
    wave = lay_out(
        Contexts(persona=np.zeros(n, int), item=np.zeros(n, int), conditions={}, cue={}),
        arms=np.ones((n, 3), bool),
        first_block=0,
        overrides={},
        rng=np.random.default_rng(3),
    )
    place = np.select([wave.arm == TREATED, wave.arm == REFERENCE, wave.arm == TWIN], [0, 1, 2])
    paid = prices[wave.block, place]
    kind = np.where(np.isnan(paid), 2, 0).astype(np.int8)
    values = {"final": paid, "notice": notices[wave.block, place]}
    observed = Observed(waves=(wave,), numbers=(0,), kind=kind, reason=kind, values=values)
    found = Ledger.of(observed, Unannounced(math.log1p(apart)), 3)
    assert isinstance(found, UnannouncedLedger)
    return found


def test_of_three_prices_one_at_most_stands_apart():
    ledger = ledger_of([[105, 100, 100], [100, 105, 100], [100, 100.5, 100], [90, 100, 110]])
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert ledger.scores(TREATED).tolist() == expected
    assert ledger.gap(TREATED).tolist() == [1, -1, 0, 1]
    assert ledger.gap(TWIN).tolist() == [0, 1, 0, 1]


def test_a_notice_answers_for_the_price_that_it_stands_by():
    told = [[1, 0, 0], [0, 1, 1]]
    ledger = ledger_of([[105, 100, 100], [105, 100, 100]], told)
    assert ledger.scores(TREATED).tolist() == [[0, 0, 0], [1, 0, 0]]


def test_free_prices_are_alike_and_an_answer_that_failed_says_nothing():
    ledger = ledger_of([[0, 0, 0], [5, 0, 0], [np.nan, 100, 100], [105, np.nan, 100]])
    assert ledger.scores(TREATED)[:2].tolist() == [[0, 0, 0], [1, 0, 0]]
    assert np.isnan(ledger.scores(TREATED)[2:]).all()
    assert ledger.anchored.tolist() == [True, True, True, False]
