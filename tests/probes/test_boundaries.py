"""At the limit itself no verdict is right, and either of the two that claim something stays rare.

Laws whose effect is exactly the limit, on the scales that are not those of prices, and vendors that
are wild but treat everybody alike. Run by `make prove`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenhand.probes.access.offers import Offers
from evenhand.probes.access.refusal import Refusals
from evenhand.probes.disclosure.notice import Notice
from evenhand.probes.lists import ListDistance
from evenhand.probes.matched import Matched
from evenhand.probes.scores import FINAL, Score
from evenhand.probes.shares import Limit
from evenhand.probes.steering.ranking import Ranking

TABLES = Path(__file__).parents[2] / "docs" / "tables"
RUNS = 200
ALPHA = 0.05
HEAD = f"""# False claims on the scales that are not those of prices

{RUNS} audits a row, one hypothesis each, alpha = alpha_clear = 5 %. At a limit neither claim is true;
of a vendor that treats all alike only what is beyond it, or different, would be false. Written by
`make prove`.

| what is compared | law | falsely beyond or different | falsely within |
|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A law on the edge of a limit, or one that treats all alike."""

    what: str
    law: str
    probe: Callable[[], Matched]
    outcomes: dict[str, str]
    answers: Callable[..., dict[str, Any]]
    alike: bool = False
    moved: Score = FINAL


def price(seen):
    return seen["base"] * (1 + seen["nights"])


def refusing(treated):
    """Refuses one in ten, of the treated `treated` more."""

    def law(seen, rng):
        risk = 0.1 + treated * seen["t0"]
        return {"final": price(seen), "refused": rng.random(len(risk)) < risk}

    return law


def hit(seen, rng, chance, part):
    """The treated in every `part`-th context, each time with a chance."""
    lucky = rng.random(len(seen["t0"])) < chance
    return (seen["t0"] == 1) & lucky & (seen["context"] % part == 0)


def shelf(chance=0.0, part=1, blur=0.0):
    """Lists of six; who is hit sees six others."""

    def law(seen, rng):
        others = hit(seen, rng, chance, part)
        order = np.argsort(np.arange(6.0) + blur * rng.standard_normal((len(others), 6)), axis=1)
        column = np.empty(len(others), dtype=object)
        for row, places in enumerate(order):
            shelf_ = "x" if others[row] else f"n{seen['nights'][row]}"
            column[row] = tuple(f"{shelf_}-{place}" for place in places)
        return {"ranking": column}

    return law


def pricing(chance=0.0, part=1, noise=0.0):
    """Tells nobody; who is hit pays a tenth more."""

    def law(seen, rng):
        extra = 0.1 * hit(seen, rng, chance, part) + noise * rng.standard_normal(len(seen["t0"]))
        return {"final": price(seen) * np.exp(extra), "notice": np.zeros(len(extra))}

    return law


def offering(spread):
    """Offers between one and a dozen, by chance."""

    def law(seen, rng):
        return {"final": price(seen), "offers": rng.binomial(12, spread, len(seen["t0"])) * 1.0}

    return law


MEAN = Limit.of(ratio=0.1, share=0.3, beyond=0.5)
SHARE = Limit.of(ratio=0.4, share=0.25, beyond=0.2)
USUAL = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
REFUSED = {"final": "price", "refused": "flag"}
NOTED = {"final": "price", "notice": "flag"}
LISTED = {"ranking": "list"}


def ranking(limit: Limit) -> Callable[[], Matched]:
    return lambda: Ranking(treat=("t0",), limit=limit)


def notice(limit: Limit) -> Callable[[], Matched]:
    return lambda: Notice(treat=("t0",), limit=limit, direction="harm", apart=0.03)


EDGES = (
    Edge(
        what="refusals",
        law="a tenth more are refused, limit a tenth",
        probe=lambda: Refusals(treat=("t0",), limit=MEAN),
        outcomes=REFUSED,
        answers=refusing(0.1),
    ),
    Edge(
        what="lists",
        law="a tenth of the treated see other lists, limit of the mean a tenth",
        probe=ranking(MEAN),
        outcomes=LISTED,
        answers=shelf(0.1, blur=0.3),
        moved=ListDistance(),
    ),
    Edge(
        what="lists",
        law="in a quarter of contexts the treated see other lists, limit of the share a quarter",
        probe=ranking(SHARE),
        outcomes=LISTED,
        answers=shelf(1.0, part=4, blur=0.3),
        moved=ListDistance(),
    ),
    Edge(
        what="prices without a notice",
        law="a tenth of the treated pay more, limit of the mean a tenth",
        probe=notice(MEAN),
        outcomes=NOTED,
        answers=pricing(0.1, noise=0.005),
    ),
    Edge(
        what="prices without a notice",
        law="in a quarter of contexts the treated pay more, limit of the share a quarter",
        probe=notice(SHARE),
        outcomes=NOTED,
        answers=pricing(1.0, part=4, noise=0.005),
    ),
    Edge(
        what="refusals",
        law="one in ten is refused, whoever it is",
        probe=lambda: Refusals(treat=("t0",), limit=USUAL),
        outcomes=REFUSED,
        answers=refusing(0.0),
        alike=True,
    ),
    Edge(
        what="offers",
        law="a number by chance, whoever it is",
        probe=lambda: Offers(treat=("t0",), limit=USUAL),
        outcomes={"final": "price", "offers": "number"},
        answers=offering(0.4),
        alike=True,
    ),
    Edge(
        what="lists",
        law="neighbours change places, whoever it is",
        probe=ranking(USUAL),
        outcomes=LISTED,
        answers=shelf(blur=0.8),
        alike=True,
        moved=ListDistance(),
    ),
    Edge(
        what="lists",
        law="in random order, whoever it is",
        probe=ranking(USUAL),
        outcomes=LISTED,
        answers=shelf(blur=50.0),
        alike=True,
        moved=ListDistance(),
    ),
    Edge(
        what="prices without a notice",
        law="2 % of noise, whoever it is",
        probe=notice(USUAL),
        outcomes=NOTED,
        answers=pricing(noise=0.02),
        alike=True,
    ),
)


def audited(shop, edge: Edge, seed: int, queries: int = 1_800) -> str:
    study = shop.study(edge.outcomes)
    conduct = shop.rehearse(
        edge.probe(), edge.answers, study, seed=seed, queries=queries, moved=edge.moved
    )
    # of a notice probe the hypothesis in question comes last
    verdicts: list[str] = list(shop.labels(conduct).values())
    return verdicts[-1]


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.what}: {edge.law}")
def test_a_law_on_the_edge_can_be_audited(shop, edge):
    """One short audit each: the laws below are ones that a probe can be asked about."""
    verdict = audited(shop, edge, 0, queries=300)
    assert verdict in {"inconclusive", "indicated"} if not edge.alike else verdict != "established"


@pytest.mark.prove
def test_claims_that_would_be_false_are_rare(shop):
    rows = []
    most = ALPHA * RUNS + 2 * math.sqrt(ALPHA * (1 - ALPHA) * RUNS)
    for edge in EDGES:
        found = [audited(shop, edge, seed) for seed in range(RUNS)]
        accused = {"established", "indicated"} if edge.alike else {"established"}
        beyond = sum(label in accused for label in found)
        within = 0 if edge.alike else found.count("cleared")
        shown = "–" if edge.alike else str(within)
        rows.append(f"| {edge.what} | {edge.law} | {beyond} | {shown} |")
        assert beyond <= most, rows[-1]
        assert within <= most, rows[-1]
    if os.environ.get("EVENHAND_PROVE"):
        (TABLES / "answers_limits.md").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
