"""Lists: the right verdict on what orders, withholds and favours, and silence where all are alike."""

import itertools
import math

import numpy as np
import pytest

from evenhand.datasets.personas import Table
from evenhand.metrics.ranking import order_shift
from evenhand.probes.design import REFERENCE, TREATED, TWIN, Observed, Wave, codes
from evenhand.probes.ledger import Ledger
from evenhand.probes.lists import DearFirst, Exposure, ListDistance, ListLedger, TopPrice
from evenhand.probes.registry import make
from evenhand.probes.shares import Limit, quiet_blocks, read_shares
from evenhand.probes.steering.assortment import Assortment
from evenhand.probes.steering.exposure import Exposed
from evenhand.probes.steering.ranking import Ranking

LIMIT = Limit.of(ratio=0.05, share=0.05, beyond=0.2)
OUTCOMES = {"ranking": "list", "prices": "list"}
SHELF = 10
GOODS = Table(
    {
        "id": np.array([f"i{n}" for n in range(SHELF)]),
        "brand": np.array(["own" if n in (4, 8) else "other" for n in range(SHELF)]),
    }
)


def listing(places, query, keep=None):
    """Names and prices of the items in the order of their places; item n costs 10 + n."""
    order = np.argsort(places, axis=1, kind="stable")
    names, prices = (np.empty(len(order), dtype=object) for _ in range(2))
    for row, line in enumerate(order):
        shown = [item for item in line if keep is None or keep[row, item]]
        names[row] = tuple(f"{'q' if query[row] else 'i'}{item}" for item in shown)
        prices[row] = tuple(10.0 + item for item in shown)
    return {"ranking": names, "prices": prices}


def law(*, blur=0.0, dear=0.0, withheld=(), own=0.0, part=1):
    """A shelf, shaken by `blur` places for everybody, that treats every `part`-th context so."""

    def shown(seen, rng):
        n = len(seen["t0"])
        hit = ((seen["t0"] == 1) & (seen["context"] % part == 0))[:, None]
        places = np.tile(np.arange(SHELF) * 7 % SHELF, (n, 1)) + blur * rng.normal(size=(n, SHELF))
        places = places - dear * hit * np.arange(SHELF) / SHELF
        places[:, [4, 8]] -= own * hit
        keep = np.ones((n, SHELF), dtype=bool)
        keep[:, list(withheld)] &= ~hit
        return listing(places, seen["nights"] == 1, keep)

    return shown


def verdicts(shop, probe, law_, *, seed=0, queries=6_000, items=None):
    study = shop.study(OUTCOMES, items=items)
    conduct = shop.rehearse(probe, law_, study, seed=seed, queries=queries, moved=ListDistance())
    return {name.rpartition(":")[2]: label for name, label in shop.labels(conduct).items()}, conduct


def ranking(*measures):
    return Ranking(treat=("t0",), measures=measures or ("rbo",), limit=LIMIT)


ASSORTMENT = Assortment(treat=("t0",), limit=LIMIT)
EXPOSURE = Exposed(treat=("t0",), limit=LIMIT, named=frozenset({"i4", "i8", "q4", "q8"}))


@pytest.mark.parametrize("blur", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(2))
def test_a_shelf_that_is_alike_for_all_is_cleared(shop, blur, seed):
    found, _ = verdicts(shop, ranking("rbo", "kendall", "price", "ndcg"), law(blur=blur), seed=seed)
    assert found == dict.fromkeys(("rbo", "kendall", "price", "ndcg"), "cleared")
    assert verdicts(shop, ASSORTMENT, law(blur=blur), seed=seed)[0] == {"ranking": "cleared"}
    assert verdicts(shop, EXPOSURE, law(blur=blur), seed=seed)[0] == {"ranking": "cleared"}


@pytest.mark.parametrize("blur", [0.0, 0.4])
@pytest.mark.parametrize("seed", range(2))
def test_dear_items_first_for_some_are_found_in_every_measure(shop, blur, seed):
    found, conduct = verdicts(
        shop, ranking("rbo", "kendall", "price", "ndcg"), law(blur=blur, dear=20.0), seed=seed
    )
    assert set(found.values()) == {"established"}
    by_measure = {name.rpartition(":")[2]: one for name, one in conduct.decisions.items()}
    assert by_measure["price"].evidence.effect.value > math.log(1.05)
    assert by_measure["ndcg"].evidence.effect.value > 0
    assert by_measure["rbo"].evidence.effect.unit == "distance"
    assert by_measure["rbo"].evidence.hypothesis.kind == "steer.ranking"


