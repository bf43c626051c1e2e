"""How often whole audits accuse or clear falsely, on the boundary of each null of the contract.

Every audit is driven wave by wave by the code that a real one is driven by; only the vendor is a
law of prices. Verdicts are kept once they are reached, so an audit that is run to the end of its
budget counts as false if a false claim held at *any* moment: the most adversarial stopping.

A cell fails when so many false claims would come with a chance below .01, divided by the number of
cells, if the error rate were what the contract promises; it is then judged on ten times the audits.

    python benchmarks/contract.py [--audits N] [--seconds S] [--after FILE] [--write]

One line of JSON a cell; `--write` puts the table into docs/tables/contract.md. Each null gets so
many audits of one hypothesis, shared by the kinds of noise that it is tried under. Cells with several
hypotheses take longer and get fewer audits. `--seconds` stops beginning new audits after so long;
`--after` goes on where the lines of an earlier run of the same code stopped. Audits are numbered and
seeded by their number, so that it makes no difference in how many goes they are run.
"""

import argparse
import importlib.util
import json
import math
import os
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "tables" / "contract.md"

Floats = NDArray[np.float64]
Seen = dict[str, NDArray[Any]]
Promise = Literal["accuse", "clear"]

ALPHA, GATE, AGAIN, CHUNK = 0.05, 0.01, 10, 25


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


# neither folder is on the path: the checkout's datasets/ would hide another library's
rehearsal = _loaded(ROOT / "tests" / "audit" / "rehearsal.py")
on_boundary = _loaded(Path(__file__).with_name("boundaries.py"))
BEYOND, JUST, MEAN = on_boundary.BEYOND, on_boundary.JUST, on_boundary.MEAN
same, share, coin = on_boundary.same, on_boundary.share, on_boundary.coin
Effect = Callable[[NDArray[np.int64], np.random.Generator], Floats]


# ------------------------------------------------------------------ the cells
@dataclass(frozen=True)
class Cell:
    """One vendor, and which of its treated levels are on the boundary of which null.

    Parameters
    ----------
    effects : one for each hypothesis
    nulls : places of the hypotheses about which `promise` must not be broken
    tight : whether limits are so small that nothing is cleared before the budget ends
    """

    promise: Promise
    null: str
    noise: str
    effects: tuple[Effect, ...]
    nulls: tuple[int, ...]
    queries: int
    tight: bool = False

    @property
    def name(self) -> str:
        """The name that also seeds its audits."""
        return f"{self.promise}: {self.null}; {self.noise}; {self.hypotheses}"

    @property
    def hypotheses(self) -> int:
        """The number of treated levels."""
        return len(self.effects)

    @property
    def boundary(self) -> tuple[str, str, int]:
        """The null that it stands on, whatever the noise."""
        return self.promise, self.null, self.hypotheses

    @property
    def cost(self) -> int:
        """How many audits of one hypothesis this one takes the time of."""
        return {1: 1, 3: 8}.get(self.hypotheses, 16)

    def law(self) -> Callable[[Seen, np.random.Generator], Floats]:
        """Return a vendor that nobody has asked yet."""
        asked = 0

        def answer(seen: Seen, rng: np.random.Generator) -> Floats:
            nonlocal asked
            context = seen["context"].astype(np.int64)
            levels = np.array([seen[f"t{i}"] for i in range(self.hypotheses)])
            call = on_boundary.Call(rng, levels.any(axis=0), context, asked)
            logs = on_boundary.NOISE[self.noise](call)
            for effect, level in zip(self.effects, levels, strict=True):
                logs = logs + np.where(level == 1, effect(context, rng), 0.0)
            asked += len(context)
            return seen["base"] * (1 + seen["nights"]) * np.exp(logs)

        return answer

    def audit(self, run: int) -> tuple[bool, int]:
        """Return whether one audit ever claimed what is false, and its queries."""
        conduct = rehearsal.rehearse(
            self.law(),
            seed=(zlib.crc32(self.name.encode()) << 24) + run,
            treatments=self.hypotheses,
            queries=self.queries,
            patient=True,  # the longest audits are the most adversarial
            limit=rehearsal.Limit.of(ratio=0.001, share=0.01, beyond=0.05)
            if self.tight
            else rehearsal.LIMIT,
        )
        decisions = list(conduct.decisions.values())
        wrong = any(self._wrong(decisions[place]) for place in self.nulls)
        return wrong, self.queries - conduct.trials_left

    def _wrong(self, decision: Any) -> bool:
        if self.promise == "clear":
            return bool(decision.label == "cleared")
        if self.tight:  # no dependence at all: to say that it is real is false as well
            return bool(decision.label in {"established", "indicated"} or decision.real)
        return bool(decision.label == "established")


