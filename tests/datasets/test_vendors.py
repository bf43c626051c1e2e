"""The zoo: what is said to be true of each vendor is true on its frame."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from evenhand.datasets import populations, rules, vendors
from evenhand.datasets.vendors import fares
from evenhand.datasets.vendors.truth import (
    UNITS,
    Effect,
    apart,
    enumerated,
    gaps,
    outcomes,
    shown,
)
from evenhand.errors import UsageError

FOLDER = Path(vendors.__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"
PLANTED = vendors.names("fair") + vendors.names("guilty")
EFFECTS = [(name, effect) for name in PLANTED for effect in vendors.get(name).truth.effects]
ROWS = 64
LISTS = {name for name in PLANTED if "query" in vendors.get(name).columns}
FEN = 2e-4
"""What rounding a listed price to whole fen can move it by."""
STEPS = {"price_grid": 1.0, "ends_in_99": 1.0}
"""Steps of prices, in CNY, that are not whole fen."""


@cache
def frame_of(name: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the contexts of a vendor's frame that it can tell apart, and their weights."""
    vendor = vendors.get(name)
    home = vendor.frame.population
    rows = vendor.contexts(populations.load(home).columns if home else {})
    weight = rows.get("weight", np.ones(len(next(iter(rows.values())))))
    columns = [*vendor.columns, *vendor.remembers]
    seen = pd.DataFrame({key: rows[key] for key in columns})
    counted = seen.assign(weight=weight.astype(float)).groupby(columns)["weight"].sum()
    distinct = counted.reset_index()
    return {key: distinct[key].to_numpy() for key in columns}, distinct["weight"].to_numpy()


def trials(name: str, rows: int = ROWS) -> dict[str, np.ndarray]:
    """Return some contexts, each asked by somebody else."""
    frame, _ = frame_of(name)
    long = len(next(iter(frame.values())))
    some = np.random.default_rng(5).choice(long, rows, replace=long < rows)
    table = {key: column[some] for key, column in frame.items()}
    if "identity" in table:
        table["identity"] = np.array([f"{number:08x}" for number in range(rows)])
    return table


def said(name: str, table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        key: np.asarray(column) for key, column in outcomes(vendors.get(name).quote(table)).items()
    }


def label(case: Any) -> str:
    if not isinstance(case, Effect):
        return str(case)
    given = "".join(f"|{key}={value}" for key, value in case.given.items())
    return f"{case.outcome}-{case.attribute}-{case.reference}-{case.level}{given}"


# ---------------------------------------------------------------------------------- the truth


@pytest.mark.parametrize(("name", "told"), EFFECTS, ids=label)
def test_the_truth_is_what_enumeration_finds(name: str, told: Effect) -> None:
    frame, weights = frame_of(name)
    contexts = shown(frame, told.given)
    fields: dict[str, Any] = {
        "reference": {told.attribute: told.reference},
        "level": {told.attribute: told.level},
        "outcome": told.outcome,
    }
    centre = vendors.get(name).centre
    gap = gaps(centre, contexts, **fields)
    found = enumerated(centre, contexts, weights=weights, limit=told.limit, **fields)

    # what is drawn by hash of the context is off by its sampling error; what is not, by nothing
    size = weights.sum() ** 2 / (weights**2).sum()
    drawn = 0.0 if np.ptp(gap) < 1e-9 else 4 / size**0.5
    printed = FEN if told.outcome == "prices" else 1e-9
    assert abs(found.mean - told.mean) <= drawn * gap.std() + printed
    assert abs(found.share - told.share) <= drawn * (told.share * (1 - told.share)) ** 0.5 + 1e-9
    assert enumerated(centre, contexts, limit=told.limit, **fields).side == found.side
    assert found.side == told.side or (told.side == "innocent" and abs(found.mean) < 1e-3)


@pytest.mark.parametrize("name", PLANTED)
def test_every_effect_is_told_once_and_of_something_that_the_vendor_sees(name: str) -> None:
    vendor = vendors.get(name)
    seen = set(vendor.columns) | set(vendor.remembers)
    answers = set(outcomes(vendor.quote(trials(name, 2)))) | {"final"}
    answers |= {"unannounced"} if "notice" in answers else set()
    keys = [(label(effect)) for effect in vendor.truth.effects]

    assert keys
    assert len(set(keys)) == len(keys)
    for effect in vendor.truth.effects:
        assert effect.attribute in seen
        assert set(effect.given) <= seen
        assert effect.outcome in answers
        assert effect.lawful is None or effect.lawful in {one["id"] for one in rules.defences()}


