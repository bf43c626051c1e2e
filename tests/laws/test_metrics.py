"""What must hold of every public test of the registry, and a careless test that fails each law."""

import dataclasses
import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_type_hints

import numpy as np
import pytest

from evenhand.errors import InputError
from evenhand.metrics.registry import Entry, entries, register
from evenhand.metrics.result import TestResult

Data = tuple[Any, ...]

LEVEL = 0.8

COLUMNS = {
    "gaps": 1,
    "price pairs": 2,
    "binary pairs": 2,
    "arms": 2,
    "price arms": 2,
    "binary arms": 2,
    "outcome gaps": 1,
    "distances": 1,
    "stream": 1,
    "binary stream": 2,
}
"""Kinds whose columns are all answers; the columns of other kinds are answers, then labels."""

FEW = 199


def sample(kind: str) -> Data:
    """Data without a missing answer: so few that every assignment is looked at, or so plain that any
    draw says the same."""
    rng = np.random.default_rng(3)
    treated = np.array([1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0])
    strata = np.repeat([1, 2], [5, 6])
    coins = np.arange(40) % 2
    return {
        "gaps": lambda: (rng.normal(0.5, 1, 9),),
        "price pairs": lambda: (np.exp(rng.normal(4.1, 0.1, 9)), np.exp(rng.normal(4, 0.1, 9))),
        "binary pairs": lambda: (np.tile([1, 1, 1, 0, 0], 4), np.tile([0, 1, 0, 0, 1], 4)),
        "arms": lambda: (rng.normal(0.5, 1, 5), rng.normal(0, 2, 6)),
        "price arms": lambda: (np.exp(rng.normal(4.1, 0.1, 5)), np.exp(rng.normal(4, 0.1, 6))),
        "binary arms": lambda: (np.tile([1, 1, 0], 4), np.tile([1, 0, 0, 0], 5)),
        "blocks": lambda: (rng.normal(0, 1, 12), np.tile([1, 0, 0], 4), np.repeat(range(4), 3)),
        "ladder": lambda: (
            np.exp(rng.normal(4, 0.1, 12)), np.tile([1.0, 2, 4], 4), np.repeat(range(4), 3),
        ),
        "strata": lambda: (rng.normal(0, 1, 11), treated, strata),
        "binary strata": lambda: (np.array([1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0]), treated, strata),
        "crossed": lambda: (rng.normal(0.3, 1, 12), np.repeat(range(3), 4), np.tile(range(4), 3)),
        "outcomes": lambda: (rng.normal(0, 1, (40, 3)) + 9 * coins[:, None], coins),
        "outcome gaps": lambda: (rng.normal(9, 1, (40, 3)),),
        "distances": lambda: (np.array([0.9, 0.8, 0.1]) * rng.uniform(0.5, 1, (40, 1)),),
        "stream": lambda: (rng.normal(0.1, 1, 12),),
        "binary stream": lambda: (np.tile([1, 1, 1, 0, 0], 4), np.tile([0, 1, 0, 0, 1], 4)),
        "groups": lambda: (rng.normal(0, 1, 9), np.repeat([3, 1, 2], [2, 3, 4])),
        "binary groups": lambda: (np.array([1, 0, 1, 0, 0, 1, 1, 0, 1]), np.repeat([3, 1, 2], 3)),
    }[kind]()  # fmt: skip


def run(entry: Entry, data: Data, **options: Any) -> TestResult:
    if entry.draws:
        options = {"rng": np.random.default_rng(1), "resamples": FEW} | options
    return entry.result(*data, **options)


def limits(found: TestResult, level: float = LEVEL) -> tuple[float, float] | None:
    interval = found.interval(level)
    return None if interval is None else (interval.low, interval.high)


def answers(entry: Entry) -> int:
    return COLUMNS.get(entry.kind, 1)


def grouped(entry: Entry) -> bool:
    """Whether it compares any number of groups, which have no order."""
    return entry.kind.endswith("groups")


def same(one: Any, other: Any) -> None:
    if one is None or other is None:
        assert one is other
    else:
        assert np.allclose(one, other, rtol=1e-7, atol=1e-9)


def alike(one: TestResult, other: TestResult) -> None:
    same(one.estimate, other.estimate)
    same(one.p_value, other.p_value)
    same(limits(one), limits(other))
    assert (one.n, one.unit, one.guarantee) == (other.n, other.unit, other.guarantee)


def two_sided(entry: Entry) -> dict[str, str]:
    return {"alternative": "two-sided"} if "alternative" in entry.function.__annotations__ else {}


