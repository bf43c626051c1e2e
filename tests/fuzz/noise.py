"""What readers are fed: anything at all, and good input gone bad."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from evenhand.errors import EvenhandError

MANY = "EVENHAND_FUZZ"
"""Environment variable with the number of examples for each reader."""

few = settings(
    max_examples=int(os.environ.get(MANY, "60")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Edit = tuple[float, int, bytes]
edits = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 12), st.binary(max_size=6)),
    min_size=1,
    max_size=5,
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def gone_bad(data: bytes, changes: list[Edit]) -> bytes:
    """Good input with some bytes replaced, put in or taken out."""
    for place, length, new in changes:
        at = int(place * (len(data) + 1))
        data = data[:at] + new + data[at + length :]
    return data


@contextmanager
def only_our_errors() -> Iterator[None]:
    try:
        yield
    except EvenhandError as error:
        told = [error.text(language) for language in ("zh", "en")]
        if not all(told):
            pytest.fail(f"an error without words: {error.message_id}")


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as temporary:
        yield Path(temporary)
