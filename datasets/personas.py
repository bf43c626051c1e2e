"""Synthetic customers: attributes with a role, the cues that show them, and tables of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ..messages import Text

Level = str | int | float | bool
Column = NDArray[Any]
Role = Literal["ability_to_pay", "preference", "habit", "protected", "private", "condition"]

TREATMENTS: frozenset[str] = frozenset(
    {"ability_to_pay", "preference", "habit", "protected", "private"}
)
"""Roles that a vendor may not price by; `condition` is the lawful one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One property of a persona.

    Parameters
    ----------
    name : str
        The attribute's key in the plan.
    role : str
        Why the vendor may or may not use it; see :data:`Role`.
    levels : tuple of level
        All levels that are asked about. For a treatment the first is the reference. Empty for a
        condition that the population brings.
    cues : mapping
        Cue name → one mapping of visible fields for each level, in the order of `levels`. Without
        cues the vendor sees one field, named like the attribute, that holds the level.
    unit : str, optional
        What a number means, e.g. ``"CNY/month"``.
    kind : str
        Kind of finding that a difference would be, e.g. ``"price.ability_to_pay"``.
    because : mapping, optional
        Why the plan treats it, in zh and en.
    label : mapping, optional
        What people call it, in zh and en.
    question : mapping, optional
        What people ask about it: “Do returning guests pay more?”, in zh and en.
    level_labels : mapping
        What people call a level, by the level as a string.
    decides : tuple of str
        Of a condition, what it decides that a vendor may say: ``"cost"``, ``"channel"``.

    Examples
    --------
    >>> device = Attribute(name="device", role="ability_to_pay", levels=("old", "new"))
    >>> device.reference, device.fields("", 1)
    ('old', {'device': 'new'})
    """

    name: str
    role: Role
    levels: tuple[Level, ...] = ()
    cues: Mapping[str, Sequence[Mapping[str, Level]]] = field(
        default_factory=dict[str, Sequence[Mapping[str, Level]]]
    )
    unit: str | None = None
    kind: str = ""
    because: Text | None = None
    label: Text | None = None
    question: Text | None = None
    level_labels: Mapping[str, Text] = field(default_factory=dict[str, Text])
    decides: tuple[str, ...] = ()

    @property
    def reference(self) -> Level:
        """The level that treated levels are compared with."""
        return self.levels[0]

    @property
    def cue_names(self) -> tuple[str, ...]:
        """The cues that show it; one nameless cue where none is declared."""
        return tuple(self.cues) or ("",)

    def fields(self, cue: str, code: int) -> Mapping[str, Level]:
        """Return what the vendor sees of level `code` through `cue`."""
        return self.cues[cue][code] if self.cues else {self.name: self.levels[code]}


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of one length, read-only: personas, items, accounts.

    Examples
    --------
    >>> rooms = Table({"id": np.array(["a", "b"])})
    >>> len(rooms), rooms.columns["id"][1].item()
    (2, 'b')
    """

    columns: Mapping[str, Column] = field(default_factory=dict[str, Column])

    def __post_init__(self) -> None:
        """Freeze the columns and check that they are of one length."""
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            msg = f"columns of a Table must be of one length, got lengths {sorted(lengths)}"
            raise ValueError(msg)
        frozen: dict[str, Column] = {}
        for name, column in self.columns.items():
            frozen[name] = np.asarray(column).view()
            frozen[name].flags.writeable = False
        object.__setattr__(self, "columns", MappingProxyType(frozen))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @classmethod
    def from_frame(cls, frame: Any) -> Self:
        """Make a table from any data frame that narwhals knows (pandas, polars, pyarrow, …)."""
        import narwhals as nw

        source = nw.from_native(frame, eager_only=True)
        return cls({name: source[name].to_numpy() for name in source.columns})
