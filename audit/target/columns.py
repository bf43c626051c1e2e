"""Columns as bytes and back: how a table travels to and from a callable.

One line of JSON says name, type and length; what follows are the columns, little-endian, one after
the other. Numbers and truth values travel raw, short texts as fixed-width UTF-32, all else as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import orjson

from ...probes.design import Column

_RAW = frozenset("biufU")


def pack(columns: Mapping[str, Column]) -> bytes:
    """Return columns as bytes.

    Examples
    --------
    >>> table = unpack(pack({"age": np.array([30, 40]), "who": np.array(["a", None], dtype=object)}))
    >>> table["age"].tolist(), table["who"].tolist()
    ([30, 40], ['a', None])
    """
    head: list[tuple[str, str, int]] = []
    parts: list[bytes] = []
    for name, column in columns.items():
        kind, data = _packed(column)
        head.append((name, kind, len(data)))
        parts.append(data)
    return orjson.dumps(head) + b"\n" + b"".join(parts)


def _packed(column: Column) -> tuple[str, bytes]:
    if column.dtype.kind in _RAW:
        little = column.astype(column.dtype.newbyteorder("<"), copy=False)
        return little.dtype.str, little.tobytes()
    return "json", orjson.dumps(column.tolist(), default=_plain)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)


def unpack(data: bytes) -> dict[str, Column]:
    """Read what :func:`pack` wrote.

    Raises
    ------
    ValueError
        If the bytes are not of that form.
    """
    line, _, rest = data.partition(b"\n")
    out: dict[str, Column] = {}
    start = 0
    for name, kind, length in orjson.loads(line):
        part = memoryview(rest)[start : start + length]
        out[name] = _objects(bytes(part)) if kind == "json" else np.frombuffer(part, dtype=kind)
        start += length
    return out


def _objects(data: bytes) -> Column:
    values = orjson.loads(data)
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
