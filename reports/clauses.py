"""Who is compared, and the clause that says how they differ: what the model sentences are put from."""

from __future__ import annotations

from dataclasses import dataclass

from ..audit.record import Finding
from ..messages import numbers
from .measures import Way, measure, way
from .scrub import scrub
from .sizes import Size, hundredths, size, told, tolerance, width, written
from .voice import Voice

NAME = 60
"""Most characters of a name inside a sentence."""
IN_SPITE = "optout.ineffective"
"""Kind of what customers meet who have opted out, whatever else is varied."""
_PER = {
    "night": "words.per_night",
    "trip": "words.per_trip",
    "ride": "words.per_ride",
    "month": "words.per_month",
    "year": "words.per_year",
}


@dataclass(frozen=True, slots=True)
class Clauses:
    """Parts of sentences about findings, in one language."""

    voice: Voice

    def label(self, finding: Finding) -> str:
        """Return what people call what was varied."""
        label = scrub(self.voice.of(finding.label) or finding.treatment, NAME)
        return label[:1].lower() + label[1:] if label[1:2].islower() else label

    def what(self, finding: Finding) -> str:
        """Return what was varied as it stands in a sentence: “the phone model”, “repeated looks”."""
        label = self.label(finding)
        return label if finding.done else self.voice("report.the", label=label)

    def many(self, finding: Finding) -> str:
        """Return what is measured, of several: “quotes”."""
        name = measure(finding).name
        return self.voice(f"measures.many_{name}", outcome=scrub(finding.outcome, NAME))

    def gap(self, finding: Finding) -> str:
        """Return what a difference is called."""
        return self.voice(
            "measures.gap_priced" if measure(finding).priced else "measures.gap_other"
        )

    def beyond(self, finding: Finding) -> str:
        """Return the gap beyond which a simulated customer counts as hit."""
        own = finding.share.beyond if finding.share else None
        limit = own or (finding.limits.beyond if finding.limits else None)
        return tolerance(finding, limit, self.voice)

    def hit(self, finding: Finding) -> str:
        """Return what a simulated customer who counts in the share has seen."""
        return self.voice(f"measures.hit_{_kind(finding)}", beyond=self.beyond(finding))

    def those(self, finding: Finding) -> str:
        """Return the same before a noun: those who have seen it."""
        return self.voice(f"measures.those_{_kind(finding)}", beyond=self.beyond(finding))

    def per(self, finding: Finding) -> str:
        """Return “a night”, with the space before it that English needs; empty where no money is."""
        per = finding.money.per if finding.money else None
        if not per:
            return ""
        if per in _PER:
            return self.voice(_PER[per])
        return self.voice("words.per_other", per=per)

    def who(self, finding: Finding) -> tuple[str, str, str]:
        """Return how the treated are called, how the reference is, and how both are together."""
        values = {
            "label": self.label(finding),
            "level": scrub(self.voice.of(finding.level_label, finding.level), NAME),
            "reference": scrub(self.voice.of(finding.reference_label, finding.reference), NAME),
        }
        form = _form(finding)
        who, whom, pair = (
            self.voice(f"report.{part}_{form}", **values) for part in ("who", "whom", "pair")
        )
        return who, whom, pair

    def clause(self, finding: Finding, *, neutral: bool = False) -> str:
        """Return how the two differ, with interval and money; empty where no size was measured.

        `neutral`: without saying which way.
        """
        direction: Way = "apart" if neutral else way(finding)
        found = size(finding, self.voice, flipped=direction == "less")
        if found is None:
            return ""
        spread = self.spread(finding, found, between=direction == "apart")
        _, whom, _ = self.who(finding)
        return self._filled(finding, direction, found, spread, self.voice("report.than", whom=whom))

    def short(self, finding: Finding) -> str:
        """Return how the treated differ, with the size alone: the title of a page."""
        direction = way(finding)
        found = size(finding, self.voice, flipped=direction == "less")
        return "" if found is None else self._filled(finding, direction, found, "", "")

    def _filled(self, finding: Finding, way_: Way, found: Size, spread: str, than: str) -> str:
        clause = self._clause(finding, way_, found, spread, than)
        if finding.kind == IN_SPITE:
            return self.voice("measures.opted_out", clause=clause)
        return clause

    def _clause(self, finding: Finding, way_: Way, found: Size, spread: str, than: str) -> str:
        who, _, pair = self.who(finding)
        what, outcome = measure(finding), scrub(finding.outcome, NAME)
        one = ""
        if what.clause in {"amount", "part", "index"}:
            one = self.voice(f"measures.one_{what.name}", outcome=outcome)
        return self.voice(
            f"measures.{what.clause}_{way_}",
            who=who,
            pair=pair,
            than=than,
            per=self.per(finding),
            one=one,
            many=self.many(finding),
            outcome=outcome,
            size=found.value,
            number=found.number,
            spread=spread,
        )

    def spread(self, finding: Finding, found: Size, *, between: bool = False) -> str:
        """Return the interval in brackets, with what the reference gets, and the money."""
        voice, inside = self.voice, found.interval
        if between:
            inside = voice("report.between", interval=inside)
        base = self.base(finding)
        if base:
            inside = voice("report.with_base", interval=inside, base=base)
        money = voice("report.money", money=found.money) if found.money else ""
        return voice("report.spread", inside=inside, money=money)

    def base(self, finding: Finding) -> str:
        """Return what the reference gets, where that is told; with the digits of the effect."""
        what, unit = measure(finding), finding.effect.unit
        if not what.base or finding.base is None:
            return ""
        value, language = hundredths(finding.base, unit), self.voice.language
        digits = numbers.digits_for(width(told(finding)))
        return self.voice(
            f"measures.{what.clause}_base",
            number=numbers.decimal(value, digits),
            percent=numbers.percent(value, language, digits=digits),
            size=written(value, unit, language, digits=digits),
        )


def _form(finding: Finding) -> str:
    """Return how people are called: by what they did, by what they are, or by a bare level."""
    if finding.level_label is None or finding.reference_label is None:
        return "plain"
    if finding.done:
        return "path"
    return "habit" if finding.role == "habit" else "shown"


def _kind(finding: Finding) -> str:
    """Return what counts in the share: a gap in price, another gap, or a changed answer."""
    if finding.effect.unit == "rate":
        return "flips"
    return "priced" if measure(finding).priced else "other"
