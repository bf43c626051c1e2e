"""What the pricing probes share: backgrounds, one account for all arms, and what is described."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from ...messages import Text, both
from ..described import a_year, by_cue, heterogeneity, places, spread
from ..matched import Layout, Reading, common
from ..options import Options
from ..protocol import Card, Described, Evidence, Study
from ..scores import Score
from ..treated import Treated

OPTIONS: Mapping[str, Text] = {
    "background": both("pricing.option_background"),
    "basket": both("pricing.option_basket"),
    "crossover": both("pricing.option_crossover"),
}
"""Settings that every pricing probe takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is compared in every treated arm.

    Parameters
    ----------
    outcome : str
        As the finding names it.
    scores : tuple of Score
        In what it may be compared: the first one that the target can serve.
    question : str
        Id of the question that people ask, with a ``{label}``; empty: the attribute's own.
    kind : str
        Kind of finding; empty: that of the attribute.
    defence : str
        The explanation of a vendor that it puts to the test.
    """

    outcome: str
    scores: tuple[Score, ...]
    question: str = ""
    kind: str = ""
    defence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced(Treated):
    """Customers that are alike but for one attribute. A probe says what of the answer it compares.

    Parameters
    ----------
    background : bool
        Whether the other treated attributes are drawn for each block, instead of standing at their
        references: the effect is then an average over them.
    basket : float
        Purchases a year that an effect in money is told for; 0: it is not.
    """

    background: bool = False
    basket: float = 0.0

    @property
    @abstractmethod
    def asked(self) -> tuple[Asked, ...]:
        """What is compared in every treated arm, as far as the target answers it."""

    def scores(self, study: Study) -> Mapping[str, Score]:
        """Return the score of everything that is asked and answered."""
        return {
            asked.outcome: score
            for asked in self.asked
            for score in islice((s for s in asked.scores if s.needs <= study.outcomes.keys()), 1)
        }

    def asks(self, outcome: str, label: Text) -> Text | None:
        """Return what people ask about an attribute; None where that is its own question."""
        question = self._asked(outcome).question
        return both(question, label=label) if question else None

    def kind_of(self, outcome: str) -> str:
        """Return the kind of finding that a difference would be."""
        return self._asked(outcome).kind

    def defence_of(self, outcome: str) -> str:
        """Return the explanation of a vendor that an outcome puts to the test."""
        return self._asked(outcome).defence

    def _asked(self, outcome: str) -> Asked:
        return next(asked for asked in self.asked if asked.outcome == outcome)

    def layout(self, study: Study) -> Layout:
        """Return one arm for each treated level, and what every block draws beside."""
        alone = Treated.layout(self, study)
        if not self.background or len(self.treat) == 1:
            return alone
        drawn = tuple(name for name in self.treat if name not in study.tied)
        return replace(alone, background=drawn)

    def lacks(self, study: Study) -> Text | None:
        """Return why it cannot be asked of this study; None where it can."""
        if self.crossover and (len(study.identities) == 0 or study.tied):
            return both("pricing.no_crossover")
        if self.scores(study):
            return None
        missing = self.asked[0].scores[0].needs - study.outcomes.keys()
        return both("audit.not_answered", outcome=min(missing))

    def detailed(self, reading: Reading) -> Evidence:
        """Return the evidence with what else the answers show, and what is unusual in its method."""
        unusual = {
            "pricing.method_together": len(reading.changes) > 1,
            "pricing.method_background": bool(reading.layout.background),
            "pricing.method_crossover": self.crossover,
        }
        return replace(
            reading.found,
            described=self.described(reading),
            method=tuple(both(name) for name, holds in unusual.items() if holds),
        )

    def described(self, reading: Reading) -> tuple[Described, ...]:
        """Return how unequal the effect is, what each cue shows, and what it costs in a year."""
        if reading.one.score.unit != "log-ratio":
            return ()
        ledger, arm, level = reading.ledger, reading.arm, reading.level
        return (
            *heterogeneity(ledger, arm, level=level),
            *spread(ledger, arm, level=level),
            *(part for name in reading.changes for part in by_cue(reading, name, bound=self.bound)),
            *(places(ledger, level=level) if self.crossover else ()),
            *(a_year(reading.found, self.basket) if self.basket else ()),
        )


def settings(options: Mapping[str, Any], card: Card) -> tuple[dict[str, Any], Options]:
    """Return what every pricing probe takes from its plan entry, and its own options as given."""
    own = Options(card.name, options.get("options", {}))
    shared = {
        "treat": tuple(options["treat"]),
        "background": own.one_of("background", ("population",)) is not None,
        "basket": own.number("basket"),
        "crossover": own.flag("crossover"),
    }
    return {**shared, **common(options, card)}, own
