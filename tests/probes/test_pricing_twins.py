"""What twins say beside a verdict: ladders, backgrounds, pairs, cues, spread, one account, a year."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evenhand.datasets.personas import Attribute, Table
from evenhand.errors import UsageError
from evenhand.probes.pricing.twins import Twins
from evenhand.probes.registry import make
from evenhand.probes.served import lacking
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
PRICED = {"final": "price"}
SPEND = Attribute(name="spend", role="ability_to_pay", levels=(200, 1000, 5000), kind="price.x")
PHONE = Attribute(
    name="phone",
    role="ability_to_pay",
    levels=("old", "new"),
    cues={"string": ({"ua": "a"}, {"ua": "b"}), "screen": ({"px": 1}, {"px": 2})},
)


def with_attributes(shop, *attributes, **changes):
    """The frame of all tests of probes, with other treatments."""
    study = shop.study(PRICED, treated=())
    named = {one.name: one for one in attributes}
    fields = {field for one in attributes for cue in one.cue_names for field in one.fields(cue, 0)}
    return replace(
        study,
        attributes={**study.attributes, **named},
        carried=study.carried | fields,
        **changes,
    )


def priced(effect, noise=0.01):
    """Base price × nights × exp(effect), with noise."""

    def law(seen, rng):
        jitter = noise * rng.standard_normal(len(seen["base"]))
        return {"final": seen["base"] * (1 + seen["nights"]) * np.exp(effect(seen, rng) + jitter)}

    return law


def told(conduct):
    """The evidence of the only hypothesis, or of the last, with what it describes by name."""
    one = list(conduct.decisions.values())[-1].evidence
    return one, {part.name: part.estimate for part in one.described}


def test_a_ladder_has_an_elasticity_with_an_interval_that_holds_it(shop):
    study = with_attributes(shop, SPEND)
    probe = make(
        "pricing.twins",
        {
            "treat": ["spend"],
            "tolerance": {"ratio": 0.12, "share": 0.2, "beyond": 0.3},
            "options": {"ladder": True, "worth": {200: 100, 1000: 200, 5000: 300}},
        },
    )
    levels = np.log(np.array(SPEND.levels, dtype=float) / 200)
    law = priced(lambda seen, _: 0.03 * levels[seen["spend"]])
    _, found = told(shop.rehearse(probe, law, study, queries=6_000))
    slope = found["elasticity"]
    assert slope.value == pytest.approx(0.03, abs=0.003)
    assert 0 < slope.interval.low < 0.03 < slope.interval.high
    assert slope.interval.time_uniform
    assert found["monotone"].value > 0.9
    assert 0 < found["pass_through"].value < 1


def test_a_fair_ladder_has_none(shop):
    probe = Twins(treat=("spend",), ladder=True, limit=LIMIT)
    conduct = shop.rehearse(probe, priced(lambda *_: 0.0), with_attributes(shop, SPEND))
    _, found = told(conduct)
    slope = found["elasticity"].interval
    assert slope.low < 0 < slope.high
    assert {one.label for one in conduct.decisions.values()} == {"cleared"}


def test_levels_below_zero_have_a_slope_and_words_have_no_ladder(shop):
    tenure = replace(SPEND, name="spend", levels=(0, 12, 36))
    probe = Twins(treat=("spend",), ladder=True)
    law = priced(lambda seen, _: 0.001 * np.array(tenure.levels)[seen["spend"]], noise=0.002)
    _, found = told(shop.rehearse(probe, law, with_attributes(shop, tenure), queries=900))
    assert found["slope"].value == pytest.approx(0.001, abs=2e-4)
    assert "elasticity" not in found
    words = Twins(treat=("t0",), ladder=True)
    _, found = told(shop.rehearse(words, law_of_nothing(), shop.study(PRICED), queries=300))
    assert not {"elasticity", "slope"} & set(found)


def law_of_nothing():
    return priced(lambda *_: 0.0)


def pair_only(seen, _):
    """Only who shows both pays more."""
    return math.log(1.1) * (seen["t0"] == 1) * (seen["t1"] == 1)


@pytest.mark.parametrize("seed", range(3))
def test_a_vendor_that_charges_only_who_shows_both_hides_from_one_at_a_time(shop, seed):
    study = shop.study(PRICED, treated=("t0", "t1"))
    alone = Twins(treat=("t0", "t1"), limit=LIMIT)
    conduct = shop.rehearse(alone, priced(pair_only), study, seed=seed)
    assert {one.label for one in conduct.decisions.values()} == {"cleared"}
    pairs = Twins(treat=("t0", "t1"), interactions=(("t0", "t1"),), limit=LIMIT)
    found = shop.labels(shop.rehearse(pairs, priced(pair_only), study, seed=seed))
    assert found["t0+t1=old+old:final"] == "established"
    backgrounds = Twins(treat=("t0", "t1"), background=True, limit=LIMIT)
    conduct = shop.rehearse(backgrounds, priced(pair_only), study, seed=seed)
    assert {one.label for one in conduct.decisions.values()} == {"established"}
    # half of the backgrounds show the other attribute: half of the effect, on average
    _, _ = told(conduct)
    sizes = [one.evidence.effect.value for one in conduct.decisions.values()]
    assert np.mean(sizes) == pytest.approx(math.log(1.1) / 2, abs=0.03)


@pytest.mark.parametrize("seed", range(2))
def test_backgrounds_accuse_nobody_who_is_fair(shop, seed):
    study = shop.study(PRICED, treated=("t0", "t1"))
    for probe in (
        Twins(treat=("t0", "t1"), background=True, limit=LIMIT),
        Twins(treat=("t0", "t1"), interactions=(("t0", "t1"),), limit=LIMIT),
    ):
        conduct = shop.rehearse(probe, law_of_nothing(), study, seed=seed, queries=12_000)
        assert {one.label for one in conduct.decisions.values()} == {"cleared"}


def test_a_background_is_held_equal_within_a_block(shop):
    study = shop.study(PRICED, treated=("t0", "t1"))
    probe = Twins(treat=("t0", "t1"), background=True)
    conduct = shop.rehearse(probe, law_of_nothing(), study, queries=400)
    waves = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"]
    assert waves
    for wave in waves:
        for block in np.unique(wave.block):
            rows = wave.block == block
            arm = wave.arm[rows]
            for place, (own, other) in enumerate((("t0", "t1"), ("t1", "t0")), 2):
                if place in arm:
                    treated = arm == place
                    assert wave.overrides[own][rows][treated].tolist() == [1]
                    assert set(wave.overrides[own][rows][arm < 2].tolist()) == {0}
                    other_codes = wave.overrides[other][rows]
                    assert set(other_codes[treated]) == set(other_codes[arm < 2])
    drawn = np.concatenate([wave.overrides["t1"][wave.arm == 2] for wave in waves])
    assert 0.25 < drawn.mean() < 0.75


def test_the_population_brings_its_own_backgrounds(shop):
    study = shop.study(PRICED, treated=("t0", "t1"))
    own = np.where(np.arange(500) % 10 == 0, "old", "new")
    people = Table({**study.personas.columns, "t1": own})
    probe = Twins(treat=("t0", "t1"), background=True)
    conduct = shop.rehearse(probe, law_of_nothing(), replace(study, personas=people), queries=600)
    waves = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"]
    drawn = np.concatenate([wave.overrides["t1"][wave.arm == 2] for wave in waves])
    assert 0.02 < drawn.mean() < 0.25


def test_each_cue_has_its_own_effect(shop):
    """One of two cues carries it all."""
    study = with_attributes(shop, PHONE)
    probe = Twins(treat=("phone",), limit=LIMIT)

    law = priced(lambda seen, _: 0.08 * seen["phone"] * (cue_of(seen) == 0))
    conduct = shop.rehearse(probe, law, study, queries=900)
    one, found = told(conduct)
    assert found["cue.string"].value == pytest.approx(0.08, abs=0.02)
    assert found["cue.screen"].value == pytest.approx(0.0, abs=0.02)
    assert found["cue.string"].interval.time_uniform
    both_n = found["cue.string"].n + found["cue.screen"].n
    assert both_n == one.n


def cue_of(seen):
    """Which cue shows the phone; the positive control draws one too."""
    return seen["cue.phone"]


def wider(seen, rng):
    """The treated pay the same on average, and less predictably."""
    return 0.08 * seen["t0"] * rng.standard_normal(len(seen["t0"]))


def test_a_wider_spread_is_real_within_the_limit_and_told(shop):
    probe = Twins(treat=("t0",), limit=LIMIT)
    conduct = shop.rehearse(probe, priced(wider), shop.study(PRICED), queries=3_000)
    (decision,) = conduct.decisions.values()
    assert decision.real
    assert decision.label != "established"
    _, found = told(conduct)
    assert found["spread"].interval.low > 0.02
    _, fair = told(shop.rehearse(probe, law_of_nothing(), shop.study(PRICED)))
    assert fair["spread"].interval.low < 0 < fair["spread"].interval.high
    _, moved = told(
        shop.rehearse(probe, priced(lambda seen, _: 0.2 * seen["t0"]), shop.study(PRICED))
    )
    assert abs(moved["spread"].value) < 0.01


def test_large_gaps_stand_beside_those_of_twins(shop):
    probe = Twins(treat=("t0",), limit=LIMIT)

    def some(seen, _):
        return math.log(1.3) * seen["t0"] * (seen["context"] % 10 == 0)

    _, found = told(shop.rehearse(probe, priced(some), shop.study(PRICED)))
    assert found["p95"].value > 0.2
    assert found["p95_twins"].value < 0.05
    assert found["largest"].value == pytest.approx(math.log(1.3), abs=0.06)


def test_a_years_purchases_are_the_effect_at_the_reference_price(shop):
    probe = Twins(treat=("t0",), limit=LIMIT, basket=24)
    law = priced(lambda seen, _: math.log(1.05) * seen["t0"])
    one, found = told(shop.rehearse(probe, law, shop.study(PRICED)))
    year = found["year"]
    assert year.value == pytest.approx(24 * one.base * math.expm1(one.effect.value))
    assert year.interval.low < year.value < year.interval.high


def accounts(shop, count=90):
    return replace(
        shop.study(PRICED), identities=Table({"id": np.array([f"a{i}" for i in range(count)])})
    )


def test_one_account_for_all_arms_takes_its_bucket_out(shop):
    study = accounts(shop)
    bucket = np.random.default_rng(5).normal(0, 0.05, 90)
    noise = {}
    for crossover in (False, True):
        probe = Twins(treat=("t0",), limit=LIMIT, crossover=crossover)
        law = priced(lambda seen, _: bucket[seen["identity"]], noise=0.005)
        conduct = shop.rehearse(probe, law, study, queries=900)
        waves = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"]
        same = [
            len(set(wave.identity[wave.block == block].tolist())) == 1
            for wave in waves
            for block in np.unique(wave.block)
        ]
        assert all(same) if crossover else not any(same)
        _, found = told(conduct)
        noise[crossover] = found["p95_twins"].value
        assert ("position" in found) == crossover
    assert noise[True] < 0.5 * noise[False]


def test_one_account_needs_a_pool(shop):
    probe = Twins(treat=("t0",), crossover=True)
    why = lacking(probe, shop.study(PRICED))
    assert why is not None
    assert "pool" in why["en"]
    assert lacking(probe, accounts(shop)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"ladder": "yes"},
        {"background": "everybody"},
        {"basket": -1},
        {"interactions": [["t0", "t0"]]},
        {"interactions": [["t0", "elsewhere"]]},
        {"worth": {"a": "much"}},
    ],
)
def test_a_setting_that_cannot_be_says_what_it_must_be(options):
    (name,) = options
    with pytest.raises(UsageError) as refused:
        make("pricing.twins", {"treat": ["t0", "t1"], "options": options})
    assert name in str(refused.value)


def test_what_is_unusual_is_said_in_the_method(shop):
    study = shop.study(PRICED, treated=("t0", "t1"))
    probe = Twins(treat=("t0", "t1"), background=True, interactions=(("t0", "t1"),))
    conduct = shop.rehearse(probe, law_of_nothing(), study, queries=400)
    methods = [
        [sentence["en"] for sentence in one.evidence.method] for one in conduct.decisions.values()
    ]
    assert [len(sentences) for sentences in methods] == [1, 1, 2]
    assert "together" in methods[-1][0]
