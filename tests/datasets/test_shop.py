"""A shop remembers what each identity did, and nobody else's doings."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evenhand.datasets import vendors
from evenhand.datasets.vendors import shop as shops
from evenhand.datasets.vendors.shop import Shop
from evenhand.datasets.vendors.truth import Effect


def told(remembers: tuple[str, ...]) -> vendors.Vendor:
    """Return a vendor that answers with what it was told."""

    def quote(table: Any) -> Any:
        return {name: table[name] for name in remembers}

    return replace(vendors.get("flat_fare"), quote=quote, remembers=remembers)


def rows(identities: str, steps: list[str] | None = None, rides: str = "") -> dict[str, np.ndarray]:
    table = {"identity": np.array(list(identities))}
    if steps:
        table["step"] = np.array(steps)
    if rides:
        table["ride"] = np.array(list(rides))
    return table


def test_a_table_is_taken_row_by_row_for_each_identity() -> None:
    shop = Shop(told(("looks", "calls")))

    assert shop(rows("abaca"))["looks"].tolist() == [0, 0, 1, 0, 2]
    assert shop(rows("ad"))["looks"].tolist() == [3, 0]
    assert sorted(shop(rows("xyz"))["calls"].tolist()) == [7, 8, 9]


def test_one_table_and_many_tables_are_the_same_history() -> None:
    steps = ["view", "quote", "search", "quote", "optout", "cart", "checkout", "quote", "view"]
    names = tuple(vendors.REMEMBERED)
    table = rows("ababbabaa", steps, "vwxyzvwxy")
    whole = Shop(told(names))(table)
    one = Shop(told(names))
    parts = [
        one({key: column[[row]] for key, column in table.items()}) for row in range(len(steps))
    ]

    for name in set(names) - {"calls"}:
        assert whole[name].tolist() == [part[name].item() for part in parts]


def test_each_step_is_remembered_as_what_it_is() -> None:
    names = tuple(vendors.REMEMBERED)
    shop = Shop(told(names))
    shop(rows("a" * 5, ["view", "search", "quote", "cart", "optout"], "vwxyz"))
    after = {name: column.item() for name, column in shop(rows("a", ["checkout"], "v")).items()}

    assert after == {
        "step": "checkout",
        "looks": 1,
        "views": 1,
        "searches": 1,
        "viewed": "v",
        "opted_out": 1,
        "calls": 2,
    }


def test_a_step_without_a_price_is_noted_like_one_with() -> None:
    shop = Shop(told(("views", "viewed")))
    shop.note("a", "view", "van")

    assert shop(rows("ab"))["views"].tolist() == [1, 0]
    assert shop(rows("a"))["viewed"].tolist() == ["van"]


def test_memory_is_bounded_and_forgets_whoever_came_least_recently() -> None:
    shop = Shop(told(("looks",)), most=2)
    shop(rows("abab"))
    shop(rows("c"))

    assert shop(rows("b"))["looks"].tolist() == [2]
    assert shop(rows("a"))["looks"].tolist() == [0]


def test_a_vendor_without_memory_is_asked_directly() -> None:
    asked: list[int] = []

    def quote(table: Any) -> Any:
        asked.append(len(table["identity"]))
        return np.ones(len(table["identity"]))

    shop = Shop(replace(vendors.get("flat_fare"), quote=quote))

    assert shop(rows("aaaa"))["final"].tolist() == [1.0] * 4
    assert asked == [4]


def test_a_plan_opens_a_shop_by_the_vendors_name_and_each_is_new() -> None:
    assert shops.surge.vendor.name == "surge"
    assert shops.surge is not shops.surge
    with pytest.raises(AttributeError, match="nobody"):
        shops.nobody  # noqa: B018 – looking it up is what is tried


WALKS = {
    "looks": lambda level: ["quote"] * int(level),
    "views": lambda level: ["view"] * int(level),
    "opted_out": lambda level: ["optout"] * int(level),
    "viewed": lambda level: ["view"] if level else [],
}
"""What a customer does to be remembered so."""
ONE = {
    "ride": {"distance_km": np.array([4.0]), "hour": np.array([9]), "party": np.array([1])},
    "item": {"city_tier": np.array([2])},
}
"""One persona of each population, in the columns that matter."""
REMEMBERED = [
    (name, effect)
    for name in vendors.names("guilty")
    for effect in vendors.get(name).truth.effects
    if effect.attribute in vendors.get(name).remembers
]


@pytest.mark.parametrize(("name", "effect"), REMEMBERED, ids=str)
def test_who_walks_through_the_shop_meets_what_is_told(name: str, effect: Effect) -> None:
    vendor = vendors.get(name)
    person = {key: column[:1] for key, column in vendor.contexts(ONE[vendor.frame.item]).items()}
    person |= {key: np.array([level]) for key, level in effect.given.items()}
    request = {key: person[key] for key in vendor.columns}
    paid: list[float] = []
    for level in (effect.reference, effect.level):
        shop = Shop(replace(vendor, quote=vendor.centre))
        for attribute, reached in {**effect.given, effect.attribute: level}.items():
            for step in WALKS.get(attribute, lambda _: [])(reached):
                item = {vendor.frame.item: np.array([reached])} if attribute == "viewed" else {}
                shop({**request, **item, "step": np.array([step])})
        last = level if effect.attribute == "step" else "quote"
        paid.append(float(shop({**request, "step": np.array([last])})["final"][0]))

    assert np.log(paid[1] / paid[0]) == pytest.approx(effect.mean, abs=1e-9)
