"""A shop for tests of probes: an audit whose answers come straight from a law, without a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from evenhand.audit.conduct import Conduct, Rules
from evenhand.audit.decide import Family
from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.controls import Positive
from evenhand.probes.design import Observed, Wave
from evenhand.probes.protocol import Money, Probe, Study
from evenhand.probes.scores import FINAL, Score

Seen = Mapping[str, np.ndarray]
Law = Callable[[Seen, np.random.Generator], Mapping[str, Any]]


def study(
    outcomes: Mapping[str, str],
    *,
    treated: Sequence[str] = ("t0",),
    steps: Sequence[str] = ("quote",),
    items: Table | None = None,
    contexts: int = 500,
) -> Study:
    """A frame of personas with one condition, ``nights``, and treatments of two levels."""
    attributes = {
        "nights": Attribute(name="nights", role="condition", levels=(1, 2)),
        **{
            name: Attribute(name=name, role="habit", levels=("new", "old"), kind="price.preference")
            for name in treated
        },
    }
    items = items or Table({"id": np.array(["room"])})
    return Study(
        personas=Table({"base": np.exp(np.random.default_rng(7).normal(5, 0.5, contexts))}),
        persona_weights=np.full(contexts, 1 / contexts),
        items=items,
        item_weights=np.full(len(items), 1 / len(items)),
        attributes=attributes,
        carried=frozenset(attributes),
        outcomes=outcomes,
        money=Money(currency="CNY", unit="yuan", per="night"),
        steps=tuple(steps),
    )


def seen_of(study_: Study, wave: Wave) -> dict[str, np.ndarray]:
    """What a vendor sees, one entry a trial: its `visit` counts the trials of a session from 0."""
    persona, item = wave.trial_column("persona"), wave.item
    starts = np.searchsorted(wave.session, np.arange(wave.sessions))
    found = {
        "base": study_.personas.columns["base"][persona],
        "context": persona,
        "item": item,
        "session": wave.session,
        "step": np.array(study_.steps)[wave.step],
        "visit": np.arange(len(wave)) - starts[wave.session],
        "identity": wave.trial_column("identity"),
        **{f"cue.{name}": cue[wave.session] for name, cue in wave.cue.items()},
    }
    for name in study_.attributes:
        own = wave.overrides.get(name)
        found[name] = np.zeros(len(wave), int) if own is None else own[wave.session]
    return found


def answered(study_: Study, wave: Wave, number: int, said: Mapping[str, Any]) -> Observed:
    """What a law says, as a target would hand it in."""
    n = len(wave)
    refused, failed = (
        np.asarray(said.get(key, np.zeros(n)), bool) for key in ("refused", "failed")
    )
    kind = np.where(failed, 2, np.where(refused, 1, 0)).astype(np.int8)
    values = {}
    for name, of in study_.outcomes.items():
        if name in said and name != "refused":
            column = np.empty(n, dtype=object if of == "list" else float)
            column[:] = said[name]
            column[kind != 0] = None if of == "list" else np.nan
            values[name] = column
    reason = np.where(kind == 2, 4, 0).astype(np.int8)
    return Observed(waves=(wave,), numbers=(number,), kind=kind, reason=reason, values=values)


def rehearse(
    probe: Probe,
    law: Law,
    study_: Study,
    *,
    seed: int = 0,
    queries: int = 6_000,
    moved: Score = FINAL,
    session: Sequence[str] = (),
) -> Conduct:
    """Conduct an audit of one probe, with the positive control on ``nights``."""
    conduct = Conduct(
        study=study_,
        questions={
            "control.positive": Positive(
                attribute="nights", low=0, high=1, score=moved, session=tuple(session)
            ),
            probe.card.name: probe,
        },
        rules=Rules(
            family=Family(hypotheses=len(probe.hypotheses(study_)), alpha=0.05, alpha_clear=0.05),
            queries=queries,
        ),
        rng=lambda number: np.random.default_rng([seed, number]),
    )
    vendor = np.random.default_rng([seed, 1 << 20])
    while (turn := conduct.next()) is not None:
        said = law(seen_of(study_, turn.wave), vendor)
        conduct.take(turn, answered(study_, turn.wave, turn.number, said))
    return conduct


def labels(conduct: Conduct) -> dict[str, str]:
    """The verdicts by hypothesis, without the name of the probe."""
    return {name.partition(":")[2]: one.label for name, one in conduct.decisions.items()}


class Shop:
    """The functions of this module, for tests."""

    study = staticmethod(study)
    seen_of = staticmethod(seen_of)
    answered = staticmethod(answered)
    rehearse = staticmethod(rehearse)
    labels = staticmethod(labels)


@pytest.fixture(scope="session")
def shop() -> Shop:
    """What audits need that have no target."""
    return Shop()