BUDGET = {1: 2_500, 3: 5_000, 5: 7_500}
"""Queries: about twice what it costs to clear a fair vendor with noise of 2 %."""
SKEWED = "only the treated arm: skew"
NOISY = ("gauss 2 %", "t3, sd 2 %", "surge on 5 % of calls")
TRIED = {
    ("accuse", "no dependence"): (
        *NOISY, "skew, sd 2 %", "identity buckets 10 % × +8 %", "by person, 0 to 4 %",
        "drift +10 % per 1,000 calls",
    ),
    ("accuse", "mean at the limit"): (
        *NOISY, "skew, sd 2 %", "only the treated arm: gauss 3 %", SKEWED,
    ),
    ("accuse", "share at the limit"): ("none", "gauss 2 %"),
    ("accuse", "mean and share at the limit"): ("surge on 5 % of calls",),
    ("accuse", "every context at the limit of one"): ("gauss 2 %",),
    ("clear", "mean at the limit"): ("none", *NOISY, "drift +10 % per 1,000 calls", SKEWED),
    ("clear", "share at the limit"): (
        "gauss 1 %", *NOISY, "identity buckets 10 % × +8 %", "by person, 0 to 4 %",
        "drift +10 % per 1,000 calls", "only the treated arm: gauss 3 %", SKEWED,
    ),
    ("clear", "share at the limit, half of it cheaper"): ("gauss 2 %",),
    ("clear", "share at the limit, every second identity"): ("none",),
    ("clear", "mean and share at the limit"): ("gauss 2 %",),
}  # fmt: skip
EFFECTS: dict[tuple[str, str], Effect] = {
    ("accuse", "no dependence"): same(0.0),
    ("accuse", "mean at the limit"): same(MEAN),
    ("accuse", "share at the limit"): share(on_boundary.BIG),
    ("accuse", "mean and share at the limit"): share(on_boundary.BIG, MEAN),
    ("accuse", "every context at the limit of one"): on_boundary.edge,
    ("clear", "mean at the limit"): same(MEAN),
    ("clear", "share at the limit"): share(BEYOND + JUST),
    ("clear", "share at the limit, half of it cheaper"): on_boundary.both_ways(BEYOND + JUST),
    ("clear", "share at the limit, every second identity"): coin,
    ("clear", "mean and share at the limit"): share(BEYOND + JUST, MEAN),
}
LEAN = 0.02 * (1 - math.log(2))
"""How far the mean of the skewed noise lies above its median."""


def cells() -> tuple[Cell, ...]:
    """Return all cells, those of one hypothesis first."""
    return (*_single(), *_several(3), *_several(5))


def _single() -> Iterator[Cell]:
    for (promise, null), noises in TRIED.items():
        for noise in noises:
            effect = EFFECTS[promise, null]
            if noise == SKEWED and null == "share at the limit":
                # a context's own effect is a median: what is hit lies beyond the limit all the same
                effect = share(BEYOND + JUST + LEAN)
            yield _cell(promise, null, noise, [effect])


