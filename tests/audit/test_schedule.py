"""Hours, days, ceilings and phases: when a run may go on, and that it does by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.shell import content, evenhand, http, plan, shop

from evenhand.audit import planfile
from evenhand.audit.plan import Authorisation, Budget, Ceilings, Plan, Schedule
from evenhand.audit.planhttp import HttpTarget
from evenhand.audit.schedule import DAY, Sent, opens
from evenhand.errors import PlanError

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def sent(*moments: datetime) -> Sent:
    """What was sent, request by request."""

    def nth_since(moment: datetime, n: int) -> datetime | None:
        later = sorted(one for one in moments if one > moment)
        return later[n] if n < len(later) else None

    return Sent(began=min(moments, default=None), total=len(moments), nth_since=nth_since)


def planned(permission: Authorisation | None = None, **schedule: Any) -> Plan:
    target = HttpTarget(kind="http", url="https://acme.example/", response={"final": "$.p"})
    parts: dict[str, Any] = {
        "target": target,
        "authorisation": permission,
        "schedule": Schedule(**schedule),
        "budget": Budget(queries=100),
    }
    return Plan.model_construct(**parts)


def when(plan_: Plan, *, waiting: int = 1, before: Sent | None = None, pilot: bool = False) -> Any:
    found = opens(plan_, NOON, waiting=waiting, sent=before or sent(), pilot=pilot)
    return None if found is None else found.astimezone(UTC)


def permission(**changes: Any) -> Authorisation:
    settings = {"kind": "order", "by": "City", "valid": ("2026-11-20", "2026-12-20")}
    return Authorisation(**(settings | changes))


def test_without_a_schedule_it_is_now():
    assert when(planned()) == NOON


@pytest.mark.parametrize(
    ("hours", "opening"),
    [
        ("09:00-18:00 UTC", NOON),
        ("09:00-12:00 UTC", datetime(2026, 11, 26, 9, tzinfo=UTC)),
        ("13:00-14:00 UTC", datetime(2026, 11, 25, 13, tzinfo=UTC)),
        ("22:00-06:00 UTC", datetime(2026, 11, 25, 22, tzinfo=UTC)),
        # in Shanghai it is 20:00
        ("09:00-18:00 Asia/Shanghai", datetime(2026, 11, 26, 1, tzinfo=UTC)),
    ],
)
def test_hours_open_again(hours, opening):
    assert when(planned(hours=hours)) == opening
    assert when(planned(permission(hours=hours))) == opening


@pytest.mark.parametrize(
    ("valid", "opening"),
    [
        (("2026-11-20", "2026-11-25"), NOON),
        (("2026-11-27", "2026-12-20"), datetime(2026, 11, 27, tzinfo=UTC)),
        (("2026-11-20", "2026-11-24"), None),
    ],
)
def test_a_permission_begins_and_ends(valid, opening):
    assert when(planned(permission(valid=valid))) == opening


def test_hours_that_open_only_after_the_permission_has_ended_never_open():
    ends_today = permission(valid=("2026-11-20", "2026-11-25"), hours="09:00-11:00 UTC")
    assert when(planned(ends_today)) is None


def test_a_ceiling_opens_when_the_oldest_are_a_day_old():
    asked = sent(*(NOON - timedelta(hours=h) for h in (20, 10, 9, 1)))
    assert when(planned(per_day=6), waiting=2, before=asked) == NOON
    assert when(planned(per_day=5), waiting=2, before=asked) == NOON + timedelta(hours=4)
    most = permission(max=Ceilings(per_day=4))
    assert when(planned(most), waiting=2, before=asked) == NOON + timedelta(hours=14)
    # a wave that is more than a day's share waits for an empty day
    assert when(planned(per_day=1), waiting=9, before=asked) == NOON + timedelta(hours=23)


def test_a_budget_over_days_is_asked_part_by_part():
    began = NOON - timedelta(hours=5)
    part = [began + timedelta(seconds=n) for n in range(10)]
    assert when(planned(days=10), before=sent(*part[:9])) == NOON
    assert when(planned(days=10), before=sent(*part)) == began + DAY
    late = NOON - 3 * DAY
    assert when(planned(days=10), before=sent(*(late for _ in range(30)))) == NOON


def test_phases_hold_back_everything_but_the_pilot():
    phases = [{"name": "grow", "after": "2d"}, {"name": "measure", "after": "12h"}]
    grown = planned(phases=phases)
    began = NOON - timedelta(hours=1)
    assert when(grown, before=sent(began), pilot=True) == NOON
    assert when(grown, before=sent(began)) == began + timedelta(days=2, hours=12)
    assert when(grown, before=sent(NOON - 3 * DAY)) == NOON


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.lists(st.integers(1, 90_000), max_size=20),
)
def test_no_day_ever_holds_more_than_its_ceiling(most, waiting, ages):
    before = [NOON - timedelta(seconds=age) for age in ages]
    moment = when(planned(per_day=most), waiting=waiting, before=sent(*before))
    inside = [one for one in before if one > moment - DAY]
    assert not inside or len(inside) + waiting <= most
    assert moment >= NOON


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("schedule: {hours: all day}", "schedule.hours"),
        ("schedule: {days: 0}", "schedule.days"),
        ("schedule: {phases: [{after: 14d}]}", "schedule.phases[0].name"),
        ("schedule: {phases: [{name: grow, after: soon}]}", "schedule.phases[0].after"),
    ],
)
def test_a_mistake_in_a_schedule_is_told(tmp_path, line, key):
    path = plan(tmp_path, http("http://127.0.0.1:9/quote"))
    with pytest.raises(PlanError) as told:
        planfile.parse(path.read_text("utf-8") + line + "\n", path)
    assert [problem.key for problem in told.value.problems] == [key]


def scheduled(folder: Path, url: str, schedule: str, limits: str = "{concurrency: 8}") -> Path:
    path = plan(folder, http(url, limits=limits))
    path.write_text(path.read_text("utf-8") + f"schedule: {schedule}\n", "utf-8")
    return path


def test_a_run_says_when_it_may_go_on_and_resume_can_be_called_any_time(tmp_path):
    with shop() as one:
        path = scheduled(tmp_path, one.url("fair"), "{phases: [{name: grow, after: 1h}]}")
        said = evenhand("run", path, "--out", tmp_path / "run")
        assert said.code == 6
        until = datetime.fromisoformat(said.err.split("from ")[1].split(" on ")[0])
        assert timedelta(minutes=55) < until - datetime.now(UTC) < timedelta(minutes=61)
        asked = one.asked()["fair"]
        again = evenhand("resume", tmp_path / "run")
        assert again.code == 6
        assert one.asked()["fair"] == asked


def test_a_run_that_waits_goes_on_by_itself(tmp_path):
    with shop() as one:
        path = scheduled(tmp_path, one.url("fair"), "{phases: [{name: grow, after: 3s}]}")
        said = evenhand("run", path, "--out", tmp_path / "run", "--wait")
        assert said.code == 0, said.text
    assert content(tmp_path / "run")["counts"]["failed"] == 0


@pytest.mark.parametrize(
    ("mode", "stop_if", "word"),
    [
        ("weary", "{latency: 3x}", "slower"),
        ("often500", "{errors: 20%}", "more often"),
    ],
)
def test_a_run_pauses_for_the_vendors_sake(tmp_path, mode, stop_if, word):
    with shop() as one:
        path = plan(tmp_path, http(one.url(mode), limits=f"{{concurrency: 8, stop_if: {stop_if}}}"))
        said = evenhand("run", path, "--out", tmp_path / "run")
        assert said.code == 6, said.text
        assert word in said.err
        assert not (tmp_path / "run/record.json").exists()
        before = sum(one.asked()[mode].values())
        # whoever resumes goes on, and is held to the same
        assert evenhand("resume", tmp_path / "run").code in {0, 6}
        assert sum(one.asked()[mode].values()) > before
