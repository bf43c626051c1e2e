"""Tables in files mean what their cells say."""

import numpy as np
import pandas as pd
import pytest

from evenhand.datasets import frames, items
from evenhand.datasets.personas import Table
from evenhand.errors import InputError, MissingExtraError

ROOMS = "id,城市,stars,rate,open,code\na,北京,3,1.5,true,01\nb,上海,4,2,false,02\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_table_reads_alike_however_it_was_saved(tmp_path, encoding, separator, newline):
    path = tmp_path / "rooms.csv"
    path.write_bytes(ROOMS.replace(",", separator).replace("\n", newline).encode(encoding))
    table = frames.read_table(path)
    assert {name: column.tolist() for name, column in table.columns.items()} == {
        "id": ["a", "b"],
        "城市": ["北京", "上海"],
        "stars": [3, 4],
        "rate": [1.5, 2.0],
        "open": [True, False],
        "code": ["01", "02"],
    }
    assert table.columns["stars"].dtype == np.int64


@pytest.mark.parametrize("cell", ["NA", "null", "nan", "None", "-", "1_000", "0x1F", "inf", " 7"])
def test_a_word_is_never_taken_for_a_number_or_for_nothing(cell):
    assert frames.parse_csv(f"a,b\n1,{cell}\n", "x").columns["b"].tolist() == [cell]


def test_quoted_cells_hold_what_separates():
    table = frames.parse_csv('a,b\n"x, ""y""\nz",2\n', "x")
    assert table.columns["a"].tolist() == ['x, "y"\nz']


def test_a_table_without_rows_has_its_columns():
    table = frames.parse_csv("id,price\n", "x")
    assert len(table) == 0
    assert set(table.columns) == {"id", "price"}


BROKEN = [
    ("", "tables.no_header", {}),
    ("a,b\n1\n", "tables.ragged", {"line": 2, "wanted": 2, "got": 1}),
    ("a,b\n1,2\n1,2,3\n", "tables.ragged", {"line": 3, "got": 3}),
    ('a,b\n"1,2\n', "tables.not_csv", {}),
    ("a,\n1,2\n", "tables.nameless", {"place": 2}),
    ("a,b,a\n1,2,3\n", "tables.column_twice", {"column": "a"}),
    ("a,b\n1,2\n,3\n", "tables.gap", {"column": "a", "row": 2}),
    ("a,b\ntrue,2\n,3\n", "tables.gap", {"column": "a", "row": 2}),
]


@pytest.mark.parametrize(("text", "message_id", "values"), BROKEN, ids=repr)
def test_a_broken_table_is_told_where(text, message_id, values):
    with pytest.raises(InputError) as caught:
        frames.parse_csv(text, "rooms.csv")
    assert caught.value.message_id == message_id
    told = dict(caught.value.values)
    assert values.items() <= told.items()
    assert "rooms.csv" in caught.value.text("zh")


def test_what_is_no_text_or_no_file_is_refused(tmp_path):
    path = tmp_path / "rooms.csv"
    path.write_bytes(b"a,b\n\xff\xff,1\n")
    for where, message_id in ((path, "tables.encoding"), (tmp_path / "x", "tables.cannot_open")):
        with pytest.raises(InputError) as caught:
            frames.read_table(where)
        assert caught.value.message_id == message_id


def test_weights_are_declared_and_sum_to_one():
    found = frames.weighted(frames.parse_csv("id,weight\na,1\nb,0\nc,3\n", "x"), "x")
    assert found.weights.tolist() == [0.25, 0.0, 0.75]
    assert set(found.table.columns) == {"id"}
    alike = frames.weighted(frames.parse_csv("id\na\nb\n", "x"), "x")
    assert alike.weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("cells", "message_id"),
    [("1\n-1", "tables.weight"), ("1\nx", "tables.weight"), ("0\n0", "tables.no_weight")],
)
def test_weights_that_are_no_chances_are_refused(cells, message_id):
    with pytest.raises(InputError) as caught:
        frames.weighted(frames.parse_csv(f"weight\n{cells}\n", "x"), "x")
    assert caught.value.message_id == message_id


def test_parquet_reads_as_csv_does_or_says_what_to_install(tmp_path, monkeypatch):
    path = tmp_path / "rooms.parquet"
    path.write_bytes(b"PAR1")
    frame = pd.DataFrame({"id": ["a", "b"], "stars": [3, 4]})
    monkeypatch.setattr(pd, "read_parquet", lambda _: frame)
    table = frames.read_table(path)
    assert table.columns["id"].dtype.kind == "U"
    assert table.columns["stars"].tolist() == [3, 4]
    frame.loc[1, "id"] = None
    with pytest.raises(InputError) as gap:
        frames.read_table(path)
    assert gap.value.message_id == "tables.gap"
    assert "row 2" in gap.value.text("en")

    def missing(_):
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(MissingExtraError):
        frames.read_table(path)

    def broken(_):
        raise OverflowError

    monkeypatch.setattr(pd, "read_parquet", broken)
    with pytest.raises(InputError) as caught:
        frames.read_table(path)
    assert caught.value.message_id == "tables.not_parquet"


def test_items_are_told_apart_by_their_ids(tmp_path):
    path = tmp_path / "rooms.csv"
    path.write_text("id,weight\na,1\nb,3\n")
    found = items.read_items(path)
    assert found.table.columns["id"].tolist() == ["a", "b"]
    assert found.weights.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("sku\na\n", "tables.no_id"),
        ("id,price\n", "tables.empty"),
        ("id,price\na,1\nb,2\na,3\n", "tables.id_twice"),
        ("id,price\na,1\n,2\n", "tables.gap"),
    ],
)
def test_items_that_cannot_be_told_apart_are_refused(tmp_path, text, message_id):
    path = tmp_path / "rooms.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        items.read_items(path)
    assert caught.value.message_id == message_id


def test_ids_that_read_alike_are_the_same_id():
    with pytest.raises(InputError):
        items.with_ids(Table({"id": np.array([1, "1"], dtype=object)}), "x")
