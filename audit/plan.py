"""The plan: what an audit will ask, of whom, within which limits, and why. Data only.

Every field of a plan file is a field here. How a file is read, and how its mistakes are told, is
in :mod:`evenhand.audit.planfile`; what it comes to is in :mod:`evenhand.audit.resolve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from ..datasets.personas import Role
from .planfield import FieldTarget
from .planhttp import QUOTE, HttpTarget
from .planmachines import ModelTarget, ServedTarget, TableTarget
from .planparts import (
    LARGEST,
    Day,
    Fraction,
    Limits,
    MoneyTerms,
    Number,
    Part,
    PlanLevel,
    Response,
    Seconds,
    Sentence,
    Text,
    Whole,
    Yes,
)


class About(Part):
    """Who audits whom, for whom, and who pays."""

    title: Text
    vendor: Sentence
    commissioned_by: Sentence
    paid_by: Sentence
    conflicts: Sentence
    auditor: Sentence | None = None
    item: Text | None = None
    items: Text | None = None
    """What people call one thing that is offered, and several: room, rooms."""


class Ceilings(Part):
    """Most that the permission allows."""

    rps: Number | None = Field(None, gt=0)
    per_day: Whole | None = Field(None, gt=0, le=LARGEST)
    orders: Whole = Field(0, ge=0, le=LARGEST)


class Authorisation(Part):
    """The written permission. Loopback and local models need none."""

    kind: Literal["order", "consent", "contract", "own-system", "consumer"]
    by: Sentence
    reference: str | None = None
    file: str | None = None
    valid: tuple[Day, Day]
    hosts: tuple[str, ...] = ()
    hours: str | None = None
    max: Ceilings = Ceilings()


class PythonTarget(Part):
    """A function in this process: takes a table (mapping of column → array), gives prices.

    `request` maps the columns that it takes to placeholders; without it every field of the persona
    and every column of the items is a column. `table: false` calls it once a trial, with a dict.
    `frame` is what the table is given as: a mapping, or a data frame of the library that it names.
    `steps` are the steps of a session, by name: the function is told which one it is in ``step``.
    """

    kind: Literal["python"]
    function: str = Field(pattern=r"^[\w.]+:[\w.]+$")
    request: dict[str, Any] | None = None
    table: Yes = True
    frame: Literal["mapping", "pandas", "polars", "pyarrow"] | None = None
    steps: tuple[Sentence, ...] = ()
    response: Response | None = None
    money: MoneyTerms | None = None
    limits: Limits = Limits()


Remote = HttpTarget | ServedTarget
"""What is asked over the network, and so by permission."""

Target = Annotated[
    Remote | PythonTarget | ModelTarget | TableTarget | FieldTarget, Field(discriminator="kind")
]


class PerIdentity(Part):
    """How hard one account of a pool may be pressed."""

    per_day: Whole | None = Field(None, ge=1)
    gap: Seconds = Field(0.0, ge=0)


class Identities(Part):
    """Where test accounts come from."""

    source: Literal["fresh", "pool"] = "fresh"
    format: str = "{hex:16}"
    file: str | None = None
    secrets: str | None = None
    """A table of accounts with what only they know: ``${NAME}`` of its path. It is never copied."""
    tied: tuple[str, ...] = ()
    assigned: Literal["lot", "vendor", "self"] | None = None
    per_identity: PerIdentity | None = None


class AttributePart(Part):
    """One attribute of the personas."""

    role: Role
    reference: PlanLevel | None = None
    levels: tuple[PlanLevel, ...] = ()
    unit: str | None = None
    kind: str | None = None
    because: Text | None = None
    label: Text | None = None
    question: Text | None = None
    level_labels: dict[str, Text] = Field(default_factory=dict)
    cues: dict[str, dict[str, dict[str, PlanLevel]]] = Field(default_factory=dict)
    decides: tuple[Literal["cost", "channel"], ...] = ()
    """Of a condition: that it decides the vendor's cost, or the channel of the sale."""


class Personas(Part):
    """Who is simulated. Without a population, conditions alone make the personas differ."""

    population: str | None = None
    sample: Literal["rows", "copula"] = "rows"
    """The rows of the population themselves, or people who are like them and none of them."""
    attributes: dict[str, AttributePart]


def _mean_limit(given: Mapping[str, Any]) -> float:
    return float(given.get("ratio") or given.get("difference") or 0.5)


