"""Trials as a table: columns out in an order that says nothing, answers back in the wave's own.

What every target shares that takes a table: a function, a model server, a model file, a log.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError
from ...probes.design import ANSWERED, FAILED, REASONS, REFUSED, Column, Wave
from ...probes.protocol import Money, Study
from ..planparts import Equals, Response
from .outcomes import LISTS, OUTCOMES, column_of, objects, unanswered
from .protocol import FRESH, Answers, Past
from .read import matches, outcome_paths
from .render import Identities, Leaf, visible

_COLUMN = re.compile(r"\$(?:\.([^.\[\]*'\"\s]+)|\['([^']+)'\])?")
_FORMAT = REASONS.index("format")

ONE = Response(final="$.final")
"""How a table is read where a plan does not say: the one column that is given is the price."""


class Questions:
    """The table that a batch of trials is, its rows in an order that only the holder of `key` knows.

    Parameters
    ----------
    request : mapping
        Column → placeholder, or a constant.
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key.

    Raises
    ------
    UsageError
        If a column would have columns of its own, or a placeholder cannot be read.
    """

    def __init__(self, request: Mapping[str, Any], *, identities: Identities, key: bytes) -> None:
        self._leaves = table_leaves(request)
        self._identities = identities
        self._key = key
        leaves = [leaf for leaf in self._leaves.values() if isinstance(leaf, Leaf)]
        self.fields = frozenset(name for leaf in leaves for name in leaf.fields)

    def table(
        self, study: Study, wave: Wave, number: int, rows: slice, past: Past = FRESH
    ) -> dict[str, Column]:
        """Return the columns of trials `rows` of wave `number`. Pure."""
        seen = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=self.fields,
            past=past,
        )
        count = rows.stop - rows.start
        order = self.order(number, rows.start, count)
        return {
            name: leaf.column(seen, count)[order]
            if isinstance(leaf, Leaf)
            else np.full(count, leaf)
            for name, leaf in self._leaves.items()
        }

    def order(self, number: int, first: int, count: int) -> NDArray[np.int64]:
        """Return which trial stands in each row."""
        seed = np.frombuffer(self._digest(b"rows", number, first), dtype="<u8")
        return np.random.Generator(np.random.Philox(key=seed)).permutation(count)

    def name(self, number: int, first: int) -> str:
        """Return an id of the batch, which a server may send back."""
        return self._digest(b"name", number, first).hex()

    def _digest(self, what: bytes, number: int, first: int) -> bytes:
        place = number.to_bytes(8, "little") + first.to_bytes(8, "little")
        return hashlib.blake2b(place, digest_size=16, key=self._key[:64], person=what).digest()


class Columns:
    """Reads columns of answers by the rules of a plan.

    Parameters
    ----------
    response : Response
        Its paths name columns: ``$.price``, ``$['list price']``.
    money : Money, optional
        What one unit of a price is.

    Raises
    ------
    UsageError
        If it names no outcome.

    Examples
    --------
    >>> read = Columns(ONE, None)
    >>> read.answers({"final": np.array([2.0, 1.0])}, np.array([1, 0])).values["final"].tolist()
    [1.0, 2.0]
    """

    def __init__(self, response: Response, money: Money | None) -> None:
        paths = outcome_paths(response)
        if not paths:
            raise UsageError("target.no_outcome")
        self.outcomes = tuple(paths)
        self.names = {name: _named(path, name) for name, path in paths.items()}
        self._currency = money.currency if money else None
        self._currency_in = _named(response.currency, "currency") if response.currency else None
        self._minor = money.minor if money else 1
        self._rule = response.refused if isinstance(response.refused, Equals) else None
        self._rule_in = _named(self._rule.path, "refused") if self._rule else None

    @property
    def wanted(self) -> frozenset[str]:
        """Names of all columns that are read."""
        more = {self._currency_in, self._rule_in} - {None}
        return frozenset({*self.names.values(), *(name for name in more if name)})

    def given(self, result: Any) -> dict[str, Column]:
        """Return those columns of a result that are read, as they were given; one alone is `final`."""
        if not isinstance(result, Mapping):
            return {self.names.get("final", self.outcomes[0]): np.asarray(result)}
        lists = {self.names[name] for name in self.outcomes if OUTCOMES[name] in LISTS}
        return {
            str(name): objects(result[name]) if str(name) in lists else flat(result[name])
            for name in result
            if str(name) in self.wanted
        }

    def answers(self, columns: Mapping[str, Column], order: NDArray[np.int64]) -> Answers:
        """Return what columns say, in the order of the wave.

        Parameters
        ----------
        columns : mapping of str to (count,) column
        order : (count,) int array
            Which trial stands in each row.
        """
        count = len(order)
        given = [columns.get(self.names[name]) for name in self.outcomes]
        if any(column is None or len(column) != count for column in given):
            return self.failed(count, "format")
        back = np.empty(count, dtype=np.int64)
        back[order] = np.arange(count)
        read = {
            name: column_of(OUTCOMES[name], columns[self.names[name]], self._minor)
            for name in self.outcomes
        }
        bad = np.logical_or.reduce([unreadable for _, unreadable in read.values()])
        bad |= self._foreign(columns, count)
        refused = self._refused(columns, count)
        kind = np.where(refused, REFUSED, np.where(bad, FAILED, ANSWERED)).astype(np.int8)[back]
        values = {name: column[back] for name, (column, _) in read.items()}
        for name, column in values.items():
            column[kind != ANSWERED] = None if OUTCOMES[name] in LISTS else np.nan
        reason = np.where(kind == FAILED, _FORMAT, 0).astype(np.int8)
        return Answers(kind=kind, reason=reason, values=values)

    def _foreign(self, columns: Mapping[str, Column], count: int) -> NDArray[np.bool_]:
        if self._currency_in is None or self._currency is None:
            return np.zeros(count, dtype=bool)
        said = columns.get(self._currency_in)
        if said is None or len(said) != count:
            return np.ones(count, dtype=bool)
        return np.array([str(one).strip().upper() != self._currency for one in said.tolist()])

    def _refused(self, columns: Mapping[str, Column], count: int) -> NDArray[np.bool_]:
        said = columns.get(self._rule_in) if self._rule_in else None
        if said is None or self._rule is None or len(said) != count:
            return np.zeros(count, dtype=bool)
        return np.array([matches(self._rule, value) for value in said.tolist()], dtype=bool)

    def failed(
        self, count: int, error: str, *, retry: bool | None = None, wait: float = 0.0
    ) -> Answers:
        """Return that all of a batch failed, for one reason."""
        known = error if error in REASONS else "network"
        return Answers(
            kind=np.full(count, FAILED, dtype=np.int8),
            reason=np.full(count, REASONS.index(known), dtype=np.int8),
            values={name: unanswered(OUTCOMES[name], count) for name in self.outcomes},
            retry=error == "network" if retry is None else retry,
            wait=wait,
        )


def _named(path: str, outcome: str) -> str:
    found = _COLUMN.fullmatch(path)
    return (found[1] or found[2] or outcome) if found else outcome


def table_leaves(request: Mapping[str, Any]) -> dict[str, Leaf | Any]:
    """Return column → leaf or constant; a table has no columns within columns."""
    out: dict[str, Leaf | Any] = {}
    for name, value in request.items():
        if isinstance(value, Mapping | list | tuple):
            raise UsageError("target.nested_request", key=name)
        leaf = Leaf.parse(value) if isinstance(value, str) else None
        out[name] = leaf if leaf is not None and leaf.fields else value
    return out


def flat(result: Any) -> Column:
    """Return an array of one dimension; (n, 1) is one column.

    Examples
    --------
    >>> flat([[1.0], [2.0]]).tolist()
    [1.0, 2.0]
    """
    column = np.asarray(result)
    return column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column.reshape(-1)  # noqa: PLR2004  a matrix


def fields_of(request: Mapping[str, Any], known: Collection[str] | None) -> frozenset[str]:
    """Return the fields that a table carries in columns that its reader knows; None: it knows all.

    Examples
    --------
    >>> request = {"device": "{{persona.device}}", "extra": "{{persona.age}}"}
    >>> fields_of(request, {"device"})
    frozenset({'persona.device'})
    """
    return frozenset(
        name
        for column, leaf in table_leaves(request).items()
        if isinstance(leaf, Leaf) and (known is None or column in known)
        for name in leaf.fields
    )
