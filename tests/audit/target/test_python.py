from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.harness import KEY, ids, in_loop, make_study, make_wave, opened

from evenhand.audit.plan import PythonTarget
from evenhand.audit.target import address, carried, open_target
from evenhand.audit.target.columns import pack, unpack
from evenhand.audit.target.protocol import Answers, Reply, Request
from evenhand.datasets.personas import Attribute, Table
from evenhand.errors import TargetError, UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED
from evenhand.probes.protocol import Money

NAME = "a_vendor_of_these_tests"
REQUEST = {"device": "{{persona.device}}", "age": "{{persona.age}}", "base": "{{item.base}}"}
AGES = np.array([30, 40, 50])


@pytest.fixture
def vendor(monkeypatch):
    module = ModuleType(NAME)
    monkeypatch.setitem(sys.modules, NAME, module)
    return module


def spec(**changes: Any) -> PythonTarget:
    settings = {"kind": "python", "function": f"{NAME}:f", "request": REQUEST}
    return PythonTarget(**(settings | changes))


def called(
    made: PythonTarget, *, blocks: int = 20, study: Any = None
) -> tuple[Answers, Request, Reply]:
    study = study or make_study()
    wave = make_wave(blocks)
    n = len(wave) if made.table else 1

    async def main() -> tuple[Answers, Request, Reply]:
        target = opened(made, study)
        request = target.render(study, wave, 3, slice(0, n))
        reply = await target.send(request)
        await target.close()
        return target.read(request, reply), request, reply

    return in_loop(main)


def expected(blocks: int = 20) -> Any:
    wave = make_wave(blocks)
    return np.array([100.0, 200.0])[wave.item] + AGES[wave.persona] + (wave.arm == 2)


def column(answers: Answers, name: str = "final") -> Any:
    return answers.values[name]  # noqa: PD011  answers are no data frame


def quote(table: Any) -> Any:
    return table["base"] + table["age"] + (np.asarray(table["device"]) == "new")


@pytest.mark.parametrize(
    "shape",
    [
        lambda x: x,
        list,
        lambda x: x[:, None],
        pd.Series,
        lambda x: pd.DataFrame({"final": x, "other": "text"}),
        lambda x: {"final": x},
        lambda x: {"final": [str(round(float(v), 2)) for v in x]},
        lambda x: x.astype(np.int64),
        lambda x: np.array([str(v) for v in x]),
    ],
)
def test_every_form_of_result_is_read_in_the_order_of_the_wave(vendor, shape):
    vendor.f = lambda table: shape(quote(table))
    answers, _, _ = called(spec())
    np.testing.assert_array_equal(column(answers), expected())
    assert not answers.kind.any()


def test_rows_are_shuffled_by_the_key_and_only_by_it(vendor):
    given_: list[Any] = []

    def f(table: Any) -> Any:
        given_.append(table["base"] + table["age"])
        return quote(table)

    vendor.f = f
    _, request, _ = called(spec())
    assert given_[0].tolist() != expected().tolist()
    assert called(spec())[1] == request
    other = open_target(spec(), make_study(), identities=ids, key=b"another")
    rows = slice(0, 60)
    assert other.render(make_study(), make_wave(20), 3, rows).body != request.body
    moved = opened(spec()).render(make_study(), make_wave(20), 4, rows)
    assert moved.body != request.body


def test_bad_prices_fail_one_by_one(vendor):
    def f(table: Any) -> Any:
        prices = quote(table).astype(float)
        prices[table["age"] == 30] = np.nan
        prices[(table["age"] == 40) & (table["device"] == "new")] = -1
        prices[(table["age"] == 50) & (table["device"] == "new")] = np.inf
        prices[(table["age"] == 50) & (table["device"] == "old")] = 0
        return prices

    vendor.f = f
    answers, _, _ = called(spec())
    wave = make_wave(20)
    good = (AGES[wave.persona] != 30) & (wave.arm != 2)
    np.testing.assert_array_equal(answers.kind == ANSWERED, good)
    assert {REASONS[code] for code in answers.reason[~good]} == {"format"}
    assert (column(answers)[good & (AGES[wave.persona] == 50)] == 0).all()
    assert np.isnan(column(answers)[~good]).all()
    assert not answers.retry


