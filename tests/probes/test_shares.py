"""Flags and rounds, against a plain reading of the rule block by block."""

import math

import numpy as np
import pytest

from evenhand.metrics.share import LAST, ROUND
from evenhand.probes.contexts import Contexts, lay_out
from evenhand.probes.design import Observed, joined
from evenhand.probes.ledger import Ledger
from evenhand.probes.scores import FINAL
from evenhand.probes.shares import CONFIRMED, DROPPED, OPEN, UNDECIDED, quiet_blocks, read_shares

C = math.log(1.05)
NONE = np.full(1, -1)


def asked(contexts: int, rounds: dict[int, list[list[float]]], first: list[float]) -> Ledger:
    """Blocks whose treated arm is `first` above the reference, and rounds of re-asked gaps."""
    rng = np.random.default_rng(0)

    def wave(blocks, again, start):
        n = len(blocks)
        return lay_out(
            Contexts(persona=np.zeros(n, int), item=np.zeros(n, int), conditions={}, cue={}),
            arms=np.tile([True, False, True], (n, 1)),
            first_block=start,
            again=np.array(again),
            overrides={},
            rng=rng,
        )

    parts, number, start = [], 0, 0

    def answer(wave_, gaps, start):
        gap = np.array([gaps[b - start] for b in wave_.block])
        values = np.where(wave_.arm == 2, np.exp(gap), 1.0)
        kind = np.where(np.isnan(values), 2, 0).astype(np.int8)
        return Observed(
            waves=(wave_,),
            numbers=(number,),
            kind=kind,
            reason=np.zeros(len(wave_), dtype=np.int8),
            values={"final": values},
        )

    parts.append(answer(wave(range(contexts), [-1] * contexts, 0), first, 0))
    start = contexts
    for step in range(max((len(r) for r in rounds.values()), default=0)):
        number += 1
        again = [c for c, r in rounds.items() if step < len(r) for _ in range(ROUND)]
        gaps = [g for r in rounds.values() if step < len(r) for g in r[step]]
        parts.append(answer(wave(range(len(again)), again, start), gaps, start))
        start += len(again)
    return Ledger.of(joined(parts), FINAL, 3)


def states(ledger, *, quiet=False, direction="any"):
    return read_shares(ledger, 2, beyond=C, direction=direction, quiet=np.full(len(ledger), quiet))


def test_a_gap_within_the_limit_is_no_flag():
    found = states(asked(3, {}, [0.0, 0.04, -0.04]))
    assert not found.flagged.any()
    assert not found.hit.any()


def test_an_open_flag_counts_above_and_not_below():
    found = states(asked(2, {}, [0.1, 0.0]))
    assert found.flagged.tolist() == [True, False]
    assert found.state[0] == OPEN
    assert found.hit.tolist() == [True, False]
    assert not found.confirmed.any()


def test_four_pairs_within_the_limit_drop_a_flag_in_the_usual_tier_only():
    ledger = asked(1, {0: [[0.0] * 4]}, [0.1])
    assert states(ledger, quiet=False).state[0] == DROPPED
    assert states(ledger, quiet=True).state[0] == OPEN


def test_eight_pairs_beyond_confirm():
    assert states(asked(1, {0: [[0.1] * 4] * 2}, [0.1])).state[0] == CONFIRMED


def test_pairs_beyond_in_the_other_direction_do_not_count():
    assert states(asked(1, {0: [[-0.1] * 4]}, [0.1])).state[0] == DROPPED


def test_a_context_that_was_dropped_stays_dropped():
    """What was asked by mistake later cannot bring it back."""
    found = states(asked(1, {0: [[0.0] * 4, [0.1] * 4, [0.1] * 4]}, [0.1]))
    assert found.state[0] == DROPPED


