"""Guessing a sensitive attribute from answers: prices that tell, prices that do not."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from evenhand.metrics.privacy.betting import log_told
from evenhand.probes.design import Observed
from evenhand.probes.privacy.inference import Inference
from evenhand.probes.protocol import Seen
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.05, share=0.05, beyond=0.05)


def law(spread):
    """Whoever stands at the level meets prices that are shaken more; the mean is the same."""

    def quoted(seen, rng):
        shake = np.where(seen["t0"] == 1, spread, 0.01) * rng.standard_normal(len(seen["t0"]))
        return {"final": seen["base"] * (1 + seen["nights"]) * np.exp(shake)}

    return quoted


def study(shop):
    found = shop.study({"final": "price"}, contexts=20)
    attribute = replace(found.attributes["t0"], role="protected", kind="price.protected_group")
    return replace(found, attributes={**found.attributes, "t0": attribute})


def audited(shop, law_, seed=0, customers=1024):
    probe = Inference(attribute="t0", limit=LIMIT, customers=customers)
    return shop.rehearse(probe, law_, study(shop), seed=seed, queries=4_000)


def test_a_difference_that_no_mean_shows_is_guessed(shop):
    (one,) = audited(shop, law(0.3), customers=512).decisions.values()
    assert one.label == "established"
    assert one.evidence.effect.value > 0.2
    assert one.evidence.described[0].estimate.value > 0.7


def test_prices_that_tell_nothing_are_rarely_accused_and_never_cleared(shop):
    runs = 8
    found = [
        one
        for seed in range(100, 100 + runs)
        for one in audited(shop, law(0.01), seed, customers=256).decisions.values()
    ]
    assert "cleared" not in {one.label for one in found}
    # three of eight would happen once in 170 such tests at a level of 5 %
    assert sum(one.label != "inconclusive" for one in found) <= 2
    assert all(0 < one.evidence.smallest_detectable < 0.25 for one in found)


@pytest.mark.prove
def test_prices_that_tell_nothing_are_accused_no_more_often_than_it_says(shop):
    runs = 300
    accused = sum(
        one.label != "inconclusive"
        for seed in range(1000, 1000 + runs)
        for one in audited(shop, law(0.01), seed, customers=256).decisions.values()
    )
    assert stats.binom.sf(accused - 1, runs, 0.05) > 0.01


def test_the_lot_decides_the_level_and_waves_double(shop):
    probe, study_ = Inference(attribute="t0"), study(shop)
    ids = frozenset(h.id for h in probe.hypotheses(study_))
    seen = Seen(observed=Observed(), undecided=ids, trials_left=4_000)
    wave = probe.design(study_, seen, np.random.default_rng(2))
    assert wave is not None
    assert len(wave) == 128
    assert 40 < int(np.sum(wave.overrides["t0"] == 1)) < 88
    assert np.array_equal(wave.overrides["t0"] == 1, wave.arm == 2)


def test_over_all_tosses_guesses_are_a_fair_bet_whatever_they_are():
    chance = np.random.default_rng(3).random(8)
    ends = [math.exp(log_told(chance, coins)[-1]) for coins in itertools.product([0, 1], repeat=8)]
    assert np.mean(ends) == pytest.approx(1.0)
