"""What is asked about: rooms, rides, policies, products. One row an item."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from .frames import Frame, read_table, weighted
from .personas import Table

ID = "id"


def read_items(path: Path) -> Frame:
    """Read a file of items. A column ``id`` is required; a column ``weight`` declares chances.

    Raises
    ------
    InputError
        If the file is no table, has no column ``id``, an id twice, or no item.
    """
    return weighted(with_ids(read_table(path), path.name), path.name)


def with_ids(table: Table, name: str) -> Table:
    """Return a table whose column ``id`` tells every row apart.

    Raises
    ------
    InputError
        If it does not, or there is no row.

    Examples
    --------
    >>> len(with_ids(Table({"id": np.array(["a", "b"])}), "rooms.csv"))
    2
    """
    if ID not in table.columns:
        raise InputError("tables.no_id", path=name, known=", ".join(table.columns))
    if len(table) == 0:
        raise InputError("tables.empty", path=name)
    ids = [str(value) for value in table.columns[ID].tolist()]
    if "" in ids:
        raise InputError("tables.gap", path=name, column=ID, row=ids.index("") + 1)
    values, counts = np.unique(ids, return_counts=True)
    if counts.max() > 1:
        twice = str(values[int(np.argmax(counts))])
        rows = [row for row, value in enumerate(ids, 1) if value == twice]
        raise InputError("tables.id_twice", path=name, id=twice, first=rows[0], second=rows[1])
    return table
