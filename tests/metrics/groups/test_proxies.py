"""How well columns give a protected one away, against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from evenhand.errors import InputError
from evenhand.metrics.groups.proxies import _auc, proxies


def test_the_area_is_that_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(2)
    belongs = rng.random(300) < 0.4
    score = np.round(rng.normal(belongs, 1.5), 1)
    found = _auc(score, belongs, level=0.95, left_out=0)
    assert found.value == pytest.approx(roc_auc_score(belongs, score))


def test_intervals_hold_what_two_normal_curves_give() -> None:
    # two normal curves one standard deviation apart: the area is Φ(1/√2)
    truth, held = norm.cdf(1 / np.sqrt(2)), 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        belongs = np.arange(200) < 80
        interval = _auc(rng.normal(belongs, 1), belongs, level=0.9, left_out=0).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert 166 <= held <= 194


@pytest.mark.parametrize("seed", range(3))
def test_what_says_nothing_comes_out_at_a_half_and_what_says_all_at_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], 1000)
    told = proxies(
        sex,
        columns={
            "title": np.where(sex == "f", "Ms", "Mr"),
            "code": np.arange(1000),
            "zone": rng.choice(list("abcdef"), 1000),
        },
        rng=rng,
    )
    by = {one.columns: one.auc.value or 0.0 for one in told}
    assert by["title",] == 1
    assert by["title", "code", "zone"] > 0.99
    # a column that is another in each row teaches nothing: what is told is out of sample
    assert abs(by["code",] - 0.5) < 0.06
    assert abs(by["zone",] - 0.5) < 0.06
    assert told[0].auc.value == max(by.values())


def test_two_columns_may_give_away_together_what_neither_does_alone() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.integers(0, 2, 2000), rng.integers(0, 2, 2000)
    told = proxies(one ^ other, columns={"one": one, "other": other}, rng=rng)
    assert told[0].columns == ("one", "other")
    assert told[0].auc.value == pytest.approx(1)
    assert all(abs((found.auc.value or 0) - 0.5) < 0.06 for found in told[1:])


def test_of_three_values_each_is_told_from_the_rest_and_missing_ones_are_left_out() -> None:
    rng = np.random.default_rng(6)
    group = rng.choice(np.array(["a", "b", "c"], dtype=object), 600)
    group[:30] = None
    told = proxies(group, columns={"same": np.array([str(g) for g in group])}, rng=rng)
    assert {one.value for one in told} == {"a", "b", "c"}
    assert {(one.auc.n, one.auc.n_excluded) for one in told} == {(570, 30)}


@pytest.mark.parametrize(
    ("group", "columns"),
    [
        (["a"] * 40, {"x": range(40)}),
        (["a"] * 38 + ["b"] * 2, {"x": range(40)}),
        (["a", "b"] * 20, {}),
    ],
)
def test_what_cannot_be_told_is_refused(group: list[str], columns: dict[str, range]) -> None:
    with pytest.raises(InputError):
        proxies(
            group, columns={k: list(v) for k, v in columns.items()}, rng=np.random.default_rng(1)
        )
