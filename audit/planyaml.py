"""Plan files as text: bytes to characters, YAML to plain data with the line of every key.

Only the core of YAML is read. ``no`` is a text and not false, ``09:30`` is not a number of seconds,
``0101`` keeps its zero: codes of countries, times and postcodes are what plans are made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml

from ..errors import PlanError, Problem
from .planparts import LARGEST

Key = tuple[str | int, ...]

MAX_BYTES = 1 << 18
MAX_DEPTH = 32
MAX_NODES = 20_000

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
)
_WORDS: Mapping[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_HINTS = (
    ("\\t", "plan.hint_tab"),
    ("mapping values are not allowed", "plan.hint_colon"),
    ("could not find expected ':'", "plan.hint_no_colon"),
    ("expected ',' or", "plan.hint_bracket"),
    ("undefined alias", "plan.hint_alias"),
    ("quoted scalar", "plan.hint_quote"),
    ("cannot start any token", "plan.hint_token"),
    ("expected a single document", "plan.hint_documents"),
)
_FULL_WIDTH = re.compile(r"[：，［］｛｝“”‘’]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of YAML as plain data, with the line of every key and every entry of a list."""

    file: str
    text: str
    value: Any
    lines: Mapping[Key, int]
    problems: tuple[Problem, ...] = ()

    def line(self, key: Key) -> int:
        """Return the line of `key`, or of the nearest part of the plan that holds it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def problem(self, message_id: str, key: Key, /, **values: Any) -> Problem:
        """Return a mistake at `key`."""
        return Problem(
            message_id=message_id,
            values=values,
            file=self.file,
            line=self.line(key),
            key=dotted(key),
        )


def dotted(key: Key) -> str:
    """Return a key as people write it.

    Examples
    --------
    >>> dotted(("probes", 0, "treat"))
    'probes[0].treat'
    """
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return "".join(parts).removeprefix(".")


def decode(data: bytes, file: str) -> str:
    """Return the text of a file in UTF-8 (with or without BOM) or GB18030.

    Raises
    ------
    PlanError
        If it is too large or in neither encoding.
    """
    if len(data) > MAX_BYTES:
        raise _refused(file, 0, "plan.too_large", size=len(data), limit=MAX_BYTES)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise _refused(file, 0, "plan.encoding")


def scalar(text: str) -> str | int | float | bool | None:
    """Return what a plain (unquoted) scalar means.

    Examples
    --------
    >>> [scalar(text) for text in ("12", "1.5", "true", "~", "no", "0101", "09:30")]
    [12, 1.5, True, None, 'no', '0101', '09:30']
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) <= len(str(LARGEST)) + 1:
        return int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text


def read(text: str, file: str) -> Source:
    """Read YAML.

    Raises
    ------
    PlanError
        If it cannot be read at all. Mistakes that leave the rest readable, such as a key that is
        given twice, are in `problems`.
    """
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except _RefusedError as error:
        raise _refused(file, error.line, error.message_id, **error.values) from None
    except yaml.MarkedYAMLError as error:
        line = _line(error)
        told = f"{error.problem} {error.context}"
        raise _refused(file, line, _hint(told, text, line)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(file, line, "plan.hint_control") from None
    except yaml.YAMLError:
        raise _refused(file, 1, "plan.hint_general") from None
    builder = _Builder(file)
    try:
        value = None if node is None else builder.build(node, (), 0)
    except _RefusedError as error:
        raise _refused(file, error.line, error.message_id, **error.values) from None
    return Source(
        file=file, text=text, value=value, lines=builder.lines, problems=tuple(builder.problems)
    )


def _line(error: yaml.MarkedYAMLError) -> int:
    # a key without its colon is noticed only on the next line
    begun = "expected ':'" in str(error.problem) or "quoted scalar" in str(error.context)
    marks = (error.problem_mark, error.context_mark)
    mark = next((mark for mark in (marks[::-1] if begun else marks) if mark), None)
    return mark.line + 1 if mark else 1


def _refused(file: str, line: int, message_id: str, **values: Any) -> PlanError:
    return PlanError([Problem(message_id=message_id, values=values, file=file, line=line)])


def _hint(problem: str, text: str, line: int) -> str:
    rows = text.split("\n")
    near = "\n".join(rows[max(0, line - 2) : line])
    if _FULL_WIDTH.search(near):
        return "plan.hint_full_width"
    return next((hint for part, hint in _HINTS if part in problem), "plan.hint_general")


class _RefusedError(Exception):
    def __init__(self, message_id: str, line: int, **values: Any) -> None:
        super().__init__(message_id)
        self.message_id, self.line, self.values = message_id, line, values


class _Loader(yaml.SafeLoader):
    """Composes, and stops at what a plan never needs: explicit tags and endless nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # as PyYAML has it
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "tag", None) not in {None, "!"}:
            raise _RefusedError("plan.yaml_tag", line)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _RefusedError("plan.too_deep", line, limit=MAX_DEPTH)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


@dataclass(slots=True)
class _Builder:
    """Turns nodes into plain data; counts, because an alias makes one node stand for many."""

    file: str
    lines: dict[Key, int] = field(default_factory=dict[Key, int])
    problems: list[Problem] = field(default_factory=list[Problem])
    nodes: int = 0

    def build(self, node: yaml.Node, key: Key, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _RefusedError("plan.too_many", line, limit=MAX_NODES)
        self.lines.setdefault(key, line)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, key, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(part, (*key, i), depth + 1) for i, part in enumerate(node.value)]
        return self.leaf(node, key) if isinstance(node, yaml.ScalarNode) else None

    def mapping(self, node: yaml.MappingNode, key: Key, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self.tell("plan.yaml_key", key, line)
                continue
            name = str(name_node.value)
            place = (*key, name)
            if name in found:
                self.tell("plan.duplicate_key", place, line, first=self.lines[place])
                continue
            self.lines[place] = line
            found[name] = self.build(value_node, place, depth + 1)
        return found

    def leaf(self, node: yaml.ScalarNode, key: Key) -> Any:
        value = scalar(node.value) if node.style is None else str(node.value)
        if isinstance(value, int) and abs(value) > LARGEST:
            self.tell("plan.integer_range", key, self.lines[key], got=value, limit=LARGEST)
        return value

    def tell(self, message_id: str, key: Key, line: int, /, **values: Any) -> None:
        self.problems.append(
            Problem(
                message_id=message_id, values=values, file=self.file, line=line, key=dotted(key)
            )
        )
