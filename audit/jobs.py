"""What is asked together, and what must wait for what: a function of the wave."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..probes.design import Wave
from .sessions import Session


@dataclass(slots=True)
class Job:
    """Trials that are asked together, until they have a final answer.

    Of a session it is the trial that its block waits for, of rank `goal`; `first` is the one that is
    asked now, which is an earlier one where the session begins again. `faulted` is how many calls
    had been answered when this one first came to nothing.
    """

    first: int
    count: int
    begun: int = 0
    answered: int = 0
    faulted: int = -1
    chain: int = -1
    session: Session | None = None
    goal: int = 0


@dataclass(slots=True)
class Chain:
    """The steps of one block that must wait for each other."""

    waiting: deque[list[Job]]
    open: int = 0


def calls_of(wave: Wave, batch: int) -> list[tuple[int, int]]:
    """Return the calls (first, count) that a wave is split into: a function of the wave alone.

    Batches hold whole blocks; where a block is longer than a batch, or blocks lie across each
    other, they are cut. Sessions of several steps are asked trial by trial.

    Examples
    --------
    >>> wave = Wave.of_single_trials(item=np.zeros(6, int), block=[0, 0, 0, 1, 1, 1], again=[-1] * 6,
    ...     identity=[-1] * 6, arm=[0, 1, 2] * 2, persona=[0] * 6)
    >>> calls_of(wave, 4), len(calls_of(wave, 1))
    ([(0, 3), (3, 3)], 6)
    """
    n = len(wave)
    if batch == 1 or not wave.single or wave.stage.any():
        return [(place, 1) for place in range(n)]
    block = wave.trial_column("block")
    _, name = np.unique(block, return_inverse=True)
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, name, np.arange(n))
    reach = np.maximum.accumulate(last[name])
    ends = np.flatnonzero(reach == np.arange(n)) + 1
    out, start = [], 0
    while start < n:
        whole = ends[(ends > start) & (ends <= start + batch)]
        end = int(whole[-1]) if len(whole) else min(n, start + batch)
        out.append((start, end - start))
        start = end
    return out


def chained(wave: Wave, jobs: Sequence[Job]) -> list[Chain]:
    """Return one chain a block: a step leaves when those before it in its block are settled."""
    block = wave.trial_column("block").tolist()
    level = list(zip(wave.stage.tolist(), _ranks(wave), strict=True))
    links: dict[int, dict[tuple[int, int], list[Job]]] = {}
    for job in jobs:
        links.setdefault(block[job.first], {}).setdefault(level[job.first], []).append(job)
    chains = [Chain(deque(found[at] for at in sorted(found))) for found in links.values()]
    for number, chain in enumerate(chains):
        for link in chain.waiting:
            for job in link:
                job.chain = number
    return chains


def _ranks(wave: Wave) -> list[int]:
    """Return which step of its session each trial is."""
    asked: dict[int, int] = {}
    out = []
    for session in wave.session.tolist():
        asked[session] = asked.get(session, -1) + 1
        out.append(asked[session])
    return out
