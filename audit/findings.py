"""One decision as a finding of the record: effect, money, share, strength, defences, examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..datasets.personas import Attribute, Level
from ..messages import Text as Pair
from ..messages import both
from ..metrics.result import Estimate
from ..probes.design import ANSWERED, REFUSED, Observed
from ..probes.protocol import Described, Evidence, Hypothesis, Study
from .decide import Decision
from .defences import Grounds, defences
from .plan import ProbeEntry
from .questions import direction_of
from .record import (
    AtLimit,
    Description,
    ExamplePair,
    Finding,
    Limits,
    Range,
    Text,
    Trial,
)

OUTCOMES: Mapping[int, Literal["answered", "refused", "failed"]] = {
    ANSWERED: "answered",
    REFUSED: "refused",
}
HALF_OF_THE_QUOTES = 0.5
"""A context's own effect is a median unless the plan says otherwise."""
FEW = 100
"""Fewer units than this weaken the evidence."""
SHOWN_ENTRIES = 10
"""Entries of a list that an example shows."""
WIDE = 0.02
"""An interval of a mean effect wider than this (log ratio) weakens the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What every finding of an audit shares."""

    grounds: Grounds
    observed: Mapping[str, Observed]
    plan8: str
    fresh: Mapping[str, Estimate]
    """Effects that were measured again on fresh blocks, by hypothesis."""

    @property
    def study(self) -> Study:
        """What the plan fixes."""
        return self.grounds.study


def finding(number: int, decision: Decision, entry: ProbeEntry, setting: Setting) -> Finding:
    """Return the finding that a decision comes to."""
    item = decision.evidence
    hypothesis, study = item.hypothesis, setting.study
    attribute = subject_of(hypothesis, study)
    label = attribute.label or {"zh": attribute.name, "en": attribute.name}
    fresh = setting.fresh.get(hypothesis.id)
    effect = fresh or item.effect
    strength, reasons = _strength(decision, attribute, study, effect)
    return Finding(
        id=f"F{number:02d}",
        kind=attribute.kind,
        probe=entry.use,
        question=text(hypothesis.question or attribute.question or both("audit.asks", label=label)),
        treatment=attribute.name,
        label=text(label),
        role=attribute.role,
        done=hypothesis.subject is not None and hypothesis.subject.done,
        level=shown(hypothesis.level),
        reference=shown(attribute.reference),
        level_label=_level_label(attribute, hypothesis.level),
        reference_label=_level_label(attribute, attribute.reference),
        cues=list(attribute.cues),
        outcome=hypothesis.outcome,
        primary=hypothesis.primary,
        verdict=decision.label,
        mean=decision.mean,
        share_verdict=decision.share,
        real=decision.real,
        direction=_direction(decision),
        reason=_reason(decision),
        effect=_range(effect),
        percent=_percent(effect),
        money=_money(effect, item.base, hypothesis.outcome, study),
        points=_points(effect),
        base=item.base if math.isfinite(item.base) else None,
        fresh_blocks=fresh.n if fresh else None,
        percent_at_stopping=_percent(item.effect) if fresh else None,
        points_at_stopping=_points(item.effect) if fresh else None,
        share=_share(item.share, entry),
        share_dearer=_share(item.bounds.get("share_dearer"), entry),
        share_cheaper=_share(item.bounds.get("share_cheaper"), entry),
        single_quotes=_share(item.bounds.get("single_quotes"), entry),
        twin_beyond=_share(item.bounds.get("twin_beyond"), entry),
        limits=_limits(entry),
        at_limits=[
            AtLimit(scale=scale, verdict=label) for scale, label in decision.at_limits.items()
        ],
        evalue=decision.evalue,
        adjusted=decision.adjusted,
        guarantee=item.guarantee,
        method=_method(item, entry),
        unit=item.unit,
        n=item.n,
        n_excluded=item.n_excluded,
        queries=item.queries,
        smallest_detectable=item.smallest_detectable,
        queries_needed=decision.queries_needed,
        strength=strength,
        strength_reasons=reasons,
        defences=defences(attribute, decision, setting.grounds),
        examples=_examples(decision, setting),
        explanations=[],
        described=[_described(one, study) for one in item.described],
    )


def subject_of(hypothesis: Hypothesis, study: Study) -> Attribute:
    """Return what a hypothesis is about: an attribute of the plan, or what stands in for one."""
    subject = hypothesis.subject
    if subject is None:
        found = study.attributes[hypothesis.treatment]
        return replace(found, kind=hypothesis.kind or found.kind)
    return Attribute(
        name=hypothesis.treatment,
        role=subject.role,
        levels=(subject.reference, hypothesis.level),
        kind=subject.kind,
        label=subject.label,
        question=subject.question,
        level_labels={
            shown(subject.reference): subject.reference_label,
            shown(hypothesis.level): subject.level_label,
        },
    )


