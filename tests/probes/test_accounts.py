"""Accounts of a pool: dealt by lot, evenly, and once where the account is the unit."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.conduct import Conduct, Rules
from evenhand.audit.decide import Family
from evenhand.datasets.personas import Table
from evenhand.probes.design import Observed

_spec = importlib.util.spec_from_file_location(
    "rehearsal", Path(__file__).parents[1] / "audit" / "rehearsal.py"
)
assert _spec is not None
assert _spec.loader is not None
rehearsal = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rehearsal)


def pool(n, tied=(), assigned=None, levels=("new", "old")):
    """The study with `n` accounts a level of t0, or `n` in all where nothing is tied."""
    study = rehearsal.study()
    columns = {"id": np.array([f"a{i}" for i in range(n * (len(levels) if tied else 1))])}
    if tied:
        columns["t0"] = np.repeat(np.array(levels), n)
    return replace(study, identities=Table(columns), tied=tied, assigned=assigned)


def audited(study, effect=0.0, queries=6_000, limit=rehearsal.LIMIT, bias=None):
    conduct = Conduct(
        study=study,
        questions=rehearsal.questions(study, limit),
        rules=Rules(family=Family(hypotheses=1, alpha=0.05, alpha_clear=0.05), queries=queries),
        rng=lambda number: np.random.default_rng([3, number]),
    )
    while (turn := conduct.next()) is not None:
        wave = turn.wave
        seen = rehearsal.columns(study, wave)
        prices = rehearsal.priced(lambda s: effect * s["t0"])(seen, np.random.default_rng(0))
        if bias is not None:
            prices = prices * bias[wave.identity]
        n = len(wave)
        conduct.take(
            turn,
            Observed(
                waves=(wave,),
                numbers=(turn.number,),
                kind=np.zeros(n, dtype=np.int8),
                reason=np.zeros(n, dtype=np.int8),
                values={"final": prices},
            ),
        )
    return conduct


def own(conduct):
    return [turn.wave for turn in conduct.waves if turn.question == "pricing.twins"]


def only(conduct):
    (decision,) = conduct.decisions.values()
    return decision


def test_every_session_has_an_account_and_no_block_one_twice():
    conduct = audited(pool(40))
    for turn in conduct.waves:
        wave = turn.wave
        assert (wave.identity >= 0).all()
        pairs = list(zip(wave.block.tolist(), wave.identity.tolist(), strict=True))
        assert len(pairs) == len(set(pairs))


def test_accounts_are_used_evenly():
    counts = np.bincount(np.concatenate([wave.identity for wave in own(audited(pool(40)))]))
    assert counts.max() - counts.min() <= 0.2 * counts.mean() + 3


def test_accounts_that_are_dear_by_themselves_are_noise_and_not_an_effect():
    """Half of the accounts pay 2 % more whatever they show: dealt by lot, it is nobody's effect."""
    bias = np.where(np.arange(60) % 2, 1.02, 1.0)
    assert only(audited(pool(60), bias=bias)).label == "cleared"


def test_tied_accounts_serve_once_and_carry_their_own_level():
    study = pool(120, tied=("t0",), assigned="lot")
    used = np.concatenate([wave.identity for wave in own(audited(study))])
    assert len(used) == len(set(used.tolist()))
    for wave in own(audited(study)):
        level = study.identities.columns["t0"][wave.identity]
        assert np.array_equal(level == "old", wave.arm == 2)


def test_few_tied_accounts_cannot_clear_and_say_how_far_they_reach():
    """Forty pairs with zero hits bound the share at 1 − .05^(1/40) = 7.2 %."""
    one = only(audited(pool(80, tied=("t0",), assigned="lot")))
    assert (one.label, one.evidence.unit) == ("inconclusive", "account")
    assert one.evidence.n == pytest.approx(40, abs=4)
    assert 0.06 < one.evidence.share.interval.high < 0.12


def test_enough_tied_accounts_clear():
    one = only(audited(pool(420, tied=("t0",), assigned="lot"), queries=20_000))
    assert one.label == "cleared"


def test_a_tied_effect_is_established_by_its_mean():
    one = only(audited(pool(200, tied=("t0",), assigned="lot"), effect=0.1))
    assert (one.label, one.mean) == ("established", "outside")


def test_what_testers_brought_themselves_is_indicated_at_most():
    one = only(audited(pool(200, tied=("t0",), assigned="self"), effect=0.1))
    assert one.label == "indicated"
    assert one.evidence.associational
