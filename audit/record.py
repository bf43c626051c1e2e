"""The record: the frozen, versioned JSON of an audit, the only thing that a report is made from.

`content` is hashed and reproducible: it is a function of the lock and the answers on file, and
nothing that time or order of arrival can change enters it. `run` is not part of the hash.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["established", "cleared", "indicated", "inconclusive"]
Side = Literal["outside", "inside", "undecided", "not_estimable"]
Defence = Literal["ruled_out_by_design", "tested", "not_tested", "not_applicable"]


class Text(BaseModel):
    """A sentence in both languages."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    zh: str
    en: str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(_Part):
    """A number with its interval.

    `unit` is ``"log-ratio"``, ``"percent"``, ``"money"``, ``"share"`` or ``"risk-difference"``;
    `beyond` is the limit that a share counts beyond, as a fraction.
    """

    estimate: float | None
    low: float | None
    high: float | None
    unit: str
    level: float | None = None
    time_uniform: bool = False
    currency: str | None = None
    per: str | None = None
    beyond: float | None = None


class Limits(_Part):
    """The tolerance of a finding: fractions, and why they were chosen."""

    ratio: float
    share: float
    beyond: float
    direction: Literal["any", "harm"]
    because: Text


class AtLimit(_Part):
    """The verdict that ½, 1 or 2 times the tolerance would have given."""

    scale: float
    verdict: Verdict


class Trial(_Part):
    """One trial as it is shown to people: its id, who asked, what was answered."""

    id: str
    arm: str
    level: str
    outcome: Literal["answered", "refused", "failed"]
    values: dict[str, float | str | None]
    seen: dict[str, str]
    """What the vendor saw that matters: visible fields of the persona and the item."""


class ExamplePair(_Part):
    """Two trials of one block: alike but for the treated attribute."""

    treated: Trial
    reference: Trial


class DefenceRow(_Part):
    """One explanation that a vendor may give, and what the audit can say to it."""

    id: str
    status: Defence
    statement: Text


class Finding(_Part):
    """A hypothesis with its verdict and everything that supports it."""

    id: str
    kind: str
    probe: str
    question: Text
    treatment: str
    label: Text
    role: str
    level: str
    reference: str
    cues: list[str]
    outcome: str
    primary: bool
    verdict: Verdict
    mean: Side
    share_verdict: Side
    real: bool
    direction: Literal["dearer", "cheaper", "none"]
    reason: Text | None
    effect: Range
    percent: Range | None
    money: Range | None
    share: Range | None
    share_dearer: Range | None
    share_cheaper: Range | None
    single_quotes: Range | None
    twin_beyond: Range | None
    limits: Limits | None
    at_limits: list[AtLimit]
    evalue: float
    adjusted: float
    guarantee: str
    method: Text
    unit: str
    n: int
    n_excluded: int
    queries: int
    smallest_detectable: float | None
    """Smallest mean effect, as a ratio − 1, that this many blocks would settle."""
    queries_needed: int | None
    strength: Literal["strong", "medium", "weak"] | None
    strength_reasons: list[Text]
    defences: list[DefenceRow]
    examples: list[ExamplePair]
    explanations: list[dict[str, Any]]
    level_label: Text | None = None
    reference_label: Text | None = None
    """What people call the two levels: “a new phone”, “returning”. None: the levels themselves."""


class Control(_Part):
    """A check of the audit itself."""

    kind: Literal["twins", "positive", "delivery", "access", "harness"]
    passed: bool
    statement: Text


class NotTestable(_Part):
    """Something that the plan asks for and this target cannot show."""

    probe: str
    reason: Text


class Counts(_Part):
    """The flow of trials: planned − answered − refused − failed − analysed."""

    planned: int
    answered: int
    refused: int
    failed: int
    analysed: int
    reasons: dict[str, int]
    """Failed trials by reason: auth, blocked, rate, network, format, ceiling."""


class AttributeNote(_Part):
    """One attribute of the personas, as the report lists it."""

    name: str
    label: Text
    role: str
    reference: str | None
    levels: list[str]
    cues: list[str]
    because: Text | None
    carried: bool


class Setting(_Part):
    """What was audited, by whom, and under which rules: fixed before the first call."""

    title: Text
    vendor: str
    auditor: str | None
    commissioned_by: str
    paid_by: str
    conflicts: str
    authorisation: dict[str, Any] | None
    target: dict[str, Any]
    """``kind``, ``address`` (host or module, never a secret), ``batch``."""
    money: dict[str, Any] | None
    """``currency``, ``unit``, ``per``, ``includes``."""
    identities: str
    personas: int
    items: int
    attributes: list[AttributeNote]
    alpha: float
    alpha_clear: float
    hypotheses: int
    """K: how many primary hypotheses share each level."""
    seed: int
    budget: int
    jurisdictions: list[str]
    item_label: Text | None = None
    items_label: Text | None = None
    """What people call one item and several: 间房 / room, 房型 / rooms. None: item, items."""


class Content(_Part):
    """The reproducible part."""

    plan_sha256: str
    lock_sha256: str
    waves: list[str]
    setting: Setting
    counts: Counts
    controls: list[Control]
    findings: list[Finding]
    not_testable: list[NotTestable]


class Run(_Part):
    """How it went: not part of the hash."""

    started: str
    ended: str
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    attempts: int
    load: dict[str, float]
    """``requests_per_second_asked``, ``requests_per_second_reached``, ``latency_median``, …"""
    supersedes: str | None = None


class Record(_Part):
    """An audit, frozen."""

    evenhand: Literal[1] = 1
    content: Content
    content_sha256: str
    run: Run
