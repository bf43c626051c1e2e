"""What is wrong with the shape of a plan, told in our own words: keys, types, ranges, choices."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from .. import messages
from ..errors import Problem
from .plan import Plan
from .planyaml import Key, Source

GAP = "?"
"""What a draft says where only its reader can: it stands for nothing, and is named until it is filled."""

SHOWN = 60
SHORTEST = 3
"""Fewest letters of a word from which the rest is guessed."""

FRACTIONS = frozenset({"ratio", "share", "beyond", "alpha", "alpha_clear", "clip", "reproducible"})
_PLAIN = {
    "string_type": "plan.must_text",
    "string_too_short": "plan.must_say",
    "int_type": "plan.must_whole",
    "int_parsing_size": "plan.must_whole",
    "float_type": "plan.must_number",
    "bool_type": "plan.must_bool",
    "tuple_type": "plan.must_list",
    "dict_type": "plan.must_mapping",
    "model_type": "plan.must_mapping",
    "model_attributes_type": "plan.must_mapping",
    "too_short": "plan.must_not_be_empty",
    "too_long": "plan.too_many_entries",
    "date_from_datetime_parsing": "plan.must_date",
    "plan_day": "plan.must_date",
    "plan_fraction": "plan.must_fraction",
    "plan_duration": "plan.must_duration",
    "plan_level": "plan.must_level",
    "plan_times": "plan.must_times",
}
_RANGES = {
    "greater_than": ("gt", "plan.above"),
    "greater_than_equal": ("ge", "plan.at_least"),
    "less_than": ("lt", "plan.below"),
    "less_than_equal": ("le", "plan.at_most"),
}
_NUMBERS = {
    **dict.fromkeys(FRACTIONS, "plan.must_fraction"),
    "timeout": "plan.must_duration",
    "after": "plan.must_duration",
    "gap": "plan.must_duration",
}
_PATTERNS = {
    "sha256": "serving.must_sha256",
    "currency": "plan.must_currency",
    "function": "plan.must_function",
    "method": "plan.must_method",
}
_CONSEQUENCES = frozenset({"default_factory_not_called"})


def shown(value: Any) -> Any:
    r"""Return a value of a plan as a message may show it: short, printable, on one line.

    Examples
    --------
    >>> shown(12), shown(True), shown("a\tb")
    ('12', 'true', '“a·b”')
    """
    if value is None or value == "":
        return messages.both("plan.got_nothing")
    if isinstance(value, Mapping):
        return messages.both("plan.got_mapping")
    if isinstance(value, list | tuple):
        return messages.both("plan.got_list")
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "".join(sign if sign.isprintable() else "·" for sign in str(value)[: SHOWN + 1])
    text = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    return f"“{text}”" if isinstance(value, str) else text


def near(word: str, known: Iterable[str]) -> Any:
    """Return the question "did you mean …?" where a known word is close; else nothing.

    Examples
    --------
    >>> near("tolerence", ["treat", "tolerance"])["en"]
    ' Did you mean tolerance?'
    >>> near("x", ["treat"])["en"]
    ''
    """
    found = nearest(word, known)
    return (
        messages.both("plan.near", near=found) if found else dict.fromkeys(messages.LANGUAGES, "")
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant."""
    by_folded = {name.casefold(): name for name in known}
    folded = word.casefold()
    # what was cut short is nearer than what is merely alike
    begun = [name for name in by_folded if len(folded) >= SHORTEST and name.startswith(folded)]
    close = begun or difflib.get_close_matches(word[: 2 * SHOWN].casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


def listed(words: Iterable[object]) -> str:
    """Return words as one readable list."""
    return ", ".join(str(word) for word in words) or "–"


def gaps(tree: Any, source: Source, key: Key = ()) -> Iterator[Problem]:
    """Yield every gap of a draft that is still to be filled.

    Examples
    --------
    >>> from .planyaml import read
    >>> draft = read("audit: {vendor: '?'}", "plan.yaml")
    >>> [problem.key for problem in gaps(draft.value, draft)]
    ['audit.vendor']
    """
    if tree == GAP:
        yield source.problem("plan.gap", key)
    elif isinstance(tree, Mapping):
        for name, part in tree.items():
            yield from gaps(part, source, (*key, name))
    elif isinstance(tree, list):
        for place, part in enumerate(tree):
            yield from gaps(part, source, (*key, place))


def known_keys(key: Key, tree: Any) -> tuple[str, ...]:
    """Return the keys that the mapping at `key` of a plan may have.

    Examples
    --------
    >>> known_keys(("controls",), {})
    ('positive',)
    """
    kinds: list[Any] = [Plan]
    for part in key:
        kinds = [below for kind in kinds for below in _below(kind, part)]
        tree = _child(tree, part)
        kinds = [kind for kind in kinds if _can_be(kind, tree)] or kinds
    return tuple(dict.fromkeys(name for kind in kinds for name in _fields(kind)))


def problems(error: ValidationError, source: Source) -> list[Problem]:
    """Return each mistake of shape once, where it stands."""
    found: dict[Key, Problem] = {}
    renamed = {place: meant for place, meant in meanings(error, source).items() if meant}
    for detail in error.errors(include_url=False):
        key = _key(detail["loc"])
        if key in found or _follows(detail):
            continue
        if detail["type"] == "missing" and key in renamed.values():
            continue
        found[key] = _problem(detail, key, source)
    return list(found.values())


def _follows(detail: Any) -> bool:
    """Whether a mistake is only what another one led to."""
    if detail["type"] == "too_short":  # entries were refused, each with a message of its own
        return bool(len(detail["input"]) >= detail["ctx"]["min_length"])
    return detail["type"] in _CONSEQUENCES


def meanings(error: ValidationError, source: Source) -> dict[Key, Key | None]:
    """Return every unknown key with the key that was probably meant, where there is one."""
    result: dict[Key, Key | None] = {}
    for detail in error.errors(include_url=False):
        if detail["type"] == "extra_forbidden":
            key = _key(detail["loc"])
            taken = _at(source.value, key[:-1])
            free = [name for name in known_keys(key[:-1], source.value) if name not in taken]
            meant = nearest(str(key[-1]), free)
            result[key] = (*key[:-1], meant) if meant else None
    return result


def _problem(detail: Any, key: Key, source: Source) -> Problem:
    special = _SPECIAL.get(detail["type"])
    if special:
        return special(detail, key, source)
    message_id = _PLAIN.get(detail["type"], "plan.cannot_be_used")
    if detail["type"] == "float_type":
        message_id = _NUMBERS.get(str(key[-1]), message_id)
    return source.problem(message_id, key, got=_got(detail, key))


def _got(detail: Any, key: Key) -> Any:
    # a header may hold a secret, and a message may be pasted anywhere
    return "…" if "headers" in key else shown(detail.get("input"))


def _unknown(detail: Any, key: Key, source: Source) -> Problem:  # noqa: ARG001 - one of a table
    known = known_keys(key[:-1], source.value)
    return source.problem(
        "plan.unknown_key", key, known=listed(known), near=near(str(key[-1]), known)
    )


def _missing(detail: Any, key: Key, source: Source) -> Problem:
    if detail["type"] == "missing":
        return source.problem("plan.missing", key)
    if isinstance(detail["input"], Mapping):
        return source.problem("plan.missing", (*key, "kind"))
    return source.problem("plan.must_mapping", key, got=_got(detail, key))


def _range(detail: Any, key: Key, source: Source) -> Problem:
    name, message_id = _RANGES[detail["type"]]
    if message_id == "plan.below" and key[-1] in FRACTIONS:
        message_id = "plan.below_fraction"
    return source.problem(
        message_id, key, limit=f"{detail['ctx'][name]:.16g}", got=_got(detail, key)
    )


def _pattern(detail: Any, key: Key, source: Source) -> Problem:
    return source.problem(_PATTERNS[str(key[-1])], key, got=_got(detail, key))


def _choice(detail: Any, key: Key, source: Source) -> Problem:
    context = detail["ctx"]
    expected = str(context.get("expected") or context.get("expected_tags"))
    choices = re.findall(r"'([^']*)'", expected) or [expected]
    got = context.get("tag", detail.get("input"))
    place = (*key, "kind") if detail["type"] == "union_tag_invalid" else key
    return source.problem(
        "plan.one_of",
        place,
        choices=listed(choices),
        got=shown(got),
        near=near(str(got), choices),
    )


_SPECIAL: Mapping[str, Callable[[Any, Key, Source], Problem]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "union_tag_not_found": _missing,
    "union_tag_invalid": _choice,
    "literal_error": _choice,
    "string_pattern_mismatch": _pattern,
    **dict.fromkeys(_RANGES, _range),
}


def _key(loc: Sequence[str | int]) -> Key:
    """Drop what pydantic adds to a place: the branch of a union that it took."""
    parts = [part for part in loc if not str(part).startswith("@") and part != "[key]"]
    if len(parts) > 1 and parts[0] == "target":
        del parts[1]
    return tuple(parts)


def _at(tree: Any, key: Key) -> Any:
    for part in key:
        tree = _child(tree, part)
    return tree if isinstance(tree, Mapping) else {}


def _child(tree: Any, part: str | int) -> Any:
    if isinstance(tree, Mapping):
        return tree.get(part)
    if isinstance(tree, list) and isinstance(part, int) and part < len(tree):
        return tree[part]
    return None


def _below(kind: Any, part: str | int) -> list[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = next(
            (field for name, field in kind.model_fields.items() if (field.alias or name) == part),
            None,
        )
        return _branches(field.annotation) if field else []
    if get_origin(kind) in {dict, tuple}:
        return _branches(get_args(kind)[1 if get_origin(kind) is dict else 0])
    return []


def _branches(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _branches(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [branch for part in get_args(annotation) for branch in _branches(part)]
    return [annotation]


def _can_be(kind: Any, tree: Any) -> bool:
    """Whether a branch of a union that is told apart by ``kind:`` is the one in the file."""
    if (
        not (isinstance(kind, type) and issubclass(kind, BaseModel))
        or "kind" not in kind.model_fields
    ):
        return True
    allowed = get_args(kind.model_fields["kind"].annotation)
    return isinstance(tree, Mapping) and tree.get("kind") in allowed


def _fields(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [field.alias or name for name, field in kind.model_fields.items()]
    return []
