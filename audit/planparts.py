"""What the parts of a plan are made of: scalars as a file writes them, sentences, replies, money, limits."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Literal

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

from ..datasets.personas import Level

LARGEST = (1 << 53) - 1
"""Whole numbers beyond it are not the same number in every JSON reader."""

_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)%")
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(ms|s|min|h|d|毫秒|秒|分钟|小时|天)")
_SECONDS = {
    "ms": "0.001", "毫秒": "0.001", "s": "1", "秒": "1", "min": "60", "分钟": "60",
    "h": "3600", "小时": "3600", "d": "86400", "天": "86400",
}  # fmt: skip
_TIMES = re.compile(r"(\d+(?:\.\d+)?)[x×倍]")
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


def _times(value: Any) -> Any:
    """Read "3x" as 3; a plain number stays as it is."""
    if isinstance(value, str):
        found = _TIMES.fullmatch(_compact(value))
        if not found:
            raise PydanticCustomError("plan_times", "how many times, such as 3x")
        return float(found[1])
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
Times = Annotated[Number, BeforeValidator(_times)]
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

    @property
    def refuses(self) -> bool:
        """Whether a reply can be a refusal."""
        return self.refused is not None or "refused" in self.statuses.values()


class MoneyTerms(Part):
    """What an answered price is: required, and never guessed."""

    currency: str = Field(pattern=r"^[A-Z]{3}$")
    unit: Sentence
    per: Sentence
    includes: tuple[str, ...]


class StopIf(Part):
    """When a run pauses of itself, for the vendor's sake: against the pilot, over one wave."""

    latency: Times | None = Field(None, gt=1)
    errors: Fraction | None = Field(None, gt=0, le=1)


class Limits(Part):
    """How hard we may press the target. Not part of the plan's hash."""

    requests_per_second: Number | None = Field(None, gt=0)
    concurrency: Whole = Field(8, ge=1, le=1024)
    timeout: Seconds = Field(10.0, gt=0)
    attempts: Whole = Field(4, ge=1, le=20)
    body_bytes: Whole = Field(1 << 20, ge=1024, le=LARGEST)
    stop_if: StopIf = StopIf()
