"""What verdicts cost in queries: whole audits beside the figures of the contract, vendor by vendor.

Every audit is driven wave by wave by the code that a real one is driven by, and only the queries of
its probe are counted: pilot and positive control cost the same whatever the vendor. Tolerance 1 % in
the mean, 2 % of the contexts beyond 5 %, clipped at log 1.5. Fair vendors: until all hypotheses are
cleared. Others: the first attribute is hit and the others are fair, until that one is established.

    python benchmarks/costs.py [--audits N] [--write]

One line of JSON a vendor and number of hypotheses, then of what a plan's assumptions save and of each
engine by itself; `--write` puts all into docs/tables/costs.md.
"""

import argparse
import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from evenhand.probes.design import TREATED

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "tables" / "costs.md"

Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int], Floats]
BIG, RARE = math.log(1.1), 20
"""Every twentieth context pays 10 % more."""
BUDGET = 40_000


def _loaded(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


rehearsal = _loaded("rehearsal", ROOT / "tests" / "audit" / "rehearsal.py")
engines = _loaded("bench_engines", ROOT / "benchmarks" / "bench_engines.py")


def gauss(sd: float) -> Noise:
    return lambda rng, n: sd * rng.standard_normal(n)


def heavy(rng: np.random.Generator, n: int) -> Floats:
    return rng.standard_t(3, n) * (0.02 / math.sqrt(3))


def surge(rng: np.random.Generator, n: int) -> Floats:
    return np.where(rng.random(n) < 0.05, math.log(1.2), 0.0)


def bucket(rng: np.random.Generator, n: int) -> Floats:
    return np.where(rng.random(n) < 0.5, BIG, 0.0)


@dataclass(frozen=True)
class Vendor:
    """A vendor of the contract's table, and what its verdict cost there.

    Parameters
    ----------
    stated : mapping of int to (median, 95th percentile)
        By number of hypotheses. Where the contract gives one figure it is both.
    """

    name: str
    noise: Noise
    stated: dict[int, tuple[int, int]]
    verdict: str = "cleared"
    hit: bool = False

    def law(self, seen: dict[str, NDArray[Any]], rng: np.random.Generator) -> Floats:
        """Answer one wave: what a vendor sees → prices."""
        n = len(seen["base"])
        hit = (seen["context"] % RARE == 0) & (seen["t0"] == 1)
        effect = np.where(hit, BIG, 0.0) if self.hit else 0.0
        return seen["base"] * (1 + seen["nights"]) * np.exp(effect + self.noise(rng, n))


VENDORS = (
    Vendor("fair, no noise", gauss(0), {1: (773, 773), 3: (1459, 1459), 5: (2145, 2145)}),
    Vendor("fair, sd 2 %", gauss(0.02), {1: (1133, 1238), 3: (2423, 2583), 5: (3635, 3872)}),
    Vendor("fair, t3, sd 2 %", heavy, {1: (1053, 1129), 3: (2157, 2336), 5: (3235, 3472)}),
    Vendor(
        "fair, surge on 5 % of calls", surge, {1: (1361, 2251), 3: (3662, 5961), 5: (6093, 9612)}
    ),
    Vendor("fair, sd 2.5 %", gauss(0.025), {1: (1577, 1873), 3: (3605, 4122), 5: (5452, 6533)}),
    Vendor("fair, sd 3 %", gauss(0.03), {1: (2253, 2799), 3: (5509, 7851), 5: (8426, 11704)}),
    Vendor(
        "5 % of contexts +10 %, sd 1 %",
        gauss(0.01),
        {1: (870, 2100), 3: (1800, 4800), 5: (2800, 6400)},
        verdict="established",
        hit=True,
    ),
    Vendor(
        "5 % of contexts +10 %, sd 2 %",
        gauss(0.02),
        {1: (1334, 3117), 3: (3366, 7956), 5: (5046, 12241)},
        verdict="established",
        hit=True,
    ),
)
NEVER = Vendor("fair, A/B bucket of 50 % × +10 %", bucket, {}, verdict="inconclusive")


@dataclass(frozen=True)
class Cost:
    """What the audits of one vendor came to."""

    vendor: Vendor
    hypotheses: int
    queries: tuple[int, ...]
    right: int

    @property
    def median(self) -> float:
        """Of the queries."""
        return float(np.median(self.queries))

    @property
    def high(self) -> float:
        """The 95th percentile of the queries."""
        return float(np.percentile(self.queries, 95))


def audit(vendor: Vendor, hypotheses: int, seed: int) -> tuple[int, bool]:
    """Return the queries of one audit, and whether its verdicts are the vendor's."""
    budget = BUDGET if vendor.stated else BUDGET // 4
    conduct = rehearsal.rehearse(
        vendor.law, seed=20261123 + seed, treatments=hypotheses, queries=budget
    )
    waves = [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"]
    decisions = list(conduct.decisions.values())
    if vendor.hit:  # a settled arm is left out: it was settled after the last wave that asked it
        decisions = decisions[:1]
        last = max(n for n, wave in enumerate(waves) if (wave.arm == TREATED).any())
        waves = waves[: last + 1]
    return sum(map(len, waves)), {one.label for one in decisions} == {vendor.verdict}


def cost(vendor: Vendor, hypotheses: int, audits: int) -> Cost:
    """Audit one vendor so often."""
    found = [audit(vendor, hypotheses, seed) for seed in range(audits)]
    return Cost(vendor, hypotheses, tuple(q for q, _ in found), sum(right for _, right in found))


def _job(place: tuple[int, int, int]) -> tuple[tuple[int, ...], int]:
    vendor, hypotheses, audits = place
    found = cost((*VENDORS, NEVER)[vendor], hypotheses, audits)
    return found.queries, found.right


def costs(audits: int, workers: int) -> list[Cost]:
    """Audit all vendors: fair ones fewer times with several hypotheses, which take longer."""
    # rare hits scatter so widely that the median of twenty audits is off by a fifth
    jobs = [
        (i, k, audits if vendor.hit else max(10, audits // k))
        for i, vendor in enumerate(VENDORS)
        for k in (1, 3, 5)
    ]
    jobs.append((len(VENDORS), 1, max(10, audits // 5)))
    with ProcessPoolExecutor(workers) as pool:
        return [
            Cost((*VENDORS, NEVER)[vendor], hypotheses, *found)
            for (vendor, hypotheses, _), found in zip(jobs, pool.map(_job, jobs), strict=True)
        ]


@dataclass(frozen=True)
class Blocks:
    """Blocks until something was shown, beside what the contract states."""

    what: str
    stated: int
    ours: float


def quiet_blocks(**options: Any) -> float:
    """Return how many blocks a fair vendor without noise is asked until it is cleared."""
    limit = rehearsal.Limit.of(ratio=0.01, share=0.02, beyond=0.05, **options)
    conduct = rehearsal.rehearse(rehearsal.fair(), limit=limit)
    (decision,) = conduct.decisions.values()
    return float(decision.evidence.n) if decision.label == "cleared" else math.inf


def blocks(runs: int) -> list[Blocks]:
    """Return what the assumptions of a plan save, and what the engines cost by themselves."""
    see, fair = engines.blocks_to_see, engines.blocks_to_clear
    return [
        Blocks("audit of a fair vendor without noise", 343, quiet_blocks()),
        Blocks("the same, `assume: deterministic`", 204, quiet_blocks(deterministic=True)),
        Blocks("the same, `reproducible: 80%`", 207, quiet_blocks(reproducible=0.8)),
        Blocks("dependence: +5 %, sd 2 %, three hypotheses", 7, see(0.05, 0.02, runs)),
        Blocks("dependence: +2 %, sd 2 %, three hypotheses", 21, see(0.02, 0.02, runs)),
        Blocks("dependence: +1 %, sd 3 %, three hypotheses", 188, see(0.01, 0.03, runs)),
        Blocks("mean within 1 %, no noise, three hypotheses", 257, fair(0.0, 1)),
        Blocks("mean within 1 %, sd 1 %, three hypotheses", 276, fair(0.01, runs // 10)),
        Blocks("mean within 1 %, sd 2 %, three hypotheses", 304, fair(0.02, runs // 10)),
        Blocks("mean within 1 %, sd 3 %, three hypotheses", 353, fair(0.03, runs // 10)),
    ]


HEAD = """# What verdicts cost, beside the figures of the contract

Written by `make prove`. Queries of the probe until every hypothesis has its verdict: median / 95th
percentile; where one attribute is hit and the others are fair, until that one is established. Limits:
mean 1 %, share 2 % beyond 5 %. Audits are driven in waves, which overshoot.

| vendor | hypotheses | contract | measured | median against the contract's | right verdicts |
|---|---|---|---|---|---|
"""
BLOCKS = """
Blocks, medians. Before: the figures of the contract. Now: measured.

| what | before | now |
|---|---|---|
"""


def table(found: Sequence[Cost], parts: Sequence[Blocks]) -> str:
    rows = []
    for one in found:
        stated = one.vendor.stated.get(one.hypotheses)
        contract = f"{stated[0]:,} / {stated[1]:,}" if stated else "never"
        against = f"{one.median / stated[0] - 1:+.0%}" if stated else ""
        rows.append(
            f"| {one.vendor.name} → {one.vendor.verdict} | {one.hypotheses} | {contract} "
            f"| {one.median:,.0f} / {one.high:,.0f} | {against} | {one.right} of {len(one.queries)} |"
        )
    tail = [f"| {part.what} | {part.stated} | {part.ours:,.0f} |" for part in parts]
    return HEAD + "\n".join(rows) + "\n" + BLOCKS + "\n".join(tail) + "\n"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Queries and blocks, beside the contract.")
    parser.add_argument("--audits", type=int, default=200)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    found = costs(given.audits, given.workers)
    for one in found:
        line = {"vendor": one.vendor.name, "hypotheses": one.hypotheses, "median": one.median}
        line |= {"p95": one.high, "right": one.right, "audits": len(one.queries)}
        line |= {"contract": one.vendor.stated.get(one.hypotheses)}
        print(json.dumps(line), flush=True)
    parts = blocks(20 * given.audits // 2)
    for part in parts:
        print(json.dumps({"what": part.what, "contract": part.stated, "blocks": part.ours}))
    if given.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(table(found, parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
