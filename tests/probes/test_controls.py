"""The pilot and the positive control read whatever a target answers."""

import math

import numpy as np
import pytest

from evenhand.probes.answers import score_of, scores_of
from evenhand.probes.controls import (
    PASS,
    POSITIVE_BLOCKS,
    POSITIVE_CAP,
    Pilot,
    Positive,
    pilot_noise,
)
from evenhand.probes.design import Observed, joined
from evenhand.probes.lists import ListDistance
from evenhand.probes.protocol import Seen
from evenhand.probes.scores import FINAL, Count, Flag, LogPrice, Refusal


def lists_of(moved, blur=0.0):
    """Lists of five; the condition turns them round, or does not."""

    def law(seen, rng):
        column = np.empty(len(seen["nights"]), dtype=object)
        for row, nights in enumerate(seen["nights"]):
            places = np.arange(5.0) + blur * rng.standard_normal(5)
            order = np.argsort(-places if moved and nights == 1 else places)
            column[row] = tuple(f"i{place}" for place in order)
        return {"ranking": column}

    return law


def flags_of(chance):
    def law(seen, rng):
        return {"notice": (rng.random(len(seen["nights"])) < chance * seen["nights"]).astype(float)}

    return law


def driven(shop, question, law, study, *, seed=0, trials=10_000):
    """Ask a question until it has nothing left to ask, and return all answers."""
    rng, vendor = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    parts: list[Observed] = []
    while True:
        seen = Seen(observed=joined(parts), trials_left=trials - sum(map(len, parts)))
        wave = question.design(study, seen, rng)
        if wave is None:
            return joined(parts)
        said = law(shop.seen_of(study, wave), vendor)
        parts.append(shop.answered(study, wave, len(parts), said))


def control(score, **more):
    return Positive(attribute="nights", low=0, high=1, score=score, **more)


@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_a_condition_that_turns_a_list_round_is_seen_to_move_it(shop, blur):
    study = shop.study({"ranking": "list"})
    question = control(ListDistance())
    observed = driven(shop, question, lists_of(moved=True, blur=blur), study)
    assert question.log_evidence(observed) >= PASS
    assert len(observed) <= 3 * 2 * POSITIVE_BLOCKS


def test_a_condition_that_leaves_a_list_alone_is_asked_about_up_to_the_cap(shop):
    study = shop.study({"ranking": "list"})
    question = control(ListDistance())
    observed = driven(shop, question, lists_of(moved=False, blur=0.5), study)
    assert question.log_evidence(observed) < PASS
    assert len(observed) == 3 * POSITIVE_CAP


def test_a_condition_may_move_a_notice(shop):
    study = shop.study({"notice": "flag"})
    question = control(Flag("notice"))
    assert question.log_evidence(driven(shop, question, flags_of(1.0), study)) >= PASS
    still = driven(shop, question, flags_of(0.0), study)
    assert question.log_evidence(still) == 0.0
    assert len(still) == 2 * POSITIVE_CAP


def test_controls_walk_the_steps_that_a_shop_asks_for(shop):
    study = shop.study({"final": "price"}, steps=("register", "quote"))
    path = ("register", "quote")

    def law(seen, _):
        price = np.where(seen["step"] == "quote", 100.0 * (1 + seen["nights"]), np.nan)
        return {"final": price}

    pilot = driven(shop, Pilot(session=path), law, study)
    assert len(pilot) == 2 * 2 * 30
    assert pilot_noise(pilot, FINAL) == 0.0
    question = control(FINAL, expect="dearer", session=path)
    observed = driven(shop, question, law, study)
    assert question.log_evidence(observed) >= PASS
    assert set(observed.column("step").tolist()) == {0, 1}
    # without a session only the last step is asked
    assert set(driven(shop, Pilot(), law, study).column("step").tolist()) == {1}


def test_a_control_stops_where_the_trials_end(shop):
    study = shop.study({"ranking": "list"})
    observed = driven(shop, control(ListDistance()), lists_of(moved=False), study, trials=100)
    assert 96 <= len(observed) <= 100


def test_the_pilot_says_how_far_identical_customers_are_apart(shop):
    study = shop.study({"ranking": "list"})
    same = driven(shop, Pilot(), lists_of(moved=False), study)
    assert pilot_noise(same, ListDistance()) == 0.0
    shaken = driven(shop, Pilot(), lists_of(moved=False, blur=5.0), study)
    assert 0.1 < pilot_noise(shaken, ListDistance()) < 0.9
    assert math.isnan(pilot_noise(Observed(), ListDistance()))


def test_every_outcome_has_a_score_and_a_price_comes_first(shop):
    kinds = {
        "refused": "flag",
        "notice": "flag",
        "offers": "number",
        "coupon": "amount",
        "ranking": "list",
        "final": "price",
    }
    found = scores_of(shop.study(kinds))
    assert next(iter(found)) == "final"
    assert found == {name: score_of(name, kind) for name, kind in kinds.items()}
    assert found["refused"] == Refusal()
    assert found["notice"] == Flag("notice")
    assert found["offers"] == Count("offers")
    assert found["coupon"] == LogPrice("coupon")
