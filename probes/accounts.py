"""Giving accounts of a pool to the sessions of a wave, by lot.

An attribute is *sent* (in the request; it can vary within an account) or *tied* (it comes with the
account; it varies only between accounts). Where nothing is tied, accounts are used evenly and no
block asks one twice. Where something is tied the account is the unit: each serves once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .design import Observed, Wave
from .protocol import Study

Ints = NDArray[np.intp]


def uses(study: Study, observed: Observed) -> Ints:
    """Return how often each account of the pool was asked so far."""
    rows = observed.column("identity")
    return np.bincount(rows[rows >= 0], minlength=len(study.identities))


def groups(study: Study) -> NDArray[np.intp]:
    """Return for each account a code of its tied levels; see :func:`group_of`."""
    out = np.zeros(len(study.identities), dtype=np.intp)
    for name in study.tied:
        levels = [str(level) for level in study.attributes[name].levels]
        column = study.identities.columns[name]
        out = out * len(levels) + np.array(
            [levels.index(str(v)) for v in column.tolist()], dtype=np.intp
        )
    return out


def group_of(study: Study, overrides: dict[str, int]) -> int:
    """Return the code of accounts whose tied levels are `overrides`, else the reference."""
    code = 0
    for name in study.tied:
        code = code * len(study.attributes[name].levels) + overrides.get(name, 0)
    return code


def room(study: Study, observed: Observed, arms: Sequence[dict[str, int]]) -> int | None:
    """Return how many blocks with these arms the unused accounts allow; None: no bound.

    Parameters
    ----------
    arms : sequence of mapping
        What each arm overrides; the reference and its twin are empty mappings.
    """
    if len(study.identities) == 0:
        return None
    if not study.tied:
        return None if len(study.identities) >= len(arms) else 0
    free = np.bincount(groups(study)[uses(study, observed) == 0], minlength=1)
    wanted = [group_of(study, arm) for arm in arms]
    return min(
        (int(free[code]) if code < len(free) else 0) // wanted.count(code) for code in set(wanted)
    )


def assign(
    study: Study,
    wave: Wave,
    observed: Observed,
    rng: np.random.Generator,
    *,
    crossover: bool = False,
) -> Wave:
    """Return the wave with an account for every session; unchanged where identities are fresh.

    Within a group of accounts that fit, the least used come first, in random order. With
    `crossover` the first account of a block asks for all of its arms.
    """
    if len(study.identities) == 0:
        return wave
    order = np.zeros(wave.sessions, dtype=np.intp)
    for name in study.tied:
        codes_ = wave.overrides.get(name, np.zeros(wave.sessions, dtype=np.intp))
        order = order * len(study.attributes[name].levels) + np.maximum(codes_, 0)
    identity = np.full(wave.sessions, -1)
    used, group = uses(study, observed), groups(study)
    for code in np.unique(order):
        sessions = np.flatnonzero(order == code)
        fitting = np.flatnonzero(group == code)
        if len(fitting) == 0:
            continue
        rounds = -(-len(sessions) // len(fitting))
        queue = [fitting[np.lexsort((rng.random(len(fitting)), used[fitting]))]]
        queue += [rng.permutation(fitting) for _ in range(rounds)]
        identity[sessions] = _distinct(np.concatenate(queue), wave.block[sessions])
    if crossover:
        _, first, block = np.unique(wave.block, return_index=True, return_inverse=True)
        identity = identity[first][block]
    return replace(wave, identity=identity)


def _distinct(queue: Ints, blocks: NDArray[np.int32]) -> Ints:
    """Deal the queue to the sessions so that no block gets an account twice where that can be."""
    out = np.empty(len(blocks), dtype=np.intp)
    waiting = list(queue[::-1])
    dealt: set[tuple[int, int]] = set()
    for i, block in enumerate(blocks.tolist()):
        back = []
        while len(waiting) > 1 and (block, int(waiting[-1])) in dealt:
            back.append(waiting.pop())
        out[i] = waiting.pop()
        dealt.add((block, int(out[i])))
        waiting.extend(reversed(back))
    return out
