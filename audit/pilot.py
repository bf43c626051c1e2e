"""What the pilot shows: whether the target can be asked, what a price means, and its noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..messages import language, numbers, text
from ..messages.terms import term
from ..probes.answers import scores_of
from ..probes.controls import PILOT, pilot_noise
from ..probes.design import ANSWERED, FAILED, REFUSED, Observed
from ..probes.matched import is_carried
from ..probes.protocol import Study
from ..probes.scores import LogPrice, Score
from .conduct import Conduct

SHOWN = 3
FIRST = 3
"""Entries of a list that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What the pilot read beside the price.

    Parameters
    ----------
    outcome, kind : str
        As in `Study.outcomes`.
    values : tuple
        Three answered values; of a flag all.
    apart : float or None
        How far identical customers were apart on average, of 1; None for what is told in ratios.
    """

    outcome: str
    kind: str
    values: tuple[Any, ...]
    apart: float | None

    def lines(self, currency: str) -> Iterator[str]:
        """Yield it in words, in the current language."""
        chosen = language()
        if self.kind == "flag":
            count, of = sum(map(bool, self.values)), len(self.values)
            yield text("cli.flag_read", name=self.outcome, count=count, of=of)
        elif self.kind == "list":
            for one in self.values:
                first = _listed([str(entry) for entry in one[:FIRST]], chosen) or "–"
                yield text("cli.list_read", name=self.outcome, count=len(one), first=first)
        else:
            money = self.kind in {"price", "amount"}
            told = [_exactly(one, currency) if money else numbers.plain(one) for one in self.values]
            values = _listed(told, chosen)
            yield text("cli.value_read", name=self.outcome, values=values)
        if self.apart is not None:
            points = numbers.plain(100 * self.apart, 1)
            yield text("cli.apart", name=self.outcome, points=points)


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotResult:
    """The pilot in numbers.

    Parameters
    ----------
    planned, answered, refused, failed : int
    prices : tuple of float
        Three answered prices, in units of the currency.
    currency, per : str
    includes : tuple of str
    noise : float or None
        Standard deviation of one quote on the log scale.
    distinct : int
        How many different prices were answered.
    step : float or None
        The smallest difference between two of them: a price grid shows here.
    carried, not_carried : tuple of str
        Treated attributes that the request carries, and does not.
    others : tuple of Glimpse
        What was read beside that price.
    """

    planned: int
    answered: int
    refused: int
    failed: int
    prices: tuple[float, ...]
    currency: str
    per: str
    includes: tuple[str, ...]
    noise: float | None
    distinct: int
    step: float | None
    carried: tuple[str, ...]
    not_carried: tuple[str, ...]
    others: tuple[Glimpse, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """Yield it in words, in the current language."""
        chosen = language()
        yield text(
            "cli.pilot_counts",
            planned=self.planned,
            answered=self.answered,
            refused=self.refused,
            failed=self.failed,
        )
        included = _listed([term(one, chosen) for one in self.includes], chosen)
        included = included or text("cli.nothing_included")
        per = term(self.per, chosen)
        for price in self.prices:
            money = _exactly(price, self.currency)
            yield text("cli.price_read", money=money, per=per, includes=included)
        if self.noise is not None:
            yield text("cli.noise", sd=numbers.percent(100 * self.noise, chosen))
        if self.step is not None:
            step = _exactly(self.step, self.currency)
            yield text("cli.pilot_values", distinct=self.distinct, step=step)
        for other in self.others:
            yield from other.lines(self.currency)
        for key, names in (("cli.carried", self.carried), ("cli.not_carried", self.not_carried)):
            if names:
                yield text(key, names=_listed(names, chosen))


def _exactly(price: float, currency: str) -> str:
    """Return a price with the code of its currency: nobody can take it for another one."""
    return f"{currency} {price:,.2f}".strip()


def _listed(names: Sequence[str], chosen: str) -> str:
    return ("、" if chosen == "zh" else ", ").join(names)


def pilot_of(conduct: Conduct) -> PilotResult:
    """Return what the pilot of an audit shows."""
    observed = conduct.observed[PILOT.name]
    study = conduct.study
    kind = observed.kind
    scores = dict(scores_of(study))
    outcome = next((name for name in scores if study.outcomes[name] == "price"), "final")
    price = scores.pop(outcome, LogPrice(outcome))
    values = np.asarray(observed.values.get(outcome, np.zeros(0)), dtype=float)
    found = values[np.isfinite(values)]
    different = np.unique(found)
    noise = pilot_noise(observed, price)
    treated = dict.fromkeys(h.treatment for h in conduct.hypotheses if h.subject is None)
    money = study.money
    return PilotResult(
        planned=len(kind),
        answered=int(np.sum(kind == ANSWERED)),
        refused=int(np.sum(kind == REFUSED)),
        failed=int(np.sum(kind == FAILED)),
        prices=tuple(found[:SHOWN].tolist()),
        currency=money.currency if money else "",
        per=money.per if money else "",
        includes=money.includes if money else (),
        noise=noise if math.isfinite(noise) else None,
        distinct=len(different),
        step=float(np.min(np.diff(different))) if len(different) > 1 else None,
        carried=tuple(name for name in treated if is_carried(study, name)),
        not_carried=tuple(name for name in treated if not is_carried(study, name)),
        others=tuple(
            _glimpse(observed, study, name, score)
            for name, score in scores.items()
            if name in observed.values
        ),
    )


def _glimpse(observed: Observed, study: Study, outcome: str, score: Score) -> Glimpse:
    kind = study.outcomes[outcome]
    values = [one for one in observed.values[outcome].tolist() if not _missing(one)]
    apart = math.nan if score.unit == "log-ratio" else pilot_noise(observed, score)
    return Glimpse(
        outcome=outcome,
        kind=kind,
        values=tuple(values if kind == "flag" else values[:SHOWN]),
        apart=apart if math.isfinite(apart) else None,
    )


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
