"""Delivery checks: whether what a plan varies reaches the model, and what a server does to it on its way.

Sent by ``evenhand plan`` after the pilot, one question at a time: one customer of the pilot is asked
about again, with one field of the request changed at a time. Servers drop columns that a model does
not read, cut fractions off, fill in what is left out, and answer from stock; each of these would pass
for "no difference". Nothing here is evidence. It is kept as ``delivery.json`` in the run folder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import orjson

from ..datasets.personas import Attribute, Level
from ..messages import text
from ..probes.controls import PILOT
from ..probes.design import ANSWERED, Wave
from ..probes.protocol import Study
from .authorise import authorise, rate
from .conduct import Conduct
from .folder import RunFolder, disk, write
from .journal import Journal
from .limits import Pace
from .plan import Plan, Remote
from .planhttp import HttpTarget
from .planmachines import ModelTarget
from .planwire import leaves, placeholders
from .planyaml import Key, dotted
from .run import Audit, in_loop
from .schedule import DAY
from .target.modelfile import Worker, bytes_of
from .target.protocol import Answers, Reply, Request

DELIVERY = "delivery.json"
ODD = "no-such-value"
"""A text that no vendor knows."""
LEAST_GRID = 0.05
"""Steps of prices below which there is no grid worth telling."""
FEWEST_ON_GRID = 6
"""Different prices on a grid of :data:`LEAST_GRID` by chance: one case in 5 ** 6."""
ALIKE = 1e-9
"""Ratio of two numbers, less one, within which they are the same: sums differ in their last digits."""

Outcome = Literal["arrives", "checked", "unread", "turned_away", "unsure"]
Note = Literal["filled", "cut"]

_SHOWN = 2000
_PARTS = 100
"""A grid is looked for in hundredths of the currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What became of one field of the request that carries a treated attribute.

    Parameters
    ----------
    attribute : str
    field : str
        Where it stands in the request.
    outcome : {"arrives", "checked", "unread", "turned_away", "unsure"}
        The answer follows it; the answer does not, but what is no value of it was turned away; nothing
        done to it matters; a level that the plan asks about was turned away; answers vary by
        themselves, so that one says nothing.
    notes : tuple of {"filled", "cut"}
        Left out, it is filled in without a word; a fraction is cut off.
    level : level or None
        What was turned away.
    status : int or None
        With which status.
    """

    attribute: str
    field: str
    outcome: Outcome
    notes: tuple[Note, ...] = ()
    level: Level | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One question of these checks, and what came of it."""

    field: str
    value: Level | None
    request_sha256: str
    request: str
    status: int
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """All that the checks found.

    Parameters
    ----------
    fields : tuple of Field
    model : tuple of str or None
        What a model file says that it takes; None where none is asked, or it does not say.
    cut_off : bool
        Whether a model file lives without a network. True where none is asked.
    canned : bool
        Whether every customer, whatever asked for, got one and the same answer.
    grid : float or None
        What all prices are multiples of, in units of the currency.
    sent : tuple of Sent
    """

    fields: tuple[Field, ...]
    canned: bool
    grid: float | None
    sent: tuple[Sent, ...]
    model: tuple[str, ...] | None = None
    cut_off: bool = True

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield it in words, in the current language."""
        if self.sent:
            yield text("delivery.head", count=len(self.sent))
        for one in self.fields:
            yield "  " + text(
                f"delivery.{one.outcome}",
                name=one.attribute,
                field=one.field,
                level=one.level,
                status=one.status,
            )
            for note in one.notes:
                yield "    " + text(f"delivery.{note}")
        if self.model is not None:
            yield text("delivery.model", columns=", ".join(self.model))
        if not self.cut_off:
            yield text("delivery.not_cut_off")
        if self.canned:
            yield "  " + text("delivery.canned")
        if self.grid is not None:
            yield "  " + text("delivery.grid", step=f"{self.grid:g}")


def check_delivery(audit: Audit, conduct: Conduct, folder: RunFolder) -> Delivery:
    """Ask what shows whether each treated attribute arrives, and keep it in the run folder.

    Parameters
    ----------
    audit : Audit
    conduct : Conduct
        After its pilot.
    folder : RunFolder
        What it keeps of an earlier check is not asked again.

    Raises
    ------
    AuthorisationError
        If the permission does not cover these questions.
    """
    path = folder.path / DELIVERY
    if path.is_file():
        return _read(orjson.loads(path.read_bytes()))
    asking = _Asking(audit, conduct)
    if asking.possible:
        now = datetime.now(UTC)
        with Journal.look(folder.journal) as journal:
            today = journal.sent_since((now - DAY).timestamp())
        authorise(audit.plan, now, sent_today=today + asking.most)
    found: list[Delivery] = []

    async def main() -> None:
        found.append(await asking.run())

    in_loop(main())
    with disk(path):
        write(path, orjson.dumps(found[0].as_dict(), option=orjson.OPT_INDENT_2))
    return found[0]


def _read(tree: Mapping[str, Any]) -> Delivery:
    fields = tuple(Field(**{**one, "notes": tuple(one["notes"])}) for one in tree["fields"])
    sent = tuple(Sent(**one) for one in tree["sent"])
    model = None if tree["model"] is None else tuple(tree["model"])
    return Delivery(**{**tree, "fields": fields, "sent": sent, "model": model})


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one question brought: the values of its answer, or None, and the status."""

    values: tuple[Any, ...] | None
    status: int

    def same(self, other: _Heard) -> bool:
        """Whether two answers are one and the same."""
        if self.values is None or other.values is None:
            return self.values is other.values
        return all(map(_alike, self.values, other.values))


