"""From a plan to what it fixes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evenhand.audit import planfile
from evenhand.audit.resolve import resolve
from evenhand.datasets.personas import Table
from evenhand.errors import PlanError, Problem
from evenhand.probes.protocol import Study

PLAN = """\
evenhand: 1
audit: {title: t, vendor: v, commissioned_by: c, paid_by: p, conflicts: n}
seed: 1
target:
  kind: http
  url: http://127.0.0.1/quote
  request: {id: "{{identity}}", d: "{{persona.device}}", n: "{{persona.nights}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: fen, per: night, includes: [tax]}
personas:
  attributes:
    device: {role: ability_to_pay, reference: old, levels: [new, newer], because: x}
    tenure: {role: habit, reference: 0, levels: [36], because: x, kind: price.loyalty}
    taste: {role: habit, reference: tea, levels: [milk], because: x}
    nights: {role: condition, levels: [1, 2]}
probes:
  - use: pricing.twins
    treat: [device, tenure, taste]
budget: {queries: 5000}
"""
PEOPLE = "nights,age,weight\n1,20,1\n2,30,3\n"


def study_of(text: str, folder: Path) -> Study:
    return resolve(planfile.parse(text, folder / "plan.yaml"))


def problems_of(text: str, folder: Path) -> list[Problem]:
    with pytest.raises(PlanError) as caught:
        study_of(text, folder)
    for problem in caught.value.problems:
        problem.text("zh")
        problem.text("en")
    return list(caught.value.problems)


def with_population(name: str) -> str:
    return PLAN.replace("personas:\n", f"personas:\n  population: {name}\n")


def test_attributes_stand_in_plan_order_with_the_reference_first(tmp_path):
    attributes = study_of(PLAN, tmp_path).attributes
    assert list(attributes) == ["device", "tenure", "taste", "nights"]
    assert attributes["device"].levels == ("old", "new", "newer")
    assert attributes["nights"].levels == (1, 2)
    assert [one.kind for one in attributes.values()] == [
        "price.ability_to_pay",
        "price.loyalty",
        "price.preference",
        "",
    ]


def test_carried_is_what_the_request_carries(tmp_path):
    assert study_of(PLAN, tmp_path).carried == {"device", "nights"}


def test_a_function_without_a_request_is_given_everything(tmp_path):
    (tmp_path / "people.csv").write_text(PEOPLE)
    start, end = PLAN.index("target:"), PLAN.index("personas:")
    python = "target:\n  kind: python\n  function: a:b\n"
    money = "  money: {currency: CNY, unit: fen, per: night, includes: [tax]}\n"
    text = PLAN[:start] + python + money + PLAN[end:]
    text = text.replace("personas:\n", "personas:\n  population: people.csv\n")
    study = study_of(text, tmp_path)
    assert study.carried == {"device", "tenure", "taste", "nights", "age"}
    assert study.outcomes == {"final": "price"}


def test_money_knows_how_many_of_the_unit_make_the_currency(tmp_path):
    money = study_of(PLAN, tmp_path).money
    assert money is not None
    assert (money.currency, money.unit, money.per, money.includes, money.minor) == (
        "CNY", "fen", "night", ("tax",), 100,
    )  # fmt: skip


def test_without_a_population_there_is_one_persona_at_the_reference(tmp_path):
    study = study_of(PLAN, tmp_path)
    assert study.persona_weights.tolist() == [1.0]
    assert study.personas.columns["device"].tolist() == ["old"]
    assert "nights" not in study.personas.columns
    assert len(study.items) == len(study.identities) == 0


def test_a_population_in_a_file_brings_columns_and_weights(tmp_path):
    (tmp_path / "people.csv").write_bytes(PEOPLE.encode("utf-8-sig"))
    study = study_of(with_population("people.csv"), tmp_path)
    assert study.personas.columns["age"].tolist() == [20, 30]
    assert study.persona_weights.tolist() == [0.25, 0.75]


def test_a_shipped_population_is_found_by_name(tmp_path):
    text = with_population("demo-city")
    assert len(study_of(text, tmp_path).personas) == 500
    (problem,) = problems_of(with_population("demo-citty"), tmp_path)
    assert (problem.key, problem.line) == ("personas.population", 11)
    assert "demo-city" in problem.text("en")


def people() -> pd.DataFrame:
    return pd.DataFrame({"nights": [1, 2, 2], "city": ["a", "b", "c"]})


def table() -> Table:
    return Table({"nights": np.array([1])})


def nobody() -> pd.DataFrame:
    return pd.DataFrame({"nights": []})


def broken() -> None:
    message = "no luck"
    raise LookupError(message)


@pytest.fixture
def module(monkeypatch):
    """A module of the user's own, importable by name."""
    import sys
    import types

    made = types.ModuleType("my_people")
    for function in (people, table, nobody, broken):
        setattr(made, function.__name__, function)
    monkeypatch.setitem(sys.modules, "my_people", made)
    return "my_people"


def test_a_population_may_be_a_function(tmp_path, module):
    study = study_of(with_population(f"{module}:people"), tmp_path)
    assert study.personas.columns["city"].tolist() == ["a", "b", "c"]
    assert len(study_of(with_population(f"{module}:table"), tmp_path).personas) == 1


@pytest.mark.parametrize(
    ("name", "message_id"),
    [
        ("my_people:absent", "plan.no_function"),
        ("no_such_module_here:people", "plan.no_function"),
        ("my_people:broken", "plan.no_table"),
        ("my_people:nobody", "tables.empty"),
    ],
)
@pytest.mark.usefixtures("module")
def test_a_function_that_gives_no_people_is_a_mistake_of_the_plan(tmp_path, name, message_id):
    (problem,) = problems_of(with_population(name), tmp_path)
    assert (problem.message_id, problem.key) == (message_id, "personas.population")


def test_a_condition_needs_levels_or_a_column(tmp_path):
    (tmp_path / "people.csv").write_text("night,age\n1,20\n")
    text = with_population("people.csv").replace("condition, levels: [1, 2]", "condition")
    (problem,) = problems_of(text, tmp_path)
    assert (problem.message_id, problem.key) == ("plan.no_column", "personas.attributes.nights")
    assert "Did you mean night?" in problem.text("en")


def test_placeholders_name_columns_that_exist(tmp_path):
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "rooms.csv").write_text("id,stars\na,3\n")
    text = with_population("people.csv").replace("seed: 1", "seed: 1\nitems: rooms.csv")
    good = text.replace('n: "{{', 'a: "{{persona.age}}", s: "{{item.stars}}", n: "{{')
    assert study_of(good, tmp_path).carried == {"device", "nights", "age"}
    bad = text.replace('n: "{{', 'a: "{{persona.agee}}", s: "{{item.star}}", n: "{{')
    found = problems_of(bad, tmp_path)
    assert [problem.key for problem in found] == ["target.request.a", "target.request.s"]
    assert "Did you mean persona.age?" in found[0].text("en")
    assert "是不是想写 item.stars？" in found[1].text("zh")


