"""What templates are made of: lines of a plan, reasons beside them, and what all of them share."""

from __future__ import annotations

from dataclasses import dataclass


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


Parts = tuple[Why | Said | str, ...]

ABOUT: Parts = (
    "evenhand: 1\n",
    Why("templates.why_about"),
    "audit:\n",
)
DECIDE: Parts = (
    Why("templates.why_tolerance", 4),
    "    tolerance:\n      ratio: 1%\n      share: 2%\n      beyond: 5%\n",
    Said("      because", "templates.because_tolerance"),
    Why("templates.why_positive"),
)
END: Parts = (
    Why("templates.why_budget"),
    "budget: {queries: 20000}\n",
    Why("templates.why_alpha"),
    "decide: {alpha: 5%, alpha_clear: 5%}\n",
    Why("templates.why_jurisdictions"),
    "jurisdictions: [CN-Shenzhen, CN]\n",
)
HTTP: Parts = (
    Why("templates.why_authorisation"),
    "# authorisation:\n#   kind: order\n#   by: …\n#   valid: [2026-12-01, 2026-12-31]\n",
    "#   hosts: [quotes.example.com]\n",
    '#   hours: "09:00-18:00 Asia/Shanghai"\n#   max: {rps: 20, per_day: 20000}\n',
    Why("templates.why_seed"),
    "seed: 20261123\n",
    Why("templates.why_url"),
    "target:\n  kind: http\n  url: http://127.0.0.1:8000/quote\n",
    Why("templates.why_request", 2),
)
"""An endpoint, as far as its request."""
SECRET: Parts = (
    Why("templates.why_secret", 2),
    '  # headers: {authorization: "Bearer ${QUOTES_TOKEN}"}\n',
)
LIMITS: Parts = (
    Why("templates.why_limits", 2),
    "  limits: {requests_per_second: 20, concurrency: 8, timeout: 5s, attempts: 4}\n",
    Why("templates.why_identities"),
    'identities: {source: fresh, format: "{hex:16}"}\n',
)
FILL_IN: Parts = tuple(
    Said(f"  {key}", "templates.fill_in")
    for key in ("vendor", "commissioned_by", "paid_by", "conflicts")
)
DEVICE: Parts = (
    "    device:\n      role: ability_to_pay\n",
    "      reference: android-budget\n      levels: [iphone-new]\n",
    Said("      label", "templates.label_device"),
    Said("      because", "templates.because_device"),
)
