"""Probes of access, steering, notices, opting out, paths and parity against vendors of the zoo.

From plan to verdict, in this process; some on to the record and the page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.planfile import parse
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import begin, prepare, run
from evenhand.reports.html import html

HEAD = """
evenhand: 1
audit: {{title: zoo, vendor: {vendor}, commissioned_by: us, paid_by: us, conflicts: none}}
seed: {seed}
target:
  kind: python
"""
TAIL = """
probes:
  - use: {use}
    treat: {treat}
    {limit}
    options: {options}
budget: {{queries: {queries}}}
"""
SHELF = """
  function: evenhand.datasets.vendors:{vendor}.quote
  request:
    identity: "{{{{identity}}}}"
    device: "{{{{persona.device}}}}"
    consumption_grade: "{{{{persona.grade}}}}"
    gender: "{{{{persona.gender}}}}"
    query: "{{{{persona.query}}}}"
    city_tier: 1
  response: {{ranking: $.ranking, prices: $.prices}}
  money: {{currency: CNY, unit: yuan, per: item, includes: [tax]}}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: a}}
    grade: {{role: ability_to_pay, reference: 2, levels: [5], because: b}}
    gender: {{role: protected, reference: m, levels: [f], because: c}}
    query: {{role: condition, levels: [tea, shampoo, headphones, suitcase, air-fryer, laptop]}}
controls: {{positive: {{attribute: query, from: tea, to: laptop}}}}
"""
GOODS = """
  function: evenhand.datasets.vendors:{vendor}.quote
  request:
    identity: "{{{{identity}}}}"
    device: "{{{{persona.device}}}}"
    consumption_grade: "{{{{persona.grade}}}}"
    tenure_months: "{{{{persona.tenure}}}}"
    item: "{{{{persona.item}}}}"
    quantity: "{{{{persona.quantity}}}}"
    city_tier: 1
  response: {{final: $.final, {response}}}
  money: {{currency: CNY, unit: yuan, per: order, includes: [tax]}}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: a}}
    grade: {{role: ability_to_pay, reference: 2, levels: [5], because: b}}
    tenure: {{role: habit, reference: 3, levels: [60], because: c}}
    item: {{role: condition, levels: [rice-10kg, kettle, headphones, backpack, nappies]}}
    quantity: {{role: condition, levels: [1, 2]}}
controls: {{positive: {{attribute: quantity, from: 1, to: 2, expect: dearer}}}}
"""
RIDES = """
  function: evenhand.datasets.vendors{place}
  request:
    identity: "{{{{identity}}}}"
    device: "{{{{persona.device}}}}"
    past_spend: "{{{{persona.past_spend}}}}"
    tenure: 0
    opt_out: "{{{{persona.opt_out}}}}"
    mode: "{{{{persona.mode}}}}"
    ride: "{{{{persona.ride}}}}"
    distance_km: "{{{{persona.distance_km}}}}"
    hour: 9
    party: 1
    stops: "{{{{persona.stops}}}}"
    step: "{{{{step}}}}"
  steps: {steps}
  money: {{currency: CNY, unit: yuan, per: ride, includes: [tax]}}
personas:
  attributes:
    device: {{role: ability_to_pay, reference: android-budget, levels: [iphone-new], because: a}}
    past_spend: {{role: ability_to_pay, reference: 200, levels: [5000], because: b}}
    opt_out: {{role: private, reference: 0, levels: [1], because: c}}
    mode: {{role: private, reference: sandbox, levels: [live], because: d}}
    ride: {{role: condition, levels: [shared, compact, comfort, van]}}
    distance_km: {{role: condition, levels: [3, 8, 15, 30]}}
    stops: {{role: condition, levels: [0, 1]}}
