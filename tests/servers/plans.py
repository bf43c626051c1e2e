"""One plan, said in the dialect of each target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

REQUEST = {
    "phone": "{{persona.phone}}",
    "spend": "{{persona.spend}}",
    "nights": "{{persona.nights}}",
    "base": "{{persona.base}}",
}


def plan(folder: Path, target: dict[str, Any], **changes: Any) -> Path:
    """Write a plan that asks `target` whether the phone or past spending moves the price."""
    because = {"zh": "测试", "en": "a test"}
    tree: dict[str, Any] = {
        "evenhand": 1,
        "audit": {
            "title": "Hotel rooms",
            "vendor": "a server of these tests",
            "commissioned_by": "us",
            "paid_by": "us",
            "conflicts": "none",
        },
        "seed": 7,
        "target": {
            "request": REQUEST,
            "money": {"currency": "CNY", "unit": "yuan", "per": "night", "includes": ["tax"]},
            **target,
        },
        "personas": {
            "attributes": {
                "phone": {
                    "role": "ability_to_pay",
                    "reference": "android-budget",
                    "levels": ["iphone-new"],
                    "because": because,
                },
                "spend": {
                    "role": "ability_to_pay",
                    "reference": 200,
                    "levels": [5000],
                    "because": because,
                },
                "nights": {"role": "condition", "levels": [1, 2]},
                "base": {"role": "condition", "levels": [100.0, 150.5]},
            }
        },
        "probes": [
            {
                "use": "pricing.twins",
                "treat": ["phone", "spend"],
                "tolerance": {"ratio": "1%", "share": "20%", "beyond": "2%", "because": because},
            }
        ],
        "controls": {"positive": {"attribute": "nights", "from": 1, "to": 2, "expect": "dearer"}},
        "budget": {"queries": 4000},
        "report": {"formats": ["json"]},
        **changes,
    }
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), "utf-8")
    return path