def _alike(one: Any, other: Any) -> bool:
    numbers = isinstance(one, float) and isinstance(other, float)
    return math.isclose(one, other, rel_tol=ALIKE) if numbers else bool(one == other)


class _Asking:
    """The questions of the checks, one at a time."""

    def __init__(self, audit: Audit, conduct: Conduct) -> None:
        plan = audit.plan
        self._audit = audit
        self._conduct = conduct
        self._pace = Pace.of(plan.target.limits, ceiling=rate(plan))
        self._sent: list[Sent] = []
        self._request: Mapping[str, Any] = plan.target.request or {}
        treated = dict.fromkeys(h.treatment for h in conduct.hypotheses)
        self._places = [
            (attribute, key)
            for name in treated
            if (attribute := conduct.study.attributes.get(name)) is not None
            for key in places(self._request, attribute)
        ]
        self.possible = bool(self._places) and _once(plan)
        self.most = 2 + sum(2 + len(attribute.levels) for attribute, _ in self._places)
        self._base = self._request
        for attribute, key in self._places:
            own = shown(attribute, _field_of(self._request, key))[0]
            self._base = altered(self._base, key, own)

    async def run(self) -> Delivery:
        observed = self._conduct.observed[PILOT.name]
        fields = await self._fields() if self.possible else ()
        prices = _prices(self._conduct.study, observed.values)
        contexts = len(self._conduct.study.personas) * max(1, len(self._conduct.study.items))
        varied = contexts > 1 or any(
            one.role == "condition" and one.levels
            for one in self._conduct.study.attributes.values()
        )
        return Delivery(
            fields=tuple(fields),
            canned=varied
            and len(prices) > 1
            and np.allclose(prices, prices[0], rtol=ALIKE, atol=0),
            grid=grid(prices),
            sent=tuple(self._sent),
            **_of_model(self._audit),
        )

    async def _fields(self) -> Sequence[Field]:
        base = await self._ask("", None, self._base)
        again = await self._ask("", None, self._base)
        steady = base.values is not None and base.same(again)
        return [
            await self._field(attribute, key, base, steady=steady)
            for attribute, key in self._places
        ]

    async def _field(self, attribute: Attribute, key: Key, base: _Heard, *, steady: bool) -> Field:
        levels = shown(attribute, _field_of(self._request, key))
        own = levels[0]
        name = dotted(key)
        heard = {
            place: await self._ask(name, level, altered(self._base, key, level))
            for place, level in enumerate(levels)
            if place
        }
        found = Field(attribute=attribute.name, field=name, outcome="unsure")
        for place, one in heard.items():
            if one.values is None and base.values is not None:
                return Field(
                    attribute=attribute.name,
                    field=name,
                    outcome="turned_away",
                    level=levels[place],
                    status=one.status,
                )
        if not steady:
            return found
        gone = await self._ask(name, None, altered(self._base, key, GONE))
        odd = await self._ask(name, ODD, altered(self._base, key, ODD))
        follows = not all(one.same(base) for one in heard.values())
        notes: list[Note] = []
        if follows and gone.values is not None:
            notes.append("filled")
        if follows and isinstance(own, int) and not isinstance(own, bool):
            half = await self._ask(name, own + 0.5, altered(self._base, key, own + 0.5))
            notes += ["cut"] if half.same(base) else []
        matters = not (gone.same(base) and odd.same(base))
        outcome: Outcome = "arrives" if follows else "checked" if matters else "unread"
        return Field(attribute=attribute.name, field=name, outcome=outcome, notes=tuple(notes))

    async def _ask(self, field: str, value: Level | None, request: Mapping[str, Any]) -> _Heard:
        turn = self._conduct.waves[0]
        target = self._audit.target(request=request)
        try:
            made = target.render(self._conduct.study, turn.wave, turn.number, _first(turn.wave))
            await self._pace.turn()
            reply = await target.send(made)
            said = target.read(made, reply)
        finally:
            await target.close()
        self._sent.append(_kept(field, value, made, reply))
        return _Heard(_values(said), reply.status)


