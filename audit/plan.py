"""The plan: what an audit will ask, of whom, within which limits, and why. Data only.

Every field of a plan file is a field here. How a file is read, and how its mistakes are told, is
in :mod:`evenhand.audit.planfile`; what it comes to is in :mod:`evenhand.audit.resolve`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal
from urllib.parse import urljoin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ..datasets.personas import Level, Role

QUOTE = "quote"
"""The step that the target itself is."""

LARGEST = (1 << 53) - 1
"""Whole numbers beyond it are not the same number in every JSON reader."""

_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)%")
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|s|min|h|d|毫秒|秒|分钟|小时|天)")
_SECONDS = {
    "ms": "0.001", "毫秒": "0.001", "s": "1", "秒": "1", "min": "60", "分钟": "60",
    "h": "3600", "小时": "3600", "d": "86400", "天": "86400",
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _compact(text: str) -> str:
    # NFKC: ％ and １ are what a Chinese keyboard gives for % and 1
    return "".join(unicodedata.normalize("NFKC", text).split())


def _fraction(value: Any) -> Any:
    """Read "1%" as 0.01; a plain number stays as it is."""
    if isinstance(value, str):
        found = _PERCENT.fullmatch(_compact(value))
        if not found:
            raise PydanticCustomError("plan_fraction", "a fraction such as 0.01 or 1%")
        return float(Decimal(found[1]) / 100)
    return value


def _seconds(value: Any) -> Any:
    """Read "500ms" as 0.5; a plain number is seconds."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(_compact(value))
        if not found:
            raise PydanticCustomError("plan_duration", "a time such as 5s or 500ms")
        return float(Decimal(found[1]) * Decimal(_SECONDS[found[2]]))
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str) and _DAY.fullmatch(_compact(value)):
        return _compact(value)
    if isinstance(value, date):
        return value
    raise PydanticCustomError("plan_day", "a date such as 2026-11-20")


def _level(value: Any) -> Any:
    if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return value
    raise PydanticCustomError("plan_level", "a text, a number, true or false")