# ------------------------------------------------------------------------------------- the laws


def order(entry: Entry) -> None:
    """Rows may stand in any order, unless that is the order in which they came."""
    if entry.kind.endswith("stream"):
        return
    data = sample(entry.kind)
    rng = np.random.default_rng(5)
    independent = entry.kind.endswith("arms")
    whole = rng.permutation(len(data[0]))
    mixed = [column[rng.permutation(len(column)) if independent else whole] for column in data]
    alike(run(entry, data), run(entry, tuple(mixed)))


def swapping(entry: Entry) -> None:
    """When treated and reference change places, the estimate turns and the p-value stays."""
    if entry.swap is None:
        return
    data = sample(entry.kind)
    one = run(entry, data, **two_sided(entry))
    other = run(entry, exchanged(entry, data), **two_sided(entry))
    turn = TURNS[entry.swap]
    assert one.estimate is not None
    same(turn(one.estimate), other.estimate)
    same(one.p_value, other.p_value)
    ends = limits(one)
    if ends is not None:
        same(sorted(map(turn, ends)), limits(other))


TURNS: dict[str, Callable[[float], float]] = {
    "negate": lambda x: -x,
    "reciprocal": lambda x: 1 / x if x else np.inf,
    "complement": lambda x: 1 - x,
    "same": lambda x: x,
}


def exchanged(entry: Entry, data: Data) -> Data:
    if entry.kind == "crossed" or COLUMNS.get(entry.kind) == 1:
        return (-data[0], *data[1:])
    if entry.kind in COLUMNS:
        return data[::-1]
    # of a block with one treated against two the complement is two against one
    return (data[0], 1 - data[1], *data[2:])


def scaling(entry: Entry) -> None:
    """Another currency changes the estimate in its unit or not at all, and no p-value."""
    if entry.scale is None:
        return
    data = sample(entry.kind)
    factor = 7.25
    columns = [column * factor if i < answers(entry) else column for i, column in enumerate(data)]
    one, other = run(entry, data), run(entry, tuple(columns))
    times = factor if entry.scale == "multiply" else 1.0
    assert one.estimate is not None
    same(one.estimate * times, other.estimate)
    same(one.p_value, other.p_value)
    ends = limits(one)
    if ends is not None:
        same([end * times for end in ends], limits(other))


def relabelling(entry: Entry) -> None:
    """Blocks, strata and groups may have any names."""
    data = sample(entry.kind)
    if entry.kind in COLUMNS or entry.kind == "outcomes":
        return
    names = np.array([f"name {9 - int(label)}" for label in data[-1]])
    alike(run(entry, data), run(entry, (*data[:-1], names)))


def longer(column: Any, value: float) -> Any:
    """The column, one row longer."""
    return np.concatenate([column.astype(float), np.full((1, *column.shape[1:]), value)])


def missing(entry: Entry) -> None:
    """What is missing is left out and counted, and changes nothing else."""
    data = sample(entry.kind)
    holes: Data
    if entry.kind in COLUMNS:
        holes = tuple(longer(column, np.nan) for column in data)
    else:
        label = data[-1].max() + 1 if entry.kind in {"blocks", "ladder"} else data[-1][0]
        between = [np.r_[column, column[0]] for column in data[1:-1]]
        holes = (longer(data[0], np.nan), *between, np.r_[data[-1], label])
    one, other = run(entry, data), run(entry, holes)
    alike(one, other)
    assert other.n_excluded == (2 if entry.kind.endswith("arms") else 1)
    assert one.n_excluded == 0


def duplication(entry: Entry) -> None:
    """Everything twice is the same estimate from twice as many."""
    data = sample(entry.kind)
    twice = [np.concatenate([column, column]) for column in data]
    if entry.kind in {"blocks", "ladder"}:
        twice[2] = np.concatenate([data[2], data[2] + 100])
    one, other = run(entry, data), run(entry, tuple(twice))
    assert one.estimate is not None
    assert other.estimate is not None
    # averages of two gaps count each gap with itself, so twice the gaps are not quite the same
    slack = 0.2 if entry.name == "hodges_lehmann" else 1e-9
    assert abs(one.estimate - other.estimate) <= slack * max(1, abs(one.estimate))
    assert other.n == 2 * one.n


