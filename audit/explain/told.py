"""Answers to explanations → what the record holds of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ...messages import Text as Pair
from ...metrics.result import Interval
from ...probes.design import Floats, Observed, joined
from ...probes.protocol import Study
from ..conduct import Conduct
from ..record import (
    Agreement,
    Clause,
    Contribution,
    Counterfactual,
    Decomposition,
    Driver,
    Explanation,
    Range,
    Subgroup,
    Surrogate,
    Text,
)
from .followups import (
    JOINT,
    Flagged,
    fields_name,
    flagged,
    joint,
    measured,
    of_attributes,
    of_fields,
    paired,
    rules_of,
    who_name,
)
from .games import LEAST, Game, Parts, Z
from .mixtures import fields_of
from .surrogate import FLOOR, Imitation, imitate
from .who import Rules, Who, part_of_frame

SURROGATE, FRAME = -3, -2
"""Numbers of the generators that are drawn from beside the waves."""
DRIVERS = 8
"""Most inputs of the surrogate that are named."""
ROUNDING = 1e-3
"""Log ratios that lie no further apart agree: a price in cents cannot tell them apart."""


def explanations(conduct: Conduct) -> dict[str, list[Explanation]]:
    """Return what explains each flagged finding, by the id of its hypothesis.

    From answers on file only: those of the explanations' own waves where the budget left any, else
    those of the probes.
    """
    found = flagged(conduct)
    together = joint(found, conduct)
    imitations: dict[tuple[str, str], Imitation] = {}
    out: dict[str, list[Explanation]] = {}
    for one in found:
        told: list[Explanation] = []
        if one in together:
            told += _attributes(conduct, together, one)
        told += _own(conduct, one)
        told.append(_subgroup(conduct, one))
        place = (one.question, one.outcome)
        if place not in imitations:
            imitations[place] = imitate(
                conduct.study,
                _answers(conduct, place[0]),
                place[1],
                conduct.rng(SURROGATE),
            )
        told.append(_surrogate(conduct, one, imitations[place]))
        out[one.hypothesis] = told
    return out


def _answers(conduct: Conduct, probe: str) -> Observed:
    """Return what a probe asked, and what was asked afresh of what it established."""
    names = (probe, f"estimate.{probe}")
    return joined([conduct.observed[name] for name in names if name in conduct.observed])


# ---------------------------------------------------------------------- what it is made of


def _attributes(conduct: Conduct, together: Sequence[Flagged], one: Flagged) -> list[Decomposition]:
    game = of_attributes(conduct, together, 0)
    made = _decomposed(conduct, game, JOINT, [other.id for other in together], one)
    return [made] if made else []


def _own(conduct: Conduct, one: Flagged) -> list[Decomposition]:
    """Return the finding's own gap, field by field; from its test's blocks where one carries it."""
    attribute = conduct.study.attributes[one.treatment]
    if len(fields_of(attribute, one.level)) > 1:
        game = of_fields(conduct, one, 0)
        made = _decomposed(conduct, game, fields_name(one), [one.id], None)
        return [made] if made else []
    return _single(conduct, one)


def _single(conduct: Conduct, one: Flagged) -> list[Decomposition]:
    ledger = measured(conduct, one)
    rows = np.flatnonzero(ledger.fresh & np.isfinite(ledger.gap(one.arm)))
    if len(rows) < LEAST:
        return []
    logs = ledger.score[rows][:, [0, one.arm]]
    money = np.exp(logs[:, 1]) - np.exp(logs[:, 0])
    gap = np.clip(logs[:, 1] - logs[:, 0], -one.probe.bound, one.probe.bound)
    attribute = conduct.study.attributes[one.treatment]
    name = fields_of(attribute, one.level)[0]
    effect, amount = _log(gap), _amount(money, conduct.study)
    part = Contribution(
        name=name,
        label=Text(zh=name, en=name),
        effect=effect,
        money=amount,
        share=1.0,
        alone=_percent(effect),
    )
    return [
        Decomposition(
            scope="single",
            findings=[one.id],
            gap=effect,
            percent=_percent(effect),
            money=amount,
            parts=[part],
            together=None,
            method="paired",
            contexts=len(rows),
            n_excluded=0,
            queries=0,
            agreement=None,
            counterfactual=None,
        )
    ]


def _decomposed(
    conduct: Conduct, parts: Parts, name: str, findings: list[str], about: Flagged | None
) -> Decomposition | None:
    """Return a game as the record holds it; None where too little of it was asked."""
    observed = conduct.observed.get(name, Observed())
    game = parts.game(observed)
    if len(game.effect) < LEAST:
        return None
    gap, money = game.effect.sum(axis=1), game.money.sum(axis=1)
    contributions = _contributions(parts, game, conduct.study)
    one = about or next(f for f in flagged(conduct) if f.id == findings[0])
    place = next(
        (i for i, player in enumerate(parts.players) if about and player.name == about.treatment),
        None,
    )
    explained = gap if place is None else game.effect[:, place]
    return Decomposition(
        scope="attributes" if parts.mixtures is None else "fields",
        findings=findings,
        gap=_log(gap),
        percent=_percent(_log(gap)),
        money=_amount(money, conduct.study),
        parts=contributions,
        together=_together(game),
        method="enumeration" if parts.enumerated else "permutations",
        contexts=len(game.effect),
        n_excluded=game.excluded,
        queries=len(observed),
        agreement=_agreement(conduct, one, *_mean(explained)),
        counterfactual=_counterfactual(parts, game, one),
    )


def _contributions(parts: Parts, game: Game, study: Study) -> list[Contribution]:
    gap, error = _mean(game.money.sum(axis=1))
    told = abs(gap) > Z * error
    out = []
    for i, player in enumerate(parts.players):
        alone = game.alone[:, i][np.isfinite(game.alone[:, i])]
        out.append(
            Contribution(
                name=player.name,
                label=_text(player.label),
                effect=_log(game.effect[:, i]),
                money=_amount(game.money[:, i], study),
                share=float(np.mean(game.money[:, i])) / gap if told else None,
                alone=_percent(_log(alone)) if len(alone) >= LEAST else None,
            )
        )
    return sorted(out, key=lambda part: -abs(part.effect.estimate or 0.0))


def _together(game: Game) -> Range | None:
    """Return the part of the gap that no single change makes."""
    whole = np.isfinite(game.alone).all(axis=1)
    if int(whole.sum()) < LEAST:
        return None
    return _log(game.effect[whole].sum(axis=1) - game.alone[whole].sum(axis=1))


def _counterfactual(parts: Parts, game: Game, one: Flagged) -> Counterfactual | None:
    """Return the fewest players to set back for the gap to lie within the limit."""
    limit = one.probe.limit
    if limit is None:
        return None
    d = len(parts.players)
    gap, error = _mean(game.effect.sum(axis=1))
    if abs(gap) - Z * error <= limit.mean:
        return None
    for size in range(1, d):
        best: tuple[float, tuple[int, ...], float, float] | None = None
        for back in combinations(range(d), size):
            left, spread, _ = game.remaining(back)
            within = math.isfinite(left) and abs(left) + Z * spread <= limit.mean
            if within and (best is None or abs(left) < best[0]):
                best = (abs(left), back, left, spread)
        if best:
            return _set_back(parts, best[1], _percent(_around(best[2], best[3])))
    return _set_back(parts, tuple(range(d)), None)


def _set_back(parts: Parts, back: tuple[int, ...], left: Range | None) -> Counterfactual:
    players = [parts.players[i] for i in back]
    return Counterfactual(
        back=[player.name for player in players],
        labels=[_text(player.label) for player in players],
        remaining=left,
    )


def _agreement(conduct: Conduct, one: Flagged, explained: float, error: float) -> Agreement | None:
    """Return a part beside the paired effect: apart when by more than both errors and the limit."""
    tested, spread, n = paired(conduct, one)
    if n < 2 or not math.isfinite(explained + error + tested + spread):  # noqa: PLR2004 - an error needs two
        return None
    limit = one.probe.limit
    room = max(Z * math.hypot(error, spread), limit.mean if limit else 0.0, ROUNDING)
    return Agreement(
        explained=_percent(_around(explained, error)),
        tested=_percent(_around(tested, spread)),
        agrees=abs(explained - tested) <= room,
    )


# ---------------------------------------------------------------------- for whom


def _subgroup(conduct: Conduct, one: Flagged) -> Subgroup:
    rules = rules_of(conduct, one)
    name = who_name(one)
    question = conduct.questions.get(name)
    observed = conduct.observed.get(name, Observed())
    if not rules or not isinstance(question, Who) or not observed.waves:
        return Subgroup(
            clauses=_clauses(rules),
            part_of_frame=_part(conduct, rules),
            inside=None,
            elsewhere=None,
            confirmed=None,
            blocks=0,
            queries=0,
        )
    gaps, met = question.gaps(conduct.study, observed)
    sides = question.intervals(conduct.study, observed)
    inside, elsewhere = (
        _percent(_between(gaps[rows], interval))
        for rows, interval in zip((met, ~met), sides, strict=True)
    )
    return Subgroup(
        clauses=_clauses(rules),
        part_of_frame=_part(conduct, rules),
        inside=inside,
        elsewhere=elsewhere,
        confirmed=question.confirmed(conduct.study, observed),
        blocks=len(gaps),
        queries=len(observed),
    )


def _part(conduct: Conduct, rules: Rules) -> float | None:
    return part_of_frame(conduct.study, rules, conduct.rng(FRAME)) if rules else None


def _clauses(rules: Rules) -> list[Clause]:
    return [
        Clause(
            name=rule.name,
            label=_text(rule.label),
            relation=rule.relation,
            value=rule.value if isinstance(rule.value, str) else float(rule.value),
        )
        for rule in rules
    ]


# ---------------------------------------------------------------------- the surrogate


def _surrogate(conduct: Conduct, one: Flagged, found: Imitation) -> Surrogate:
    moved = found.moved.get((one.treatment, one.level))
    roles = {name: attribute.role for name, attribute in conduct.study.attributes.items()}
    return Surrogate(
        fidelity=found.fidelity,
        floor=FLOOR,
        fitted=found.fitted,
        held_out=found.held_out,
        drivers=[
            Driver(
                name=given.name,
                label=_text(given.label),
                role=roles.get(given.name),
                percent=100 * math.expm1(size),
            )
            for given, size in found.drivers[:DRIVERS]
        ],
        agreement=None if moved is None else _agreement(conduct, one, *moved),
    )


# ---------------------------------------------------------------------- numbers


def _text(pair: Pair) -> Text:
    return Text(zh=pair["zh"], en=pair["en"])


def _mean(values: Floats) -> tuple[float, float]:
    mean, error = Game.parts(values[:, None])
    return float(mean[0]), float(error[0])


def _around(value: float, error: float, unit: str = "log-ratio") -> Range:
    return Range(
        estimate=value, low=value - Z * error, high=value + Z * error, unit=unit, level=0.95
    )


def _log(values: Floats) -> Range:
    return _around(*_mean(values))


def _between(values: Floats, interval: Interval) -> Range:
    known = values[np.isfinite(values)]
    return Range(
        estimate=float(np.mean(known)) if len(known) else None,
        low=interval.low,
        high=interval.high,
        unit="log-ratio",
        level=interval.level,
        time_uniform=interval.time_uniform,
    )


def _percent(effect: Range) -> Range:
    def change(x: float | None) -> float | None:
        return None if x is None else 100 * math.expm1(x)

    ends = {name: change(getattr(effect, name)) for name in ("estimate", "low", "high")}
    return effect.model_copy(update={**ends, "unit": "percent"})


def _amount(values: Floats, study: Study) -> Range | None:
    if study.money is None:
        return None
    made = _around(*_mean(values), unit="money")
    return made.model_copy(update={"currency": study.money.currency, "per": study.money.per})
