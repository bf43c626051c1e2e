"""How long a report takes and how large it is: one JSON line a case.

The record is one of a hundred findings with long texts, far more than an audit of a committee's
size; the reach for the size of a page is that of the demo's.
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from typing import Any

from evenhand.reports.html import html
from evenhand.reports.pdf import pdf

LIMIT_BYTES = 2_000_000
LIMIT_SECONDS = 2.0
FINDINGS = 100


def samples() -> Any:
    path = Path(__file__).parents[1] / "tests" / "reports" / "samples.py"
    spec = importlib.util.spec_from_file_location("samples", path)
    assert spec is not None  # noqa: S101 - the file stands in the repository
    assert spec.loader is not None  # noqa: S101 - a .py file has a loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def say(case: str, ours: float, limit: float, unit: str) -> None:
    ratio = ours / limit
    line = {"case": case, "ours": round(ours, 4), "unit": unit, "limit": limit}
    print(json.dumps({**line, "ratio": round(ratio, 4), "reach": 1, "met": ratio <= 1}))


def main() -> None:
    made = samples()
    for name, record in {
        "4 findings": made.record(),
        f"{FINDINGS} findings": made.many(FINDINGS),
    }.items():
        annex = made.annex(record)
        for format_, make in {"HTML": lambda *a: html(*a).encode(), "PDF": pdf}.items():
            make(record, [], "en")  # templates, rules and fonts are read once
            start = time.process_time()
            page = make(record, annex, "zh")
            seconds = time.process_time() - start
            say(f"a report of {name}, {format_}, CPU", seconds, LIMIT_SECONDS, "s")
            if format_ == "HTML":
                say(f"a report of {name}, {format_}, size", len(page), LIMIT_BYTES, "bytes")


if __name__ == "__main__":
    main()