def test_half_of_all_pairs_stays_undecided_to_the_end():
    rounds = [[0.1, 0.0, 0.1, 0.0]] * (LAST // ROUND)
    found = states(asked(1, {0: rounds}, [0.1]))
    assert found.state[0] == UNDECIDED
    assert found.hit[0]


def test_a_missing_pair_speaks_neither_for_nor_against():
    nan = math.nan
    assert states(asked(1, {0: [[0.0, 0.0, 0.0, nan]]}, [0.1])).state[0] == OPEN
    assert states(asked(1, {0: [[0.1] * 4, [0.1, 0.1, 0.1, nan]]}, [0.1])).state[0] == OPEN


def test_a_treated_arm_without_an_answer_is_a_hit_until_it_is_asked_again():
    nan = math.nan
    assert states(asked(2, {}, [nan, 0.0])).hit.tolist() == [True, False]
    sold_out = states(asked(2, {0: [[0.0, 0.0, 0.0, 0.0]]}, [nan, 0.0]))
    assert sold_out.hit.tolist() == [False, False]
    refused = states(asked(1, {0: [[nan] * 4] * (LAST // ROUND)}, [nan]))
    assert (refused.state[0], refused.hit[0]) == (UNDECIDED, True)
    dearer = states(asked(1, {0: [[0.1] * 4] * (LAST // ROUND)}, [nan]))
    assert dearer.state[0] == UNDECIDED, "it has no direction, so nobody confirms it"


def test_harm_looks_one_way():
    found = states(asked(2, {}, [0.1, -0.1]), direction="harm")
    assert found.flagged.tolist() == [True, False]


def test_a_price_of_zero_is_a_gap_and_two_are_none():
    ledger = asked(1, {}, [-math.inf])
    assert states(ledger).flagged.tolist() == [True]
    zero = Ledger(
        score=np.array([[-np.inf, np.nan, -np.inf]]),
        kind=np.array([[0, -1, 0]], dtype=np.int8),
        trial=np.array([[0, -1, 1]]),
        asks=np.array([[1, 0, 1]]),
        again=np.array([-1]),
        wave=np.array([0]),
    )
    assert zero.gap(2)[0] == 0.0
    assert zero.clipped_mean_terms(2, 0.4)[0] == 0.0


@pytest.mark.parametrize(("beyond", "quiet"), [(0, True), (1, True), (3, False)])
def test_the_tier_is_fixed_by_earlier_waves(beyond, quiet):
    """Of 100 earlier pairs one beyond the limit is quiet, three are not."""
    ledger = asked(100, {0: [[0.0] * 4]}, [0.1] * beyond + [0.0] * (100 - beyond))
    found = quiet_blocks(ledger, C)
    assert found[:100].all(), "nothing came before the first wave"
    assert found[100:].tolist() == [quiet] * 4


def test_direct_reading_agrees_on_random_rounds():
    """The columnar reading equals the rule applied context by context."""
    rng = np.random.default_rng(11)
    contexts = 60
    first = rng.choice([0.1, -0.1, 0.0], size=contexts).tolist()
    rounds = {
        c: rng.choice([0.1, 0.0, -0.1], p=[0.6, 0.3, 0.1], size=(rng.integers(0, 17), 4)).tolist()
        for c in range(contexts)
        if first[c]
    }
    rounds = {c: r for c, r in rounds.items() if r}
    found = states(asked(contexts, rounds, first))
    for place, c in enumerate(found.block.tolist()):
        assert found.state[place] == (slow(first[c], rounds.get(c, [])) if first[c] else OPEN)


def slow(first: float, rounds: list[list[float]]) -> int:
    confirm = dict(zip((8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64),
                       (8, 11, 14, 17, 20, 23, 26, 32, 37, 43, 48), strict=True))  # fmt: skip
    seen = n = 0
    for pairs in rounds:
        n += 4
        seen += sum(math.copysign(1, first) * gap > C for gap in pairs)
        if seen <= (n - 1) // 3 - 1:
            return DROPPED
        if n in confirm and seen >= confirm[n]:
            return CONFIRMED
        if n == LAST:
            return UNDECIDED
    return OPEN
