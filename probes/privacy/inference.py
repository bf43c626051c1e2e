"""privacy.inference: do answers tell what a sensitive attribute is, beyond what was lawfully sent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ...metrics.bounded import log_mean_evidence
from ...metrics.privacy.betting import log_told, rate_right
from ...metrics.privacy.coins import log_coin_evidence
from ...metrics.privacy.membership import auc
from ...metrics.result import Estimate
from ..contexts import draw, lay_out
from ..controls import walked
from ..design import ANSWERED, FAILED, REFERENCE, TREATED, Floats, Observed, Wave
from ..gaps import HALF, SCALES
from ..ledger import sessions_of
from ..matched import CHECK_AT, is_carried, limit_of
from ..options import Options
from ..protocol import Card, Check, Claims, Described, Evidence, Hypothesis, Probe, Seen, Study
from ..registry import register
from ..shares import Limit
from ..treated import label_of

FIRST, MOST = 128, 2048
"""Customers of the first wave, from which is learnt alone, and of all waves."""
LISTED, KNOWN = 10, 20
"""First places of a list that are looked at, and how many items are told apart."""
NEEDED = 2
"""Levels that are told apart."""

CARD = Card(
    name="privacy.inference",
    question=both("private.inference_question"),
    roles=frozenset({"private", "protected"}),
    needs=frozenset(),
    outcomes={"final": "rate", "ranking": "rate"},
    tolerance=frozenset({"difference", "share", "beyond"}),
    null=both("private.inference_null"),
    cost=both("private.inference_cost", most=MOST),
    guarantee="exact",
    finding_kinds=frozenset({"privacy.inference"}),
    direction="harm",
    options={"customers": both("private.option_customers", most=MOST)},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """Random customers, half of them at the level by lot; who reads their answers guesses which.

    What was sent lawfully says nothing of a coin, so imputation is right half of the time; whatever
    the guesses are better than that, the answers gave away. The guesses for a wave are learnt from
    earlier waves alone.

    Parameters
    ----------
    attribute : str
        Its first level beside the reference is what is told apart from the reference.
    outcome : str
        What a finding names; guesses are made from all that is answered.
    limit : Limit or None
    customers : int
        Most customers that are asked.
    session : tuple of str
    name : str
    """

    attribute: str
    outcome: str = "final"
    limit: Limit | None = None
    customers: int = MOST
    session: tuple[str, ...] = ()
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: the attribute comes with the account."""
        if len(study.identities):
            return both("private.need_fresh")
        return None if study.outcomes else both("audit.not_answered", outcome=self.outcome)

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return the one hypothesis: the answers tell the level."""
        attribute = study.attributes[self.attribute]
        return (
            Hypothesis(
                id=f"{self.name}:{self.attribute}={attribute.levels[1]}:{self.outcome}",
                probe=self.name,
                outcome=self.outcome,
                treatment=self.attribute,
                level=attribute.levels[1],
                kind="privacy.inference",
                question=both("private.asks_inference", label=label_of(study, self.attribute)),
            ),
        )

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return as many customers again as were asked, each at a level by lot; None when it is closed."""
        (hypothesis,) = self.hypotheses(study)
        if hypothesis.id not in seen.undecided or not is_carried(study, self.attribute):
            return None
        path = walked(study, self.session)
        done = int(seen.observed.column("block").max(initial=-1)) + 1
        most = min(seen.trials_left, max(seen.wave_limit, len(path))) // len(path)
        size = min(done or FIRST, self.customers - done, most)
        if size < 1:
            return None
        coins = rng.integers(2, size=size) > 0
        arms = np.zeros((size, TREATED + 1), dtype=bool)
        arms[:, REFERENCE], arms[:, TREATED] = ~coins, coins
        return lay_out(
            draw(study, size, rng),
            arms=arms,
            first_block=done,
            overrides={REFERENCE: {self.attribute: 0}, TREATED: {self.attribute: 1}},
            paths=dict.fromkeys(range(TREATED + 1), path),
            rng=rng,
        )

    # ------------------------------------------------------------------ reading
    def chances(self, study: Study, observed: Observed) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the chance of the level that each answer was given, and the level itself.

        In the order asked, without the first wave and what was not answered.
        """
        key = (Inference, self.attribute)
        if key not in observed.known:
            observed.known[key] = _foretold(study, observed)
        found: tuple[Floats, NDArray[np.bool_]] = observed.known[key]
        return found

    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence that the answers tell the level."""
        (hypothesis,) = self.hypotheses(study)
        delivered = is_carried(study, self.attribute)
        chance, coins = self.chances(study, observed)
        right = rate_right(chance, coins, level=level or 0.95)
        told = replace(
            right,
            value=None if right.value is None else right.value - 1 / 2,
            interval=None
            if right.interval is None or level is None
            else replace(
                right.interval, low=right.interval.low - 1 / 2, high=right.interval.high - 1 / 2
            ),
        )
        n = len(coins)
        return (
            Evidence(
                hypothesis=hypothesis,
                delivered=delivered,
                claims=self._claims(chance, coins),
                effect=told,
                share=Estimate(value=None, unit="share", n=n) if self.limit else None,
                base=1 / 2 if n else math.nan,
                guarantee="exact",
                unit="customer",
                n=n,
                n_excluded=int(np.sum(observed.kind != ANSWERED)),
                queries=len(observed),
                reason=None if delivered else "audit.reason_not_delivered",
                smallest_detectable=_smallest(n) if n else None,
                described=_described(chance, coins, level) if level else (),
                method=(both("private.inference_method", first=FIRST),),
            ),
        )

    def _claims(self, chance: Floats, coins: NDArray[np.bool_]) -> Mapping[float, Claims]:
        path = log_told(chance, coins)
        differs, now = float(np.max(path, initial=0.0)), float(path[-1]) if len(path) else 0.0
        bare = Claims(differs=differs, differs_now=now, estimable=False)
        if self.limit is None:
            return {1.0: bare}
        right = np.where((chance > 1 / 2) == coins, 1 / 2, -1 / 2)
        found: dict[float, Claims] = {}
        for scale in SCALES:
            most = math.expm1(self.limit.times(scale).mean)
            beyond = log_mean_evidence(right, bound=1 / 2, limit=most, side="above")
            peak = float(np.max(beyond, initial=0.0))
            # somebody cleverer may guess better: what these guesses miss clears nobody
            found[scale] = replace(bare, beyond=peak, mean_beyond=peak, estimable=True)
        return found

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> Sequence[Check]:
        """Return whether either level failed more often; at .001."""
        del study, rng
        coins = observed.column("arm") == TREATED
        failed = observed.kind == FAILED
        either = np.logaddexp(log_coin_evidence(coins, failed), log_coin_evidence(~coins, failed))
        counts = {"treated": int(failed[coins].sum()), "reference": int(failed[~coins].sum())}
        peak = float(np.max(either, initial=0.0)) - HALF
        return (Check(kind="access", passed=peak < CHECK_AT, values=counts),)


