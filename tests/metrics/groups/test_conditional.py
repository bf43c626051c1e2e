"""Conditional gaps, disparities and free prices against regression, enumeration and coverage."""

import numpy as np
import pytest
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.groups import conditional_disparity, conditional_gap, discrimination_free

FULL = pytest.mark.prove
RUNS = pytest.mark.parametrize("runs", [200, pytest.param(2000, marks=FULL)])


def table(rng, n=400, gap=3.0):
    """Conditions move the price and go with the group; the group moves it by `gap`."""
    stratum = rng.integers(4, size=n)
    group = (rng.random(n) < 0.2 + 0.15 * stratum).astype(int)
    price = 100 + 10 * stratum + gap * group + rng.normal(0, 4 + group, n)
    return price, group, stratum


def test_with_overlap_weights_it_is_the_regression_with_a_dummy_for_each_stratum():
    price, group, stratum = table(np.random.default_rng(1))
    (gap,) = conditional_gap(
        price, sensitive_features=group, control_features=stratum, reference=0, weights="overlap"
    )
    design = np.column_stack([group, stratum[:, None] == np.arange(4)])
    beta, *_ = np.linalg.lstsq(design, price, rcond=None)
    assert gap.conditional.value == pytest.approx(beta[0])


def test_with_row_weights_it_is_the_mean_over_the_rows_of_the_gap_in_their_stratum():
    price, group, stratum = table(np.random.default_rng(2))
    own = {
        s: price[(stratum == s) & (group == 1)].mean() - price[(stratum == s) & (group == 0)].mean()
        for s in range(4)
    }
    (gap,) = conditional_gap(price, sensitive_features=group, control_features=stratum, reference=0)
    assert gap.conditional.value == pytest.approx(np.mean([own[s] for s in stratum]))


def test_in_one_stratum_it_is_welch():
    price, group, _ = table(np.random.default_rng(3))
    (gap,) = conditional_gap(
        price, sensitive_features=group, control_features=np.zeros(400), reference=0
    )
    welch = stats.ttest_ind(price[group == 1], price[group == 0], equal_var=False)
    low, high = welch.confidence_interval(0.95)
    interval = gap.conditional.interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert gap.p_value == pytest.approx(welch.pvalue)
    assert gap.conditional.value == gap.marginal.value


@RUNS
@pytest.mark.parametrize("kind", ["mean", "geometric_mean", "selection_rate"])
def test_its_interval_covers(kind, runs):
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(runs):
        stratum = np.repeat(np.arange(5), 24)
        group = (np.arange(120) % 24 < 4 + 3 * stratum).astype(int)
        if kind == "selection_rate":
            y = (rng.random(120) < 0.3 + 0.1 * stratum + 0.1 * group).astype(int)
            truth = 0.1
        else:
            y = 4 + 0.1 * stratum + 0.05 * group + rng.normal(0, 0.05 + 0.1 * group, 120)
            y, truth = (np.exp(y), 0.05) if kind == "geometric_mean" else (y, 0.05)
        (gap,) = conditional_gap(
            y, sensitive_features=group, control_features=stratum, kind=kind, reference=0
        )
        interval = gap.conditional.interval
        assert interval is not None
        covered += interval.low <= truth <= interval.high
    assert stats.binom.cdf(covered, runs, 0.94) >= 0.001


@RUNS
def test_the_interval_of_a_disparity_covers(runs):
    rng = np.random.default_rng(5)
    stratum = np.repeat([0, 1, 2], (60, 90, 50))
    chance = np.array([[0.3, 0.5], [0.6, 0.4], [0.2, 0.2]])  # of yes, by stratum and group
    member = np.array([0.5, 0.3, 0.6])  # of group 1, by stratum
    yes = chance[:, 1] * member / (chance[:, 1] * member + chance[:, 0] * (1 - member))
    no = (1 - chance[:, 1]) * member
    no = no / (no + (1 - chance[:, 0]) * (1 - member))
    truth = ((no - yes) * [60, 90, 50]).sum() / 200
    covered = 0
    for _ in range(runs):
        group = (rng.random(200) < member[stratum]).astype(int)
        y = (rng.random(200) < chance[stratum, group]).astype(int)
        found = conditional_disparity(y, sensitive_features=group, control_features=stratum)[1]
        assert found.conditional.interval is not None
        covered += found.conditional.interval.low <= truth <= found.conditional.interval.high
    assert stats.binom.cdf(covered, runs, 0.94) >= 0.001


def test_two_groups_have_opposite_disparities():
    rng = np.random.default_rng(6)
    y, group, stratum = (
        rng.integers(2, size=300),
        rng.integers(2, size=300),
        rng.integers(3, size=300),
    )
    one, other = conditional_disparity(y, sensitive_features=group, control_features=stratum)
    for name in ("conditional", "marginal"):
        first, second = getattr(one, name).value, getattr(other, name).value
        assert first == pytest.approx(-second)


# --------------------------------------------------------------------------- free prices