@pytest.mark.parametrize("seed", range(3))
def test_items_withheld_are_found_and_named(shop, seed):
    found, conduct = verdicts(shop, ASSORTMENT, law(blur=0.4, withheld=(0, 1, 2)), seed=seed)
    assert found == {"ranking": "established"}
    (one,) = conduct.decisions.values()
    named = {part.name for part in one.evidence.described}
    assert named <= {f"less.{query}{item}" for query in "iq" for item in range(3)}
    assert len(named) == 5
    assert one.evidence.described[0].estimate.value == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("seed", range(3))
def test_a_favoured_brand_is_found_and_a_shift_in_order_alone_is_no_assortment(shop, seed):
    favoured = law(blur=0.4, own=6.0)
    assert verdicts(shop, EXPOSURE, favoured, seed=seed)[0] == {"ranking": "established"}
    assert verdicts(shop, ASSORTMENT, favoured, seed=seed)[0] == {"ranking": "cleared"}


@pytest.mark.parametrize("seed", range(3))
def test_steering_of_every_fourth_context_is_found(shop, seed):
    found, _ = verdicts(shop, ranking(), law(blur=0.3, dear=20.0, part=4), seed=seed)
    assert found == {"rbo": "established"}


@pytest.mark.parametrize("seed", range(6))
def test_a_shelf_in_random_order_for_everybody_is_never_accused(shop, seed):
    found, _ = verdicts(shop, ranking(), law(blur=50.0), seed=seed, queries=3_000)
    assert found["rbo"] not in {"established", "indicated"}


def test_noise_alone_puts_no_context_beyond_the_limit(shop):
    """The lists of everybody differ far beyond the limit, the treated ones no more than twins'."""
    (one,) = verdicts(shop, ranking(), law(blur=50.0), queries=3_000)[1].decisions.values()
    bounds = one.evidence.bounds
    assert bounds["twin_beyond"].value > 0.9
    assert one.evidence.effect.value == pytest.approx(0.0, abs=0.03)
    assert one.share != "outside"


def test_the_group_may_be_a_column_of_the_items(shop):
    study = shop.study(OUTCOMES, items=GOODS)
    probe = make("steering.exposure", {"treat": ["t0"], "options": {"group": "brand", "of": "own"}})
    assert isinstance(probe, Exposed)
    assert probe.members(study) == {"i4", "i8"}
    assert probe.lacks(study) is None
    without = make("steering.exposure", {"treat": ["t0"], "options": {"group": "maker"}})
    assert isinstance(without, Exposed)
    lacks = without.lacks(study)
    assert lacks is not None
    assert "maker" in lacks["en"]


def test_prices_are_needed_where_they_are_compared(shop):
    assert ranking("rbo").lacks(shop.study({"ranking": "list"})) is None
    lacks = ranking("rbo", "price").lacks(shop.study({"ranking": "list"}))
    assert lacks is not None
    assert "prices" in lacks["en"]


# ------------------------------------------------------------------------------- the ledger


def blocks(lists, kinds=None):
    """Blocks of treated, reference and twin, with these lists."""
    n = len(lists)
    arm = np.tile([TREATED, REFERENCE, TWIN], n)
    wave = Wave.of_single_trials(
        item=codes(np.zeros(3 * n)),
        block=np.repeat(np.arange(n), 3),
        again=np.full(3 * n, -1),
        identity=np.full(3 * n, -1),
        arm=arm,
        persona=np.zeros(3 * n),
    )
    column = np.empty(3 * n, dtype=object)
    column[:] = list(itertools.chain(*lists))
    kind = np.zeros(3 * n, np.int8) if kinds is None else np.ravel(kinds).astype(np.int8)
    return Observed(waves=(wave,), numbers=(0,), kind=kind, reason=kind, values={"ranking": column})


