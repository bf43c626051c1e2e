"""A model of one's own, in this process."""

from __future__ import annotations

from .parts import ABOUT, DECIDE, DEVICE, END, Parts, Said, Why

PARTS: Parts = (
    Why("templates.own_top"),
    *ABOUT,
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
    "personas:\n  attributes:\n",
    *DEVICE,
    "    tenure:\n      role: habit\n      kind: price.loyalty\n      unit: month\n",
    "      reference: 0\n      levels: [36]\n",
    Said("      label", "templates.label_tenure"),
    Said("      because", "templates.because_tenure"),
    Why("templates.why_condition", 4),
    "    distance_km:\n      role: condition\n      unit: km\n      levels: [3, 8, 20]\n",
    Said("      label", "templates.label_distance"),
    Why("templates.why_probes"),
    "probes:\n  - use: pricing.twins\n    treat: [device, tenure]\n    direction: any\n",
    *DECIDE,
    "controls:\n  positive: {attribute: distance_km, from: 3, to: 20, expect: dearer}\n",
    *END,
)
