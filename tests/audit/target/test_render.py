from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.harness import KEY, ids, make_study, make_wave

from evenhand.audit.target.render import (
    HEADER,
    Leaf,
    Template,
    secrets_in,
    visible,
)
from evenhand.datasets.personas import Attribute, Table
from evenhand.errors import UsageError
from evenhand.probes.design import Wave

scalars = (
    st.text()
    | st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.none()
    | st.floats(allow_nan=False, allow_infinity=False)
)


def seen(study: Any, wave: Wave, number: int = 0, **changes: Any) -> dict[str, list[Any]]:
    settings: dict[str, Any] = {"identities": ids, "key": KEY}
    columns = visible(study, wave, number, slice(0, len(wave)), **(settings | changes))
    return {name: column.tolist() for name, column in columns.items()}


def objects(values: list[Any]) -> Any:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


@given(values=st.lists(scalars, min_size=1, max_size=8))
def test_a_leaf_that_is_one_placeholder_keeps_its_value(values):
    rows = Template.json({"x": "{{item.v}}", "k": ["{{ item.v }}", "c"]}).fill(
        {"item.v": objects(values)}, len(values)
    )
    for row, value in zip(rows, values, strict=True):
        assert orjson.loads(row) == {"x": value, "k": [value, "c"]}
        assert type(orjson.loads(row)["x"]) is type(value)


@given(values=st.lists(st.text(), min_size=1, max_size=8))
def test_any_text_survives_also_within_a_sentence(values):
    rows = Template.json({"x": "a {{item.v}} b", "y": "{{item.v}}"}).fill(
        {"item.v": objects(values)}, len(values)
    )
    for row, value in zip(rows, values, strict=True):
        assert orjson.loads(row) == {"x": f"a {value} b", "y": value}


@pytest.mark.parametrize(
    "column",
    [np.array([1, 2]), np.array([1.5, 2.0]), np.array([True, False]), np.array(["x", 'y","z'])],
)
def test_numpy_values_are_plain_json(column):
    rows = Template.json("{{item.v}}").fill({"item.v": column}, 2)
    assert [orjson.loads(row) for row in rows] == column.tolist()
    boxed = objects(list(column))
    assert Template.json("{{item.v}}").fill({"item.v": boxed}, 2) == rows


def test_what_a_template_holds_beside_placeholders_is_kept():
    tree = {"a": [], "b": {}, "c": [1, 2.5, None, True], "d": {"e": "价格"}, "f": ""}
    (row,) = Template.json(tree).fill({}, 1)
    assert orjson.loads(row) == tree


def test_secrets_stay_names_and_data_cannot_name_them():
    template = Template.json({"t": "Bearer ${TOKEN}", "u": "{{item.v}}", "w": "x{{item.v}}"})
    (row,) = template.fill({"item.v": objects(["${TOKEN}"])}, 1)
    assert row.count(b"${TOKEN}") == 1
    assert orjson.loads(row) == {"t": "Bearer ${TOKEN}", "u": "${TOKEN}", "w": "x${TOKEN}"}
    assert secrets_in({"a": ["${ONE}", {"b": "x ${TWO}"}], "c": 3}) == {"ONE", "TWO"}


def test_headers_cannot_be_broken_out_of():
    (row,) = Template.line("x {{item.v}}", HEADER).fill({"item.v": objects(["a\r\nb: ${T}"])}, 1)
    assert b"\r" not in row
    assert b"\n" not in row
    assert b"${T}" not in row


@pytest.mark.parametrize("text", ["{{", "a}}", "{{}}", "{{a", "{{ {{a}} }}"])
def test_a_broken_placeholder_is_told(text):
    with pytest.raises(UsageError) as told:
        Leaf.parse(text)
    assert told.value.message_id == "target.bad_placeholder"
    assert "{{persona." in told.value.text("en")


def test_an_unknown_field_is_told_with_those_there_are():
    with pytest.raises(UsageError) as told:
        Template.json("{{persona.hat}}").fill({"persona.age": np.array([1])}, 1)
    assert "persona.age" in told.value.text("zh")


def test_a_query_string_is_flat():
    template = Template.query({"a b": "{{item.v}}", "n": 3, "l": ["x&", "y"]})
    assert template.fill({"item.v": objects(["1/2 é"])}, 1) == [
        b"a%20b=1%2F2%20%C3%A9&n=3&l=x%26&l=y"
    ]
    with pytest.raises(UsageError):
        Template.query({"a": {"b": 1}})