@pytest.mark.parametrize(
    "result",
    [
        None,
        5.0,
        "x",
        [1.0],
        np.zeros((60, 2)),
        {},
        {"other": [1] * 60},
        np.ones(60, bool),
        object(),
    ],
)
def test_a_result_that_is_not_prices_fails_and_does_not_crash(vendor, result):
    vendor.f = lambda _: result
    answers, _, _ = called(spec())
    assert (answers.kind == FAILED).all()
    assert len(answers.kind) == 60


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize(
    "error", [ValueError("bad\x1b[31m\nthing" * 99), SystemExit(3), RecursionError()]
)
def test_an_exception_is_a_failure_in_bounded_plain_words(vendor, table, error):
    def f(_: Any) -> Any:
        raise error

    vendor.f = f
    answers, _, reply = called(spec(table=table))
    assert (answers.kind == FAILED).all()
    assert {REASONS[code] for code in answers.reason} == {"network"}
    assert answers.retry
    assert type(error).__name__.encode() in reply.body
    assert len(reply.body) <= 300
    assert not any(byte < 32 for byte in reply.body)


def test_declared_columns_refusals_and_currency(vendor):
    vendor.f = lambda table: {
        "p": quote(table) * 100,
        "list": quote(table) * 200,
        "state": np.where(table["device"] == "new", "sold_out", "ok"),
        "cur": np.where(table["age"] == 50, "EUR", "CNY"),
        "secret": table["age"],
    }
    made = spec(
        response={
            "final": "$.p",
            "list": "$['list']",
            "currency": "$.cur",
            "refused": {"path": "$.state", "equals": "sold_out"},
        }
    )
    money = Money(currency="CNY", unit="fen", per="night", minor=100)
    answers, _, reply = called(made, study=make_study(money=money))
    wave = make_wave(20)
    refused, foreign = wave.arm == 2, AGES[wave.persona] == 50
    np.testing.assert_array_equal(answers.kind == REFUSED, refused)
    np.testing.assert_array_equal(answers.kind == FAILED, foreign & ~refused)
    good = answers.kind == ANSWERED
    np.testing.assert_allclose(column(answers)[good], expected()[good])
    np.testing.assert_allclose(column(answers, "list")[good], 2 * expected()[good])
    assert b"secret" not in reply.body


def test_without_a_table_each_trial_is_one_mapping(vendor):
    seen: list[Any] = []

    def f(one: dict[str, Any]) -> Any:
        seen.append(one)
        return np.float64(12.5)

    vendor.f = f
    answers, request, _ = called(spec(table=False, request={"deep": {"age": "{{persona.age}}"}}))
    assert seen == [{"deep": {"age": 30}}]
    assert column(answers).tolist() == [12.5]
    assert (opened(spec(table=False)).batch, request.count) == (1, 1)
    vendor.f = lambda _: {"final": np.int64(3), "x": np.arange(2)}
    assert column(called(spec(table=False))[0]).tolist() == [3.0]
    vendor.f = lambda _: {"price": {"now": 4}, "state": "gone"}
    declared = {"final": "$.price.now", "refused": {"path": "$.state", "equals": "gone"}}
    assert called(spec(table=False, response=declared))[0].kind.tolist() == [REFUSED]
    vendor.f = lambda _: object()
    assert called(spec(table=False))[0].kind.tolist() == [FAILED]


class Model:
    """Looks like an estimator."""

    def predict(self, frame: Any) -> Any:
        assert list(frame.columns) == list(REQUEST)
        return quote(frame).to_numpy()


