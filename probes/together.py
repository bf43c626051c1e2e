"""Two attributes that are changed together: a vendor may charge only those who show both."""

from __future__ import annotations

from ..datasets.personas import Attribute, Level
from ..messages import Text, both
from .protocol import Hypothesis, Study, Subject
from .treated import label_of


def together(
    study: Study,
    names: tuple[str, str],
    codes: tuple[int, int],
    *,
    id_: str,
    probe: str,
    outcome: str,
) -> Hypothesis:
    """Return the hypothesis that customers who show both levels are treated unlike the reference.

    Parameters
    ----------
    names : pair of str
        Two attributes of the plan; the finding has the role and the kind of the first.
    codes : pair of int
        The level of each.
    id_, probe, outcome : str
        As for every hypothesis.
    """
    one, other = (study.attributes[name] for name in names)
    label = both("pricing.and", first=label_of(study, names[0]), second=label_of(study, names[1]))
    levels = one.levels[codes[0]], other.levels[codes[1]]
    return Hypothesis(
        id=id_,
        probe=probe,
        outcome=outcome,
        treatment=f"{one.name}+{other.name}",
        level=f"{levels[0]}+{levels[1]}",
        subject=Subject(
            label=label,
            question=both("pricing.asks_together", label=label),
            reference=f"{one.reference}+{other.reference}",
            level_label=_both_levels(one, other, levels),
            reference_label=_both_levels(one, other, (one.reference, other.reference)),
            role=one.role,
            kind=one.kind,
            done=False,
        ),
    )


def _both_levels(one: Attribute, other: Attribute, levels: tuple[Level, Level]) -> Text:
    first, second = (
        attribute.level_labels.get(str(level), {"zh": str(level), "en": str(level)})
        for attribute, level in zip((one, other), levels, strict=True)
    )
    return both("pricing.and", first=first, second=second)
