"""Data frames in: only the named columns, ids as hashes, written down so that the run can be replayed.

A csv file says less than a data frame does: that a postcode of digits is a text, that a column is a
category. What is lost is kept here and given back before a model of this process is asked.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import numpy as np

from ..datasets.frames import WEIGHT, parse_csv
from ..datasets.personas import Column
from ..errors import InputError

Kind = Literal["pandas", "polars", "pyarrow"]
"""The libraries whose data frames are taken and given back."""

HASH = 16
"""Hexadecimal signs of a hashed id: two of a million rows clash once in tens of millions of times."""

_TEXTS = frozenset({"U", "O"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A data frame of the caller, cut down to what the plan names.

    Parameters
    ----------
    kind : {"pandas", "polars", "pyarrow"}
        The library that it came from.
    columns : mapping of str to (n,) array
        As they are written down.
    ids : mapping of str to level
        Hash → id; it stays in this process.
    id_column : str, optional
    order : sequence of str
        The columns as the caller's frame has them.
    categories : mapping of str to dtype
        pandas categories, which a model may insist on.
    """

    kind: Kind
    columns: Mapping[str, Column]
    order: Sequence[str] = ()
    ids: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id_column: str | None = None
    categories: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def write(self, path: Path) -> None:
        """Write the columns as a csv file; only its owner may read it.

        Raises
        ------
        InputError
            If a text would be read back as a number that is not the same text.
        """
        text = self._text()
        back = parse_csv(text, path.name)
        for name, column in self.columns.items():
            if column.dtype.kind in _TEXTS and back.columns[name].dtype.kind not in _TEXTS:
                self._same(name, column, back.columns[name])
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")

    def _text(self) -> str:
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(zip(*(c.tolist() for c in self.columns.values()), strict=True))
        return out.getvalue()

    @staticmethod
    def _same(name: str, column: Column, back: Column) -> None:
        for row, (said, read) in enumerate(zip(column.tolist(), back.tolist(), strict=True)):
            if str(read) != said:
                raise InputError("api.text_number", column=name, row=row + 1, got=said)

    @property
    def texts(self) -> frozenset[str]:
        """Columns that hold texts."""
        return frozenset(n for n, column in self.columns.items() if column.dtype.kind in _TEXTS)


def kind_of(frame: Any) -> Kind:
    """Return the library of a data frame.

    Raises
    ------
    InputError
        If it is no data frame of a library that is known.

    Examples
    --------
    >>> import pandas as pd
    >>> kind_of(pd.DataFrame({"age": [30]}))
    'pandas'
    """
    implementation = str(_frame(frame).implementation)
    if implementation == "pandas":
        return "pandas"
    if implementation == "polars":
        return "polars"
    return "pyarrow"


def _frame(frame: Any) -> nw.DataFrame[Any]:
    found: Any
    try:
        found = nw.from_native(frame, eager_only=True)
    except TypeError:
        found = None
    if found is None or str(found.implementation) not in {"pandas", "polars", "pyarrow"}:
        raise InputError("api.no_frame", got=type(frame).__name__)
    table: nw.DataFrame[Any] = found
    return table


def columns_of(frame: Any) -> list[str]:
    """Return the names of the columns of a data frame.

    Examples
    --------
    >>> import pandas as pd
    >>> columns_of(pd.DataFrame({"age": [30], "city": ["Porto"]}))
    ['age', 'city']
    """
    return list(_frame(frame).columns)


def given(frame: Any, names: Sequence[str], *, ids: str | None, seed: int) -> Given:
    """Take the named columns of a data frame, and ``weight`` where there is one.

    Parameters
    ----------
    frame : pandas, polars or pyarrow data frame
    names : sequence of str
        Columns to keep, besides the ids.
    ids : str, optional
        Column of real ids: kept as hashes. The key comes from the seed and all ids together, so
        nobody who does not know them all already can test a guess.
    seed : int

    Raises
    ------
    InputError
        If a column is not there, or has missing values, or the frame is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"phone": [139, 138], "age": [30, 40], "income": [1, 2]})
    >>> kept = given(people, ["age"], ids="phone", seed=0)
    >>> list(kept.columns), len(kept.columns["phone"][0]), sorted(kept.ids.values())
    (['age', 'phone'], 16, [138, 139])
    """
    table = _frame(frame)
    wanted = [*names, *([ids] if ids else []), *([WEIGHT] if WEIGHT in table.columns else [])]
    missing = [name for name in dict.fromkeys(wanted) if name not in table.columns]
    if missing:
        known = ", ".join(table.columns)
        raise InputError("api.no_column", names=", ".join(missing), known=known)
    if not len(table):
        raise InputError("tables.empty", path="personas")
    columns = {name: _column(table, name) for name in dict.fromkeys(wanted)}
    hashed: dict[str, Any] = {}
    if ids is not None:
        hashed = _hashes(columns[ids], seed)
        backwards = {value: key for key, value in hashed.items()}
        columns[ids] = np.array([backwards[value] for value in columns[ids].tolist()])
    return Given(
        kind=kind_of(frame),
        columns=columns,
        order=[name for name in table.columns if name in columns],
        ids=hashed,
        id_column=ids,
        categories=_categories(frame, columns),
    )


def _column(table: nw.DataFrame[Any], name: str) -> Column:
    series = table[name]
    gaps = series.is_null() | series.is_nan() if series.dtype.is_float() else series.is_null()
    if gaps.any():
        raise InputError(
            "api.gap", column=name, rows=int(gaps.sum()), row=int(np.argmax(gaps.to_numpy())) + 1
        )
    if series.dtype in {nw.Categorical, nw.Enum}:
        series = series.cast(nw.String)
    values = series.to_numpy()
    if values.dtype.kind in "biufU":
        return values
    cells = values.tolist()
    if all(isinstance(cell, str) for cell in cells):
        return np.array(cells, dtype=np.str_)
    if all(isinstance(cell, bool | np.bool_) for cell in cells):
        return np.array(cells, dtype=bool)
    raise InputError("api.column_kind", column=name, got=str(series.dtype))


def _categories(frame: Any, columns: Mapping[str, Any]) -> dict[str, Any]:
    dtypes = getattr(frame, "dtypes", None)
    if not hasattr(frame, "iloc") or dtypes is None:
        return {}
    return {
        name: dtypes[name]
        for name in columns
        if name in dtypes and str(getattr(dtypes[name], "name", "")) == "category"
    }


def same_categories(frame: Any, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse levels that a pandas category does not know: the model would be given a gap.

    Raises
    ------
    InputError
        If a level is none of its column's categories.
    """
    kinds = _categories(frame, attributes)
    for name, kind in kinds.items():
        part = attributes[name]
        asked = [*part.get("levels", ()), part.get("reference")]
        known = {str(one) for one in kind.categories}
        for one in asked:
            if one is not None and str(one) not in known:
                raise InputError(
                    "api.no_category", column=name, got=str(one), known=", ".join(sorted(known))
                )


def _hashes(column: Column, seed: int) -> dict[str, Any]:
    """Return hash → id of each distinct id."""
    values = sorted(set(column.tolist()), key=repr)
    whole = hashlib.sha256(f"evenhand ids\n{seed}\n".encode() + repr(values).encode())
    key = whole.digest()
    return {
        hmac.new(key, repr(value).encode(), hashlib.sha256).hexdigest()[:HASH]: value
        for value in values
    }


def level(value: Any) -> Any:
    """Return a level as plain Python; numpy's scalars come out of data frames.

    Examples
    --------
    >>> level(np.int64(3)), level("a")
    (3, 'a')
    """
    return value.item() if isinstance(value, np.generic) else value
