"""Engine 3 against outside truth: enumeration, published constants, simulated vendors."""

from itertools import product
from math import comb

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.metrics import share as engine
from evenhand.metrics.share import (
    LAST,
    ROUND,
    ROUNDS,
    estimable,
    expected_rounds,
    false_confirmation,
    log_share_beyond,
    log_share_inside,
    not_dropped,
    path_state,
    round_state,
    share_interval,
    survival,
)

FULL = pytest.mark.prove
nulls = pytest.mark.parametrize("nulls", [400, pytest.param(10_000, marks=FULL)])
OPEN, DROPPED, CONFIRMED, UNDECIDED = range(4)
SHARE = 0.02


def paths(rng, chance, m):
    """Cumulative counts of pairs beyond c after each round; `chance` may differ by context."""
    pairs = rng.random((m, LAST)) < np.broadcast_to(chance, m)[:, None]
    return pairs, np.cumsum(pairs, axis=1)[:, ROUND - 1 :: ROUND]


def settled(rng, chance, m, quiet):
    _, counts = paths(rng, chance, m)
    return path_state(counts, np.full(m, ROUNDS), np.full(m, quiet))


# ----------------------------------------------------------------------------------- rounds


USUAL_DROPS = {n: (n - 1) // 3 - 1 for n in range(4, 65, 4)}
QUIET_DROPS = USUAL_DROPS | {4: -1, 8: 0, 12: 1, 16: 3, 20: 4, 24: 6}
CONFIRMS = {
    8: 8, 12: 11, 16: 14, 20: 17, 24: 20, 28: 23, 32: 26, 40: 32, 48: 37, 56: 43, 64: 48,
}  # fmt: skip


@pytest.mark.parametrize("quiet", [False, True])
def test_every_look_is_the_one_of_the_contract(quiet):
    drops = QUIET_DROPS if quiet else USUAL_DROPS
    for asked, beyond in product(range(LAST + 1), range(LAST + 1)):
        if beyond > asked:
            continue
        expected = UNDECIDED if asked == LAST else OPEN
        if beyond <= drops.get(asked, -1):
            expected = DROPPED
        elif beyond >= CONFIRMS.get(asked, 99):
            expected = CONFIRMED
        assert round_state([beyond], [asked], [quiet])[0] == expected


def walk(counts, rounds, quiet):
    """The path, one look after the other."""
    for place in range(rounds):
        state = round_state([counts[place]], [(place + 1) * ROUND], [quiet])[0]
        if state != OPEN:
            return state
    return OPEN


def test_a_path_ends_at_its_first_terminal_look():
    rng = np.random.default_rng(1)
    chances = rng.uniform(0.2, 1, 400)
    _, counts = paths(rng, chances, 400)
    rounds = rng.integers(0, ROUNDS + 1, 400)
    quiet = rng.random(400) < 0.5
    found = path_state(counts, rounds, quiet)
    assert found.tolist() == [
        walk(c, int(r), bool(q)) for c, r, q in zip(counts, rounds, quiet, strict=True)
    ]
    assert set(found.tolist()) == {OPEN, DROPPED, CONFIRMED, UNDECIDED}


def test_what_stands_after_the_rounds_asked_is_ignored():
    counts = np.full((1, ROUNDS), 99)
    counts[0, :2] = [3, 5]
    assert path_state(counts, [2], [False])[0] == OPEN


def test_dropping_is_monotone_in_every_pair():
    rng = np.random.default_rng(2)
    pairs, counts = paths(rng, 0.4, 3000)
    more = np.cumsum(pairs | (rng.random(pairs.shape) < 0.1), axis=1)[:, ROUND - 1 :: ROUND]
    full, quiet = np.full(3000, ROUNDS), rng.random(3000) < 0.5
    survived = path_state(counts, full, quiet) != DROPPED
    assert (path_state(more, full, quiet)[survived] != DROPPED).all()
    assert 0 < survived.sum() < 3000


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("chance", [0.1, 0.5])
def test_the_recursion_agrees_with_every_outcome_of_three_rounds(chance, quiet):
    rounds = 3
    reached = np.zeros(rounds + 1)
    for rises in product(range(ROUND + 1), repeat=rounds):
        weight = np.prod([comb(ROUND, k) * chance**k * (1 - chance) ** (ROUND - k) for k in rises])
        counts = np.cumsum(rises)
        for done in range(rounds + 1):
            reached[done] += weight * (walk(counts, done, quiet) == OPEN)
    np.testing.assert_allclose(expected_rounds(chance, quiet)[: rounds + 1], reached, atol=1e-12)


def test_the_published_constants():
    assert round(survival(quiet=False), 4) == 0.4437
    assert round(survival(quiet=True), 4) == 0.4830
    assert round(false_confirmation(quiet=False), 4) == round(false_confirmation(quiet=True), 4)
    assert round(false_confirmation(quiet=False), 4) == 0.0077
    assert survival(quiet=False, reproducible=0.8) == pytest.approx(0.8, abs=2e-3)
    assert survival(quiet=False, reproducible=1.0) == 1.0


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("chance", [0.05, 0.3, 0.5])
def test_the_recursion_agrees_with_simulated_contexts(chance, quiet):
    m = 20_000
    states = settled(np.random.default_rng(3), chance, m, quiet)
    error = 4 * 0.5 / np.sqrt(m)
    assert np.mean(states != DROPPED) == pytest.approx(not_dropped(chance, quiet), abs=error)
    if chance == 0.5:
        few = 4 * np.sqrt(false_confirmation(quiet) / m)
        assert np.mean(states == CONFIRMED) == pytest.approx(false_confirmation(quiet), abs=few)


def test_noise_makes_the_share_unknowable_at_the_stated_point():
    # in practice when more than about 42 % of twins lie beyond c, says the contract
    assert estimable(0.205, SHARE, quiet=False)
    assert not estimable(0.22, SHARE, quiet=False)


# ------------------------------------------------------------------------------ what it costs


@pytest.mark.parametrize(
    ("gamma", "blocks"),
    [(survival(quiet=True), 343), (survival(quiet=False), 373), (1.0, 165), (0.8, 207)],
)
def test_blocks_without_a_hit_that_bound_the_share(gamma, blocks):
    path = log_share_inside(np.zeros(500, bool), share=SHARE, gamma=gamma)
    assert int(np.argmax(path >= np.log(20))) + 1 == blocks


def test_one_hit_delays_and_does_not_end_the_evidence():
    hit = np.zeros(1000, bool)
    hit[100] = True
    path = log_share_inside(hit, share=SHARE, gamma=survival(quiet=False))
    # a sample of fixed size, planned for one hit, would need 533 blocks (Clopper and Pearson)
    assert 533 < int(np.argmax(path >= np.log(20))) + 1 < 1.5 * 533


# ------------------------------------------------------------------------------------- exact


@pytest.mark.parametrize("share", [0.01, 0.02, 0.3])
@pytest.mark.parametrize("gamma", [0.4437, 1.0])
def test_at_the_limit_a_block_is_worth_nothing(share, gamma):
    rate = share * gamma
    hit, miss = (
        np.exp(log_share_inside([value], share=share, gamma=gamma)[0]) for value in (True, False)
    )
    assert rate * hit + (1 - rate) * miss == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("share", [0.01, 0.02, 0.3])
@pytest.mark.parametrize("flagged", [0.0, 0.1, 1.0])
def test_flags_that_are_confirmed_by_chance_alone_are_worth_nothing(share, flagged):
    # hit contexts are confirmed always, of the others `flagged` are flagged and pi of those confirmed
    pi = engine.FALSE_CONFIRMATION
    none, lost, won = (
        np.exp(log_share_beyond([flag], [kept], share=share)[0])
        for flag, kept in ((False, False), (True, False), (True, True))
    )
    chance_won = share + (1 - share) * flagged * pi
    chance_lost = (1 - share) * flagged * (1 - pi)
    mean = chance_won * won + chance_lost * lost + (1 - chance_won - chance_lost) * none
    assert mean == pytest.approx(1, abs=1e-12)


def test_a_confirmation_without_a_flag_counts_for_nothing():
    plain = log_share_beyond([False] * 5, [False] * 5, share=SHARE)
    assert (log_share_beyond([False] * 5, [True] * 5, share=SHARE) == plain).all()


# ------------------------------------------------------------------ never more than it says


# chance that one quote of a hit context, and of one that is not, lies beyond c: the least that a
# hit one can have and the most that another can have are both ½
VENDORS = {
    "effect at the median, quiet": (0.5, 0.0),
    "effect at the median, noise": (0.5, 0.1),
    "effect in every quote": (1.0, 0.02),
    "noise at its largest": (0.9, 0.5),
}


def audit(rng, share, chances, blocks, quiet):
    """Flags and settled rounds of contexts of which `share` are hit."""
    chance = np.where(rng.random(blocks) < share, *chances)
    flagged = rng.random(blocks) < chance
    state = np.zeros(blocks, dtype=np.int8)
    state[flagged] = settled(rng, chance[flagged], int(flagged.sum()), quiet)
    return flagged, state


def too_many(found, of, cells, alpha=0.05):
    from scipy.stats import binom

    return binom.sf(found - 1, of, alpha) < 0.01 / cells


@nulls
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("chances", VENDORS.values(), ids=VENDORS)
def test_a_share_at_the_limit_is_hardly_ever_bounded(chances, quiet, nulls):
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(nulls):
        flagged, state = audit(rng, SHARE, chances, 800, quiet)
        hit = flagged & (state != DROPPED)
        found += log_share_inside(hit, share=SHARE, gamma=survival(quiet)).max() >= np.log(20)
    assert not too_many(found, nulls, 2 * len(VENDORS))


@nulls
@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("chances", VENDORS.values(), ids=VENDORS)
def test_a_share_at_the_limit_is_hardly_ever_said_to_lie_beyond(chances, quiet, nulls):
    rng = np.random.default_rng(5)
    found = 0
    for _ in range(nulls):
        flagged, state = audit(rng, SHARE, chances, 800, quiet)
        found += log_share_beyond(flagged, state == CONFIRMED, share=SHARE).max() >= np.log(20)
    assert not too_many(found, nulls, 2 * len(VENDORS))


def test_the_crossing_rules_fail_on_the_wrong_side():
    rng = np.random.default_rng(6)
    inside = beyond = 0
    for _ in range(60):
        flagged, state = audit(rng, 0.0, (1.0, 0.02), 800, quiet=False)
        hit = flagged & (state != DROPPED)
        inside += log_share_inside(hit, share=SHARE, gamma=0.4437).max() >= np.log(20)
        flagged, state = audit(rng, 0.06, (1.0, 0.02), 800, quiet=False)
        beyond += log_share_beyond(flagged, state == CONFIRMED, share=SHARE).max() >= np.log(20)
    assert too_many(inside, 60, 8)
    assert too_many(beyond, 60, 8)


def test_open_flags_never_help_either_claim():
    rng = np.random.default_rng(7)
    flagged, state = audit(rng, 0.05, (1.0, 0.02), 400, quiet=False)
    still = flagged & (rng.random(400) < 0.5)
    known = np.where(still, OPEN, state)
    before = log_share_inside(flagged & (known != DROPPED), share=SHARE, gamma=0.4437)
    after = log_share_inside(flagged & (state != DROPPED), share=SHARE, gamma=0.4437)
    assert (before <= after + 1e-12).all()
    before = log_share_beyond(flagged, known == CONFIRMED, share=SHARE)
    assert (before <= log_share_beyond(flagged, state == CONFIRMED, share=SHARE) + 1e-12).all()


# ---------------------------------------------------------------------------------- interval


def test_the_interval_is_what_the_evidence_does_not_reject():
    rng = np.random.default_rng(8)
    flagged, state = audit(rng, 0.1, (1.0, 0.05), 600, quiet=False)
    confirmed, hit = state == CONFIRMED, flagged & (state != DROPPED)
    gamma = survival(quiet=False)
    found = share_interval(flagged, confirmed, hit, gamma=gamma, level=0.95)
    assert 0 < found.low < 0.1 < found.high < 0.35
    needed, step = np.log(40), 1e-7

    def beyond(share):
        return np.max(log_share_beyond(flagged, confirmed, share=share))

    def inside(share):
        return log_share_inside(hit, share=share, gamma=gamma)[-1]

    assert beyond(found.low - step) > needed > beyond(found.low + step)
    assert inside(found.high + step) > needed > inside(found.high - step)


@nulls
def test_the_interval_covers_at_all_sample_sizes_at_once(nulls):
    rng = np.random.default_rng(9)
    reps, missed = nulls // 4, 0
    for _ in range(reps):
        flagged, state = audit(rng, 0.05, (0.5, 0.05), 600, quiet=False)
        confirmed, hit = state == CONFIRMED, flagged & (state != DROPPED)
        found = [
            share_interval(
                flagged[:n], confirmed[:n], hit[:n], gamma=survival(quiet=False), level=0.9
            )
            for n in (50, 200, 600)
        ]
        missed += any(not one.low <= 0.05 <= one.high for one in found)
    assert not too_many(missed, reps, 1, 0.1)


def test_extreme_samples_have_sound_intervals():
    empty = share_interval([], [], [], gamma=0.4437, level=0.95)
    assert (empty.low, empty.high) == (0.0, 1.0)
    every = np.ones(500, bool)
    found = share_interval(every, every, every, gamma=1.0, level=0.95)
    assert found.low > 0.95
    assert found.high == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: round_state([1, 2], [4], [False]),
        lambda: round_state([1], [65], [False]),
        lambda: path_state(np.zeros((2, 5)), [1, 1], [False, False]),
        lambda: log_share_inside([True], share=0.0, gamma=0.5),
        lambda: log_share_inside([True], share=0.5, gamma=1.5),
        lambda: log_share_beyond([True], [True, False], share=0.5),
        lambda: survival(quiet=False, reproducible=0.3),
        lambda: not_dropped(1.2, quiet=False),
        lambda: share_interval([True], [True], [True], gamma=0.5, level=1.0),
    ],
)
def test_what_cannot_be_used_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_the_lower_bound_agrees_with_the_verdict():
    """It lies above a limit exactly where the evidence against the limit was ever high enough."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        flagged = rng.random(200) < 0.15
        confirmed = flagged & (np.arange(200) < 60) & (rng.random(200) < 0.8)
        found = share_interval(flagged, confirmed, flagged, gamma=0.4437, level=0.9)
        for limit in (0.01, 0.02, 0.05, 0.1):
            shown = np.max(log_share_beyond(flagged, confirmed, share=limit)) >= np.log(20)
            assert shown == (found.low > limit)
