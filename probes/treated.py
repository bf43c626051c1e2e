"""Comparisons of one attribute at a time: an arm for each level, a hypothesis for each score."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from ..messages import Text
from .matched import Compared, Layout, Matched, is_carried, treated_arms
from .protocol import Hypothesis, Study
from .scores import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated(Matched):
    """Customers that are alike but for one attribute, and what each of them is answered.

    A probe says in which scores answers are compared: :meth:`scores`.

    Parameters
    ----------
    treat : tuple of str
        Attributes to vary, one at a time, from the reference profile.
    """

    treat: tuple[str, ...]

    @abstractmethod
    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return in what answers are compared, by what it is called: a pure function of the study.

        That is the outcome, unless :meth:`outcome_of` says otherwise.
        """

    @abstractmethod
    def asks(self, outcome: str, label: Text) -> Text | None:
        """Return what people ask about an attribute, given what they call it; None: its own."""

    def outcome_of(self, measure: str) -> str:
        """Return the outcome that is compared: one may be compared in several scores."""
        return measure

    def kind_of(self, outcome: str) -> str:
        """Return the kind of finding that a difference would be; empty: the attribute's own."""
        del outcome
        return next(iter(self.card.finding_kinds), "")

    def defence_of(self, outcome: str) -> str:
        """Return the explanation of a vendor that an outcome puts to the test; empty: none."""
        del outcome
        return ""

    def layout(self, study: Study) -> Layout:
        """Return one arm for each treated level, and a hypothesis about it for each score."""
        arms = treated_arms(study, self.treat)
        scores = self.scores(study)
        return Layout(
            arms=tuple(arm for arm, _, _ in arms),
            compared=tuple(
                Compared(
                    hypothesis=Hypothesis(
                        id=f"{self.name}:{name}={level}:{measure}",
                        probe=self.name,
                        outcome=self.outcome_of(measure),
                        treatment=name,
                        level=level,
                        kind=self.kind_of(measure),
                        defence=self.defence_of(measure),
                        question=self.asks(measure, label_of(study, name)),
                    ),
                    arm=place,
                    score=score,
                    delivered=is_carried(study, name),
                )
                for place, (_, name, level) in enumerate(arms)
                for measure, score in scores.items()
            ),
        )


def label_of(study: Study, name: str) -> Text:
    """Return what people call an attribute: its name where the plan does not say."""
    return study.attributes[name].label or {"zh": name, "en": name}
