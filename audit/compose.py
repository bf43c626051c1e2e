"""Lock and answers → the content of the record. Pure: no clock, no path, no order of arrival."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import rfc8785

from ..messages import both
from ..probes.controls import PASS, Positive
from ..probes.design import ANSWERED, FAILED, REASONS, REFUSED, Observed
from ..probes.matched import is_carried
from ..probes.protocol import Check, Study
from .conduct import Conduct
from .defences import Grounds
from .estimates import measured_again
from .explain import explanations
from .findings import Setting as Shared
from .findings import finding, shown, text
from .lock import Lock, wave_rng
from .plan import Plan, entries_of
from .questions import probes_of
from .record import AttributeNote, Content, Control, Counts, NotTestable, Record, Run, Setting

DIGITS = 10
CELL = 12
"""Most levels that a table cell names; of more it shows the first and the last."""
CHECKS = -1
"""Number of the generator that the twins' own comparison draws from; waves count from 0."""


def rounded(value: Any) -> Any:
    """Return `value` with every float at ten significant digits; not-a-number becomes None.

    The one place where numbers of a record are rounded.

    Examples
    --------
    >>> rounded({"a": [0.1 + 0.2, float("nan")], "n": 3})
    {'a': [0.3, None], 'n': 3}
    """
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def content(plan: Plan, lock: Lock, conduct: Conduct, *, address: str, batch: int) -> Content:
    """Return the reproducible part of the record.

    Parameters
    ----------
    plan : Plan
    lock : Lock
    conduct : Conduct
        After its last wave.
    address : str
        Host or module that was audited, without secrets.
    batch : int
        Most trials in one call.
    """
    entries = entries_of(plan)
    decisions = list(conduct.decisions.values())
    checks = [check for own in conduct.checks(wave_rng(lock, CHECKS)).values() for check in own]
    shared = Shared(
        grounds=Grounds(
            study=conduct.study,
            fresh_identities=plan.identities.source == "fresh",
            decisions=decisions,
            checks=checks,
        ),
        observed=conduct.observed,
        plan8=lock.plan_sha256[:8],
        fresh=measured_again(conduct),
    )
    told = explanations(conduct)
    made = Content(
        plan_sha256=lock.plan_sha256,
        lock_sha256=lock.sha256,
        waves=[turn.wave.sha256() for turn in conduct.waves],
        setting=_setting(plan, conduct, address=address, batch=batch),
        counts=counts(conduct),
        controls=_controls(checks, conduct),
        findings=[
            finding(i, one, entries[one.evidence.hypothesis.probe], shared).model_copy(
                update={"explanations": told.get(one.evidence.hypothesis.id, [])}
            )
            for i, one in enumerate(decisions, 1)
        ],
        not_testable=_not_testable(plan, conduct.study),
    )
    return Content.model_validate(rounded(made.model_dump()))


def sha256_of(made: Content) -> str:
    """Return the hash of the content: SHA-256 of its RFC 8785 form."""
    return hashlib.sha256(rfc8785.dumps(made.model_dump(mode="json"))).hexdigest()


def record(made: Content, run: Run) -> Record:
    """Put content and circumstances together."""
    return Record(content=made, content_sha256=sha256_of(made), run=run)


def counts(conduct: Conduct) -> Counts:
    """Return the flow of trials over all questions."""
    parts = list(conduct.observed.values()) or [Observed()]
    kind = np.concatenate([part.kind for part in parts])
    reason = np.concatenate([part.reason for part in parts])
    analysed = [conduct.observed[name] for name in conduct.probes if name in conduct.observed]
    reasons = Counter(REASONS[code] for code in reason[kind == FAILED].tolist())
    return Counts(
        planned=sum(len(turn.wave) for turn in conduct.waves),
        answered=int(np.sum(kind == ANSWERED)),
        refused=int(np.sum(kind == REFUSED)),
        failed=int(np.sum(kind == FAILED)),
        analysed=sum(int(np.sum(part.kind == ANSWERED)) for part in analysed),
        reasons=dict(sorted(reasons.items())),
    )


