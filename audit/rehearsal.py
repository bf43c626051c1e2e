"""A whole audit in memory: the same questions, requests and readers, and nothing on file.

For the scoreboard and for benchmarks, which ask vendors of the zoo thousands of times. What is said
of a vendor that is not ours needs a journal: :func:`evenhand.audit.run.run`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import numpy as np

from ..datasets.personas import Level
from ..probes.design import Observed, Wave
from ..probes.protocol import Study
from .ask import calls_of
from .conduct import Conduct
from .run import Audit
from .tally import Tally
from .target.protocol import Past, Target, Walked


def rehearse(
    audit: Audit,
    *,
    explain: bool = False,
    batch: int | None = None,
    watch: Callable[[Conduct], None] | None = None,
) -> Conduct:
    """Ask until nothing is open, and return how it went.

    Parameters
    ----------
    audit : Audit
        Of a target in this process.
    explain : bool
        Whether to ask what explains a finding as well, out of what the budget leaves.
    batch : int, optional
        Most trials in one call, where a vendor remembers in which order it was asked.
    watch : callable, optional
        Called after each wave.
    """
    return asyncio.run(_asked(audit, explain=explain, batch=batch, watch=watch or _nobody))


def _nobody(_: Conduct) -> None:
    """Watch nothing."""


async def _asked(
    audit: Audit, *, explain: bool, batch: int | None, watch: Callable[[Conduct], None]
) -> Conduct:
    conduct, target = audit.conduct(), audit.target()
    if not explain:
        conduct.followups = None
    try:
        while (turn := conduct.next()) is not None:
            answers = await _answered(target, audit.asked, turn.number, turn.wave, batch)
            conduct.take(turn, answers)
            watch(conduct)
    finally:
        await target.close()
    return conduct


async def _answered(
    target: Target, study: Study, number: int, wave: Wave, batch: int | None
) -> Observed:
    tally = Tally(number, wave)
    if not wave.single and isinstance(target, Walked):
        await _walk(target, study, number, wave, tally)
        return tally.observed()
    for first, count in calls_of(wave, min(target.batch, batch or target.batch)):
        request = target.render(study, wave, number, slice(first, first + count))
        tally.take(first, target.read(request, await target.send(request)))
    return tally.observed()


async def _walk(target: Walked, study: Study, number: int, wave: Wave, tally: Tally) -> None:
    """Ask step after step, the arms of a block in step with each other."""
    session = wave.session.tolist()
    captured: dict[int, dict[str, Level]] = defaultdict(dict)
    for place in _lock_step(wave):
        past = Past(captured=captured[session[place]])
        request = target.render_step(study, wave, number, place, past)
        said = target.read(request, await target.send(request))
        captured[session[place]] |= said.captured
        tally.take(place, said)


def _lock_step(wave: Wave) -> list[int]:
    """Return the trials in the order of asking: block by block, first steps first."""
    starts = np.searchsorted(wave.session, np.arange(wave.sessions))
    rank = np.arange(len(wave)) - starts[wave.session]
    order: list[int] = np.lexsort((rank, wave.stage, wave.trial_column("block"))).tolist()
    return order
