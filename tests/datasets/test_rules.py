"""Provisions and defences as data."""

from datetime import date

import pytest

from evenhand.datasets import rules

KINDS = rules.finding_kinds()


@pytest.mark.parametrize("rule", rules.provisions(), ids=lambda rule: rule["id"])
def test_a_provision_is_whole(rule: dict[str, object]) -> None:
    bears_on = rule["bears_on"]
    assert isinstance(bears_on, dict)
    assert set(bears_on) <= {"direct", "duty", "context"}
    assert {kind for kinds in bears_on.values() for kind in kinds} <= set(KINDS)
    for name in ("instrument", "title", "paraphrase"):
        text = rule[name]
        assert isinstance(text, dict)
        assert set(text) == {"zh", "en"}
        assert all(text.values())
    assert rule["status"] in {"in_force", "pending", "proposed", "voluntary"}
    assert rule["confidence"] in {"A", "B", "C"}
    assert rule["confidence"] != "A" or isinstance(rule["checked_on"], date)


def test_ids_are_unique() -> None:
    ids = [rule["id"] for rule in rules.provisions()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("defence", rules.defences(), ids=lambda defence: defence["id"])
def test_a_defence_is_whole(defence: dict[str, object]) -> None:
    assert defence["ruled_out_by"] in {"twins", "moment", "condition", "hypothesis"}
    concerns = defence["concerns"]
    assert isinstance(concerns, list)
    assert set(concerns) <= set(KINDS)
    for name in ("name", "claim", "ruled_out", "open"):
        text = defence[name]
        assert isinstance(text, dict)
        assert set(text) == {"zh", "en"}
        assert all(text.values())
