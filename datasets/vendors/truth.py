"""What is true of a vendor, as data: what an audit of it should find, and on which frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Level = str | int | float | bool
Column = NDArray[Any]
Columns = Mapping[str, Column]
Quoted = NDArray[np.float64] | Columns
"""Final prices alone, or outcome → column."""
Quotes = Callable[[Columns], Quoted]
Side = Literal["innocent", "between", "guilty"]
Unit = Literal["log-ratio", "share-of-price", "rate", "distance"]

UNITS: Mapping[str, Unit] = {
    "final": "log-ratio",
    "list": "log-ratio",
    "units": "log-ratio",
    "offers": "log-ratio",
    "prices": "log-ratio",
    "discount": "share-of-price",
    "coupon": "share-of-price",
    "fee": "share-of-price",
    "notice": "rate",
    "refused": "rate",
    "unannounced": "rate",
    "ranking": "distance",
}
"""Outcome → what its effects are. ``units`` is told as the price of one unit, ``prices`` as the
typical (geometric mean) price of the first :data:`TOP` of a list, an amount as a part of the list
price, ``notice`` and ``refused`` as a difference of chances, ``ranking`` as :func:`apart`.
``unannounced`` is no answer: it is the chance that a price differs, by more than the limit of a mean,
without a notice."""

WELCOME = frozenset({"discount", "coupon", "offers", "notice"})
"""Outcomes of which a customer would rather have more."""

TOP = 3
"""How far down a list most people look."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What counts as much: a mean, a share of contexts, and beyond what a context counts.

    Examples
    --------
    >>> Limit().scaled("log-ratio") == (log(1.01), log(1.05)), Limit().scaled("rate")
    (True, (0.01, 0.05))
    """

    mean: float = 0.01
    share: float = 0.02
    beyond: float = 0.05

    def scaled(self, unit: Unit) -> tuple[float, float]:
        """Return `mean` and `beyond` on the scale of a unit: ratios of prices add as logarithms."""
        if unit == "log-ratio":
            return log(1 + self.mean), log(1 + self.beyond)
        return self.mean, self.beyond


USUAL = Limit()
"""The tolerance that truths are told against unless they say another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one level of an attribute does to an outcome, against its reference.

    Parameters
    ----------
    attribute : str
    reference, level : level
    outcome : str
        As in :data:`UNITS`.
    mean : float
        Mean gap over the frame, noise apart: of log prices, parts of a price, chances or lists.
    share : float
        Share of contexts whose own gap is strictly beyond the limit.
    given : mapping
        What the vendor sees of everything else, where it differs from the frame's `home`.
    lawful : str, optional
        The defence that applies, as ``datasets/rules/defences.yaml`` calls it.
    limit : Limit

    Examples
    --------
    >>> tenure = Effect(attribute="tenure", reference=0, level=36)
    >>> tenure.side, tenure.moves(mean=log(1.05)).side
    ('innocent', 'guilty')
    >>> tenure.moves(outcome="coupon", mean=-0.08).harmful
    True
    """

    attribute: str
    reference: Level
    level: Level
    outcome: str = "final"
    mean: float = 0.0
    share: float = 0.0
    given: Mapping[str, Level] = field(default_factory=dict[str, Level])
    lawful: str | None = None
    limit: Limit = USUAL

    def moves(self, **planted: Any) -> Effect:
        """Return the same contrast with what was planted in it."""
        return replace(self, **planted)

    @property
    def unit(self) -> Unit:
        """What `mean` is."""
        return UNITS[self.outcome]

    @property
    def harmful(self) -> bool:
        """Whether the mean is against whoever stands at the level; a list that differs may be."""
        return -self.mean > _ROUNDING if self.outcome in WELCOME else self.mean > _ROUNDING

    @property
    def side(self) -> Side:
        """Innocent: no difference. Between: one inside the limit. Guilty: one beyond it."""
        mean, _ = self.limit.scaled(self.unit)
        if abs(self.mean) > mean + _ROUNDING or self.share > self.limit.share:
            return "guilty"
        return "between" if abs(self.mean) > _ROUNDING or self.share > 0 else "innocent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The whole truth about a vendor.

    Parameters
    ----------
    question : mapping
        What an auditor would ask of it, in zh and en.
    effects : tuple of Effect
        Empty where nothing was planted, and only enumeration can tell.
    noise : float
        Standard deviation of the log price of one trial; 0 for a vendor that always says the same.
    twin : str, optional
        The vendor that it is but for what was planted: at the frame's `home` both say the same.
    """

    question: Mapping[str, str]
    effects: tuple[Effect, ...] = ()
    noise: float = 0.0
    twin: str | None = None

    def of(self, attribute: str, outcome: str = "final") -> Effect:
        """Return the first effect of an attribute on an outcome.

        Raises
        ------
        KeyError
            If none is told.
        """
        for effect in self.effects:
            if (effect.attribute, effect.outcome) == (attribute, outcome):
                return effect
        raise KeyError((attribute, outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The contexts that a truth is about: a population × items × conditions, and who is at home.

    Parameters
    ----------
    population : str, optional
        A shipped population; its columns are conditions, one may be ``weight``.
    items : mapping
        Columns of the catalogue, all of one length. The first tells items apart.
    conditions : mapping
        Condition → levels that the population lacks, all combined.
    home : mapping
        The reference persona: a level for everything else that vendors are told.
    mover : Effect
        A condition that must move the price.

    Examples
    --------
    >>> frame = Frame(items={"ride": ("van", "compact")}, conditions={"stops": (0, 1)},
    ...     home={"device": "old"}, mover=Effect(attribute="stops", reference=0, level=1))
    >>> rows = frame.contexts({"km": np.array([2.0, 9.0, 4.0])})
    >>> len(rows["km"]), rows["ride"][3], set(rows["device"].tolist())
    (12, np.str_('compact'), {'old'})
    """

    population: str | None = None
    items: Mapping[str, tuple[Level, ...]]
    conditions: Mapping[str, tuple[Level, ...]] = field(
        default_factory=dict[str, tuple[Level, ...]]
    )
    home: Mapping[str, Level]
    mover: Effect

    @property
    def item(self) -> str:
        """The column that tells items apart."""
        return next(iter(self.items), "")

    def contexts(self, population: Columns) -> dict[str, Column]:
        """Return one row a context, everybody at home.

        Parameters
        ----------
        population : mapping of str to column
            The columns of the shipped population.
        """
        rows: dict[str, Column] = dict(population) or {"": np.zeros(1)}
        crossed = [self.items, *({name: levels} for name, levels in self.conditions.items())]
        for factor in crossed:
            rows = _crossed(rows, {name: np.asarray(values) for name, values in factor.items()})
        rows.pop("", None)
        return shown(rows, self.home)


def _crossed(rows: Columns, factor: Columns) -> dict[str, Column]:
    if not factor:
        return dict(rows)
    times = len(next(iter(factor.values())))
    long = len(next(iter(rows.values())))
    repeated = {name: np.repeat(values, long) for name, values in factor.items()}
    return {name: np.tile(column, times) for name, column in rows.items()} | repeated


def shown(rows: Columns, fields: Mapping[str, Level]) -> dict[str, Column]:
    """Return rows with the same fields shown in each."""
    count = len(next(iter(rows.values())))
    return {**rows, **{name: np.full(count, value) for name, value in fields.items()}}


def outcomes(quoted: Quoted) -> Columns:
    """Return what a vendor said as outcome → column.

    Examples
    --------
    >>> outcomes(np.array([3.5]))
    {'final': array([3.5])}
    """
    return quoted if isinstance(quoted, Mapping) else {"final": quoted}


def gaps(
    quotes: Quotes,
    contexts: Columns,
    *,
    reference: Mapping[str, Level],
    level: Mapping[str, Level],
    outcome: str = "final",
) -> NDArray[np.float64]:
    """Return each context's own gap in an outcome, in its unit.

    Parameters
    ----------
    quotes : callable
        Table to answers, without noise. ``refused`` and ``notice`` may be chances.
    contexts : mapping of str to (contexts,) array
    reference, level : mapping of str to level
        The fields that a vendor sees of either.
    outcome : str

    Returns
    -------
    (contexts,) float array
    """
    treated, plain = (outcomes(quotes(shown(contexts, fields))) for fields in (level, reference))
    if outcome == "unannounced":
        differ = np.abs(_score(treated, "final") - _score(plain, "final")) > log(1 + USUAL.mean)
        return np.asarray(differ & ~np.asarray(treated["notice"], dtype=bool), dtype=float)
    if outcome == "ranking":
        pairs = zip(treated[outcome], plain[outcome], strict=True)
        return np.array([apart(one, other) for one, other in pairs])
    return _score(treated, outcome) - _score(plain, outcome)


def _score(said: Columns, outcome: str) -> NDArray[np.float64]:
    if outcome == "prices":
        return np.array([dearness(prices) for prices in said[outcome]])
    values = np.asarray(said[outcome], dtype=float)
    unit = UNITS[outcome]
    if outcome == "units":
        values = np.asarray(said["final"], dtype=float) / values
    if unit == "share-of-price":
        values = values / np.asarray(said["list"], dtype=float)
    score: NDArray[np.float64] = np.log(values) if unit == "log-ratio" else values
    return score


def dearness(prices: Sequence[float]) -> float:
    """Return the mean logarithm of the first :data:`TOP` prices of a list.

    Examples
    --------
    >>> round(dearness((8.0, 2.0, 4.0, 900.0)) / log(2), 3)
    2.0
    """
    return float(np.mean(np.log(prices[:TOP])))


def apart(one: Sequence[object], other: Sequence[object]) -> float:
    """Return how far two lists are apart: 0 for the same list, 1 where they have nothing in common.

    One minus the average overlap: at each depth down to the shorter list's end, the part of the
    entries so far that both lists hold. Early places count more than late ones; lists of unequal
    length lose what the longer one holds more.

    References
    ----------
    R. Fagin, R. Kumar, D. Sivakumar, "Comparing top k lists", SIAM Journal on Discrete Mathematics
    17 (2003) 134-160.

    Examples
    --------
    >>> apart("abcd", "abcd"), apart("abcd", "wxyz"), round(apart("abcd", "badc"), 4)
    (0.0, 1.0, 0.3333)
    >>> round(apart("abcd", "ab"), 4)
    0.2083
    """
    long = max(len(one), len(other))
    depths = range(1, long + 1)
    overlaps = [len(set(one[:depth]) & set(other[:depth])) / depth for depth in depths]
    return 1.0 - sum(overlaps) / long if long else 0.0


def enumerated(
    quotes: Quotes,
    contexts: Columns,
    *,
    reference: Mapping[str, Level],
    level: Mapping[str, Level],
    outcome: str = "final",
    weights: NDArray[np.float64] | None = None,
    limit: Limit = USUAL,
) -> Effect:
    """Return the effect of a level by asking about every context of a frame, twice.

    Parameters
    ----------
    quotes : callable
        Table to answers, without noise.
    contexts : mapping of str to (contexts,) array
        The frame.
    reference, level : mapping of str to level
        The fields that a vendor sees of either; the first names the levels of the result.
    outcome : str
    weights : (contexts,) float array, optional
        Default: all alike.
    limit : Limit

    Examples
    --------
    >>> def dearer_for_two(table):
    ...     return np.where((table["who"] == "b") & (table["km"] > 2), 11.0, 10.0)
    >>> found = enumerated(dearer_for_two, {"km": np.arange(4)},
    ...     reference={"who": "a"}, level={"who": "b"})
    >>> round(found.mean, 4), found.share, found.side
    (0.0238, 0.25, 'guilty')
    """
    gap = gaps(quotes, contexts, reference=reference, level=level, outcome=outcome)
    attribute, first = next(iter(reference.items()))
    _, beyond = limit.scaled(UNITS[outcome])
    return Effect(
        attribute=attribute,
        reference=first,
        level=next(iter(level.values())),
        outcome=outcome,
        mean=float(np.average(gap, weights=weights)),
        share=float(np.average(np.abs(gap) > beyond + _ROUNDING, weights=weights)),
        limit=limit,
    )
