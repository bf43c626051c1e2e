"""Shapley values against their definition, and against shap's own estimator."""

import warnings
from itertools import permutations
from math import factorial

import numpy as np
import pytest

from evenhand.audit.explain.shapley import along, orders, walk, weights


def brute(value, players):
    """The definition: the mean marginal contribution over all orders."""
    out = np.zeros(players)
    for order in permutations(range(players)):
        mask = 0
        for player in order:
            out[player] += value[mask | 1 << player] - value[mask]
            mask |= 1 << player
    return out / factorial(players)


@pytest.mark.parametrize("players", [1, 2, 3, 4, 6])
def test_enumeration_is_the_definition_and_adds_up(players):
    value = np.random.default_rng(players).normal(size=1 << players)
    found = value @ weights(players)
    np.testing.assert_allclose(found, brute(value, players), atol=1e-12)
    assert found.sum() == pytest.approx(value[-1] - value[0])


@pytest.mark.parametrize("players", [1, 2, 3, 5, 9])
def test_a_walk_asks_one_more_than_its_players_and_adds_up(players):
    rng = np.random.default_rng(players)
    masks = walk(rng.permutation(players))
    assert len(masks) == players + 1
    value = rng.normal(size=len(masks))
    found = along(masks, value, players)
    assert found.sum() == pytest.approx(value[-1] - value[0])


def test_a_walk_and_its_reverse_are_exact_where_players_act_in_pairs():
    players, rng = 6, np.random.default_rng(1)
    pair = rng.normal(size=(players, players))
    inside = (np.arange(1 << players)[:, None] >> np.arange(players)) & 1
    value = np.einsum("mi,ij,mj->m", inside, pair, inside)
    found = [along(walk(o), value[walk(o)], players) for o in orders(4, players, rng)]
    np.testing.assert_allclose(np.mean(found, axis=0), brute(value, players))


def test_walks_are_unbiased_where_many_act_together():
    players = 4
    value = np.random.default_rng(2).normal(size=1 << players)
    found = [
        along(masks, value[masks], players)
        for order in permutations(range(players))
        for masks in [walk(np.array(order))]
    ]
    np.testing.assert_allclose(np.mean(found, axis=0), brute(value, players), atol=1e-12)


def test_shap_says_the_same_of_a_game():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap
    players = 4
    value = np.random.default_rng(3).normal(size=1 << players)

    def model(x):
        return value[(x.astype(int) << np.arange(players)).sum(axis=1)]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explainer = shap.explainers.Exact(model, np.zeros((1, players)))
        theirs = explainer(np.ones((1, players))).values[0]
    np.testing.assert_allclose(value @ weights(players), theirs, atol=1e-9)
