"""Plans to begin with: ``evenhand init --template NAME`` writes one, with reasons beside its lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .. import messages
from ..errors import UsageError
from .planshape import listed, near, shown


@dataclass(frozen=True, slots=True)
class Why:
    """A comment: why the lines below it stand in a plan."""

    message_id: str
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A key whose value is a sentence in both languages."""

    key: str
    message_id: str


_Parts = tuple[Why | Said | str, ...]

_ABOUT: _Parts = (
    "evenhand: 1\n",
    Why("templates.why_about"),
    "audit:\n",
)
_DECIDE: _Parts = (
    Why("templates.why_tolerance", 4),
    "    tolerance:\n      ratio: 1%\n      share: 2%\n      beyond: 5%\n",
    Said("      because", "templates.because_tolerance"),
    Why("templates.why_positive"),
)
_END: _Parts = (
    Why("templates.why_budget"),
    "budget: {queries: 20000}\n",
    Why("templates.why_alpha"),
    "decide: {alpha: 5%, alpha_clear: 5%}\n",
    Why("templates.why_jurisdictions"),
    "jurisdictions: [CN-Shenzhen, CN]\n",
)

_OWN_MODEL: _Parts = (
    Why("templates.own_top"),
    *_ABOUT,
    Said("  title", "templates.own_title"),
    Said("  vendor", "templates.own_vendor"),
    Said("  commissioned_by", "templates.fill_in"),
    Said("  paid_by", "templates.fill_in"),
    Said("  conflicts", "templates.own_conflicts"),
    Why("templates.why_seed"),
    "seed: 20261123\n",
    Why("templates.why_function"),
    "target:\n  kind: python\n  function: my_model:price\n",
    Why("templates.why_table", 2),
    "  table: true\n",
    Why("templates.why_request", 2),
    '  request:\n    device: "{{persona.device}}"\n    tenure: "{{persona.tenure}}"\n',
    '    distance_km: "{{persona.distance_km}}"\n',
    Why("templates.why_money", 2),
    "  money: {currency: CNY, unit: yuan, per: ride, includes: [tax, fee]}\n",
    Why("templates.why_attributes"),
    "personas:\n  attributes:\n    device:\n      role: ability_to_pay\n",
    "      reference: android-budget\n      levels: [iphone-new]\n",
    Said("      label", "templates.label_device"),
    Said("      because", "templates.because_device"),
    "    tenure:\n      role: habit\n      kind: price.loyalty\n      unit: month\n",
    "      reference: 0\n      levels: [36]\n",
    Said("      label", "templates.label_tenure"),
    Said("      because", "templates.because_tenure"),
    Why("templates.why_condition", 4),
    "    distance_km:\n      role: condition\n      unit: km\n      levels: [3, 8, 20]\n",
    Said("      label", "templates.label_distance"),
    Why("templates.why_probes"),
    "probes:\n  - use: pricing.twins\n    treat: [device, tenure]\n    direction: any\n",
    *_DECIDE,
    "controls:\n  positive: {attribute: distance_km, from: 3, to: 20, expect: dearer}\n",
    *_END,
)

