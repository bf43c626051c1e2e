"""Elements of provisions and procedures of decision, as data."""

from datetime import date

import pytest

from evenhand.datasets import rules

EVIDENCE = {
    "difference", "conditions", "item", "ground", "automated", "detriment", "defences", "none",
}  # fmt: skip


def is_pair(text: object) -> bool:
    return isinstance(text, dict) and set(text) == {"zh", "en"} and all(text.values())


@pytest.mark.parametrize(("name", "element"), rules.elements().items())
def test_an_element_is_whole(name: str, element: dict[str, object]) -> None:
    assert is_pair(element["name"])
    assert element["evidence"] in EVIDENCE
    assert is_pair(element.get("open")) is (element["evidence"] == "none"), name


def test_every_provision_that_prices_bear_on_has_its_elements() -> None:
    whole = rules._read("elements")["provisions"]
    known = {rule["id"] for rule in rules.provisions()}
    assert set(whole) <= known
    assert {element for found in whole.values() for element in found} <= set(rules.elements())
    personal = {
        "price.ability_to_pay", "price.preference", "price.loyalty", "price.device",
        "price.protected_group",
    }  # fmt: skip
    wanted = {
        rule["id"]
        for rule in rules.provisions()
        if rule["confidence"] != "C" and personal & set(rule["bears_on"].get("direct", ()))
    }
    assert wanted <= set(whole)


@pytest.mark.parametrize(("name", "procedure"), rules.procedures().items())
def test_a_procedure_is_whole(name: str, procedure: dict[str, object]) -> None:
    assert is_pair(procedure["name"])
    options = procedure["options"]
    assert isinstance(options, list)
    assert all(is_pair(o["name"]) and is_pair(o["means"]) for o in options)
    assert len({o["id"] for o in options}) == len(options)
    assert bool(options) is (name != "regulator")
    if "source" in procedure:
        assert procedure["source"] in {rule["id"] for rule in rules.provisions()}


def test_what_is_old_or_expired_is_said() -> None:
    today = {what for _, what in rules.warnings(date(2026, 11, 24))}
    assert "expired" not in today
    later = rules.warnings(date(2031, 4, 10))
    assert ("cn-platform-price-15", "expired") in later
    assert ("cn-sz-ai-72-2-5", "unchecked") in later
    assert ("eu-aia-annex3", "not_yet") in rules.warnings(date(2026, 11, 24))
