"""What may leave now: by the permission, by the plan's own hours, and for the vendor's sake."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from ..errors import AuthorisationError, PausedError
from ..messages import LANGUAGES
from .accounts import Accounts
from .authorise import authorise
from .conduct import Turn
from .journal import Journal
from .plan import Plan
from .planfield import FieldTarget
from .schedule import DAY, Sent, at, opens
from .target.protocol import Target, Walked


def permit(plan: Plan, journal: Journal, turn: Turn, now: datetime) -> None:
    """Refuse to send a wave that the written permission does not cover now.

    Raises
    ------
    PausedError
        If hours, dates or the day's ceiling end a run that had begun; ``resume`` goes on later. If
        people ask, who have not brought everything back yet.
    """
    waiting = sum(count for _, count in journal.unfinished(turn.number, len(turn.wave)))
    if waiting == 0:
        return
    if isinstance(plan.target, FieldTarget):
        raise PausedError("field.waiting", count=waiting)
    opening = _opening(plan, journal, turn, waiting, now)
    try:
        authorise(plan, now, sent_today=journal.sent_since((now - DAY).timestamp()) + waiting - 1)
    except AuthorisationError as error:
        if journal.attempts() == 0:
            raise
        if opening is None:
            why = {language: error.text(language) for language in LANGUAGES}
            raise PausedError("errors.not_now", why=why) from error
    if opening is not None and opening > now:
        raise PausedError("errors.not_until", until=opening.isoformat(timespec="seconds"))


def pause_for(turn: Turn, journal: Journal) -> None:
    """Pause before a wave that must wait until something has happened at the vendor's.

    The wave is put on file first, so that whoever resumes the run says that it has.

    Raises
    ------
    PausedError
        The first time that the wave is due.
    """
    after = turn.wave.after
    if after is None or turn.number in {opened.number for opened in journal.each_wave()}:
        return
    journal.open_wave(turn.number, turn.question, turn.wave)
    raise PausedError(f"errors.wait_for_{after}")


def _opening(
    plan: Plan, journal: Journal, turn: Turn, waiting: int, now: datetime
) -> datetime | None:
    began = journal.began()

    def nth_since(moment: datetime, n: int) -> datetime | None:
        found = journal.nth_since(moment.timestamp(), n)
        return None if found is None else at(found)

    sent = Sent(
        began=None if began is None else at(began),
        total=journal.sent_since(0.0),
        nth_since=nth_since,
    )
    return opens(plan, now, waiting=waiting, sent=sent, pilot=turn.number == 0)


def spare(plan: Plan, journal: Journal, number: int) -> None:
    """Pause where the vendor bears a wave worse than the plan allows, against the pilot.

    Raises
    ------
    PausedError
        If it has become slower, or fails more often.
    """
    limit = plan.target.limits.stop_if
    if number == 0 or (limit.latency is None and limit.errors is None):
        return
    (before, _), (seconds, failed) = journal.borne(0), journal.borne(number)
    if limit.latency is not None and before > 0 and seconds > limit.latency * before:
        times = f"{seconds / before:.1f}"
        raise PausedError("errors.slower", times=times, most=f"{limit.latency:g}")
    if limit.errors is not None and failed > limit.errors:
        raise PausedError("errors.more_errors", share=f"{failed:.0%}", most=f"{limit.errors:.0%}")


def orders_left(plan: Plan, target: Target, journal: Journal, asked: Sequence[Turn]) -> int:
    """Return how many orders may still be placed, after the waves that were asked."""
    if not isinstance(target, Walked) or "order" not in target.effects:
        return 0
    ordering = [code for code, effect in enumerate(target.effects) if effect == "order"]
    placed = sum(
        int(np.isin(turn.wave.step[journal.sent(turn.number)], ordering).sum()) for turn in asked
    )
    permitted = plan.authorisation.max.orders if plan.authorisation else 0
    return permitted - placed


def accounts_of(plan: Plan, journal: Journal, asked: Sequence[Turn]) -> Accounts | None:
    """Return when each account of a pool may begin again, after what is on file; None: any time."""
    limit = plan.identities.per_identity
    if limit is None:
        return None
    since = time.time() - max(DAY.total_seconds(), limit.gap)
    begun: list[tuple[int, float]] = []
    for turn in asked:
        wave = turn.wave
        # the first step of a session is where its account begins
        firsts = set(np.unique(wave.session, return_index=True)[1].tolist())
        begun += [
            (int(wave.identity[wave.session[first]]), moment)
            for first, moment in journal.asked_since(turn.number, since)
            if first in firsts
        ]
    return Accounts(gap=limit.gap, per_day=limit.per_day, asked=begun)