def test_levels_come_from_overrides_then_personas_then_the_reference():
    study = make_study(
        personas=Table({"age": np.array([30, 40, 50]), "stars": np.array([3, 4, 5])}),
        attributes={
            "device": Attribute(name="device", role="ability_to_pay", levels=("old", "new")),
            "stars": Attribute(name="stars", role="condition"),
            "nights": Attribute(name="nights", role="condition", levels=(1, 2)),
        },
    )
    wave = Wave.of_single_trials(
        item=np.zeros(3, dtype=np.int32),
        block=[0, 0, 0],
        again=[-1] * 3,
        identity=[-1] * 3,
        arm=[0, 1, 2],
        persona=[0, 1, 2],
        overrides={"device": [-1, -1, 1], "nights": [1, 0, 1]},
    )
    found = seen(study, wave)
    assert found["persona.device"] == ["old", "old", "new"]
    assert found["persona.stars"] == [3, 4, 5]
    assert found["persona.nights"] == [2, 1, 2]
    assert found["persona.age"] == [30, 40, 50]
    assert found["item.id"] == ["a"] * 3
    assert found["item.base"] == [100.0] * 3


CUES: dict[str, Any] = {
    "agent": ({"ua": "Android", "cores": 4}, {"ua": "iPhone", "cores": 6}),
    "model": ({"phone": "A1"}, {"phone": "X9"}),
}


def cued(**changes: Any) -> Any:
    device = Attribute(name="device", role="ability_to_pay", levels=("old", "new"), cues=CUES)
    return make_study(attributes={"device": device}, **changes)


def test_a_level_is_seen_through_its_cue_and_the_other_cue_stands_still():
    wave = Wave.of_single_trials(
        item=np.zeros(4, dtype=np.int32),
        block=[0, 0, 1, 1],
        again=[-1] * 4,
        identity=[-1] * 4,
        arm=[0, 2, 0, 2],
        persona=[0] * 4,
        overrides={"device": [-1, 1, -1, 1]},
        cue={"device": [0, 0, 1, 1]},
    )
    found = seen(cued(), wave)
    assert found["persona.ua"] == ["Android", "iPhone", "Android", "Android"]
    assert found["persona.cores"] == [4, 6, 4, 4]
    assert found["persona.phone"] == ["A1", "A1", "A1", "X9"]
    assert "persona.device" not in found


def test_a_level_of_the_population_without_a_cue_is_told():
    people = Table({"device": np.array(["old", "new", "ancient"])})
    wave = make_wave(3)
    with pytest.raises(UsageError) as told:
        seen(cued(personas=people), wave)
    assert told.value.message_id == "target.no_cue"
    assert "ancient" in told.value.text("en")
    known = cued(personas=Table({"device": np.array(["old", "new", "new"])}))
    assert seen(known, wave)["persona.ua"][:9:3] == ["Android", "iPhone", "iPhone"]


def test_identities_come_from_the_pool_or_are_made():
    study = make_study(identities=Table({"id": np.array(["pool0", "pool1"])}))
    wave = Wave.of_single_trials(
        item=np.full(3, -1, dtype=np.int32),
        block=[0] * 3,
        again=[-1] * 3,
        identity=[1, -1, 0],
        arm=[0, 1, 2],
        persona=[0] * 3,
    )
    found = seen(study, wave, 5)
    assert found["identity"] == ["pool1", "u5-1", "pool0"]
    assert found["item.id"] == [None] * 3
    with pytest.raises(UsageError):
        seen(make_study(), wave)


def test_trial_ids_are_keyed_and_rows_do_not_depend_on_their_company():
    study, wave = make_study(), make_wave(30)
    whole = seen(study, wave, 2)
    assert len(set(whole["trial"])) == 90
    part = visible(study, wave, 2, slice(33, 40), identities=ids, key=KEY)
    for name, column in part.items():
        assert column.tolist() == whole[name][33:40]
    assert not set(whole["trial"]) & set(seen(study, wave, 3)["trial"])
    assert not set(whole["trial"]) & set(seen(study, wave, 2, key=b"other")["trial"])


def test_times_are_sent_as_text():
    study = make_study(items=Table({"day": np.array(["2026-11-24"], dtype="datetime64[ns]")}))
    wave = Wave.of_single_trials(
        item=np.zeros(1, dtype=np.int32), block=[0], again=[-1], identity=[-1], arm=[0], persona=[0]
    )
    assert seen(study, wave)["item.day"][0].startswith("2026-11-24")
