"""What a model says that it takes: its columns, their types, the values of a category.

Read from what servers and their tools write: the metadata of Open Inference V2, an OpenAPI document,
the ``MLmodel`` file that lies beside an MLflow model. What is in none of them is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from ...errors import UsageError

Kind = Literal["integer", "number", "text", "truth"]

LARGEST = 4 << 20
"""Bytes of a schema beyond which nobody meant one."""

_MLFLOW: Mapping[str, Kind] = {
    "integer": "integer", "long": "integer", "float": "number", "double": "number",
    "string": "text", "boolean": "truth",
}  # fmt: skip
_OPENAPI: Mapping[str, Kind] = {
    "integer": "integer", "number": "number", "string": "text", "boolean": "truth",
}  # fmt: skip
_HOPS = 32


@dataclass(frozen=True, slots=True)
class Taken:
    """One column that a model takes.

    Parameters
    ----------
    kind : {"integer", "number", "text", "truth"} or None
        None where it is not said.
    values : tuple
        The only values that it takes; empty where that is not said.
    required : bool
        Whether the model must be given it.
    """

    kind: Kind | None = None
    values: tuple[Any, ...] = ()
    required: bool = True


Schema = Mapping[str, Taken]


def read_schema(data: bytes, name: str) -> Schema:
    """Return the columns that a model takes, by what it says of itself.

    Parameters
    ----------
    data : bytes
        JSON or YAML.
    name : str
        What messages call the file.

    Raises
    ------
    UsageError
        If it is none of the forms that are known.

    Examples
    --------
    >>> read_schema(b'{"inputs": [{"name": "age", "datatype": "INT64", "shape": [-1, 1]}]}', "v2.json")
    {'age': Taken(kind='integer', values=(), required=True)}
    """
    if len(data) > LARGEST:
        raise UsageError("serving.schema_unreadable", path=name)
    try:
        tree = _tree(data)
        found = dict(_columns(tree)) if isinstance(tree, dict) else {}  # a text within may be none
    except (yaml.YAMLError, RecursionError, ValueError):
        found = {}
    if not found:
        raise UsageError("serving.schema_unreadable", path=name)
    return found


def _tree(data: bytes | str) -> Any:
    return yaml.load(data, Loader=_Plain)  # noqa: S506  a loader of ours: safe, and without dates


class _Plain(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Reads dates as the texts that they are."""


_Plain.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if not pair[0].endswith("timestamp")]
    for first, pairs in _Plain.yaml_implicit_resolvers.items()
}


def _columns(tree: Mapping[str, Any]) -> Iterator[tuple[str, Taken]]:
    if "openapi" in tree:
        for _, _, body in bodies(tree):
            yield from properties(body, tree)
    elif isinstance(tree.get("signature"), dict):
        yield from _signature(tree["signature"].get("inputs"))
    elif isinstance(tree.get("inputs"), list):
        yield from _tensors(tree["inputs"])


def _signature(inputs: Any) -> Iterator[tuple[str, Taken]]:
    """Yield the columns of an MLflow signature, which is JSON within YAML."""
    found = _tree(inputs) if isinstance(inputs, str) else inputs
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict) and "name" in one:
            required = one.get("required", True) is not False
            yield str(one["name"]), Taken(_MLFLOW.get(str(one.get("type"))), required=required)


def _tensors(inputs: list[Any]) -> Iterator[tuple[str, Taken]]:
    for one in inputs:
        if isinstance(one, dict) and "name" in one:
            yield str(one["name"]), Taken(_datatype(str(one.get("datatype", ""))))


def _datatype(name: str) -> Kind | None:
    heads: Mapping[str, Kind] = {
        "UINT": "integer", "INT": "integer", "FP": "number", "BF": "number",
        "BYTES": "text", "BOOL": "truth",
    }  # fmt: skip
    return next((kind for head, kind in heads.items() if name.startswith(head)), None)


# ------------------------------------------------------------------------------ OpenAPI


def bodies(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield path, method and the schema of the JSON body of every operation that takes one."""
    paths = document.get("paths")
    for path, operations in (paths if isinstance(paths, dict) else {}).items():
        for method, operation in (operations if isinstance(operations, dict) else {}).items():
            body = at(operation, "requestBody", document)
            content = at(body, "content", document)
            media = at(content, "application/json", document)
            schema = at(media, "schema", document)
            if schema:
                yield str(path), str(method).upper(), schema


def at(node: Any, key: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping under `key`, references followed; empty where there is none."""
    return resolved(node.get(key), document) if isinstance(node, dict) else {}


def resolved(node: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node with its reference followed, within the document alone.

    Examples
    --------
    >>> resolved({"$ref": "#/a/b"}, {"a": {"b": {"type": "integer"}}})
    {'type': 'integer'}
    """
    for _ in range(_HOPS):
        if not isinstance(node, dict):
            return {}
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        node = document
        for part in reference.removeprefix("#/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else None
    return {}


def properties(
    schema: Mapping[str, Any], document: Mapping[str, Any], depth: int = 0
) -> Iterator[tuple[str, Taken]]:
    """Yield the fields of a body, those of inner objects and of the rows of a list too."""
    if depth > _HOPS:
        return
    required = schema.get("required")
    for part in _whole(schema, document):
        for name, node in at(part, "properties", document).items():
            one = simple(node, document)
            inner = _inner(one, document)
            if inner:
                yield from properties(inner, document, depth + 1)
            else:
                must = isinstance(required, list) and name in required
                yield str(name), taken(one, required=must)


def _whole(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for part in schema.get("allOf") or ():
        yield resolved(part, document)


def _inner(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = at(node, "items", document)
    return next((one for one in (node, rows) if "properties" in one), {})


def simple(node: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node as one schema: what may also be null is what it is otherwise."""
    found = resolved(node, document)
    choices = found.get("anyOf") or found.get("oneOf")
    if isinstance(choices, list):
        several = [resolved(one, document) for one in choices]
        one = next((one for one in several if one.get("type") != "null"), {})
        return {**found, **one}
    return found


def taken(node: Mapping[str, Any], *, required: bool) -> Taken:
    """Return what one field takes.

    Examples
    --------
    >>> taken({"type": "string", "enum": ["ios", "android"]}, required=True)
    Taken(kind='text', values=('ios', 'android'), required=True)
    """
    values = node.get("enum")
    if not isinstance(values, list):
        values = [node["const"]] if "const" in node else []
    kinds = node.get("type")
    kind = kinds if isinstance(kinds, str) else None
    return Taken(_OPENAPI.get(str(kind)), tuple(values), required)