def emptiness(entry: Entry) -> None:
    """Nothing, and nothing but missing answers, is refused in one sentence that names the test."""
    data = sample(entry.kind)
    gone = tuple(
        np.full(column.shape, np.nan) if i < answers(entry) else column
        for i, column in enumerate(data)
    )
    for columns in (tuple(column[:0] for column in data), gone):
        with pytest.raises(InputError) as caught:
            run(entry, columns)
        assert ": " in caught.value.text("en")


def one_group(entry: Entry) -> None:
    """One arm alone compares nothing."""
    data = sample(entry.kind)
    if COLUMNS.get(entry.kind) == 2:
        columns: Data = (data[0], data[1][:0])
    elif grouped(entry):  # said, since a stratum of a table may hold one group only
        found = run(entry, (data[0], np.ones(len(data[0]))))
        assert (found.estimate, found.p_value) == (None, None)
        assert found.reason_text("en") != found.reason_text("zh")
        return
    elif entry.kind == "binary strata":  # refused or not measured: no table compares
        found = run(entry, (data[0], np.ones(len(data[0])), data[2]))
        assert (found.estimate, found.p_value) == (None, 1)
        return
    elif entry.kind not in COLUMNS:
        columns = (data[0], np.ones(len(data[0])), *data[2:])
    else:
        return
    with pytest.raises(InputError):
        run(entry, columns)


def ties(entry: Entry) -> None:
    """Equal answers everywhere are no evidence, or a reason why there is none; never a nan."""
    data = sample(entry.kind)
    value = 1.0 if "binary" in entry.kind or "price" in entry.kind else 0.1
    value = 0.0 if entry.kind == "crossed" or COLUMNS.get(entry.kind) == 1 else value
    flat = [
        np.full(column.shape, value) if i < answers(entry) else column
        for i, column in enumerate(data)
    ]
    found = run(entry, tuple(flat))
    assert (found.p_value == 1) != (found.reason is not None)
    assert found.estimate is None or np.isfinite(found.estimate)
    if found.reason is not None:
        assert found.p_value is None
        assert found.reason_text("zh")


def never_zero(entry: Entry) -> None:
    """However plain a difference is, p is a chance: above 0, at most 1."""
    data = sample(entry.kind)
    if "binary" in entry.kind:
        plain: Data = (np.ones(3_000), np.zeros(3_000))
        if "strata" in entry.kind:
            plain = (np.tile([1, 0], 3_000), np.tile([1, 0], 3_000), np.repeat([1, 2], 3_000))
        if grouped(entry):
            plain = (np.tile([1, 0], 3_000), np.tile([1, 0], 3_000))
    else:
        plain = (data[0] * 1e6, *data[1:])
    for columns in (data, plain):
        p = run(entry, columns).p_value
        assert p is not None
        assert 0 < p <= 1


def repeating(entry: Entry) -> None:
    """The same generator gives the same result, and a result the same interval each time."""
    data = tuple(np.concatenate([column] * 9) for column in sample(entry.kind))
    one, other = run(entry, data), run(entry, data)
    assert one == other
    assert limits(one) == limits(one) == limits(other)


def nesting(entry: Entry) -> None:
    """A higher level gives a wider interval around the estimate."""
    found = run(entry, sample(entry.kind))
    inner, outer = limits(found, 0.6), limits(found, 0.9)
    if inner is None or outer is None:
        return
    assert found.estimate is not None
    assert outer[0] <= inner[0] <= found.estimate <= inner[1] <= outer[1]
    with pytest.raises(InputError):
        found.interval(1.0)


def one_sides(entry: Entry) -> None:
    """Not both directions at once: their p-values add up to at least 1."""
    if "alternative" not in entry.function.__annotations__ or entry.kind.endswith("stream"):
        return  # evidence may have spoken for either side on the way
    data = sample(entry.kind)
    up, down = (run(entry, data, alternative=side).p_value for side in ("greater", "less"))
    assert up is not None
    assert down is not None
    assert up + down >= 1
    with pytest.raises(InputError):
        run(entry, data, alternative="up")


def saying(entry: Entry) -> None:
    """A result says what was assumed, in both languages, how, and where that is described."""
    found = run(entry, sample(entry.kind))
    assert found.null_text("zh") != found.null_text("en")
    assert found.method
    assert any(letter.isdigit() for letter in found.reference)
    assert found.unit
    assert found.n > 0


LAWS = (
    order, swapping, scaling, relabelling, missing, duplication, emptiness, one_group, ties,
    never_zero, repeating, nesting, one_sides, saying,
)  # fmt: skip


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_test_keeps_the_law(entry, law):
    law(entry)


HOME = "evenhand.metrics."

