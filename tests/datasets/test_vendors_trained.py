"""Vendors that were trained: they learnt what is in the data, and not its noise."""

import numpy as np
import pytest

from evenhand.datasets import populations, sources, vendors
from evenhand.datasets.vendors.trained import grocery, hotel, loans
from evenhand.datasets.vendors.truth import enumerated


def test_the_hotel_learnt_its_bookings_and_not_their_noise() -> None:
    table, paid = hotel.bookings()
    quoted = hotel.quote(table)
    explained = 1 - np.var(np.log(paid / quoted)) / np.var(np.log(paid))

    assert 0.85 < explained < 0.99


def test_the_hotels_month_moves_its_price_on_every_real_stay() -> None:
    vendor = vendors.get("hotel")
    stays = populations.load("hotel-guests").columns
    found = enumerated(
        vendor.centre,
        vendor.contexts(stays),
        reference={"month": 1},
        level={"month": 8},
        weights=stays["weight"].astype(float),
    )

    assert found.mean > np.log(2)
    assert found.share > 0.99


def test_a_name_that_the_hotel_never_saw_gets_a_price_as_a_missing_one_does() -> None:
    table, _ = hotel.bookings()
    five = {name: column[:5] for name, column in table.items()}
    unknown, missing = (
        hotel.quote({**five, "country": np.full(5, country)}) for country in ("XXX", "")
    )

    assert (unknown == missing).all()


def test_the_lender_learnt_rates_and_not_their_noise() -> None:
    table, rates = loans.applications()
    quoted = loans.quote(table)
    explained = 1 - np.var(np.log(rates / quoted)) / np.var(np.log(rates))

    assert 0.5 < explained < 0.9
    # nobody's state or home is taken for credit: a column of noise explains nothing
    shuffled = loans.quote({**table, "term": np.random.default_rng(3).permutation(table["term"])})
    assert np.var(np.log(rates / shuffled)) > np.var(np.log(rates / quoted))


def test_tastes_are_the_principal_components_of_real_baskets() -> None:
    from sklearn.decomposition import PCA

    sales = sources.catsup()
    parts = np.array(
        [
            [(own == product).mean() for product in grocery.PRODUCTS]
            for _, own in sales.groupby("id")["choice"]
        ]
    )
    reference = PCA(n_components=grocery.DIMENSIONS).fit(parts)
    tastes = grocery.prepare()

    np.testing.assert_allclose(tastes.mean, reference.mean_, rtol=1e-12)
    overlap = np.abs(tastes.axes @ reference.components_.T)
    np.testing.assert_allclose(overlap, np.eye(grocery.DIMENSIONS), atol=1e-8)
    assert reference.explained_variance_ratio_.sum() > 0.7


@pytest.mark.parametrize("product", grocery.PRODUCTS)
def test_the_leaflet_brings_a_product_up_and_a_taste_stays_on_top(product: str) -> None:
    def shown(bought: int, featured: str) -> list[str]:
        table = {f"bought_{name}": np.zeros(1) for name in grocery.PRODUCTS}
        table[f"bought_{product}"] = np.full(1, bought)
        return list(grocery.quote({**table, "featured": np.array([featured])})["ranking"][0])

    assert shown(0, product).index(product) <= shown(0, "none").index(product)
    assert shown(8, "none").index(product) <= shown(0, "none").index(product)
    assert set(shown(8, "none")) == set(grocery.PRODUCTS)
