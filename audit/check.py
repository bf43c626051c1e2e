"""What a plan can come to, computed before anything is sent.

A forecast for a fair vendor, by :mod:`evenhand.metrics.planning`: it informs, and no verdict
depends on it. Guarantee: heuristic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import messages
from ..errors import Problem
from ..messages import numbers
from ..metrics.planning import TWINS_EVERY, TWINS_FIRST, accounts_bound, forecast
from ..metrics.planning import smallest_detectable as detectable
from ..probes.controls import PILOT_PAIRS, POSITIVE_BLOCKS
from ..probes.matched import is_carried
from ..probes.protocol import Hypothesis, Study
from . import planserved
from .authorise import rate, shortcomings
from .plan import ProbeEntry, entries_of
from .planfile import LoadedPlan

NOISES = (0.0, 0.005, 0.01, 0.02, 0.05)
"""Standard deviations of the vendor's own noise, on the log scale, that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a plan comes to against a fair vendor with a given noise.

    Parameters
    ----------
    noise : float
        Standard deviation of the log price of one question asked again.
    queries : int or None
        Predicted to find everything within the limit, controls included; None: no number suffices.
    minutes : float or None
        Least time for them at the rate limit; None where there is no limit.
    smallest_detectable : float or None
        Smallest mean effect, as a ratio − 1, that the budget would show with chance .8.
    reachable : bool
        Whether a verdict on the size of every effect is within the budget.
    reason : str or None
        Id of the message that says why not, filled in from `values`.
    """

    noise: float
    queries: int | None
    minutes: float | None
    smallest_detectable: float | None
    reachable: bool
    reason: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What ``evenhand check`` says of a plan without mistakes.

    Parameters
    ----------
    hypotheses : int
        K: primary hypotheses, which share each level.
    budget : int
        Queries that the plan pays for.
    personas, items : int
        Rows of the frame.
    rate : float or None
        Most requests a second.
    outlooks : tuple of Outlook
        One for each of :data:`NOISES`.
    warnings : tuple of Problem
        What limits what the audit can say, or would stop it.
    """

    hypotheses: int
    budget: int
    personas: int
    items: int
    rate: float | None
    outlooks: tuple[Outlook, ...]
    warnings: tuple[Problem, ...] = ()

    @property
    def reachable(self) -> bool:
        """Whether a verdict on every size can be reached at any of the noises."""
        return any(outlook.reachable for outlook in self.outlooks)

    def lines(self, language: str) -> list[str]:
        """Return the result as lines for people, in `language`."""
        head = messages.text(
            "check.head",
            language,
            hypotheses=self.hypotheses,
            personas=numbers.count(self.personas),
            items=messages.text("check.items", language, n=numbers.count(self.items))
            if self.items
            else messages.text("check.no_items", language),
            budget=numbers.count(self.budget),
        )
        rows = [_row(outlook, language) for outlook in self.outlooks]
        warned = [messages.text("check.warnings", language)] if self.warnings else []
        return [
            head,
            messages.text("check.table", language),
            *rows,
            self._summary(language),
            *warned,
            *(f"  {warning.text(language)}" for warning in self.warnings),
        ]

    def _summary(self, language: str) -> str:
        reached = [outlook.noise for outlook in self.outlooks if outlook.reachable]
        if not reached:
            return messages.text("check.unreachable", language)
        noise = numbers.percent(100 * max(reached), language)
        return messages.text("check.reachable", language, noise=noise)


def check(loaded: LoadedPlan, study: Study, hypotheses: Sequence[Hypothesis]) -> Checked:
    """Predict what a plan can come to. Sends nothing.

    Parameters
    ----------
    loaded : LoadedPlan
    study : Study
    hypotheses : sequence of Hypothesis
        All that the probes of the plan declare.

    Returns
    -------
    Checked
    """
    plan = loaded.plan
    primary = [hypothesis for hypothesis in hypotheses if hypothesis.primary]
    testing = {one.probe for one in primary}
    parts = [
        _Part(name, entry, study, primary)
        for name, entry in entries_of(plan).items()
        if name in testing
    ]
    per_second = rate(plan)
    outlooks = [_outlook(loaded, study, parts, len(primary), noise) for noise in NOISES]
    missing = [
        loaded.problem(one.message_id, tuple(one.key.split(".")), **one.values)
        for one in shortcomings(plan)
    ]
    return Checked(
        hypotheses=len(primary),
        budget=plan.budget.queries,
        personas=len(study.personas),
        items=len(study.items),
        rate=per_second,
        outlooks=tuple(outlooks),
        warnings=(
            *missing,
            *loaded.warnings,
            *planserved.warnings(plan, loaded.digest_inputs, loaded.source),
            *_unread_levels(loaded, study),
        ),
    )


class _Part:
    """One probe of the plan, as far as its cost goes."""

    def __init__(
        self, name: str, entry: ProbeEntry, study: Study, hypotheses: Sequence[Hypothesis]
    ) -> None:
        own = [one for one in hypotheses if one.probe == name]
        self.tolerance = entry.tolerance
        self.bound = math.log1p(entry.clip)
        self.deterministic = entry.assume == "deterministic"
        self.reproducible = entry.reproducible
        seen = {one.treatment: is_carried(study, one.treatment) for one in own}
        # several outcomes of one level are read from the same arm
        self.arms = len({(o.treatment, str(o.level)) for o in own if seen[o.treatment]})
        self.undelivered = sorted(name for name, carried in seen.items() if not carried)


