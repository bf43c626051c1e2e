"""Personas that show some fields of a treated level and the others of the reference.

Needed to say which visible field carries a difference. A mixture is a further level of the
attribute, behind those of the plan, so that a wave can ask for it and anybody can render it again;
no probe ever sees one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...datasets.personas import Attribute, Level
from ...probes.protocol import Study

MOST_FIELDS = 5
"""Fields that are told apart; with more, only the attribute as a whole is explained."""


def fields_of(attribute: Attribute, level: int) -> tuple[str, ...]:
    """Return the visible fields in which a level differs from the reference, through any cue.

    Examples
    --------
    >>> route = Attribute(name="route", role="habit", levels=("agent", "direct"), cues={
    ...     "booking": [{"who": "a", "how": "web", "x": 1}, {"who": "d", "how": "desk", "x": 1}]})
    >>> fields_of(route, 1)
    ('who', 'how')
    """
    found: dict[str, None] = {}
    for cue in attribute.cue_names:
        plain = attribute.fields(cue, 0)
        shown = attribute.fields(cue, level)
        found |= {name: None for name, value in shown.items() if value != plain.get(name)}
    return tuple(found)


def mixed(study: Study) -> Study:
    """Return the study with every mixture as a further level; what is there keeps its code."""
    attributes = {name: _extended(attribute) for name, attribute in study.attributes.items()}
    return replace(study, attributes=attributes)


def code_of(attribute: Attribute, level: int, mask: int) -> int:
    """Return the code of the mixture that shows the fields in `mask` as `level` does.

    Parameters
    ----------
    attribute : Attribute
        As the plan has it.
    level : int
        Code of a treated level.
    mask : int
        Bit i stands for the i-th of :func:`fields_of`; none is the reference, all the level.
    """
    full = (1 << len(fields_of(attribute, level))) - 1
    if mask in {0, full}:
        return level if mask else 0
    before = sum(_mixtures(attribute, other) for other in range(1, level))
    return len(attribute.levels) + before + mask - 1


def _mixtures(attribute: Attribute, level: int) -> int:
    fields = len(fields_of(attribute, level))
    return (1 << fields) - 2 if 1 < fields <= MOST_FIELDS else 0


def _extended(attribute: Attribute) -> Attribute:
    if attribute.role == "condition" or not attribute.cues:
        return attribute
    levels: list[Level] = list(attribute.levels)
    cues = {cue: list(shown) for cue, shown in attribute.cues.items()}
    for level in range(1, len(attribute.levels)):
        fields = fields_of(attribute, level)
        for mask in range(1, _mixtures(attribute, level) + 1):
            chosen = {name for i, name in enumerate(fields) if mask >> i & 1}
            levels.append(f"{attribute.levels[level]} ({', '.join(sorted(chosen))})")
            for cue, shown in cues.items():
                shown.append(_mixture(attribute, cue, level, chosen))
    return replace(attribute, levels=tuple(levels), cues=cues)


def _mixture(attribute: Attribute, cue: str, level: int, chosen: set[str]) -> Mapping[str, Level]:
    plain, shown = attribute.fields(cue, 0), attribute.fields(cue, level)
    return {
        name: value if name in chosen else plain.get(name, value) for name, value in shown.items()
    }