def _cell(
    promise: str, null: str, noise: str, effects: Sequence[Effect], only: int | None = None
) -> Cell:
    k = len(effects)
    nulls = tuple(range(k)) if only is None else (only,)
    tight = null == "no dependence"
    return Cell(
        "accuse" if promise == "accuse" else "clear",
        null, noise, tuple(effects), nulls, BUDGET[k], tight=tight,
    )  # fmt: skip


def _several(k: int) -> Iterator[Cell]:
    noise, fair, guilty = "gauss 2 %", same(0.0), same(math.log(1.06))
    for promise, null in (
        ("accuse", "no dependence"),
        ("accuse", "mean at the limit"),
        ("clear", "mean at the limit"),
        ("clear", "share at the limit"),
    ):
        yield _cell(promise, null, noise, [EFFECTS[promise, null]] * k)
    yield _cell("clear", "share at the limit, every second identity", "none", [coin] * k)
    others = [fair] * (k - 1)
    hit = share(BEYOND + JUST)
    yield _cell("clear", "share at the limit, the others fair", noise, [*others, hit], k - 1)
    guilty_ones = [guilty] * (k - 1)
    yield _cell(
        "accuse", "mean at the limit, the others guilty", noise, [*guilty_ones, same(MEAN)], k - 1
    )


# ------------------------------------------------------------------ counting and judging
@dataclass(frozen=True)
class Count:
    """What so many audits of a cell came to."""

    cell: Cell
    audits: int
    false: int
    queries: float

    def with_more(self, more: Self) -> Self:
        """Return both counts of one cell as one."""
        audits = self.audits + more.audits
        asked = self.queries * self.audits + more.queries * more.audits
        return replace(
            self, audits=audits, false=self.false + more.false, queries=asked / max(1, audits)
        )

    @property
    def chance(self) -> float:
        """P(at least so many false claims) if the error rate were what is promised."""
        return float(bdtrc(self.false - 1, self.audits, ALPHA)) if self.false else 1.0

    def suspicious(self, of: int) -> bool:
        """Whether the count is too large for the promise, `of` cells being judged together."""
        return self.chance < GATE / of


CELLS = cells()


def count(cell: Cell, runs: range) -> Count:
    """Run the audits of these numbers."""
    found = [cell.audit(run) for run in runs]
    false, queries = sum(wrong for wrong, _ in found), sum(asked for _, asked in found)
    return Count(cell, len(found), false, queries / max(1, len(found)))


def _part(job: tuple[int, int, int, float]) -> tuple[int, int, int, float]:
    place, start, stop, end = job
    if time.time() > end:
        return place, 0, 0, 0.0
    found = count(CELLS[place], range(start, stop))
    return place, found.audits, found.false, found.queries * found.audits


def counts(audits: dict[int, range], *, end: float = math.inf, workers: int = 1) -> list[Count]:
    """Count cells (by place) over runs; what would begin after `end` is left out.

    The parts of all cells take turns, so that time that runs out is missed by all alike.
    """
    jobs = [
        (place, start, min(start + CHUNK, runs.stop), end)
        for place, runs in audits.items()
        for start in range(runs.start, runs.stop, CHUNK)
    ]
    jobs.sort(key=lambda job: (job[1] - audits[job[0]].start) / len(audits[job[0]]))
    total = {place: np.zeros(3) for place in audits}
    with ProcessPoolExecutor(workers) as pool:
        for place, *parts in pool.map(_part, jobs):
            total[place] += parts
    return [
        Count(CELLS[place], int(n), int(false), asked / max(1, n))
        for place, (n, false, asked) in total.items()
    ]


