"""The record: the frozen, versioned JSON of an audit, the only thing that a report is made from.

`content` is hashed and reproducible: it is a function of the lock and the answers on file, and
nothing that time or order of arrival can change enters it. `run` is not part of the hash.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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

    `unit` is ``"log-ratio"``, ``"percent"``, ``"money"``, ``"share"``; where no price is compared
    ``"rate"``, ``"share-of-price"``, ``"distance"`` or ``"points"`` (of a hundred);
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
    """The tolerance of a finding: fractions, and why they were chosen.

    `ratio` is the limit of the mean: a ratio of prices, or a difference where `effect` is one.
    """

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


class Agreement(_Part):
    """A part of an explanation beside the effect that the test itself measured.

    `agrees`: whether they lie closer than their errors and the limit let them part.
    """

    explained: Range
    tested: Range
    agrees: bool


class Contribution(_Part):
    """What one attribute, or one field of a cue, adds to a difference between two personas.

    `effect` (log ratio) and `money` add up over the parts to the gap; `share` is the part of the
    gap, None where the gap is no larger than its error. `alone` is what changing this one and
    nothing else does, in percent.
    """

    name: str
    label: Text
    effect: Range
    money: Range | None
    share: float | None
    alone: Range | None


class Counterfactual(_Part):
    """The least that must be as for the reference for the gap to be within the limit.

    `back` names it; `remaining` is the gap that is then left, in percent.
    """

    back: list[str]
    labels: list[Text]
    remaining: Range | None


class Decomposition(_Part):
    """Shapley values of the gap between the treated and the reference persona, from real answers.

    `scope`: ``"attributes"`` (several attributes changed together), ``"fields"`` (of one
    attribute's cues) or ``"single"`` (one field carries it all: taken from the test's own blocks).
    `together` is the part of the gap that no single change makes, in percent points.
    Intervals are asymptotic, over contexts: they describe and never decide.
    """

    kind: Literal["decomposition"] = "decomposition"
    scope: Literal["attributes", "fields", "single"]
    findings: list[str]
    gap: Range
    percent: Range
    money: Range | None
    parts: list[Contribution]
    together: Range | None
    method: Literal["enumeration", "permutations", "paired"]
    contexts: int
    n_excluded: int
    queries: int
    agreement: Agreement | None
    counterfactual: Counterfactual | None


class Driver(_Part):
    """How much one input moves the surrogate's price, on average, in percent."""

    name: str
    label: Text
    role: str | None
    percent: float


class Surrogate(_Part):
    """Trees that imitate the prices that the audit saw, and what moves them.

    `fidelity` is the share of the variance of log prices explained in contexts held out from the
    fit; below `floor` nothing else is said (`drivers` is empty).
    """

    kind: Literal["surrogate"] = "surrogate"
    fidelity: float | None
    floor: float
    fitted: int
    held_out: int
    drivers: list[Driver]
    agreement: Agreement | None


class Clause(_Part):
    """One condition of a subgroup."""

    name: str
    label: Text
    relation: Literal["is", "at_most", "above"]
    value: float | str


class Subgroup(_Part):
    """In which lawful conditions an effect lives: inside and elsewhere, in percent.

    Without clauses none was found. `confirmed`: whether fresh blocks show the two apart
    (finite-sample, time-uniform intervals); None where none could be asked.
    """

    kind: Literal["subgroup"] = "subgroup"
    clauses: list[Clause]
    part_of_frame: float | None
    inside: Range | None
    elsewhere: Range | None
    confirmed: bool | None
    blocks: int
    queries: int


Explanation = Annotated[Decomposition | Surrogate | Subgroup, Field(discriminator="kind")]


class Description(_Part):
    """A number that the answers show beside a verdict. It describes and decides nothing.

    Its unit is ``"percent"``, ``"money"``, ``"share"``, ``"points"`` or ``"elasticity"``;
    `guarantee` is that of its interval, where it has one.
    """

    name: str
    label: Text
    value: Range
    n: int
    guarantee: str


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
    direction: Literal["dearer", "cheaper", "more", "less", "none"]
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
    explanations: list[Explanation]
    fresh_blocks: int | None = None
    percent_at_stopping: Range | None = None
    points_at_stopping: Range | None = None
    """Where the plan asks for it, `effect`, `percent` and `money` come from so many fresh blocks,
    fixed beforehand; what the evidence showed when it stopped stands beside them."""
    points: Range | None = None
    """The mean effect in points of a hundred, where no price is compared; `percent` is then None."""
    base: float | None = None
    """What the reference gets on average: a price (geometric mean), a chance, a part of the price."""
    level_label: Text | None = None
    reference_label: Text | None = None
    """What people call the two levels: “a new phone”, “returning”. None: the levels themselves."""
    done: bool = False
    """Whether the two differ in what they did and not in who they are: “looked twice”."""
    described: list[Description] = Field(default_factory=list)
    """What else the answers show: parts, cues, spread, a year's money."""


class Control(_Part):
    """A check of the audit itself."""

    kind: Literal["twins", "positive", "delivery", "access", "harness", "drift", "asking"]
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
