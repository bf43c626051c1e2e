"""An app that only people can ask."""

from __future__ import annotations

from .parts import ABOUT, DECIDE, DEVICE, FILL_IN, Parts, Said, Why

PARTS: Parts = (
    Why("templates.field_top"),
    *ABOUT,
    Said("  title", "templates.field_title"),
    *FILL_IN,
    Why("templates.why_seed"),
    "seed: 20261123\n",
    Why("templates.why_field"),
    "target:\n  kind: field\n  app: Acme Rides 8.2\n",
    Why("templates.why_rows", 2),
    '  request:\n    account: "{{identity}}"\n    device: "{{persona.device}}"\n',
    '    distance: "{{persona.distance_km}} km"\n    steps:\n',
    '      zh: ["用{{persona.device}}登录账号 {{identity}}",\n',
    '           "查询 {{persona.distance_km}} 公里的行程，停在报价页"]\n',
    '      en: ["Sign in as {{identity}} on the phone: {{persona.device}}",\n',
    '           "Look for a ride of {{persona.distance_km}} km, and stop at the quote"]\n',
    Why("templates.why_money", 2),
    "  money: {currency: CNY, unit: yuan, per: ride, includes: [tax, fee]}\n",
    Why("templates.why_windows", 2),
    "  windows:\n    first: 2026-12-01\n    days: 14\n",
    '    times: ["09:00", "14:00", "19:00"]\n    minutes: 40\n    each: 4\n',
    Why("templates.why_attributes"),
    "personas:\n  attributes:\n",
    *DEVICE,
    Why("templates.why_condition", 4),
    "    distance_km:\n      role: condition\n      unit: km\n      levels: [5, 10]\n",
    Said("      label", "templates.label_distance"),
    Why("templates.why_probes"),
    "probes:\n  - use: pricing.twins\n    treat: [device]\n    direction: any\n",
    *DECIDE,
    "controls:\n  positive: {attribute: distance_km, from: 5, to: 10, expect: dearer}\n",
    Why("templates.why_people"),
    "budget: {queries: 1200}\n",
    Why("templates.why_alpha"),
    "decide: {alpha: 5%, alpha_clear: 5%}\n",
    Why("templates.why_jurisdictions"),
    "jurisdictions: [CN-Shenzhen, CN]\n",
)
