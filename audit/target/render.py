"""What a request carries: the plan's template, compiled, and the columns that it may use.

A placeholder is ``{{identity}}``, ``{{trial}}``, ``{{step}}``, ``{{persona.X}}``, ``{{item.X}}`` or
``{{captured.X}}``. A leaf that is one placeholder keeps the type of its value. ``${NAME}`` is a secret: rendered as it stands, and
filled in by nobody but `send`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import orjson

from ...datasets.personas import Attribute, Level
from ...errors import UsageError
from ...probes.design import Codes, Column, Wave
from ...probes.protocol import Study
from .protocol import FRESH, Past

SECRET = re.compile(r"\$\{((?:(?:account|login)\.)?[A-Za-z_][A-Za-z0-9_]*)\}")
_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBERS = frozenset("iuf")


class Identities(Protocol):
    """Number of the wave and rows of its session table → ids in the vendor's own format.

    A session that is begun again has another identity each time.
    """

    def __call__(self, number: int, sessions: Codes, restart: int = 0, /) -> Sequence[str]:
        """Return one id a session."""
        ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """How values are put into text: on their own, within a string, and what surrounds a string."""

    column: Callable[[Column], list[bytes]]
    inside: Callable[[Any], bytes]
    literal: Callable[[str], bytes]
    quotes: bytes = b""


def plain(value: Any) -> Any:
    """Return a numpy scalar as the Python value that JSON knows; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def as_text(value: Any) -> str:
    """Return a value as it reads inside a sentence: JSON's own words, strings without quotes."""
    value = plain(value)
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _json(value: Any) -> bytes:
    # data that looks like a secret's name must never be filled in: \u0024 is the same JSON
    return orjson.dumps(plain(value)).replace(b"${", b"\\u0024{")


def _json_column(column: Column) -> list[bytes]:
    """Return every value as JSON: all in one go, then split, where the cuts cannot be mistaken."""
    values = column.tolist()
    if column.dtype.kind in _NUMBERS:
        return orjson.dumps(values)[1:-1].split(b",")
    if set(map(type, values)) == {str}:
        text = orjson.dumps(values)[2:-2]
        if b"\\" not in text and b"${" not in text:
            return [b'"' + one + b'"' for one in text.split(b'","')]
    return list(map(_json, values))


def _each(encode: Callable[[Any], bytes]) -> Callable[[Column], list[bytes]]:
    return lambda column: list(map(encode, column.tolist()))


def _url(value: Any) -> bytes:
    return quote(as_text(value), safe="").encode()


def _header(value: Any) -> bytes:
    return _CONTROL.sub("", as_text(value)).replace("${", "$ {").encode()