controls: {{positive: {{attribute: stops, from: 0, to: 1, expect: dearer}}}}
"""
LIMITS = {
    "difference": "tolerance: {difference: 5%, share: 5%, beyond: 20%, because: d}",
    "ratio": "tolerance: {ratio: 1%, share: 2%, beyond: 5%, because: d}",
}


TABLES = Path(__file__).parents[2] / "docs" / "tables"
SEEDS = 20
OWN = ", ".join(
    f"{query}-{item}"
    for query in ("tea", "shampoo", "headphones", "suitcase", "air-fryer", "laptop")
    for item in (8, 0, 4)
)
BEYOND, WITHIN = "established", "cleared"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A vendor, the probe that it is asked with, and what is true of it, by hypothesis."""

    vendor: str
    use: str
    frame: str
    truth: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        return f"{self.vendor}-{self.use}"

    def prepared(self, folder: Path, seed: int = 1):
        values = {
            "treat": "[]",
            "limit": "difference",
            "options": "{}",
            "queries": "12000",
            "response": "",
            "steps": "[]",
            "place": f":{self.vendor}.quote",
            **self.settings,
        }
        values["limit"] = LIMITS[values["limit"]]
        text = (HEAD + self.frame + TAIL).format(
            vendor=self.vendor, use=self.use, seed=seed, **values
        )
        return prepare(parse(text, folder / f"{self.name}.yaml"))

    def verdicts(self, folder: Path, seed: int = 1) -> tuple[dict[str, str], int]:
        conduct = rehearse(self.prepared(folder, seed))
        found: dict[str, str] = {
            name.partition(":")[2]: one.label for name, one in conduct.decisions.items()
        }
        return found, conduct.rules.queries - conduct.trials_left


def orders(vendor: str, verdict: str) -> Case:
    return Case(
        vendor=vendor,
        use="steering.ranking",
        frame=SHELF,
        settings={"treat": "[device, grade]", "options": "{measures: [rbo, price]}"},
        truth={
            "device=iphone-new:rbo": verdict,
            "device=iphone-new:price": verdict,
            "grade=5:rbo": WITHIN,
            "grade=5:price": WITHIN,
        },
    )


def listed(vendor: str, use: str, treat: str, verdict: str, options: str = "{}") -> Case:
    return Case(
        vendor=vendor,
        use=use,
        frame=SHELF,
        settings={"treat": f"[{treat.partition('=')[0]}, device]", "options": options},
        truth={f"{treat}:ranking": verdict, "device=iphone-new:ranking": WITHIN},
    )


def offers(vendor: str, verdict: str) -> Case:
    return Case(
        vendor=vendor,
        use="access.offers",
        frame=GOODS,
        settings={
            "response": "offers: $.offers", "treat": "[grade, device]", "limit": "ratio",
        },
        truth={"grade=5:offers": verdict, "device=iphone-new:offers": WITHIN},
    )  # fmt: skip


def notice(vendor: str, verdict: str) -> Case:
    return Case(
        vendor=vendor,
        use="disclosure.notice",
        frame=GOODS,
        settings={
            "response": "notice: $.notice", "treat": "[grade]", "options": "{apart: 0.035}",
        },
        truth={"grade=5:notice": WITHIN, "grade=5:unannounced": verdict},
    )  # fmt: skip


def opting_out(vendor: str, ignored: str, dearer: str) -> Case:
    return Case(
        vendor=vendor,
        use="optout.effect",
        frame=RIDES,
        settings={
            "treat": "[past_spend]", "limit": "ratio", "options": "{switch: opt_out, off: 1}",
        },
        truth={"past_spend=5000:final": ignored, "opt_out:final": dearer},
    )  # fmt: skip


def parity(vendor: str, verdict: str) -> Case:
    return Case(
        vendor=vendor,
        use="integrity.parity",
        frame=RIDES,
        settings={"treat": "[mode]", "limit": "ratio"},
        truth={"mode=live:final": verdict},
    )


def path(vendor: str, again: str, checkout: str) -> Case:
    return Case(
        vendor=vendor,
        use="pricing.path",
        frame=RIDES,
        settings={
            "limit": "ratio",
            "options": "{paths: {again: [quote, quote], checkout: [quote, checkout]}}",
            "place": f".shop:{vendor}",
            "steps": "[checkout, quote]",
        },
        truth={"path=again:final": again, "path=checkout:final": checkout},
    )


