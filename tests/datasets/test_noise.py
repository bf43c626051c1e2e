"""Noise from hashes must be as good as noise from a generator."""

import numpy as np
import pytest
from scipy import stats

from evenhand.datasets.vendors.noise import normal, uniform

N = 40_000
IDS = np.array([f"{number:016x}" for number in range(N)])


@pytest.mark.parametrize(
    "column", [IDS, np.arange(N), np.arange(N) * 0.1, np.char.add("客", IDS)], ids=str
)
def test_it_is_standard_normal(column: np.ndarray) -> None:
    z = normal("test", column)

    assert stats.kstest(z, "norm").pvalue > 1e-3
    assert abs(z.mean()) < 4 / N**0.5
    assert abs(z.var() - 1) < 4 * (2 / N) ** 0.5
    assert abs(stats.kurtosis(z)) < 4 * (24 / N) ** 0.5


@pytest.mark.parametrize("lag", [1, 2, 16, 256])
def test_neighbouring_identities_are_independent(lag: int) -> None:
    z = normal("test", IDS)

    assert abs(np.corrcoef(z[lag:], z[:-lag])[0, 1]) < 4 / N**0.5
    assert abs(np.corrcoef(z[lag:] ** 2, z[:-lag] ** 2)[0, 1]) < 4 / N**0.5


def test_keys_and_further_columns_give_independent_noise() -> None:
    ride = np.full(N, 1.0)
    first = normal("test", IDS, ride)

    for other in (normal("other", IDS, ride), normal("test", IDS, ride + 1), normal("test", IDS)):
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / N**0.5


def test_one_bit_of_input_moves_half_of_the_output() -> None:
    one = (uniform("test", np.arange(N)) * 2**32).astype(np.uint64)
    other = (uniform("test", np.arange(N) + 2**-20) * 2**32).astype(np.uint64)
    bits = np.unpackbits((one ^ other).view(np.uint8)).sum() / (32 * N)

    assert abs(bits - 0.5) < 4 * 0.5 / (32 * N) ** 0.5


def test_a_row_is_alike_alone_in_any_order_and_in_any_width() -> None:
    whole = normal("test", IDS, np.arange(N))
    wide = normal("test", IDS.astype("<U64"), np.arange(N, dtype=float))
    loose = normal("test", IDS.astype(object), np.arange(N))
    turned = normal("test", IDS[::-1], np.arange(N)[::-1])

    assert (whole == wide).all()
    assert (whole == loose).all()
    assert (whole == turned[::-1]).all()
    assert all(whole[row] == normal("test", IDS[[row]], np.array([row]))[0] for row in (0, 7, 9999))


def test_the_ends_are_open_and_nothing_gives_nothing() -> None:
    u = uniform("test", np.arange(N))

    assert u.min() > 0
    assert u.max() < 1
    assert len(normal("test", IDS[:0], np.zeros(0))) == 0


def test_text_is_told_apart_by_place() -> None:
    names = np.array(["ab", "ba", "a", "b", "aa", ""])

    assert len(set(uniform("test", names).tolist())) == len(names)
    columns = uniform("test", np.array(["a", "ab"]), np.array(["bc", "c"]))
    assert columns[0] != columns[1]
