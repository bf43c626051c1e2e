"""Opting out: honoured, ignored, punished; by a switch in the request or by a step."""

import math
from dataclasses import replace

import numpy as np
import pytest

from evenhand.probes.ledger import Ledger
from evenhand.probes.optout.effect import OptOut, Surcharge
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)


def law(*, markup=0.0, off_markup=0.0, surcharge=0.0, noise=0.01):
    """The treated pay more, less so who has opted out; opting out has its own price."""

    def quoted(seen, rng):
        off = out_of(seen)
        jitter = noise * rng.standard_normal(len(off))
        extra = np.where(off, off_markup, markup) * seen["t0"] + surcharge * off
        return {"final": seen["base"] * (1 + seen["nights"]) * np.exp(extra + jitter)}

    return quoted


def out_of(seen):
    if "switch" in seen:
        return seen["switch"] == 1
    opted = np.zeros(seen["session"].max() + 1, bool)
    np.logical_or.at(opted, seen["session"], seen["step"] == "optout")
    return opted[seen["session"]]


def by_switch(shop, law_, seed=0, **changes):
    probe = OptOut(treat=("t0",), switch="switch", limit=LIMIT, **changes)
    study = shop.study({"final": "price"}, treated=("t0", "switch"))
    return shop.rehearse(probe, law_, study, seed=seed)


def by_step(shop, law_, seed=0):
    probe = OptOut(treat=("t0",), limit=LIMIT)
    study = shop.study({"final": "price"}, steps=("optout", "quote"))
    return shop.rehearse(probe, law_, study, seed=seed, queries=12_000)


def labels(shop, conduct):
    return tuple(shop.labels(conduct).values())


@pytest.mark.parametrize("ask", [by_switch, by_step])
@pytest.mark.parametrize("seed", range(3))
def test_a_switch_that_works_and_costs_nothing_is_cleared(shop, ask, seed):
    conduct = ask(shop, law(markup=0.05), seed)
    assert labels(shop, conduct) == ("cleared", "cleared")


@pytest.mark.parametrize("ask", [by_switch, by_step])
@pytest.mark.parametrize("seed", range(3))
def test_a_switch_that_does_nothing_is_found(shop, ask, seed):
    conduct = ask(shop, law(markup=0.04, off_markup=0.04), seed)
    assert labels(shop, conduct) == ("established", "cleared")
    ignored = next(iter(conduct.decisions.values())).evidence
    assert ignored.hypothesis.kind == "optout.ineffective"
    assert ignored.effect.value == pytest.approx(0.04, abs=0.01)


@pytest.mark.parametrize("ask", [by_switch, by_step])
@pytest.mark.parametrize("seed", range(3))
def test_whoever_opts_out_and_pays_for_it_is_found(shop, ask, seed):
    conduct = ask(shop, law(surcharge=math.log(1.03)), seed)
    assert labels(shop, conduct) == ("cleared", "established")
    dearer = list(conduct.decisions.values())[1].evidence
    assert dearer.effect.value == pytest.approx(math.log(1.03), abs=0.01)
    assert dearer.examples == ()
    assert dearer.hypothesis.subject is not None
    assert dearer.hypothesis.subject.kind == "optout.missing"
    # what is told in money is told at the price of those who stay
    assert dearer.base == pytest.approx(math.exp(5) * math.sqrt(2), rel=0.2)


def test_a_cheaper_price_for_whoever_opts_out_is_no_harm(shop):
    assert labels(shop, by_switch(shop, law(surcharge=-0.05))) == ("cleared", "cleared")


def test_prices_turned_upside_down_stay_finite(shop):
    study = shop.study({"final": "price"}, treated=("t0", "switch"))
    probe = OptOut(treat=("t0",), switch="switch", limit=LIMIT)
    conduct = shop.rehearse(probe, law(), study, queries=300)
    wave = conduct.waves[-1].wave
    observed = shop.answered(study, wave, 0, {"final": np.zeros(len(wave))})
    ledger = Ledger.of(observed, Surcharge(), 4)
    assert np.isfinite(ledger.score[ledger.asked]).all()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"switch": ""}, "optout"),
        ({"switch": "swich"}, "swich"),
        ({"switch": "t0"}, "t0"),
        ({"switch": "nights"}, "nights"),
        ({"switch": "switch", "off": "new"}, "new"),
        ({"switch": "switch", "off": "never"}, "never"),
    ],
)
def test_what_cannot_opt_out_is_not_testable(shop, changes, word):
    study = shop.study({"final": "price"}, treated=("t0", "switch"))
    why = OptOut(treat=("t0",), **changes).lacks(study)
    assert why is not None
    assert word in why["en"]
    assert word in why["zh"]


def test_a_plan_names_the_switch_and_its_level(shop):
    options = {"switch": "switch", "off": "old"}
    probe = make("optout.effect", {"treat": ["t0"], "options": options})
    assert isinstance(probe, OptOut)
    study = shop.study({"final": "price"}, treated=("t0", "switch"))
    assert probe.lacks(study) is None
    layout = probe.layout(study)
    assert layout.reference.changes == {"switch": 1}
    assert [dict(arm.changes) for arm in layout.arms] == [{"switch": 1, "t0": 1}, {}]
    hidden = replace(study, carried=study.carried - {"switch"})
    assert not any(one.delivered for one in probe.layout(hidden).compared)