PARTS = {
    "as_ratio": "turns a result, tests nothing",
    "dealt_result": "the result of a test that two modules share",
    "no_test": "says why there is none",
    "counts_test": "rate_test, of a table that was counted",
    "samples_test": "mean_test, of a table that was split",
}
"""Public functions that return a result and are no test of their own, each with its reason."""


def says_a_p_value(function: Callable[..., Any]) -> bool:
    """Whether it returns a test's result, or something that holds one."""
    returned = get_type_hints(function).get("return")
    if returned is TestResult or not dataclasses.is_dataclass(returned):
        return returned is TestResult
    getters = [part.fget for part in vars(returned).values() if isinstance(part, property)]
    held = [get_type_hints(getter).get("return") for getter in getters if getter]
    return TestResult in (*held, *get_type_hints(returned).values())


def public_tests() -> set[str]:
    """Names of all functions of the package that say a p-value."""
    entries()  # imports every module
    modules = {name: module for name, module in sys.modules.items() if name.startswith(HOME)}
    return {
        function.__name__
        for name, module in modules.items()
        for function in vars(module).values()
        if inspect.isfunction(function)
        and function.__module__ == name
        and not function.__name__.startswith("_")
        and says_a_p_value(function)
    }


def test_every_public_test_is_in_the_registry():
    found = public_tests()
    assert len(found) > len(PARTS)
    assert found - {entry.function.__name__ for entry in entries()} == set(PARTS)
    for entry in entries():
        if entry.draws:
            annotation = entry.function.__annotations__["rng"]
            assert "Generator" in str(annotation)


# -------------------------------------------------------- a careless test fails every one of them


def careless(values, *labels, rng, resamples=99, alternative="greater"):  # noqa: ARG001 – that it looks at nothing is the point
    """Everything that a test must not do."""
    values = np.asarray(values, dtype=float)
    first = float(values[0]) if len(values) else 0.0
    seen = first + float(values[: len(values) // 2].sum()) + len(str(labels[-1][:1]))
    drawn = np.random.default_rng().random()  # noqa: F841 – so that it looks random
    return TestResult(
        estimate=1 / seen if seen else float("nan"),
        unit="",
        p_value=0.0 if seen > 0 else float(np.clip(seen**2, 0.1, 0.2)),
        null="metrics.null_mean",
        alternative="greater",
        method="",
        reference="",
        guarantee="exact",
        n=len(values),
        _limits=lambda level: None if level == LEVEL else _careless_limits(level),
    )


def _careless_limits(level):
    from evenhand.metrics.result import Interval

    return Interval(low=level, high=1 + level / 2, level=level, method="")


def planted(kind: str) -> Entry:
    entry = next(entry for entry in entries() if entry.kind == kind)
    return replace(entry, name="careless", function=careless)


class _Unsteady:
    """A function that gives another answer each time."""

    __annotations__ = careless.__annotations__

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *data: Any, **options: Any) -> TestResult:
        self.calls += 1
        found: TestResult = careless(*data, **options)
        return replace(found, statistic=float(self.calls))


# groups have no order in which they could change places
CARELESS = [(law, "blocks") for law in LAWS] + [
    (law, "groups") for law in LAWS if law is not swapping
]


@pytest.mark.parametrize(
    ("law", "kind"), CARELESS, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_careless_test_fails_the_law(law, kind):
    entry = planted(kind)
    careless.__annotations__.update(alternative=str, rng="Generator")
    if law is repeating:
        entry = replace(entry, function=_Unsteady())
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        law(entry)


def test_a_test_that_nobody_registered_is_seen():
    def unknown() -> TestResult:
        """Never entered."""
        raise NotImplementedError

    def harmless() -> float:
        """Tests nothing."""
        return 1.0

    assert says_a_p_value(unknown)
    assert says_a_p_value(next(e for e in entries() if e.name == "step_down_arms").function)
    assert not says_a_p_value(harmless)


def test_registering_twice_is_once_and_names_never_clash():
    def mcnemar() -> None:
        """Another test of the same name in another module."""

    before = entries()
    try:
        assert register(kind="gaps", swap=None, scale=None)(mcnemar) is mcnemar
        names = [entry.name for entry in entries()]
        assert "mcnemar" in names
        assert f"{__name__.rpartition('.')[2]}.mcnemar" in names
    finally:
        from evenhand.metrics import registry

        registry._ENTRIES.pop(f"{__name__.rpartition('.')[2]}.mcnemar", None)
    assert entries() == before