_HOTEL: _Parts = (
    Why("templates.hotel_top"),
    *_ABOUT,
    Said("  title", "templates.hotel_title"),
    Said("  vendor", "templates.fill_in"),
    Said("  commissioned_by", "templates.fill_in"),
    Said("  paid_by", "templates.fill_in"),
    Said("  conflicts", "templates.fill_in"),
    Why("templates.why_authorisation"),
    "# authorisation:\n#   kind: order\n#   by: …\n#   valid: [2026-12-01, 2026-12-31]\n",
    "#   hosts: [quotes.example.com]\n",
    '#   hours: "09:00-18:00 Asia/Shanghai"\n#   max: {rps: 20, per_day: 20000}\n',
    Why("templates.why_seed"),
    "seed: 20261123\n",
    Why("templates.why_url"),
    "target:\n  kind: http\n  url: http://127.0.0.1:8000/quote\n",
    Why("templates.why_request", 2),
    '  request:\n    user: {id: "{{identity}}", device: "{{persona.device}}",',
    ' stays: "{{persona.stays}}"}\n',
    '    room: {type: "{{persona.room}}", nights: "{{persona.nights}}"}\n',
    Why("templates.why_secret", 2),
    '  # headers: {authorization: "Bearer ${QUOTES_TOKEN}"}\n',
    Why("templates.why_response", 2),
    "  response:\n    final: $.price.final\n    refused: {path: $.status, equals: sold_out}\n",
    Why("templates.why_money", 2),
    "  money: {currency: CNY, unit: yuan, per: night, includes: [tax, fee]}\n",
    Why("templates.why_limits", 2),
    "  limits: {requests_per_second: 20, concurrency: 8, timeout: 5s, attempts: 4}\n",
    Why("templates.why_identities"),
    'identities: {source: fresh, format: "{hex:16}"}\n',
    Why("templates.why_attributes"),
    "personas:\n  attributes:\n    device:\n      role: ability_to_pay\n",
    "      reference: android-budget\n      levels: [iphone-new]\n",
    Said("      label", "templates.label_device"),
    Said("      because", "templates.because_device"),
    "    stays:\n      role: habit\n      kind: price.loyalty\n      reference: 0\n",
    "      levels: [12]\n",
    Said("      label", "templates.label_stays"),
    Said("      because", "templates.because_tenure"),
    Why("templates.why_condition", 4),
    "    room:\n      role: condition\n      levels: [twin, suite]\n",
    Said("      label", "templates.label_room"),
    "    nights:\n      role: condition\n      unit: night\n      levels: [1, 2]\n",
    Said("      label", "templates.label_nights"),
    Why("templates.why_probes"),
    "probes:\n  - use: pricing.twins\n    treat: [device, stays]\n    direction: any\n",
    *_DECIDE,
    "controls:\n  positive: {attribute: room, from: twin, to: suite, expect: dearer}\n",
    *_END,
)

_TEMPLATES: Mapping[str, _Parts] = {"own-model": _OWN_MODEL, "hotel": _HOTEL}
_PLAIN = frozenset({"vendor", "commissioned_by", "paid_by", "conflicts"})
"""Keys of a plan that hold one text, in the language of the plan."""


def names() -> tuple[str, ...]:
    """Return the names of all templates.

    Examples
    --------
    >>> names()
    ('own-model', 'hotel')
    """
    return tuple(_TEMPLATES)


def template(name: str, language: str) -> str:
    """Return a plan without mistakes, with comments in `language` that say why.

    Raises
    ------
    UsageError
        If there is no template of that name.

    Examples
    --------
    >>> "function: my_model:price" in template("own-model", "zh")
    True
    """
    if name not in _TEMPLATES:
        known = listed(_TEMPLATES)
        raise UsageError(
            "templates.unknown", name=shown(name), known=known, near=near(name, _TEMPLATES)
        )
    return "".join(_written(part, language) for part in _TEMPLATES[name])


def _written(part: Why | Said | str, language: str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Why):
        rows = messages.text(part.message_id, language).splitlines()
        return "".join(f"{' ' * part.indent}# {row}\n" for row in rows)
    if part.key.strip() in _PLAIN:
        return f"{part.key}: {_quoted(messages.text(part.message_id, language))}\n"
    sides = [
        f"{part.key}:\n",
        *(
            f"{' ' * (len(part.key) - len(part.key.lstrip()) + 2)}{side}: {_quoted(sentence)}\n"
            for side, sentence in messages.both(part.message_id).items()
        ),
    ]
    return "".join(sides)


def _quoted(text: str) -> str:
    # a JSON string is a YAML string
    return json.dumps(text, ensure_ascii=False)
