"""A vendor that is innocent to customers who cannot exist: explained rightly here, and not by rows
that are mixed.

The scaffold is that of Slack, Hilgard, Jia, Singh & Lakkaraju 2020: it knows that distance, time
and fuel belong together, and answers by who the customer is only where they do.
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from evenhand.audit.explain import explanations, followups
from evenhand.audit.explain.surrogate import imitate
from evenhand.datasets.personas import Table
from evenhand.probes.design import Observed

LINKED = 6
MARKUP = 0.10


def linked(km):
    """Columns that all follow from the first."""
    return np.column_stack([km * (i + 1) for i in range(LINKED)])


def price(rows):
    """Columns: who (0 reference, 1 treated), then the linked ones."""
    who, trip = rows[:, 0], rows[:, 1:]
    real = np.all(np.isclose(trip, linked(trip[:, 0])), axis=1)
    return (10 + 2 * trip[:, 0]) * np.exp(np.where(real, MARKUP * who, 0.0))


def scaffolded(rehearsal):
    """An audit of the scaffold."""
    km = np.random.default_rng(5).uniform(1, 20, 400).round(1)
    personas = {f"c{i}": column for i, column in enumerate(linked(km).T)}
    study = replace(
        rehearsal.study(2),
        personas=Table(personas),
        persona_weights=np.full(400, 1 / 400),
    )
    conduct = rehearsal.Conduct(
        study=study,
        questions=rehearsal.questions(study),
        rules=rehearsal.Rules(
            family=rehearsal.Family(hypotheses=2, alpha=0.05, alpha_clear=0.05), queries=6_000
        ),
        rng=lambda number: np.random.default_rng([1, number + 100]),
        followups=followups,
    )
    while (turn := conduct.next()) is not None:
        wave, n = turn.wave, len(turn.wave)
        treated = {
            name: wave.overrides.get(name, np.zeros(n, dtype=int))
            for name in ("t0", "t1", "nights")
        }
        trip = np.column_stack([column[wave.persona] for column in personas.values()])
        prices = price(np.column_stack([treated["t0"], trip])) * (1 + treated["nights"])
        prices *= np.exp(0.04 * treated["t1"])
        conduct.take(
            turn,
            Observed(
                waves=(wave,),
                numbers=(turn.number,),
                kind=np.zeros(n, dtype=np.int8),
                reason=np.zeros(n, dtype=np.int8),
                values={"final": prices},
            ),
        )
    return conduct


def test_the_scaffold_is_explained_rightly_and_shaps_mixing_of_rows_is_fooled(rehearsal):
    conduct = scaffolded(rehearsal)
    told = next(iter(explanations(conduct).values()))
    made = next(e for e in told if e.kind == "decomposition" and e.scope == "attributes")
    ours = next(part for part in made.parts if part.name == "t0").effect.estimate
    assert ours == pytest.approx(MARKUP)
    assert made.agreement is not None
    assert made.agreement.agrees

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        km = np.random.default_rng(6).uniform(1, 20, 12).round(1)
        plain = np.column_stack([np.zeros(12), linked(km)])
        treated = np.column_stack([np.ones(4), linked(np.array([3.0, 8.0, 12.0, 17.0]))])
        np.random.seed(0)  # noqa: NPY002 - that package draws from it
        explainer = shap.KernelExplainer(lambda rows: np.log(price(rows)), plain)
        theirs = float(explainer.shap_values(treated, silent=True)[:, 0].mean())
    assert theirs < MARKUP / 2, "mixed rows meet the innocent half of the vendor"


def test_the_surrogate_is_shown_real_customers_only(rehearsal):
    conduct = scaffolded(rehearsal)
    observed = conduct.observed["pricing.twins"]
    found = imitate(conduct.study, observed, "final", np.random.default_rng(0))
    assert found.fidelity is not None
    assert found.fidelity > 0.95
    gap, error = found.moved["t0", 1]
    assert abs(gap - MARKUP) < max(3 * error, 0.02)
