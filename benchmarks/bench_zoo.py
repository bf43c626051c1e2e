"""The suite over the zoo beside what its users would otherwise do within the same budget.

Every method is given the same vendors, the same contrasts of final prices and as many questions as
the suite's budget allows. Four others stand beside it:

    welch       Welch's t test of two independent groups, looked at every hundred questions
    fairlearn   MetricFrame's difference of mean prices by group, with a bootstrap interval
    invariance  pairs of customers alike but for one thing; more than 5 % of pairs 5 % apart fails
    permuted    sign flips of as many pairs as the budget pays for, Holm over the contrasts

None of them can show that there is no difference; what they leave unaccused is not cleared.

    python benchmarks/bench_zoo.py [--seeds N] [--peer-seeds N] [--write]

One line of JSON a method; `--write` puts the table into docs/tables/zoo.md.
"""

import argparse
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from evenhand.audit.scoreboard import (
    QUERIES,
    Case,
    Line,
    Scored,
    Summary,
    cases,
    lines,
    scores,
    summary,
)
from evenhand.audit.scoreboard.marks import near_limit
from evenhand.datasets import populations, vendors
from evenhand.datasets.vendors.truth import Effect, outcomes, shown

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "zoo.md"
ALPHA, LOOK, RESAMPLES = 0.05, 100, 50
SHARE_OF_PAIRS, APART = 0.05, 0.05

Floats = NDArray[np.float64]
Ask = Callable[[int, str], Floats]
"""Rows and an arm ("reference" or "treated") → log prices of fresh customers in drawn contexts."""


@dataclass(frozen=True)
class Contrast:
    """One effect of a vendor, and how to ask about it."""

    effect: Effect
    alone: Ask
    pairs: Callable[[int], tuple[Floats, Floats]]


def contrast(case: Case, effect: Effect, rng: np.random.Generator) -> Contrast:
    """Return a way to ask a vendor about one effect, in contexts drawn from its frame."""
    vendor = case.vendor
    population = populations.load(vendor.frame.population) if vendor.frame.population else None
    columns = dict(population.columns) if population else {}
    columns.pop("weight", None)
    frame = shown(vendor.contexts(columns), effect.given)
    size = len(next(iter(frame.values())))

    def drawn(n: int) -> dict[str, Any]:
        rows = rng.integers(size, size=n)
        return {name: column[rows] for name, column in frame.items()}

    def priced(table: dict[str, Any], arm: str) -> Floats:
        level = effect.level if arm == "treated" else effect.reference
        n = len(next(iter(table.values())))
        table = shown(table, {effect.attribute: level})
        if "identity" in table:
            table["identity"] = np.array([f"{one:016x}" for one in rng.integers(1 << 62, size=n)])
        return np.log(np.asarray(outcomes(vendor.quote(table))["final"], dtype=float))

    def pairs(n: int) -> tuple[Floats, Floats]:
        table = drawn(n)
        return priced(table, "treated"), priced(table, "reference")

    return Contrast(effect, lambda n, arm: priced(drawn(n), arm), pairs)


