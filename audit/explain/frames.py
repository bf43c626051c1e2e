"""What may lawfully differ between contexts, as columns: for subgroups and for the surrogate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...datasets.personas import Column
from ...messages import Text, both
from ...probes.contexts import Contexts
from ...probes.protocol import Study

NAMES = 40
"""A text column with more different values than this names things and groups nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One column of what a context is.

    `role` is ``"condition"``, ``"item"`` or ``"other"`` (a field of the persona that the plan does
    not list as an attribute). `column` holds numbers or texts, one entry a context.
    """

    name: str
    label: Text
    role: str
    column: Column

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.column.dtype.kind in "iuf"


def features(study: Study, contexts: Contexts, *, every: bool = False) -> list[Feature]:
    """Return what distinguishes contexts: conditions, what is bought, the rest of the persona.

    Columns that are the same in all of these contexts, or that only name things, are left out
    unless `every` is asked for.
    """
    found = [
        *_conditions(study, contexts),
        *_rest(study, contexts),
        *_items(study, contexts),
    ]
    return found if every else _told_apart([one for one in found if _groups(one)])


def _told_apart(found: list[Feature]) -> list[Feature]:
    """Leave out columns that only say again what an earlier one says: names beside a number."""
    kept: dict[bytes, Feature] = {}
    for one in found:
        _, first, code = np.unique(one.column, return_index=True, return_inverse=True)
        kept.setdefault(first[code.ravel()].tobytes(), one)
    return list(kept.values())


def _conditions(study: Study, contexts: Contexts) -> list[Feature]:
    out = []
    for name, attribute in study.attributes.items():
        if attribute.role != "condition":
            continue
        label = attribute.label or {"zh": name, "en": name}
        if name in study.personas.columns:
            column = study.personas.columns[name][contexts.persona]
        elif name in contexts.conditions:
            levels = np.array(attribute.levels)
            column = levels[np.maximum(contexts.conditions[name], 0)]
        else:
            continue
        out.append(Feature(name=name, label=label, role="condition", column=column))
    return out


def _rest(study: Study, contexts: Contexts) -> list[Feature]:
    return [
        _plain(name, "other", column[contexts.persona])
        for name, column in study.personas.columns.items()
        if name not in study.attributes
    ]


def _items(study: Study, contexts: Contexts) -> list[Feature]:
    if len(study.items) == 0 or np.any(contexts.item < 0):
        return []
    columns: Mapping[str, Column] = study.items.columns
    return [_plain(name, "item", column[contexts.item]) for name, column in columns.items()]


def _plain(name: str, role: str, column: Column) -> Feature:
    label = both("explain.item") if (role, name) == ("item", "id") else {"zh": name, "en": name}
    return Feature(name=name, label=label, role=role, column=column)


def _groups(feature: Feature) -> bool:
    if feature.column.dtype.kind not in "iufbUO":
        return False
    different = len(set(feature.column.tolist()))
    return different > 1 and (feature.numeric or different <= NAMES)