def _controls(checks: Sequence[Check], conduct: Conduct) -> list[Control]:
    found: list[Control] = []
    for check in checks:
        suffix = "" if check.kind == "twins" else "_passed" if check.passed else "_failed"
        statement = both(f"audit.control_{check.kind}{suffix}", **check.values)
        found.append(
            Control.model_validate(
                {"kind": check.kind, "passed": check.passed, "statement": statement}
            )
        )
    return [*found, *_positive(conduct), _delivery(conduct)]


def _positive(conduct: Conduct) -> list[Control]:
    controls = {name: q for name, q in conduct.questions.items() if isinstance(q, Positive)}
    if not controls:
        none = text(both("audit.control_positive_none"))
        return [Control(kind="positive", passed=False, statement=none)]
    found = []
    for name, control in controls.items():
        passed = control.log_evidence(conduct.observed.get(name, Observed())) >= PASS
        attribute = conduct.study.attributes[control.attribute]
        statement = both(
            f"audit.control_positive_{'passed' if passed else 'failed'}",
            label=_label(conduct.study, control.attribute),
            low=shown(attribute.levels[control.low]),
            high=shown(attribute.levels[control.high]),
        )
        found.append(Control(kind="positive", passed=passed, statement=text(statement)))
    return found


def _delivery(conduct: Conduct) -> Control:
    missing = [
        _label(conduct.study, name)
        for name in dict.fromkeys(h.treatment for h in conduct.hypotheses if h.subject is None)
        if not is_carried(conduct.study, name)
    ]
    if not missing:
        return Control(
            kind="delivery", passed=True, statement=text(both("audit.control_delivery_passed"))
        )
    names = {"zh": "、".join(m["zh"] for m in missing), "en": ", ".join(m["en"] for m in missing)}
    statement = text(both("audit.control_delivery_failed", names=names))
    return Control(kind="delivery", passed=False, statement=statement)


def _label(study: Study, name: str) -> Mapping[str, str]:
    return study.attributes[name].label or {"zh": name, "en": name}


def _not_testable(plan: Plan, study: Study) -> list[NotTestable]:
    """Return what the plan asks for and the target cannot serve."""
    entries = entries_of(plan)
    _, refused = probes_of(plan, study)
    return [NotTestable(probe=entries[name].use, reason=text(why)) for name, why in refused.items()]


def _setting(plan: Plan, conduct: Conduct, *, address: str, batch: int) -> Setting:
    study = conduct.study
    about = plan.audit
    return Setting(
        title=text({"zh": about.title.zh, "en": about.title.en}),
        vendor=about.vendor,
        auditor=about.auditor,
        commissioned_by=about.commissioned_by,
        paid_by=about.paid_by,
        conflicts=about.conflicts,
        authorisation=plan.authorisation.model_dump(mode="json", exclude_none=True)
        if plan.authorisation
        else None,
        target={"kind": plan.target.kind, "address": address, "batch": batch},
        money=plan.target.money.model_dump(mode="json") if plan.target.money else None,
        identities=plan.identities.source,
        personas=len(study.personas),
        items=len(study.items),
        attributes=[_attribute(study, name) for name in study.attributes],
        alpha=plan.decide.alpha,
        alpha_clear=plan.decide.alpha_clear,
        hypotheses=len(conduct.hypotheses),
        seed=plan.seed,
        budget=plan.budget.queries,
        jurisdictions=list(plan.jurisdictions),
        item_label=text(about.item.model_dump()) if about.item else None,
        items_label=text(about.items.model_dump()) if about.items else None,
    )


def _attribute(study: Study, name: str) -> AttributeNote:
    attribute = study.attributes[name]
    treated = attribute.role != "condition"
    levels = attribute.levels[1:] if treated else attribute.levels
    if not levels and name in study.personas.columns:
        found = np.unique(study.personas.columns[name])
        levels = tuple(found.tolist())
        if len(found) > CELL:
            levels = (levels[0], "…", levels[-1])
    return AttributeNote(
        name=name,
        label=text(_label(study, name)),
        role=attribute.role,
        reference=shown(attribute.reference) if treated else None,
        levels=[shown(level) for level in levels],
        cues=list(attribute.cues),
        because=text(attribute.because) if attribute.because else None,
        carried=is_carried(study, name) if treated else name in study.carried,
    )
