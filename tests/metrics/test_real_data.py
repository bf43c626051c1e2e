"""Figures that any correct procedure returns of published data."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from evenhand.datasets import sources
from evenhand.metrics.groups import (
    conditional_disparity,
    conditional_gap,
    discrimination_free,
    group_metrics,
)


def number(estimate):
    """The value of something that was measured."""
    assert estimate.value is not None
    return estimate.value


# ------------------------------------------------------------------- callbacks by name, by lot


def test_callbacks_are_the_published_ones():
    # Bertrand, Mullainathan (2004), table 1: 9.65 % against 6.45 %, difference 3.20, ratio 1.50
    data = sources.labor_market_discrimination()
    found = group_metrics("selection_rate", y_pred=data["call"], sensitive_features=data["race"])
    gap = found.compare()

    assert found.by_group.round(4).to_dict() == {"b": 0.0645, "w": 0.0965}
    assert found.difference() == pytest.approx(0.03203, abs=5e-6)
    assert 1 / found.ratio() == pytest.approx(1.497, abs=5e-4)
    assert (gap.lowest, gap.highest) == (("b",), ("w",))
    assert gap.test.p_value == pytest.approx(4.76e-5, rel=1e-3)
    table = pd.crosstab(data["race"], data["call"])
    assert gap.test.p_value == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)
    assert gap.difference.interval is not None
    low, high = gap.difference.interval.low, gap.difference.interval.high
    assert 0.016 < low < number(gap.difference) < high


def test_the_advertisement_is_the_unit_and_each_race_answers_it():
    data = sources.labor_market_discrimination()
    rows, ads = (
        group_metrics(
            "selection_rate",
            y_pred=data["call"],
            sensitive_features=data["race"],
            clusters=clusters,
        ).compare()
        for clusters in (None, data["ad_id"])
    )
    assert ads.difference.value == rows.difference.value
    assert ads.difference.interval is not None
    assert ads.difference.interval.low > 0
    assert ads.test.p_value is None  # the row is not the unit


def test_the_lot_makes_the_conditional_gap_the_marginal_one():
    data = sources.labor_market_discrimination()
    (gap,) = conditional_gap(
        data["call"],
        sensitive_features=data["race"],
        control_features=data[["city", "sex"]],
        kind="selection_rate",
        reference="b",
    )
    assert gap.marginal.value == pytest.approx(0.03203, abs=5e-6)
    assert gap.conditional.value == pytest.approx(gap.marginal.value, abs=0.002)
    assert gap.overlap == 1.0
    assert not gap.turned


# -------------------------------------------------------------------- fast food, by postal area


def test_soda_is_dearer_where_more_black_people_live():
    # Wooldridge, Introductory Econometrics, problem C8 of chapter 3 (with Graddy's data)
    data = sources.discrim()
    kept = data[["psoda", "prpblck", "income", "prppov"]].dropna()
    design = np.column_stack(
        [np.ones(len(kept)), kept["prpblck"], np.log(kept["income"]), kept["prppov"]]
    )
    beta, *_ = np.linalg.lstsq(design, np.log(kept["psoda"]), rcond=None)

    assert len(kept) == 401
    assert beta[1:].round(4).tolist() == [0.0728, 0.1370, 0.3804]


def test_postal_areas_of_one_chain_by_geometric_mean():
    data = sources.discrim().dropna(subset=["psoda", "prpblck"])
    above = np.where(data["prpblck"] > data["prpblck"].median(), "above", "below")
    found = group_metrics(
        "geometric_mean",
        y_pred=data["psoda"],
        sensitive_features=above,
        control_features=data["chain"],
    )
    for chain, part in data.groupby("chain"):
        own = np.log(part["psoda"]).groupby(above[data["chain"] == chain]).mean()
        assert found.ratio()[chain] == pytest.approx(np.exp(-abs(own.diff().iloc[-1])))
        assert found.compare(stratum=chain).ratio.n == len(part)


# ----------------------------------------------------------------------------------- hotel rates


def test_repeated_guests_paid_less_before_any_condition_is_held_equal():
    data = sources.hotel_rates()
    found = group_metrics(
        "mean",
        y_pred=data["avg_price_per_room"],
        sensitive_features=data["is_repeated_guest"],
    )
    assert found.by_group.round(2).to_dict() == {0: 106.82, 1: 77.62}
    assert (found.estimate(group=0).n, found.estimate(group=1).n) == (14_389, 1_013)


def test_with_conditions_held_equal_the_gap_of_guests_is_gone():
    data = sources.hotel_bookings()
    (gap,) = conditional_gap(
        data["price"],
        sensitive_features=data["is_repeated_guest"],
        control_features=data[["month", "room_type", "segment", "meal"]],
        reference=0,
    )
    assert gap.marginal.value == pytest.approx(77.62 - 106.82, abs=0.01)
    assert abs(number(gap.conditional)) < 3 < abs(number(gap.marginal))
    assert gap.conditional.interval is not None
    assert gap.conditional.interval.low < 0 < gap.conditional.interval.high
    assert not gap.turned
    assert gap.conditional.n + gap.conditional.n_excluded == len(data)


# -------------------------------------------------------------------------- Berkeley, autumn 1973

BERKELEY = {  # department: admitted and rejected men, admitted and rejected women
    "A": (512, 313, 89, 19),
    "B": (353, 207, 17, 8),
    "C": (120, 205, 202, 391),
    "D": (138, 279, 131, 244),
    "E": (53, 138, 94, 299),
    "F": (22, 351, 24, 317),
}
"""Bickel, Hammel, O'Connell (1975), Science 187, 398-404; six departments, as in R's UCBAdmissions."""


def applicants():
    rows = [
        (department, sex, yes, count)
        for department, counts in BERKELEY.items()
        for (sex, yes), count in zip([("m", 1), ("m", 0), ("f", 1), ("f", 0)], counts, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["department", "sex", "admitted", "count"])
    return table.loc[table.index.repeat(table["count"])].reset_index(drop=True)


def test_the_gap_of_berkeley_turns_when_the_department_is_held_equal():
    data = applicants()
    (gap,) = conditional_gap(
        data["admitted"],
        sensitive_features=data["sex"],
        control_features=data["department"],
        kind="selection_rate",
        reference="m",
    )
    within = {
        name: (c / (c + d) - a / (a + b), a + b + c + d) for name, (a, b, c, d) in BERKELEY.items()
    }
    expected = sum(g * n for g, n in within.values()) / sum(n for _, n in within.values())

    assert gap.marginal.value == pytest.approx(557 / 1835 - 1198 / 2691)
    assert gap.conditional.value == pytest.approx(expected)
    assert number(gap.conditional) > 0 > number(gap.marginal)
    assert gap.turned
    assert gap.conditional.interval is not None
    assert gap.conditional.interval.low < expected < gap.conditional.interval.high


def test_the_disparity_of_berkeley_is_that_of_the_definition():
    data = applicants()
    of_women = conditional_disparity(
        data["admitted"], sensitive_features=data["sex"], control_features=data["department"]
    )[0]
    by_department = [(d / (b + d) - c / (a + c), a + b + c + d) for a, b, c, d in BERKELEY.values()]
    expected = sum(g * n for g, n in by_department) / sum(n for _, n in by_department)

    assert of_women.group == ("f",)
    assert of_women.marginal.value == pytest.approx(1278 / 2771 - 557 / 1755)
    assert of_women.conditional.value == pytest.approx(expected)
    assert number(of_women.conditional) < 0 < number(of_women.marginal)


def test_hotel_distances_from_the_free_price_have_their_sign():
    data = sources.hotel_bookings()
    new, repeated = discrimination_free(
        data["price"],
        sensitive_features=data["is_repeated_guest"],
        control_features=data[["month", "room_type"]],
    )
    assert number(repeated.distance) < 0 < number(new.distance)
    assert repeated.free_price is not None
    assert repeated.price == pytest.approx(repeated.free_price + number(repeated.distance))
    assert repeated.distance.n + new.distance.n + new.distance.n_excluded == len(data)
