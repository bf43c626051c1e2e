"""The border of the group metrics: columns of any kind in, coded groups inside, the same kind out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .._arrays import Bools, Floats, Ints

Label: TypeAlias = tuple[Any, ...]

MAX_GROUPS = 100_000
LONGEST_HASHED = 64
"""Characters up to which fixed-width text is coded by hashing; longer text goes through objects."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A column as codes: `levels[codes[row]]` is the row's value; a missing value is level None."""

    name: str
    levels: tuple[Any, ...]
    codes: Ints

    @property
    def missing(self) -> bool:
        """Whether any row misses the value (its level, None, is then the last)."""
        return bool(self.levels) and self.levels[-1] is None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each row belongs: cell = stratum · groups + group.

    Strata are the combinations of the control features, groups those of the sensitive ones, each
    in the order of its sorted levels.
    """

    sensitive: tuple[str, ...]
    control: tuple[str, ...]
    groups: tuple[Label, ...]
    strata: tuple[Label, ...]
    codes: Ints

    @property
    def cells(self) -> int:
        """How many combinations there are, empty ones included."""
        return len(self.groups) * len(self.strata)

    def named(self, missing: str) -> Bools:
        """Return the cells that are compared: by default those without a missing feature."""
        alike = missing == "group"
        group = np.array([alike or None not in label for label in self.groups])
        stratum = np.array([alike or None not in label for label in self.strata])
        named: Bools = (stratum[:, None] & group[None, :]).ravel()
        return named


def layout(sensitive: Any, control: Any, rows: int) -> Layout:
    """Code the features of a table of `rows` rows.

    Raises
    ------
    InputError
        If a feature has another number of rows, two have one name, or they combine to too many.

    Examples
    --------
    >>> placed = layout({"sex": ["f", "m", "f"]}, None, 3)
    >>> placed.groups, placed.codes.tolist()
    ((('f',), ('m',)), [0, 1, 0])
    """
    groups = features("sensitive_features", sensitive, rows)
    strata = features("control_features", control, rows) if control is not None else ()
    names = [feature.name for feature in (*strata, *groups)]
    for name in names:
        if names.count(name) > 1:
            raise InputError("groups.feature_twice", name=name)
    size = int(np.prod([len(feature.levels) for feature in (*strata, *groups)], dtype=object))
    if size > MAX_GROUPS:
        raise InputError("groups.too_many_groups", got=size, limit=MAX_GROUPS)
    first, *rest = (*strata, *groups)
    codes = first.codes
    for feature in rest:
        codes = codes * len(feature.levels) + feature.codes
    return Layout(
        tuple(feature.name for feature in groups),
        tuple(feature.name for feature in strata),
        tuple(product(*(feature.levels for feature in groups))),
        tuple(product(*(feature.levels for feature in strata))),
        codes,
    )


def features(what: str, given: Any, rows: int) -> tuple[Feature, ...]:
    """Return the columns of a frame, a mapping, a matrix, or one column, coded."""
    found = []
    for name, values in _columns(what, given).items():
        if len(values) != rows:
            raise InputError("groups.length", name=name, need=rows, got=len(values))
        found.append(coded(str(name), values))
    return tuple(found)


def _columns(what: str, given: Any) -> Mapping[Any, Any]:
    if isinstance(given, Mapping):
        return given
    prefix = what.removesuffix("s")
    native = _narwhals(given)
    if native is not None:
        if hasattr(native, "columns"):
            return {name: native[name].to_native() for name in native.columns}
        return {native.name or f"{prefix}_0": given}
    array = given if isinstance(given, np.ndarray) else _array(given)
    if array.ndim == 1:
        return {f"{prefix}_0": array}
    if array.ndim != 2:  # noqa: PLR2004 - a matrix: one feature a column
        raise InputError("metrics.shape", name=what, need="(n,) or (n, k)", got=str(array.shape))
    return {f"{prefix}_{place}": array[:, place] for place in range(array.shape[1])}


def _array(given: Any) -> NDArray[Any]:
    values = list(given)
    texts = any(isinstance(value, str) or value is None for value in values)
    return np.array(values, dtype=object) if texts else np.asarray(values)


def _narwhals(given: Any) -> Any:
    """Return the data frame or series in narwhals' clothes, or None for anything else."""
    if isinstance(given, np.ndarray | list | tuple | range):
        return None
    import narwhals as nw

    wrapped = nw.from_native(given, pass_through=True, allow_series=True, eager_only=True)
    return wrapped if isinstance(wrapped, nw.DataFrame | nw.Series) else None


def plain(values: Any) -> NDArray[Any]:
    """Return one column as a numpy array.

    Examples
    --------
    >>> plain([[1], [2]]).tolist()
    [1, 2]
    """
    native = _narwhals(values)
    if native is None:
        array = values if isinstance(values, np.ndarray) else _array(values)
    else:
        array = native.to_numpy()
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array  # noqa: PLR2004 - (n, 1) is a column


def coded(name: str, values: Any) -> Feature:
    """Return one column as codes into its sorted levels.

    Examples
    --------
    >>> coded("sex", ["m", None, "f"])
    Feature(name='sex', levels=('f', 'm', None), codes=array([1, 2, 0]))
    """
    codes, found = _factorised(values)
    order = sorted(range(len(found)), key=_order(found))
    place = np.empty(len(found) + 1, dtype=np.int64)
    place[order] = np.arange(len(found))
    place[-1] = len(found)  # the code of a missing value is -1
    levels = tuple(found[index] for index in order)
    if (codes < 0).any():
        levels = (*levels, None)
    return Feature(name, levels, place[codes])