def _method(item: Evidence, entry: ProbeEntry) -> Text:
    """Return how it was judged, with what the plan assumes and how it counts."""
    parts: list[Pair] = [both("audit.method_gaps")]
    if item.assumption is not None:
        parts.append(both(f"audit.method_assumption_{item.assumption}"))
    if entry.reproducible > HALF_OF_THE_QUOTES:
        quotes = f"{entry.reproducible:.0%}"
        parts.append(both("audit.method_reproducible", quotes=quotes))
    parts += item.method
    return Text(zh="".join(p["zh"] for p in parts), en=" ".join(p["en"] for p in parts))


def text(pair: Mapping[str, str]) -> Text:
    """Return a pair of languages as the record holds it."""
    return Text(zh=pair["zh"], en=pair["en"])


def shown(level: Level) -> str:
    """Return a level as people read it."""
    if isinstance(level, float) and level.is_integer():
        return str(int(level))
    return str(level)


def _reason(decision: Decision) -> Text | None:
    """Return why nothing was settled; None where more queries would: `queries_needed` says it."""
    if decision.reason in {None, "audit.reason_budget", "audit.reason_accounts"}:
        return None
    return text(both(str(decision.reason), **decision.reason_values))


def _level_label(attribute: Attribute, level: Level) -> Text | None:
    found = attribute.level_labels.get(shown(level))
    return text(found) if found else None


def _direction(decision: Decision) -> Literal["dearer", "cheaper", "more", "less", "none"]:
    """Return which way it goes: what is paid is dearer or cheaper, anything else more or less."""
    item = decision.evidence
    if item.effect.value is None or not decision.real:
        return "none"
    up = item.effect.value > 0
    if decision.mean != "outside" and decision.share == "outside":
        worse = item.bounds["share_dearer"].value or 0.0
        better = item.bounds["share_cheaper"].value or 0.0
        up = (worse >= better) == (item.harm == 1)
    if item.effect.unit == "log-ratio" and item.harm == 1:
        return "dearer" if up else "cheaper"
    return "more" if up else "less"


def _range(estimate: Estimate) -> Range:
    interval = estimate.interval
    return Range(
        estimate=estimate.value,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        unit=estimate.unit,
        level=interval.level if interval else None,
        time_uniform=interval.time_uniform if interval else False,
    )


def _mapped(estimate: Estimate, unit: str, scale: float) -> Range:
    """Return scale × (exp(x) − 1) of an estimate and its interval."""
    plain = _range(estimate)

    def change(x: float | None) -> float | None:
        return None if x is None else scale * math.expm1(x)

    return plain.model_copy(
        update={
            "estimate": change(plain.estimate),
            "low": change(plain.low),
            "high": change(plain.high),
            "unit": unit,
        }
    )


def _percent(effect: Estimate) -> Range | None:
    return _mapped(effect, "percent", 100.0) if effect.unit == "log-ratio" else None


def _money(effect: Estimate, base: float, outcome: str, study: Study) -> Range | None:
    """Return the percent effect at the geometric-mean reference price; None of what is counted."""
    if study.money is None or not math.isfinite(base) or effect.unit != "log-ratio":
        return None
    if study.outcomes.get(outcome) == "number":
        return None
    found = _mapped(effect, "money", base)
    return found.model_copy(update={"currency": study.money.currency, "per": study.money.per})


def _points(effect: Estimate) -> Range | None:
    """Return a difference of chances, parts or lists in points of a hundred."""
    if effect.unit == "log-ratio":
        return None
    plain = _range(effect)

    def of_hundred(x: float | None) -> float | None:
        return None if x is None else 100 * x

    return plain.model_copy(
        update={
            "estimate": of_hundred(plain.estimate),
            "low": of_hundred(plain.low),
            "high": of_hundred(plain.high),
            "unit": "points",
        }
    )


def _described(one: Described, study: Study) -> Description:
    """Return a descriptive number as the record holds it."""
    value = _percent(one.estimate) or _range(one.estimate)
    if value.unit == "money" and study.money is not None:
        terms = {"currency": study.money.currency, "per": one.per or study.money.per}
        value = value.model_copy(update=terms)
    return Description(
        name=one.name,
        label=text(one.label),
        value=value,
        n=one.estimate.n,
        guarantee=one.guarantee,
    )


