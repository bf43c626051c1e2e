"""People drawn from a copula, beside the table that they are like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, spearmanr

from evenhand.audit.lock import make_lock
from evenhand.audit.planfile import load, parse
from evenhand.audit.resolve import resolve
from evenhand.datasets.frames import Frame
from evenhand.datasets.personas import Table
from evenhand.datasets.populations.likeness import SIZE, alike
from evenhand.errors import PlanError


def _people(rows: int = 3000, tie: float = 0.6) -> Frame:
    rng = np.random.default_rng(3)
    one = rng.standard_normal(rows)
    other = tie * one + np.sqrt(1 - tie**2) * rng.standard_normal(rows)
    columns = {
        "spend": np.round(np.exp(5 + one), 2),
        "grade": np.searchsorted([-1, 0, 1], other) + 1,
        "gender": rng.choice(["f", "m"], rows),
    }
    return Frame(Table(columns), np.full(rows, 1 / rows))


def test_marginals_and_rank_dependence_are_those_of_the_table() -> None:
    people = _people()
    drawn = alike(people, np.random.default_rng(1), size=20_000)
    for name in ("grade", "gender"):
        values, counts = np.unique(people.table.columns[name], return_counts=True)
        seen, got = np.unique(drawn.table.columns[name], return_counts=True)
        assert seen.tolist() == values.tolist()
        assert chisquare(got, counts / counts.sum() * got.sum()).pvalue > 0.001
    theirs = spearmanr(people.table.columns["spend"], people.table.columns["grade"]).statistic
    ours = spearmanr(drawn.table.columns["spend"], drawn.table.columns["grade"]).statistic
    # ranks within a grade are spread at random, which costs a coarse column some of its tie
    assert 0.8 * theirs < ours < 1.05 * theirs
    apart = spearmanr(drawn.table.columns["spend"], drawn.table.columns["gender"] == "f").statistic
    assert abs(apart) < 0.05


def test_every_value_is_one_of_the_table_and_few_people_are() -> None:
    people = _people(300)
    drawn = alike(people, np.random.default_rng(2))
    assert len(drawn.table) == SIZE
    for name, column in drawn.table.columns.items():
        assert set(column.tolist()) <= set(people.table.columns[name].tolist())

    def rows(frame: Frame) -> list[tuple[object, ...]]:
        return list(zip(*(c.tolist() for c in frame.table.columns.values()), strict=True))

    real = set(rows(people))
    assert np.mean([row in real for row in rows(drawn)]) < 0.5


def test_weights_of_the_table_decide_how_many_there_are() -> None:
    table = Table({"age": np.array(["old", "young"]), "city": np.array(["x", "x"])})
    drawn = alike(Frame(table, np.array([0.9, 0.1])), np.random.default_rng(3), size=10_000)
    assert np.mean(drawn.table.columns["age"] == "old") == pytest.approx(0.9, abs=0.01)
    assert set(drawn.table.columns["city"].tolist()) == {"x"}


PLAN = """
evenhand: 1
audit: {title: t, vendor: v, commissioned_by: a, paid_by: b, conflicts: c}
seed: 7
target: {kind: python, function: "m:f", money: {currency: CNY, unit: yuan, per: ride, includes: []}}
personas:
  population: people.csv
  SAMPLE
  attributes:
    device: {role: ability_to_pay, reference: a, levels: [b], because: c}
    grade: {role: condition}
probes:
  - {use: pricing.twins, treat: [device]}
budget: {queries: 1000}
"""


def test_without_a_population_there_is_nobody_to_be_like(tmp_path) -> None:
    text = PLAN.replace("SAMPLE", "sample: copula").replace("population: people.csv", "")
    text = text.replace("{role: condition}", "{role: condition, levels: [1, 2]}")
    with pytest.raises(PlanError, match="nobody to be like"):
        parse(text, tmp_path / "plan.yaml")


def test_a_plan_may_ask_for_it_and_one_that_does_not_keeps_its_lock(tmp_path) -> None:
    rng = np.random.default_rng(4)
    lines = [
        f"{g},{z}" for g, z in zip(rng.integers(1, 6, 80), rng.choice(list("pq"), 80), strict=True)
    ]
    (tmp_path / "people.csv").write_text("grade,zone\n" + "\n".join(lines), "utf-8")
    (tmp_path / "m.py").write_text("f = None\n", "utf-8")
    found = {}
    for sample in ("", "sample: rows", "sample: copula"):
        (tmp_path / "plan.yaml").write_text(PLAN.replace("SAMPLE", sample), "utf-8")
        loaded = load(tmp_path / "plan.yaml")
        study = resolve(loaded)
        found[sample] = len(study.personas), make_lock(loaded, study, ()).plan_sha256
    assert found[""] == found["sample: rows"]
    assert found[""][0] == 80
    assert found["sample: copula"][0] == SIZE
    assert found["sample: copula"][1] != found[""][1]
