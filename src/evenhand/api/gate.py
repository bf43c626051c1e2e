"""A gate for a test suite: it passes only what was shown to be even, and says what it let pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Unpack

from .. import messages
from ..audit.check import Outlook
from ..audit.check import check as foresee
from ..audit.folder import RunFolder
from ..audit.record import Finding, Record
from ..errors import EvenhandError, UsageError
from ..messages import numbers
from ..reports.sizes import told
from . import call
from .allow import Allow, allowances, day, fraction, mean
from .call import Arguments, Prepared
from .result import Result

ALPHA = 0.001
"""A gate runs with every change. At 5 % a fair model would be stopped once in twenty runs and people
would switch the gate off; at 0.1 % once in a thousand."""

LONGEST = timedelta(days=366)
"""What is allowed is looked at again within a year."""

FLAGGED = frozenset({"established", "indicated"})
MOST = 0.99
"""The largest share that a limit can name."""

Recorder = Callable[[str, object], None]


class UnevenError(EvenhandError, AssertionError):
    """Something is beyond the limit, or real, and nothing allows it; `result` holds the audit."""

    exit_code = 1
    result: Result | None = None


class UndecidedError(EvenhandError):
    """Something could not be judged: no answer is not a pass."""

    exit_code = 3
    result: Result | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a gate makes of an audit.

    Parameters
    ----------
    flagged : tuple of Finding
        Beyond the limit or real, and not allowed.
    allowed : tuple of (Finding, Allow)
    undecided : tuple of Finding
    stale : tuple of (message id, Allow)
        Entries that have expired, reach too far ahead, or have nothing left to allow.
    """

    flagged: tuple[Finding, ...]
    allowed: tuple[tuple[Finding, Allow], ...]
    undecided: tuple[Finding, ...]
    stale: tuple[tuple[str, Allow], ...]
    alpha: float
    record: Record = field(repr=False)

    def enforce(self, result: Result | None = None) -> None:
        """Raise unless everything is within the limit, or allowed."""
        error: UnevenError | UndecidedError | None = None
        if self.flagged or self.stale:
            error = UnevenError("api.uneven", told=self._told(), rate=_percent(self.alpha))
        elif self.undecided:
            error = UndecidedError("api.undecided", told=self._told())
        if error is not None:
            error.result = result
            raise error

    def _told(self) -> dict[str, str]:
        return {one: "\n".join(self.lines(one)) for one in messages.LANGUAGES}

    def lines(self, language: str) -> list[str]:
        """Return what stops the gate, a line each."""
        from . import show

        tell = show.about(self.record, language)
        found = [
            f"{one.id} {messages.SYMBOLS[one.verdict]} {messages.text(f'words.{one.verdict}', language)}"
            f" · {tell.voice.joined(tell.tell.sentences(one))}"
            for one in (*self.flagged, *self.undecided)
        ]
        return found + [
            messages.text(
                message_id,
                language,
                treatment=entry.treatment,
                until=entry.until,
                owner=entry.owner,
            )
            for message_id, entry in self.stale
        ]


def judge(
    record: Record,
    allow: Sequence[Allow | Mapping[str, Any]] | str | Path = (),
    *,
    today: date | None = None,
    real: bool = True,
) -> Judgement:
    """Return what a gate makes of a record. Nothing of the record changes.

    Parameters
    ----------
    record : Record
    allow : sequence of Allow, or path of a YAML file
    today : date, optional
    real : bool
        Whether a difference whose size is not settled stops the gate as one; else it is undecided.
    """
    stops = FLAGGED if real else frozenset({"established"})
    now = today or date.today()  # noqa: DTZ011 - a date on people's calendars
    entries = allowances(allow)
    findings = [one for one in record.content.findings if one.primary]
    stale = [*_out_of_date(entries, now)]
    valid = [entry for entry in entries if entry not in {one for _, one in stale}]
    allowed: list[tuple[Finding, Allow]] = []
    flagged: list[Finding] = []
    for finding in findings:
        if finding.verdict not in stops:
            continue
        cover = next((entry for entry in valid if entry.covers(finding)), None)
        if cover is None:
            flagged.append(finding)
        else:
            allowed.append((finding, cover))
    used = {id(entry) for _, entry in allowed}
    stale += [
        ("api.allow_unmatched", entry)
        for entry in valid
        if id(entry) not in used and not any(entry.about(one) for one in flagged)
    ]
    return Judgement(
        flagged=tuple(flagged),
        allowed=tuple(allowed),
        undecided=tuple(one for one in findings if one.verdict not in {*stops, "cleared"}),
        stale=tuple(stale),
        alpha=record.content.setting.alpha,
        record=record,
    )


