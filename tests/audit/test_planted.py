"""The three planted vendors, audited by the plans in examples/: the right verdict, seed by seed."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.planfile import parse
from evenhand.audit.run import begin, prepare, run

EXAMPLES = Path(__file__).parents[2] / "examples"
TABLES = Path(__file__).parents[2] / "docs" / "tables"
TRUTH = {"fair": "cleared", "loyal": "established", "rare": "established"}
HEAD = """# Planted vendors, seed by seed

One treated level each, budget 20,000, limits: mean 1 %, share 2 %, beyond 5 %; in process.
Written by `make prove`.

| vendor | truth | right verdict | others | queries: median | 95th percentile |
|---|---|---|---|---|---|
"""


def audited(name, seed, folder):
    """The verdict and the queries of one audit of a planted vendor."""
    plan = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    line = next(line for line in plan.splitlines() if line.startswith("seed:"))
    audit = prepare(parse(plan.replace(line, f"seed: {seed}"), EXAMPLES / f"{name}.yaml"))
    where = begin(audit, folder / f"{name}-{seed}")
    run(audit, where)
    content = where.read_record().content
    (finding,) = content.findings
    return finding.verdict, content.counts.planned


@pytest.mark.parametrize("name", TRUTH)
def test_a_planted_vendor_gets_its_verdict(name, tmp_path):
    assert [audited(name, seed, tmp_path)[0] for seed in range(3)] == [TRUTH[name]] * 3


@pytest.mark.prove
def test_the_right_verdict_in_at_least_98_of_100_seeds(tmp_path):
    rows = []
    for name, truth in TRUTH.items():
        found = [audited(name, seed, tmp_path) for seed in range(100)]
        verdicts, queries = Counter(v for v, _ in found), [q for _, q in found]
        others = ", ".join(f"{v} {n}" for v, n in sorted(verdicts.items()) if v != truth) or "none"
        median, high = np.median(queries), np.percentile(queries, 95)
        rows.append(
            f"| {name} | {truth} | {verdicts[truth]} of 100 | {others} | {median:,.0f} | {high:,.0f} |"
        )
        assert verdicts[truth] >= 98, rows[-1]
    if os.environ.get("EVENHAND_PROVE"):
        TABLES.mkdir(parents=True, exist_ok=True)
        (TABLES / "planted.md").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