def _one_or_more(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _joined(base: str, url: str) -> str:
    """Return an address that may stand relative to another; what cannot be read stays as it is."""
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def _text(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


def _refusal(value: Any) -> str:
    by_status = isinstance(value, dict) and "status" in value
    return "@status" if by_status or isinstance(value, StatusRule) else "@equals"


Number = Annotated[float, Strict()]
Whole = Annotated[int, Strict()]
Yes = Annotated[bool, Strict()]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Fraction = Annotated[Number, BeforeValidator(_fraction)]
Seconds = Annotated[Number, BeforeValidator(_seconds)]
Day = Annotated[date, BeforeValidator(_day)]
PlanLevel = Annotated[Level, BeforeValidator(_level)]


class Part(BaseModel):
    """A part of a plan: frozen, and every key that it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Text(Part):
    """A sentence in both languages; a plan may give one string for both."""

    zh: Sentence
    en: Sentence

    @model_validator(mode="before")
    @classmethod
    def _of_one_string(cls, value: Any) -> Any:
        return _text(value)


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


class Equals(Part):
    """A rule on a reply: the value at a JSONPath equals one of the given ones."""

    path: str
    equals: Annotated[tuple[PlanLevel, ...], BeforeValidator(_one_or_more), Field(min_length=1)]


class StatusRule(Part):
    """A rule on a reply: its HTTP status is one of these."""

    status: Annotated[tuple[Whole, ...], BeforeValidator(_one_or_more), Field(min_length=1)]


Refusal = Annotated[
    Annotated[Equals, Tag("@equals")] | Annotated[StatusRule, Tag("@status")],
    Discriminator(_refusal),
]


Status = Annotated[int, Field(ge=200, le=599)]
Verdict = Literal["answered", "refused", "failed", "retry"]


class Response(Part):
    """Where the answer stands in a reply: JSONPath expressions, and when it is a refusal.

    `final` is what is paid, `list` the price before anything is taken off; `discount`, `coupon` and
    `fee` are amounts, nothing where a reply leaves them out. `units` is how much is got for it,
    `offers` how many offers were made. `ranking` names the items of a list in their order, `prices`
    their prices. `notice` is whether a personalised price is announced as one.
    `statuses` says what an HTTP status means where that is not what it means everywhere.
    """

    final: str | None = None
    list: str | None = None
    discount: str | None = None
    coupon: str | None = None
    fee: str | None = None
    units: str | None = None
    offers: str | None = None
    notice: str | None = None
    ranking: str | None = None
    prices: str | None = None
    currency: str | None = None
    refused: Refusal | None = None
    statuses: dict[Status, Verdict] = Field(default_factory=dict)


class MoneyTerms(Part):
    """What an answered price is: required, and never guessed."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: Sentence
    per: Sentence
    includes: tuple[str, ...]


class Limits(Part):
    """How hard we may press the target. Not part of the plan's hash."""

    requests_per_second: Number | None = Field(None, gt=0)
    concurrency: Whole = Field(8, ge=1, le=1024)
    timeout: Seconds = Field(10.0, gt=0)
    attempts: Whole = Field(4, ge=1, le=20)
    body_bytes: Whole = Field(1 << 20, ge=1024, le=LARGEST)


Encoding = Literal["json", "form", "query"]
Effect = Literal["none", "hold", "order"]


class Asking(Part):
    """One thing that can be sent: where to, how, and with what.

    Without an `encoding` a GET puts its request into the address and everything else sends JSON.
    """

    url: str
    method: str = Field("POST", pattern=r"^[A-Z]{1,20}$")
    encoding: Encoding | None = None
    request: dict[str, Any] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)

    @property
    def encoded(self) -> Encoding:
        """How the request travels."""
        return self.encoding or ("query" if self.method == "GET" else "json")


class Step(Asking):
    """One step of a session. Its url may stand relative to the target's.

    `capture` names what later steps of the same session may use: ``{{captured.NAME}}``. A step that
    holds something says how it is released; one that orders is sent once, and only as authorised.
    """

    response: Response = Response()
    capture: dict[str, str] = Field(default_factory=dict)
    effect: Effect = "none"
    release: Asking | None = None


class Login(Asking):
    """How an identity gets what opens the door, before its first question and when it is shut again.

    `capture` names what may be written as ``${login.NAME}`` in any url, header or request: it is
    filled in when something is sent, and is on no file.
    """

    capture: dict[str, str] = Field(min_length=1)
    renew_on: tuple[Whole, ...] = (401,)


class Tls(Part):
    """What a connection shows and trusts: paths of files in PEM form, or ``${NAME}``.

    They are read where they are, and never copied.
    """

    cert: str | None = None
    key: str | None = None
    ca: str | None = None


class HttpTarget(Asking):
    """An endpoint over HTTP. With `steps`, its own response is that of the last step, ``quote``.

    `cookies: session` keeps cookies, a jar for each session. `proxy` is the only one that is used.
    """

    kind: Literal["http"]
    response: Response | None = None
    steps: dict[str, Step] = Field(default_factory=dict)
    login: Login | None = None
    cookies: Literal["none", "session"] = "none"
    tls: Tls | None = None
    proxy: str | None = None
    money: MoneyTerms | None = None
    limits: Limits = Limits()

    def walked(self) -> dict[str, Step]:
        """Return the steps of a session by name, in plan order: whole addresses, all headers.

        Examples
        --------
        >>> shop = HttpTarget(kind="http", url="https://acme.example/quote", headers={"a": "1"},
        ...     response={"final": "$.price"}, steps={"view": {"url": "/view", "headers": {"b": "2"}}})
        >>> {name: step.url for name, step in shop.walked().items()}
        {'view': 'https://acme.example/view', 'quote': 'https://acme.example/quote'}
        >>> shop.walked()["view"].headers
        {'a': '1', 'b': '2'}
        """
        steps = {name: self._placed(step) for name, step in self.steps.items()}
        if self.response is not None or not steps:
            own = {name: getattr(self, name) for name in Asking.model_fields}
            steps.setdefault(QUOTE, Step(**own, response=self.response or Response()))
        return steps

    def entry(self) -> Login | None:
        """Return the login with its whole address; the target's own headers do not go with it."""
        found = self.login
        return found and found.model_copy(update={"url": _joined(self.url, found.url)})

    def _placed(self, step: Step) -> Step:
        release = step.release and step.release.model_copy(update=self._at(step.release))
        return step.model_copy(update={**self._at(step), "release": release})

    def _at(self, asking: Asking) -> dict[str, Any]:
        return {"url": _joined(self.url, asking.url), "headers": {**self.headers, **asking.headers}}


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


Target = Annotated[HttpTarget | PythonTarget, Field(discriminator="kind")]


class Identities(Part):
    """Where test accounts come from."""

    source: Literal["fresh", "pool"] = "fresh"
    format: str = "{hex:16}"
    file: str | None = None
    secrets: str | None = None
    """A table of accounts with what only they know: ``${NAME}`` of its path. It is never copied."""
    tied: tuple[str, ...] = ()
    assigned: Literal["lot", "vendor", "self"] | None = None


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


class Personas(Part):
    """Who is simulated. Without a population, conditions alone make the personas differ."""

    population: str | None = None
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
    direction: Literal["any", "harm"] = "any"
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
