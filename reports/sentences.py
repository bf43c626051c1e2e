"""The model sentences: what a finding says in words, every figure of it from the record.

Three a finding: what, how much, in money; how we know; what it is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..audit.record import Control, Finding, Range, Setting
from ..messages import Text, numbers
from .scrub import scrub
from .voice import Voice

_PER = {
    "night": "words.per_night",
    "trip": "words.per_trip",
    "ride": "words.per_ride",
    "month": "words.per_month",
    "year": "words.per_year",
}
NAME = 60
"""Most characters of a name inside a sentence."""
STRENGTHS = {"strong": "words.strong", "medium": "words.medium", "weak": "words.weak"}
DEFENCE_STATUS = {
    "ruled_out_by_design": "words.ruled_out_by_design",
    "tested": "words.tested",
    "not_tested": "words.not_tested",
    "not_applicable": "words.not_applicable",
}


@dataclass(frozen=True, slots=True)
class Size:
    """The mean gap of a finding, written out. `flipped` sizes are printed as amounts cheaper."""

    percent: str
    interval: str
    money: str
    money_interval: str


def known(value: float | None) -> float | None:
    """Return `value`, or None where it is not a number that can be printed."""
    return value if value is not None and math.isfinite(value) else None


def width(range_: Range | None) -> float | None:
    """Return how wide a range is; None where an end is missing."""
    if range_ is None or known(range_.low) is None or known(range_.high) is None:
        return None
    return (range_.high or 0.0) - (range_.low or 0.0)


def size(finding: Finding, voice: Voice, *, flipped: bool = False) -> Size | None:
    """Return the mean gap in words; None where there is none in percent."""
    percent = finding.percent
    if percent is None or known(percent.estimate) is None:
        return None
    sign = -1.0 if flipped else 1.0
    digits = numbers.digits_for(width(percent))
    ends = sorted(
        sign * end for end in (known(percent.low), known(percent.high)) if end is not None
    )
    spread = (
        numbers.percent_range(ends[0], ends[1], voice.language, digits=digits)
        if len(ends) == 2  # noqa: PLR2004 - both ends
        else voice("report.no_number")
    )
    value = numbers.percent(sign * (percent.estimate or 0.0), voice.language, digits=digits)
    amount, amounts = _money(finding.money, voice, sign)
    return Size(value, spread, amount, amounts)


def _money(money: Range | None, voice: Voice, sign: float) -> tuple[str, str]:
    if money is None or known(money.estimate) is None:
        return "", ""
    digits = numbers.digits_for(width(money))
    value = sign * (money.estimate or 0.0)
    amount = numbers.money(value, money.currency, voice.language, digits=digits, sentence=True)
    if width(money) is None:
        return amount, ""
    low, high = sorted((sign * (money.low or 0.0), sign * (money.high or 0.0)))
    spread = numbers.money_range(low, high, money.currency, voice.language, digits=digits)
    return amount, spread


def share_text(share: Range, voice: Voice) -> str:
    """Return the estimate of a share with the digits that its interval justifies."""
    digits = share_digits(share)
    return numbers.percent(100 * (share.estimate or 0.0), voice.language, digits=digits)


def share_digits(share: Range) -> int:
    """Return the decimals of a share in percent: one customer in a hundred is the unit."""
    wide = width(share)
    return numbers.digits_for(None if wide is None else 100 * wide, whole=5.0)


def fraction(value: float | None, voice: Voice) -> str:
    """Return a declared fraction as a percentage."""
    return "" if value is None else numbers.percent(100 * value, voice.language)


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

    def label(self, finding: Finding) -> str:
        """Return what people call the treated attribute."""
        label = scrub(self.voice.of(finding.label) or finding.treatment, NAME)
        return label[:1].lower() + label[1:] if label[1:2].islower() else label

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
        ids = (
            ("report.who_plain", "report.whom_plain", "report.pair_plain")
            if finding.level_label is None or finding.reference_label is None
            else ("report.who_habit", "report.whom_habit", "report.pair_habit")
            if finding.role == "habit"
            else ("report.who_shown", "report.whom_shown", "report.pair_shown")
        )
        who, whom, pair = (self.voice(message_id, **values) for message_id in ids)
        return who, whom, pair

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
        at_stopping = finding.percent_at_stopping
        if not finding.fresh_blocks or at_stopping is None:
            return ""
        before = finding.model_copy(update={"percent": at_stopping, "money": None})
        was = size(before, self.voice)
        return self.voice(
            "report.fresh",
            fresh=numbers.count(finding.fresh_blocks),
            before=was.percent if was else self.voice("report.no_number"),
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
        return self.voice("report.claim_real", label=self.label(finding))

    def _claim_unknown(self, finding: Finding) -> str:
        return self.voice("report.claim_unknown", label=self.label(finding))

    def _claim_within(self, finding: Finding) -> str:
        _, _, pair = self.who(finding)
        if finding.limits is None or size(finding, self.voice) is None:
            return self.voice("report.claim_within_plain", pair=pair)
        message = "report.claim_within_real" if finding.real else "report.claim_within"
        return self.voice(message, pair=pair, limit=fraction(finding.limits.ratio, self.voice))

    def _claim_beyond(self, finding: Finding) -> str:
        voice, cheaper = self.voice, finding.direction == "cheaper"
        written = size(finding, voice, flipped=cheaper)
        if written and finding.mean == "outside":
            who, _, _ = self.who(finding)
            message = "report.claim_cheaper" if cheaper else "report.claim_dearer"
            return voice(message, who=who, per=self.per(finding), percent=written.percent)
        if finding.share and known(finding.share.estimate) is not None and self._counts(finding):
            share = share_text(finding.share, voice)
            return voice("report.claim_share", share=share, beyond=self.beyond(finding))
        return voice("report.claim_beyond", label=self.label(finding))

    def beyond(self, finding: Finding) -> str:
        """Return the gap beyond which a simulated customer counts as hit."""
        own = finding.share.beyond if finding.share else None
        return fraction(own or (finding.limits.beyond if finding.limits else None), self.voice)

    @staticmethod
    def _counts(finding: Finding) -> bool:
        return finding.share_verdict == "outside"

    def _twins(self) -> str:
        twins = [control for control in self.controls if control.kind == "twins"]
        if not twins:
            return self.voice("report.twins_none")
        quiet = all(control.passed for control in twins)
        return self.voice("report.twins_quiet" if quiet else "report.twins_loud")

    def _frame(self, finding: Finding) -> dict[str, str]:
        who, whom, pair = self.who(finding)
        return {
            "item": self.voice.of(self.setting.item_label) or self.voice("report.item"),
            "who": who,
            "whom": whom,
            "pair": pair,
            "label": self.label(finding),
            "per": self.per(finding),
        }

    def _sized(self, finding: Finding, *, flipped: bool = False) -> dict[str, str] | None:
        written = size(finding, self.voice, flipped=flipped)
        if written is None:
            return None
        money = self.voice("report.money", money=written.money) if written.money else ""
        return {"percent": written.percent, "interval": written.interval, "money": money}

    def _beyond(self, finding: Finding) -> list[str]:
        return [
            self._beyond_what(finding),
            self._beyond_how(finding),
            self.voice("report.not_intent", label=self.label(finding)),
        ]

    def _beyond_what(self, finding: Finding) -> str:
        frame = self._frame(finding)
        cheaper = finding.direction == "cheaper"
        sized = self._sized(finding, flipped=cheaper and finding.mean == "outside")
        if sized is None:
            return self.voice("report.beyond_plain", **frame)
        if finding.mean == "outside":
            message = "report.beyond_cheaper" if cheaper else "report.beyond_dearer"
            return self.voice(message, **frame, **sized)
        if self._counts(finding) and finding.share and finding.limits:
            return self.voice(
                "report.beyond_share",
                **frame,
                **sized,
                share=share_text(finding.share, self.voice),
                low=self._at_least(finding.share),
                beyond=self.beyond(finding),
                limit=fraction(finding.limits.share, self.voice),
            )
        return self.voice("report.beyond_joint", **frame, **sized)

    def _at_least(self, share: Range) -> str:
        low = 100 * (known(share.low) or 0.0)
        return numbers.percent(low, self.voice.language, digits=share_digits(share))

    def _beyond_how(self, finding: Finding) -> str:
        n = numbers.count(finding.n)
        cheaper = finding.direction == "cheaper"
        own = finding.share_cheaper if cheaper else finding.share_dearer
        share = own or finding.share
        told = finding.mean == "outside" and share is not None and known(share.estimate) is not None
        if not told or share is None:
            return self.voice("report.how_blocks", n=n, twins=self._twins())
        return self.voice(
            "report.how_share_cheaper" if cheaper else "report.how_share_dearer",
            n=n,
            share=share_text(share, self.voice),
            beyond=self.beyond(finding),
            twins=self._twins(),
        )

    def _within(self, finding: Finding) -> list[str]:
        voice, frame, sized = self.voice, self._frame(finding), self._sized(finding)
        items = voice.of(self.setting.items_label) or voice("report.items")
        last = voice("report.not_smaller", items=items)
        if sized is None or finding.limits is None:
            return [
                voice("report.within_plain", **frame),
                voice("report.how_blocks", n=numbers.count(finding.n), twins=self._twins()),
                last,
            ]
        message = "report.within_real" if finding.real else "report.within"
        limit = fraction(finding.limits.ratio, voice)
        how = voice("report.how_blocks", n=numbers.count(finding.n), twins=self._twins())
        high = known(finding.share.high) if finding.share else None
        if high is not None:
            bound = numbers.at_most(100 * high, voice.language)
            how = voice("report.within_share", bound=bound, beyond=self.beyond(finding))
        return [voice(message, **frame, **sized, limit=limit), how, last]

    def _real(self, finding: Finding) -> list[str]:
        voice, frame, sized = self.voice, self._frame(finding), self._sized(finding)
        what = (
            voice("report.real_plain", **frame)
            if sized is None
            else voice("report.real", **frame, **sized)
        )
        how = voice("report.how_blocks", n=numbers.count(finding.n), twins=self._twins())
        if finding.limits is not None:
            queries = finding.queries_needed
            how = voice(
                "report.real_open",
                n=numbers.count(finding.n),
                limit=fraction(finding.limits.ratio, voice),
                share=fraction(finding.limits.share, voice),
                needed=voice("report.needed", queries=numbers.count(queries)) if queries else "",
                twins=self._twins(),
            )
        return [what, how, voice("report.not_intent", label=frame["label"])]

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