@pytest.mark.parametrize("name", vendors.names("fair"))
def test_a_fair_vendor_moves_nothing_without_a_lawful_reason(name: str) -> None:
    for effect in vendors.get(name).truth.effects:
        assert effect.side == "innocent" or effect.lawful


@pytest.mark.parametrize("name", vendors.names("guilty"))
def test_a_guilty_vendor_differs_from_its_twin_by_nothing_but_what_was_planted(name: str) -> None:
    vendor = vendors.get(name)
    assert vendor.truth.twin in PLANTED
    twin = vendors.get(vendor.truth.twin)
    frame, _ = frame_of(name)
    own, innocent = outcomes(vendor.centre(frame)), outcomes(twin.centre(frame))

    assert any(effect.side != "innocent" and not effect.lawful for effect in vendor.truth.effects)
    for outcome in own.keys() & innocent.keys():
        if own[outcome].dtype == object:
            assert list(own[outcome]) == list(innocent[outcome])
        else:
            np.testing.assert_allclose(own[outcome], innocent[outcome], rtol=1e-12)


@pytest.mark.parametrize("name", vendors.names())
def test_a_condition_moves_every_vendor(name: str) -> None:
    vendor = vendors.get(name)
    frame = trials(name, 1000)
    mover = vendor.frame.mover
    found = enumerated(
        vendor.centre,
        frame,
        reference={mover.attribute: mover.reference},
        level={mover.attribute: mover.level},
        outcome=mover.outcome,
    )

    assert found.side == "guilty"
    assert found.share > 0.2


# ---------------------------------------------------------------------------------- the noise


@pytest.mark.parametrize("name", [one for one in PLANTED if one not in LISTS | {"heavy_tails"}])
def test_quotes_are_the_centre_and_the_noise_that_is_said(name: str) -> None:
    table = trials(name, 4000)
    vendor = vendors.get(name)
    answered = ~np.asarray(said(name, table).get("refused", np.zeros(4000)), dtype=bool)
    final, centre = (
        outcomes(ask(table))["final"][answered] for ask in (vendor.quote, vendor.centre)
    )
    noise = np.log(np.asarray(final, float) / np.asarray(centre, float))
    rounding = STEPS.get(name, 0.01) / np.asarray(centre, float).min()

    assert abs(noise.mean()) < 4 * vendor.truth.noise / len(noise) ** 0.5 + rounding
    assert (
        abs(noise.std() - vendor.truth.noise)
        < vendor.truth.noise * 3 / len(noise) ** 0.5 + rounding
    )


def test_heavy_tails_are_students() -> None:
    from scipy.stats import kstest, t

    table = trials("heavy_tails", 4000)
    vendor = vendors.get("heavy_tails")
    noise = np.log(said("heavy_tails", table)["final"] / vendor.centre(table))

    assert kstest(noise / vendor.truth.noise * 3**0.5, t(3).cdf).pvalue > 1e-3


def test_noise_differs_between_identities_and_not_between_levels() -> None:
    table = trials("fair_noise", 100)
    before = said("fair_noise", table)["final"]
    dearer_phone = said("fair_noise", {**table, "device": np.full(100, "iphone-new")})["final"]
    somebody_else = {**table, "identity": np.char.add(table["identity"], "x")}

    assert (dearer_phone == before).all()
    assert (said("fair_noise", somebody_else)["final"] != before).mean() > 0.9


@pytest.mark.parametrize("name", vendors.names())
def test_the_answer_depends_on_the_trial_alone(name: str) -> None:
    table = trials(name)
    whole = said(name, table)
    order = np.random.default_rng(1).permutation(ROWS)
    turned = said(name, {key: column[order] for key, column in table.items()})
    again = said(name, table)
    alone = {row: said(name, {key: col[[row]] for key, col in table.items()}) for row in (0, 39)}

    for outcome, column in whole.items():
        assert outcome in UNITS
        assert len(column) == ROWS
        assert list(column[order]) == list(turned[outcome])
        assert list(column) == list(again[outcome])
        for row, one in alone.items():
            assert column[row] == one[outcome][0]
    final = whole.get("final")
    assert final is None or (np.isfinite(final).all() and (final > 0).all())


