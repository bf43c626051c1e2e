"""Trees that imitate the prices on file, and what moves them; refused where they imitate badly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...messages import Text
from ...probes.contexts import contexts_of
from ...probes.design import ANSWERED, Floats, Observed
from ...probes.protocol import Study
from .frames import features

FLOOR = 0.8
"""Declared fidelity: share of the variance of log prices explained in contexts held out."""
HELD_OUT = 0.25
MOST = 6000
"""Observations that are fitted, at most."""
PICTURED = 400
"""Held-out observations that main effects are taken from, at most."""
LEAST = 60
DIGITS = 4
"""Significant digits that are kept: trees may differ in the last ones from machine to machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One column that the surrogate is told."""

    name: str
    label: Text
    role: str
    column: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Imitation:
    """How well the prices were imitated, and by what.

    Parameters
    ----------
    fidelity : float or None
        None where there were too few contexts to hold any out.
    fitted, held_out : int
        Observations.
    drivers : tuple of (Input, float)
        Mean absolute main effect (log scale), largest first; empty below :data:`FLOOR`.
    moved : mapping of (attribute, level) to (float, float)
        Mean SHAP value of a treated level minus the reference's (log scale), and its error.
    """

    fidelity: float | None
    fitted: int
    held_out: int
    drivers: tuple[tuple[Input, float], ...]
    moved: dict[tuple[str, int], tuple[float, float]]


def imitate(study: Study, observed: Observed, outcome: str, rng: np.random.Generator) -> Imitation:
    """Fit trees to log prices on some contexts, and judge and read them on others.

    Main effects are SHAP values along the trees' own paths: no persona is made up by mixing rows,
    so a vendor that answers implausible customers otherwise cannot clean up the picture.

    Parameters
    ----------
    study : Study
    observed : Observed
        Answers of one probe.
    outcome : str
    rng : numpy.random.Generator
        Chooses the contexts that are held out.
    """
    values = np.asarray(observed.values.get(outcome, np.full(len(observed), np.nan)), dtype=float)
    answered = (observed.kind == ANSWERED) & np.isfinite(values) & (values > 0)
    # what was asked again was chosen by its answer
    rows = np.flatnonzero(answered & (observed.column("again") < 0))
    nothing = Imitation(fidelity=None, fitted=0, held_out=0, drivers=(), moved={})
    if len(rows) < LEAST:
        return nothing
    contexts = contexts_of(observed, rows)
    # what is the same context must not be both learnt from and judged on
    names = np.column_stack([contexts.persona, contexts.item])
    _, context = np.unique(names, axis=0, return_inverse=True)
    held = (rng.random(int(context.max()) + 1) < HELD_OUT)[context.ravel()]
    if min(int(held.sum()), int((~held).sum())) < LEAST // 4:
        return nothing
    inputs = _inputs(study, observed, rows)
    if not inputs:
        return nothing
    table = np.column_stack([one.column for one in inputs])
    log = np.log(values[rows])
    fit = _some(np.flatnonzero(~held), MOST, rng)
    model = _fitted(table[fit], log[fit])
    error = log[held] - model.predict(table[held])
    fidelity = _short(1 - float(np.var(error)) / max(float(np.var(log[held])), 1e-12))
    counts = {"fitted": len(fit), "held_out": int(held.sum())}
    if fidelity < FLOOR:
        return Imitation(fidelity=fidelity, drivers=(), moved={}, **counts)
    seen = _some(np.flatnonzero(held), PICTURED, rng)
    shares = _main_effects(model, table[seen])
    size = np.abs(shares).mean(axis=0)
    order = np.argsort(-size, kind="stable")
    return Imitation(
        fidelity=fidelity,
        drivers=tuple((inputs[i], _short(float(size[i]))) for i in order),
        moved=_moved(study, inputs, table[seen], shares),
        **counts,
    )


def _inputs(study: Study, observed: Observed, rows: NDArray[np.intp]) -> list[Input]:
    contexts = contexts_of(observed, rows)
    found = [
        Input(
            name=name,
            label=attribute.label or {"zh": name, "en": name},
            role=attribute.role,
            column=np.maximum(contexts.conditions[name], 0).astype(float),
        )
        for name, attribute in study.attributes.items()
        if attribute.role != "condition" and name in contexts.conditions
    ]
    found += [
        Input(name=one.name, label=one.label, role=one.role, column=_numbers(one.column))
        for one in features(study, contexts)
    ]
    return [one for one in found if len(np.unique(one.column)) > 1]


def _numbers(column: NDArray[np.generic]) -> Floats:
    if column.dtype.kind in "iufb":
        return column.astype(np.float64)
    _, code = np.unique(column.astype(np.str_), return_inverse=True)
    return code.ravel().astype(np.float64)


def _some(rows: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rows if len(rows) <= most else np.sort(rng.choice(rows, most, replace=False))


def _fitted(table: Floats, log: Floats) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

    model = HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.1, min_samples_leaf=5, early_stopping=False, random_state=0
    )
    # threads that wait for one another cost more than a table of this size does
    with threadpool_limits(1):
        return model.fit(table, log)


def _main_effects(model: Any, table: Floats) -> Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its import makes figures ready with what is deprecated
        from shap import TreeExplainer

    explainer = TreeExplainer(model, feature_perturbation="tree_path_dependent")
    values: Floats = np.asarray(explainer.shap_values(table), dtype=np.float64)
    return values


def _moved(
    study: Study, inputs: list[Input], table: Floats, shares: Floats
) -> dict[tuple[str, int], tuple[float, float]]:
    out = {}
    for i, one in enumerate(inputs):
        if one.role == "condition" or one.name not in study.attributes:
            continue
        plain = shares[table[:, i] == 0, i]
        for level in range(1, len(study.attributes[one.name].levels)):
            treated = shares[table[:, i] == level, i]
            if min(len(plain), len(treated)) > 1:
                error = np.sqrt(np.var(plain) / len(plain) + np.var(treated) / len(treated))
                gap = float(np.mean(treated) - np.mean(plain))
                out[one.name, level] = (_short(gap), _short(float(error)))
    return out


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
