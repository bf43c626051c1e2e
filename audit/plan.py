"""The plan: what an audit will ask, of whom, within which limits, and why. Data only.

Every field of a plan file is a field here. How a file is read, and how its mistakes are told, is
in :mod:`evenhand.audit.planfile`; what it comes to is in :mod:`evenhand.audit.resolve`.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..datasets.personas import Level, Role


class Part(BaseModel):
    """A part of a plan: frozen, and every key that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Text(Part):
    """A sentence in both languages; a plan may give one string for both."""

    zh: str
    en: str


class About(Part):
    """Who audits whom, for whom, and who pays."""

    title: Text
    vendor: str
    commissioned_by: str
    paid_by: str
    conflicts: str
    auditor: str | None = None


class Ceilings(Part):
    """Most that the permission allows."""

    rps: float | None = Field(None, gt=0)
    per_day: int | None = Field(None, gt=0)


class Authorisation(Part):
    """The written permission. Loopback and local models need none."""

    kind: Literal["order", "consent", "contract", "own-system", "consumer"]
    by: str
    reference: str | None = None
    file: str | None = None
    valid: tuple[date, date]
    hosts: tuple[str, ...] = ()
    hours: str | None = None
    max: Ceilings = Ceilings()


class Equals(Part):
    """A rule on a reply: the value at a JSONPath equals one of the given ones."""

    path: str
    equals: Level | tuple[Level, ...]


class StatusRule(Part):
    """A rule on a reply: its HTTP status is one of these."""

    status: tuple[int, ...]


class Response(Part):
    """Where the answer stands in a reply: JSONPath expressions, and when it is a refusal."""

    final: str | None = None
    list: str | None = None
    currency: str | None = None
    refused: Equals | StatusRule | None = None


class MoneyTerms(Part):
    """What an answered price is: required, and never guessed."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: str
    per: str
    includes: tuple[str, ...]


class Limits(Part):
    """How hard we may press the target. Not part of the plan's hash."""

    requests_per_second: float | None = Field(None, gt=0)
    concurrency: int = Field(8, ge=1, le=1024)
    timeout: float = Field(10.0, gt=0)
    attempts: int = Field(4, ge=1, le=20)
    body_bytes: int = Field(1 << 20, ge=1024)


class HttpTarget(Part):
    """A JSON endpoint."""

    kind: Literal["http"]
    url: str
    method: Literal["POST", "GET", "PUT"] = "POST"
    request: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    response: Response
    money: MoneyTerms | None = None
    limits: Limits = Limits()


class PythonTarget(Part):
    """A function in this process: takes a table (mapping of column → array), gives prices.

    `request` maps the columns that it takes to placeholders; without it every field of the persona
    and every column of the items is a column. `table: false` calls it once a trial, with a dict.
    """

    kind: Literal["python"]
    function: str = Field(pattern=r"^[\w.]+:[\w.]+$")
    request: dict[str, Any] | None = None
    table: bool = True
    response: Response | None = None
    money: MoneyTerms | None = None
    limits: Limits = Limits()


Target = Annotated[HttpTarget | PythonTarget, Field(discriminator="kind")]


class Identities(Part):
    """Where test accounts come from."""

    source: Literal["fresh", "pool"] = "fresh"
    format: str = "{hex:16}"
    file: str | None = None
    tied: tuple[str, ...] = ()
    assigned: Literal["lot", "vendor", "self"] | None = None


class AttributePart(Part):
    """One attribute of the personas."""

    role: Role
    reference: Level | None = None
    levels: tuple[Level, ...] = ()
    unit: str | None = None
    kind: str | None = None
    because: Text | None = None
    label: Text | None = None
    cues: dict[str, dict[str, dict[str, Level]]] = Field(default_factory=dict)


class Personas(Part):
    """Who is simulated. Without a population, conditions alone make the personas differ."""

    population: str | None = None
    attributes: dict[str, AttributePart]


class Tolerance(Part):
    """The limit, set beforehand by the auditor: a mean ratio, a share, and beyond what it counts."""

    ratio: float = Field(gt=0, lt=1)
    share: float = Field(gt=0, lt=1)
    beyond: float | None = Field(None, gt=0, lt=1)
    because: Text


class ProbeEntry(Part):
    """One probe of the plan with its settings."""

    use: str
    treat: tuple[str, ...] = ()
    direction: Literal["any", "harm"] = "any"
    outcome: str = "final"
    tolerance: Tolerance | None = None
    clip: float = Field(0.5, gt=0, le=10)
    """Gaps in price beyond this fraction are clipped in the mean (0.5: log 1.5)."""


class Positive(Part):
    """A condition that must move the answer, and which way."""

    attribute: str
    from_: Level = Field(alias="from")
    to: Level
    expect: Literal["dearer", "cheaper", "different"] = "different"


class Controls(Part):
    """Checks of the audit itself."""

    positive: Positive | None = None


class Budget(Part):
    """`queries` (trials) steer; `attempts` is a ceiling that ends what is still open."""

    queries: int = Field(ge=1)
    attempts: int | None = Field(None, ge=1)


class DecidePart(Part):
    """The two error rates that the report promises."""

    alpha: float = Field(0.05, gt=0, lt=0.5)
    alpha_clear: float = Field(0.05, gt=0, lt=0.5)


class ReportPart(Part):
    """What is written at the end. Not part of the plan's hash."""

    languages: tuple[Literal["zh", "en"], ...] = ("zh", "en")
    formats: tuple[Literal["html", "json"], ...] = ("html", "json")


class Plan(Part):
    """A whole plan."""

    evenhand: Literal[1]
    audit: About
    authorisation: Authorisation | None = None
    seed: int = Field(ge=0, lt=1 << 63)
    target: Target
    identities: Identities = Identities()
    personas: Personas
    items: str | None = None
    probes: tuple[ProbeEntry, ...] = Field(min_length=1)
    controls: Controls = Controls()
    budget: Budget
    decide: DecidePart = DecidePart()
    jurisdictions: tuple[str, ...] = ()
    report: ReportPart = ReportPart()
