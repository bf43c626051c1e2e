"""Model files, each opened by its own library: bytes in, a function from tables to columns out.

Nothing here is called in the process of an audit but in a worker (:mod:`evenhand.audit.target.worker`),
and no file is opened by name: the bytes that were hashed are the bytes that are read.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from ...probes.design import Column
from .batch import flat

Table = Mapping[str, Column]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CHARACTERS = 300
_TENSORS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, opened.

    Parameters
    ----------
    predict : callable
        Table → columns of predictions.
    columns : sequence of str or None
        What it takes, where it says so.
    """

    predict: Callable[[Table], dict[str, Column]]
    columns: Sequence[str] | None


class UntrustedError(Exception):
    """A file that holds types which nobody trusted."""

    def __init__(self, untrusted: Sequence[str]) -> None:
        super().__init__(", ".join(untrusted))
        self.untrusted = tuple(untrusted)


class NoLibraryError(Exception):
    """The library that opens such a file is not installed."""

    def __init__(self, library: str) -> None:
        super().__init__(library)
        self.library = library


def load(kind: str, data: bytes, trusted: Sequence[str] = ()) -> Loaded:
    """Open a model file.

    Parameters
    ----------
    kind : str
        As in a plan.
    data : bytes
        The file.
    trusted : sequence of str
        Types that a skops file may hold beside the usual ones.

    Raises
    ------
    UntrustedError
        If a skops file holds others.
    NoLibraryError
        If its library is not installed.
    Exception
        Whatever that library raises on a file that it cannot read.
    """
    return _LOADERS[kind](data, trusted)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise NoLibraryError(name.partition(".")[0]) from None


def frame(table: Table, columns: Sequence[str] | None = None) -> Any:
    """Return a table as a data frame, with the columns of a model in its order."""
    import pandas as pd

    made = pd.DataFrame({name: column.tolist() for name, column in table.items()})
    return made if columns is None else made[[name for name in columns if name in made]]


def _categories(table: Table, columns: Sequence[str] | None) -> Any:
    made = frame(table, columns)
    texts = [name for name in made if made[name].map(type).eq(str).any()]
    return made.astype(dict.fromkeys(texts, "category"))


def given(result: Any) -> dict[str, Column]:
    """Return predictions as columns: those of a data frame or a mapping, or one, unnamed.

    Examples
    --------
    >>> given(np.array([[1.0], [2.0]]))[""].tolist()
    [1.0, 2.0]
    """
    if hasattr(result, "columns") and hasattr(result, "to_numpy"):
        return {str(name): flat(result[name].to_numpy()) for name in result.columns}
    if isinstance(result, Mapping):
        return {str(name): flat(column) for name, column in result.items()}
    return {"": flat(result)}


def _onnx(data: bytes, _: Sequence[str]) -> Loaded:
    runtime = _library("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), [one.name for one in session.get_outputs()]
    alone = len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] != 1  # noqa: PLR2004  a matrix

    def predict(table: Table) -> dict[str, Column]:
        if alone:
            kind = _TENSORS[inputs[0].type]
            fed: dict[str, Any] = {
                inputs[0].name: np.column_stack([_typed(column, kind) for column in table.values()])
            }
        else:
            fed = {one.name: _tensor(table[one.name], one) for one in inputs}
        found = dict(zip(outputs, session.run(None, fed), strict=True))
        return given(found if len(found) > 1 else next(iter(found.values())))

    return Loaded(predict, None if alone else [one.name for one in inputs])


def _tensor(column: Column, wanted: Any) -> Any:
    made = _typed(column, _TENSORS[wanted.type])
    return made.reshape(-1, 1) if len(wanted.shape) > 1 else made


def _typed(column: Column, kind: Any) -> Any:
    if kind is np.object_:
        return column.astype(str).astype(kind)
    made = column.astype(kind)
    if np.issubdtype(kind, np.integer) and (made != column).any():
        raise ValueError("a fraction in a column of whole numbers")
    return made


def _lightgbm(data: bytes, _: Sequence[str]) -> Loaded:
    booster = _library("lightgbm").Booster(model_str=data.decode())
    names = booster.feature_name()
    return Loaded(
        lambda table: given(booster.predict(_categories(table, names), num_threads=1)), names
    )


def _xgboost(data: bytes, _: Sequence[str]) -> Loaded:
    library = _library("xgboost")
    booster = library.Booster({"nthread": 1})
    booster.load_model(bytearray(data))
    names = booster.feature_names

    def predict(table: Table) -> dict[str, Column]:
        rows = library.DMatrix(_categories(table, names), enable_categorical=True, nthread=1)
        return given(booster.predict(rows))

    return Loaded(predict, names)


def _catboost(data: bytes, _: Sequence[str]) -> Loaded:
    model = _library("catboost").CatBoost().load_model(blob=data)
    names = list(model.feature_names_)
    return Loaded(lambda table: given(model.predict(frame(table, names), thread_count=1)), names)


def _skops(data: bytes, trusted: Sequence[str]) -> Loaded:
    files = _library("skops.io")
    unknown = sorted(set(files.get_untrusted_types(data=data)) - set(trusted))
    if unknown:
        raise UntrustedError(unknown)
    return _estimator(files.loads(data, trusted=list(trusted)))


def _pickle(data: bytes, _: Sequence[str]) -> Loaded:
    import pickle

    return _estimator(pickle.loads(data))  # noqa: S301  trusted by its hash, in a process of its own


def _joblib(data: bytes, _: Sequence[str]) -> Loaded:
    return _estimator(_library("joblib").load(io.BytesIO(data)))


def _estimator(model: Any) -> Loaded:
    names = getattr(model, "feature_names_in_", None)
    columns = None if names is None else [str(name) for name in names]
    return Loaded(lambda table: given(model.predict(frame(table, columns))), columns)


_LOADERS: Mapping[str, Callable[[bytes, Sequence[str]], Loaded]] = {
    "onnx": _onnx,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "catboost": _catboost,
    "skops": _skops,
    "pickle": _pickle,
    "joblib": _joblib,
}


def complaint(problem: BaseException) -> str:
    """Return what went wrong in a stranger's code, bounded and on one line.

    Examples
    --------
    >>> complaint(ValueError("no" + chr(10) + "column"))
    'ValueError: no column'
    """
    return _CONTROL.sub(" ", f"{type(problem).__name__}: {problem}")[:_CHARACTERS]
