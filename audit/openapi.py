"""From a server's OpenAPI document to the draft of a plan: ``evenhand init --openapi``.

What the document says is filled in: the address, the fields of a request, the values of a choice, what
looks like a price. What only an auditor can say is left as a marked gap (:data:`GAP`), and ``check``
names each of them: nothing about money, roles and limits is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import Request, urlopen

import yaml

from ..errors import UsageError
from ..messages import text
from .planshape import GAP, listed, near
from .target.schemas import LARGEST, at, bodies, resolved, simple, taken

PATIENCE = 10.0
"""Seconds to wait for a document."""

_DEPTH = 8
_IDENTITY = re.compile(
    r"(user|customer|account|session|member|client|visitor)_?id|uid|identity", re.IGNORECASE
)
_PRICE = re.compile(r"price|amount|total|fare|cost|premium|quote", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Place:
    """One field of a request: where it stands, what it takes, what it is called in the plan."""

    path: tuple[str, ...]
    node: Mapping[str, Any]
    required: bool

    @property
    def name(self) -> str:
        """What the plan calls it: its own name."""
        return self.path[-1]


def read_document(source: str) -> tuple[dict[str, Any], str | None]:
    """Return an OpenAPI document, from a file or an address, and the address it came from.

    Raises
    ------
    UsageError
        If there is none.
    """
    remote = source.startswith(("http://", "https://"))
    try:
        data = _fetched(source) if remote else Path(source).read_bytes()[: LARGEST + 1]
    except (OSError, ValueError):
        raise UsageError("openapi.unreachable", source=source) from None
    if len(data) > LARGEST:
        raise UsageError("openapi.not_one", source=source)
    try:
        tree = json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError, RecursionError):
        tree = None
    if not isinstance(tree, dict) or "openapi" not in tree:
        raise UsageError("openapi.not_one", source=source)
    return tree, source if remote else None


def _fetched(source: str) -> bytes:
    asking = Request(source, headers={"accept": "application/json"})  # noqa: S310  http or https
    try:
        with urlopen(asking, timeout=PATIENCE) as answer:  # noqa: S310  checked by the caller
            data: bytes = answer.read(LARGEST + 1)
    except URLError as problem:
        raise OSError from problem
    return data


def draft(
    document: Mapping[str, Any],
    language: str,
    *,
    source: str | None = None,
    operation: str | None = None,
) -> str:
    """Return the draft of a plan, with comments in `language`.

    Parameters
    ----------
    document : mapping
        As :func:`read_document` gives it.
    language : {"zh", "en"}
    source : str, optional
        Where the document came from: its servers may be named relative to it.
    operation : str, optional
        Which operation is the quote, ``"POST /quote"``. Default: the only one, or the first whose
        reply holds something like a price.

    Raises
    ------
    UsageError
        If no operation takes a JSON body, or `operation` is none of them.
    """
    path, method, schema, others = chosen(document, operation)
    places = list(_places(schema, document))
    write = _Writer(language)
    title = str(document.get("info", {}).get("title") or path)
    write.note("openapi.top", operation=f"{method} {path}")
    if others:
        write.note("openapi.others", operations=listed(others))
    write.lines("evenhand: 1", "audit:", f"  title: {_quoted(title)}")
    for name in ("vendor", "commissioned_by", "paid_by", "conflicts"):
        write.lines(f"  {name}: {_quoted(GAP)}")
    write.note("openapi.authorisation")
    write.note("templates.why_seed")
    write.lines("seed: 20261123", "target:", "  kind: http")
    write.lines(f"  url: {_quoted(address(document, path, source))}", f"  method: {method}")
    write.lines("  request:", *_yaml(_request(places), 4))
    _answers(write, document, path, method)
    write.note("openapi.money", 2)
    write.lines(
        f"  money: {{currency: {_quoted(GAP)}, unit: {_quoted(GAP)}, per: {_quoted(GAP)}, "
        f"includes: [{_quoted(GAP)}]}}"
    )
    write.lines("  limits: {requests_per_second: 20, concurrency: 4, timeout: 5s, attempts: 4}")
    _attributes(write, [place for place in places if not _is_identity(place)])
    _rest(write)
    return write.text


def chosen(
    document: Mapping[str, Any], operation: str | None
) -> tuple[str, str, Mapping[str, Any], list[str]]:
    """Return path, method and body of the operation that asks for a price, and all the others.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = {f"{method} {path}": (path, method, body) for path, method, body in bodies(document)}
    if operation is not None and operation not in found:
        raise UsageError(
            "openapi.no_operation",
            name=operation,
            known=listed(found),
            near=near(operation, found),
        )
    if not found:
        raise UsageError("openapi.no_bodies")
    priced = [name for name, (path, method, _) in found.items() if _final(document, path, method)]
    name = operation or next(iter(priced or found))
    path, method, body = found[name]
    return path, method, body, [other for other in found if other != name]