def test_an_empty_list_of_items_is_a_mistake_of_the_plan(tmp_path):
    (tmp_path / "rooms.csv").write_text("id\n")
    (problem,) = problems_of(PLAN.replace("seed: 1", "seed: 1\nitems: rooms.csv"), tmp_path)
    assert (problem.message_id, problem.key, problem.line) == ("tables.empty", "items", 4)


def test_mistakes_in_several_files_are_told_together(tmp_path):
    (tmp_path / "rooms.csv").write_text("id\n")
    (tmp_path / "people.csv").write_text("nights,weight\n1,-1\n")
    text = with_population("people.csv").replace("seed: 1", "seed: 1\nitems: rooms.csv")
    assert {problem.message_id for problem in problems_of(text, tmp_path)} == {
        "tables.empty",
        "tables.weight",
    }


POOL = "identities: {source: pool, file: accounts.csv, tied: [tenure], assigned: lot}\npersonas:"


def test_accounts_are_read_with_what_is_tied_to_them(tmp_path):
    (tmp_path / "accounts.csv").write_bytes("id,tenure\n17,0\n18,36\n".encode("gb18030"))
    study = study_of(PLAN.replace("personas:", POOL, 1), tmp_path)
    assert study.identities.columns["id"].tolist() == ["17", "18"]
    assert study.identities.columns["tenure"].tolist() == [0, 36]


@pytest.mark.parametrize(
    ("accounts", "message_id"),
    [
        ("id,tenure\n17,0\n17,36\n", "tables.id_twice"),
        ("id,tenur\n17,0\n", "plan.tied_column"),
        ("id,tenure\n17,12\n", "plan.tied_level"),
        ("id,tenure\n", "tables.empty"),
        ("account,tenure\n17,0\n", "tables.no_id"),
    ],
)
def test_accounts_that_do_not_fit_the_plan_are_refused(tmp_path, accounts, message_id):
    (tmp_path / "accounts.csv").write_text(accounts)
    (problem,) = problems_of(PLAN.replace("personas:", POOL, 1), tmp_path)
    assert problem.message_id == message_id
    assert problem.key.startswith("identities.")


CUES = (
    "cues: {agent: {new: {device: B}, old: {device: A}, newer: {device: C}}},"
    " level_labels: {old: 旧, newer: {zh: 更新, en: newer still}}"
)


def test_cues_stand_in_the_order_of_the_levels(tmp_path):
    text = PLAN.replace("[new, newer], because: x", f"[new, newer], because: x, {CUES}")
    device = study_of(text, tmp_path).attributes["device"]
    shown = [device.fields("agent", code)["device"] for code in range(3)]
    assert shown == ["A", "B", "C"]
    assert device.level_labels == {
        "old": {"zh": "旧", "en": "旧"},
        "newer": {"zh": "更新", "en": "newer still"},
    }


def test_a_population_must_not_hold_a_level_that_no_cue_shows(tmp_path):
    (tmp_path / "people.csv").write_text("device\nold\noldest\n")
    text = with_population("people.csv")
    text = text.replace("[new, newer], because: x", f"[new, newer], because: x, {CUES}")
    (problem,) = problems_of(text, tmp_path)
    assert problem.message_id == "plan.no_cue_for"
    assert "oldest" in problem.text("en")
