import numpy as np
import pytest
from scipy import stats

from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.contexts import contexts_of, draw, lay_out, together
from evenhand.probes.design import Observed, Wave
from evenhand.probes.protocol import Study


def frame() -> Study:
    return Study(
        personas=Table({"city": np.array(["a", "b", "c"])}),
        persona_weights=np.array([0.5, 0.3, 0.2]),
        items=Table({"id": np.array(["x", "y"])}),
        item_weights=np.array([0.9, 0.1]),
        attributes={
            "city": Attribute(name="city", role="condition"),
            "nights": Attribute(name="nights", role="condition", levels=(1, 2, 3)),
            "device": Attribute(
                name="device",
                role="ability_to_pay",
                levels=("old", "new"),
                cues={"ua": [{"ua": "o"}, {"ua": "n"}], "os": [{"os": "o"}, {"os": "n"}]},
            ),
        },
        carried=frozenset({"city", "nights", "ua", "os"}),
        outcomes={"final": "price"},
    )


def laid(n: int = 400, seed: int = 0) -> Wave:
    rng = np.random.default_rng(seed)
    return lay_out(
        draw(frame(), n, rng),
        arms=np.ones((n, 3), dtype=bool),
        first_block=7,
        overrides={2: {"device": 1}},
        rng=rng,
    )


def test_contexts_follow_the_declared_weights():
    drawn = draw(frame(), 20_000, np.random.default_rng(1))
    for column, weights in ((drawn.persona, [0.5, 0.3, 0.2]), (drawn.item, [0.9, 0.1])):
        counts = np.bincount(column, minlength=len(weights))
        assert stats.chisquare(counts, 20_000 * np.array(weights)).pvalue > 1e-4
    assert stats.chisquare(np.bincount(drawn.conditions["nights"])).pvalue > 1e-4
    assert stats.chisquare(np.bincount(drawn.cue["device"])).pvalue > 1e-4
    assert "city" not in drawn.conditions, "the population brings it"


def test_a_block_is_alike_but_for_the_treated_attribute():
    wave = laid()
    for name in ("persona", "item"):
        column = wave.trial_column(name)
        assert all(len(set(column[wave.block == b])) == 1 for b in np.unique(wave.block))
    nights = wave.overrides["nights"]
    assert all(len(set(nights[wave.block == b])) == 1 for b in np.unique(wave.block))
    cue = wave.cue["device"]
    assert all(len(set(cue[wave.block == b])) == 1 for b in np.unique(wave.block))
    assert np.array_equal(wave.overrides["device"], (wave.arm == 2).astype(int))


def test_each_arm_takes_each_slot_as_often():
    wave = laid(n=6000)
    slots = wave.arm.reshape(-1, 3)
    orders = [tuple(row) for row in slots]
    counts = np.unique(np.array(orders), axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert stats.chisquare(counts).pvalue > 1e-4


def test_only_the_arms_of_a_block_are_asked():
    rng = np.random.default_rng(3)
    arms = rng.random((50, 4)) < 0.5
    arms[:, 0] = True
    wave = lay_out(draw(frame(), 50, rng), arms=arms, first_block=0, overrides={}, rng=rng)
    asked = np.zeros_like(arms)
    asked[wave.block, wave.arm] = True
    assert np.array_equal(asked, arms)
    assert len(wave) == arms.sum()


def test_the_same_generator_makes_the_same_wave():
    assert laid(seed=5).sha256() == laid(seed=5).sha256()
    assert laid(seed=5).sha256() != laid(seed=6).sha256()


def test_asking_again_asks_the_same_context():
    wave = laid(n=20)
    seen = Observed(waves=(wave,), numbers=(0,), kind=np.zeros(len(wave), dtype=np.int8))
    trials = np.array(
        [np.flatnonzero((wave.block == b) & (wave.arm == 0))[0] for b in range(7, 27)]
    )
    again = contexts_of(seen, trials)
    assert np.array_equal(again.persona, wave.persona[trials])
    assert np.array_equal(again.item, wave.item[trials])
    assert np.array_equal(again.conditions["nights"], wave.overrides["nights"][trials])
    assert np.array_equal(again.cue["device"], wave.cue["device"][trials])


def test_two_waves_become_one_in_order():
    first, second = laid(n=3), laid(n=4, seed=1)
    both = together(first, second)
    assert len(both) == len(first) + len(second)
    assert np.array_equal(both.arm[: len(first)], first.arm)
    assert np.array_equal(both.overrides["device"][len(first) :], second.overrides["device"])


def test_bytes_hold_the_whole_wave():
    wave = laid(n=5)
    copy = Wave.from_bytes(wave.to_bytes())
    assert copy.sha256() == wave.sha256()
    assert dict(copy.overrides).keys() == dict(wave.overrides).keys()
    with pytest.raises(ValueError, match="read-only"):
        copy.arm[0] = 1


def test_columns_must_be_aligned():
    with pytest.raises(ValueError, match="aligned"):
        Wave.of_single_trials(
            item=np.array([0, 0], dtype=np.int32),
            block=[0],
            again=[-1, -1],
            identity=[-1, -1],
            arm=[0, 1],
            persona=[0, 0],
        )
