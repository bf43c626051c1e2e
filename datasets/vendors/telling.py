"""What is true of a vendor, in words: for its listing and for its page."""

from __future__ import annotations

from math import exp

from ...messages import numbers, text
from . import Vendor
from .truth import Effect


def told(vendor: Vendor, language: str) -> list[str]:
    """Return what was planted in a vendor, one sentence an effect; effects of nothing are left out.

    Examples
    --------
    >>> from . import get
    >>> told(get("loyal_markup"), "en")
    ['tenure 0 → 36: price +5.0 % (beyond the limit)']
    >>> told(get("flat_fare"), "en")
    ['Nothing that was asked about moves an answer.']
    """
    moved = [effect for effect in vendor.truth.effects if effect.side != "innocent"]
    if moved:
        return [sentence(effect, language) for effect in moved]
    return [text("vendors.truth_none" if vendor.truth.effects else "vendors.truth_open", language)]


def sentence(effect: Effect, language: str) -> str:
    """Return one effect in words.

    Examples
    --------
    >>> sentence(Effect(attribute="stops", reference=0, level=1, mean=0.0, share=0.5), "en")
    'stops 0 → 1: price 0.0 % on average, more than 5 % in 50 % of contexts (beyond the limit)'
    """
    said = text(
        "vendors.truth_effect",
        language,
        contrast=_contrast(effect, language),
        outcome=text(f"vendors.outcome_{effect.outcome}", language),
        size=_spread(effect, _size(effect, language), language),
        side=text(f"vendors.side_{effect.side}", language),
    )
    if effect.lawful is None:
        return said
    return said + text(f"vendors.lawful_{effect.lawful}", language)


def noise(vendor: Vendor, language: str) -> str:
    """Return how much a vendor's prices shake, in words.

    Examples
    --------
    >>> from . import get
    >>> noise(get("fair_noise"), "en"), noise(get("flat_fare"), "en")
    ('2 %', 'none')
    """
    if vendor.truth.noise == 0:
        return text("vendors.noise_none", language)
    return numbers.percent(100 * vendor.truth.noise, language)


def _contrast(effect: Effect, language: str) -> str:
    plain = f"{effect.attribute} {_level(effect.reference)} → {_level(effect.level)}"
    if not effect.given:
        return plain
    given = ", ".join(f"{name} = {_level(level)}" for name, level in effect.given.items())
    return text("vendors.truth_given", language, contrast=plain, given=given)


def _level(level: object) -> str:
    return str(level) or "–"


def _size(effect: Effect, language: str) -> str:
    if effect.unit == "distance":
        apart = numbers.decimal(effect.mean, 2)
        return text("vendors.size_distance", language, apart=apart)
    ratio = effect.unit == "log-ratio"
    value = 100 * (exp(effect.mean) - 1 if ratio else effect.mean)
    plus = "+" if round(value, 1) > 0 else ""
    size = plus + numbers.percent(value, language, digits=1)
    if effect.unit == "share-of-price":
        return text("vendors.size_part", language, size=size)
    if effect.unit == "rate":
        return text("vendors.size_points", language, points=plus + numbers.plain(value, 1))
    return size


def _spread(effect: Effect, size: str, language: str) -> str:
    """Say in how many contexts it is more than the limit, where that is not all or none."""
    if effect.mean != 0 and effect.share in {0.0, 1.0}:
        return size
    return text(
        "vendors.truth_share",
        language,
        size=size,
        beyond=numbers.percent(100 * effect.limit.beyond, language),
        share=numbers.percent(round(100 * effect.share, 1), language),
    )
