"""Parity: a sandbox that is the real thing, and sandboxes that are not, whatever is answered."""

import numpy as np
import pytest

from evenhand.probes.integrity.parity import Parity
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
OUTCOMES = {"final": "price", "ranking": "list", "notice": "flag", "refused": "flag"}


def system(*, dearer=0.0, reversed_=False, tells=0.0, refuses=0.0):
    """What the live system (treated) does that the sandbox does not."""

    def answers(seen, rng):
        n = len(seen["t0"])
        live = seen["t0"] == 1
        ranking = np.empty(n, dtype=object)
        for row in range(n):
            items = [f"{seen['nights'][row]}-{place}" for place in range(5)]
            ranking[row] = tuple(items[::-1] if reversed_ and live[row] else items)
        jitter = 0.005 * rng.standard_normal(n)
        return {
            "final": seen["base"] * (1 + seen["nights"]) * np.exp(dearer * live + jitter),
            "ranking": ranking,
            "notice": ((rng.random(n) < tells) & live).astype(float),
            "refused": (rng.random(n) < refuses) & live,
        }

    return answers


def verdicts(shop, law, seed=0):
    probe = Parity(treat=("t0",), limit=LIMIT)
    conduct = shop.rehearse(probe, law, shop.study(OUTCOMES), seed=seed)
    return {name.rpartition(":")[2]: label for name, label in shop.labels(conduct).items()}


@pytest.mark.parametrize("seed", range(2))
def test_a_sandbox_that_is_the_real_thing_is_cleared_in_everything(shop, seed):
    assert verdicts(shop, system(), seed) == dict.fromkeys(OUTCOMES, "cleared")


@pytest.mark.parametrize(
    ("differs", "found"),
    [
        ({"dearer": 0.05}, "final"),
        ({"reversed_": True}, "ranking"),
        ({"tells": 0.5}, "notice"),
        ({"refuses": 0.3}, "refused"),
    ],
)
def test_what_the_real_system_does_otherwise_is_found_and_nothing_else(shop, differs, found):
    labels = verdicts(shop, system(**differs))
    assert labels[found] == "established"
    assert {labels[name] for name in OUTCOMES if name != found} <= {"cleared", "inconclusive"}


def test_every_outcome_of_the_target_is_compared(shop):
    probe = make("integrity.parity", {"treat": ["t0"]})
    assert isinstance(probe, Parity)
    found = {one.outcome for one in probe.hypotheses(shop.study(OUTCOMES))}
    assert found == set(OUTCOMES)
    assert {one.kind for one in probe.hypotheses(shop.study(OUTCOMES))} == {"process.record"}