def _smallest(n: int) -> float:
    """Return the excess of right guesses that so many would have shown: log 20 in evidence, and more.

    n guesses that are right with a chance of ½ + d bring about 2 n d² of evidence; two standard
    errors more make it likely.
    """
    return min(1 / 2, (math.sqrt(math.log(20) / 2) + 1) / math.sqrt(n))


def _described(chance: Floats, coins: NDArray[np.bool_], level: float) -> tuple[Described, ...]:
    if min(coins.sum(), (~coins).sum()) < NEEDED:
        return ()
    area = auc(chance[coins], chance[~coins], level=level)
    return (
        Described(name="auc", label=both("private.auc"), estimate=area, guarantee="asymptotic"),
    )


def _foretold(study: Study, observed: Observed) -> tuple[Floats, NDArray[np.bool_]]:
    rows, _, lost = sessions_of(observed)
    rows = rows[~lost & (observed.kind[rows] == ANSWERED)]
    coins, wave = observed.column("arm")[rows] == TREATED, observed.wave[rows]
    lawful, answers = _lawful(study, observed)[rows], _answers(observed)[rows]
    chance, asked = [np.zeros(0)], [np.zeros(0, dtype=np.bool_)]
    for number in observed.numbers[1:]:
        before, now = wave < number, wave == number
        if not now.any() or min(coins[before].sum(), (~coins[before]).sum()) < NEEDED:
            continue
        chance.append(_guess(lawful, answers, coins, before, now))
        asked.append(coins[now])
    return np.concatenate(chance), np.concatenate(asked)


def _guess(
    lawful: Floats,
    answers: Floats,
    coins: NDArray[np.bool_],
    before: NDArray[np.bool_],
    now: NDArray[np.bool_],
) -> Floats:
    """Return the chance of the level for each of `now`, learnt from `before` alone."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    left = np.empty_like(answers)
    for column in range(answers.shape[1]):
        usual = HistGradientBoostingRegressor(max_iter=60, min_samples_leaf=10, random_state=0)
        usual.fit(lawful[before], np.nan_to_num(answers[before, column]))
        left[:, column] = answers[:, column] - usual.predict(lawful)
    guesser = HistGradientBoostingClassifier(
        max_iter=40, max_depth=3, min_samples_leaf=10, random_state=0
    )
    seen = np.column_stack([left, lawful])
    guesser.fit(seen[before], coins[before])
    chance: Floats = guesser.predict_proba(seen[now])[:, 1]
    return chance


def _lawful(study: Study, observed: Observed) -> Floats:
    """Return what was lawfully sent, a row a trial: the item, and all of the persona but the attribute."""
    persona, item = observed.column("persona"), observed.column("item")
    columns = [item.astype(float)]
    columns += [_numbers(values)[persona] for values in study.personas.columns.values()]
    for name, attribute in study.attributes.items():
        if attribute.role == "condition":
            parts = [
                wave.overrides.get(name, np.zeros(wave.sessions))[wave.session]
                for wave in observed.waves
            ]
            columns.append(np.concatenate([np.zeros(0), *parts]))
    return np.column_stack(columns)


def _numbers(values: NDArray[Any]) -> Floats:
    if values.dtype.kind in "iufb":
        return values.astype(float)
    return np.unique(values.astype(str), return_inverse=True)[1].astype(float)


def _answers(observed: Observed) -> Floats:
    """Return what was answered as numbers, a row a trial: logarithms of amounts, items of lists."""
    columns: list[Floats] = []
    for values in observed.values.values():
        if values.dtype != object:
            amounts = np.asarray(values, dtype=float)
            columns.append(np.log1p(np.maximum(np.nan_to_num(amounts), 0.0)))
            continue
        shown = [tuple(map(str, one or ()))[:LISTED] for one in values.tolist()]
        names, counts = np.unique([item for one in shown for item in one], return_counts=True)
        often = names[np.argsort(-counts, kind="stable")[:KNOWN]].tolist()
        columns += [np.array([float(item in one) for one in shown]) for item in often]
    return np.column_stack(columns) if columns else np.zeros((len(observed), 1))


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return Inference(
        attribute=str(options["treat"][0]),
        outcome=options.get("outcome", "final"),
        limit=limit_of(options),
        customers=own.count("customers", MOST),
        session=tuple(options.get("session", ())),
        name=options.get("name", CARD.name),
    )
