"""Whether prices move while an audit goes on: found where they do, and held against nobody."""

import numpy as np
import pytest

from evenhand.audit.conduct import Conduct, Rules
from evenhand.audit.decide import Family
from evenhand.probes.pricing.drift import Drift
from evenhand.probes.pricing.twins import Twins
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)


def conducted(shop, law, *, seed=0, drift=None, queries=4_000):
    """An audit with twins and drift; `law` is told the wave and the stage of each trial too."""
    study = shop.study({"final": "price"})
    conduct = Conduct(
        study=study,
        questions={
            "pricing.drift": drift or Drift(),
            "pricing.twins": Twins(treat=("t0",), limit=LIMIT),
        },
        rules=Rules(family=Family(hypotheses=1, alpha=0.05, alpha_clear=0.05), queries=queries),
        rng=lambda number: np.random.default_rng([seed, number]),
    )
    vendor = np.random.default_rng([seed, 1 << 20])
    while (turn := conduct.next()) is not None:
        seen = {**shop.seen_of(study, turn.wave), "wave": turn.number, "stage": turn.wave.stage}
        conduct.take(turn, shop.answered(study, turn.wave, turn.number, law(seen, vendor)))
    return conduct


def said(conduct, seed=0):
    checks = conduct.checks(np.random.default_rng(seed))["pricing.drift"]
    return {check.kind: check for check in checks}


def moving(per_wave=0.0, asked_again=0.0, noise=0.01):
    def law(seen, rng):
        jitter = noise * rng.standard_normal(len(seen["base"]))
        moved = per_wave * seen["wave"] + asked_again * (seen["stage"] == 1)
        return {"final": seen["base"] * (1 + seen["nights"]) * np.exp(moved + jitter)}

    return law


@pytest.mark.parametrize("seed", range(4))
def test_a_price_that_stands_still_passes(shop, seed):
    found = said(conducted(shop, moving(), seed=seed), seed)
    assert {kind: check.passed for kind, check in found.items()} == {"drift": True, "asking": True}


@pytest.mark.parametrize("seed", range(4))
def test_a_price_that_drifts_is_found_and_accuses_nobody(shop, seed):
    conduct = conducted(shop, moving(per_wave=0.002), seed=seed)
    found = said(conduct, seed)
    assert not found["drift"].passed
    assert found["asking"].passed
    assert float(found["drift"].values["percent"]) > 0
    assert float(found["drift"].values["low"]) > 0
    (decision,) = conduct.decisions.values()
    assert decision.label not in {"established", "indicated"}
    assert conduct.health().harness


@pytest.mark.parametrize("seed", range(4))
def test_a_price_that_our_asking_raises_is_found(shop, seed):
    found = said(conducted(shop, moving(asked_again=0.02), seed=seed), seed)
    assert not found["asking"].passed
    assert float(found["asking"].values["percent"]) == pytest.approx(2.0, abs=0.6)


def test_every_round_asks_the_same_contexts_first_open_then_close(shop):
    conduct = conducted(shop, moving(), drift=Drift(contexts=3, rounds=4))
    waves = [turn.wave for turn in conduct.waves if turn.question == "pricing.drift"]
    assert len(waves) == 4
    for wave in waves:
        assert wave.persona.tolist() == waves[0].persona.tolist()
        assert wave.overrides["nights"].tolist() == waves[0].overrides["nights"].tolist()
        assert wave.stage.tolist() == [0, 1] * 3
    assert len({turn.number for turn in conduct.waves}) == len(conduct.waves)


def test_it_spends_no_hypothesis_and_little(shop):
    probe = make("pricing.drift", {"treat": [], "options": {"contexts": 4, "rounds": 5}})
    study = shop.study({"final": "price"})
    assert probe.hypotheses(study) == ()
    assert probe == Drift(contexts=4, rounds=5)
    conduct = conducted(shop, moving(), drift=probe)
    asked = sum(len(turn.wave) for turn in conduct.waves if turn.question == "pricing.drift")
    assert asked == 2 * 4 * 5


def test_what_was_not_answered_is_left_out(shop):
    def refuses(seen, rng):
        return {**moving(per_wave=0.002)(seen, rng), "refused": rng.random(len(seen["base"])) < 0.3}

    found = said(conducted(shop, refuses))
    assert not found["drift"].passed
    assert 0 < found["asking"].values["n"] < 120


def test_a_vendor_that_answers_nothing_tells_nothing(shop):
    def silent(seen, rng):
        return {**moving()(seen, rng), "refused": np.ones(len(seen["base"]), bool)}

    assert said(conducted(shop, silent, queries=1_000)) == {}


@pytest.mark.prove
def test_false_alarms_about_drift(shop):
    """A thousandth each, as promised: at most three of four hundred."""
    alarms = sum(
        not check.passed
        for seed in range(200)
        for check in said(conducted(shop, moving(), seed=seed, queries=800), seed).values()
    )
    assert alarms <= 3
