"""screening.factorial: of many attributes, which ones move the price, alone or two together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...datasets.personas import TREATMENTS
from ...messages import Text, both
from ...metrics.result import Estimate
from ..accounts import assign
from ..contexts import draw, lay_out
from ..design import TREATED, Observed, Wave, codes, joined
from ..matched import Arm, Compared, Layout, Matched, Reading, common, is_carried
from ..options import Options
from ..planned import Planned
from ..protocol import (
    Card,
    Check,
    Claims,
    Described,
    Evidence,
    Hypothesis,
    Probe,
    Seen,
    Study,
    Subject,
)
from ..registry import register
from ..scores import LogPrice, column, logs
from ..shares import Direction, Limit
from ..together import together
from .designs import DESIGNS, runs
from .sift import Changes, Standing, candidates, sift

SLOTS, CONTEXTS = 3, 40
"""Usual numbers: of things that are confirmed, and of contexts that the screening asks."""

CARD = Card(
    name="screening.factorial",
    question=both("screening.question"),
    roles=frozenset(TREATMENTS),  # type: ignore[arg-type]
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio"},
    tolerance=frozenset({"ratio", "share", "beyond"}),
    null=both("screening.null"),
    cost=both("screening.cost"),
    guarantee="finite-sample",
    options={
        "slots": both("screening.option_slots"),
        "design": both("screening.option_design"),
        "contexts": both("screening.option_contexts"),
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """What a complete screening found, and what it cost."""

    found: tuple[Standing, ...]
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation(Matched):
    """The matched comparison, on fresh blocks, of what stood out."""

    compared: Layout
    screened: Standings

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def layout(self, study: Study) -> Layout:
        """Return an arm and a hypothesis for each slot that was filled."""
        del study
        return self.compared

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence with what the screening had shown."""
        standing = self.screened.found[reading.one.arm]
        return replace(
            reading.found,
            described=(
                Described(
                    name="screened", label=both("screening.screened"), estimate=standing.effect
                ),
            ),
            method=(both("screening.method", trials=self.screened.trials),),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Factorial:
    """A screening of many attributes at once, and the confirmation of what stands out.

    First every context is asked by customers in whom all attributes vary; that only chooses. What
    stands out fills the slots, which were declared beforehand, and each is then compared with the
    reference in matched blocks that the screening has not seen. A slot that stays empty is never
    cleared.

    Parameters
    ----------
    treat : tuple of str
        Attributes to screen.
    slots : int
        At most so many things are confirmed.
    scheme : str
        Which of :data:`~evenhand.probes.screening.designs.DESIGNS`.
    contexts : int
        How many contexts the screening asks.
    outcome : str
    direction, limit, bound, session, name
        As for every matched comparison.
    """

    treat: tuple[str, ...]
    slots: int = SLOTS
    scheme: str = "factorial"
    contexts: int = CONTEXTS
    outcome: str = "final"
    direction: Direction = "any"
    limit: Limit | None = None
    bound: float
    session: tuple[str, ...] = ()
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study; None where it can."""
        if len(self.treat) < 2:  # noqa: PLR2004 - one attribute leaves nothing to choose from
            return both("screening.few")
        for name in self.treat:
            if name in study.tied:
                return both("screening.tied", name=name)
            if not is_carried(study, name):
                return both("screening.not_carried", name=name)
        return None

    def hypotheses(self, study: Study) -> tuple[Hypothesis, ...]:
        """Return the slots, still open."""
        del study
        return tuple(self._open(number) for number in range(1, self.slots + 1))

    # ------------------------------------------------------------------ asking
    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next wave: of the screening until it is complete, then of fresh blocks."""
        screened, fresh = self._parts(seen.observed)
        if not self._complete(screened):
            return self._screening(study, seen, _blocks(screened), rng)
        confirmation = self._confirmation(study, screened)
        if confirmation is None:
            return None
        wave = Planned(confirmation, study, replace(seen, observed=fresh)).next(rng)
        if wave is None:
            return None
        return assign(study, _moved(wave, self.contexts), seen.observed, rng)

    def _screening(
        self, study: Study, seen: Seen, first: int, rng: np.random.Generator
    ) -> Wave | None:
        levels = [len(study.attributes[name].levels) for name in self.treat]
        made = runs(self.scheme, levels, self.contexts - first, rng)
        path = [study.steps.index(step) for step in self.session or study.steps[-1:]]
        cost = made.shape[1] * len(path)
        blocks = min(len(made), seen.trials_left // cost, max(1, seen.wave_limit // cost))
        if blocks == 0:
            return None
        asks = np.zeros((blocks, self._offset + made.shape[1]), dtype=bool)
        asks[:, self._offset :] = True
        wave = lay_out(
            draw(study, blocks, rng),
            arms=asks,
            first_block=first,
            overrides={},
            paths=dict.fromkeys(range(asks.shape[1]), path),
            rng=rng,
        )
        own = made[wave.block - first, wave.arm - self._offset]
        varied = {name: codes(own[:, place]) for place, name in enumerate(self.treat)}
        wave = replace(wave, overrides={**wave.overrides, **varied})
        return assign(study, wave, seen.observed, rng)

    # ------------------------------------------------------------------ reading
    def test(self, study: Study, observed: Observed, level: float | None) -> tuple[Evidence, ...]:
        """Return the evidence for every slot; of one that stays empty, that nothing stood out."""
        screened, fresh = self._parts(observed)
        complete = self._complete(screened)
        confirmation = self._confirmation(study, screened) if complete else None
        filled = () if confirmation is None else confirmation.test(study, fresh, level)
        empty = tuple(
            Evidence(
                hypothesis=self._open(number),
                claims={1.0: Claims()},
                effect=Estimate(value=None, unit="log-ratio"),
                queries=len(screened),
                reason="screening.nothing_stood_out" if complete else None,
            )
            for number in range(len(filled) + 1, self.slots + 1)
        )
        return (*filled, *empty)

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> tuple[Check, ...]:
        """Return what the confirming blocks say of the audit itself."""
        screened, fresh = self._parts(observed)
        confirmation = self._confirmation(study, screened) if len(fresh) else None
        return () if confirmation is None else confirmation.checks(study, fresh, rng)

    # ------------------------------------------------------------------ the two halves
    @property
    def _offset(self) -> int:
        """Arms from here on are runs of the screening; before it are those of the confirmation."""
        return TREATED + self.slots

    def _parts(self, observed: Observed) -> tuple[Observed, Observed]:
        """Return the answers to the screening, and those to the fresh blocks numbered from 0."""
        key = (Factorial, self._offset, self.contexts)
        if key not in observed.known:
            ends = np.cumsum([0, *map(len, observed.waves)]).tolist()
            parts = [
                _one_wave(observed, place, slice(*ends[place : place + 2]))
                for place in range(len(observed.waves))
            ]
            first = sum(int(part.waves[0].arm.min()) >= self._offset for part in parts)
            fresh = [
                replace(part, waves=(_moved(part.waves[0], -self.contexts),))
                for part in parts[first:]
            ]
            observed.known[key] = (joined(parts[:first]), joined(fresh))
        found: tuple[Observed, Observed] = observed.known[key]
        return found

    def _complete(self, screened: Observed) -> bool:
        return _blocks(screened) == self.contexts

    def standings(self, study: Study, screened: Observed) -> Standings:
        """Return what stands out in a complete screening, the clearest first."""
        key = (Standings, self)
        if key not in screened.known:
            known = candidates({name: len(study.attributes[name].levels) for name in self.treat})
            last = np.diff(_sessions(screened), append=-1) != 0
            shown = {name: _override(screened, name)[last] for name in self.treat}
            found = sift(
                logs(column(screened, self.outcome))[last],
                screened.column("block")[last],
                shown,
                known,
                most=self.slots,
                bound=self.bound,
            )
            screened.known[key] = Standings(found=found, trials=len(screened))
        found_: Standings = screened.known[key]
        return found_

    def _confirmation(self, study: Study, screened: Observed) -> Confirmation | None:
        """Return the comparison of what stood out; None where nothing did."""
        standings = self.standings(study, screened)
        if not standings.found:
            return None
        slots = enumerate(standings.found)
        return Confirmation(
            compared=Layout(
                arms=tuple(Arm(changes=dict(one.changes)) for one in standings.found),
                compared=tuple(
                    Compared(
                        hypothesis=self._filled(study, place + 1, one.changes),
                        arm=place,
                        score=LogPrice(self.outcome),
                    )
                    for place, one in slots
                ),
            ),
            screened=standings,
            direction=self.direction,
            limit=self.limit,
            bound=self.bound,
            session=self.session,
            name=self.name,
        )

    def _filled(self, study: Study, number: int, changes: Changes) -> Hypothesis:
        id_ = self._id(number)
        if len(changes) > 1:
            (first, one), (second, other) = changes
            return together(
                study,
                (first, second),
                (one, other),
                id_=id_,
                probe=self.name,
                outcome=self.outcome,
            )
        ((name, code),) = changes
        return Hypothesis(
            id=id_,
            probe=self.name,
            outcome=self.outcome,
            treatment=name,
            level=study.attributes[name].levels[code],
        )

    def _open(self, number: int) -> Hypothesis:
        return Hypothesis(
            id=self._id(number),
            probe=self.name,
            outcome=self.outcome,
            treatment=f"slot{number}",
            level="screened",
            subject=Subject(
                label=both("screening.slot", number=number),
                question=both("screening.asks_slot", number=number),
                reference="reference",
                level_label=both("screening.slot_level"),
                reference_label=both("screening.slot_reference"),
                kind="price.preference",
                done=False,
            ),
        )

    def _id(self, number: int) -> str:
        return f"{self.name}:slot{number}"


def _blocks(screened: Observed) -> int:
    return len(np.unique(screened.column("block")))


def _one_wave(observed: Observed, place: int, rows: slice) -> Observed:
    return Observed(
        waves=(observed.waves[place],),
        numbers=(observed.numbers[place],),
        kind=observed.kind[rows],
        reason=observed.reason[rows],
        values={name: values[rows] for name, values in observed.values.items()},
    )


def _moved(wave: Wave, by: int) -> Wave:
    """Return a wave whose blocks are numbered from elsewhere."""
    again = np.where(wave.again < 0, wave.again, wave.again + by)
    return replace(wave, block=codes(wave.block + by), again=codes(again))


def _sessions(observed: Observed) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return a running number of the session of each trial."""
    starts = np.cumsum([0, *(wave.sessions for wave in observed.waves)])
    parts: Sequence[Any] = [
        wave.session.astype(np.int64) + start
        for wave, start in zip(observed.waves, starts.tolist(), strict=False)
    ]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _override(observed: Observed, name: str) -> np.ndarray[Any, np.dtype[np.int32]]:
    parts = [wave.overrides[name][wave.session] for wave in observed.waves]
    return np.concatenate([np.zeros(0, dtype=np.int32), *parts])


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return Factorial(
        treat=tuple(options["treat"]),
        slots=own.count("slots", SLOTS),
        scheme=own.one_of("design", tuple(DESIGNS)) or "factorial",
        contexts=own.count("contexts", CONTEXTS),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