JSON = Encoding(
    column=_json_column,
    inside=lambda value: _json(as_text(value))[1:-1],
    literal=lambda text: orjson.dumps(text)[1:-1],
    quotes=b'"',
)
URL = Encoding(
    column=_each(_url), inside=_url, literal=lambda text: quote(text, safe="${}").encode()
)
PATH = Encoding(column=_each(_url), inside=_url, literal=str.encode)
HEADER = Encoding(column=_each(_header), inside=_header, literal=str.encode)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One string of a template: literal and field by turns, beginning and ending with a literal."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Leaf:
        """Split a string at its placeholders."""
        leaf = cls(tuple(_PLACE.split(text)))
        if any("{{" in part or "}}" in part for part in leaf.parts) or "" in leaf.fields:
            raise UsageError("target.bad_placeholder", text=text)
        return leaf

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it uses."""
        return self.parts[1::2]

    @property
    def whole(self) -> bool:
        """Whether it is one placeholder and nothing else, so that types are kept."""
        return len(self.parts) == 3 and not self.parts[0] and not self.parts[2]  # noqa: PLR2004  literal, field, literal

    def column(self, columns: Mapping[str, Column], rows: int) -> Column:
        """Return its values as a column, for targets that take a table."""
        if self.whole:
            return _looked_up(columns, self.fields[0])
        texts: list[Sequence[str]] = [
            [as_text(value) for value in _looked_up(columns, part).tolist()]
            if place % 2
            else [part] * rows
            for place, part in enumerate(self.parts)
        ]
        return np.array(["".join(row) for row in zip(*texts, strict=True)], dtype=object)


def _looked_up(columns: Mapping[str, Column], name: str) -> Column:
    try:
        return columns[name]
    except KeyError:
        raise UsageError("target.unknown_field", field=name, known=", ".join(columns)) from None


class Template:
    """A template, compiled: constant bytes with leaves between them.

    Parameters
    ----------
    chunks : sequence of bytes or Leaf
    encoding : Encoding

    Examples
    --------
    >>> quote = Template.json({"who": "{{identity}}", "age": "{{persona.age}}", "v": [1, "p{{trial}}"]})
    >>> columns = {"identity": np.array(["u1"]), "persona.age": np.array([30]), "trial": np.array([7])}
    >>> quote.fill(columns, 1)
    [b'{"who":"u1","age":30,"v":[1,"p7"]}']
    >>> sorted(quote.fields)
    ['identity', 'persona.age', 'trial']
    """

    def __init__(self, chunks: Sequence[bytes | Leaf], encoding: Encoding) -> None:
        edge = encoding.quotes
        self._chunks = tuple(
            _merged(
                edge + encoding.literal(chunk.parts[0]) + edge
                if isinstance(chunk, Leaf) and not chunk.fields
                else chunk
                for chunk in chunks
            )
        )
        self._encoding = encoding
        leaves = [chunk for chunk in self._chunks if isinstance(chunk, Leaf)]
        self.fields = frozenset(name for leaf in leaves for name in leaf.fields)

    @classmethod
    def json(cls, tree: Any) -> Template:
        """Compile a nested template into JSON."""
        return cls(list(_json_chunks(tree)), JSON)

    @classmethod
    def query(cls, tree: Mapping[str, Any]) -> Template:
        """Compile a flat template into a query string; a list repeats its key."""
        return cls(list(_query_chunks(tree)), URL)

    @classmethod
    def line(cls, text: str, encoding: Encoding) -> Template:
        """Compile one string: a route or a header."""
        return cls([Leaf.parse(text)], encoding)

    def fill(self, columns: Mapping[str, Column], rows: int) -> list[bytes]:
        """Return one filled template a row."""
        if not self.fields:
            return [b"".join(part for part in self._chunks if isinstance(part, bytes))] * rows
        parts = [
            repeat(chunk, rows) if isinstance(chunk, bytes) else self._encoded(chunk, columns, rows)
            for chunk in self._chunks
        ]
        return list(map(b"".join, zip(*parts, strict=True))) if parts else [b""] * rows

    def _encoded(self, leaf: Leaf, columns: Mapping[str, Column], rows: int) -> list[bytes]:
        encoding = self._encoding
        if leaf.whole:
            return encoding.column(_looked_up(columns, leaf.fields[0]))
        parts = [
            map(encoding.inside, _looked_up(columns, part).tolist())
            if place % 2
            else repeat(encoding.literal(part), rows)
            for place, part in enumerate(leaf.parts)
        ]
        edge = encoding.quotes
        return [edge + b"".join(row) + edge for row in zip(*parts, strict=True)]


def _merged(chunks: Iterable[bytes | Leaf]) -> Iterator[bytes | Leaf]:
    constant = b""
    for chunk in chunks:
        if isinstance(chunk, bytes):
            constant += chunk
            continue
        if constant:
            yield constant
            constant = b""
        yield chunk
    if constant:
        yield constant


def _json_chunks(node: Any) -> Iterator[bytes | Leaf]:
    if isinstance(node, Mapping):
        for place, (key, value) in enumerate(node.items()):
            yield (b"," if place else b"{") + orjson.dumps(str(key)) + b":"
            yield from _json_chunks(value)
        yield b"}" if node else b"{}"
    elif isinstance(node, list | tuple):
        for place, value in enumerate(node):
            yield b"," if place else b"["
            yield from _json_chunks(value)
        yield b"]" if node else b"[]"
    else:
        yield _json_leaf(node)


def _json_leaf(node: Any) -> bytes | Leaf:
    if isinstance(node, str):
        leaf = Leaf.parse(node)
        return leaf if leaf.fields else orjson.dumps(node)
    return orjson.dumps(plain(node))


def _query_chunks(tree: Mapping[str, Any]) -> Iterator[bytes | Leaf]:
    first = True
    for key, value in tree.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, Mapping | list | tuple):
                raise UsageError("target.nested_request", key=key)
            yield (b"" if first else b"&") + quote(str(key), safe="").encode() + b"="
            yield Leaf.parse(one) if isinstance(one, str) else _url(one)
            first = False


def level_column(values: Sequence[Level]) -> Column:
    """Return levels as a column of one type where they have one, of objects where not.

    Examples
    --------
    >>> level_column([200, 5000]).dtype.kind, level_column([200, "none"]).dtype.kind
    ('i', 'O')
    """
    kinds = {type(plain(value)) for value in values}
    if kinds <= {int, float} or len(kinds) == 1:
        return np.array(values)
    return np.array(values, dtype=object)


def _blended(own: Column, other: Column, keep: Column) -> Column:
    kinds = {own.dtype.kind, other.dtype.kind}
    if kinds <= _NUMBERS or len(kinds) == 1:
        return np.where(keep, own, other)
    return np.where(keep, own.astype(object), other.astype(object))


def _attribute(
    study: Study, wave: Wave, attribute: Attribute, sessions: Codes
) -> Mapping[str, Column]:
    """Return the fields in which one attribute is seen, one entry a trial."""
    name = attribute.name
    override = wave.overrides.get(name)
    code = np.full(len(sessions), -1) if override is None else override[sessions].astype(np.int64)
    personas = study.personas.columns.get(name)
    own = None if personas is None else personas[wave.persona[sessions]]
    if own is None and not attribute.levels:
        raise UsageError("target.no_level", attribute=name)
    if attribute.cues:
        return _through_cues(attribute, wave, sessions, _codes(attribute, code, own))
    if own is None:
        return {name: level_column(attribute.levels)[np.maximum(code, 0)]}
    if not attribute.levels or (code < 0).all():
        return {name: own}
    return {name: _blended(own, level_column(attribute.levels)[np.maximum(code, 0)], code < 0)}


def _codes(attribute: Attribute, code: Column, own: Column | None) -> Column:
    if own is None:
        return np.maximum(code, 0)
    places = {level: place for place, level in enumerate(attribute.levels)}
    known = np.array([places.get(plain(value), -1) for value in own.tolist()], dtype=np.int64)
    code = np.where(code < 0, known, code)
    if (code < 0).any():
        level = plain(own[int(np.argmin(code))])
        raise UsageError("target.no_cue", attribute=attribute.name, level=level)
    return code


def _through_cues(
    attribute: Attribute, wave: Wave, sessions: Codes, code: Column
) -> Mapping[str, Column]:
    cue = wave.cue.get(attribute.name)
    used = np.zeros(len(sessions), dtype=np.int64) if cue is None else cue[sessions]
    # A field that another cue shows stands at its reference, so that a request is always complete
    # and is the same for all arms that share a cue.
    still: dict[str, Level] = {}
    for name in attribute.cue_names:
        still = dict(attribute.fields(name, 0)) | still
    shown = [
        {**still, **attribute.fields(name, level)}
        for name in attribute.cue_names
        for level in range(len(attribute.levels))
    ]
    place = used * len(attribute.levels) + code
    return {key: level_column([one[key] for one in shown])[place] for key in still}


def _personas(study: Study, wave: Wave, sessions: Codes) -> dict[str, Column]:
    out: dict[str, Column] = {}
    for attribute in study.attributes.values():
        out |= _attribute(study, wave, attribute, sessions)
    persona = wave.persona[sessions]
    for name, column in study.personas.columns.items():
        if name not in study.attributes:
            out.setdefault(name, column[persona])
    return out


def _identity_column(study: Study) -> Column:
    columns = study.identities.columns
    names = [name for name in ("identity", "id") if name in columns] or list(columns)
    if not names:
        raise UsageError("target.no_identities")
    return columns[names[0]]


def _identity(
    study: Study,
    wave: Wave,
    number: int,
    sessions: Codes,
    identities: Identities,
    restart: int,
) -> Column:
    rows = wave.identity[sessions]
    out = np.empty(len(rows), dtype=object)
    fresh = rows < 0
    if fresh.any():
        # each session once, however many of its trials are in these rows
        once, back = np.unique(sessions[fresh], return_inverse=True)
        made = identities(number, once, restart) if restart else identities(number, once)
        out[fresh] = np.array(list(made), dtype=object)[back]
    if not fresh.all():
        out[~fresh] = _identity_column(study)[rows[~fresh]]
    return out


def _trials(number: int, rows: slice, key: bytes) -> Column:
    """Return ids that say nothing of an arm or a place to whoever lacks the key."""
    start = hashlib.blake2b(b"trial", digest_size=8, key=key[:64])
    out = np.empty(rows.stop - rows.start, dtype=object)
    for place in range(rows.start, rows.stop):
        one = start.copy()
        one.update(number.to_bytes(8, "little") + place.to_bytes(8, "little"))
        out[place - rows.start] = one.hexdigest()
    return out


def _items(study: Study, wave: Wave, rows: slice) -> dict[str, Column]:
    item = wave.item[rows]
    if (item >= 0).all():
        return {name: column[item] for name, column in study.items.columns.items()}
    none = np.full(len(item), None, dtype=object)
    if not len(study.items):
        return dict.fromkeys(study.items.columns, none)
    return {
        name: np.where(item < 0, none, column[np.maximum(item, 0)].astype(object))
        for name, column in study.items.columns.items()
    }


def _portable(column: Column) -> Column:
    # nanosecond times would otherwise be sent as bare integers
    return np.datetime_as_string(column) if column.dtype.kind == "M" else column


def visible(
    study: Study,
    wave: Wave,
    number: int,
    rows: slice,
    *,
    identities: Identities,
    key: bytes,
    fields: Collection[str] | None = None,
    past: Past = FRESH,
) -> dict[str, Column]:
    """Return everything that a template may use, one entry a trial.

    Parameters
    ----------
    study : Study
    wave : Wave
    number : int
        Global number of the wave.
    rows : slice
        Which trials; start and stop are given.
    identities : callable
        Makes the ids of sessions whose identity is fresh.
    key : bytes
        The lock's key; trial ids are keyed hashes.
    fields : collection of str, optional
        The fields that will be used; default: all. Ids that nobody uses are not made.
    past : Past
        Of the one session that all these trials belong to; sessions of one step have none.

    Returns
    -------
    dict of str to (trials,) column
        ``"identity"``, ``"trial"``, ``"step"``, ``"persona.X"``, ``"item.X"``, ``"captured.X"``.

    Raises
    ------
    UsageError
        If a persona has a level that no cue shows, or an attribute has no level at all.

    Examples
    --------
    >>> from evenhand.datasets.personas import Table
    >>> one = np.ones(1)
    >>> device = Attribute(name="device", role="ability_to_pay", levels=("old", "new"))
    >>> study = Study(personas=Table({"age": np.array([30])}), persona_weights=one,
    ...     items=Table({"id": np.array(["a"])}), item_weights=one, attributes={"device": device},
    ...     carried=frozenset({"device"}), outcomes={"final": "price"})
    >>> wave = Wave.of_single_trials(item=np.zeros(2, int), block=[0, 0], again=[-1, -1],
    ...     identity=[-1, -1], arm=[0, 2], persona=[0, 0], overrides={"device": [-1, 1]})
    >>> seen = visible(study, wave, 0, slice(0, 2), key=b"k",
    ...     identities=lambda number, sessions: [f"u{row}" for row in sessions])
    >>> seen["persona.device"].tolist(), seen["persona.age"].tolist(), seen["identity"].tolist()
    (['old', 'new'], [30, 30], ['u0', 'u1'])
    """
    sessions = wave.session[rows]
    out: dict[str, Column] = {}
    if fields is None or "identity" in fields:
        out["identity"] = _identity(study, wave, number, sessions, identities, past.restart)
    if fields is None or "trial" in fields:
        out["trial"] = _trials(number, rows, key)
    if fields is None or "step" in fields:
        out["step"] = np.array(study.steps)[wave.step[rows]]
    for name, value in past.captured.items():
        out[f"captured.{name}"] = np.full(len(sessions), value, dtype=object)
    for name, column in _personas(study, wave, sessions).items():
        out[f"persona.{name}"] = _portable(column)
    for name, column in _items(study, wave, rows).items():
        out[f"item.{name}"] = _portable(column)
    return out


def secrets_in(tree: Any) -> frozenset[str]:
    """Return the names of all secrets in a template, its keys left aside."""
    if isinstance(tree, Mapping):
        return frozenset().union(*(secrets_in(value) for value in tree.values()))
    if isinstance(tree, list | tuple):
        return frozenset().union(*(secrets_in(value) for value in tree))
    return frozenset(SECRET.findall(tree)) if isinstance(tree, str) else frozenset()
