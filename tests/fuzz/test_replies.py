"""Replies, schemas, documents and logs of strangers: read as what they say, or refused in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.audit.harness import KEY, ids, make_study, make_wave
from tests.audit.target.test_serving import MADE
from tests.fuzz.noise import edits, few, folder, gone_bad, only_our_errors, plain

from evenhand.audit.openapi import draft, read_document
from evenhand.audit.planparts import Response
from evenhand.audit.target import open_target
from evenhand.audit.target.outcomes import LISTS, LONGEST, OUTCOMES
from evenhand.audit.target.protocol import Reply
from evenhand.audit.target.read import Reader
from evenhand.audit.target.schemas import read_schema
from evenhand.datasets.logs import read_columns
from evenhand.probes.design import ANSWERED, FAILED
from evenhand.probes.protocol import Money

MONEY = Money(currency="CNY", unit="fen", per="night", minor=100)
LISTED = {"ranking": "$.items[*].id", "prices": "$.items[*].price"}
EVERYTHING = Response(**{name: LISTED.get(name, f"$.{name}") for name in OUTCOMES})
READER = Reader(EVERYTHING, MONEY, capture={"token": "$.token"})
GOOD: dict[str, Any] = {
    **{name: 5 for name in OUTCOMES if name not in LISTED},
    "notice": True,
    "items": [{"id": "a", "price": 5}, {"id": "b", "price": "7.50"}],
    "token": "t",
}

odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        "",
        "1e9",
        -1,
        0,
        10**40,
        1e308,
        "9" * 400,
        [],
        [[]],
        {},
        {"id": 1},
        "\ud7ff",
        "￥5",
    ]
)
some = plain | odd


def read_as_it_is_kept(body: bytes) -> None:
    """An answer holds one value of each outcome's kind; a failure none."""
    said = READER.answers(Reply(status=200, body=body))
    assert said.kind.shape == (1,)
    answered = said.kind[0] == ANSWERED
    assert set(said.values) == set(OUTCOMES)
    for name, column in said.values.items():
        (value,) = column.tolist()
        if OUTCOMES[name] in LISTS:
            assert (value is not None) == answered
            assert value is None or (isinstance(value, tuple) and len(value) <= LONGEST)
            kind = float if name == "prices" else str
            assert all(isinstance(one, kind) for one in value or ())
        else:
            assert isinstance(value, float)
            assert np.isfinite(value) == answered
            assert not value < 0
    assert all(isinstance(one, str | int | float) for one in said.captured.values())


def test_what_is_good_is_read():
    assert READER.answers(Reply(status=200, body=orjson.dumps(GOOD))).kind[0] == ANSWERED


@few
@given(st.dictionaries(st.sampled_from([*OUTCOMES, "items", "token"]), some, max_size=4))
def test_outcomes_of_anything(changes):
    read_as_it_is_kept(json.dumps({**GOOD, **changes}).encode())


@few
@given(st.lists(st.fixed_dictionaries({}, optional={"id": some, "price": some}), max_size=4))
def test_lists_of_anything(items):
    read_as_it_is_kept(json.dumps({**GOOD, "items": items}).encode())


@few
@given(edits)
def test_a_reply_gone_bad(changes):
    read_as_it_is_kept(gone_bad(orjson.dumps(GOOD), changes))


SERVED = {
    "mlflow": {"predictions": [101.5, 102.5, 103.5]},
    "kserve-v1": {"predictions": [[101.5], [102.5], [103.5]]},
    "open-inference": {"outputs": [{"name": "y", "shape": [3, 1], "data": [1.5, 2.5, 3.5]}]},
}
inside = st.fixed_dictionaries(
    {}, optional={"id": some, "name": some, "shape": some, "datatype": some, "data": some}
)
replies = st.fixed_dictionaries(
    {},
    optional={"id": some, "predictions": some, "outputs": some | st.lists(inside, max_size=3)},
)


@pytest.fixture(scope="module")
def served():
    """Each dialect's adapter, offline, and the request of one block."""
    study, wave = make_study(), make_wave(1)
    found = {}
    for name, make in MADE.items():
        target = open_target(
            make("http://127.0.0.1:9"), study, identities=ids, key=KEY, offline=True
        )
        found[name] = target, target.render(study, wave, 0, slice(0, 3))
    return found


def read_whole(served: Any, dialect: str, body: bytes) -> Any:
    target, request = served[dialect]
    said = target.read(request, Reply(status=200, body=body))
    assert said.kind.shape == (3,)
    for column in said.values.values():
        assert (np.isfinite(column) == (said.kind == ANSWERED)).all()
    return said


@pytest.mark.parametrize("dialect", SERVED)
def test_a_good_prediction_is_read(served, dialect):
    said = read_whole(served, dialect, orjson.dumps(SERVED[dialect]))
    assert (said.kind == ANSWERED).all()
    assert (read_whole(served, dialect, b"{}").kind == FAILED).all()


@few
@given(st.sampled_from(list(SERVED)), some | replies)
def test_predictions_of_anything(served, dialect, tree):
    read_whole(served, dialect, json.dumps(tree).encode())


@few
@given(st.sampled_from(list(SERVED)), edits)
def test_predictions_gone_bad(served, dialect, changes):
    read_whole(served, dialect, gone_bad(orjson.dumps(SERVED[dialect]), changes))


# ------------------------------------------------------------------ what strangers say of themselves

SCHEMAS = [
    b'{"inputs": [{"name": "age", "datatype": "INT64", "shape": [-1, 1]}]}',
    b'signature:\n  inputs: \'[{"name": "age", "type": "long"}]\'\n',
]
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Quotes"},
    "servers": [{"url": "https://acme.example"}],
    "paths": {
        "/quote": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}
                    }
                },
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {"properties": {"price": {"type": "number"}}}
                            }
                        }
                    }
                },
            }
        }
    },
    "components": {"schemas": {"Ask": {"properties": {"nights": {"type": "integer"}}}}},
}


@few
@example(SCHEMAS[1], [(0.5, 1, b"")])  # the text within is no JSON any more
@given(st.sampled_from(SCHEMAS), edits)
def test_a_schema_gone_bad(data, changes):
    with only_our_errors():
        read_schema(gone_bad(data, changes), "schema")


@few
@given(some | st.dictionaries(st.sampled_from(["inputs", "signature", "properties", "$ref"]), some))
def test_a_schema_of_anything(tree):
    with only_our_errors():
        read_schema(json.dumps(tree).encode(), "schema")


@few
@given(st.sampled_from(["zh", "en"]), edits)
def test_a_document_gone_bad(language, changes):
    with folder() as where:
        path = where / "openapi.json"
        path.write_bytes(gone_bad(json.dumps(DOCUMENT).encode(), changes))
        with only_our_errors():
            draft(read_document(str(path))[0], language)


@few
@given(
    st.sampled_from(["log.csv", "log.parquet"]), st.binary(max_size=80) | st.text().map(str.encode)
)
def test_noise_for_a_log(name, data):
    with folder() as where:
        (where / name).write_bytes(data)
        with only_our_errors():
            read_columns(where / name, {"price": None})


@few
@given(edits)
def test_a_log_gone_bad(changes):
    with folder() as where:
        good = b"device,price\nold,5\nnew,6\n"
        (where / "log.csv").write_bytes(gone_bad(good, changes))
        with only_our_errors():
            read_columns(where / "log.csv", {"device": None, "price": None})
