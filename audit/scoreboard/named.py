"""Whether an explanation names the guilty attribute first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..conduct import Conduct
from ..explain import explanations
from ..record import Decomposition, Explanation, Surrogate


def named_first(conduct: Conduct, hypothesis: str, guilty: Collection[str]) -> bool | None:
    """Return whether what explains a finding puts a guilty attribute before every innocent one.

    Parameters
    ----------
    conduct : Conduct
        An audit that was explained.
    hypothesis : str
        Id of what was established.
    guilty : collection of str
        Attributes that move the answer in truth.

    Returns
    -------
    bool or None
        None where nothing could be taken apart.
    """
    told = explanations(conduct).get(hypothesis, [])
    ranked = _parts(told) or _drivers(told, conduct)
    return ranked[0] in guilty if ranked else None


def _parts(told: Sequence[Explanation]) -> list[str]:
    """Return the attributes of a decomposition, the largest part first."""
    for one in told:
        if isinstance(one, Decomposition) and one.scope == "attributes":
            order = sorted(one.parts, key=lambda part: -abs(part.effect.estimate or 0.0))
            return [part.name for part in order]
    return []


def _drivers(told: Sequence[Explanation], conduct: Conduct) -> list[str]:
    """Return what moves the surrogate most, of what the audit varies."""
    varied = {hypothesis.treatment for hypothesis in conduct.hypotheses}
    return [
        driver.name
        for one in told
        if isinstance(one, Surrogate)
        for driver in one.drivers
        if driver.name in varied
    ]
