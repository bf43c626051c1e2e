"""The model sentences: what a finding says in words, every figure of it from the record.

Three a finding: what, how much, in money; how we know; what it is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..audit.record import Control, Finding, Range, Setting
from ..messages import Text, numbers
from .clauses import Clauses
from .measures import PRICE, measure, way
from .sizes import fraction, known, share_digits, share_text, size, told, tolerance
from .voice import Voice

_HOW = {"more": "report.how_share_dearer", "less": "report.how_share_cheaper"}
STRENGTHS = {"strong": "words.strong", "medium": "words.medium", "weak": "words.weak"}
DEFENCE_STATUS = {
    "ruled_out_by_design": "words.ruled_out_by_design",
    "tested": "words.tested",
    "not_tested": "words.not_tested",
    "not_applicable": "words.not_applicable",
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of the findings of one audit in one language.

    Parameters
    ----------
    voice : Voice
    setting : Setting
    controls : sequence of Control
    defences : mapping of str to text
        Names of the explanations that a vendor may give.
    repeated : mapping of str to int
        How often each question, in English, is asked.
    """

    voice: Voice
    setting: Setting
    controls: Sequence[Control]
    defences: Mapping[str, Text]
    repeated: Mapping[str, int]

    @property
    def say(self) -> Clauses:
        """Who is compared, and how they differ."""
        return Clauses(self.voice)

    def label(self, finding: Finding) -> str:
        """Return what people call what was varied."""
        return self.say.label(finding)

    def per(self, finding: Finding) -> str:
        """Return “a night”, with the space before it that English needs; empty where no money is."""
        return self.say.per(finding)

    def sentences(self, finding: Finding) -> list[str]:
        """Return the model sentences of a finding."""
        tell = {
            "established": self._beyond,
            "cleared": self._within,
            "indicated": self._real,
            "inconclusive": self._unknown,
        }
        return [self.voice.begun(sentence) for sentence in tell[finding.verdict](finding)]

    def claim(self, finding: Finding) -> str:
        """Return the claim of a finding: the title of its page."""
        return self.voice.begun(self._claim(finding))

    def measured(self, finding: Finding) -> str:
        """Return on how many further comparisons the size was measured; empty where on none."""
        before = finding.model_copy(
            update={
                "percent": finding.percent_at_stopping,
                "points": finding.points_at_stopping,
                "money": None,
            }
        )
        if not finding.fresh_blocks or told(before) is None:
            return ""
        was = size(before, self.voice)
        return self.voice(
            "report.fresh",
            fresh=numbers.count(finding.fresh_blocks),
            before=was.value if was else self.voice("report.no_number"),
            spread=was.interval if was else "",
        )

    def strength(self, finding: Finding) -> str:
        """Return the strength of evidence with its reasons; empty where none is given."""
        if finding.strength is None or finding.verdict not in {"established", "cleared"}:
            return ""
        strength = self.voice(STRENGTHS[finding.strength])
        reasons = [self.voice.of(reason).rstrip("。.") for reason in finding.strength_reasons]
        if not reasons:
            return self.voice("report.strength_bare", strength=strength)
        joined = ("；" if self.voice.language == "zh" else "; ").join(reasons)
        return self.voice("report.strength", strength=strength, reasons=joined)

    def explanations(self, finding: Finding) -> str:
        """Return what the vendor may say, each with its status; empty where nothing was listed."""
        parts = [
            self.voice(
                "report.explanation",
                name=self.defence(row.id),
                status=self.voice(DEFENCE_STATUS[row.status]),
            )
            for row in finding.defences
        ]
        joined = ("；" if self.voice.language == "zh" else "; ").join(parts)
        return self.voice("report.explanations", list=joined) if parts else ""

    def defence(self, defence_id: str) -> str:
        """Return the name of an explanation."""
        name = self.defences.get(defence_id)
        return name[self.voice.language] if name else defence_id

    def question(self, finding: Finding) -> str:
        """Return the question of a finding; with what was compared where others ask the same."""
        question = self.voice.of(finding.question)
        if self.repeated.get(finding.question.en, 0) < 2:  # noqa: PLR2004 - asked once only
            return question
        level = self.voice.of(finding.level_label, finding.level)
        reference = self.voice.of(finding.reference_label, finding.reference)
        return self.voice(
            "report.question",
            question=question,
            label=self.voice.of(finding.label),
            level=level,
            reference=reference,
        )

    def groups_needed(self, finding: Finding) -> int | None:
        """Return how many more comparisons `queries_needed` more queries are."""
        if not finding.queries_needed or not finding.queries or not finding.n:
            return None
        return math.ceil(finding.queries_needed * finding.n / finding.queries)

    def _claim(self, finding: Finding) -> str:
        tell = {
            "established": self._claim_beyond,
            "cleared": self._claim_within,
            "indicated": self._claim_real,
            "inconclusive": self._claim_unknown,
        }
        return tell[finding.verdict](finding)

    def _claim_real(self, finding: Finding) -> str:
        return self.voice("report.claim_real", **self._topic(finding))

    def _claim_unknown(self, finding: Finding) -> str:
        return self.voice("report.claim_unknown", **self._topic(finding))

    def _claim_within(self, finding: Finding) -> str:
        _, _, pair = self.say.who(finding)
        limits = finding.limits
        if limits is None or size(finding, self.voice) is None:
            return self.voice("report.claim_within_plain", pair=pair)
        limit = tolerance(finding, limits.ratio, self.voice, before=True)
        message = "report.claim_within_real" if finding.real else "report.claim_within"
        return self.voice(message, pair=pair, limit=limit, many=self.say.many(finding))

    def _claim_beyond(self, finding: Finding) -> str:
        short = self.say.short(finding)
        if short and finding.mean == "outside":
            return short
        if finding.share and known(finding.share.estimate) is not None and self._counts(finding):
            return self.voice(
                "report.claim_share",
                share=share_text(finding.share, self.voice),
                hit=self.say.hit(finding),
            )
        return self.voice("report.claim_beyond", **self._topic(finding))

    def _topic(self, finding: Finding) -> dict[str, str]:
        return {"many": self.say.many(finding), "what": self.say.what(finding)}

    @staticmethod
    def _counts(finding: Finding) -> bool:
        return finding.share_verdict == "outside"

    def _twins(self) -> str:
        twins = [control for control in self.controls if control.kind == "twins"]
        if not twins:
            return self.voice("report.twins_none")
        quiet = all(control.passed for control in twins)
        return self.voice("report.twins_quiet" if quiet else "report.twins_loud")

    def _item(self) -> str:
        return self.voice.of(self.setting.item_label) or self.voice("report.item")

    def _not_intent(self, finding: Finding) -> str:
        return self.voice("report.not_intent", **self._topic(finding))

    def _beyond(self, finding: Finding) -> list[str]:
        return [self._beyond_what(finding), self._beyond_how(finding), self._not_intent(finding)]

    def _beyond_what(self, finding: Finding) -> str:
        voice, say, item = self.voice, self.say, self._item()
        found = size(finding, voice)
        if found is None:
            return voice("report.beyond_plain", item=item, pair=say.who(finding)[2])
        if finding.mean == "outside":
            return voice("report.beyond", item=item, clause=say.clause(finding))
        if self._counts(finding) and finding.share and finding.limits:
            return voice(
                "report.beyond_share",
                item=item,
                what=say.what(finding),
                size=found.value,
                spread=say.spread(finding, found),
                share=share_text(finding.share, voice),
                low=self._at_least(finding.share),
                hit=say.hit(finding),
                limit=fraction(finding.limits.share, voice),
            )
        return voice("report.beyond_joint", item=item, clause=say.clause(finding, neutral=True))

    def _at_least(self, share: Range) -> str:
        low = 100 * (known(share.low) or 0.0)
        return numbers.percent(low, self.voice.language, digits=share_digits(share))

    def _beyond_how(self, finding: Finding) -> str:
        n, direction = numbers.count(finding.n), way(finding)
        worse = direction == (measure(finding).worse or "more")
        own = finding.share_dearer if worse else finding.share_cheaper
        share = finding.share if direction == "apart" else own or finding.share
        price = measure(finding) == PRICE
        counted = known(share.estimate) if share else None
        if finding.mean != "outside" or share is None or counted is None or not (price or counted):
            return self.voice("report.how_blocks", n=n, twins=self._twins())
        message = _HOW.get(direction) if price else None
        return self.voice(
            message or "report.how_share_other",
            n=n,
            share=share_text(share, self.voice),
            those=self.say.those(finding),
            beyond=self.say.beyond(finding),
            twins=self._twins(),
        )

    def _within(self, finding: Finding) -> list[str]:
        voice, say, item = self.voice, self.say, self._item()
        how = voice("report.how_blocks", n=numbers.count(finding.n), twins=self._twins())
        items = voice.of(self.setting.items_label) or voice("report.items")
        last = voice("report.not_smaller", items=items)
        clause = say.clause(finding, neutral=True)
        if not clause or finding.limits is None:
            pair = say.who(finding)[2]
            return [voice("report.within_plain", item=item, pair=pair), how, last]
        message = "report.within_real" if finding.real else "report.within"
        limit = tolerance(finding, finding.limits.ratio, voice, before=True)
        high = known(finding.share.high) if finding.share else None
        if high is not None:
            bound = numbers.at_most(100 * high, voice.language)
            how = voice("report.within_share", bound=bound, those=say.those(finding))
        return [voice(message, item=item, clause=clause, limit=limit), how, last]

    def _real(self, finding: Finding) -> list[str]:
        voice, say, item = self.voice, self.say, self._item()
        clause = say.clause(finding, neutral=True)
        what = (
            voice("report.real", item=item, clause=clause)
            if clause
            else voice("report.real_plain", item=item, pair=say.who(finding)[2])
        )
        how = voice("report.how_blocks", n=numbers.count(finding.n), twins=self._twins())
        if finding.limits is not None:
            queries = finding.queries_needed
            how = voice(
                "report.real_open",
                n=numbers.count(finding.n),
                gap=say.gap(finding),
                limit=tolerance(finding, finding.limits.ratio, voice),
                share=fraction(finding.limits.share, voice),
                needed=voice("report.needed", queries=numbers.count(queries)) if queries else "",
                twins=self._twins(),
            )
        return [what, how, self._not_intent(finding)]

    def why(self, finding: Finding) -> str:
        """Return why nothing can be told of a finding yet."""
        return self.voice.of(finding.reason) or self._too_few(finding)

    def _unknown(self, finding: Finding) -> list[str]:
        what = self.voice("report.unknown", reason=self.why(finding))
        return [what, self.voice("report.neither")]

    def _too_few(self, finding: Finding) -> str:
        voice = self.voice
        more = self.groups_needed(finding)
        needed = voice("report.unknown_needed", more=numbers.count(more)) if more else ""
        n = numbers.spelled(finding.n, voice.language)
        high = known(finding.share.high) if finding.share else None
        if high is None or finding.limits is None or high <= finding.limits.share:
            return voice("report.unknown_plain", n=n, needed=needed)
        message = "report.unknown_blocks"
        if finding.unit == "account":
            message = "report.unknown_accounts"
        return voice(
            message,
            n=n,
            bound=numbers.at_most(100 * high, voice.language),
            limit=fraction(finding.limits.share, voice),
            needed=needed,
        )