HEAD = """# The verdict contract as a whole: false claims in simulated audits

Written by `{command}`. Limits: mean 1 %, share 2 % beyond 5 %, promised error rates .05 for false
accusing (established; where nothing depends on the label also indicated) and .05 for false clearing,
over all hypotheses of an audit. Each vendor stands exactly on the boundary of its null. Audits run to
the end of their budget or until everything is decided, and a claim that held at any moment counts.
Chance: of at least so many false claims at a rate of exactly .05. A cell fails only below
{gate:.1e} ({level} / {cells} cells), judged on ten times the audits. {fewer}

| promise | on the boundary | hypotheses | audits, all noises | false | rate | chance |
|---|---|---|---|---|---|---|
{pooled}

By kind of noise:

| promise | on the boundary | noise | hypotheses | budget | audits | false | rate | chance | mean queries |
|---|---|---|---|---|---|---|---|---|---|
"""
FEWER = "Audits of several hypotheses take far longer and are fewer."


def table(found: Sequence[Count], command: str) -> str:
    rows = [
        f"| {one.cell.promise} | {one.cell.null} | {one.cell.noise} | {one.cell.hypotheses} "
        f"| {one.cell.queries:,} | {one.audits:,} | {one.false} | {one.false / one.audits:.4f} "
        f"| {one.chance:.2g} | {one.queries:,.0f} |"
        for one in found
    ]
    gate = GATE / len(found)
    head = HEAD.format(
        command=command,
        gate=gate,
        level=GATE,
        cells=len(found),
        fewer=FEWER,
        pooled="\n".join(pooled(found)),
    )
    return head + "\n".join(rows) + "\n"


def wanted(cell: Cell, audits: int) -> int:
    """Return how many audits a cell gets, where each null gets `audits`."""
    alike = sum(cell.boundary == other.boundary for other in CELLS)
    return math.ceil(audits / alike / cell.cost)


def pooled(found: Sequence[Count]) -> list[str]:
    """Return each boundary over all kinds of noise, as rows of a table."""
    rows = []
    for boundary in dict.fromkeys(one.cell.boundary for one in found):
        own = [one for one in found if one.cell.boundary == boundary]
        audits, false = sum(one.audits for one in own), sum(one.false for one in own)
        chance = float(bdtrc(false - 1, audits, ALPHA)) if false else 1.0
        promise, null, hypotheses = boundary
        rows.append(
            f"| {promise} | {null} | {hypotheses} | {audits:,} | {false} | {false / audits:.4f} "
            f"| {chance:.2g} |"
        )
    return rows


def earlier(lines: Path | None) -> list[Count]:
    """Return what an earlier run counted, cell by cell."""
    text = lines.read_text("utf-8") if lines else ""
    known = {line["cell"]: line for line in map(json.loads, text.splitlines())}
    nothing = {"audits": 0, "false": 0, "queries": 0}
    return [
        Count(cell, *(known.get(cell.name, nothing)[key] for key in ("audits", "false", "queries")))
        for cell in CELLS
    ]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="False claims on the boundary of each null.")
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--after", type=Path)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    end = time.time() + given.seconds
    before = earlier(given.after)
    planned = {
        i: range(before[i].audits, max(before[i].audits, wanted(cell, given.audits)))
        for i, cell in enumerate(CELLS)
    }
    later = counts(planned, end=end, workers=given.workers)
    found = [one.with_more(more) for one, more in zip(before, later, strict=True)]
    again = [i for i, one in enumerate(found) if one.suspicious(len(found))]
    if again:
        more = {i: range(planned[i].stop, (1 + AGAIN) * planned[i].stop) for i in again}
        for i, one in zip(again, counts(more, workers=given.workers), strict=True):
            found[i] = one
    for one in found:
        line = {"cell": one.cell.name, "audits": one.audits, "false": one.false}
        print(json.dumps({**line, "chance": one.chance, "queries": round(one.queries)}))
    if given.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(table(found, "python benchmarks/contract.py --write"), encoding="utf-8")
    failed = [one for one in found if one.suspicious(len(found))]
    print(f"{len(failed)} of {len(found)} cells break their promise", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