def _of_model(audit: Audit) -> dict[str, Any]:
    """Return what a model file says when it is opened, and how well it is kept apart."""
    spec = audit.plan.target
    if not isinstance(spec, ModelTarget):
        return {}
    worker = Worker(spec, bytes_of(spec, audit.loaded.digest_inputs["target"]))
    worker.close()
    columns = None if worker.columns is None else tuple(worker.columns)
    return {"model": columns, "cut_off": worker.cut_off}


def _first(wave: Wave) -> slice:
    return slice(0, min(1, len(wave)))


def _values(said: Answers) -> tuple[Any, ...] | None:
    if said.kind[0] != ANSWERED:
        return None
    return tuple(column[0] for _, column in sorted(said.values.items()))


def _kept(field: str, value: Level | None, made: Request, reply: Reply) -> Sent:
    return Sent(
        field=field,
        value=value,
        request_sha256=made.sha256().hex(),
        request=made.body[:_SHOWN].decode("utf-8", "replace"),
        status=reply.status,
        reply=reply.body[:_SHOWN].decode("utf-8", "replace"),
    )


def _once(plan: Plan) -> bool:
    """Whether one request is all that a question takes: nothing is held and nothing ordered by it."""
    target = plan.target
    return isinstance(target, Remote) and not (isinstance(target, HttpTarget) and target.steps)


def places(request: Mapping[str, Any], attribute: Attribute) -> list[Key]:
    """Return where a request carries an attribute by a placeholder that stands alone.

    Examples
    --------
    >>> device = Attribute(name="device", role="habit", levels=("old", "new"))
    >>> places({"user": {"device": "{{persona.device}}", "age": "{{persona.age}}"}}, device)
    [('user', 'device')]
    """
    fields = {field for cue in attribute.cue_names for field in attribute.fields(cue, 0)}
    return [key for key, _ in leaves(request, ()) if _field_of(request, key) in fields]


def _field_of(request: Any, key: Key) -> str | None:
    for part in key:
        request = request[part]
    names = placeholders(request) if isinstance(request, str) else []
    whole = len(names) == 1 and request.strip().startswith("{{") and request.strip().endswith("}}")
    return names[0].removeprefix("persona.") if whole and names[0].startswith("persona.") else None


def shown(attribute: Attribute, field: str | None) -> list[Level]:
    """Return what each level of an attribute shows in one field, the reference first."""
    cue = next(
        (cue for cue in attribute.cue_names if field in attribute.fields(cue, 0)),
        attribute.cue_names[0],
    )
    return [attribute.fields(cue, code)[field or ""] for code in range(len(attribute.levels))]


GONE: Any = object()
"""Instead of a value: that there is none."""


def altered(tree: Any, key: Key, value: Any) -> Any:
    """Return a request with another value at `key`, or without that field.

    Examples
    --------
    >>> altered({"user": {"age": 30, "id": 1}}, ("user", "age"), GONE)
    {'user': {'id': 1}}
    >>> altered({"ids": [1, 2]}, ("ids", 1), 3)
    {'ids': [1, 3]}
    """
    head, rest = key[0], key[1:]
    pairs = tree.items() if isinstance(tree, Mapping) else enumerate(tree)
    made = [
        (
            name,
            altered(old, rest, value) if name == head and rest else value if name == head else old,
        )
        for name, old in pairs
    ]
    kept = [(name, one) for name, one in made if one is not GONE]
    return dict(kept) if isinstance(tree, Mapping) else [one for _, one in kept]


def _prices(study: Study, values: Mapping[str, Any]) -> Any:
    name = next((name for name, kind in study.outcomes.items() if kind == "price"), None)
    found = np.asarray(values.get(name or "", np.zeros(0)), dtype=float)
    return found[np.isfinite(found)]


def grid(prices: Any) -> float | None:
    """Return the step that all prices are multiples of, where that is no mere rounding to coins.

    Examples
    --------
    >>> grid(np.array([95.0, 105, 120, 125, 150, 170])), grid(np.array([95.01, 105, 120, 125, 150, 170]))
    (5.0, None)
    """
    different = np.unique(np.round(prices, 6))
    parts = np.rint(different * _PARTS)
    if len(different) < FEWEST_ON_GRID or not np.allclose(parts, different * _PARTS, atol=ALIKE):
        return None
    step = math.gcd(*(int(one) for one in parts)) / _PARTS
    return step if step >= LEAST_GRID else None
