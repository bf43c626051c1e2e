"""Asking a wave: calls leave in the order of the design, and everything is on file before it counts.

The wave is split into calls, single trials or batches of whole blocks. The intents of a group of
calls are committed, the calls leave as the limits allow, their answers are handed to the journal,
and meanwhile the intents of the next group are committed, so that nobody waits for the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from ..probes.design import Observed, Wave
from ..probes.protocol import Study
from .accounts import Accounts
from .asking import Asking
from .jobs import calls_of
from .journal import Journal
from .limits import Pace
from .tally import Tally, read
from .target.protocol import Target

__all__ = ["ask", "calls_of", "observed"]


async def ask(
    target: Target,
    study: Study,
    journal: Journal,
    number: int,
    wave: Wave,
    *,
    limits: Pace,
    attempts_left: int,
    rng: np.random.Generator,
    stop: asyncio.Event | None = None,
    progress: Callable[[int], None] | None = None,
    orders_left: int = 0,
    accounts: Accounts | None = None,
) -> Observed:
    """Ask what is not on file yet of a wave that the journal has opened, and return its answers.

    A trial is asked again as long as its answer says that this can help, at most
    ``limits.attempts`` times; a call that was begun and whose answer is not on file is asked again
    and counted. When it returns, every trial has an answer on file; what is returned is what
    :func:`observed` would read there.

    Parameters
    ----------
    target : Target
    study : Study
    journal : Journal
    number : int
        Global number of the wave.
    wave : Wave
    limits : Pace
        Shared by all waves of a run.
    attempts_left : int
        Trials that may still be sent, repeats included; those beyond fail with ``"ceiling"``.
    rng : numpy.random.Generator
        For the jitter of waits; no answer depends on it.
    stop : asyncio.Event, optional
        When set, what is in flight is finished and written.
    progress : callable, optional
        Called with the number of trials that were just settled.
    orders_left : int
        Orders that steps of sessions may still place; a session that would place one more fails.
    accounts : Accounts, optional
        Leaves the accounts of a pool alone for as long as the plan says.

    Raises
    ------
    PausedError
        If stopped, if the vendor asks for a long wait or is out of reach, or if the journal cannot
        be written.
    UsageError
        If sessions have several steps, and the target knows none.
    """
    asking = Asking(
        target=target,
        study=study,
        journal=journal,
        number=number,
        wave=wave,
        pace=limits,
        left=attempts_left,
        rng=rng,
        stop=stop or asyncio.Event(),
        progress=progress or (lambda _: None),
        orders_left=orders_left,
        accounts=accounts,
    )
    await asking.run()
    return asking.tally.observed()


def observed(journal: Journal, target: Target, number: int, wave: Wave) -> Observed:
    """Return the answers of a complete wave in the order of the design. Pure reading of the file.

    The last answer of a trial counts: where every attempt failed, that failure and its reason.

    Raises
    ------
    EvidenceError
        If a trial has no answer on file.
    """
    tally = Tally(number, wave)
    for call, reply in journal.replies(number):
        tally.take(call.first, read(target, wave, call, reply))
    return tally.observed()
