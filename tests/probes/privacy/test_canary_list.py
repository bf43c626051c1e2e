"""Planted pairs: a vendor that learns from baskets, one that does not, one that lists none."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evenhand.datasets.personas import Table
from evenhand.errors import UsageError
from evenhand.metrics.privacy.canary import epsilon_bound, rate_interval
from evenhand.metrics.privacy.coins import log_coin_evidence
from evenhand.probes.design import Observed, joined
from evenhand.probes.privacy.canary_list import CanaryList
from evenhand.probes.protocol import Seen
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit

ITEMS = 500
LIMIT = Limit.of(ratio=0.05, share=0.05, beyond=0.05)
STEPS = ("view", "buy", "search")
CANARIES = 120


class Learner:
    """Lists what was bought together with the item that is looked at, as often as it remembers."""

    def __init__(self, remembers):
        self.remembers, self.beside = remembers, {}

    def __call__(self, seen, rng):
        bought: dict[int, list[int]] = {}
        for session, step, item in zip(seen["session"], seen["step"], seen["item"], strict=True):
            if step == "buy":
                bought.setdefault(session, []).append(int(item))
        for basket in bought.values():
            for one in basket:
                self.beside.setdefault(one, set()).update(set(basket) - {one})
        rows = np.empty(len(seen["item"]), dtype=object)
        for row, item in enumerate(seen["item"].tolist()):
            known = self.beside.get(item, set()) if rng.random() < self.remembers else set()
            others = rng.choice(ITEMS, size=9, replace=False).tolist()
            rows[row] = tuple(f"i{one}" for one in [*known, *others])
        return {"ranking": rows}


def study(shop, steps=STEPS, items=ITEMS):
    found = shop.study(
        {"ranking": "list"},
        items=Table({"id": np.array([f"i{n}" for n in range(items)])}),
        steps=steps,
        treated=(),
    )
    return replace(found, money=None)


def canaries(**changes):
    return CanaryList(**{"seed": 7, "limit": LIMIT, "canaries": CANARIES, **changes})


def asked(shop, probe, study_, law, *, seed=0, trials=10_000):
    """Plant, ask, and return all answers with the waves."""
    vendor, observed = np.random.default_rng([seed, 1]), Observed()
    number = 0
    while True:
        seen = Seen(observed=observed, trials_left=trials)
        wave = probe.design(study_, seen, np.random.default_rng([seed, number, 2]))
        if wave is None:
            return observed
        said = shop.answered(study_, wave, number, law(shop.seen_of(study_, wave), vendor))
        observed = joined([observed, said]) if number else said
        number += 1


def evidence(shop, law, *, seed=0, **changes):
    probe, study_ = canaries(seed=seed, **changes), study(shop)
    (found,) = probe.test(study_, asked(shop, probe, study_, law, seed=seed), 0.95)
    return found


def test_both_items_of_every_pair_are_taken_equally_often_and_only_heads_take_them_together(shop):
    probe, study_ = canaries(copies=2), study(shop)
    planted = asked(shop, probe, study_, Learner(0.0)).waves[0]
    assert planted.after is None
    counts = np.bincount(planted.item, minlength=ITEMS)
    assert set(counts.tolist()) == {0, 2}
    assert int(np.sum(counts == 2)) == 2 * CANARIES
    lengths = np.bincount(planted.session)
    assert set(lengths[planted.arm == 2].tolist()) == {2}
    assert set(lengths[planted.arm == 0].tolist()) == {1}


def test_lists_are_asked_after_retraining_by_accounts_that_took_nothing(shop):
    probe, study_ = canaries(), study(shop)
    _, asking = asked(shop, probe, study_, Learner(0.0)).waves
    assert asking.after == "retraining"
    assert {study_.steps[step] for step in asking.step.tolist()} == {"view", "search"}
    assert asking.sessions == CANARIES


@pytest.mark.parametrize("seed", range(3))
def test_a_vendor_that_lists_what_was_bought_together_is_beyond_the_limit(shop, seed):
    found = evidence(shop, Learner(0.4), seed=seed)
    claims = found.claims[1.0]
    assert min(claims.differs, claims.beyond) > math.log(20)
    assert found.effect.interval.low <= found.effect.value <= found.effect.interval.high
    assert 0.2 < found.effect.value < 0.6
    by_name = {one.name: one.estimate.value for one in found.described}
    assert 0 < by_name["epsilon"] <= by_name["epsilon_cap"]
    assert by_name["exposure"] > 1


@pytest.mark.parametrize("seed", range(3))
def test_a_vendor_that_does_not_is_within_it(shop, seed):
    wide = Limit.of(ratio=0.1, share=0.05, beyond=0.1)
    found = evidence(shop, Learner(0.0), seed=seed, canaries=240, limit=wide)
    claims = found.claims[1.0]
    assert claims.differs < math.log(20) < min(claims.inside)
    assert 0 < found.smallest_detectable < 0.13


def test_the_bound_and_its_cap_are_for_one_of_the_copies(shop):
    told = {one.name: one for one in evidence(shop, Learner(1.0), copies=2).described}
    guesses = told["epsilon_cap"].estimate.n
    assert guesses > CANARIES // 3
    whole = epsilon_bound(guesses, guesses, level=0.95)
    assert told["epsilon_cap"].estimate.value == pytest.approx(whole.cap / 2)
    assert 0 < told["epsilon"].estimate.value < whole.cap / 2


def test_a_vendor_that_never_lists_anything_planted_is_told_apart_from_one_that_is_silent(shop):
    def elsewhere(seen, rng):
        del rng
        rows = np.empty(len(seen["item"]), dtype=object)
        rows[:] = [("somewhere", "else")] * len(rows)
        return {"ranking": rows}

    found = evidence(shop, elsewhere)
    assert not found.delivered
    assert found.reason == "private.reason_never_listed"


def test_the_commitment_names_every_pair_and_every_coin(shop):
    study_ = study(shop)
    assert canaries().commitment(study_) == canaries().commitment(study_)
    others = [canaries(seed=8), canaries(name="again"), canaries(canaries=121)]
    assert len({one.commitment(study_) for one in [canaries(), *others]}) == 4


@pytest.mark.parametrize(
    ("changes", "steps", "items", "says"),
    [
        ({}, ("search",), ITEMS, "leaves a trace"),
        ({"plant": "steal"}, STEPS, ITEMS, "leaves a trace"),
        ({}, STEPS, 200, "none serves twice"),
        ({"places": ITEMS}, STEPS, ITEMS, "fewer than the items"),
    ],
)
def test_what_cannot_be_asked_says_why(shop, changes, steps, items, says):
    assert says in canaries(**changes).lacks(study(shop, steps, items))["en"]


def test_a_study_that_has_everything_lacks_nothing(shop):
    assert canaries().lacks(study(shop)) is None


def test_a_budget_that_does_not_reach_for_both_waves_plants_nothing(shop):
    assert len(asked(shop, canaries(), study(shop), Learner(0.0), trials=200)) == 0


def test_questions_that_fail_more_often_for_heads_are_seen(shop):
    probe, study_ = canaries(), study(shop)
    law = Learner(0.0)

    def failing(seen, rng):
        said = law(seen, rng)
        lost = np.isin(seen["step"], ["search"]) & np.isin(seen["item"], heads)
        return {**said, "failed": lost}

    planted = probe.design(study_, Seen(observed=Observed(), trials_left=10_000), rng_of(0))
    heads = planted.item[planted.trial_column("arm") == 2]
    (check,) = probe.checks(study_, asked(shop, probe, study_, failing), None)
    assert not check.passed
    (fine,) = probe.checks(study_, asked(shop, probe, study_, law), None)
    assert fine.passed


def rng_of(seed):
    return np.random.default_rng(seed)


def false_alarms(shop, runs):
    """How many of so many vendors that know nothing of our coins are accused."""
    study_ = study(shop)
    accused = 0
    for seed in range(runs):
        probe = canaries(seed=seed, limit=None)
        rng = np.random.default_rng([seed, 5])
        hits = rng.random(CANARIES) < 0.2
        accused += log_coin_evidence(probe._drawn(study_).coins, hits).max() >= math.log(20)
    return accused


def test_vendors_that_know_nothing_of_the_coins_are_rarely_accused(shop):
    assert rate_interval(false_alarms(shop, 500), 500, level=0.9).low <= 0.05


@pytest.mark.prove
def test_vendors_that_know_nothing_of_the_coins_are_accused_within_the_level(shop):
    assert rate_interval(false_alarms(shop, 5_000), 5_000, level=0.9).high <= 0.06


@pytest.mark.parametrize("option", [{"canaries": 1}, {"places": -1}, {"copies": "two"}])
def test_settings_that_cannot_be_are_refused(option):
    with pytest.raises(UsageError):
        make("privacy.canary_list", {"seed": 1, "options": option})
