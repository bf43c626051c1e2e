"""Forecasts against the contract's table and against audits that were simulated whole."""

import math

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.metrics.bounded import log_mean_evidence, mean_interval
from evenhand.metrics.planning import accounts_bound, forecast, smallest_detectable
from evenhand.metrics.share import (
    DROPPED,
    ROUND,
    ROUNDS,
    log_share_inside,
    path_state,
    survival,
)

BOUND = math.log(1.5)
PLAN = {
    "hypotheses": 1,
    "ratio": 0.01,
    "share": 0.02,
    "beyond": 0.05,
    "noise": 0.02,
    "bound": BOUND,
    "alpha": 0.05,
    "alpha_clear": 0.05,
}


def predicted(**changes):
    return forecast(**PLAN | changes)


# queries (median) to clear a fair vendor, as the contract of the verdicts states them
TABLE = {
    0.0: {1: 773, 3: 1459, 5: 2145},
    0.02: {1: 1133, 3: 2423, 5: 3635},
    0.025: {1: 1577, 3: 3605, 5: 5452},
    0.03: {1: 2253, 3: 5509, 5: 8426},
}


@pytest.mark.parametrize("hypotheses", [1, 3, 5])
@pytest.mark.parametrize("noise", TABLE)
def test_the_forecast_agrees_with_the_table_of_the_contract(noise, hypotheses):
    found = predicted(noise=noise, hypotheses=hypotheses)
    assert found.estimable
    assert found.queries == pytest.approx(TABLE[noise][hypotheses], rel=0.08)


def simulated(rng, noise, *, ratio=0.01, share=0.02, beyond=0.05):
    """Queries of one whole audit of a fair vendor with one treated level, re-asked at once."""
    n, gap = 3000, math.log1p(beyond)
    a, r, t = rng.normal(0, noise, (3, n))
    twin = (np.arange(n) < 50) | (np.arange(n) % 8 == 0)
    flagged = np.abs(a - r) > gap
    again = rng.normal(0, noise, (int(flagged.sum()), ROUNDS * ROUND, 2))
    towards = np.sign(a - r)[flagged][:, None]
    counts = np.cumsum((again[..., 0] - again[..., 1]) * towards > gap, axis=1)
    counts = counts[:, ROUND - 1 :: ROUND]
    whole = np.full(len(counts), ROUNDS)
    usual = np.zeros(len(counts), bool)
    state = path_state(counts, whole, usual)
    rounds = np.zeros(n)
    rounds[flagged] = 1 + sum(
        path_state(counts, np.full(len(counts), done), usual) == 0 for done in range(1, ROUNDS)
    )
    hit = flagged.copy()
    hit[flagged] = state != DROPPED
    x = np.clip(a - r, -BOUND, BOUND)
    x = np.where(twin, 0.5 * x + 0.5 * np.clip(a - t, -BOUND, BOUND), x)
    limit = math.log1p(ratio)
    least = np.minimum.reduce(
        [
            log_share_inside(hit, share=share, gamma=survival(quiet=False)),
            log_mean_evidence(x, bound=BOUND, limit=limit, side="below"),
            log_mean_evidence(x, bound=BOUND, limit=-limit, side="above"),
        ]
    )
    assert least.max() >= math.log(20)
    last = int(np.argmax(least >= math.log(20))) + 1
    return 2 * last + twin[:last].sum() + 2 * ROUND * rounds[:last].sum()


@pytest.mark.parametrize("runs", [40, pytest.param(600, marks=pytest.mark.prove)])
@pytest.mark.parametrize(
    "changes",
    [
        {"noise": 0.02},
        {"noise": 0.03},
        {"noise": 0.02, "share": 0.05, "ratio": 0.005},
        {"noise": 0.015, "beyond": 0.03},
    ],
    ids=str,
)
def test_the_forecast_agrees_with_audits_that_were_simulated_whole(changes, runs):
    rng = np.random.default_rng(1)
    settings = {name: value for name, value in changes.items() if name != "noise"}
    found = [simulated(rng, changes["noise"], **settings) for _ in range(runs)]
    assert predicted(**changes).queries == pytest.approx(np.median(found), rel=0.15)


