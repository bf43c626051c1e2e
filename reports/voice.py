"""A report speaks one language: the catalogue and the two-sided texts of a record, read in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import messages
from ..audit.record import Text


@dataclass(frozen=True, slots=True)
class Voice:
    """One language.

    Examples
    --------
    >>> Voice("en")("words.established"), Voice("zh")("words.established")
    ('beyond the limit', '超限')
    """

    language: str

    def __call__(self, message_id: str, /, **values: Any) -> str:
        """Return a sentence of the catalogue."""
        return messages.text(message_id, self.language, **values)

    def of(self, text: Text | None, default: str = "") -> str:
        """Return the side of a text of the record."""
        if text is None:
            return default
        return text.zh if self.language == "zh" else text.en

    def listed(self, parts: list[str]) -> str:
        """Return parts joined as a list."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def joined(self, sentences: list[str]) -> str:
        """Return sentences one after the other."""
        return ("" if self.language == "zh" else " ").join(sentences)

    @staticmethod
    def begun(sentence: str) -> str:
        """Return a sentence with a capital at its beginning."""
        return sentence[:1].upper() + sentence[1:]
