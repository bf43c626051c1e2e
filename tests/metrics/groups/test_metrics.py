"""Group metrics against fairlearn, printed tables, enumeration, and their own coverage."""

import os
import warnings
from itertools import combinations, pairwise
from math import comb
from pathlib import Path
from typing import Any

import fairlearn.metrics as fm
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from scipy import stats

from evenhand.errors import InputError
from evenhand.metrics.groups import GroupMetrics, contrasts, group_metrics, quantile
from evenhand.metrics.groups.exchangeable import counts_test, samples_test

FULL = pytest.mark.prove

RATES = {
    "selection_rate": fm.selection_rate,
    "accuracy": skm.accuracy_score,
    "true_positive_rate": fm.true_positive_rate,
    "true_negative_rate": fm.true_negative_rate,
    "false_positive_rate": fm.false_positive_rate,
    "false_negative_rate": fm.false_negative_rate,
    "count": fm.count,
}
METHODS: tuple[Any, ...] = ("between_groups", "to_overall")


def table(rng, n, *, groups=4, rate=0.4):
    """A random table in which groups differ."""
    group = rng.integers(groups, size=n)
    truth = rng.random(n) < 0.5
    says = rng.random(n) < rate + 0.05 * group + 0.2 * truth
    return pd.DataFrame(
        {
            "y_true": truth.astype(int),
            "y_pred": says.astype(int),
            "region": np.array(["north", "south", "east", "west", "far"])[group],
            "age": rng.choice(["young", "old"], n),
            "channel": rng.choice(["app", "web"], n),
        }
    )


