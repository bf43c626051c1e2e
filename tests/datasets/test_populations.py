"""The shipped populations."""

from itertools import combinations

import numpy as np
import pytest

from evenhand.datasets import populations, sources
from evenhand.datasets.populations import city, urban
from evenhand.errors import UsageError


@pytest.mark.parametrize("name", populations.names())
def test_columns_are_plain(name: str) -> None:
    for column in populations.load(name).columns.values():
        assert column.dtype.kind == "U" or column.dtype in (np.float64, np.int64, np.bool_)
        assert not column.flags.writeable


def test_hotel_guests_are_the_real_bookings_counted() -> None:
    stays = populations.load("hotel-guests").columns
    booked = sources.hotel_bookings()
    weight = stays["weight"]

    assert weight.sum() == len(booked)
    for name in ("month", "week_nights", "weekend_nights", "adults", "children", "lead_time"):
        assert (stays[name] * weight).sum() == booked[name].sum()
    for name in ("room_type", "meal"):
        counted = {level: int(weight[stays[name] == level].sum()) for level in set(stays[name])}
        assert counted == booked[name].value_counts().to_dict()
    rows = list(zip(*(stays[name].tolist() for name in stays if name != "weight"), strict=True))
    assert len(set(rows)) == len(rows)


def test_hotel_guests_hold_conditions_and_no_guest() -> None:
    assert not {"country", "is_repeated_guest", "channel", "segment", "customer_type"} & set(
        populations.load("hotel-guests").columns
    )


def test_the_city_is_always_the_same_and_follows_its_marginals() -> None:
    first, second = city.demo_city().columns, city.demo_city().columns
    assert all((first[name] == second[name]).all() for name in first)

    alone = float((first["party"] == 1).mean())
    share = city.PARTIES[1] / sum(city.PARTIES.values())
    assert abs(alone - share) < 4 * np.sqrt(share * (1 - share) / city.PASSENGERS)
    # the median of 500 log-normal draws has a standard error of 1.2533 · 0.6 / sqrt(500)
    assert abs(np.log(np.median(first["distance_km"])) - np.log(6)) < 4 * 1.2533 * 0.6 / 500**0.5


@pytest.mark.parametrize("field", urban.MARGINALS)
def test_weighted_shoppers_follow_the_documented_marginals(field: str) -> None:
    shoppers = urban.cn_urban().columns
    weight = shoppers["weight"]
    # the variance of a weighted share is at most that of one among n_eff = (Σw)²/Σw² rows
    rows = weight.sum() ** 2 / (weight**2).sum()

    assert weight.mean() == pytest.approx(1)
    assert set(shoppers[field].tolist()) == set(urban.MARGINALS[field])
    for level, part in urban.MARGINALS[field].items():
        found = np.average(shoppers[field] == level, weights=weight)
        error = 0.0 if field == "age_band" else 4 * np.sqrt(part * (1 - part) / rows)
        assert abs(found - part) <= error + 1e-12


def test_fields_that_are_tied_go_together_and_others_do_not() -> None:
    from scipy.stats import spearmanr

    shoppers = urban.cn_urban().columns
    assert np.linalg.eigvalsh(urban.correlations()).min() > 0.05
    for one, other in combinations(urban.MARGINALS, 2):
        codes = [
            np.array(
                [list(urban.MARGINALS[name]).index(value) for value in shoppers[name].tolist()]
            )
            for name in (one, other)
        ]
        found = spearmanr(*codes).statistic
        tie = urban.TIES.get((one, other), 0.0)
        # steps and sampling blur a rank correlation, they do not turn it
        assert abs(found) < 4 / np.sqrt(urban.SHOPPERS) if tie == 0 else found * np.sign(tie) > 0.05


def test_every_age_is_drawn_often_and_nobody_could_be_somebody() -> None:
    shoppers = urban.cn_urban().columns
    _, counts = np.unique(shoppers["age_band"], return_counts=True)

    assert counts.tolist() == [urban.SHOPPERS // 5] * 5
    assert not {"name", "id", "phone", "plate", "address"} & set(shoppers)
    again = urban.cn_urban().columns
    assert all((shoppers[name] == again[name]).all() for name in shoppers)


def test_loan_applicants_are_the_real_loans_without_the_borrower() -> None:
    made, applicants = sources.loans(), populations.load("loan-applicants").columns
    whole = made[made["debt_to_income"].notna()]

    assert not {"state", "homeownership", "emp_title", "grade", "interest_rate"} & set(applicants)
    for name, column in applicants.items():
        assert column.tolist() == whole[name].tolist()


def test_an_unknown_population_is_told_with_the_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        populations.load("hotel-guest")

    for language in ("zh", "en"):
        assert "hotel-guests" in caught.value.text(language)
        assert "demo-city" in caught.value.text(language)
    with pytest.raises(UsageError) as far:
        populations.load("zzz")
    assert far.value.message_id == "datasets.unknown_population"