CASES = (
    orders("dear_first", BEYOND),
    orders("fair_shelf", WITHIN),
    listed("assortment_withheld", "steering.assortment", "grade=5", BEYOND),
    listed("fair_shelf", "steering.assortment", "grade=5", WITHIN),
    listed("own_brand_first", "steering.exposure", "gender=f", BEYOND, f"{{items: [{OWN}]}}"),
    listed("fair_shelf", "steering.exposure", "gender=f", WITHIN, f"{{items: [{OWN}]}}"),
    Case(
        vendor="turned_away",
        use="access.refusal",
        frame=GOODS,
        settings={"response": "refused: {path: $.refused, equals: true}", "treat": "[tenure]"},
        truth={"tenure=60:refused": BEYOND},
    ),
    offers("fewer_offers", BEYOND),
    offers("fair_shop", WITHIN),
    notice("undisclosed", BEYOND),
    notice("announced", WITHIN),
    notice("fair_shop", WITHIN),
    opting_out("optout_honoured", WITHIN, WITHIN),
    opting_out("optout_ignored", BEYOND, WITHIN),
    opting_out("optout_punished", WITHIN, BEYOND),
    parity("sandbox_smile", BEYOND),
    parity("flat_fare", WITHIN),
    path("repeat_looks", BEYOND, BEYOND),
    path("checkout_dearer", WITHIN, BEYOND),
    path("flat_fare", WITHIN, WITHIN),
)
"""What was planted is beyond the limit, and everything else within it."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_vendor_gets_its_verdicts(case, tmp_path):
    assert case.verdicts(tmp_path)[0] == case.truth


TABLE = """# Answers other than one price, vendor by vendor

Vendors of the zoo; limits: for prices and numbers of offers mean 1 %, share 2 %, beyond 5 %, for all
else mean 5 points, share 5 %, beyond 20 points; budget 12,000 queries; {seeds} seeds each, in process.
A verdict is right where it is beyond the limit for what was planted and within it for all else.
Written by `make prove`.

| vendor | probe | verdicts | right | missed | wrongly beyond | wrongly within | median queries |
|---|---|---|---|---|---|---|---|
"""


@pytest.mark.prove
def test_the_right_verdicts_seed_by_seed(tmp_path):
    rows, wrong = [], 0
    for case in CASES:
        found = [case.verdicts(tmp_path, seed) for seed in range(1, SEEDS + 1)]
        pairs = [(case.truth[name], one) for labels, _ in found for name, one in labels.items()]
        beyond = sum(one in {BEYOND, "indicated"} and truth == WITHIN for truth, one in pairs)
        within = sum(one == WITHIN and truth == BEYOND for truth, one in pairs)
        right = sum(truth == one for truth, one in pairs)
        missed = len(pairs) - right - beyond - within
        median = np.median([queries for _, queries in found])
        cells = (case.vendor, case.use, len(pairs), right, missed, beyond, within)
        rows.append(f"| {' | '.join(map(str, cells))} | {median:,.0f} |")
        wrong += beyond + within
        assert right >= 0.95 * len(pairs), rows[-1]
    assert wrong <= 0.05 * SEEDS * len(CASES)
    if os.environ.get("EVENHAND_PROVE"):
        text = TABLE.format(seeds=SEEDS) + "\n".join(rows) + "\n"
        (TABLES / "answers.md").write_text(text, encoding="utf-8")


# ------------------------------------------------------------------------------- record and page


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (listed("assortment_withheld", "steering.assortment", "grade=5", BEYOND), "sets of items"),
        (notice("undisclosed", BEYOND), "without a notice"),
        (opting_out("optout_punished", WITHIN, BEYOND), "have opted out of personalisation"),
        (path("checkout_dearer", WITHIN, BEYOND), "come by way of quote → checkout"),
    ],
    ids=lambda part: getattr(part, "name", ""),
)
def test_a_finding_is_told_in_words_of_its_own(case, said, tmp_path):
    audit = case.prepared(tmp_path)
    where = begin(audit, tmp_path / "run")
    run(audit, where)
    assert said in html(where.read_record(), (), "en")
