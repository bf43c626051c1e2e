from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.audit.harness import KEY, ids, make_study, make_wave
from tests.servers.plans import plan

from evenhand.audit.planfile import load
from evenhand.audit.planmachines import TableTarget
from evenhand.audit.run import begin, prepare, reopen, run
from evenhand.audit.target import address, open_target
from evenhand.audit.target.table import ROW
from evenhand.datasets import logs
from evenhand.datasets.logs import open_log, word
from evenhand.errors import InputError, MissingExtraError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED

REQUEST = {"device": "{{persona.device}}", "age": "{{persona.age}}", "item": "{{item.id}}"}
NOT_HELD = REASONS.index("not-held")


def log(copies: int = 40) -> pd.DataFrame:
    """Return a log in which every cell is held so often, each row at a price of its own."""
    cells = [
        (device, age, item)
        for device in ("old", "new")
        for age in (30, 40, 50)
        for item in ("a", "b")
        for _ in range(copies)
    ]
    frame = pd.DataFrame(cells, columns=["device", "age", "item"])
    frame["price"] = 100.0 + np.arange(len(frame)) / 100
    frame["kept"] = "aside"
    return frame


def written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


def spec(path: Path, **more: Any) -> TableTarget:
    made = {
        "kind": "table",
        "file": str(path),
        "request": REQUEST,
        "response": {"final": "$.price"},
    }
    return TableTarget(**(made | more))


def asked(made: TableTarget, waves: int = 1, *, blocks: int = 10) -> list[Any]:
    study, wave = make_study(), make_wave(blocks)

    async def main() -> list[Any]:
        target = open_target(made, study, identities=ids, key=KEY)
        told = []
        for number in range(waves):
            request = target.render(study, wave, number, slice(0, len(wave)))
            reply = await target.send(request)
            told.append((target.read(request, reply), request, reply))
        await target.close()
        return told

    return asyncio.run(main())


def final(answers: Any) -> Any:
    return answers.values["final"]  # noqa: PD011  answers are no data frame


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_each_trial_gets_a_row_of_its_own_cell_and_no_row_twice(tmp_path, name):
    frame = log()
    (first, *_), (second, *_) = asked(spec(written(frame, tmp_path / name)), 2)
    wave = make_wave(10)
    found = np.concatenate([final(first), final(second)])
    assert len(set(found.tolist())) == len(found)
    by_price = frame.set_index("price")
    for answers in (first, second):
        assert (answers.kind == ANSWERED).all()
        rows = by_price.loc[final(answers)]
        assert rows["age"].tolist() == [(30, 40, 50)[code] for code in wave.persona]
        assert rows["item"].tolist() == ["ab"[code] for code in wave.item]
        assert ((rows["device"] == "new") == (wave.arm == 2)).all()


def test_what_is_not_held_is_failed_for_that_reason_and_nothing_is_filled_in(tmp_path):
    frame = log(copies=2)
    frame = frame[~((frame["device"] == "new") & (frame["age"] == 40))]
    ((answers, _, _),) = asked(spec(written(frame, tmp_path / "log.csv")))
    wave = make_wave(10)
    never = (wave.arm == 2) & (wave.persona == 1)
    assert (answers.reason[never] == NOT_HELD).all()
    assert (answers.kind[never] == FAILED).all()
    assert np.isnan(final(answers)[never]).all()
    assert not answers.retry
    # a cell of two rows answers twice
    cell = (wave.item == 0) & (wave.persona == 0) & (wave.arm != 2)
    assert cell.sum() == 4
    assert (answers.kind[cell] == ANSWERED).sum() == 2


def test_rows_that_are_on_file_are_spent_for_whoever_goes_on(tmp_path):
    path = written(log(copies=12), tmp_path / "log.csv")
    told = asked(spec(path), 2)
    study, wave = make_study(), make_wave(10)

    async def resumed() -> Any:
        target = open_target(spec(path), study, identities=ids, key=KEY)
        first, request, reply = told[0]
        again = target.read(request, reply)
        np.testing.assert_array_equal(final(again), final(first))
        request = target.render(study, wave, 1, slice(0, len(wave)))
        reply = await target.send(request)
        await target.close()
        return target.read(request, reply)

    np.testing.assert_array_equal(final(asyncio.run(resumed())), final(told[1][0]))