def _share(estimate: Estimate | None, entry: ProbeEntry) -> Range | None:
    if estimate is None or entry.tolerance is None:
        return None
    beyond = entry.tolerance.beyond
    return _range(estimate).model_copy(update={"unit": "share", "beyond": beyond})


def _limits(entry: ProbeEntry) -> Limits | None:
    tolerance = entry.tolerance
    if tolerance is None:
        return None
    return Limits(
        ratio=tolerance.mean,
        share=tolerance.share,
        beyond=tolerance.beyond,
        direction=direction_of(entry),
        because=text({"zh": tolerance.because.zh, "en": tolerance.because.en}),
    )


def _strength(
    decision: Decision, attribute: Attribute, study: Study, effect: Estimate
) -> tuple[Literal["strong", "medium", "weak"] | None, list[Text]]:
    """Return how strong the evidence is: strong, less one step a weakness, three leave weak.

    For what was settled only; the verdict never changes with it.
    """
    if decision.label not in {"established", "cleared"}:
        return None, []
    item = decision.evidence
    interval = effect.interval
    weaknesses = {
        "audit.weak_one_cue": len(attribute.cue_names) < 2,  # noqa: PLR2004 - one cue is the weakness
        "audit.weak_few": max(item.n, effect.n) < FEW,
        "audit.weak_wide": interval is None or interval.high - interval.low > WIDE,
        "audit.weak_excluded": item.n_excluded > item.n // 20,
        "audit.weak_vendor_accounts": attribute.name in study.tied and study.assigned == "vendor",
    }
    reasons = [text(both(name)) for name, weak in weaknesses.items() if weak]
    if not reasons:
        return "strong", [text(both("audit.strong_design"))]
    return ("medium" if len(reasons) < 3 else "weak"), reasons  # noqa: PLR2004 - three or more leave weak


def _examples(decision: Decision, setting: Setting) -> list[ExamplePair]:
    item = decision.evidence
    observed = setting.observed.get(item.hypothesis.probe)
    if observed is None:
        return []
    trials = [_trial(place, decision, setting, observed) for place in item.examples]
    return [
        ExamplePair(treated=trials[i], reference=trials[i + 1]) for i in range(0, len(trials), 2)
    ]


def _trial(
    place: tuple[int, int], decision: Decision, setting: Setting, observed: Observed
) -> Trial:
    number, position = place
    row = int(np.flatnonzero((observed.wave == number) & (observed.position == position))[0])
    arm = int(observed.column("arm")[row])
    hypothesis = decision.evidence.hypothesis
    attribute = subject_of(hypothesis, setting.study)
    return Trial(
        id=trial_id(setting.plan8, number, position),
        arm=("reference", "twin", "treated")[min(arm, 2)],
        level=shown(hypothesis.level if arm > 1 else attribute.reference),
        outcome=OUTCOMES.get(int(observed.kind[row]), "failed"),
        values={name: _value(column[row]) for name, column in observed.values.items()},
        seen=_context(setting.study, observed, row),
    )


def trial_id(plan8: str, wave: int, position: int) -> str:
    """Return the name under which a trial is printed everywhere.

    Examples
    --------
    >>> trial_id("7f3a9c01", 3, 41)
    '7f3a9c01-3-0041'
    """
    return f"{plan8}-{wave}-{position:04d}"


def _value(value: object) -> float | str | None:
    if isinstance(value, tuple):
        return ", ".join(map(str, value[:SHOWN_ENTRIES]))
    if isinstance(value, int | float | np.number):
        return float(value) if math.isfinite(float(value)) else None
    return None if value is None else str(value)[:200]


def _context(study: Study, observed: Observed, row: int) -> dict[str, str]:
    """Return the conditions and the item of a trial: what was held equal."""
    persona = int(observed.column("persona")[row])
    item = int(observed.column("item")[row])
    wave = observed.waves[observed.numbers.index(int(observed.wave[row]))]
    session = int(wave.session[int(observed.position[row])])
    found: dict[str, str] = {}
    for name, attribute in study.attributes.items():
        if attribute.role != "condition":
            continue
        code = int(wave.overrides[name][session]) if name in wave.overrides else -1
        if code >= 0:
            found[name] = shown(attribute.levels[code])
        elif name in study.personas.columns:
            found[name] = shown(study.personas.columns[name][persona].item())
    if item >= 0 and "id" in study.items.columns:
        found["item"] = str(study.items.columns["id"][item])
    return found
