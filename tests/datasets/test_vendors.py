"""The zoo: what is said to be true of each vendor is true on the frame of its plan."""

import ast
from pathlib import Path

import numpy as np
import pytest
import yaml

from evenhand.datasets import populations, vendors
from evenhand.datasets.vendors import fares
from evenhand.datasets.vendors.truth import enumerated
from evenhand.errors import UsageError

PLANTED = ("fair_noise", "loyal_markup", "rare_surcharge")
HOME = {"device": "android-budget", "past_spend": 200, "tenure": 0}
EXAMPLES = Path(__file__).parents[2] / "examples"


def _frame() -> dict[str, np.ndarray]:
    """Return every context of the planted vendors' plans: rides of the city × class × stops."""
    city = populations.load("demo-city").columns
    pairs = [(ride, stops) for ride in fares.RIDES for stops in (0, 1)]
    rows = len(city["hour"])
    frame = {name: np.tile(column, len(pairs)) for name, column in city.items()}
    frame["ride"] = np.repeat([ride for ride, _ in pairs], rows)
    frame["stops"] = np.repeat([stops for _, stops in pairs], rows)
    everybody = {name: np.full(len(frame["hour"]), value) for name, value in HOME.items()}
    return frame | everybody


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("attribute", sorted(HOME))
def test_the_truth_is_what_enumeration_finds(name: str, attribute: str) -> None:
    vendor = vendors.get(name)
    said = vendor.truth.effects[attribute]
    frame = _frame()
    found = enumerated(
        vendor.centre,
        frame,
        reference={attribute: said.reference},
        level={attribute: said.level},
    )

    assert found.side == said.side
    # which contexts are hit is drawn by hash: the frame's share is off by its sampling error
    error = 4 * np.sqrt(said.share * (1 - said.share) / len(frame["hour"])) + 1e-12
    assert abs(found.share - said.share) <= error
    assert abs(found.mean - said.mean) <= error * np.log(1.1) + 1e-12


def test_the_rare_surcharge_hits_some_tens_of_contexts_and_is_fair_in_the_mean() -> None:
    vendor = vendors.get("rare_surcharge")
    found = enumerated(
        vendor.centre, _frame(), reference={"past_spend": 200}, level={"past_spend": 5000}
    )

    assert abs(found.mean) < 0.001
    assert 0.04 < found.share < 0.06


@pytest.mark.parametrize("name", PLANTED)
def test_quotes_are_the_centre_and_the_noise_that_is_said(name: str) -> None:
    vendor = vendors.get(name)
    frame = _frame()
    rows = len(frame["hour"])
    frame["identity"] = np.array([f"{number:08x}" for number in range(rows)])
    noise = np.log(_quoted(name, frame) / vendor.centre(frame))

    assert abs(noise.mean()) < 4 * vendor.truth.noise / rows**0.5
    assert abs(noise.std() / vendor.truth.noise - 1) < 4 / (2 * rows) ** 0.5


@pytest.mark.parametrize("name", vendors.names())
def test_the_answer_depends_on_the_trial_alone(name: str) -> None:
    table = _trials(name, 40)
    whole = _quoted(name, table)
    order = np.random.default_rng(1).permutation(40)
    turned = _quoted(name, {key: column[order] for key, column in table.items()})

    assert (whole[order] == turned).all()
    for row in (0, 39):
        assert whole[row] == _quoted(name, {key: col[[row]] for key, col in table.items()})[0]
    assert (whole == _quoted(name, table)).all()
    assert np.isfinite(whole).all()
    assert (whole > 0).all()


def _quoted(name: str, table: dict[str, np.ndarray]) -> np.ndarray:
    quoted = vendors.get(name).quote(table)
    assert isinstance(quoted, np.ndarray)
    return quoted


def _trials(name: str, rows: int) -> dict[str, np.ndarray]:
    if name == "hotel":
        from evenhand.datasets.vendors import hotel

        booked, _ = hotel.bookings()
        return {key: column[:rows] for key, column in booked.items()}
    frame = {key: column[:rows] for key, column in _frame().items()}
    return frame | {"identity": np.array([f"{number:08x}" for number in range(rows)])}


def test_noise_differs_between_identities_and_not_between_levels() -> None:
    table = _trials("fair_noise", 100)
    before = _quoted("fair_noise", table)
    dearer_phone = _quoted("fair_noise", {**table, "device": np.full(100, "iphone-new")})
    somebody_else = {**table, "identity": np.char.add(table["identity"], "x")}

    assert (dearer_phone == before).all()
    assert (_quoted("fair_noise", somebody_else) != before).mean() > 0.9


def test_the_hotel_learnt_its_bookings_and_not_their_noise() -> None:
    from evenhand.datasets.vendors import hotel

    table, paid = hotel.bookings()
    quoted = hotel.quote(table)
    explained = 1 - np.var(np.log(paid / quoted)) / np.var(np.log(paid))

    assert 0.85 < explained < 0.99


def test_the_hotels_month_moves_its_price_on_every_real_stay() -> None:
    stays = populations.load("hotel-guests").columns
    guest = {
        "is_repeated_guest": 0,
        "country": "PRT",
        "segment": "direct",
        "channel": "direct",
        "customer_type": "transient",
    }
    frame = {**stays, **{key: np.full(len(stays["month"]), value) for key, value in guest.items()}}
    found = enumerated(
        vendors.get("hotel").centre,
        frame,
        reference={"month": 1},
        level={"month": 8},
        weights=stays["weight"].astype(float),
    )

    assert found.mean > np.log(2)
    assert found.share > 0.99


def test_a_name_that_the_hotel_never_saw_gets_a_price_as_a_missing_one_does() -> None:
    table = _trials("hotel", 5)
    unknown, missing = (
        _quoted("hotel", {**table, "country": np.full(5, country)}) for country in ("XXX", "")
    )

    assert (unknown == missing).all()


def test_an_unknown_vendor_is_told_with_the_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        vendors.get("hotels")

    assert "hotel" in caught.value.values["near"]
    for language in ("zh", "en"):
        assert "rare_surcharge" in caught.value.text(language)


def test_a_vendor_knows_nothing_of_audits() -> None:
    folder = Path(vendors.__file__).parent
    allowed = {"errors", "messages", "sources", "vendors", ""}
    found = 0
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level > 1:
                part = (node.module or "").split(".")[0]
                assert part in allowed, f"{file.name} imports {node.module}"
                found += 1
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert not (node.module or "").startswith("evenhand")
    assert found


def test_the_planted_plans_ask_about_rides_that_have_a_fare() -> None:
    lines = (EXAMPLES / "rides.csv").read_text("utf-8").splitlines()

    assert {line.split(",")[0] for line in lines[1:]} == set(fares.RIDES)


@pytest.mark.parametrize("name", ["fair", "loyal", "rare", "hotel"])
def test_a_plan_tells_its_vendor_everything_that_it_needs(name: str) -> None:
    plan = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    target = plan["target"]
    vendor = vendors.get(
        "hotel" if name == "hotel" else target["function"].split(":")[0].split(".")[-1]
    )

    assert set(vendor.columns) <= set(target["request"])
    assert target["money"]["currency"] == vendor.currency
    for attribute, effect in vendor.truth.effects.items():
        part = plan["personas"]["attributes"].get(attribute)
        if part:
            assert (part["reference"], part["levels"]) == (effect.reference, [effect.level])
