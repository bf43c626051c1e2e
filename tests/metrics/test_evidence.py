"""Averages of evidence and calibrators: exact expectations by enumeration and by integration."""

from itertools import product

import numpy as np
import pytest
from scipy import integrate, stats

from evenhand.errors import InputError
from evenhand.metrics.dependence import log_dependence
from evenhand.metrics.evidence import e_to_p, log_average, p_to_log_e
from evenhand.metrics.sequential import discordant_pairs, rate_difference

FULL = pytest.mark.prove


def rng(seed=1):
    return np.random.default_rng(seed)


# -------------------------------------------------------------------------------------- averages


def null_evidence(seed, sources=4, states=7):
    """E-values on a null law of a few states that hang together in whatever way; -inf too."""
    draws = rng(seed)
    law = draws.dirichlet(np.ones(states))
    e = draws.exponential(1, (sources, states)) * (draws.random((sources, states)) < 0.7)
    e[:, 0] += 0.1
    return law, e / (e @ law)[:, None]


def logs(values):
    with np.errstate(divide="ignore"):
        return np.log(values)


@pytest.mark.parametrize("weights", [None, [1, 1, 1, 1], [5, 0, 1, 2]])
@pytest.mark.parametrize("seed", range(20))
def test_an_average_has_expectation_one_however_the_sources_depend(seed, weights):
    law, e = null_evidence(seed)
    np.testing.assert_allclose(e @ law, 1)
    assert law @ np.exp(log_average(logs(e), weights=weights)) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_the_largest_of_several_has_more(seed):
    law, e = null_evidence(seed)
    assert law @ e.max(axis=0) > 1.05


def test_an_average_of_processes_is_one_and_one_of_running_maxima_is_not():
    # every sequence of nine coins, two tests of the same pairs
    processes, peaks = 0.0, 0.0
    for pattern in product([0, 1], repeat=9):
        more = np.array(pattern)
        paths = [test(more, 1 - more).log_e for test in (rate_difference, discordant_pairs)]
        processes += np.exp(log_average(paths)[-1]) / 2**9
        peaks += np.exp(log_average(np.maximum.accumulate(paths, axis=1))[-1]) / 2**9
    assert processes == pytest.approx(1)
    assert peaks > 1.2


@pytest.mark.parametrize("runs", [300, pytest.param(4_000, marks=FULL)])
def test_averaged_over_seeds_it_crosses_no_more_often_and_the_best_seed_does(runs):
    draws = rng(3)
    averaged = best = 0
    for _ in range(runs):
        prices = draws.normal(5, 0.02, (40, 3))
        # a seed deals the labels of the same answers anew
        paths = np.array(
            [log_dependence(draws.permuted(prices, axis=1), np.full(40, 3)) for _ in range(20)]
        )
        averaged += log_average(paths).max() >= np.log(20)
        best += paths.max() >= np.log(20)
    assert stats.binom.sf(averaged - 1, runs, 0.05) > 0.01
    assert best > 0.15 * runs


def test_strata_count_by_their_weights_and_their_order_does_not():
    e = logs([40.0, 3.0, 0.0])
    assert np.exp(log_average(e, weights=[1, 1, 2])) == pytest.approx(10.75)
    assert np.exp(log_average(e[::-1], weights=[2, 1, 1])) == pytest.approx(10.75)
    assert log_average(np.full((3, 2), -np.inf)).tolist() == [-np.inf] * 2
    assert log_average([np.inf, 0.0]) == np.inf
    assert log_average([[900.0], [905.0]])[0] == pytest.approx(905 + np.log((1 + np.exp(-5)) / 2))


# ------------------------------------------------------------------------------------ calibrators


@pytest.mark.parametrize("kappa", [None, 0.1, 0.5, 0.9])
def test_calibrated_evidence_has_expectation_one(kappa):
    # over the depth −log p, whose law is exponential where p is uniform
    def density(depth):
        return float(np.exp(p_to_log_e([np.exp(-depth)], kappa=kappa)[0] - depth))

    seen = (
        integrate.quad(density, 0, 1, limit=200)[0] + integrate.quad(density, 1, 40, limit=500)[0]
    )
    # deeper than 40 lies the integral of kappa · exp(−kappa · depth), or its average over kappa
    beyond = (1 - np.exp(-40)) / 40 if kappa is None else np.exp(-kappa * 40)
    assert seen + beyond == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("p", [0.9, 0.2, 0.01, 1e-8])
def test_the_default_is_the_average_over_all_kappa(p):
    peer = integrate.quad(lambda kappa: kappa * p ** (kappa - 1), 0, 1)[0]
    assert np.exp(p_to_log_e([p])[0]) == pytest.approx(peer, rel=1e-8)


@pytest.mark.parametrize("kappa", [None, 0.3])
def test_there_and_back_never_gains(kappa):
    p = np.concatenate([np.logspace(-300, 0, 200), 1 - np.logspace(-16, -1, 40), [0.0]])
    e = p_to_log_e(np.sort(p), kappa=kappa)
    assert (np.diff(e) <= 0).all()
    assert e[0] == np.inf
    assert (e_to_p(e) >= np.sort(p)).all()


def test_evidence_becomes_the_inverse_and_never_nothing():
    assert e_to_p(logs([[20.0, 1.0], [0.3, 0.0]])) == pytest.approx(np.array([[0.05, 1], [1, 1]]))
    assert e_to_p(1e6) > 0
    found = rate_difference(np.ones(30), np.zeros(30))
    assert found.p_value == e_to_p(found.log_e.max())


@pytest.mark.parametrize("seed", range(3))
def test_p_values_of_evidence_are_valid_by_enumeration(seed):
    law, e = null_evidence(seed)
    p = e_to_p(log_average(logs(e)))
    for level in np.unique(p):
        assert law[p <= level].sum() <= level + 1e-12


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: log_average([]), "(sources, …)"),
        (lambda: log_average(1.0), "(sources, …)"),
        (lambda: log_average([1.0, np.nan]), "nan"),
        (lambda: log_average([1.0, 2], weights=[1]), "(2,)"),
        (lambda: log_average([1.0, 2], weights=[1, -1]), "weights that are not negative"),
        (lambda: log_average([1.0, 2], weights=[0, 0]), "not all 0"),
        (lambda: log_average([1.0, 2], weights=[1, np.nan]), "weights"),
        (lambda: e_to_p([np.nan]), "nan"),
        (lambda: p_to_log_e([1.5]), "p_values must be numbers between 0 and 1"),
        (lambda: p_to_log_e([0.5], kappa=1), "kappa must be"),
    ],
)
def test_bad_input_is_one_sentence(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in caught.value.text("en")
    assert caught.value.text("zh").endswith("。")
