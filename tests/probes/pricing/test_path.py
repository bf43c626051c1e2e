"""Paths: looking again, the cart and the checkout, against a price that remembers and one that does not."""

import math

import numpy as np
import pytest

from evenhand.probes.pricing.path import Path
from evenhand.probes.registry import card, make
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)
STEPS = ("search", "cart", "checkout", "quote")


def law(*, a_look=0.0, at_checkout=0.0, at_cart=0.0, noise=0.01):
    """Each earlier trial of a session makes the next one dearer; so does the step itself."""

    def quoted(seen, rng):
        step = seen["step"]
        extra = (
            a_look * seen["visit"] * np.isin(step, ["quote"])
            + at_checkout * (step == "checkout")
            + at_cart * (step == "cart")
            + noise * rng.standard_normal(len(step))
        )
        price = seen["base"] * (1 + seen["nights"]) * np.exp(extra)
        return {"final": np.where(step == "search", np.nan, price)}

    return quoted


def verdicts(shop, law_, seed=0, paths=None, steps=STEPS):
    probe = Path(limit=LIMIT, direction="harm", paths=paths or {})
    study = shop.study({"final": "price"}, steps=steps)
    conduct = shop.rehearse(probe, law_, study, seed=seed, queries=15_000, session=("quote",))
    found = {
        name.split("=")[1].split(":")[0]: label for name, label in shop.labels(conduct).items()
    }
    return found, conduct


@pytest.mark.parametrize("seed", range(2))
def test_a_price_that_does_not_remember_is_cleared_on_every_path(shop, seed):
    found, conduct = verdicts(shop, law(), seed)
    assert found == dict.fromkeys(("again", "looked", "cart", "checkout"), "cleared")
    for one in conduct.decisions.values():
        assert one.evidence.queries > one.evidence.n * 2


@pytest.mark.parametrize("seed", range(2))
def test_a_price_that_grows_with_every_look_is_found(shop, seed):
    found, conduct = verdicts(shop, law(a_look=math.log(1.02)), seed)
    assert (found["again"], found["looked"]) == ("established", "established")
    assert (found["cart"], found["checkout"]) == ("cleared", "cleared")
    again, looked = list(conduct.decisions.values())[:2]
    assert again.evidence.effect.value == pytest.approx(math.log(1.02), abs=0.01)
    assert looked.evidence.effect.value == pytest.approx(2 * math.log(1.02), abs=0.01)


@pytest.mark.parametrize("seed", range(2))
def test_a_checkout_that_costs_more_than_the_quote_misleads(shop, seed):
    found, conduct = verdicts(shop, law(at_checkout=math.log(1.03)), seed)
    assert found == {
        "again": "cleared", "looked": "cleared", "cart": "cleared", "checkout": "established",
    }  # fmt: skip
    kinds = [one.evidence.hypothesis.subject.kind for one in conduct.decisions.values()]
    assert kinds == ["price.preference", "price.preference", "price.misleading", "price.misleading"]


def test_a_price_that_falls_when_one_looks_again_is_no_harm(shop):
    found, _ = verdicts(shop, law(a_look=-0.05), paths={"twice": ("quote", "quote")})
    assert found == {"twice": "cleared"}


def test_a_plan_names_its_own_paths_and_a_step_that_is_missing_is_told(shop):
    options = {"paths": {"twice": ["search", "quote", "quote"]}}
    probe = make("pricing.path", {"options": options})
    assert isinstance(probe, Path)
    assert probe.lacks(shop.study({"final": "price"}, steps=STEPS)) is None
    why = probe.lacks(shop.study({"final": "price"}))
    assert why is not None
    assert "search" in why["en"]
    assert card("pricing.path").direction == "harm"


def test_a_session_comes_before_every_path_of_its_own(shop):
    study = shop.study({"final": "price"}, steps=("register", *STEPS))
    layout = Path(session=("register", "quote")).layout(study)
    assert layout.reference.path == ("register", "quote")
    assert layout.arms[0].path == ("register", "quote", "quote")
    assert layout.arms[3].path == ("register", "quote", "cart", "checkout")
    assert layout.arms[1].path == ("register", "search", "search", "quote")
