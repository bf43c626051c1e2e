"""Nothing is sent outside the written permission, also when a run has begun."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit import planfile
from evenhand.audit.conduct import Turn
from evenhand.audit.gate import permit
from evenhand.audit.journal import Journal
from evenhand.audit.target.protocol import Reply
from evenhand.errors import AuthorisationError, PausedError
from evenhand.probes.design import Wave

PLAN = planfile.parse(
    """\
evenhand: 1
audit: {title: t, vendor: v, commissioned_by: c, paid_by: p, conflicts: n}
authorisation: {kind: order, by: City, valid: [2026-11-20, 2026-12-20], hosts: [quotes.acme.example],
                hours: "09:00-18:00 Asia/Shanghai", max: {rps: 20, per_day: 50}}
seed: 1
target:
  kind: http
  url: https://quotes.acme.example/quote
  request: {id: "{{identity}}", device: "{{persona.device}}", nights: "{{persona.nights}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: yuan, per: night, includes: []}
  limits: {requests_per_second: 20}
personas:
  attributes:
    device: {role: preference, reference: a, levels: [b], because: x}
    nights: {role: condition, levels: [1, 2]}
probes: [{use: pricing.twins, treat: [device]}]
budget: {queries: 300}
""",
    Path("plan.yaml"),
).plan
NOON = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)  # noon in Shanghai
EVENING = NOON + timedelta(hours=8)


def turn(trials: int, number: int = 0) -> Turn:
    zeros, none = np.zeros(trials, dtype=np.int32), np.full(trials, -1, dtype=np.int32)
    wave = Wave.of_single_trials(
        item=zeros, block=zeros, again=none, identity=none, arm=zeros, persona=zeros
    )
    return Turn(number=number, question="q", wave=wave)


@pytest.fixture
def journal(tmp_path):
    with Journal.create(tmp_path / "journal.sqlite") as found:
        yield found


def answered(journal: Journal, trials: int, at: datetime) -> None:
    """Put a wave of one-trial calls on file, answered at a moment."""
    from evenhand.audit.journal import Call
    from evenhand.audit.target.protocol import Request

    asked = turn(trials)
    journal.open_wave(0, "q", asked.wave)
    calls = [
        Call(wave=0, first=i, count=1, attempt=1, request_sha256=Request(
            wave=0, first=i, count=1, body=b"", route="GET /").sha256())
        for i in range(trials)
    ]  # fmt: skip
    for call in journal.intend(calls).result():
        journal.answer(call, Reply(status=200, body=b"{}", at=at.timestamp()))
    journal.flush().result()


def test_before_the_first_call_the_refusal_is_one_of_permission(journal):
    permit(PLAN, journal, turn(50), NOON)
    with pytest.raises(AuthorisationError):
        permit(PLAN, journal, turn(50), EVENING)
    with pytest.raises(AuthorisationError):
        permit(PLAN, journal, turn(51), NOON)


def test_once_begun_it_waits_and_loses_nothing(journal):
    answered(journal, 30, NOON - timedelta(hours=1))
    permit(PLAN, journal, turn(20, 1), NOON)
    for size, now in ((20, EVENING), (21, NOON)):
        with pytest.raises(PausedError) as caught:
            permit(PLAN, journal, turn(size, 1), now)
        assert caught.value.exit_code == 6
        assert caught.value.text("zh") != caught.value.text("en")


def test_the_ceiling_of_a_day_is_over_after_a_day(journal):
    answered(journal, 30, NOON - timedelta(hours=25))
    permit(PLAN, journal, turn(50, 1), NOON)


def test_what_is_on_file_needs_no_permission(journal):
    """Analysing a finished run again sends nothing, so nobody has to permit it."""
    answered(journal, 30, NOON)
    permit(PLAN, journal, turn(30), EVENING + timedelta(days=60))
