"""What a statistic returns: a number that never stands without its unit, interval and counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from .. import messages

Guarantee = Literal["exact", "finite-sample", "asymptotic", "heuristic"]
Alternative = Literal["two-sided", "greater", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval.

    `time_uniform` intervals hold at all sample sizes at once, so the run may stop at any of them.
    """

    low: float
    high: float
    level: float
    method: str
    time_uniform: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with unit, interval and counts. None is "not measured" and is never 0."""

    value: float | None
    unit: str
    interval: Interval | None = None
    n: int = 0
    n_excluded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MonteCarlo:
    """How a p-value was drawn: `extreme` of `draws` were at least as extreme as the data.

    `stopped`: drawing ended early, because the p-value was plainly large.

    Examples
    --------
    >>> found = MonteCarlo(draws=999, extreme=19, stopped=False).p_interval()
    >>> round(found.low, 4), round(found.high, 4)
    (0.0097, 0.0332)
    """

    draws: int
    extreme: int
    stopped: bool

    def p_interval(self, level: float = 0.99) -> Interval:
        """Return where the p-value of infinitely many draws lies (Clopper-Pearson)."""
        from scipy.special import betaincinv

        tail = (1 - level) / 2
        k, misses = self.extreme, self.draws - self.extreme
        low = float(betaincinv(k, misses + 1, tail)) if k else 0.0
        # stopped at the k-th extreme draw: the last one was bound to be extreme
        more = k if self.stopped else k + 1
        high = float(betaincinv(more, misses, 1 - tail)) if misses else 1.0
        return Interval(low=low, high=high, level=level, method="Clopper-Pearson")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What a test of fixed size found.

    Parameters
    ----------
    estimate : float or None
        In `unit`; None where the data do not show one.
    unit : str
        ``"log-ratio"``, ``"ratio"``, ``"share"``, ``"probability"``, or that of the data.
    p_value : float or None
        Never 0. None where the data cannot tell: `reason` then says why.
    null : str
        Id of the sentence that says what is assumed until shown otherwise.
    alternative : {"two-sided", "greater", "less"}
        Of the estimate, treated against reference.
    method, reference : str
        What was done, and where it is described.
    guarantee : {"exact", "finite-sample", "asymptotic", "heuristic"}
        Of the p-value, under `null`.
    n, n_excluded : int
        Units used, and units left out because an answer was missing.
    statistic : float or None
        What was compared.
    monte_carlo : MonteCarlo or None
        How the p-value was drawn; None where no chance entered.
    reason : str or None
        Id of the sentence that says why there is no p-value.

    Examples
    --------
    >>> from evenhand.metrics.fixed.paired import mcnemar
    >>> found = mcnemar([1, 1, 1, 0, 0], [0, 0, 0, 0, 1])
    >>> found.estimate, found.p_value, found.guarantee
    (0.4, 0.625, 'exact')
    >>> found.null_text("en")
    'The answer does not depend on the arm: each discordant pair is as likely to lean either way.'
    """

    __test__: ClassVar[bool] = False  # a test of statistics, not one of pytest's

    estimate: float | None
    unit: str
    p_value: float | None
    null: str
    alternative: Alternative
    method: str
    reference: str
    guarantee: Guarantee
    n: int
    n_excluded: int = 0
    statistic: float | None = None
    monte_carlo: MonteCarlo | None = None
    reason: str | None = None
    _limits: Callable[[float], Interval | None] | None = field(
        default=None, repr=False, compare=False
    )

    def interval(self, level: float = 0.95) -> Interval | None:
        """Return the two-sided confidence interval of the estimate, or None where there is none.

        Parameters
        ----------
        level : float
            In (0, 1).

        Returns
        -------
        Interval or None
            The same at every call: resampling draws are fixed by the generator of the test.

        Raises
        ------
        InputError
            If `level` leaves (0, 1).
        """
        from ._arrays import inside

        inside("level", level, 0, 1)
        return None if self._limits is None else self._limits(level)

    def null_text(self, language: str | None = None) -> str:
        """Return the null hypothesis in words."""
        return messages.text(self.null, language)

    def reason_text(self, language: str | None = None) -> str | None:
        """Return in words why there is no p-value; None where there is one."""
        return None if self.reason is None else messages.text(self.reason, language)