def _order(found: Sequence[Any]) -> Any:
    try:
        sorted(found)
    except TypeError:
        return lambda index: (type(found[index]).__name__, str(found[index]))
    return lambda index: found[index]


def _factorised(values: Any) -> tuple[Ints, list[Any]]:
    import pandas as pd

    if isinstance(values, pd.Series):
        codes, levels = pd.factorize(values)
        return codes, levels.tolist()
    array = plain(values)
    if array.ndim != 1:
        raise InputError("metrics.shape", name="features", need="(n,)", got=str(array.shape))
    if array.dtype.kind == "U":
        return _text(array)
    codes, found = pd.factorize(array)
    return codes, np.asarray(found).tolist()


def _text(array: NDArray[Any]) -> tuple[Ints, list[Any]]:
    """Code fixed-width text through a hash that is checked afterwards: no string is ever sorted."""
    import pandas as pd

    width = array.dtype.itemsize // 4
    if 0 < width <= LONGEST_HASHED and len(array):
        letters = np.ascontiguousarray(array).view(np.uint32).reshape(len(array), width)
        key = letters[:, 0].astype(np.uint64)
        for place in range(1, width):
            key *= np.uint64(0x100000001B3)
            key ^= letters[:, place]
        codes, _ = pd.factorize(key)
        first = np.zeros(int(codes.max()) + 1, dtype=np.int64)
        first[codes[::-1]] = np.arange(len(array))[::-1]
        if (array[first][codes] == array).all():
            return codes, array[first].tolist()
    codes, levels = pd.factorize(array.astype(object))
    return codes, np.asarray(levels).tolist()


# ------------------------------------------------------------------------------------- outcomes


def binary(name: str, values: Any, pos_label: Any = None) -> NDArray[np.int8]:
    """Return 1 where the outcome is the positive one, 0 where not, -1 where it is missing.

    Raises
    ------
    InputError
        If there are more than two values, or it cannot be known which is the positive one.

    Examples
    --------
    >>> binary("y_pred", ["no", "yes", None], pos_label="yes")
    array([ 0,  1, -1], dtype=int8)
    """
    array = plain(values)
    if array.ndim != 1:
        raise InputError("metrics.shape", name=name, need="(n,)", got=str(array.shape))
    if array.dtype.kind in "biu" and pos_label is None and len(array):
        low, high = int(array.min()), int(array.max())
        if low >= 0 and high <= 1:
            return array.astype(np.int8)
    feature = coded(name, array)
    found = [level for level in feature.levels if level is not None]
    positive = _positive(name, found, pos_label)
    table = np.array([-1 if level is None else level == positive for level in feature.levels])
    return table.astype(np.int8)[feature.codes] if len(table) else np.empty(0, dtype=np.int8)


def _positive(name: str, found: Sequence[Any], pos_label: Any) -> Any:
    known = any(set(found) <= pair for pair in ({0, 1}, {-1, 1}))
    two = 2
    fits = len(found) < two or (len(found) == two and (pos_label in found or pos_label is None))
    if not fits or (pos_label is None and not known):
        shown = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")  # noqa: PLR2004 - enough for a sentence
        raise InputError("groups.binary", name=name, got=shown)
    return 1 if pos_label is None else pos_label


def numbers(name: str, values: Any) -> Floats:
    """Return one column as floats; NaN is a missing value.

    Raises
    ------
    InputError
        If it holds anything but numbers, or an infinity.

    Examples
    --------
    >>> numbers("y_pred", [1, 2.5, None])
    array([1. , 2.5, nan])
    """
    array = plain(values)
    if array.ndim != 1:
        raise InputError("metrics.shape", name=name, need="(n,)", got=str(array.shape))
    try:
        column = array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError("groups.numbers", name=name, got=str(array.dtype)) from None
    if np.isinf(column).any():
        raise InputError("metrics.infinite", name=name)
    return column


def clustered(clusters: Any, rows: int) -> Ints | None:
    """Return the cluster of each row as a code; a row without one is a cluster of its own."""
    if clusters is None:
        return None
    found = features("clusters", clusters, rows)
    if len(found) != 1:
        raise InputError("groups.one_feature", name="clusters", got=len(found))
    feature = found[0]
    codes = feature.codes.copy()
    if feature.missing:
        alone = codes == len(feature.levels) - 1
        codes[alone] = len(feature.levels) + np.arange(alone.sum())
    return codes


# --------------------------------------------------------------------------------------- output

Backend = Literal["pandas", "polars", "pyarrow"]


def backend(*given: Any) -> Any:
    """Return the kind of the first data frame or series among the arguments; else pandas."""
    for one in given:
        native = _narwhals(one) if one is not None and not isinstance(one, Mapping) else None
        if isinstance(one, Mapping):
            return backend(*one.values()) if one else "pandas"
        if native is not None:
            return native.implementation
    return "pandas"


def is_pandas(kind: Any) -> bool:
    """Whether frames of this kind have an index, as fairlearn's have."""
    return str(getattr(kind, "value", kind)) == "pandas"


def frame(columns: Mapping[str, Any], kind: Any) -> Any:
    """Return a data frame of the caller's kind.

    Examples
    --------
    >>> frame({"group": ["a"], "n": [3]}, "pandas").to_dict("list")
    {'group': ['a'], 'n': [3]}
    """
    import narwhals as nw

    return nw.from_dict(dict(columns), backend=kind).to_native()
