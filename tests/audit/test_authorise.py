"""The written permission is a gate."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from evenhand.audit import authorise, planfile
from evenhand.audit.plan import Plan
from evenhand.errors import AuthorisationError

PLAN = """\
evenhand: 1
audit: {title: t, vendor: v, commissioned_by: c, paid_by: p, conflicts: n}
authorisation:
  kind: order
  by: City
  valid: [2026-11-20, 2026-12-20]
  hosts: [Quotes.acme.example, "*.test.example"]
  hours: "09:00-18:00 Asia/Shanghai"
  max: {rps: 20, per_day: 500}
seed: 1
target:
  kind: http
  url: https://quotes.acme.example:8443/quote
  request: {id: "{{identity}}", device: "{{persona.device}}", nights: "{{persona.nights}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: yuan, per: night, includes: []}
personas:
  attributes:
    device: {role: preference, reference: a, levels: [b], because: x}
    nights: {role: condition, levels: [1, 2]}
probes: [{use: pricing.twins, treat: [device]}]
budget: {queries: 300}
"""
NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
NO_PERMISSION = PLAN[: PLAN.index("authorisation:")] + PLAN[PLAN.index("seed:") :]


def plan_of(text: str) -> Plan:
    return planfile.parse(text, Path("plan.yaml")).plan


def refusal(text: str, now: datetime = NOON, *, sent_today: int = 0) -> str | None:
    try:
        authorise.authorise(plan_of(text), now, sent_today=sent_today)
    except AuthorisationError as error:
        error.text("zh")
        error.text("en")
        return error.message_id
    return None


def test_what_is_permitted_passes():
    assert refusal(PLAN) is None


@pytest.mark.parametrize(
    ("now", "message_id"),
    [
        (datetime(2026, 12, 1, 0, 59, tzinfo=UTC), "authorise.hours"),
        (datetime(2026, 12, 1, 1, 0, tzinfo=UTC), None),
        (datetime(2026, 12, 1, 9, 59, tzinfo=UTC), None),
        (datetime(2026, 12, 1, 10, 0, tzinfo=UTC), "authorise.hours"),
        (datetime(2026, 11, 19, 4, 0, tzinfo=UTC), "authorise.dates"),
        (datetime(2026, 11, 20, 1, 0, tzinfo=UTC), None),
        (datetime(2026, 12, 20, 4, 0, tzinfo=UTC), None),
        (datetime(2026, 12, 20, 17, 0, tzinfo=UTC), "authorise.dates"),
    ],
)
def test_dates_and_hours_are_those_of_the_place(now, message_id):
    assert refusal(PLAN, now) == message_id


def test_hours_may_go_over_midnight():
    night = PLAN.replace("09:00-18:00", "22:00-06:00")
    assert refusal(night, NOON) == "authorise.hours"
    assert refusal(night, datetime(2026, 12, 1, 15, 0, tzinfo=UTC)) is None
    assert refusal(night, datetime(2026, 12, 1, 21, 59, tzinfo=UTC)) is None
    assert refusal(night, datetime(2026, 12, 1, 22, 0, tzinfo=UTC)) == "authorise.hours"


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("QUOTES.acme.example", True),
        ("a.test.example", True),
        ("test.example", False),
        ("acme.example", False),
        ("quotes.acme.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("10.0.0.1", False),
    ],
)
def test_only_named_hosts_are_asked(host, covered):
    text = PLAN.replace("quotes.acme.example:8443", f"{host}:8443")
    assert refusal(text) == (None if covered else "authorise.host")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "[::1]", "a.localhost"])
def test_this_machine_needs_no_permission(host):
    text = NO_PERMISSION.replace("quotes.acme.example", host)
    assert authorise.is_local(plan_of(text))
    assert refusal(text) is None


def test_a_function_needs_no_permission():
    start, end = NO_PERMISSION.index("target:"), NO_PERMISSION.index("personas:")
    target = "target:\n  kind: python\n  function: a:b\n"
    money = "  money: {currency: CNY, unit: yuan, per: night, includes: []}\n"
    assert refusal(NO_PERMISSION[:start] + target + money + NO_PERMISSION[end:]) is None


def test_nobody_is_asked_without_permission():
    assert refusal(NO_PERMISSION) == "authorise.none"


def test_ceilings_hold():
    fast = PLAN.replace("personas:", "  limits: {requests_per_second: 21}\npersonas:", 1)
    assert refusal(fast) == "authorise.rate"
    assert refusal(fast.replace("21", "20")) is None
    assert refusal(PLAN, sent_today=499) is None
    assert refusal(PLAN, sent_today=500) == "authorise.per_day"


def test_the_permitted_rate_is_the_rate_where_the_plan_names_none():
    assert authorise.rate(plan_of(PLAN)) == 20
    slow = PLAN.replace("personas:", "  limits: {requests_per_second: 2}\npersonas:", 1)
    assert authorise.rate(plan_of(slow)) == 2
    assert authorise.rate(plan_of(NO_PERMISSION)) is None


def test_what_never_will_be_permitted_is_known_beforehand():
    assert authorise.shortcomings(plan_of(PLAN)) == ()
    (problem,) = authorise.shortcomings(plan_of(NO_PERMISSION))
    assert (problem.message_id, problem.key) == ("authorise.none", "authorisation")
