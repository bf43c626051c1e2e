"""What the pilot shows: whether the target can be asked, what a price means, and its noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..messages import language, numbers, text
from ..probes.controls import PILOT, pilot_noise
from ..probes.design import ANSWERED, FAILED, REFUSED
from ..probes.matched import is_carried
from .conduct import Conduct

SHOWN = 3


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
        included = _listed(self.includes, chosen) or text("cli.nothing_included")
        for price in self.prices:
            money = _exactly(price, self.currency)
            yield text("cli.price_read", money=money, per=self.per, includes=included)
        if self.noise is not None:
            yield text("cli.noise", sd=numbers.percent(100 * self.noise, chosen))
        if self.step is not None:
            step = _exactly(self.step, self.currency)
            yield text("cli.pilot_values", distinct=self.distinct, step=step)
        for key, names in (("cli.carried", self.carried), ("cli.not_carried", self.not_carried)):
            if names:
                yield text(key, names=_listed(names, chosen))


def _exactly(price: float, currency: str) -> str:
    """Return a price with the code of its currency: nobody can take it for another one."""
    return f"{currency} {price:,.2f}".strip()


def _listed(names: Sequence[str], chosen: str) -> str:
    return ("、" if chosen == "zh" else ", ").join(names)


def pilot_of(conduct: Conduct, outcome: str = "final") -> PilotResult:
    """Return what the pilot of an audit shows."""
    observed = conduct.observed[PILOT.name]
    study = conduct.study
    kind = observed.kind
    values = np.asarray(observed.values.get(outcome, np.zeros(0)), dtype=float)
    found = values[np.isfinite(values)]
    different = np.unique(found)
    noise = pilot_noise(observed, outcome)
    treated = dict.fromkeys(h.treatment for h in conduct.hypotheses)
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
    )
