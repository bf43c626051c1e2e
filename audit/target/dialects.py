"""How model servers want a table, and how they give predictions: one codec a protocol.

A codec is pure. `encode` writes the body of a request; `decode` finds the predictions in a reply that
is JSON, and raises ValueError where it is none of that protocol.

Sources: MLflow's scoring server (``/invocations``); the Open Inference Protocol, version 2;
KServe's data plane, version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import orjson

from ...probes.design import Column
from ..planmachines import KserveTarget, MlflowTarget, OpenInferenceTarget, ServedTarget
from .batch import flat
from .outcomes import objects

Table = Mapping[str, Column]

_DATATYPES = {"i": "INT64", "u": "INT64", "f": "FP64", "b": "BOOL"}


class Codec(Protocol):
    """One protocol of model servers."""

    def encode(self, table: Table, name: str) -> bytes:
        """Return the body that asks about each row of a table; `name` is the batch's own."""
        ...

    def decode(self, tree: Any, name: str) -> Any:
        """Return the predictions of a reply: a column, or a mapping of columns."""
        ...


def codec_of(spec: ServedTarget) -> Codec:
    """Return the codec of a target's protocol."""
    if isinstance(spec, MlflowTarget):
        return Mlflow(spec.orient)
    if isinstance(spec, OpenInferenceTarget):
        return OpenInference(spec.tensor, spec.datatype)
    assert isinstance(spec, KserveTarget)  # noqa: S101  the union has no other
    return KserveV1(spec.named)


@dataclass(frozen=True, slots=True)
class Mlflow:
    """MLflow's scoring server: a data frame in, ``predictions`` out.

    Examples
    --------
    >>> codec, table = Mlflow("split"), {"age": np.array([30, 40]), "device": np.array(["a", "b"])}
    >>> codec.encode(table, "")
    b'{"dataframe_split":{"columns":["age","device"],"data":[[30,"a"],[40,"b"]]}}'
    >>> codec.decode({"predictions": [22.5, 20.1]}, "").tolist()
    [22.5, 20.1]
    """

    orient: Literal["records", "split"] = "records"

    def encode(self, table: Table, name: str) -> bytes:  # noqa: ARG002  it has no ids
        """Return the body of a request."""
        if self.orient == "records":
            return orjson.dumps({"dataframe_records": records(table)})
        return orjson.dumps({"dataframe_split": {"columns": list(table), "data": rows(table)}})

    def decode(self, tree: Any, name: str) -> Any:  # noqa: ARG002  it has no ids
        """Return the predictions."""
        return predictions(tree)


@dataclass(frozen=True, slots=True)
class KserveV1:
    """KServe V1: ``instances`` in, ``predictions`` out.

    Examples
    --------
    >>> KserveV1(named=False).encode({"age": np.array([30]), "km": np.array([7.5])}, "")
    b'{"instances":[[30,7.5]]}'
    """

    named: bool = True

    def encode(self, table: Table, name: str) -> bytes:  # noqa: ARG002  it has no ids
        """Return the body of a request."""
        return orjson.dumps({"instances": records(table) if self.named else rows(table)})

    def decode(self, tree: Any, name: str) -> Any:  # noqa: ARG002  it has no ids
        """Return the predictions."""
        return predictions(tree)


