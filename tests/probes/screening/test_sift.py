"""What stands out, beside what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.probes.screening.sift import candidates, sift

NAMES = "abcdefgh"
KNOWN = candidates(dict.fromkeys(NAMES, 2))


def _shown(rng: np.random.Generator, n: int = 480) -> dict[str, np.ndarray]:
    return {name: rng.integers(0, 2, n).astype(np.int32) for name in NAMES}


def _sifted(score: np.ndarray, shown: dict[str, np.ndarray], most: int = 3) -> list[object]:
    block = np.repeat(np.arange(len(score) // 12, dtype=np.int32), 12)
    return [one.changes for one in sift(score, block, shown, KNOWN, most=most, bound=0.4)]


@pytest.mark.parametrize("seed", range(5))
def test_the_guilty_stand_out_the_clearest_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = _shown(rng)
    context = np.repeat(rng.normal(4, 1, 40), 12)
    score = context + 0.05 * shown["b"] + 0.03 * shown["f"] + rng.normal(0, 0.01, 480)
    assert _sifted(score, shown)[:2] == [(("b", 1),), (("f", 1),)]


@pytest.mark.parametrize("seed", range(5))
def test_one_charge_for_two_things_is_one_candidate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = _shown(rng)
    score = 0.05 * shown["a"] * shown["h"] + rng.normal(0, 0.02, 480)
    assert _sifted(score, shown)[0] == (("a", 1), ("h", 1))


@pytest.mark.parametrize("seed", range(5))
def test_two_charges_that_add_up_are_not_one_for_both_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown = _shown(rng)
    # both together explain as much as either alone, at first
    score = 0.04 * shown["a"] + 0.04 * shown["h"] + rng.normal(0, 0.005, 480)
    assert set(_sifted(score, shown, most=2)) == {(("a", 1),), (("h", 1),)}


def test_of_nothing_little_stands_out() -> None:
    stood = 0
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        stood += bool(_sifted(rng.normal(0, 0.02, 480), _shown(rng)))
    # the universal threshold: the largest of 36 useless ones exceeds it in about one of six
    assert stood <= 14


def test_of_no_noise_what_is_left_over_is_not_ranked() -> None:
    shown = _shown(np.random.default_rng(1))
    assert _sifted(0.05 * shown["c"], shown) == [(("c", 1),)]
    assert _sifted(np.ones(480), shown) == []


def test_coefficients_and_intervals_are_those_of_least_squares() -> None:
    rng = np.random.default_rng(11)
    shown = _shown(rng)
    score = 0.05 * shown["b"] + 0.03 * shown["f"] + rng.normal(0, 0.01, 480)
    block = np.repeat(np.arange(40, dtype=np.int32), 12)
    found = sift(score, block, shown, KNOWN, most=2, bound=0.4)
    # the textbook regression with a constant for each block
    dummies = (block[:, None] == np.arange(40)).astype(float)
    table = np.column_stack([shown["b"], shown["f"], dummies])
    values, rest, *_ = np.linalg.lstsq(table, score, rcond=None)
    error = np.sqrt(np.linalg.inv(table.T @ table)[0, 0] * rest[0] / (480 - 42))
    assert found[0].effect.value == pytest.approx(values[0])
    assert found[1].effect.value == pytest.approx(values[1])
    interval = found[0].effect.interval
    assert interval is not None
    # 1.9654: the 97.5 % point of t with 438 degrees of freedom
    assert interval.high - values[0] == pytest.approx(1.9654 * error, rel=1e-3)


def test_what_was_not_answered_is_left_out() -> None:
    rng = np.random.default_rng(3)
    shown = _shown(rng)
    score = 0.05 * shown["b"] + rng.normal(0, 0.01, 480)
    score[rng.random(480) < 0.3] = np.nan
    assert _sifted(score, shown)[0] == (("b", 1),)
