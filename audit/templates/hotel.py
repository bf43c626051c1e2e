"""A hotel's quotes over HTTP."""

from __future__ import annotations

from .parts import ABOUT, DECIDE, DEVICE, END, FILL_IN, HTTP, LIMITS, SECRET, Parts, Said, Why

PARTS: Parts = (
    Why("templates.hotel_top"),
    *ABOUT,
    Said("  title", "templates.hotel_title"),
    *FILL_IN,
    *HTTP,
    '  request:\n    user: {id: "{{identity}}", device: "{{persona.device}}",',
    ' stays: "{{persona.stays}}"}\n',
    '    room: {type: "{{persona.room}}", nights: "{{persona.nights}}"}\n',
    *SECRET,
    Why("templates.why_response", 2),
    "  response:\n    final: $.price.final\n    refused: {path: $.status, equals: sold_out}\n",
    Why("templates.why_money", 2),
    "  money: {currency: CNY, unit: yuan, per: night, includes: [tax, fee]}\n",
    *LIMITS,
    Why("templates.why_attributes"),
    "personas:\n  attributes:\n",
    *DEVICE,
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
    *DECIDE,
    "controls:\n  positive: {attribute: room, from: twin, to: suite, expect: dearer}\n",
    *END,
)