@dataclass(frozen=True, slots=True)
class OpenInference:
    """Open Inference V2: tensors in, tensors out, under an id that comes back.

    Examples
    --------
    >>> table = {"age": np.array([30, 40]), "km": np.array([7.5, 1.0])}
    >>> OpenInference("X", "FP64").encode(table, "b1")
    b'{"id":"b1","inputs":[{"name":"X","shape":[2,2],"datatype":"FP64","data":[30.0,7.5,40.0,1.0]}]}'
    >>> reply = {"id": "b1", "outputs": [{"name": "y", "shape": [2, 1], "data": [[5.0], [6.0]]}]}
    >>> OpenInference("X").decode(reply, "b1").tolist()
    [5.0, 6.0]
    """

    tensor: str | None = None
    datatype: str = "FP64"

    def encode(self, table: Table, name: str) -> bytes:
        """Return the body of a request."""
        if self.tensor is None:
            inputs = [_input(column, table[column]) for column in table]
            # what reads one input a column calls that a data frame; others leave parameters aside
            return orjson.dumps(
                {"id": name, "parameters": {"content_type": "pd"}, "inputs": inputs}
            )
        number = float if self.datatype.startswith("FP") else int
        side_by_side = [[number(value) for value in row] for row in rows(table)]
        one = {
            "name": self.tensor,
            "shape": [len(side_by_side), len(table)],
            "datatype": self.datatype,
            "data": [value for row in side_by_side for value in row],
        }
        return orjson.dumps({"id": name, "inputs": [one]})

    def decode(self, tree: Any, name: str) -> Any:
        """Return the outputs. One that comes back under another id is not ours."""
        outputs = tree.get("outputs") if isinstance(tree, dict) else None
        if not isinstance(outputs, list) or not outputs:
            raise ValueError("outputs")
        if tree.get("id") not in {None, "", name}:
            raise ValueError("id")
        found = {str(one["name"]): _output(one) for one in outputs if _is_output(one)}
        if len(found) != len(outputs):
            raise ValueError("outputs")
        return next(iter(found.values())) if len(found) == 1 else found


def _input(name: str, column: Column) -> dict[str, Any]:
    datatype = _DATATYPES.get(column.dtype.kind, "BYTES")
    text = datatype == "BYTES"
    data = [str(value) for value in column.tolist()] if text else column.tolist()
    made = {"name": name, "shape": [len(column), 1], "datatype": datatype, "data": data}
    return made | ({"parameters": {"content_type": "str"}} if text else {})


def _is_output(one: Any) -> bool:
    return isinstance(one, dict) and "name" in one and isinstance(one.get("data"), list)


def _output(one: Mapping[str, Any]) -> Column:
    """Return an output as a column: [n] and [n, 1] are one, flat or nested."""
    data, shape = one["data"], one.get("shape")
    width = int(np.prod(shape[1:])) if isinstance(shape, list) and _whole(shape) else 1
    while data and isinstance(data[0], list):
        data = [value for row in data for value in (row if isinstance(row, list) else [row])]
    if width != 1:
        raise ValueError("shape")
    return column_of_values(data)


def _whole(shape: list[Any]) -> bool:
    return all(isinstance(size, int) for size in shape)


def rows(table: Table) -> list[tuple[Any, ...]]:
    """Return a table row by row."""
    return list(zip(*(column.tolist() for column in table.values()), strict=True))


def records(table: Table) -> list[dict[str, Any]]:
    """Return a table row by row, each value with the name of its column."""
    names = list(table)
    return [dict(zip(names, row, strict=True)) for row in rows(table)]


def predictions(tree: Any) -> Any:
    """Return what stands under ``predictions``: a column, or a mapping of columns.

    Examples
    --------
    >>> predictions({"predictions": [[1.5], [2.5]]}).tolist()
    [1.5, 2.5]
    >>> predictions({"predictions": [{"p": 1.5, "q": "a"}, {"p": 2.5}]})["q"].tolist()
    ['a', None]
    """
    found = tree.get("predictions") if isinstance(tree, dict) else None
    if isinstance(found, dict) and all(isinstance(one, list) for one in found.values()):
        return {name: column_of_values(values) for name, values in found.items()}
    if not isinstance(found, list):
        raise ValueError("predictions")  # noqa: TRY004  a reply that is none of the protocol
    if found and all(isinstance(row, dict) for row in found):
        names = dict.fromkeys(name for row in found for name in row)
        return {name: column_of_values([row.get(name) for row in found]) for name in names}
    single = found and all(isinstance(row, list) and len(row) == 1 for row in found)
    return column_of_values([row[0] for row in found] if single else found)


def column_of_values(values: list[Any]) -> Column:
    """Return values as a column of numbers where all are, else as they came."""
    kinds = set(map(type, values))
    return flat(np.array(values, dtype=float)) if kinds <= {int, float} else objects(values)