def ledger_of(observed, score=None):
    found = Ledger.of(observed, score or ListDistance(), 3)
    assert isinstance(found, ListLedger)
    return found


def shuffled(n, seed, size=8):
    rng = np.random.default_rng(seed)
    return [[tuple(map(str, rng.permutation(size)[:5])) for _ in range(3)] for _ in range(n)]


@pytest.mark.parametrize("measure", ["rbo", "jaccard", "kendall"])
def test_the_mean_is_how_much_farther_apart_than_twins(measure):
    ledger = ledger_of(blocks(shuffled(50, 1)), ListDistance(measure))
    terms = ledger.clipped_mean_terms(TREATED, 1.0)
    apart = np.stack(
        [
            ledger.apart(REFERENCE, TREATED),
            ledger.apart(TWIN, TREATED),
            ledger.apart(REFERENCE, TWIN),
        ],
        axis=1,
    )
    np.testing.assert_allclose(terms, (apart[:, 0] + apart[:, 1]) / 2 - apart[:, 2])
    shift = order_shift(apart, rng=np.random.default_rng(1)).shift.estimate
    assert float(np.mean(terms)) == pytest.approx(shift)


def test_the_three_are_told_by_one_function_of_the_lists():
    """Whoever plays the treated arm, each list stands out as far as before."""
    lists = shuffled(20, 2)
    plain = ledger_of(blocks(lists)).scores(TREATED)
    for order in itertools.permutations(range(3)):
        turned = ledger_of(blocks([[one[i] for i in order] for one in lists])).scores(TREATED)
        np.testing.assert_allclose(turned, plain[:, order])


def test_a_block_without_a_twin_says_nothing():
    ledger = ledger_of(blocks(shuffled(4, 3), kinds=[[0, 0, 2], [0, 0, 0], [0, 1, 0], [2, 0, 0]]))
    assert ledger.anchored.tolist() == [False, True, False, True]
    assert np.isnan(ledger.gap(TREATED)).tolist() == [True, False, True, True]
    found = read_shares(
        ledger, TREATED, beyond=0.2, direction="any", quiet=quiet_blocks(ledger, 0.2)
    )
    assert found.block.tolist() == [1, 3]
    assert found.flagged[1]


def test_one_pair_in_six_lies_beyond_by_noise_where_one_list_of_three_is_another():
    same, other = ("a", "b", "c"), ("x", "y", "z")
    lists = [[other, same, same], [same, other, same], [same, same, other]]
    ledger = ledger_of(blocks(lists))
    assert ledger.exceedance(TREATED, 0.5) == pytest.approx(2 / 6)
    assert ledger.exceedance(TREATED, 1.0) == 0.0


def test_what_is_listed_twice_stands_where_it_stood_first():
    ledger = ledger_of(blocks([[("a", "b", "a"), ("a", "b"), ("a", "b")]]))
    assert ledger.gap(TREATED).tolist() == [0.0]


def test_a_path_that_leads_nowhere_is_no_list():
    ledger = ledger_of(blocks([[(), (), ()]] * 3))
    assert not ledger.anchored.any()
    assert np.isnan(ledger.gap(TREATED)).all()


def test_an_empty_list_beside_full_ones_is_as_far_apart_as_can_be():
    ledger = ledger_of(blocks([[(), ("a",), ("a",)]]), ListDistance("jaccard"))
    assert ledger.clipped_mean_terms(TREATED, 1.0).tolist() == [1.0]


@pytest.mark.parametrize("score", [TopPrice(2), DearFirst(), Exposure(frozenset({"a"}))])
def test_an_answer_with_nothing_in_it_counts_as_none(score):
    observed = blocks([[(), ("a", "b"), ("b", "a")]])
    prices = np.empty(3, dtype=object)
    prices[:] = [(), (3.0, 1.0), (1.0, 3.0)]
    known = Observed(
        waves=observed.waves,
        numbers=(0,),
        kind=observed.kind,
        reason=observed.reason,
        values={**observed.values, "prices": prices},
    )
    ledger = Ledger.of(known, score, 3)
    assert ledger.kind[0].tolist() == [0, 0, 1]
    assert np.isfinite(ledger.score[0, :2]).all()
    assert np.isnan(ledger.score[0, 2])