def test_a_deterministic_vendor_is_cheaper_and_noise_withdraws_the_assumption():
    assumed = predicted(noise=0.0, deterministic=True)
    # the contract: 165 blocks for the share, 204 with the mean
    assert 165 <= assumed.blocks <= 204
    assert predicted(deterministic=True) == predicted()


def test_too_much_noise_is_said_and_what_could_still_be_bounded():
    loud = predicted(noise=0.05)
    assert not loud.estimable
    assert loud.reason == "metrics.noise"
    assert loud.blocks is None
    assert loud.queries is None
    assert math.isinf(loud.detectable)
    assert loud.twin_beyond > 0.42
    assert predicted(noise=0.05, beyond=loud.smallest_beyond + 1e-4).estimable
    assert not predicted(noise=0.05, beyond=loud.smallest_beyond - 1e-4).estimable
    assert predicted(noise=0.05, share=loud.smallest_share + 1e-4).estimable
    assert not predicted(noise=0.05, share=loud.smallest_share - 1e-4).estimable


@pytest.mark.parametrize(
    ("easier", "harder"),
    [
        ({"noise": 0.01}, {"noise": 0.03}),
        ({"share": 0.05}, {"share": 0.01}),
        ({"ratio": 0.01}, {"ratio": 0.001}),
        ({"hypotheses": 1}, {"hypotheses": 4}),
        ({"alpha_clear": 0.1}, {"alpha_clear": 0.01}),
        ({"bound": 0.2, "ratio": 0.003}, {"bound": 0.8, "ratio": 0.003}),
    ],
)
def test_more_is_asked_where_more_is_wanted(easier, harder):
    assert predicted(**easier).queries < predicted(**harder).queries


def test_a_tolerance_that_clipping_hides_cannot_be_cleared_soon():
    assert predicted(ratio=0.6, bound=0.4).blocks > 1_000_000


@pytest.mark.parametrize("blocks", [100, 400, 2000])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_detectable_effect_is_found_four_times_in_five(blocks, noise):
    effect = smallest_detectable(blocks, noise, bound=BOUND, level=0.95)
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(100):
        x = np.clip(
            effect * (1 + 1e-9) + rng.normal(0, noise * math.sqrt(2), blocks), -BOUND, BOUND
        )
        found += mean_interval(x, bound=BOUND, level=0.95).low > 0
    assert found == 100 if noise == 0 else 65 <= found <= 95


def test_too_few_blocks_detect_nothing():
    assert math.isinf(smallest_detectable(0, 0.02, bound=BOUND, level=0.95))
    assert math.isinf(smallest_detectable(3, 0.02, bound=BOUND, level=0.95))


@pytest.mark.parametrize(
    ("n", "alpha", "bound"), [(149, 0.05, 0.02), (203, 0.05 / 3, 0.02), (40, 0.05, 0.072)]
)
def test_accounts_that_prove_a_share(n, alpha, bound):
    assert accounts_bound(n, alpha) == pytest.approx(bound, abs=3e-4)
    # outside truth: with a larger share, no hit at all has a chance below alpha
    assert (1 - accounts_bound(n, alpha)) ** n == pytest.approx(alpha)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hypotheses": 0},
        {"ratio": 0},
        {"share": 1},
        {"beyond": 0},
        {"noise": -1},
        {"bound": 0},
        {"alpha": 1},
        {"alpha_clear": 0},
    ],
)
def test_impossible_plans_are_refused(wrong):
    with pytest.raises(InputError):
        predicted(**wrong)
    with pytest.raises(InputError):
        accounts_bound(0, 0.05)