def test_refusals_and_unreadable_prices_of_a_log(tmp_path):
    frame = log().astype({"price": object})
    frame["state"] = np.where(frame["age"] == 30, "sold_out", "ok")
    frame.loc[frame["age"] == 40, "price"] = ""
    refused = {"path": "$.state", "equals": "sold_out"}
    made = spec(
        written(frame, tmp_path / "log.csv"), response={"final": "$.price", "refused": refused}
    )
    ((answers, _, _),) = asked(made)
    persona = make_wave(10).persona
    np.testing.assert_array_equal(answers.kind, np.array([REFUSED, FAILED, ANSWERED])[persona])
    assert (answers.reason[persona == 1] == REASONS.index("format")).all()


def test_numbers_are_numbers_however_they_are_written(tmp_path):
    frame = log()
    frame["age"] = frame["age"].map(lambda age: f"{age}.0")
    ((answers, _, _),) = asked(spec(written(frame, tmp_path / "log.csv")))
    assert (answers.kind == ANSWERED).all()
    assert word("0101") != word(101)
    assert word("1e3") == word(1000)


def test_a_reply_says_which_rows_answered_and_nothing_else_of_the_log(tmp_path):
    path = written(log(), tmp_path / "log.csv")
    ((_, _, reply),) = asked(spec(path))
    assert ROW.encode() in reply.body
    assert b"aside" not in reply.body
    assert address(spec(path)) == "log.csv"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("log.csv", b"device,age,item\nold,30,a\n", "logs.no_column"),
        ("log.csv", b"", "logs.unreadable"),
        ("log.csv", b"a,b\n1,2\n1,2,3\n", "logs.unreadable"),
        ("log.csv", b"\xff\xff\xff", "tables.encoding"),
        ("log.parquet", b"PAR1 no", "logs.unreadable"),
        ("missing.csv", None, "tables.cannot_open"),
    ],
)
def test_a_log_that_cannot_be_read_is_told(tmp_path, name, data, message):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as told:
        open_target(spec(path), make_study(), identities=ids, key=KEY)
    assert told.value.message_id == message
    assert name in told.value.text("zh")


@pytest.mark.parametrize("name", ["log.csv", "log.parquet"])
def test_a_large_log_is_read_by_duckdb_and_reads_the_same(tmp_path, monkeypatch, name):
    pytest.importorskip("duckdb")
    path = written(log(3), tmp_path / name)
    wanted: dict[str, Any] = {"keys": ("device", "age"), "values": ("price",), "seed": b"k"}
    small = open_log(path, **wanted)
    monkeypatch.setattr(logs, "LARGE", 10)
    large = open_log(path, **wanted)
    assert small.cells.keys() == large.cells.keys()
    for cell, rows in small.cells.items():
        np.testing.assert_array_equal(rows, large.cells[cell])
    whole, streamed = (read.values["price"].astype(float) for read in (small, large))  # noqa: PD011  a log is no data frame
    np.testing.assert_array_equal(whole, streamed)
    with pytest.raises(InputError) as told:
        open_log(path, keys=("device", "colour"), values=("price",), seed=b"k")
    assert told.value.message_id == "logs.no_column"
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError):
        open_log(path, **wanted)


def bookings(rows: int, markup: float, seed: int) -> pd.DataFrame:
    """Return a log of a vendor that charges new phones more, with noise of its own."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "phone": rng.choice(["android-budget", "iphone-new"], rows),
            "spend": rng.choice([200, 5000], rows),
            "nights": rng.choice([1, 2], rows),
            "base": rng.choice([100.0, 150.5], rows),
        }
    )
    price = frame["base"] * frame["nights"] * np.where(frame["phone"] == "iphone-new", markup, 1)
    frame["price"] = (price * rng.normal(1, 0.005, rows)).round(2)
    return frame


@pytest.mark.parametrize(("markup", "wanted"), [(1.05, "indicated"), (1.0, "inconclusive")])
def test_a_log_shows_a_dependence_at_most(tmp_path, markup, wanted):
    written(bookings(12_000, markup, seed=3), tmp_path / "log.csv")
    target = {"kind": "table", "file": "log.csv", "response": {"final": "$.price"}}
    audit = prepare(load(plan(tmp_path, target)))
    folder = begin(audit, tmp_path / "run")
    run(audit, folder)
    record = folder.read_record()
    verdicts = {one.treatment: one.verdict for one in record.content.findings}
    assert verdicts == {"phone": wanted, "spend": "inconclusive"}
    # the log is part of the plan, and the run keeps what it asked
    again, _ = reopen(tmp_path / "run")
    assert again.lock.files["target"] == audit.lock.files["target"]
    (tmp_path / "log.csv").write_text("phone\n", "utf-8")
    assert prepare(load(tmp_path / "plan.yaml")).lock.plan_sha256 != audit.lock.plan_sha256
