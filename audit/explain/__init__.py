"""Explanations of what a test has flagged: what a difference is made of, and for whom it holds.

Asked when the probes have nothing left to ask, out of what the budget leaves, as questions like any
other: stored before they are sent, resumable, replayable.

- :mod:`.games`: Shapley values of the gap between two personas, from real answers;
- :mod:`.who`: the shallowest lawful subgroup in which an effect lives, confirmed on fresh blocks;
- :mod:`.surrogate`: trees that imitate the answers on file, refused where they imitate badly;
- :mod:`.followups`: what is asked; :mod:`.told`: what the record holds of it.

An explanation describes and never decides: no verdict changes with it.
"""

from __future__ import annotations

from .followups import followups
from .mixtures import mixed
from .told import explanations

__all__ = ["explanations", "followups", "mixed"]