def test_an_estimator_is_given_a_data_frame(vendor):
    vendor.f = Model()
    np.testing.assert_array_equal(column(called(spec())[0]), expected())
    one, _, _ = called(spec(table=False))
    assert column(one)[0] == expected()[0]


def test_what_cannot_be_called_is_told(vendor):
    vendor.f = 3
    for function, message in (
        (f"{NAME}:f", "target.not_callable"),
        (f"{NAME}:g", "target.no_function"),
        ("no_such_module_anywhere:f", "target.no_function"),
    ):
        with pytest.raises(TargetError) as told:
            opened(spec(function=function))
        assert told.value.message_id == message
        assert told.value.exit_code == 4
        assert function in told.value.text("en")
        offline = open_target(
            spec(function=function), make_study(), identities=ids, key=KEY, offline=True
        )
        assert offline.batch > 1


def test_without_a_request_every_field_is_a_column(vendor):
    got: dict[str, Any] = {}

    def f(table: Any) -> Any:
        got.update(table)
        return np.ones(len(table["age"]))

    vendor.f = f
    cues: dict[str, Any] = {"ua": ({"agent": "A"}, {"agent": "B"})}
    study = make_study(
        attributes={
            "device": Attribute(name="device", role="habit", levels=("old", "new"), cues=cues),
            "nights": Attribute(name="nights", role="condition", levels=(1, 2)),
        }
    )
    called(spec(request=None), study=study)
    assert set(got) == {"agent", "nights", "age", "id", "base"}
    assert set(got["agent"].tolist()) == {"A", "B"}
    assert got["nights"].dtype.kind == "i"
    clash = make_study(items=Table({"age": np.array([1])}))
    with pytest.raises(UsageError) as told:
        opened(spec(request=None), clash)
    assert told.value.message_id == "target.column_clash"


def test_constants_and_sentences_are_columns_and_nesting_is_refused(vendor):
    got: dict[str, Any] = {}

    def f(table: Any) -> Any:
        got.update(table)
        return np.ones(len(table["c"]))

    vendor.f = f
    called(spec(request={"c": 5, "s": "no. {{item.id}}", "t": "plain"}))
    assert set(got["c"].tolist()) == {5}
    assert set(got["s"].tolist()) == {"no. a", "no. b"}
    assert set(got["t"].tolist()) == {"plain"}
    with pytest.raises(UsageError):
        opened(spec(request={"a": {"b": "{{item.id}}"}}))


def test_a_reply_on_file_that_was_damaged_fails(vendor):
    vendor.f = quote
    target = opened(spec())
    request = Request(wave=0, first=0, count=6, body=b"", route="")
    for body in (b"", b"[]", b'[["final","<f8",8]]\nxxx', b'{"a":1}\n', b"\xff\xfe"):
        assert (target.read(request, Reply(body=body)).kind == FAILED).all()


def test_address_and_carried():
    assert address(spec()) == f"{NAME}:f"
    assert carried(spec()) == frozenset({"persona.device", "persona.age", "item.base"})
    assert carried(spec(request=None)) is None


columns = st.one_of(
    st.lists(st.floats(), max_size=5).map(lambda v: np.array(v, dtype=float)),
    st.lists(st.integers(-(2**62), 2**62), max_size=5).map(lambda v: np.array(v, dtype=np.int64)),
    st.lists(st.booleans(), max_size=5).map(lambda v: np.array(v, dtype=bool)),
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
        max_size=5,
    ).map(lambda v: np.array(v, dtype=str)),
    st.lists(st.none() | st.integers(0, 9) | st.text(max_size=3), max_size=5).map(
        lambda v: np.array([*v, None], dtype=object)[:-1]
    ),
)


@given(table=st.dictionaries(st.text(max_size=4), columns, max_size=4))
def test_columns_come_back_as_they_were(table):
    found = unpack(pack(table))
    assert list(found) == list(table)
    for name, column in table.items():
        assert found[name].dtype.kind == column.dtype.kind
        np.testing.assert_array_equal(found[name], column)