def _out_of_date(entries: Sequence[Allow], now: date) -> list[tuple[str, Allow]]:
    found: list[tuple[str, Allow]] = []
    for entry in entries:
        until = day(entry.until)
        if until < now:
            found.append(("api.allow_expired", entry))
        elif until > now + LONGEST:
            found.append(("api.allow_far", entry))
    return found


def assert_even(
    model: Any,
    *,
    alpha: float = ALPHA,
    allow: Sequence[Allow | Mapping[str, Any]] | str | Path = (),
    today: date | None = None,
    record_property: Recorder | None = None,
    quiet: bool = True,
    out: str | Path | None = None,
    **arguments: Unpack[Arguments],
) -> Result:
    """Assert that a model quotes evenly, and return the audit.

    Passes only where every treated level was shown to be within the limit, or is allowed.

    Parameters
    ----------
    model : object
        As in :func:`evenhand.run`, as are all arguments that are not named here.
    alpha : float
        Chance that a fair model is stopped, over all treated levels. Default .001: a gate runs
        with every change, and one that stops a fair model once in twenty runs is switched off.
        A plan file brings its own.
    allow : sequence of Allow, or path of a YAML file
        Differences that are accounted for. They stay findings and are shown as allowed; entries
        that have expired, or that nothing matches any more, fail.
    today : date, optional
        What entries expire against.
    record_property : callable, optional
        Given ``(name, value)`` for each effect, as pytest's fixture of that name.
    quiet : bool
    out : str or Path, optional

    Returns
    -------
    Result

    Raises
    ------
    UnevenError
        An AssertionError: something is beyond the limit or real, or an entry of `allow` is stale.
    UndecidedError
        If something could not be judged.
    UsageError
        Before the first call, if the budget cannot decide even for a fair model.
    """
    entries = allowances(allow)
    prepared = _prepared(model, {**arguments, "alpha": alpha})
    return _gated(prepared, entries, today, record_property, out=out, quiet=quiet)


def assert_no_worse(
    model: Any,
    baseline_run: Result | Record | str | Path,
    *,
    alpha: float = ALPHA,
    allow: Sequence[Allow | Mapping[str, Any]] | str | Path = (),
    today: date | None = None,
    record_property: Recorder | None = None,
    quiet: bool = True,
    out: str | Path | None = None,
    **arguments: Unpack[Arguments],
) -> Result:
    """Assert that a model is no less even than an earlier one was, and return the audit.

    The limits are the earlier audit's estimates plus the tolerance, fixed before the first call: a
    mean gap of 3 % under a tolerance of 1 % makes a limit of 4 %, for each treated level of its own.
    Shares are limited likewise; where nearly everybody was hit before, only the mean can get worse.

    Parameters
    ----------
    model : object
        As in :func:`evenhand.run`, with the arguments that made the earlier audit.
    baseline_run : Result, Record or path
        The earlier audit: its result, its record, or its run folder.
    alpha, allow, today, record_property, quiet, out
        As in :func:`assert_even`.

    Raises
    ------
    UnevenError
        If a gap was shown to be larger than it was, by more than the tolerance.
    UndecidedError
        If something could not be judged.
    UsageError
        If the earlier audit did not test the same treatments, or the budget cannot decide.
    """
    before = _record(baseline_run)
    wanted = {**call.defaults(), **arguments}
    limits = _limits(before, wanted)
    entries = allowances(allow)
    prepared = _prepared(model, {**arguments, "alpha": alpha, "limits": limits})
    return _gated(prepared, entries, today, record_property, out=out, quiet=quiet, real=False)


def _record(baseline: Result | Record | str | Path) -> Record:
    if isinstance(baseline, Result):
        return baseline.record
    if isinstance(baseline, Record):
        return baseline
    path = Path(baseline)
    if path.suffix == ".json":
        return Record.model_validate_json(path.read_bytes())
    return RunFolder.existing(path).read_record()


