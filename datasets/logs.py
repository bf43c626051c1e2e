"""Recorded logs: csv and parquet, read by the columns that are named and grouped by what was asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, MissingExtraError
from .personas import Column

Cell = tuple[str, ...]
"""What was asked: one word for each column."""

LARGE = 256 << 20
"""Bytes of a log beyond which it is not read into memory whole."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Log:
    """A log, grouped by what was asked.

    Parameters
    ----------
    values : mapping of str to (rows,) column
        What was answered.
    cells : mapping of cell to rows
        Rows of each cell, in an order that the seed decides.
    """

    values: Mapping[str, Column]
    cells: Mapping[Cell, NDArray[np.int64]]
    _turns: dict[Cell, Iterator[int]] = field(default_factory=dict)

    def rows(self, cell: Cell) -> Iterator[int]:
        """Return the rows of a cell, each given out once; nothing where the log holds none."""
        turn = self._turns.get(cell)
        if turn is None:
            turn = self._turns[cell] = iter(self.cells.get(cell, np.zeros(0, np.int64)).tolist())
        return turn


def open_log(path: Path, *, keys: Sequence[str], values: Sequence[str], seed: bytes) -> Log:
    """Read the named columns of a log and group its rows.

    Parameters
    ----------
    path : Path
        csv (UTF-8, with or without BOM, or GB18030) or parquet.
    keys, values : sequence of str
        Columns that say what was asked, and what was answered.
    seed : bytes
        Orders the rows of a cell, so that neither time nor place in the file does.

    Raises
    ------
    InputError
        If it cannot be read, or lacks a column.
    MissingExtraError
        If it needs a library that is not installed.
    """
    columns = read_columns(path, dict.fromkeys((*keys, *values)))
    cells = _grouped([columns[name] for name in keys], seed)
    return Log({name: columns[name] for name in values}, cells)


def read_columns(path: Path, names: Mapping[str, None]) -> dict[str, Column]:
    """Return the named columns of a log, as they stand in it.

    Raises
    ------
    InputError
        If it cannot be read, or lacks one of them.
    MissingExtraError
        If it needs a library that is not installed.
    """
    import pandas as pd

    try:
        if path.stat().st_size > LARGE:
            return _by_duckdb(path, list(names))
        frame = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except InputError:  # which is a ValueError too
        raise
    except OSError:
        raise InputError("tables.cannot_open", path=path.name) from None
    except ImportError:
        raise MissingExtraError("tables.no_pyarrow", path=path.name) from None
    except (ValueError, RuntimeError):  # what pandas and arrow raise on a file that is none
        raise InputError("logs.unreadable", path=path.name) from None
    _require(names, [str(name) for name in frame.columns], path)
    return {name: frame[name].to_numpy() for name in names}


def _csv(path: Path) -> Any:
    import pandas as pd

    for encoding in ("utf-8-sig", "gb18030"):
        try:
            # a cell means what it says: nothing is a gap, and 0101 keeps its zero
            return pd.read_csv(path, dtype=str, keep_default_na=False, encoding=encoding)
        except UnicodeDecodeError:
            continue
    raise InputError("tables.encoding", path=path.name)


def _by_duckdb(path: Path, names: list[str]) -> dict[str, Column]:
    """Read a log that is larger than memory may be: only the columns that are named."""
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("logs.no_duckdb", path=path.name) from None
    parquet = path.suffix.lower() == ".parquet"
    try:
        with duckdb.connect() as connection:
            given: Any = (
                connection.read_parquet(str(path))
                if parquet
                else connection.read_csv(str(path), all_varchar=True)
            )
            _require(dict.fromkeys(names), given.columns, path)
            found = given.select(*(duckdb.ColumnExpression(name) for name in names)).fetchnumpy()
    except duckdb.Error:
        raise InputError("logs.unreadable", path=path.name) from None
    return {name: _filled(found[name]) for name in names}


def _filled(column: Any) -> Column:
    """Return a column in which what is missing is None, rather than hidden by a mask."""
    masked = np.ma.isMaskedArray(column)
    return column.astype(object).filled(None) if masked else np.asarray(column)


def _require(names: Mapping[str, None], there: Sequence[str], path: Path) -> None:
    missing = [name for name in names if name not in there]
    if missing:
        raise InputError(
            "logs.no_column", path=path.name, names=", ".join(missing), known=", ".join(there)
        )


def word(value: Any) -> str:
    """Return a value as logs and plans may write it alike: 200, 200.0 and "200" are one number.

    Examples
    --------
    >>> word(200), word("200.0"), word("0101"), word(True), word("True"), word(None)
    ('200', '200', '0101', 'true', 'true', '')
    """
    if value is None or value != value:  # noqa: PLR0124  only NaN is not itself
        return ""
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return f"{float(text):.15g}"
    return text.lower() if text in {"True", "False"} else text


def cell_keys(table: Mapping[str, Column]) -> Iterator[Cell]:
    """Yield what each row of a table asks, as a key."""
    columns = []
    for column in table.values():
        values = column.tolist()
        words = {value: word(value) for value in set(values)}
        columns.append([words[value] for value in values])
    return zip(*columns, strict=True)


def _grouped(columns: Sequence[Column], seed: bytes) -> dict[Cell, NDArray[np.int64]]:
    """Return the rows of each cell, by sorting codes: no row is an object."""
    coded = [_coded(column) for column in columns]
    cell = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, words in coded:
        # numbered anew each time, so that the product stays below the square of the rows
        _, cell = np.unique(cell * len(words) + codes, return_inverse=True)
    digest = hashlib.blake2b(b"log", digest_size=16, key=seed[:64]).digest()
    rng = np.random.Generator(np.random.Philox(key=np.frombuffer(digest, dtype="<u8")))
    order = rng.permutation(len(cell))
    order = order[np.argsort(cell[order], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(cell[order])) + 1) if len(order) else []
    return {tuple(words[codes[rows[0]]] for codes, words in coded): rows for rows in groups}


def _coded(column: Column) -> tuple[NDArray[np.int64], list[str]]:
    """Return a column as codes, and the word of each."""
    import pandas as pd

    codes, values = pd.factorize(column, use_na_sentinel=False)
    words = [word(value) for value in values.tolist()]
    places = {one: place for place, one in enumerate(dict.fromkeys(words))}
    same = np.array([places[one] for one in words], dtype=np.int64)
    return same[codes] if len(same) else codes.astype(np.int64), list(places)