def both(metrics, data, sensitive, control=None):
    """The same call to fairlearn and to us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fm.MetricFrame(
            metrics=metrics,
            y_true=data["y_true"],
            y_pred=data["y_pred"],
            sensitive_features=data[sensitive],
            control_features=None if control is None else data[control],
        )
    ours = group_metrics(
        metrics,
        y_true=data["y_true"],
        y_pred=data["y_pred"],
        sensitive_features=data[sensitive],
        control_features=None if control is None else data[control],
    )
    return theirs, ours


def ends(estimate):
    """The limits of a number that has an interval."""
    assert estimate.interval is not None
    return estimate.interval.low, estimate.interval.high


def width(estimate):
    low, high = ends(estimate)
    return high - low


def same(theirs, ours):
    """Equal as far as fairlearn says anything."""
    if isinstance(theirs, pd.DataFrame):
        pd.testing.assert_frame_equal(
            theirs.astype(float), ours, check_index_type=False, rtol=1e-12, atol=1e-14
        )
    elif isinstance(theirs, pd.Series):
        pd.testing.assert_series_equal(
            theirs.astype(float), ours, check_index_type=False, rtol=1e-12, atol=1e-14
        )
    else:
        assert ours == pytest.approx(theirs, rel=1e-12, nan_ok=True)


# -------------------------------------------------------------------------- fairlearn's numbers


@pytest.mark.parametrize("control", [None, "channel", ["channel", "age"]])
@pytest.mark.parametrize("sensitive", ["region", ["region"], ["region", "sex"]])
@pytest.mark.parametrize("metrics", [fm.selection_rate, RATES])
def test_every_number_is_fairlearns(sensitive, control, metrics):
    rng = np.random.default_rng(3)
    data = table(rng, 900)
    data["sex"] = rng.choice(["f", "m"], len(data))
    theirs, ours = both(metrics, data, sensitive, control)

    same(theirs.overall, ours.overall)
    same(theirs.by_group, ours.by_group)
    same(theirs.group_min(), ours.group_min())
    same(theirs.group_max(), ours.group_max())
    for method in METHODS:
        same(theirs.difference(method=method), ours.difference(method=method))
        same(theirs.ratio(method=method), ours.ratio(method=method))


def test_the_comparison_can_fail():
    data = table(np.random.default_rng(3), 900)
    theirs, ours = both(RATES, data, "region")
    with pytest.raises(AssertionError):
        same(theirs.by_group, ours.by_group + 1e-6)


def test_a_combination_that_does_not_occur_is_listed_and_not_compared():
    data = table(np.random.default_rng(5), 300)
    data = data[~((data["region"] == "north") & (data["age"] == "old"))]
    theirs, ours = both({"selection_rate": fm.selection_rate}, data, ["region", "age"])

    same(theirs.by_group, ours.by_group)
    same(theirs.difference(), ours.difference())
    listed = ours.estimates
    row = listed[(listed["region"] == "north") & (listed["age"] == "old")]
    assert row["n"].tolist() == [0]
    assert not row["compared"].any()
    assert row["value"].isna().all()


def test_rows_without_a_group_are_listed_beside_the_groups():
    data = table(np.random.default_rng(6), 400)
    data.loc[data.index[:40], "region"] = None
    complete = data.dropna()
    theirs, _ = both({"selection_rate": fm.selection_rate}, complete, "region")
    ours = group_metrics(
        {"selection_rate": "selection_rate"},
        y_pred=data["y_pred"],
        sensitive_features=data["region"],
    )

    same(theirs.by_group, ours.by_group)
    same(theirs.difference(), ours.difference())
    assert ours.overall["selection_rate"] == pytest.approx(data["y_pred"].mean())
    missing = ours.estimates[ours.estimates["region"].isna()]
    assert missing["n"].tolist() == [40]
    assert not missing["compared"].any()
    assert missing["value"].to_numpy() == pytest.approx([data["y_pred"][:40].mean()])


def test_rows_without_a_group_can_be_a_group_like_any():
    data = table(np.random.default_rng(6), 400)
    data.loc[data.index[:40], "region"] = None
    theirs, _ = both(fm.selection_rate, data.fillna({"region": "zz"}), "region")
    ours = group_metrics(
        "selection_rate",
        y_pred=data["y_pred"],
        sensitive_features=data["region"],
        missing="group",
    )
    assert ours.by_group.to_list() == pytest.approx(theirs.by_group.to_list())
    for method in METHODS:
        assert ours.difference(method) == pytest.approx(theirs.difference(method=method))
        assert ours.ratio(method) == pytest.approx(theirs.ratio(method=method))


def test_a_rate_of_nobody_is_not_zero():
    y_true, y_pred = [1, 1, 0, 0, 0, 0], [1, 0, 0, 1, 1, 0]
    group = list("aaaabb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fm.MetricFrame(
            metrics=fm.true_positive_rate, y_true=y_true, y_pred=y_pred, sensitive_features=group
        )
    ours = group_metrics(
        "true_positive_rate", y_true=y_true, y_pred=y_pred, sensitive_features=group
    )
    assert theirs.by_group["b"] == 0.0  # where we deviate on purpose
    assert np.isnan(ours.by_group["b"])
    assert ours.estimate(group="b").value is None
    assert ours.estimate(group="b").n == 0
    assert ours.difference() == 0.0


@pytest.mark.parametrize("q", [0.1, 0.5, 0.95])
def test_prices_are_numpys(q):
    rng = np.random.default_rng(8)
    price = rng.lognormal(4, 0.5, 500)
    group = rng.choice(["a", "b", "c"], 500)
    ours = group_metrics(
        {"mean": "mean", "q": quantile(q), "geometric": "geometric_mean"},
        y_pred=price,
        sensitive_features=group,
    )
    for name in "abc":
        part = price[group == name]
        assert ours.by_group.loc[name].to_list() == pytest.approx(
            [part.mean(), np.quantile(part, q), stats.gmean(part)]
        )
    theirs = fm.MetricFrame(
        metrics=fm.mean_prediction, y_true=price, y_pred=price, sensitive_features=group
    )
    mine = group_metrics(fm.mean_prediction, y_pred=price, sensitive_features=group)
    same(
        theirs.by_group,
        mine.by_group.rename("mean_prediction").rename_axis(index=theirs.by_group.index.name),
    )
    same(theirs.difference(), mine.difference())
    same(theirs.ratio(method="to_overall"), mine.ratio(method="to_overall"))


# ------------------------------------------------------------------------------------ intervals


def test_the_interval_of_a_rate_is_wilsons_and_of_two_newcombes():
    # Newcombe 1998, example (a): 56/70 - 48/80, interval .0524 to .3339
    y_pred = [1] * 56 + [0] * 14 + [1] * 48 + [0] * 32
    ours = group_metrics(
        "selection_rate", y_pred=y_pred, sensitive_features=["a"] * 70 + ["b"] * 80
    )
    gap = ours.compare().difference
    assert (gap.value, *ends(gap)) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    one = ours.estimate(group="a")
    theirs = stats.binomtest(56, 70).proportion_ci(method="wilson")
    assert ends(one) == pytest.approx((theirs.low, theirs.high))


def test_the_interval_of_a_mean_is_students_and_of_a_geometric_mean_its_exponential():
    price = np.random.default_rng(2).lognormal(3, 0.4, 25)
    ours = group_metrics(["mean", "geometric_mean"], y_pred=price, sensitive_features=["a"] * 25)
    for name, values, back in (("mean", price, float), ("geometric_mean", np.log(price), np.exp)):
        low, high = stats.t.interval(0.95, 24, values.mean(), stats.sem(values))
        found = ours.estimate(name, "a")
        assert ends(found) == pytest.approx((back(low), back(high)))


def test_one_cluster_a_row_is_no_clustering_but_for_the_degrees_of_freedom():
    rng = np.random.default_rng(4)
    data = table(rng, 600)
    price = rng.normal(100, 5, 600)
    arguments = {"sensitive_features": data["region"]}
    plain = group_metrics("mean", y_pred=price, **arguments)
    alone = group_metrics("mean", y_pred=price, clusters=np.arange(600), **arguments)
    for name in ("low", "high"):
        assert alone.estimates[name].to_numpy() == pytest.approx(plain.estimates[name].to_numpy())


def test_repeating_every_row_of_a_persona_adds_nothing():
    rng = np.random.default_rng(4)
    data = table(rng, 400)
    who = np.arange(400)
    once = group_metrics(
        "selection_rate", y_pred=data["y_pred"], sensitive_features=data["region"], clusters=who
    )
    often = pd.concat([data] * 5)
    five = group_metrics(
        "selection_rate",
        y_pred=often["y_pred"].to_numpy(),
        sensitive_features=often["region"].to_numpy(),
        clusters=np.tile(who, 5),
    )
    naive = group_metrics(
        "selection_rate",
        y_pred=often["y_pred"].to_numpy(),
        sensitive_features=often["region"].to_numpy(),
    )
    assert five.estimates["high"].to_numpy() == pytest.approx(once.estimates["high"].to_numpy())
    assert (naive.estimates["high"] < five.estimates["high"]).all()


def holds(estimate, truth):
    low, high = ends(estimate)
    return low - 1e-12 <= truth <= high + 1e-12


RATE_CASES = [
    ((40, 40, 40, 40), (0.3, 0.3, 0.3, 0.3)),
    ((12, 200, 60, 1000), (0.5, 0.45, 0.5, 0.4)),
    ((25, 80, 400), (0.04, 0.10, 0.02)),
]


def coverage_of_rates(sizes, rates, runs, *, resampled):
    """How often the bands and the comparisons of rates hold the truth."""
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(len(sizes)), sizes)
    truth = np.array(rates)
    whole = np.average(truth, weights=sizes)
    hits = {"band": 0, "difference": 0, "ratio": 0, "to overall": 0}
    for _ in range(runs):
        found = group_metrics(
            "selection_rate",
            y_pred=(rng.random(len(group)) < truth[group]).astype(int),
            sensitive_features=group,
            rng=rng if resampled else None,
            resamples=400,
            permutations=9,
        )
        between, overall = found.compare(), found.compare(method="to_overall")
        hits["band"] += within_band(found, truth)
        hits["difference"] += holds(between.difference, np.ptp(truth))
        hits["ratio"] += holds(between.ratio, truth.min() / truth.max())
        hits["to overall"] += holds(overall.difference, np.abs(truth - whole).max())
    return {name: count / runs for name, count in hits.items()}


def coverage_of_prices(metric, runs):
    """The same of lognormal prices whose groups differ in size and spread."""
    rng = np.random.default_rng(12)
    sizes, centre, spread = (30, 60, 300), np.array([4.0, 4.05, 4.1]), np.array([0.1, 0.3, 0.2])
    group = np.repeat(np.arange(3), sizes)
    truth = np.exp(centre + (spread**2 / 2 if metric == "mean" else 0))
    hits = {"band": 0, "difference": 0, "ratio": 0}
    for _ in range(runs):
        price = rng.lognormal(centre[group], spread[group])
        found = group_metrics(
            metric, y_pred=price, sensitive_features=group, rng=rng, resamples=400, permutations=1
        )
        between = found.compare()
        hits["band"] += within_band(found, truth)
        hits["difference"] += holds(between.difference, np.ptp(truth))
        hits["ratio"] += holds(between.ratio, truth.min() / truth.max())
    return {name: count / runs for name, count in hits.items()}


def coverage_of_clusters(metric, runs, *, clustered):
    """The same where 40 personas answer 12 times each, in both groups."""
    rng = np.random.default_rng(13)
    personas, rows = 40, 12
    who = np.repeat(np.arange(personas), rows)
    group = np.tile([0, 1], personas * rows // 2)
    rate = metric == "selection_rate"
    hits = {"band": 0, "difference": 0}
    for _ in range(runs):
        y = rng.normal(0, 1, personas)[who] + rng.normal(0, 1, len(who))
        found = group_metrics(
            metric,
            y_pred=(y > 0).astype(int) if rate else y,
            sensitive_features=group,
            clusters=who if clustered else None,
            rng=rng,
            resamples=400,
            permutations=1,
        )
        hits["band"] += within_band(found, 0.5 if rate else 0.0)
        hits["difference"] += holds(found.compare().difference, 0.0)
    return {name: count / runs for name, count in hits.items()}


def within_band(found, truth):
    listed = found.estimates
    return bool(((listed["band_low"] <= truth) & (truth <= listed["band_high"])).all())


ENOUGH = 0.94
"""Of intervals called 95 %: the score and the order statistics are a little short in places."""


def enough(found, runs):
    """Whether every coverage reaches `ENOUGH`, but for what chance does once in a thousand."""
    return all(
        stats.binom.cdf(round(share * runs), runs, ENOUGH) >= 0.001 for share in found.values()
    )


CI_RUNS = 200


@pytest.mark.parametrize("resampled", [True, False])
@pytest.mark.parametrize(("sizes", "rates"), RATE_CASES)
def test_bands_and_comparisons_of_rates_cover(sizes, rates, resampled):
    found = coverage_of_rates(sizes, rates, CI_RUNS, resampled=resampled)
    assert enough(found, CI_RUNS), found


@pytest.mark.parametrize("metric", ["mean", "geometric_mean", "median"])
def test_bands_and_comparisons_of_prices_cover(metric):
    found = coverage_of_prices(metric, CI_RUNS)
    assert enough(found, CI_RUNS), found


@pytest.mark.parametrize("metric", ["selection_rate", "mean"])
def test_clustered_bands_cover_and_rowwise_ones_do_not(metric):
    found = coverage_of_clusters(metric, CI_RUNS, clustered=True)
    assert enough(found, CI_RUNS), found
    rowwise = coverage_of_clusters(metric, CI_RUNS, clustered=False)
    assert rowwise["band"] < 0.85
    assert not enough(rowwise, CI_RUNS)


TABLE = Path(__file__).parents[3] / "docs" / "tables" / "groups.md"
HEAD = """# Group metrics: how often the intervals hold the truth