def address(document: Mapping[str, Any], path: str, source: str | None) -> str:
    """Return where an operation is: by the document's servers, or where it came from; else a gap.

    Examples
    --------
    >>> address({"servers": [{"url": "/v2"}]}, "/quote", "http://127.0.0.1:8000/openapi.json")
    'http://127.0.0.1:8000/v2/quote'
    >>> address({}, "/quote", None)
    '?'
    """
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    base = urljoin(source or "", str(first.get("url") or "/") if isinstance(first, dict) else "/")
    return base.rstrip("/") + path if urlsplit(base).netloc else GAP


def _places(
    schema: Mapping[str, Any], document: Mapping[str, Any], path: tuple[str, ...] = ()
) -> Iterator[Place]:
    """Yield the fields of a body in their order: what must be there, and every choice."""
    required = schema.get("required")
    for part in (schema, *(resolved(one, document) for one in schema.get("allOf") or ())):
        for name, node in at(part, "properties", document).items():
            one, must = simple(node, document), isinstance(required, list) and name in required
            if "properties" in one and len(path) < _DEPTH:
                yield from _places(one, document, (*path, str(name)))
            elif must or "enum" in one:
                yield Place((*path, str(name)), one, must)


def _request(places: list[Place]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for place in places:
        inner = tree
        for part in place.path[:-1]:
            inner = inner.setdefault(part, {})
        field = "identity" if _is_identity(place) else f"persona.{place.name}"
        inner[place.name] = f"{{{{{field}}}}}"
    return tree


def _is_identity(place: Place) -> bool:
    return bool(_IDENTITY.fullmatch(place.name)) and place.node.get("type") == "string"


# --------------------------------------------------------------------------------- what is written


class _Writer:
    """Lines of a plan, with comments in one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._lines: list[str] = []

    def note(self, message_id: str, indent: int = 0, **values: Any) -> None:
        """Write a comment."""
        rows = text(message_id, self._language, **values).splitlines()
        self._lines += [f"{' ' * indent}# {row}" for row in rows]

    def lines(self, *lines: str) -> None:
        """Write lines as they are."""
        self._lines += lines

    @property
    def text(self) -> str:
        """Everything that was written."""
        return "".join(f"{line}\n" for line in self._lines)


def _answers(write: _Writer, document: Mapping[str, Any], path: str, method: str) -> None:
    final = _final(document, path, method)
    write.note("openapi.response" if final is None else "openapi.response_found", 2)
    write.lines("  response:", f"    final: {_quoted(final or GAP)}")
    currency = _found(document, path, method, re.compile("currency", re.IGNORECASE), {"string"})
    if currency is not None:
        write.lines(f"    currency: {_quoted(currency)}")


def _final(document: Mapping[str, Any], path: str, method: str) -> str | None:
    return _found(document, path, method, _PRICE, {"number", "integer"})


def _found(
    document: Mapping[str, Any], path: str, method: str, name: re.Pattern[str], kinds: set[str]
) -> str | None:
    """Return where a reply holds a field of such a name and type, the shallowest first."""
    operation = at(at(document, "paths", document).get(path), method.lower(), document)
    replies = at(operation, "responses", document)
    success = next((str(code) for code in replies if str(code).startswith("2")), "default")
    media = at(
        at(at(replies, success, document), "content", document), "application/json", document
    )
    level: list[tuple[str, Mapping[str, Any]]] = [("$", at(media, "schema", document))]
    for _ in range(_DEPTH):
        below = [
            (_step(where, str(key)), str(key), simple(node, document))
            for where, schema in level
            for key, node in at(schema, "properties", document).items()
        ]
        for where, key, node in below:
            if node.get("type") in kinds and name.search(key):
                return where
        level = [(where, node) for where, _, node in below if "properties" in node]
    return None


def _step(where: str, key: str) -> str:
    return f"{where}.{key}" if _PLAIN.fullmatch(key) else f"{where}[{json.dumps(key)}]"


def _attributes(write: _Writer, places: list[Place]) -> None:
    write.note("openapi.attributes")
    write.lines("personas:", "  attributes:")
    for place in {place.name: place for place in places}.values():
        about = taken(place.node, required=place.required)
        values = about.values or ((False, True) if about.kind == "truth" else ())
        write.note("openapi.field", 4, where=".".join(place.path), told=_told(place.node) or "–")
        write.lines(f"    {_quoted(place.name)}:", f"      role: {_quoted(GAP)}")
        reference, levels = (values[0], values[1:]) if values else (GAP, (GAP,))
        write.lines(f"      reference: {json.dumps(reference, ensure_ascii=False)}")
        write.lines(f"      levels: {json.dumps(list(levels), ensure_ascii=False)}")
        write.lines(f"      because: {_quoted(GAP)}")


def _told(node: Mapping[str, Any]) -> str:
    """Return what a document says of a field, bounded and on one line."""
    names = (
        "type",
        "format",
        "minimum",
        "exclusiveMinimum",
        "maximum",
        "exclusiveMaximum",
        "pattern",
    )
    told = [f"{name}: {node[name]}" for name in names if name in node]
    about = " ".join(str(node.get("description") or "").split())[:_SHOWN]
    return ", ".join([*told, *([about] if about else [])]).replace("\n", " ")


def _rest(write: _Writer) -> None:
    write.note("openapi.probes")
    write.lines("probes:", "  - use: pricing.twins", f"    treat: [{_quoted(GAP)}]")
    write.lines("    direction: any")
    write.note("templates.why_tolerance", 4)
    write.lines("    tolerance:", "      ratio: 1%", "      share: 2%", "      beyond: 5%")
    write.lines(f"      because: {_quoted(GAP)}")
    write.note("templates.why_positive")
    write.lines(
        f"controls: {{positive: {{attribute: {_quoted(GAP)}, from: {_quoted(GAP)}, "
        f"to: {_quoted(GAP)}, expect: dearer}}}}"
    )
    write.note("templates.why_budget")
    write.lines("budget: {queries: 20000}")
    write.note("templates.why_alpha")
    write.lines("decide: {alpha: 5%, alpha_clear: 5%}")


def _yaml(tree: Mapping[str, Any], indent: int) -> Iterator[str]:
    for name, value in tree.items():
        head = f"{' ' * indent}{_quoted(name)}:"
        if isinstance(value, Mapping):
            yield head
            yield from _yaml(value, indent + 2)
        else:
            yield f"{head} {_quoted(value)}"


def _quoted(value: Any) -> str:
    # a JSON string is a YAML string; a name that is plain reads better without
    plain = (
        isinstance(value, str)
        and _PLAIN.fullmatch(value)
        and value not in {"true", "false", "null"}
    )
    return str(value) if plain else json.dumps(value, ensure_ascii=False)
