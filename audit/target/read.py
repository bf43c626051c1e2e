"""What a reply says: a price, a refusal that the plan declares, or a failure with its reason.

Pure, and it never raises on anything that a vendor may answer. A captcha is not a refusal, a page
for people is not a price, and nothing that cannot be read exactly is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

import jsonpath_rfc9535 as jsonpath
import numpy as np
import orjson

from ...datasets.personas import Level
from ...errors import UsageError
from ...probes.design import ANSWERED, FAILED, REASONS, REFUSED, Column
from ...probes.protocol import Money
from ..planparts import Equals, Response, StatusRule
from .outcomes import (
    LISTS,
    MISSING,
    OUTCOMES,
    UNREADABLE,
    Kind,
    in_currency,
    objects,
    unanswered,
    value_of,
)
from .protocol import Answers, Reply

Find = Callable[[Any], Any]

_DECIMAL = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
_GATE = re.compile(
    rb"captcha|geetest|turnstile|cf-challenge|unusual traffic|not a robot|are you (a )?human"
    rb"|log[ -]?in\b|sign[ -]?in\b|type=.?password|" + "验证码|滑块验证|人机验证|请登录".encode(),
    re.IGNORECASE,
)
_REDIRECTS, _CLIENT_ERRORS, _SERVER_ERRORS = 300, 400, 500
_CLOSED_DOORS: Mapping[int, str] = {401: "auth", 407: "auth", 403: "blocked"}
_TOO_MANY = 429
_PASSING = frozenset({408, 425})
_SINGULAR = (jsonpath.selectors.NameSelector, jsonpath.selectors.IndexSelector)


def compile_path(text: str) -> Find:
    """Compile a JSONPath expression to a function from a document to the one value it names.

    Raises
    ------
    UsageError
        If it is not RFC 9535.

    Examples
    --------
    >>> final = compile_path("$.price.final")
    >>> final({"price": {"final": 328.0}}), final({"price": []}) is MISSING
    (328.0, True)
    """
    try:
        query = jsonpath.compile(text)
    except jsonpath.JSONPathError as problem:
        raise UsageError("target.bad_path", path=text, problem=str(problem)) from None
    selectors = [segment.selectors for segment in query.segments]
    if all(len(group) == 1 and isinstance(group[0], _SINGULAR) for group in selectors) and all(
        isinstance(segment, jsonpath.segments.JSONPathChildSegment) for segment in query.segments
    ):
        return _walker(
            tuple(getattr(one, "name", getattr(one, "index", 0)) for (one,) in selectors)
        )
    return _searcher(query)


def _walker(keys: tuple[Any, ...]) -> Find:
    def find(node: Any) -> Any:
        for key in keys:
            if not isinstance(node, dict if isinstance(key, str) else list):
                return MISSING
            try:
                node = node[key]
            except (KeyError, IndexError):
                return MISSING
        return node

    return find


def compile_many(text: str) -> Find:
    """Compile a JSONPath expression to a function to the list of all values that it names.

    A path to one list gives that list; one that leads nowhere gives :data:`MISSING`.

    Examples
    --------
    >>> ids = compile_many("$.items[*].id")
    >>> ids({"items": [{"id": "a"}, {"id": "b"}]}), ids({}) is MISSING
    (['a', 'b'], True)
    >>> compile_many("$.items")({"items": ["a", "b"]})
    ['a', 'b']
    """
    one = compile_path(text)
    query = jsonpath.compile(text)

    def find(node: Any) -> Any:
        found = one(node)
        if isinstance(found, list) or (found is not MISSING and query.singular_query()):
            return found
        try:
            values = query.find(node).values()
        except (jsonpath.JSONPathError, RecursionError):
            return MISSING
        return list(values) if values else MISSING

    return find


def compile_count(text: str) -> Find:
    """Compile a JSONPath expression to a function to a number: the one named, or how many are.

    Examples
    --------
    >>> compile_count("$.items[*]")({"items": [{}, {}]}), compile_count("$.n")({"n": 3})
    (2, 3)
    """
    many = compile_many(text)
    if jsonpath.compile(text).singular_query():
        one = compile_path(text)
        return lambda node: len(found) if isinstance(found := one(node), list) else found
    return lambda node: 0 if (found := many(node)) is MISSING else len(found)


_COMPILED: Mapping[str, Callable[[str], Find]] = {
    "ranking": compile_many,
    "prices": compile_many,
    "offers": compile_count,
}


def _searcher(query: Any) -> Find:
    def find(node: Any) -> Any:
        try:
            found = query.find(node).values()
        except (jsonpath.JSONPathError, RecursionError):
            return MISSING
        return found[0] if len(found) == 1 else MISSING

    return find


def same(value: Any, declared: Any) -> bool:
    """Return whether two JSON values are equal, where true is not 1."""
    return isinstance(value, bool) == isinstance(declared, bool) and bool(value == declared)


def matches(rule: Equals, value: Any) -> bool:
    """Return whether a value is one that the rule declares."""
    declared = rule.equals if isinstance(rule.equals, tuple) else (rule.equals,)
    return any(same(value, one) for one in declared)


@dataclass(frozen=True, slots=True)
class Said:
    """What one reply says of one trial."""

    kind: int
    reason: str = ""
    values: tuple[Any, ...] = ()
    retry: bool = False
    wait: float = 0.0
    captured: Mapping[str, Level] = field(default_factory=dict[str, Level])


_ONE = {kind: np.array([kind], dtype=np.int8) for kind in (ANSWERED, REFUSED, FAILED)}
_WHY = {reason: np.array([place], dtype=np.int8) for place, reason in enumerate(REASONS)}
for _shared in (*_ONE.values(), *_WHY.values()):
    _shared.flags.writeable = False


def outcome_paths(response: Response) -> dict[str, str]:
    """Return what a plan reads from a reply: outcome → path, in a fixed order.

    Examples
    --------
    >>> outcome_paths(Response(final="$.price", notice="$.ad"))
    {'final': '$.price', 'notice': '$.ad'}
    """
    found = {name: getattr(response, name) for name in OUTCOMES}
    return {name: path for name, path in found.items() if path}


class Reader:
    """Reads JSON replies by the rules of a plan.

    Parameters
    ----------
    response : Response
        Where the answer stands in a reply.
    money : Money, optional
        What one unit of a price is; answers are divided by ``money.minor``.
    capture : mapping of str to str, optional
        What a later step of the session may use → where it stands.

    Examples
    --------
    >>> reader = Reader(Response(final="$.price"), None)
    >>> reader.said(Reply(status=200, body=b'{"price": 328}')).values
    (328.0,)
    >>> reader.said(Reply(status=200, body=b'{"price": -1}')).reason
    'format'
    """

    def __init__(
        self,
        response: Response,
        money: Money | None,
        *,
        capture: Mapping[str, str] | None = None,
    ) -> None:
        paths = outcome_paths(response)
        self.outcomes = tuple(paths)
        self._captures = {name: compile_path(path) for name, path in (capture or {}).items()}
        self._find: tuple[tuple[Kind, Find], ...] = tuple(
            (OUTCOMES[name], _COMPILED.get(name, compile_path)(path))
            for name, path in paths.items()
        )
        self._minor = money.minor if money else 1
        self._currency = money.currency if money else None
        self._currency_at = compile_path(response.currency) if response.currency else None
        self._ruled: dict[int, str] = dict(response.statuses)
        self._rule: Equals | None = None
        self._rule_at: Find | None = None
        if isinstance(response.refused, StatusRule):
            self._ruled |= dict.fromkeys(response.refused.status, "refused")
        elif response.refused:
            self._rule, self._rule_at = response.refused, compile_path(response.refused.path)

    def answers(self, reply: Reply) -> Answers:
        """Return what a reply says, as a table of one trial."""
        said = self.said(reply)
        return Answers(
            kind=_ONE[said.kind],
            reason=_WHY[said.reason],
            values=self._columns(said.values) if said.values else self._nothing,
            retry=said.retry,
            wait=said.wait,
            captured=said.captured,
        )

    def _columns(self, values: tuple[Any, ...]) -> dict[str, Column]:
        return {
            name: objects([value]) if OUTCOMES[name] in LISTS else np.array([value])
            for name, value in zip(self.outcomes, values, strict=True)
        }

    @cached_property
    def _nothing(self) -> dict[str, Column]:
        return {name: unanswered(OUTCOMES[name], 1) for name in self.outcomes}

    def said(self, reply: Reply) -> Said:
        """Return what a reply says."""
        closed = _closed(reply)
        if closed is not None:
            return closed
        ruled = self._ruled.get(reply.status)
        if ruled == "refused":
            return Said(REFUSED)
        if ruled in {"failed", "retry"}:
            return Said(FAILED, "format", retry=ruled == "retry", wait=retry_after(reply))
        try:
            tree = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            return self._unreadable(reply)
        if self._rule and self._rule_at and matches(self._rule, self._rule_at(tree)):
            return Said(REFUSED)
        usable = reply.status < _REDIRECTS or ruled == "answered"
        return self._priced(reply, tree) if usable else _failed(reply)

    def _priced(self, reply: Reply, tree: Any) -> Said:
        values = []
        for kind, find in self._find:
            value = value_of(kind, find(tree))
            if value is UNREADABLE:
                return Said(FAILED, "blocked" if _GATE.search(reply.body) else "format")
            values.append(in_currency(kind, value, self._minor))
        if self._currency and self._currency_at:
            said = self._currency_at(tree)
            if not isinstance(said, str) or said.strip().upper() != self._currency:
                return Said(FAILED, "format")
        captured = {name: find(tree) for name, find in self._captures.items()}
        if not all(_is_plain(value) for value in captured.values()):
            return Said(FAILED, "format")
        return Said(ANSWERED, "", tuple(values), captured=captured)

    def _unreadable(self, reply: Reply) -> Said:
        if reply.status >= _REDIRECTS:
            return _failed(reply)
        if not (self._find or self._captures or _GATE.search(reply.body)):
            return Said(ANSWERED)  # a step of which nothing is read: a page, or nothing at all
        html = "html" in reply.headers.get("content-type", "") or reply.body.lstrip()[:1] == b"<"
        if html or _GATE.search(reply.body):
            return Said(FAILED, "blocked")
        return Said(FAILED, "format", retry=True)


def require_outcome(readers: Iterable[Reader]) -> None:
    """Refuse a target of which nothing is read.

    Raises
    ------
    UsageError
        If none of its replies holds an outcome.
    """
    if not any(reader.outcomes for reader in readers):
        raise UsageError("target.no_outcome")


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _closed(reply: Reply) -> Said | None:
    """Return the failure of a call that got no further than the door, whatever the plan declares."""
    if reply.error is not None:
        reason = reply.error if reply.error in REASONS else "network"
        return Said(FAILED, reason, retry=reason == "network")
    if reply.status in _CLOSED_DOORS:
        return Said(FAILED, _CLOSED_DOORS[reply.status])
    if reply.status == _TOO_MANY:
        return Said(FAILED, "rate", retry=True, wait=retry_after(reply))
    return None


def _failed(reply: Reply) -> Said:
    """Return why a reply without a usable status is a failure."""
    if reply.status < _CLIENT_ERRORS or _GATE.search(reply.body):
        return Said(FAILED, "blocked")
    if reply.status >= _SERVER_ERRORS or reply.status in _PASSING:
        return Said(FAILED, "network", retry=True, wait=retry_after(reply))
    return Said(FAILED, "format")


def retry_after(reply: Reply) -> float:
    """Return how many seconds the vendor asked us to wait, 0 where it did not say.

    Examples
    --------
    >>> retry_after(Reply(status=429, headers={"retry-after": "3"}))
    3.0
    """
    text = reply.headers.get("retry-after", "").strip()
    if _DECIMAL.fullmatch(text):
        return float(text)
    try:
        until = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(0.0, until - reply.at - reply.seconds)