class Tolerance(Part):
    """The limit, set beforehand by the auditor: of the mean, a share, and beyond what it counts.

    All are fractions; a file may say "1%". The mean has a `ratio` where prices are compared, a
    `difference` where chances, parts of a price or lists are: 2% is two of a hundred. `beyond` is
    the limit of the mean where it is not given.
    """

    ratio: Fraction | None = Field(None, gt=0, lt=1)
    difference: Fraction | None = Field(None, gt=0, lt=1)
    share: Fraction = Field(gt=0, lt=1)
    beyond: Fraction = Field(default_factory=_mean_limit, gt=0, lt=1)
    because: Text

    @property
    def mean(self) -> float:
        """The limit of the mean, whichever it is."""
        return _mean_limit({"ratio": self.ratio, "difference": self.difference})


class ProbeEntry(Part):
    """One probe of the plan with its settings; `options` are those that only it has."""

    use: str
    treat: tuple[str, ...] = ()
    direction: Literal["any", "harm"] | None = None
    """Whether only what is worse for the customer counts. Not given: the probe's own."""
    outcome: str = "final"
    tolerance: Tolerance | None = None
    clip: Fraction = Field(0.5, gt=0, le=10)
    """Gaps in price beyond this fraction are clipped in the mean (0.5: log 1.5)."""
    assume: Literal["deterministic"] | None = None
    """That the vendor answers alike whoever asks: printed, and withdrawn when a twin shows otherwise."""
    reproducible: Fraction = Field(0.5, ge=0.5, le=1)
    """Part of a context's quotes that must show an effect for it to count in the share."""
    session: tuple[str, ...] = ()
    """Steps that every session walks; the last is measured. Empty: the target's last step alone."""
    options: dict[str, Any] = Field(default_factory=dict)


class Positive(Part):
    """A condition that must move the answer, and which way."""

    attribute: str
    from_: PlanLevel = Field(alias="from")
    to: PlanLevel
    expect: Literal["dearer", "cheaper", "different"] = "different"


class Controls(Part):
    """Checks of the audit itself."""

    positive: Positive | None = None


class Budget(Part):
    """`queries` (trials) steer; `attempts` is a ceiling that ends what is still open."""

    queries: Whole = Field(ge=1, le=LARGEST)
    attempts: Whole | None = Field(None, ge=1, le=LARGEST)


class Phase(Part):
    """A time that must pass before anything but the pilot is asked: accounts grow, say."""

    name: Sentence
    after: Seconds = Field(0.0, ge=0)


class Schedule(Part):
    """When it is asked: within hours, at most so many a day, over so many days, after phases.

    Phases follow one another from the first answer on; what the plan measures begins after the last.
    """

    days: Whole | None = Field(None, ge=1, le=3660)
    hours: str | None = None
    per_day: Whole | None = Field(None, ge=1, le=LARGEST)
    phases: tuple[Phase, ...] = ()


class DecidePart(Part):
    """The two error rates that the report promises."""

    alpha: Fraction = Field(0.05, gt=0, lt=0.5)
    alpha_clear: Fraction = Field(0.05, gt=0, lt=0.5)
    estimate_blocks: Whole = Field(0, ge=0)
    """Fresh blocks that measure what was established without the bias of stopping."""


class ReportPart(Part):
    """What is written at the end. Not part of the plan's hash."""

    languages: tuple[Literal["zh", "en"], ...] = ("zh", "en")
    formats: tuple[Literal["html", "pdf", "json", "csv", "md"], ...] = ("html", "json")


class Plan(Part):
    """A whole plan."""

    evenhand: Literal[1]
    audit: About
    authorisation: Authorisation | None = None
    seed: Whole = Field(ge=0, le=LARGEST)
    target: Target
    identities: Identities = Identities()
    personas: Personas
    items: str | None = None
    probes: tuple[ProbeEntry, ...] = Field(min_length=1)
    controls: Controls = Controls()
    budget: Budget
    schedule: Schedule = Schedule()
    decide: DecidePart = DecidePart()
    jurisdictions: tuple[str, ...] = ()
    report: ReportPart = ReportPart()


def steps_of(target: Target) -> tuple[str, ...]:
    """Return the steps of a session by name, in plan order; a target without steps is one."""
    names = target.walked() if isinstance(target, HttpTarget) else getattr(target, "steps", ())
    return tuple(names) or (QUOTE,)


def responses_of(target: Target) -> tuple[Response, ...]:
    """Return where answers stand, a step; none where a function gives nothing but prices."""
    if isinstance(target, HttpTarget):
        return tuple(step.response for step in target.walked().values())
    return () if target.response is None else (target.response,)


def entries_of(plan: Plan) -> dict[str, ProbeEntry]:
    """Return the entries of ``probes`` by name: the probe's own, numbered where it comes again."""
    entries: dict[str, ProbeEntry] = {}
    for entry in plan.probes:
        same = sum(other.use == entry.use for other in entries.values())
        entries[f"{entry.use}#{same + 1}" if same else entry.use] = entry
    return entries
