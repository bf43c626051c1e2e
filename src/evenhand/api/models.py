"""What is audited: an object of this process, something that can be imported, or an address."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..audit.target.python import Library, frame_of
from ..errors import UsageError
from .tables import Given

IN_MEMORY = "in_memory"
"""What stands for the module of a model that has none."""

_NAME = re.compile(r"\W+")
_IMPORTABLE = re.compile(r"[\w.]+:[\w.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """What a call of ``run`` was given to audit.

    Parameters
    ----------
    name : str
        What people call it.
    url : str, optional
        Of an endpoint.
    function : str
        ``"module:name"``, of a Python model.
    model : object, optional
        A model of this process; None where the plan alone says what is asked.
    importable : bool
        Whether the plan runs where this process has ended.
    features : sequence of str, optional
        The columns that it was trained on, in their order.
    bare : bool
        Whether it was trained on an array without names.
    """

    name: str
    url: str | None = None
    function: str = ""
    model: Any = None
    importable: bool = True
    features: Sequence[str] | None = None
    bare: bool = False

    @property
    def in_process(self) -> bool:
        """Whether it is asked here, and not over a network."""
        return self.url is None


def vendor(model: Any) -> Vendor:
    """Return what `model` is.

    Raises
    ------
    UsageError
        If nothing can be asked of it.

    Examples
    --------
    >>> vendor("http://127.0.0.1:8000/quote").url
    'http://127.0.0.1:8000/quote'
    >>> vendor(lambda table: table["age"]).importable
    False
    """
    if isinstance(model, str):
        return _named(model)
    if not callable(getattr(model, "predict", None)) and not callable(model):
        raise UsageError("api.no_model", got=type(model).__name__)
    if isinstance(model, type):
        raise UsageError("api.a_class", got=model.__name__)
    path = _path(model)
    name = getattr(model, "__name__", type(model).__name__)
    features = getattr(model, "feature_names_in_", None)
    return Vendor(
        name=name,
        function=path or f"{IN_MEMORY}:{_NAME.sub('', name) or 'model'}",
        model=model,
        importable=path is not None,
        features=None if features is None else [str(one) for one in features],
        bare=features is None and hasattr(model, "n_features_in_"),
    )


def _named(model: str) -> Vendor:
    if model.startswith(("http://", "https://")):
        return Vendor(name=model, url=model)
    if _IMPORTABLE.fullmatch(model):
        return Vendor(name=model, function=model)
    raise UsageError("api.no_address", got=model)


def _path(model: Any) -> str | None:
    """Return where `model` is found by whoever imports its module; None where it is not."""
    module, name = getattr(model, "__module__", None), getattr(model, "__qualname__", "")
    if not module or module == "__main__" or not re.fullmatch(r"[\w.]+", name):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if spec is not None and found is model else None


def asked(
    who: Vendor,
    tables: Sequence[Given],
    *,
    frame: Library,
    batch: bool,
    fields: Sequence[str],
) -> Asked:
    """Return what asks a model of this process: with the caller's own ids, types and frames.

    Parameters
    ----------
    who : Vendor
    tables : sequence of Given
        People and items, as the caller gave them.
    frame : str
        What the model takes.
    batch : bool
        Whether it takes a table, or one mapping a trial.
    fields : sequence of str
        The columns that it is given, in their order.
    """
    predict = getattr(who.model, "predict", None)
    call: Callable[[Any], Any] = predict if callable(predict) else who.model
    restore = _Restore(tables, fields)

    def ask(columns: Mapping[str, Any]) -> Any:
        if not batch:
            return call(restore.one(columns))
        table = restore.table(columns)
        if who.bare:
            return call(np.column_stack([np.asarray(c, dtype=float) for c in table.values()]))
        return call(restore.categories(frame_of(table, frame)))

    return Asked(ask)


class Asked:
    """A model that is asked; what it raised last is kept for the person who wrote it."""

    def __init__(self, ask: Callable[[Mapping[str, Any]], Any]) -> None:
        self._ask = ask
        self.raised: Exception | None = None

    def __call__(self, columns: Mapping[str, Any]) -> Any:
        """Ask."""
        try:
            return self._ask(columns)
        except Exception as error:
            self.raised = error
            raise


class _Restore:
    """Gives columns back what a csv file and a hash have taken from them."""

    def __init__(self, tables: Sequence[Given], fields: Sequence[str]) -> None:
        self.texts = frozenset(name for one in tables for name in one.texts) & set(fields)
        self.ids = {key: value for one in tables for key, value in one.ids.items()}
        self.id_column = next((one.id_column for one in tables if one.id_column), None)
        self.kinds = {
            name: kind for one in tables for name, kind in one.categories.items() if name in fields
        }

    def categories(self, frame: Any) -> Any:
        """Give a pandas frame the categories that its columns had, whatever they are made of."""
        if not self.kinds:
            return frame
        import pandas as pd

        made = {}
        for name, kind in self.kinds.items():
            meant = {str(one): one for one in kind.categories}
            made[name] = pd.Categorical([meant.get(str(one)) for one in frame[name]], dtype=kind)
        return frame.assign(**made)

    def table(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns of a batch."""
        return {name: self._column(name, column) for name, column in columns.items()}

    def _column(self, name: str, column: Any) -> Any:
        if name == self.id_column:
            return np.array([self.ids.get(str(one), one) for one in column.tolist()])
        if name in self.texts and column.dtype.kind not in "UO":
            return np.array([str(one) for one in column.tolist()])
        return column

    def one(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return one trial."""
        out = dict(row)
        for name in self.texts & set(out):
            out[name] = out[name] if isinstance(out[name], str) else str(out[name])
        if self.id_column in out:
            out[self.id_column] = self.ids.get(str(out[self.id_column]), out[self.id_column])
        return out
