"""The written permission as a gate: dates, hours, hosts and ceilings.

A model in this process and a server on this machine need none.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from ..errors import AuthorisationError, Problem
from .plan import Authorisation, Plan, Remote
from .planhttp import HttpTarget
from .planrequest import hours


def authorise(plan: Plan, now: datetime, *, sent_today: int = 0) -> None:
    """Refuse what the permission does not cover.

    Parameters
    ----------
    plan : Plan
    now : datetime
        With its time zone. Dates are read in the zone of the permitted hours, or else in its own.
    sent_today : int
        Requests that were sent to this vendor in the last 24 hours.

    Raises
    ------
    AuthorisationError
        If there is no permission, or it does not cover this moment, host, rate or number.

    Examples
    --------
    >>> from evenhand.audit.plan import PythonTarget
    >>> local = Plan.model_construct(target=PythonTarget(kind="python", function="math:sqrt"))
    >>> authorise(local, datetime.now().astimezone())
    """
    for problem in (*shortcomings(plan), *_moment(plan, now, sent_today)):
        raise AuthorisationError(problem.message_id, **problem.values)


def shortcomings(plan: Plan) -> tuple[Problem, ...]:
    """Return what the permission does not cover at any time: host, rate, or all of it."""
    return tuple(_lasting(plan))


def is_local(plan: Plan) -> bool:
    """Whether the target is in this process or on this machine, so that nobody is disturbed."""
    target = plan.target
    return not isinstance(target, Remote) or all(map(_is_loopback, _hosts(target)))


def host(url: str) -> str:
    """Return the host of an address, in small letters.

    Examples
    --------
    >>> host("https://Quotes.Acme.example:8443/quote")
    'quotes.acme.example'
    """
    return (urlsplit(url).hostname or "").rstrip(".")


def rate(plan: Plan) -> float | None:
    """Return the most requests a second: what the plan asks for, or else what is permitted."""
    asked = plan.target.limits.requests_per_second
    if asked is not None or is_local(plan) or plan.authorisation is None:
        return asked
    return plan.authorisation.max.rps


def _lasting(plan: Plan) -> Iterator[Problem]:
    target, permission = plan.target, plan.authorisation
    if not isinstance(target, Remote) or is_local(plan):
        return
    names = [name for name in _hosts(target) if not _is_loopback(name)]
    if permission is None:
        yield _problem("authorise.none", ("authorisation",), host=names[0])
        return
    for name in names:
        if not any(_covers(allowed, name) for allowed in permission.hosts):
            listed = ", ".join(permission.hosts) or "–"
            yield _problem("authorise.host", ("authorisation", "hosts"), host=name, hosts=listed)
    asked, allowed_rate = target.limits.requests_per_second, permission.max.rps
    if asked is not None and allowed_rate is not None and asked > allowed_rate:
        key = ("target", "limits", "requests_per_second")
        yield _problem("authorise.rate", key, asked=f"{asked:g}", allowed=f"{allowed_rate:g}")


def _hosts(target: Remote) -> list[str]:
    """Return every host that something is sent to, each once."""
    sent = target.addresses() if isinstance(target, HttpTarget) else (target.url,)
    return list(dict.fromkeys(map(host, sent)))


def _moment(plan: Plan, now: datetime, sent_today: int) -> Iterator[Problem]:
    permission = plan.authorisation
    if permission is None or is_local(plan):
        return
    yield from _time(permission, now)
    most = permission.max.per_day
    if most is not None and sent_today >= most:
        key = ("authorisation", "max", "per_day")
        yield _problem("authorise.per_day", key, sent=sent_today, allowed=most)


def _time(permission: Authorisation, now: datetime) -> Iterator[Problem]:
    window = hours(permission.hours) if permission.hours is not None else None
    local = now.astimezone(window[2]) if window else now
    first, last = permission.valid
    if not first <= local.date() <= last:
        yield _problem(
            "authorise.dates",
            ("authorisation", "valid"),
            today=local.date(),
            first=first,
            last=last,
        )
    if window:
        start, end = window[:2]
        clock = local.time()
        # a window such as 22:00-06:00 goes over midnight
        inside = start <= clock < end if start <= end else clock >= start or clock < end
        if not inside:
            key = ("authorisation", "hours")
            yield _problem("authorise.hours", key, now=f"{clock:%H:%M}", hours=permission.hours)


def _problem(message_id: str, key: tuple[str, ...], /, **values: Any) -> Problem:
    return Problem(message_id=message_id, values=values, key=".".join(key))


def _covers(allowed: str, name: str) -> bool:
    allowed = allowed.lower().rstrip(".")
    if allowed.startswith("*."):
        return name.endswith(allowed[1:])
    return name == allowed


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