def _outlook(
    loaded: LoadedPlan, study: Study, parts: Sequence[_Part], k: int, noise: float
) -> Outlook:
    plan = loaded.plan
    fixed = 2 * PILOT_PAIRS + (2 * POSITIVE_BLOCKS if plan.controls.positive else 0)
    queries: int | None = fixed
    seen: list[float] = []
    reason: tuple[str, dict[str, Any]] | None = None
    for part in parts:
        share_of_budget = (plan.budget.queries - fixed) // len(parts)
        blocks = _blocks(share_of_budget, part.arms)
        level = 1 - plan.decide.alpha / max(1, k)
        seen.append(
            detectable(blocks, noise, bound=part.bound, level=level) if blocks else math.inf
        )
        needed, why = _needed(loaded, study, part, k, noise)
        queries = None if queries is None or needed is None else queries + needed
        reason = reason or why
    if reason is None and queries is not None and queries > plan.budget.queries:
        reason = "check.budget", {"needed": numbers.count(queries)}
    per_second = rate(plan)
    worst = max(seen, default=math.inf)
    return Outlook(
        noise=noise,
        queries=queries,
        minutes=None if queries is None or per_second is None else queries / per_second / 60,
        smallest_detectable=math.expm1(worst) if math.isfinite(worst) else None,
        reachable=reason is None,
        reason=reason[0] if reason else None,
        values=reason[1] if reason else {},
    )


def _blocks(queries: int, arms: int) -> int:
    """Return how many blocks so many queries pay for, twins included and re-asking left aside."""
    if queries <= 0 or arms == 0:
        return 0
    early = TWINS_FIRST * (2 + arms)
    if queries <= early:
        return queries // (2 + arms)
    return TWINS_FIRST + int((queries - early) / (1 + arms + 1 / TWINS_EVERY))


def _needed(
    loaded: LoadedPlan, study: Study, part: _Part, k: int, noise: float
) -> tuple[int | None, tuple[str, dict[str, Any]] | None]:
    """Return the queries that one probe needs, and why they would not do."""
    if part.undelivered:
        return None, ("check.not_delivered", {"names": ", ".join(part.undelivered)})
    if part.tolerance is None or part.arms == 0:
        return None, ("check.no_tolerance", {})
    too_few = _too_few_accounts(loaded, study, part, k)
    if too_few is not None:
        return None, too_few
    limit = part.tolerance
    found = forecast(
        hypotheses=part.arms,
        ratio=limit.mean,
        share=limit.share,
        beyond=limit.beyond,
        noise=noise,
        bound=part.bound,
        alpha=loaded.plan.decide.alpha,
        alpha_clear=loaded.plan.decide.alpha_clear,
        deterministic=part.deterministic,
        reproducible=part.reproducible,
    )
    if not found.estimable or found.queries is None:
        smallest = both_percents(found.smallest_beyond)
        return None, ("check.noise", {"beyond": smallest})
    return found.queries, None


def _too_few_accounts(
    loaded: LoadedPlan, study: Study, part: _Part, k: int
) -> tuple[str, dict[str, Any]] | None:
    """Say what given accounts can show at best, where that is not enough.

    Without a hit in n pairs the share is at most 1 − (alpha/K)^(1/n). Only where an attribute comes
    with the account: else accounts are asked again and again.
    """
    accounts = len(study.identities)
    if not study.tied or part.tolerance is None:
        return None
    level = loaded.plan.decide.alpha_clear / max(1, k)
    groups = accounts // (2 + part.arms)
    best = accounts_bound(groups, level) if groups else 1.0
    if best <= part.tolerance.share:
        return None
    wanted = math.ceil(math.log(level) / math.log1p(-part.tolerance.share)) * (2 + part.arms)
    return "check.accounts", {
        "accounts": accounts,
        "best": both_percents(best),
        "share": both_percents(part.tolerance.share),
        "wanted": numbers.count(wanted),
    }


def _unread_levels(loaded: LoadedPlan, study: Study) -> list[Problem]:
    """Say where the levels of a condition do not decide what is drawn."""
    control = loaded.plan.controls.positive
    used = {control.attribute} if control else set()
    return [
        loaded.problem("check.levels_unread", ("personas", "attributes", name, "levels"), name=name)
        for name, attribute in study.attributes.items()
        if attribute.role == "condition"
        and attribute.levels
        and name in study.personas.columns
        and name not in used
    ]


def both_percents(value: float) -> dict[str, str]:
    """Return a fraction as a percentage in every language, with two figures."""
    digits = max(0, 1 - math.floor(math.log10(100 * value))) if value > 0 else 0
    return {
        language: numbers.percent(100 * value, language, digits=digits)
        for language in messages.LANGUAGES
    }


def _why(message_id: str, language: str, values: Mapping[str, Any]) -> str:
    return messages.text(message_id, language, **values)


def _row(outlook: Outlook, language: str) -> str:
    """Return one line: what is needed, in what time, what would be seen, and why it fails."""
    clauses = [_need(outlook, language)]
    if outlook.smallest_detectable is not None:
        smallest = both_percents(outlook.smallest_detectable)
        clauses.append(messages.text("check.smallest", language, smallest=smallest))
    if outlook.reason is not None:
        clauses.append(messages.text(outlook.reason, language, **outlook.values))
    noise = numbers.percent(100 * outlook.noise, language)
    gap = "" if language == "zh" else " "
    return messages.text("check.row", language, noise=noise, told=gap.join(clauses))


def _need(outlook: Outlook, language: str) -> str:
    if outlook.queries is None:
        return messages.text("check.never", language)
    queries = numbers.count(outlook.queries)
    if outlook.minutes is None:
        return messages.text("check.needs", language, queries=queries)
    minutes = numbers.count(math.ceil(outlook.minutes))
    return messages.text("check.needs_minutes", language, queries=queries, minutes=minutes)
