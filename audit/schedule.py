"""When a wave may leave: hours, days and ceilings, those of the permission and those of the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from .authorise import is_local
from .plan import Plan
from .planrequest import hours

DAY = timedelta(days=1)
_ROUNDS = 64

Opens = Callable[[datetime], datetime | None]
"""A moment → itself where the gate is open, else when it opens; None: never again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What has been sent to a vendor so far.

    Parameters
    ----------
    began : datetime or None
        When the first answer came.
    total : int
        Requests that were answered.
    nth_since : callable
        Moment and n → when the n-th request after it was answered, counted from 0; None: not yet.
    """

    began: datetime | None
    total: int
    nth_since: Callable[[datetime, int], datetime | None]


def opens(plan: Plan, now: datetime, *, waiting: int, sent: Sent, pilot: bool) -> datetime | None:
    """Return when so many requests may leave: `now`, or the first moment that every gate is open.

    Parameters
    ----------
    plan : Plan
    now : datetime
        With its time zone.
    waiting : int
        Requests of the wave.
    sent : Sent
    pilot : bool
        Whether it is the pilot, which waits for no phase.

    Returns
    -------
    datetime or None
        None where the permission ends before that.

    Examples
    --------
    >>> from evenhand.audit.plan import Schedule
    >>> night = Plan.model_construct(schedule=Schedule(hours="22:00-06:00 UTC"), authorisation=None)
    >>> none = Sent(began=None, total=0, nth_since=lambda moment, n: None)
    >>> noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    >>> opens(night, noon, waiting=1, sent=none, pilot=False).isoformat()
    '2026-11-25T22:00:00+00:00'
    """
    gates = list(_gates(plan, now, waiting=waiting, sent=sent, pilot=pilot))
    moment = now
    for _ in range(_ROUNDS):
        before = moment
        for gate in gates:
            found = gate(moment)
            if found is None:
                return None
            moment = max(moment, found)
        if moment == before:
            return moment
    return None


def _gates(plan: Plan, now: datetime, *, waiting: int, sent: Sent, pilot: bool) -> Iterator[Opens]:
    schedule, permission = plan.schedule, plan.authorisation
    if schedule.hours is not None:
        yield _window(schedule.hours)
    if schedule.per_day is not None:
        yield _ceiling(schedule.per_day, waiting, sent)
    if schedule.days is not None:
        yield _spread(plan, schedule.days, now, sent)
    if schedule.phases and not pilot:
        yield _phases(sum(phase.after for phase in schedule.phases), now, sent)
    if permission is None or is_local(plan):
        return
    if permission.hours is not None:
        yield _window(permission.hours)
    if permission.max.per_day is not None:
        yield _ceiling(permission.max.per_day, waiting, sent)
    yield _dates(*permission.valid, permission.hours)


def _window(text: str) -> Opens:
    """Let through what lies inside hours such as ``"22:00-06:00 Asia/Shanghai"``."""
    found = hours(text)
    if found is None:  # a mistake in the plan, told when it is read
        raise ValueError(text)
    start, end, zone = found

    def gate(moment: datetime) -> datetime:
        local = moment.astimezone(zone)
        clock = local.time()
        inside = start <= clock < end if start <= end else clock >= start or clock < end
        if inside:
            return moment
        today = datetime.combine(local.date(), start, zone)
        return today if clock < start else datetime.combine(local.date() + DAY, start, zone)

    return gate


def _dates(first: date, last: date, window: str | None) -> Opens:
    found = hours(window) if window is not None else None
    zone = found[2] if found else ZoneInfo("UTC")

    def gate(moment: datetime) -> datetime | None:
        today = moment.astimezone(zone).date() if found else moment.date()
        if today > last:
            return None
        return moment if today >= first else datetime.combine(first, datetime.min.time(), zone)

    return gate


def _ceiling(most: int, waiting: int, sent: Sent) -> Opens:
    """Let `most` requests through in any 24 hours; a wave that alone is more waits for an empty day."""

    def gate(moment: datetime) -> datetime:
        room = max(0, most - waiting)
        oldest = sent.nth_since(moment - DAY, 0)
        while oldest is not None and sent.nth_since(moment - DAY, room) is not None:
            # one after another they are a day old, and no longer count
            moment = oldest + DAY
            oldest = sent.nth_since(moment - DAY, 0)
        return moment

    return gate


def _spread(plan: Plan, days: int, now: datetime, sent: Sent) -> Opens:
    """Let each day have its part of the budget, and what earlier days left."""
    part = ceil(plan.budget.queries / days)
    began = sent.began or now

    def gate(moment: datetime) -> datetime:
        return max(moment, began + (sent.total // part) * DAY)

    return gate


def _phases(seconds: float, now: datetime, sent: Sent) -> Opens:
    began = sent.began or now
    return lambda moment: max(moment, began + timedelta(seconds=seconds))


def at(seconds: float) -> datetime:
    """Return a moment that a file holds as seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