# ---------------------------------------------------------------------------------- the folder


def test_an_unknown_vendor_is_told_with_the_near_one() -> None:
    with pytest.raises(UsageError) as caught:
        vendors.get("hotels")

    assert caught.value.message_id == "datasets.unknown_vendor_near"
    for language in ("zh", "en"):
        assert "rare_surcharge" in caught.value.text(language)


def test_a_vendor_is_reached_by_its_name_whatever_its_folder() -> None:
    for group in vendors.GROUPS:
        for name in vendors.names(group):
            assert (FOLDER / group / f"{name}.py").is_file()
            assert getattr(vendors, name).quote is vendors.get(name).quote
    with pytest.raises(AttributeError, match="nobody"):
        vendors.nobody  # noqa: B018 – looking it up is what is tried


def test_a_vendor_knows_nothing_of_audits() -> None:
    allowed = {"errors", "messages", "datasets.sources", "datasets.vendors"}
    found = 0
    for file in FOLDER.rglob("*.py"):
        parts = ("datasets", "vendors", *file.relative_to(FOLDER).parent.parts)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = parts[: len(parts) - node.level + 1]
                module = ".".join([*base, *filter(None, [node.module])])
                inside = module or ".".join(alias.name for alias in node.names)
                assert inside.startswith(tuple(allowed)), f"{file.name} imports {inside}"
                found += 1
            elif isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("evenhand")
    assert found


def test_the_way_makes_the_poor_pay_more_on_average_and_nobody_for_being_poor() -> None:
    shoppers = populations.load("cn-urban").columns
    poor, rich = (np.isin(shoppers["consumption_grade"], grades) for grades in ((1, 2), (4, 5)))
    frame = {key: shoppers[key] for key in ("city_tier", "consumption_grade")}
    table = shown(frame, {"item": "kettle", "quantity": 1})
    price = np.log(outcomes(vendors.get("delivery_cost").centre(table))["final"])
    marginal, within = (
        np.average(price[poor] - base[poor], weights=shoppers["weight"][poor])
        - np.average(price[rich] - base[rich], weights=shoppers["weight"][rich])
        for base in (np.zeros(len(price)), price_by(shoppers["city_tier"], price))
    )

    assert marginal > 0.01
    assert abs(within) < 1e-12


def price_by(strata: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return the mean price of each row's stratum."""
    return pd.Series(price).groupby(strata).transform("mean").to_numpy()


def test_lists_are_apart_as_the_literature_has_it() -> None:
    # Webber, Moffat, Zobel, "A similarity measure for indefinite rankings" (2010), table I
    overlaps = {3: 0.222, 4: 0.292, 5: 0.313, 6: 0.317, 7: 0.312}

    for depth, overlap in overlaps.items():
        assert 1 - apart("abcdefgh"[:depth], "zcavwxy"[:depth]) == pytest.approx(overlap, abs=6e-4)
    assert apart((), ()) == 0.0


def test_the_planted_plans_ask_about_rides_that_have_a_fare() -> None:
    lines = (EXAMPLES / "rides.csv").read_text("utf-8").splitlines()

    assert {line.split(",")[0] for line in lines[1:]} == set(fares.RIDES)


@pytest.mark.parametrize("name", ["fair", "loyal", "rare", "hotel"])
def test_a_plan_tells_its_vendor_everything_that_it_needs(name: str) -> None:
    plan = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text("utf-8"))
    target = plan["target"]
    vendor = vendors.get(
        "hotel" if name == "hotel" else target["function"].split(":")[-1].split(".")[0]
    )

    assert set(vendor.columns) <= set(target["request"])
    assert target["money"]["currency"] == vendor.currency
    for effect in vendor.truth.effects:
        part = plan["personas"]["attributes"].get(effect.attribute)
        if part:
            assert (part["reference"], part["levels"]) == (effect.reference, [effect.level])