def test_a_price_that_does_not_know_the_group_is_its_own_free_price():
    _, group, stratum = table(np.random.default_rng(7))
    for found in discrimination_free(
        100.0 + 10 * stratum, sensitive_features=group, control_features=stratum
    ):
        assert found.distance.value == pytest.approx(0.0, abs=1e-9)


def test_the_free_price_is_the_one_of_the_definition():
    price, group, stratum = table(np.random.default_rng(8))
    share = np.array([(group == d).mean() for d in (0, 1)])
    mean = np.array(
        [[price[(stratum == s) & (group == d)].mean() for d in (0, 1)] for s in range(4)]
    )
    free = (mean @ share)[stratum]
    found = discrimination_free(price, sensitive_features=group, control_features=stratum)
    for d, one in enumerate(found):
        assert one.free_price == pytest.approx(free[group == d].mean())
        assert one.price == pytest.approx(price[group == d].mean())
        assert one.distance.value == pytest.approx((price - free)[group == d].mean())


@RUNS
def test_the_interval_of_the_distance_covers(runs):
    rng = np.random.default_rng(9)
    _, group, stratum = table(rng, 300)
    weight = np.array([(stratum[group == 1] == s).mean() for s in range(4)])
    truth = 3.0 * (1 - group.mean()) * weight.sum()
    covered = 0
    for _ in range(runs):
        price = 100 + 10 * stratum + 3 * group + rng.normal(0, 4 + 4 * group, 300)
        found = discrimination_free(price, sensitive_features=group, control_features=stratum)[1]
        assert found.distance.interval is not None
        covered += found.distance.interval.low <= truth <= found.distance.interval.high
    assert stats.binom.cdf(covered, runs, 0.94) >= 0.001


# ----------------------------------------------------------------------------- what is missing


def test_conditions_in_which_only_one_group_is_seen_are_left_out_and_counted():
    price = [10.0, 12, 11, 13, 50, 60, 70]
    group, stratum = list("aabbaaa"), list("sssstuu")
    (gap,) = conditional_gap(
        price, sensitive_features=group, control_features=stratum, reference="a"
    )
    assert gap.overlap == pytest.approx(4 / 7)
    assert (gap.conditional.n, gap.conditional.n_excluded) == (4, 3)
    assert gap.conditional.value == pytest.approx(1.0)
    free = discrimination_free(price, sensitive_features=group, control_features=stratum)
    assert [one.distance.n_excluded for one in free] == [3, 3]


def test_without_any_common_condition_there_is_no_conditional_gap():
    (gap,) = conditional_gap(
        [1.0, 2, 3, 4], sensitive_features=list("aabb"), control_features=list("sstt")
    )
    assert (gap.conditional.value, gap.p_value, gap.overlap) == (None, None, 0.0)
    assert gap.conditional.n_excluded == 4
    assert not gap.turned
    for one in discrimination_free(
        [1.0, 2, 3, 4], sensitive_features=list("aabb"), control_features=list("sstt")
    ):
        assert one.distance.value is None
    for other in conditional_disparity(
        [1, 1, 0, 0], sensitive_features=list("abab"), control_features=list("sstt")
    ):
        assert other.conditional.value is None
        assert other.marginal.value is not None


def test_rows_with_a_gap_are_left_out_and_counted():
    price, group, stratum = table(np.random.default_rng(10))
    full = conditional_gap(
        price[:300], sensitive_features=group[:300], control_features=stratum[:300], reference=0
    )[0]
    price[300:350] = np.nan
    labels = np.array(["no", "yes"], dtype=object)[group]
    labels[350:] = None
    gaps = conditional_gap(
        price, sensitive_features=labels, control_features=stratum, reference="no"
    )[0]
    assert gaps.conditional.value == pytest.approx(full.conditional.value)
    assert gaps.conditional.n_excluded == 100


def test_prices_without_any_spread_have_no_interval_to_invent():
    (gap,) = conditional_gap(
        [1.0, 2.0], sensitive_features=list("ab"), control_features=list("ss"), reference="a"
    )
    assert gap.conditional.value == 1.0
    assert gap.conditional.interval is None
    assert gap.p_value is None


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("groups.kind", {"kind": "median"}),
        ("groups.kind", {"weights": "equal"}),
        ("groups.no_group", {"reference": "c"}),
        ("groups.positive", {"kind": "geometric_mean", "y_pred": [0.0, 1, 2, 3]}),
        ("groups.empty", {"y_pred": [np.nan] * 4}),
        ("groups.length", {"control_features": ["s"]}),
        ("metrics.range", {"level": 0.0}),
    ],
)
def test_what_cannot_be_used_is_one_sentence(message, change):
    given = {
        "y_pred": [1.0, 2, 3, 4],
        "sensitive_features": list("aabb"),
        "control_features": list("stst"),
        **change,
    }
    with pytest.raises(InputError) as caught:
        conditional_gap(given.pop("y_pred"), **given)
    assert caught.value.message_id == message
    assert caught.value.text("zh")
    assert caught.value.text("en")
