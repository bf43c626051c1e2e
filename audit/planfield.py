"""The part of a plan that sends out people: what they do in the app, when, and what they write down."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from .planparts import Day, Equals, Limits, MoneyTerms, Part, Response, Sentence, Whole, Yes

Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
NO_OFFER = "refused"
"""What a row says of itself where the app made no offer."""

CELLS = Response(
    final="$.final",
    list="$.list",
    discount="$.discount",
    coupon="$.coupon",
    fee="$.fee",
    notice="$.notice",
    refused=Equals(path="$.status", equals=NO_OFFER),
)
"""What a sheet asks for where the plan does not say."""


class Windows(Part):
    """When testers look: `times` of a day, `days` long, `minutes` each; `each` rows a window."""

    first: Day
    days: Whole = Field(ge=1, le=366)
    times: tuple[Clock, ...] = Field(min_length=1)
    minutes: Whole = Field(30, ge=1, le=720)
    each: Whole = Field(1, ge=1, le=20)
    zone: Sentence = "Asia/Shanghai"


class FieldTarget(Part):
    """An app that has no interface but a screen: people look, and write down what they see.

    `app` is its name and version, as the report gives it.
    `request` is what a row tells them: `account`, `device`, `item`, the `steps` in zh and en, and
    any other condition by its name. `response` names the cells that they fill in.
    """

    kind: Literal["field"]
    app: Sentence
    request: dict[str, Any] = Field(min_length=1)
    response: Response = CELLS
    money: MoneyTerms
    windows: Windows
    screenshots: Yes = True
    limits: Limits = Limits()
