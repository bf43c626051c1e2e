"""What it costs to analyse a million observations of one probe, and one whole audit.

One line of JSON a case. The observations are those of a fair vendor with noise of 2 %: fresh blocks in
forty waves, each followed by a round for every context that it flagged. Analysed means everything a
report needs: all engines at three sets of limits, intervals, the checks of the audit itself. Memory
is the highest that the process ever held, the observations and the libraries included.
"""

import importlib.util
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from evenhand.datasets.personas import Attribute, Table
from evenhand.probes.contexts import Contexts, draw, lay_out
from evenhand.probes.design import REFERENCE, TREATED, TWIN, Observed, Wave, joined
from evenhand.probes.planned import PAIRS_AGAIN, TWINS_ALWAYS, TWINS_EVERY
from evenhand.probes.pricing.twins import Twins
from evenhand.probes.protocol import Study
from evenhand.probes.shares import Limit

OBSERVATIONS, WAVES, NOISE = 1_000_000, 40, 0.02
LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
LEVEL = 0.95


def study() -> Study:
    n = 10_000
    attribute = Attribute(name="t", role="habit", levels=("new", "old"), kind="price.preference")
    return Study(
        personas=Table({"base": np.linspace(50, 500, n)}),
        persona_weights=np.full(n, 1 / n),
        items=Table({"id": np.array(["room"])}),
        item_weights=np.ones(1),
        attributes={"t": attribute},
        carried=frozenset({"t"}),
        outcomes={"final": "price"},
    )


def answered(wave: Wave, number: int, study_: Study, rng: np.random.Generator) -> Observed:
    n = len(wave)
    base = study_.personas.columns["base"][wave.persona]
    return Observed(
        waves=(wave,),
        numbers=(number,),
        kind=np.zeros(n, dtype=np.int8),
        reason=np.zeros(n, dtype=np.int8),
        values={"final": base * np.exp(NOISE * rng.standard_normal(n))},
    )


def flagged(answers: Observed, blocks: int, first: int) -> np.ndarray:
    """Return the fresh blocks of a wave whose treated arm lies beyond the limit."""
    table = np.full((blocks, TREATED + 1), np.nan)
    table[answers.column("block") - first, answers.column("arm")] = np.log(answers.values["final"])
    return np.flatnonzero(np.abs(table[:, TREATED] - table[:, REFERENCE]) > LIMIT.beyond)


def observations(study_: Study) -> Observed:
    """Return about a million answers, in waves."""
    rng = np.random.default_rng(8)
    parts: list[Observed] = []
    first, size = 0, OBSERVATIONS // (3 * WAVES)
    while sum(map(len, parts)) < OBSERVATIONS:
        ask = np.zeros((size, TREATED + 1), dtype=bool)
        ask[:, [REFERENCE, TREATED]] = True
        block = first + np.arange(size)
        ask[:, TWIN] = (block < TWINS_ALWAYS) | (block % TWINS_EVERY == 0)
        contexts = draw(study_, size, rng)
        wave = lay_out(
            contexts, arms=ask, first_block=first, overrides={TREATED: {"t": 1}}, rng=rng
        )
        parts.append(answered(wave, len(parts), study_, rng))
        again = flagged(parts[-1], size, first)
        first += size
        parts.append(answered(_round(contexts, again, first, size, rng), len(parts), study_, rng))
        first += PAIRS_AGAIN * len(again)
    return joined(parts)


def _round(
    contexts: Contexts, again: np.ndarray, first: int, size: int, rng: np.random.Generator
) -> Wave:
    rows = np.repeat(again, PAIRS_AGAIN)
    ask = np.zeros((len(rows), TREATED + 1), dtype=bool)
    ask[:, [REFERENCE, TREATED]] = True
    return lay_out(
        contexts.take(rows),
        arms=ask,
        first_block=first,
        again=(rows + first - size).astype(np.int32),
        overrides={TREATED: {"t": 1}},
        rng=rng,
    )


def rehearsal() -> Any:
    """Return the audits without a target that the tests use."""
    path = Path(__file__).parents[1] / "tests" / "audit" / "rehearsal.py"
    spec = importlib.util.spec_from_file_location("rehearsal", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def peak_gib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / (1 << 30)


def say(case: str, ours: float, limit: float, unit: str) -> None:
    line = {"case": case, "ours": round(ours, 4), "unit": unit, "limit": limit}
    ratio = ours / limit
    print(json.dumps({**line, "ratio": round(ratio, 3), "reach": 1, "met": ratio <= 1}), flush=True)


def main() -> None:
    study_ = study()
    seen = observations(study_)
    probe = Twins(treat=("t",), limit=LIMIT)

    def analyse() -> None:
        probe.test(study_, seen, LEVEL)
        probe.checks(study_, seen, np.random.default_rng(9))

    seconds = cpu(analyse)
    say(f"analysing {len(seen):,} observations of one probe", seconds, 3.0, "CPU s")
    say(f"memory while analysing {len(seen):,} observations", peak_gib(), 1.0, "GiB")
    audits = rehearsal()
    fair = audits.fair(NOISE)
    audits.rehearse(fair)
    runs = 20
    seconds = cpu(lambda: [audits.rehearse(fair, seed=seed) for seed in range(runs)])
    say(
        "one audit of one hypothesis, noise 2 %, the vendor's own time included",
        seconds / runs,
        0.03,
        "CPU s",
    )


if __name__ == "__main__":
    main()
