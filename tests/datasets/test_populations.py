"""The shipped populations."""

import numpy as np
import pytest

from evenhand.datasets import populations, sources
from evenhand.datasets.populations import city
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


def test_an_unknown_population_is_told_with_the_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        populations.load("hotel-guest")

    for language in ("zh", "en"):
        assert "hotel-guests" in caught.value.text(language)
        assert "demo-city" in caught.value.text(language)
    with pytest.raises(UsageError) as far:
        populations.load("zzz")
    assert far.value.message_id == "datasets.unknown_population"
