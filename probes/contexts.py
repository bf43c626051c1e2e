"""Drawing contexts from the frame, and laying blocks out in random order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .design import Codes, Floats, Observed, Wave, codes
from .protocol import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """What is held equal inside each block: one row a block.

    Parameters
    ----------
    persona, item : (blocks,) codes
    conditions, cue : mapping of str to (blocks,) codes
        Level of each condition that the population lacks; cue of each attribute that has several.
    """

    persona: Codes
    item: Codes
    conditions: Mapping[str, Codes]
    cue: Mapping[str, Codes]

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.persona)

    def take(self, rows: NDArray[np.intp]) -> Contexts:
        """Return the contexts at `rows`."""
        return Contexts(
            persona=self.persona[rows],
            item=self.item[rows],
            conditions={name: column[rows] for name, column in self.conditions.items()},
            cue={name: column[rows] for name, column in self.cue.items()},
        )

    def followed_by(self, other: Contexts) -> Contexts:
        """Return these contexts and then the others, drawn from the same frame."""
        return Contexts(
            persona=codes(np.concatenate([self.persona, other.persona])),
            item=codes(np.concatenate([self.item, other.item])),
            conditions={
                name: codes(np.concatenate([column, other.conditions[name]]))
                for name, column in self.conditions.items()
            },
            cue={
                name: codes(np.concatenate([column, other.cue[name]]))
                for name, column in self.cue.items()
            },
        )


def _weighted(weights: Floats, n: int, rng: np.random.Generator) -> Codes:
    if len(weights) == 0:
        return codes(np.full(n, -1))
    steps = np.cumsum(weights)
    return codes(np.searchsorted(steps, rng.random(n) * steps[-1], side="right"))


def draw(study: Study, n: int, rng: np.random.Generator, *, vary: Sequence[str] = ()) -> Contexts:
    """Draw `n` contexts from the frame, with replacement and with its declared weights.

    A condition that the population lacks takes each of its levels alike; so does the cue of an
    attribute that has several. So do the treated attributes of `vary`, unless the population brings
    them at levels of the plan: then each persona has its own.
    """
    conditions: dict[str, Codes] = {}
    cue: dict[str, Codes] = {}
    persona = _weighted(study.persona_weights, n, rng)
    item = _weighted(study.item_weights, n, rng)
    for name, attribute in study.attributes.items():
        drawn = attribute.role == "condition" and name not in study.personas.columns
        if drawn and attribute.levels:
            conditions[name] = codes(rng.integers(len(attribute.levels), size=n))
        if name in vary:
            own = _own_levels(study, name)
            alike = rng.integers(len(attribute.levels), size=n)
            conditions[name] = codes(alike if own is None else own[persona])
        if len(attribute.cue_names) > 1:
            cue[name] = codes(rng.integers(len(attribute.cue_names), size=n))
    return Contexts(persona=persona, item=item, conditions=conditions, cue=cue)


def _own_levels(study: Study, name: str) -> NDArray[np.intp] | None:
    """Return the level code of each persona; None where the population has not just these levels.

    Nor where all are alike: a plan without a population has one persona, at the reference.
    """
    column = study.personas.columns.get(name)
    levels = study.attributes[name].levels
    if column is None or not set(column.tolist()) <= set(levels) or levels[0] not in column:
        return None
    if len(set(column.tolist())) == 1:
        return None
    place = {level: code for code, level in enumerate(levels)}
    return np.array([place[value] for value in column.tolist()], dtype=np.intp)


def contexts_of(observed: Observed, trials: NDArray[np.intp]) -> Contexts:
    """Return the contexts of the given trials, to ask them again."""

    def columns(kind: str) -> dict[str, Codes]:
        names = {name for wave in observed.waves for name in getattr(wave, kind)}
        return {
            name: np.concatenate(
                [
                    getattr(wave, kind).get(name, np.full(wave.sessions, -1))[wave.session]
                    for wave in observed.waves
                ]
            )[trials]
            for name in sorted(names)
        }

    return Contexts(
        persona=observed.column("persona")[trials],
        item=observed.column("item")[trials],
        conditions=columns("overrides"),
        cue=columns("cue"),
    )


def lay_out(
    contexts: Contexts,
    *,
    arms: NDArray[np.bool_],
    first_block: int,
    again: Codes | None = None,
    overrides: Mapping[int, Mapping[str, int]],
    paths: Mapping[int, Sequence[int]] | None = None,
    rng: np.random.Generator,
) -> Wave:
    """Return the wave that asks these contexts, the arms of each block in random order.

    Parameters
    ----------
    contexts : Contexts
    arms : (blocks, arms) bool array
        Which arms each block asks.
    first_block : int
        Running number of the first block.
    again : (blocks,) codes, optional
        The earlier block that each asks again.
    overrides : mapping of int to mapping of str to int
        Arm → attribute → level code: what makes an arm differ from the reference.
    paths : mapping of int to sequence of int, optional
        Arm → the steps that its sessions walk, in order. Default: step 0, once.
    rng : numpy.random.Generator
        Decides which slot (identity and place in the block) gets which arm: this assignment is
        what every test of the audit rests on.
    """
    n, width = arms.shape
    keys = np.where(arms, rng.random((n, width)), np.inf)
    order = np.argsort(keys, axis=1)
    counts = arms.sum(axis=1)
    used = np.arange(width) < counts[:, None]
    arm = codes(order[used])
    row = np.repeat(np.arange(n), counts)
    columns = {name: column[row].copy() for name, column in contexts.conditions.items()}
    treated = sorted({name for changes in overrides.values() for name in changes})
    for name in treated:
        columns.setdefault(name, np.zeros(len(row), dtype=np.int32))
    for number, changes in overrides.items():
        for name, code in changes.items():
            columns[name][arm == number] = code
    repeats = np.full(n, -1) if again is None else again
    session, step = _walked(arm, paths or dict.fromkeys(range(width), (0,)))
    return Wave(
        block=codes(first_block + row),
        again=codes(repeats[row]),
        identity=codes(np.full(len(row), -1)),
        arm=arm,
        persona=contexts.persona[row],
        overrides={name: codes(column) for name, column in columns.items()},
        cue={name: column[row] for name, column in contexts.cue.items()},
        session=codes(session),
        step=codes(step),
        item=codes(contexts.item[row][session]),
        stage=codes(np.zeros(len(session))),
    )


def _walked(
    arm: Codes, paths: Mapping[int, Sequence[int]]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the session and the step of every trial, session after session."""
    longest = max(len(path) for path in paths.values())
    lengths = np.zeros(max(paths) + 1, dtype=np.intp)
    steps = np.zeros((len(lengths), longest), dtype=np.intp)
    for number, path in paths.items():
        lengths[number] = len(path)
        steps[number, : len(path)] = path
    trials = lengths[arm]
    session = np.repeat(np.arange(len(arm)), trials)
    rank = np.arange(len(session)) - np.repeat(np.cumsum(trials) - trials, trials)
    return session, steps[arm[session], rank]


def together(first: Wave, second: Wave) -> Wave:
    """Return one wave that asks `first` and then `second`."""

    def maps(kind: str) -> dict[str, Codes]:
        ours, theirs = getattr(first, kind), getattr(second, kind)
        empty = {False: first.sessions, True: second.sessions}
        return {
            name: np.concatenate(
                [
                    ours.get(name, np.full(empty[False], -1)),
                    theirs.get(name, np.full(empty[True], -1)),
                ]
            )
            for name in sorted({*ours, *theirs})
        }

    names = ("block", "again", "identity", "arm", "persona", "step", "item", "stage")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names
    }
    return Wave(
        **columns,
        session=np.concatenate([first.session, second.session + first.sessions]),
        overrides=maps("overrides"),
        cue=maps("cue"),
    )
