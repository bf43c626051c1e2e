"""A planted app, and testers who fill in sheets: for tests of the field kit. Nobody sleeps."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from evenhand.audit.field import schedule as drawn
from evenhand.audit.field.intake import open_kit, print_sheets
from evenhand.audit.field.sheets import head
from evenhand.audit.planfile import parse
from evenhand.audit.run import begin, prepare

PLAN = """
evenhand: 1
audit:
  title: {{zh: 打车应用人工审计, en: A ride app asked by people}}
  vendor: Acme
  commissioned_by: Committee
  paid_by: Committee
  conflicts: none declared
seed: {seed}
target:
  kind: field
  app: Acme Rides 8.2
  request:
    account: "{{{{identity}}}}"
    device: "{{{{persona.device}}}}"
    distance: "{{{{persona.distance}}}}"
    steps:
      zh: ["用{{{{persona.device}}}}打开应用", "查询{{{{persona.distance}}}}公里的行程"]
      en: ["Open the app on {{{{persona.device}}}}", "Look for a ride of {{{{persona.distance}}}} km"]
  money: {{currency: CNY, unit: yuan, per: ride, includes: [tax, fee]}}
  windows: {{first: 2026-12-01, days: {days}, times: ["09:00", "14:00", "19:00"], minutes: 40, each: {each}}}
  screenshots: {screenshots}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: old phone, levels: [new phone], because: it tells what people can pay}}
    distance: {{role: condition, levels: [5, 10]}}
probes:
  - use: pricing.twins
    treat: [device]
    tolerance: {{ratio: 1%, share: 2%, beyond: 5%, because: one per cent is visible}}
controls: {{positive: {{attribute: distance, from: 5, to: 10, expect: dearer}}}}
budget: {{queries: {queries}}}
"""


@dataclass(frozen=True)
class Field:
    """A run folder whose sheets were printed, and what the planted app would say."""

    run: Path
    sheets: Path
    screenshots: Path


def begun(tmp_path, *, testers=12, queries=300, days=3, each=4, screenshots="false", seed=7):
    """Begin a run by people and print its sheets."""
    text = PLAN.format(seed=seed, queries=queries, days=days, each=each, screenshots=screenshots)
    audit = prepare(parse(text, tmp_path / "plan.yaml"))
    folder = begin(audit, tmp_path / "run")
    people = tmp_path / "testers.csv"
    people.write_text(
        "tester,consent\n" + "".join(f"T{n:02},C-{n}\n" for n in range(testers)), "utf-8"
    )
    print_sheets(folder.path, people, tmp_path / "sheets")
    return Field(folder.path, tmp_path / "sheets", tmp_path / "shots")


def price(row, rng, premium=0.10):
    """What the planted app charges: new phones pay a tenth more."""
    base = 3.0 * int(row[head("conditions")].split(": ")[1])
    dearer = 1 + premium * (row[head("device")] == "new phone")
    return round(base * dearer * float(np.exp(rng.normal(0, 0.01))), 2)


def table(path):
    """Return a sheet as rows by heading."""
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def write(path, rows, encoding="utf-8-sig"):
    """Write a sheet back, as a spreadsheet would."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))


def fill(field, rng, premium=0.10):
    """Fill in every sheet as honest testers would; return path → rows."""
    kit = open_kit(field.run)
    starts = {
        one.id: drawn.window_start(kit.spec.windows, one.window) for one in kit.schedule.places
    }
    found = {}
    for path in sorted(field.sheets.glob("*.csv")):
        rows = table(path)
        for row in rows:
            final = price(row, rng, premium)
            at = starts[row[head("id")]] + timedelta(minutes=int(rng.integers(0, 30)))
            row[head("final")] = f"￥{final:,.2f}"
            row[head("list")] = f"{final}元"
            row[head("notice")] = "否"
            row[head("actual")] = f"{at:%Y-%m-%d %H:%M}"
        write(path, rows)
        found[path] = rows
    return found


def as_json(record):
    """Return the content of a record as text."""
    return json.dumps(record.content.model_dump(mode="json"), sort_keys=True)