Intervals called 95 %, {runs:,} simulated tables a row; regenerated by `make prove`. *Band*: all
groups at once. *Difference*, *ratio*, *to overall*: the largest difference, the least ratio, the
largest distance from everybody. Those are bounded for all comparisons at once, so where several
groups are nearly equal they hold more often than they say.

| case | band | difference | ratio | to overall |
| --- | --- | --- | --- | --- |
"""


def line(case, found):
    cells = [
        f"{found[key]:.3f}" if key in found else ""
        for key in ("band", "difference", "ratio", "to overall")
    ]
    return f"| {case} | {' | '.join(cells)} |"


ALARMS = """
## False alarms

Tables of three groups (20, 35, 60 rows) that do not differ, tested by permutation (199 draws);
{runs:,} tables a row.

| null | at .05 | at .01 |
| --- | --- | --- |
"""


@FULL
def test_the_table_of_coverage_and_of_false_alarms():
    runs, found = 2000, {}
    for sizes, rates in RATE_CASES:
        for resampled in (True, False):
            how = "resampled" if resampled else "Bonferroni"
            case = f"rates {rates} of {sizes} rows, {how}"
            found[case] = coverage_of_rates(sizes, rates, runs, resampled=resampled)
    for metric in ("mean", "geometric_mean", "median"):
        found[f"{metric} of lognormal prices, 30, 60, 300 rows"] = coverage_of_prices(metric, runs)
    for metric in ("selection_rate", "mean"):
        case = f"{metric}, 40 personas of 12 rows in both groups"
        found[f"{case}, clusters given"] = coverage_of_clusters(metric, runs, clustered=True)
        rowwise = coverage_of_clusters(metric, runs, clustered=False)
        assert not enough(rowwise, runs)
        found[f"{case}, not given (what one loses)"] = rowwise
    nulls, levels = 10_000, (0.05, 0.01)
    alarms = {
        name: false_alarms(draw, nulls, levels, 199)
        for name, draw in (NULLS | {UNEQUAL: unequal}).items()
    }
    if os.environ.get("EVENHAND_PROVE"):
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        lines = [line(case, shares) for case, shares in found.items()]
        rows = [
            f"| {name} | {' | '.join(f'{count / nulls:.4f}' for count in counts)} |"
            for name, counts in alarms.items()
        ]
        text = HEAD.format(runs=runs) + "\n".join(lines) + "\n"
        text += ALARMS.format(runs=nulls) + "\n".join(rows) + "\n"
        TABLE.write_text(text, encoding="utf-8")
    for name, counts in alarms.items():
        for count, level in zip(counts, levels, strict=True):
            assert name == UNEQUAL or rare(count, nulls, level, 2 * len(NULLS)), name
    for case, shares in found.items():
        assert "not given" in case or enough(shares, runs), case


@pytest.mark.parametrize("metric", ["selection_rate", "mean", "count"])
def test_many_groups_are_compared_through_their_band(metric):
    rng = np.random.default_rng(14)
    group = rng.integers(300, size=30_000)
    y = (rng.random(30_000) < 0.5).astype(int)
    found = group_metrics(metric, y_pred=y, sensitive_features=group, rng=rng, permutations=9)
    gap = found.compare()
    low, high = ends(gap.difference)
    listed = found.estimates
    assert gap.difference.value == pytest.approx(np.ptp(listed["value"]))
    assert low == max(0, listed["band_low"].max() - listed["band_high"].min())
    assert high == pytest.approx(listed["band_high"].max() - listed["band_low"].min())
    if metric != "count":
        assert low == 0.0  # all are alike
        assert ends(gap.ratio)[1] == 1.0


@pytest.mark.parametrize("metric", ["selection_rate", "mean", "geometric_mean", "median"])
def test_the_band_of_many_agrees_with_the_pairs_of_few(metric, monkeypatch):
    given = arguments(metric, seed=3)
    pairs = group_metrics(metric, **given).compare()
    monkeypatch.setattr(contrasts, "MANY", 1)
    band = group_metrics(metric, **given).compare()
    for name in ("difference", "ratio"):
        one, other = getattr(pairs, name), getattr(band, name)
        assert one.value == pytest.approx(other.value)
        assert width(other) > 0.8 * width(one)


# every alarm under a null is false: (scenario, draws of one table)
GROUP = np.repeat(["a", "b", "c"], (20, 35, 60))
NULLS = {
    "rates of .3": lambda rng: ("selection_rate", (rng.random(115) < 0.3).astype(int)),
    "rates of .03": lambda rng: ("selection_rate", (rng.random(115) < 0.03).astype(int)),
    "prices, normal": lambda rng: ("mean", rng.normal(100, 5, 115)),
    "prices in cents, 90 % zeros": lambda rng: (
        "mean",
        np.round(rng.exponential(1, 115) * (rng.random(115) < 0.1), 2),
    ),
    "prices, ties in whole yuan": lambda rng: ("mean", np.round(rng.normal(20, 1.5, 115))),
    "prices, lognormal sd 1": lambda rng: ("mean", rng.lognormal(3, 1, 115)),
    "geometric mean, lognormal sd 1": lambda rng: ("geometric_mean", rng.lognormal(3, 1, 115)),
}
UNEQUAL = "means alike, sd 3 / 1 / 1 (outside the exact null)"


def unequal(rng):
    spread = np.repeat([3.0, 1.0, 1.0], (20, 35, 60))
    return "mean", rng.normal(0, 1, 115) * spread


def false_alarms(draw, runs, alphas, permutations):
    """How many of the tables are accused at each level."""
    rng = np.random.default_rng(7)
    found = np.empty(runs)
    for run in range(runs):
        metric, y = draw(rng)
        one = group_metrics(
            metric,
            y_pred=y,
            sensitive_features=GROUP,
            rng=rng,
            resamples=1,
            permutations=permutations,
        ).compare()
        assert one.test.p_value is not None
        found[run] = one.test.p_value
    return [int((found <= alpha).sum()) for alpha in alphas]


def rare(alarms, runs, alpha, cells):
    """Whether so many alarms come by chance, judged together with the other cells."""
    return stats.binom.sf(alarms - 1, runs, alpha) >= 0.01 / cells


@pytest.mark.parametrize("null", NULLS)
def test_equal_groups_are_accused_as_rarely_as_is_said(null):
    (alarms,) = false_alarms(NULLS[null], 400, [0.05], 99)
    assert rare(alarms, 400, 0.05, len(NULLS))


def test_the_gate_for_false_alarms_can_fail():
    assert not rare(40, 400, 0.05, len(NULLS))


def test_resampled_bands_are_narrower_than_bonferronis():
    data = table(np.random.default_rng(9), 5000, groups=5)
    wide, narrow = (
        group_metrics(
            "selection_rate", y_pred=data["y_pred"], sensitive_features=data["region"], rng=rng
        ).compare()
        for rng in (None, np.random.default_rng(1))
    )
    assert width(narrow.difference) < width(wide.difference)


# ---------------------------------------------------------------------------------------- tests


@pytest.mark.parametrize("cells", [(8, 10, 1, 6), (0, 5, 5, 5), (3, 7, 3, 7), (30, 400, 12, 700)])
def test_two_groups_are_fishers(cells):
    a, n, b, m = cells
    expected = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    assert counts_test([a, b], [n, m]).p_value == pytest.approx(expected)


def test_more_groups_are_the_enumerated_permutation():
    hits, n = (3, 0, 1), (4, 3, 3)
    seen = max(h / k for h, k in zip(hits, n, strict=True)) - min(
        h / k for h, k in zip(hits, n, strict=True)
    )
    total = extreme = 0
    for i in range(5):
        for j in range(4):
            k = sum(hits) - i - j
            if not 0 <= k <= 3:
                continue
            ways = comb(4, i) * comb(3, j) * comb(3, k)
            rates = (i / 4, j / 3, k / 3)
            total += ways
            extreme += ways * (max(rates) - min(rates) >= seen - 1e-12)
    found = counts_test(hits, n)
    assert found.p_value == pytest.approx(extreme / total)
    assert found.guarantee == "exact"


def test_means_are_the_enumerated_studentised_permutation():
    values = [np.array([1.0, 2.0, 2.5, 4.0]), np.array([3.0, 5.0, 6.0, 6.5])]
    pooled = np.concatenate(values)
    drawn = []
    for chosen in combinations(range(8), 4):
        one = pooled[list(chosen)]
        other = np.delete(pooled, chosen)
        drawn.append(abs(stats.ttest_ind(one, other, equal_var=False).statistic))
    seen = abs(stats.ttest_ind(*values, equal_var=False).statistic)
    exact = np.mean(np.array(drawn) >= seen - 1e-9)
    found = samples_test(values, rng=np.random.default_rng(1))
    assert found.p_value == pytest.approx(exact)


def test_without_a_generator_two_means_are_welchs():
    rng = np.random.default_rng(5)
    one, other = rng.normal(10, 1, 40), rng.normal(10.4, 2, 25)
    found = samples_test([one, other])
    expected = stats.ttest_ind(one, other, equal_var=False).pvalue
    assert found.p_value == pytest.approx(expected)
    assert found.guarantee == "asymptotic"


def test_a_real_difference_is_found():
    data = table(np.random.default_rng(9), 4000, groups=5)
    found = group_metrics(
        "selection_rate",
        y_pred=data["y_pred"],
        sensitive_features=data["region"],
        rng=np.random.default_rng(1),
    ).compare()
    assert found.test.p_value == 0.001
    assert ends(found.difference)[0] > 0
    assert (found.lowest, found.highest) == (("north",), ("far",))


# ----------------------------------------------------------------------------------------- laws

METRICS = ("selection_rate", "accuracy", "true_positive_rate", "mean", "geometric_mean", "median")


def arguments(metric, n=240, seed=1) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    data = table(rng, n)
    if metric in {"mean", "geometric_mean", "median"}:
        data["y_pred"] = np.round(rng.lognormal(4, 0.3, n), 2)
    return {
        "y_true": data["y_true"].to_numpy(),
        "y_pred": data["y_pred"].to_numpy(),
        "sensitive_features": data["region"].to_numpy(),
    }


@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_the_rows_means_nothing(metric):
    given = arguments(metric)
    order = np.random.default_rng(2).permutation(240)
    first = group_metrics(metric, **given).estimates
    mixed: dict[str, Any] = {key: value[order] for key, value in given.items()}
    second = group_metrics(metric, **mixed).estimates
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize("metric", METRICS)
def test_the_names_of_the_groups_mean_nothing(metric):
    given = arguments(metric)
    first = group_metrics(metric, **given)
    other = {"north": "zz", "south": "m", "east": "a", "west": "b"}
    given["sensitive_features"] = [other[name] for name in given["sensitive_features"]]
    second = group_metrics(metric, **given)
    for name, new in other.items():
        assert first.estimate(group=name) == second.estimate(group=new)
    assert first.compare().difference.value == pytest.approx(second.compare().difference.value)


@pytest.mark.parametrize("metric", METRICS)
def test_a_table_pasted_twice_has_the_same_numbers_and_narrower_intervals(metric):
    given = arguments(metric)
    once = group_metrics(metric, **given).estimates
    pasted: dict[str, Any] = {key: np.tile(value, 2) for key, value in given.items()}
    twice = group_metrics(metric, **pasted).estimates
    if metric != "median":  # between two order statistics the median moves
        assert twice["value"].to_numpy() == pytest.approx(once["value"].to_numpy())
    assert (twice["n"] == 2 * once["n"]).all()
    assert (twice["high"] - twice["low"] < once["high"] - once["low"]).all()


@pytest.mark.parametrize("metric", METRICS)
def test_rows_without_an_outcome_are_counted_and_left_out(metric):
    given = arguments(metric)
    shorter = group_metrics(metric, **{key: value[:200] for key, value in given.items()})
    given["y_pred"] = given["y_pred"].astype(float)
    given["y_pred"][200:] = np.nan
    gaps = group_metrics(metric, **given)
    same(shorter.by_group, gaps.by_group)
    found = gaps.estimates
    assert found["n_excluded"].sum() == 40
    assert gaps.compare().difference.n_excluded == 40


@pytest.mark.parametrize("metric", METRICS)
def test_one_group_has_no_difference_and_says_so(metric):
    given = arguments(metric)
    given["sensitive_features"] = np.full(240, "all")
    found = group_metrics(metric, **given)
    assert (found.difference(), found.ratio()) == (0.0, 1.0)
    assert found.compare().test.p_value is None
    expected = "groups.no_test" if metric == "median" else "groups.one_group"
    assert found.compare().test.reason == expected


@pytest.mark.parametrize("metric", ["mean", "geometric_mean", "median"])
def test_constant_prices_differ_by_nothing(metric):
    found = group_metrics(
        metric,
        y_pred=np.full(100, 99.9),
        sensitive_features=np.repeat(["a", "b"], 50),
        rng=np.random.default_rng(1),
    )
    assert found.difference() == 0.0
    assert ends(found.compare().difference) == pytest.approx((0.0, 0.0), abs=1e-9)
    if metric != "median":
        assert found.compare().test.p_value == 1.0


def test_a_group_of_one_is_listed_with_an_interval_that_says_nothing():
    found = group_metrics(
        ["mean", "median"],
        y_pred=[10.0, 11, 12, 13, 50],
        sensitive_features=list("aaaab"),
    )
    for metric in ("mean", "median"):
        alone = found.estimate(metric, "b")
        assert (alone.value, alone.n) == (50.0, 1)
        assert ends(alone) == (-np.inf, np.inf)
    assert ("b",) in found.too_small
    assert ("b",) in found.compare("mean").too_small
    assert "too small" in repr(found)


@pytest.mark.parametrize(
    "columns",
    [
        lambda d: d["region"],
        lambda d: d["region"].to_numpy(),
        lambda d: d["region"].to_numpy().astype("U9"),
        lambda d: d["region"].to_list(),
        lambda d: tuple(d["region"]),
        lambda d: {"sensitive_feature_0": d["region"].to_list()},
        lambda d: d[["region"]],
        lambda d: d["region"].to_numpy().astype("U9")[:, None],
        lambda d: d["region"].astype("category"),
    ],
)
def test_any_kind_of_column_gives_the_same(columns):
    data = table(np.random.default_rng(1), 300)
    found = group_metrics("selection_rate", y_pred=data["y_pred"], sensitive_features=columns(data))
    expected = data.groupby("region")["y_pred"].mean()
    assert found.by_group.to_dict() == pytest.approx(expected.to_dict())


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_the_caller_gets_back_what_he_uses(kind):
    library = pytest.importorskip(kind)
    data = table(np.random.default_rng(1), 300)
    given = library.table(data) if kind == "pyarrow" else library.from_pandas(data)
    found = group_metrics(
        ["selection_rate", "count"],
        y_pred=given["y_pred"],
        sensitive_features=given.select(["region", "age"]),
    )
    home = library.Table if kind == "pyarrow" else library.DataFrame
    for frame in (found.by_group, found.estimates, found.overall):
        assert isinstance(frame, home)


def test_labels_of_any_text_are_told_apart():
    rng = np.random.default_rng(1)
    labels = np.array(["", "a", "ab", "ba", "长沙市", "长沙县", "x" * 70])
    for width in ("U3", "U70"):
        known = np.unique(labels.astype(width))
        drawn = known[rng.integers(len(known), size=2000)]
        found = group_metrics("count", y_pred=np.zeros(2000, int), sensitive_features=drawn)
        values, counts = np.unique(drawn, return_counts=True)
        assert found.by_group.to_dict() == dict(zip(values.tolist(), counts, strict=True))


def test_yes_may_be_called_anything():
    words = ["offered", "refused", "offered", "refused"]
    found = group_metrics(
        "selection_rate", y_pred=words, sensitive_features=list("aabb"), pos_label="offered"
    )
    assert found.overall == 0.5


BAD = [
    ("groups.unknown_metric", {"metrics": "f2"}),
    ("groups.no_metric", {"metrics": []}),
    ("groups.needs_y_true", {"metrics": "accuracy"}),
    ("groups.binary", {"y_pred": [0, 1, 2, 3]}),
    ("groups.binary", {"y_pred": ["x", "y", "x", "y"]}),
    ("groups.length", {"sensitive_features": ["a", "b"]}),
    ("groups.length", {"metrics": "accuracy", "y_true": [1, 0]}),
    ("groups.empty", {"y_pred": [], "sensitive_features": []}),
    ("groups.numbers", {"metrics": "mean", "y_pred": list("abcd")}),
    ("metrics.infinite", {"metrics": "mean", "y_pred": [1, 2, 3, np.inf]}),
    ("groups.positive", {"metrics": "geometric_mean", "y_pred": [1, 2, 3, -4]}),
    ("groups.feature_twice", {"control_features": {"g": list("xxyy")}}),
    ("groups.missing", {"missing": "drop"}),
    ("groups.one_feature", {"clusters": {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}}),
    ("metrics.range", {"level": 1.0}),
    ("metrics.range", {"metrics": lambda: None, "level": 95}),
]


@pytest.mark.parametrize(("message", "change"), BAD)
def test_what_cannot_be_used_is_one_sentence(message, change):
    given = {"y_pred": [0, 1, 0, 1], "sensitive_features": {"g": list("aabb")}, **change}
    metrics = given.pop("metrics", "selection_rate")
    if callable(metrics):
        metrics = "selection_rate"
    with pytest.raises(InputError) as caught:
        group_metrics(metrics, **given)
    assert caught.value.message_id == message
    assert caught.value.text("zh")
    assert caught.value.text("en")


def test_a_question_that_cannot_be_answered_is_refused():
    found = group_metrics("selection_rate", y_pred=[0, 1], sensitive_features=["a", "b"])
    worst: Any = "worst"
    for ask in (
        lambda: found.estimate("accuracy"),
        lambda: found.estimate(group="c"),
        lambda: found.compare(stratum="x"),
        lambda: found.difference(worst),
        lambda: found.ratio(worst),
        lambda: found.compare(method=worst),
    ):
        with pytest.raises(InputError):
            ask()


def test_results_are_frozen():
    found = group_metrics("selection_rate", y_pred=[0, 1], sensitive_features=["a", "b"])
    assert isinstance(found, GroupMetrics)
    with pytest.raises(AttributeError):
        found.level = 0.5  # type: ignore[misc]
    assert "selection_rate" in repr(found)


def test_clusters_give_no_rowwise_p():
    found = group_metrics(
        "selection_rate",
        y_pred=[0, 1, 0, 1],
        sensitive_features=list("abab"),
        clusters=[1, 1, 2, 2],
    )
    assert found.compare().test.p_value is None
    assert found.compare().test.reason == "groups.rows_not_unit"


@pytest.mark.parametrize("seed", range(60))
def test_small_and_ragged_tables_give_numbers_inside_their_intervals(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 25))
    names = np.array(["a", "b", "c", None], dtype=object)
    gaps = rng.random(n) < 0.1
    decisions = np.where(gaps, np.nan, rng.integers(2, size=n))
    prices = np.where(gaps, np.nan, np.round(rng.lognormal(2, 0.5, n), 1) + 0.5)
    shared: dict[str, Any] = {
        "sensitive_features": rng.choice(names, n, p=[0.4, 0.3, 0.2, 0.1]),
        "control_features": rng.choice(["x", "y"], n) if rng.random() < 0.5 else None,
        "clusters": rng.integers(5, size=n) if rng.random() < 0.4 else None,
        "rng": rng if rng.random() < 0.6 else None,
        "resamples": 50,
        "permutations": 9,
    }
    truth = rng.integers(2, size=n)
    tables = [
        group_metrics(list(RATES), y_true=truth, y_pred=decisions, **shared),
        group_metrics(["mean", "geometric_mean", "median"], y_pred=prices, **shared),
    ]
    for found in tables:
        listed = found.estimates.dropna(subset="value")
        chain = ["band_low", "low", "value", "high", "band_high"]
        for lower, upper in pairwise(chain):
            assert (listed[lower] <= listed[upper] + 1e-9).all()
        for one in (*found.comparisons(), *found.comparisons("to_overall")):
            for estimate in (one.difference, one.ratio):
                if estimate.value is not None and estimate.interval is not None:
                    assert holds(estimate, estimate.value)
        assert repr(found).startswith("GroupMetrics(")
