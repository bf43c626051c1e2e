"""A search or recommendation over HTTP: what is shown, in which order, and how much of it."""

from __future__ import annotations

from .parts import ABOUT, DEVICE, END, FILL_IN, HTTP, LIMITS, SECRET, Parts, Said, Why

PARTS: Parts = (
    Why("templates.recommender_top"),
    *ABOUT,
    Said("  title", "templates.recommender_title"),
    *FILL_IN,
    *HTTP,
    '  request:\n    identity: "{{identity}}"\n    device: "{{persona.device}}"\n',
    '    consumption_grade: "{{persona.consumption_grade}}"\n    query: "{{persona.query}}"\n',
    Why("templates.why_constant", 4),
    "    gender: m\n    city_tier: 1\n",
    *SECRET,
    Why("templates.why_ranking", 2),
    '  response:\n    ranking: "$.items[*].id"\n    prices: "$.items[*].price"\n',
    '    offers: "$.items[*].id"\n',
    Why("templates.why_money", 2),
    "  money: {currency: CNY, unit: yuan, per: item, includes: [tax]}\n",
    *LIMITS,
    Why("templates.why_attributes"),
    "personas:\n  attributes:\n",
    *DEVICE,
    "    consumption_grade:\n      role: ability_to_pay\n      reference: 2\n      levels: [5]\n",
    Said("      label", "templates.label_grade"),
    Said("      because", "templates.because_grade"),
    Why("templates.why_condition", 4),
    "    query:\n      role: condition\n      levels: [tea, headphones, suitcase, laptop]\n",
    Said("      label", "templates.label_query"),
    Why("templates.why_steering"),
    "probes:\n  - use: steering.ranking\n    treat: [device, consumption_grade]\n",
    "    tolerance:\n      difference: 5%\n      share: 5%\n      beyond: 20%\n",
    Said("      because", "templates.because_ranking"),
    "  - use: access.offers\n    treat: [device, consumption_grade]\n    direction: harm\n",
    "    tolerance:\n      ratio: 10%\n      share: 5%\n      beyond: 20%\n",
    Said("      because", "templates.because_offers"),
    Why("templates.why_positive"),
    "controls:\n  positive: {attribute: query, from: tea, to: laptop, expect: different}\n",
    *END,
)
