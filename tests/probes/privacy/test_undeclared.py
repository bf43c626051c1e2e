"""A private detail: used in the price, used in the list, not used."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evenhand.probes.privacy.undeclared import Undeclared
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)


def law(markup, noise=0.01):
    def quoted(seen, rng):
        jitter = noise * rng.standard_normal(len(seen["base"]))
        moved = math.log1p(markup) * seen["t0"]
        return {"final": seen["base"] * (1 + seen["nights"]) * np.exp(moved + jitter)}

    return quoted


def private(study):
    attributes = {
        name: replace(one, role="private", kind="privacy.excess") if name == "t0" else one
        for name, one in study.attributes.items()
    }
    return replace(study, attributes=attributes)


@pytest.mark.parametrize(("markup", "verdict"), [(0.0, "cleared"), (0.06, "established")])
@pytest.mark.parametrize("seed", range(2))
def test_a_private_detail_that_moves_the_price_is_told_and_one_that_does_not_is_cleared(
    shop, markup, verdict, seed
):
    study = private(shop.study({"final": "price"}))
    conduct = shop.rehearse(Undeclared(treat=("t0",), limit=LIMIT), law(markup), study, seed=seed)
    assert set(shop.labels(conduct).values()) == {verdict}


def test_what_private_details_do_to_lists_is_compared_as_lists(shop):
    study = private(shop.study({"ranking": "list"}))

    def listed(seen, rng):
        del rng
        rows = np.empty(len(seen["t0"]), dtype=object)
        rows[:] = [("b", "a", "c") if own else ("a", "b", "c") for own in seen["t0"]]
        return {"ranking": rows}

    probe = make("privacy.undeclared", {"treat": ["t0"], "outcome": "ranking"})
    assert isinstance(probe, Undeclared)
    (one,) = probe.layout(study).compared
    assert one.score.unit == "distance"
    assert one.hypothesis.kind == "privacy.excess"
    conduct = shop.rehearse(probe, listed, study, moved=one.score)
    assert set(shop.labels(conduct).values()) == {"indicated"}
