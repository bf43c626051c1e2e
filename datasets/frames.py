"""Tables in files: csv and parquet, read the same way everywhere.

A cell means what it says: ``0101`` keeps its zero, ``NA`` is a text (Namibia), and nothing is filled
in for a cell that is empty.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingExtraError
from .personas import Column, Table

WEIGHT = "weight"
"""The column that declares how likely each row is to be drawn."""

MAX_BYTES = 1 << 30
_DELIMITERS = (",", ";", "\t")
_INT = re.compile(r"-?(?:0|[1-9][0-9]{0,14})")
_FLOAT = re.compile(r"-?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")
_LEADING_ZERO = re.compile(r"-?0[0-9]")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that can be drawn, and the chance of each; the chances sum to 1."""

    table: Table
    weights: NDArray[np.float64]


def read_table(path: Path) -> Table:
    """Read a csv file (UTF-8, with or without BOM, or GB18030) or a parquet file.

    In a csv file the first row names the columns; they are separated by commas, semicolons or
    tabs. A column is of whole numbers, numbers or truth values if all of its cells are; else text.

    Raises
    ------
    InputError
        If the file cannot be read as a table, or a column of numbers has an empty cell.
    MissingExtraError
        If it is parquet and pyarrow is not installed.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError("tables.too_large", path=path.name, limit=MAX_BYTES)
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path)
        data = path.read_bytes()
    except OSError:
        raise InputError("tables.cannot_open", path=path.name) from None
    return parse_csv(decode(data, path.name), path.name)


def parse_csv(text: str, name: str) -> Table:
    r"""Read the text of a csv file; `name` is what messages call it.

    Raises
    ------
    InputError
        As :func:`read_table`.

    Examples
    --------
    >>> rooms = parse_csv("id,stars,code\na,3,01\nb,4,02", "rooms.csv")
    >>> rooms.columns["stars"].tolist(), rooms.columns["code"].tolist()
    ([3, 4], ['01', '02'])
    """
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if rows and len(row) != len(rows[0]):
                raise InputError(
                    "tables.ragged",
                    path=name,
                    line=reader.line_num,
                    wanted=len(rows[0]),
                    got=len(row),
                )
            rows.append(row)
    except csv.Error:
        raise InputError("tables.not_csv", path=name, line=reader.line_num) from None
    if not rows:
        raise InputError("tables.no_header", path=name)
    names = [cell.strip() for cell in rows[0]]
    _check_names(names, name)
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else iter([()] * len(names))
    return Table(
        {column: _typed(cells, column, name) for column, cells in zip(names, columns, strict=True)}
    )


def weighted(table: Table, name: str) -> Frame:
    """Take the weights out of a table: its column ``weight``, else each row alike.

    Raises
    ------
    InputError
        If a weight is not a number of at least 0, or all are 0.

    Examples
    --------
    >>> people = Table({"age": np.array([20, 60]), "weight": np.array([3, 1])})
    >>> weighted(people, "people.csv").weights.tolist()
    [0.75, 0.25]
    """
    columns = dict(table.columns)
    given = columns.pop(WEIGHT, None)
    if given is None:
        return Frame(table, np.full(len(table), 1 / max(1, len(table))))
    if given.dtype.kind not in "iuf":
        raise InputError("tables.weight", path=name, row=1, got=str(given[:1].tolist()))
    weights = given.astype(np.float64)
    bad = ~(np.isfinite(weights) & (weights >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise InputError("tables.weight", path=name, row=row + 1, got=str(given[row]))
    if len(weights) and weights.sum() == 0:
        raise InputError("tables.no_weight", path=name)
    return Frame(Table(columns), weights / (weights.sum() or 1.0))


def decode(data: bytes, name: str) -> str:
    """Return the text of a file: UTF-8 with or without BOM, else GB18030."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError("tables.encoding", path=name)


def _check_names(names: Sequence[str], path: str) -> None:
    if not all(names):
        raise InputError("tables.nameless", path=path, place=names.index("") + 1)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError("tables.column_twice", path=path, column=twice)


def _typed(cells: Sequence[str], column: str, path: str) -> Column:
    kinds = set(cells)
    full = kinds - {""}
    if not full or not _is_number(full):
        if full and full <= _TRUTH.keys():
            _refuse_gap(cells, column, path)
            return np.array([_TRUTH[cell] for cell in cells], dtype=bool)
        return np.array(cells, dtype=np.str_)
    _refuse_gap(cells, column, path)
    whole = all(_INT.fullmatch(cell) for cell in full)
    return np.array(cells).astype(np.int64 if whole else np.float64)


def _is_number(cells: set[str]) -> bool:
    return all(_FLOAT.fullmatch(cell) and not _LEADING_ZERO.match(cell) for cell in cells)


def _refuse_gap(cells: Sequence[str], column: str, path: str) -> None:
    if "" in cells:
        raise InputError("tables.gap", path=path, column=column, row=list(cells).index("") + 1)


def _read_parquet(path: Path) -> Table:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise MissingExtraError("tables.no_pyarrow", path=path.name) from None
    except Exception:  # noqa: BLE001 - a broken file raises whatever the engine likes
        raise InputError("tables.not_parquet", path=path.name) from None
    _check_names([str(name) for name in frame.columns], path.name)
    for name in frame.columns:
        empty = frame[name].isna().to_numpy()
        if empty.any():
            row = int(np.argmax(empty)) + 1
            raise InputError("tables.gap", path=path.name, column=str(name), row=row)
    return texts_as_texts(Table.from_frame(frame))


def texts_as_texts(table: Table) -> Table:
    """Return the table with columns of Python strings as columns of numpy text.

    Examples
    --------
    >>> texts_as_texts(Table({"id": np.array(["a"], dtype=object)})).columns["id"].dtype.kind
    'U'
    """
    return Table(
        {
            name: column.astype(np.str_)
            if column.dtype.kind == "O" and all(isinstance(cell, str) for cell in column)
            else column
            for name, column in table.columns.items()
        }
    )
