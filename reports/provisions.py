"""Which provisions a finding bears on, and how much of their text may be printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..datasets import rules
from .voice import Voice

Provision = Mapping[str, Any]

_STATUS = {
    "in_force": "report.status_in_force",
    "pending": "report.status_pending",
    "proposed": "report.status_proposed",
    "voluntary": "report.status_voluntary",
}
_RELATION = {"direct": "report.relation_direct", "context": "report.relation_context"}


def bearing(
    kind: str, jurisdictions: Sequence[str], provisions: Sequence[Provision] | None = None
) -> list[tuple[str, Provision]]:
    """Return the provisions that a kind of finding bears on, with how: direct ones first.

    Parameters
    ----------
    kind : str
        Kind of the finding, e.g. ``"price.device"``.
    jurisdictions : sequence of str
        Those that the plan declares; no other is listed.
    provisions : sequence of mapping, optional
        Default: the shipped map. Those of confidence C are never returned.

    Examples
    --------
    >>> how, first = bearing("price.device", ["CN-Shenzhen"])[0]
    >>> how, first["id"]
    ('direct', 'cn-sz-ai-72-2-5')
    """
    known = rules.provisions() if provisions is None else provisions
    return [
        (how, provision)
        for how in _RELATION
        for provision in known
        if provision["confidence"] in {"A", "B"}
        and provision["jurisdiction"] in jurisdictions
        and kind in provision["bears_on"].get(how, ())
    ]


def name(provision: Provision, voice: Voice) -> str:
    """Return instrument and article, in one language."""
    place = article(provision, voice)
    space = " " if place[:1].isascii() else ""
    return f"{provision['instrument'][voice.language]}{space}{place}"


def article(provision: Provision, voice: Voice) -> str:
    """Return the article, in one language where the map gives it in two."""
    zh, _, en = str(provision["article"]).partition(" / ")
    return zh if voice.language == "zh" or not en else en


def relation(how: str, voice: Voice) -> str:
    """Return how a finding bears on a provision."""
    return voice(_RELATION[how])


def says(provision: Provision, voice: Voice) -> str:
    """Return what may be printed of a provision: A is quoted, B is paraphrased."""
    status = voice(_STATUS[provision["status"]], since=str(provision["in_force_since"]))
    quote = provision.get("quote_zh") if provision["confidence"] == "A" else None
    if quote:
        text = quote if voice.language == "zh" else provision["paraphrase"]["en"]
        return voice("report.quoted", quote=text.rstrip("."), status=status)
    paraphrase = str(provision["paraphrase"][voice.language]).rstrip("。.")
    return voice("report.paraphrased", paraphrase=paraphrase, status=status)
