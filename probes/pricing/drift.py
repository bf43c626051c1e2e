"""pricing.drift: does the price of an unchanged question move while an audit goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...messages import Text, both
from ...metrics.fixed.blocked import ladder_trend
from ...metrics.fixed.paired import sign_flip
from ...metrics.result import TestResult
from ..accounts import assign
from ..contexts import contexts_of, draw
from ..design import Floats, Observed, Wave, codes
from ..ledger import Ledger
from ..options import Options
from ..protocol import Card, Check, Evidence, Hypothesis, Probe, Seen, Study
from ..registry import register
from ..scores import LogPrice

OPENING, CLOSING = 0, 1
"""Arms of a block: the question as it stands, and the same question once that was answered."""
CONTEXTS, ROUNDS = 6, 20
AT = 0.001
LEVEL = 0.95

CARD = Card(
    name="pricing.drift",
    question=both("pricing.drift_question"),
    roles=frozenset(),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    null=both("pricing.drift_null"),
    cost=both("pricing.drift_cost", queries=2 * CONTEXTS * ROUNDS),
    guarantee="exact",
    options={
        "contexts": both("pricing.option_contexts"),
        "rounds": both("pricing.option_rounds"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The same few contexts, asked again in every wave of their own, by nobody in particular.

    A round opens with each context and closes with it, once the opening was answered; both under
    fresh identities. A trend over the rounds is the vendor's time, our asking among it; a gap
    between opening and closing is our asking alone, because no time has passed. Neither is held
    against the vendor: arms of a block are asked together, so that drift cancels out.

    Parameters
    ----------
    contexts : int
        How many are asked again and again.
    rounds : int
        How often. A round is asked when it is the probe's turn, so that rounds spread over the audit.
    outcome : str
    """

    contexts: int = CONTEXTS
    rounds: int = ROUNDS
    outcome: str = "final"

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: accounts that serve once cannot be asked again."""
        return both("pricing.no_drift") if study.tied else None

    def hypotheses(self, study: Study) -> Sequence[Hypothesis]:
        """Return nothing: it checks the audit, and accuses nobody."""
        del study
        return ()

    def test(self, study: Study, observed: Observed, level: float | None) -> Sequence[Evidence]:
        """Return nothing, as :meth:`hypotheses`."""
        del study, observed, level
        return ()

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next round, or None after the last one."""
        done = len(seen.observed.waves)
        if done == self.rounds or seen.trials_left < 2 * self.contexts:
            return None
        first = np.arange(self.contexts) * 2
        contexts = contexts_of(seen.observed, first) if done else draw(study, self.contexts, rng)
        row = np.repeat(np.arange(self.contexts), 2)
        arm = codes(np.tile([OPENING, CLOSING], self.contexts))
        wave = Wave(
            block=codes(done * self.contexts + row),
            again=codes(row if done else np.full(len(row), -1)),
            identity=codes(np.full(len(row), -1)),
            arm=arm,
            persona=contexts.persona[row],
            overrides={name: column[row] for name, column in contexts.conditions.items()},
            cue={name: column[row] for name, column in contexts.cue.items()},
            session=codes(np.arange(len(row))),
            step=codes(np.full(len(row), len(study.steps) - 1)),
            item=contexts.item[row],
            stage=arm,
        )
        return assign(study, wave, seen.observed, rng)

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> Sequence[Check]:
        """Return whether prices moved over the rounds, and whether asking moved them.

        Null hypotheses: within a context the answers do not depend on the round; opening and
        closing answers of a round are alike. Exact where the vendor's own noise is the same at all
        times; both at .001, by permutation.
        """
        del study
        if rng is None or len(observed.waves) < 2:  # noqa: PLR2004 - one round has no trend
            return ()
        logs = Ledger.of(observed, LogPrice(self.outcome), 2).score
        found: list[Check] = []
        trend = self._trend(logs[:, OPENING], rng)
        if trend is not None:
            found.append(_check("drift", trend, times=len(observed.waves) - 1))
        gaps = logs[:, CLOSING] - logs[:, OPENING]
        if np.isfinite(gaps).any():
            finite = np.where(np.isfinite(gaps), gaps, np.nan)
            found.append(_check("asking", sign_flip(finite, rng=rng)))
        return tuple(found)

    def _trend(self, opening: Floats, rng: np.random.Generator) -> TestResult | None:
        """Return the test of a slope a round, within contexts; None where none was answered twice."""
        rounds, context = np.divmod(np.arange(len(opening)), self.contexts)
        kept = np.isfinite(opening)
        if np.bincount(context[kept], minlength=1).max() < 2:  # noqa: PLR2004 - one answer has no trend
            return None
        return ladder_trend(
            opening[kept],
            rounds[kept],
            context[kept],
            rng=rng,
            alternative="two-sided",
            unit="log-ratio",
        )


def _check(kind: str, test: TestResult, *, times: int = 1) -> Check:
    """Return a test as a check of the audit, its size in per cent over so many steps."""
    limits = test.interval(LEVEL)
    ends = (limits.low, limits.high) if limits else (math.nan, math.nan)
    low, high = (f"{100 * math.expm1(times * end):+.2f}" for end in ends)
    return Check(
        kind=kind,
        passed=test.p_value is None or test.p_value >= AT,
        values={
            "percent": f"{100 * math.expm1(times * (test.estimate or 0.0)):+.2f}",
            "low": low,
            "high": high,
            "n": test.n,
        },
    )


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return Drift(
        contexts=own.count("contexts", CONTEXTS),
        rounds=own.count("rounds", ROUNDS),
        outcome=options.get("outcome", "final"),
    )