# ------------------------------------------------------------------ what people do
def welch(found: Sequence[Contrast], budget: int, _: np.random.Generator) -> list[bool]:
    """Look at the p-value after every hundred questions, and stop when it is small."""
    from scipy import stats

    accused = []
    for one in found:
        looks = budget // len(found) // LOOK
        treated = one.alone(looks * LOOK // 2, "treated")
        reference = one.alone(looks * LOOK // 2, "reference")
        sizes = (np.arange(looks) + 1) * (LOOK // 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # constant prices have no variance
            small = [
                stats.ttest_ind(treated[:n], reference[:n], equal_var=False).pvalue < ALPHA
                for n in sizes
            ]
        accused.append(any(small))
    return accused


def fairlearn(found: Sequence[Contrast], budget: int, rng: np.random.Generator) -> list[bool]:
    """Compare mean prices by group, once, with fairlearn's bootstrap interval of the difference."""
    from fairlearn.metrics import MetricFrame

    accused = []
    for one in found:
        n = budget // len(found) // 2
        prices = np.exp(np.concatenate([one.alone(n, "treated"), one.alone(n, "reference")]))
        frame = MetricFrame(
            metrics=lambda y_true, y_pred: float(np.mean(y_pred)),  # noqa: ARG005 - their keywords
            y_true=prices,
            y_pred=prices,
            sensitive_features=np.repeat(["treated", "reference"], n),
            n_boot=RESAMPLES,
            ci_quantiles=[0.025, 0.975],
            random_state=int(rng.integers(1 << 31)),
        )
        # a difference of group means is never negative, so its interval is that of the largest
        # minus the smallest; their lower end is compared with the limit
        low = frame.difference_ci()[0] / frame.group_min()
        accused.append(bool(low > one.effect.limit.mean))
    return accused


def invariance(found: Sequence[Contrast], budget: int, _: np.random.Generator) -> list[bool]:
    """Fail where more than one pair in twenty is 5 % apart: a default that test suites ship."""
    accused = []
    for one in found:
        treated, reference = one.pairs(budget // len(found) // 2)
        apart = np.abs(np.expm1(treated - reference)) > APART
        accused.append(bool(np.mean(apart) > SHARE_OF_PAIRS))
    return accused


def permuted(found: Sequence[Contrast], budget: int, rng: np.random.Generator) -> list[bool]:
    """Flip signs of as many pairs as the budget pays for; Holm over the contrasts."""
    p_values = []
    for one in found:
        treated, reference = one.pairs(budget // len(found) // 2)
        gaps = treated - reference
        signs = rng.choice([-1.0, 1.0], size=(999, len(gaps)))
        drawn = np.abs(signs @ gaps)
        p_values.append((1 + np.sum(drawn >= abs(gaps.sum()))) / 1000)
    order, accused = np.argsort(p_values), [False] * len(found)
    for rank, place in enumerate(order):
        if p_values[place] > ALPHA / (len(found) - rank):
            break
        accused[place] = True
    return accused


METHODS = {"welch": welch, "fairlearn": fairlearn, "invariance": invariance, "permuted": permuted}


# ------------------------------------------------------------------ how few questions would do
POWER, SIZED_AT, SIZED_SD, FAR = 0.95, 2.0, 0.03, 3.0
"""A design of fixed size: sized at twice the limit under 3 % of noise, as nobody knows beforehand;
vendors are compared where they lie at three times the limit or more."""


def pairs_needed(gap: float, noise: float, levels: int) -> float:
    """Return how many pairs a test of fixed size needs to show a mean that far beyond its limit."""
    from scipy.stats import norm

    z = norm.isf(ALPHA / levels / 2) + norm.ppf(POWER)
    return float((z * math.sqrt(2) * noise / gap) ** 2)


def beside_fixed(own: Sequence[Scored], common: Sequence[Case]) -> dict[str, Any]:
    """Return our median queries beside designs of fixed size and the bound of all sequential ones.

    `fixed` is sized beforehand, `oracle` for the vendor's own effect and noise; `bound` is
    log(1/alpha) over the information of a pair, which no sequential test can beat on average.
    """
    ratios: dict[str, list[float]] = {"fixed": [], "oracle": [], "bound": []}
    for case in common:
        levels, limit = len(case.effects), case.effects[0].limit
        for effect in case.effects:
            gap = abs(effect.mean) - math.log1p(limit.mean)
            if abs(effect.mean) < FAR * math.log1p(limit.mean):
                continue
            asked = [
                one.queries
                for one in own
                if one.audit.startswith(f"{case.vendor.name}/{case.number}/")
                and (one.attribute, one.mark) == (effect.attribute, "correct")
            ]
            if not asked:
                continue
            noise = max(case.vendor.truth.noise, 1e-3)
            arms = 1 + levels
            planned = (SIZED_AT - 1) * math.log1p(limit.mean)
            information = gap**2 / (4 * noise**2)
            median = float(np.median(asked))
            ratios["fixed"].append(median / (arms * pairs_needed(planned, SIZED_SD, levels)))
            ratios["oracle"].append(median / (arms * pairs_needed(gap, noise, levels)))
            ratios["bound"].append(median / (arms * math.log(levels / ALPHA) / information))
    return {name: float(np.median(found)) for name, found in ratios.items()}


# ------------------------------------------------------------------ beside the suite
def asked() -> list[Case]:
    """Return the cases that all methods can be given: final prices of vendors without memory."""
    every = (case for name in vendors.names() for case in cases(vendors.get(name)))
    return [
        case for case in every if case.effects[0].outcome == "final" and not case.vendor.remembers
    ]


def judged(case: Case, seed: int) -> dict[str, dict[str, int]]:
    """Return what each method gets right and wrong on one case."""
    case.vendor.prepare()
    counts = {}
    for number, (name, method) in enumerate(METHODS.items()):
        rng = np.random.default_rng([seed, number])
        found = [contrast(case, effect, rng) for effect in case.effects]
        accused = method(found, QUERIES, rng)
        counts[name] = tally(case.effects, accused)
    return counts


def tally(effects: Sequence[Effect], accused: Sequence[bool]) -> dict[str, int]:
    """Return how many guilty effects were found, and whether anything fair was accused."""
    scored = [(e, a) for e, a in zip(effects, accused, strict=True) if not near_limit(e)]
    guilty = [a for e, a in scored if e.side == "guilty"]
    fair = [a for e, a in scored if e.side == "innocent"]
    return {"found": sum(guilty), "guilty": len(guilty), "audits": 1, "accused": int(any(fair))}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="The suite over the zoo beside other methods.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peer-seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    common = asked()
    total: dict[str, dict[str, int]] = {name: {} for name in METHODS}
    for case in common:
        for seed in range(given.peer_seeds):
            for name, counts in judged(case, seed).items():
                total[name] = {k: total[name].get(k, 0) + v for k, v in counts.items()}
    names = dict.fromkeys(case.vendor.name for case in common)
    every = list(scores(seeds=range(given.seeds), explain=given.write))
    own = [one for one in every if one.outcome == "final" and one.vendor in names]
    whole = summary(own)
    total["evenhand"] = {
        "found": whole.established,
        "guilty": whole.guilty,
        "audits": whole.audits,
        "accused": whole.accused,
    }
    for name, counts in total.items():
        print(json.dumps(line(name, counts)))
    sized = beside_fixed(own, common)
    fixed = {"case": "zoo: queries beside a design of fixed size", "ours": round(sized["fixed"], 2)}
    more = {"limit": 1.0, "ratio": round(sized["fixed"], 2), "reach": 0.5}
    told = {name: round(value, 1) for name, value in sized.items()}
    print(json.dumps({**fixed, **more, "met": sized["fixed"] <= more["reach"], **told}))
    if given.write:
        text = table(total, lines(every), summary(every), sized, given.seeds, given.peer_seeds)
        TABLE.write_text(text, encoding="utf-8")
    return 0


def line(name: str, counts: dict[str, int]) -> dict[str, Any]:
    false = counts["accused"] / counts["audits"]
    found = counts["found"] / counts["guilty"]
    return {
        "case": f"zoo: {name}",
        "ours": round(found, 3),
        "limit": ALPHA,
        "ratio": round(false / ALPHA, 2),
        "reach": 1.0,
        "met": false <= ALPHA,
        "false": round(false, 3),
        **counts,
    }


HEAD = """# The suite over vendors whose truth is known

Written by `python benchmarks/bench_zoo.py --seeds {seeds} --write`: {seeds} audits of each vendor by
the suite, {peers} by other methods, at most {queries:,} questions each. Beside the suite stands what people do in the same budget on the same contrasts of
final prices. A false accusation is one in an audit that has at least one innocent contrast accused;
the promise is .05. No other method can say that a difference is *within* the limit.

| method | guilty found | audits with a false accusation | rate |
|---|---|---|---|
"""


def table(
    total: dict[str, dict[str, int]],
    found: Sequence[Line],
    whole: Summary,
    sized: dict[str, float],
    seeds: int,
    peers: int,
) -> str:
    rows = [
        f"| {name} | {c['found']:,} of {c['guilty']:,} | {c['accused']:,} of {c['audits']:,} "
        f"| {c['accused'] / c['audits']:.3f} |"
        for name, c in sorted(total.items())
    ]
    text = HEAD.format(seeds=seeds, peers=peers, queries=QUERIES) + "\n".join(rows)
    text += f"""

Queries until an effect of three times the limit or more is established, medians over such effects:
{sized["fixed"]:.2f} of a design of fixed size for the same claim (sized at twice the limit, 3 % noise,
95 % power), {sized["oracle"]:.1f} times one that knew effect and noise beforehand, and
{sized["bound"]:.1f} times log(1/alpha) over the information of a pair, which nothing can beat.

## All outcomes

The suite over all vendors: {whole.established:,} of {whole.guilty:,} effects beyond the limit
established, {whole.cleared:,} of {whole.fair:,} contrasts without a difference cleared. A false
accusation in {whole.accused} of {whole.audits:,} audits (at exactly .05 so many would come with chance
{whole.chance_accused:.2g}), a false all-clear in {whole.cleared_falsely} (chance
{whole.chance_cleared:.2g}). Of {whole.explained:,} explanations {whole.named:,} named a guilty attribute
first. Effects within a quarter of a limit are not scored. Vendor by vendor; queries are those of the
whole audit until the right verdict:

| vendor | contrast | outcome | in truth | right | false | queries, median | nine in ten within |
|---|---|---|---|---|---|---|---|
"""
    return text + "\n".join(map(row, found)) + "\n"


def row(one: Line) -> str:
    false = one.marks.get("accused", 0) + one.marks.get("cleared_falsely", 0)
    shown_ = [
        f"{value:,.0f}" if value is not None else "–" for value in (one.median, one.ninetieth)
    ]
    return (
        f"| {one.vendor} | {one.attribute} | {one.outcome} | {one.side} | {one.marks.get('correct', 0)} of {one.runs} "
        f"| {false} | {shown_[0]} | {shown_[1]} |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