def _limits(before: Record, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    treated = list(wanted["treat"] or {})
    found: dict[str, list[Finding]] = {name: [] for name in treated}
    for finding in before.content.findings:
        if finding.primary and finding.treatment in found:
            found[finding.treatment].append(finding)
    missing = [name for name, findings in found.items() if not findings]
    if missing or not treated:
        raise UsageError("api.baseline", names=", ".join(missing) or "–")
    ratio, share, beyond = (fraction(wanted[name]) for name in ("tolerance", "share", "beyond"))
    return [
        {
            "treat": [name],
            "direction": wanted["direction"],
            "ratio": min(MOST, ratio + _largest(findings)),
            "share": min(MOST, share + max(map(_share, findings))),
            "beyond": min(MOST, beyond + _largest(findings)),
        }
        for name, findings in found.items()
    ]


def _largest(findings: Sequence[Finding]) -> float:
    return round(max(map(mean, findings)), 6)


def _share(finding: Finding) -> float:
    estimate = finding.share.estimate if finding.share else None
    return round(estimate or 0.0, 6)


def _prepared(model: Any, arguments: Mapping[str, Any]) -> Prepared:
    """Return the audit, refused where its budget cannot decide even for a fair model."""
    own = call.defaults()
    unknown = sorted(set(arguments) - set(own) - {"limits"})
    if unknown:
        raise UsageError("api.unknown", names=", ".join(unknown))
    if call.plan_path(model) is not None:
        arguments = {name: value for name, value in arguments.items() if name != "alpha"}
    prepared = call.prepared_call(model, **{**own, **arguments})
    try:
        _refuse_hopeless(prepared)
    except BaseException:
        prepared.discard()
        raise
    return prepared


def _refuse_hopeless(prepared: Prepared) -> None:
    audit = prepared.audit
    if audit.plan.controls.positive is None:
        raise UsageError("api.gate_positive")
    best: Outlook = foresee(audit.loaded, audit.study, audit.lock.hypotheses).outlooks[0]
    if best.reachable:
        return
    if best.queries is None:
        why = {
            one: messages.text(best.reason or "check.never", one, **best.values)
            for one in messages.LANGUAGES
        }
        raise UsageError("api.gate_never", why=why)
    raise UsageError(
        "api.gate_budget",
        budget=numbers.count(audit.plan.budget.queries),
        needed=numbers.count(best.queries),
    )


def _gated(
    prepared: Prepared,
    entries: Sequence[Allow],
    today: date | None,
    record_property: Recorder | None,
    *,
    out: str | Path | None,
    quiet: bool,
    real: bool = True,
) -> Result:
    try:
        result = prepared.run(out, quiet=quiet)
    except BaseException:
        prepared.discard()
        raise
    judgement = judge(result.record, entries, today=today, real=real)
    if record_property is not None:
        for name, value in properties(result.record, judgement):
            record_property(name, value)
    judgement.enforce(result)
    return result


def properties(record: Record, judgement: Judgement) -> list[tuple[str, str]]:
    """Return what a JUnit file says of an audit: each verdict and effect, and what is allowed."""
    made: list[tuple[str, str]] = [("evenhand.record", record.content_sha256)]
    for finding in record.content.findings:
        key = _key(finding)
        made.append((f"{key}.verdict", finding.verdict))
        effect = told(finding)
        if effect is not None and effect.estimate is not None:
            ends = (effect.estimate, effect.low, effect.high)
            shown = ["" if end is None else f"{end:.4g}" for end in ends]
            made.append((f"{key}.{effect.unit}", f"{shown[0]} [{shown[1]}, {shown[2]}]"))
    made += [
        (f"{_key(finding)}.allowed", _allowed(finding, entry))
        for finding, entry in judgement.allowed
    ]
    return made


def _key(finding: Finding) -> str:
    """Return the name of a finding in a JUnit file; prices as they are paid go without saying."""
    key = f"evenhand.{finding.treatment}.{finding.level}"
    return key if finding.outcome == "final" else f"{key}.{finding.outcome}"


def _allowed(finding: Finding, entry: Allow) -> str:
    return messages.text(
        "api.allowed",
        id=finding.id,
        treatment=entry.treatment,
        because=entry.because,
        owner=entry.owner,
        until=entry.until,
    )


def _percent(value: float) -> dict[str, str]:
    return {one: numbers.percent(100 * value, one) for one in messages.LANGUAGES}
