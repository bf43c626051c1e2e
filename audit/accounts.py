"""Accounts of a pool, used evenly: how soon after one another, and how often a day, each is asked."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable

DAY = 86_400.0


class Accounts:
    """When each account of a pool may begin again.

    Parameters
    ----------
    gap : float
        Seconds between two beginnings of one account.
    per_day : int, optional
        Most beginnings of one account in 24 hours.
    asked : iterable of (int, float)
        Account and moment, in seconds since the epoch, of what is on file.
    clock : callable
        Seconds since the epoch.

    Examples
    --------
    >>> accounts = Accounts(gap=30, per_day=2, asked=[(7, 100.0), (7, 200.0)], clock=lambda: 210.0)
    >>> accounts.rest(3), accounts.rest(7)
    (0.0, 86290.0)
    """

    def __init__(
        self,
        *,
        gap: float,
        per_day: int | None,
        asked: Iterable[tuple[int, float]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._gap = gap
        self._per_day = per_day
        self._clock = clock
        self._begun: dict[int, list[float]] = {}
        for account, moment in sorted(asked, key=lambda one: one[1]):
            self._begun.setdefault(account, []).append(moment)

    def rest(self, account: int) -> float:
        """Return how many seconds an account must still be left alone."""
        now, begun = self._clock(), self._begun.get(account)
        if not begun:
            return 0.0
        due = begun[-1] + self._gap
        if self._per_day is not None and len(begun) >= self._per_day:
            due = max(due, begun[-self._per_day] + DAY)
        return max(0.0, due - now)

    def begin(self, account: int) -> None:
        """Note that an account begins now; what is older than a day is forgotten."""
        now, begun = self._clock(), self._begun.setdefault(account, [])
        del begun[: bisect_right(begun, now - max(DAY, self._gap))]
        begun.append(now)
