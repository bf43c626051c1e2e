"""What a log is said to show, beside how it was made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evenhand.probes.table import Associations, associations


def _log(seed: int, *, markup: float = 0.0, lean: float = 0.0, rows: int = 2000) -> pd.DataFrame:
    """Two groups in two zones: `lean` moves one of them to the dear zone, `markup` is for being in it."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], rows)
    dear = rng.random(rows) < 0.5 + lean * np.where(sex == "f", 1, -1)
    price = np.where(dear, 130.0, 100.0) * np.exp(markup * (sex == "f") + rng.normal(0, 0.05, rows))
    return pd.DataFrame({"sex": sex, "zone": np.where(dear, "dear", "cheap"), "price": price})


def _read(log: pd.DataFrame, **more: float) -> Associations:
    return associations(
        log,
        price="price",
        protected="sex",
        given=["zone"],
        reference="m",
        rng=np.random.default_rng(1),
        **more,
    )


def test_a_charge_at_equal_conditions_is_indicated_and_never_more() -> None:
    found = _read(_log(1, markup=0.03))
    assert found.gaps[0].verdict == "indicated"
    assert found.gaps[0].gap.conditional.value == pytest.approx(0.03, abs=0.01)
    assert "association" in found.gaps[0].statement["en"]
    assert "不能据此判定" in found.gaps[0].statement["zh"]


def test_what_conditions_explain_is_not_indicated_and_what_gives_away_is_named() -> None:
    found = _read(_log(2, lean=0.4))
    gap = found.gaps[0]
    assert gap.verdict == "inconclusive"
    assert (gap.gap.marginal.value or 0) > 0.15
    proxy = found.proxies[0]
    assert proxy.columns == ("zone",)
    # nine of ten are in the zone of their group
    assert proxy.auc.value == pytest.approx(0.9, abs=0.03)


def test_simpsons_paradox_is_told() -> None:
    found = _read(_log(3, markup=-0.04, lean=0.4))
    gap = found.gaps[0]
    assert gap.gap.turned
    assert "Simpson" in gap.statement["en"]
    assert "辛普森" in gap.statement["zh"]
    assert "Simpson" not in _read(_log(3, markup=0.04)).gaps[0].statement["en"]


def test_the_free_price_undoes_the_charge() -> None:
    found = {one.group[0]: one for one in _read(_log(4, markup=0.10)).free}
    # half of the customers pay 10 % more: the free price lies half way
    for group, sign in (("f", 1), ("m", -1)):
        one = found[group]
        assert one.price is not None
        assert (one.distance.value or 0) / one.price == pytest.approx(sign * 0.05, abs=0.01)


def test_of_fair_logs_few_are_indicated() -> None:
    false = sum(
        _read(_log(seed, lean=0.3, rows=300)).gaps[0].verdict == "indicated" for seed in range(200)
    )
    # 200 at 5 %: more than 19 happen once in a hundred times
    assert false <= 19
