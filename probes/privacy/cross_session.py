"""privacy.cross_session: does a fresh session know what another one on the same device did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages import Text, both
from ..answers import score_of
from ..design import TREATED, Observed, Wave, codes
from ..matched import Arm, Compared, Layout, Matched, common, is_carried
from ..options import Options
from ..protocol import Card, Hypothesis, Probe, Seen, Study, Subject
from ..registry import register
from ..treated import label_of

LOOKS = ("view", "search", "cart")
"""What the earlier session does before it asks, where the target has it."""
LEAST = 48
"""Devices without which not even the first wave can be asked: three a block."""
EARLIER = TREATED + 1
"""Column of the earlier session: asked first, compared with nothing."""

CARD = Card(
    name="privacy.cross_session",
    question=both("private.cross_question"),
    roles=frozenset({"private"}),
    needs=frozenset({"price"}),
    outcomes={"final": "log-ratio", "list": "log-ratio", "ranking": "distance"},
    tolerance=frozenset({"ratio", "difference", "share", "beyond"}),
    null=both("private.cross_null"),
    cost=both("private.cross_cost"),
    guarantee="finite-sample",
    finding_kinds=frozenset({"privacy.leak"}),
    options={"before": both("private.option_before")},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossSession(Matched):
    """Fresh accounts on fresh devices; on one of the devices of a block, somebody asked before.

    Which device that is, is drawn by lot: all else is alike, so reference, twin and treated arm are
    exchangeable unless the vendor knows one account's doings when another asks.

    Parameters
    ----------
    shared : str
        The attribute that sessions share, a device or a household; each of its levels serves once,
        its reference never.
    before : tuple of str
        Steps of the earlier session. Empty: a look, where there is one, and the last step.
    outcome : str
    """

    shared: str
    before: tuple[str, ...] = ()
    outcome: str = "final"
    name: str = CARD.name

    @property
    def card(self) -> Card:
        """What the probe says of itself."""
        return CARD

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked: too few devices, or an unknown step."""
        unknown = [step for step in self.before if step not in study.steps]
        if unknown:
            return both("audit.no_step", step=unknown[0])
        devices = len(study.attributes[self.shared].levels) - 1
        if devices < LEAST:
            return both("private.few_devices", name=self.shared, devices=devices, needed=LEAST)
        return None

    def _path(self, study: Study) -> tuple[str, ...]:
        look = tuple(step for step in LOOKS if step in study.steps[:-1])[:1]
        return self.before or (*look, study.steps[-1])

    def layout(self, study: Study) -> Layout:
        """Return the arm on a device that was used before, beside devices that were not."""
        label = label_of(study, self.shared)
        hypothesis = Hypothesis(
            id=f"{self.name}:{self.shared}:{self.outcome}",
            probe=self.name,
            outcome=self.outcome,
            treatment=self.shared,
            level="used",
            subject=Subject(
                label=both("private.cross_label", label=label),
                question=both("private.asks_cross", label=label),
                reference="unused",
                level_label=both("private.cross_used", label=label),
                reference_label=both("private.cross_unused", label=label),
                role="private",
                kind="privacy.leak",
            ),
        )
        return Layout(
            arms=(Arm(), Arm(path=self._path(study))),
            compared=(
                Compared(
                    hypothesis=hypothesis,
                    arm=0,
                    score=score_of(self.outcome, study.outcomes[self.outcome]),
                    delivered=is_carried(study, self.shared),
                ),
            ),
            background=(self.shared,),
        )

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next blocks, each session on a device of its own; None when too few are left."""
        # the earlier sessions come out of the same budget
        room = replace(seen, trials_left=seen.trials_left // (1 + len(self._path(study))))
        wave = Matched.design(self, study, room, rng)
        if wave is None:
            return None
        free = np.setdiff1d(
            np.arange(1, len(study.attributes[self.shared].levels)),
            _used(self.shared, seen.observed),
        )
        whole = _fitting(wave, len(free))
        if whole == 0:
            return None
        kept = _first(wave, whole)
        device = rng.permutation(free)[:whole]
        walked = tuple(study.steps.index(step) for step in self._path(study))
        return _preceded(kept, self.shared, device, walked)


def _used(shared: str, observed: Observed) -> NDArray[np.intp]:
    columns = [wave.overrides[shared] for wave in observed.waves]
    return np.concatenate([np.zeros(0, dtype=np.intp), *columns]).astype(np.intp)


def _fitting(wave: Wave, devices: int) -> int:
    """Return how many sessions of whole blocks so many devices serve."""
    ends = np.flatnonzero(np.append(np.diff(wave.block) != 0, True)) + 1
    return int(ends[ends <= devices].max(initial=0))


def _first(wave: Wave, sessions: int) -> Wave:
    """Return the wave cut after so many sessions."""
    trials = wave.session < sessions
    return Wave(
        **{
            name: getattr(wave, name)[:sessions]
            for name in ("block", "again", "identity", "arm", "persona")
        },
        **{name: getattr(wave, name)[trials] for name in ("session", "step", "item", "stage")},
        overrides={name: column[:sessions] for name, column in wave.overrides.items()},
        cue={name: column[:sessions] for name, column in wave.cue.items()},
    )


def _preceded(wave: Wave, shared: str, device: NDArray[np.intp], walked: tuple[int, ...]) -> Wave:
    """Return the wave with an earlier session on the device of each treated one, asked first."""
    treated = np.flatnonzero(wave.arm == TREATED)
    # behind its own block, for blocks stay whole; the stage says what leaves first
    rows = np.concatenate([np.arange(wave.sessions), treated])
    earlier = np.arange(len(rows)) >= wave.sessions
    order = np.lexsort((earlier, np.maximum.accumulate(wave.block)[rows]))
    rows, earlier = rows[order], earlier[order]
    devices = device[rows]
    item = np.zeros(wave.sessions, dtype=np.int32)
    item[wave.session] = wave.item
    paths = [wave.step[wave.session == row] for row in range(wave.sessions)]
    steps = [
        np.array(walked) if before else paths[row]
        for row, before in zip(rows.tolist(), earlier.tolist(), strict=True)
    ]
    session = np.repeat(np.arange(len(rows)), [len(path) for path in steps])
    return Wave(
        block=wave.block[rows],
        again=wave.again[rows],
        identity=codes(np.full(len(rows), -1)),
        arm=codes(np.where(earlier, EARLIER, wave.arm[rows])),
        persona=wave.persona[rows],
        overrides={
            **{name: column[rows] for name, column in wave.overrides.items()},
            shared: codes(devices),
        },
        cue={name: column[rows] for name, column in wave.cue.items()},
        session=codes(session),
        step=codes(np.concatenate(steps)),
        item=codes(item[rows][session]),
        stage=codes(np.where(earlier, 0, 1)[session]),
    )


@register(CARD)
def make(options: Mapping[str, Any]) -> Probe:
    """Make the probe from its plan entry."""
    own = Options(CARD.name, options.get("options", {}))
    return CrossSession(
        shared=str(options["treat"][0]),
        before=own.names("before"),
        outcome=options.get("outcome", "final"),
        **common(options, CARD),
    )
