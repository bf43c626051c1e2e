"""Probes of access, steering, notices, opting out, paths and parity against vendors of the zoo.

From plan to verdict, in this process; some on to the record and the page.
"""

from __future__ import annotations

from functools import cache

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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Return an audit of a vendor by one probe."""

    def made(vendor, use, frame, *, treat="[]", limit="difference", options="{}", **more):
        folder = tmp_path_factory.mktemp("zoo")
        values = {
            "seed": 1,
            "queries": 9_000,
            "response": "",
            "steps": "[]",
            "place": f":{vendor}.quote",
            **more,
        }
        text = (HEAD + frame + TAIL).format(
            vendor=vendor, use=use, treat=treat, limit=LIMITS[limit], options=options, **values
        )
        return prepare(parse(text, folder / "plan.yaml")), folder

    return made


@pytest.fixture(scope="module")
def verdicts(prepared):
    """Audit a vendor by one probe and return the verdicts, by the last parts of hypotheses."""

    @cache
    def found(*place, **settings):
        audit, _ = prepared(*place, **settings)
        decisions = rehearse(audit).decisions
        return {name.partition(":")[2]: one.label for name, one in decisions.items()}

    return found


# ------------------------------------------------------------------------------- steering


def test_dear_items_first(verdicts):
    settings = {"treat": "[device, grade]", "options": "{measures: [rbo, price]}"}
    assert verdicts("dear_first", "steering.ranking", SHELF, **settings) == {
        "device=iphone-new:rbo": "established",
        "device=iphone-new:price": "established",
        "grade=5:rbo": "cleared",
        "grade=5:price": "cleared",
    }
    fair = verdicts("fair_shelf", "steering.ranking", SHELF, **settings)
    assert set(fair.values()) == {"cleared"}


def test_items_kept_from_some(verdicts):
    treat = "[device, grade]"
    found = verdicts("assortment_withheld", "steering.assortment", SHELF, treat=treat)
    assert found == {"device=iphone-new:ranking": "cleared", "grade=5:ranking": "established"}
    fair = verdicts("fair_shelf", "steering.assortment", SHELF, treat=treat)
    assert set(fair.values()) == {"cleared"}


def test_a_brand_of_its_own_put_first(verdicts):
    queries = ("tea", "shampoo", "headphones", "suitcase", "air-fryer", "laptop")
    own = ", ".join(f"{query}-{item}" for query in queries for item in (8, 0, 4))
    settings = {"treat": "[gender, device]", "options": f"{{items: [{own}]}}"}
    found = verdicts("own_brand_first", "steering.exposure", SHELF, **settings)
    assert found == {"gender=f:ranking": "established", "device=iphone-new:ranking": "cleared"}
    fair = verdicts("fair_shelf", "steering.exposure", SHELF, **settings)
    assert set(fair.values()) == {"cleared"}


# ------------------------------------------------------------------------------- access, notices


def test_whoever_is_refused_and_whoever_is_offered_less(verdicts):
    refused = {"response": "refused: {path: $.refused, equals: true}", "treat": "[tenure, device]"}
    found = verdicts("turned_away", "access.refusal", GOODS, **refused)
    assert found["tenure=60:refused"] == "established"
    assert found["device=iphone-new:refused"] != "established"
    offers = {"response": "offers: $.offers", "treat": "[grade, device]", "limit": "ratio"}
    found = verdicts("fewer_offers", "access.offers", GOODS, **offers)
    assert found == {"grade=5:offers": "established", "device=iphone-new:offers": "cleared"}
    assert set(verdicts("fair_shop", "access.offers", GOODS, **offers).values()) == {"cleared"}


@pytest.mark.parametrize(
    ("vendor", "unannounced"),
    [("undisclosed", "established"), ("announced", "cleared"), ("fair_shop", "cleared")],
)
def test_a_price_for_a_person_and_its_notice(verdicts, vendor, unannounced):
    found = verdicts(
        vendor,
        "disclosure.notice",
        GOODS,
        response="notice: $.notice",
        treat="[grade]",
        options="{apart: 0.035}",
    )
    assert found == {"grade=5:notice": "cleared", "grade=5:unannounced": unannounced}


# ------------------------------------------------------------------------------- opting out, parity


@pytest.mark.parametrize(
    ("vendor", "ignored", "dearer"),
    [
        ("optout_honoured", "cleared", "cleared"),
        ("optout_ignored", "established", "cleared"),
        ("optout_punished", "cleared", "established"),
    ],
)
def test_opting_out(verdicts, vendor, ignored, dearer):
    found = verdicts(
        vendor,
        "optout.effect",
        RIDES,
        treat="[past_spend]",
        limit="ratio",
        options="{switch: opt_out, off: 1}",
    )
    assert found == {"past_spend=5000:final": ignored, "opt_out:final": dearer}


def test_a_sandbox_that_behaves_because_it_is_watched(verdicts):
    settings = {"treat": "[mode]", "limit": "ratio"}
    same = verdicts("flat_fare", "integrity.parity", RIDES, **settings)
    assert same == {"mode=live:final": "cleared"}
    other = verdicts("sandbox_smile", "integrity.parity", RIDES, **settings)
    assert other == {"mode=live:final": "established"}


# ------------------------------------------------------------------------------- paths


@pytest.mark.parametrize(
    ("vendor", "found"),
    [
        ("repeat_looks", {"again": "established", "checkout": "established"}),
        ("checkout_dearer", {"again": "cleared", "checkout": "established"}),
        ("flat_fare", {"again": "cleared", "checkout": "cleared"}),
    ],
)
def test_the_way_through_the_shop(verdicts, vendor, found):
    paths = "{paths: {again: [quote, quote], checkout: [quote, checkout]}}"
    labels = verdicts(
        vendor,
        "pricing.path",
        RIDES,
        limit="ratio",
        options=paths,
        place=f".shop:{vendor}",
        steps="[checkout, quote]",
        queries=12_000,
    )
    assert {name.split("=")[1].split(":")[0]: label for name, label in labels.items()} == found


# ------------------------------------------------------------------------------- record and page


@pytest.mark.parametrize(
    ("vendor", "use", "frame", "settings", "said"),
    [
        (
            "assortment_withheld",
            "steering.assortment",
            SHELF,
            {"treat": "[grade]"},
            "sets of items",
        ),
        (
            "undisclosed",
            "disclosure.notice",
            GOODS,
            {"response": "notice: $.notice", "treat": "[grade]", "options": "{apart: 0.035}"},
            "without a notice",
        ),
        (
            "optout_punished",
            "optout.effect",
            RIDES,
            {"treat": "[past_spend]", "limit": "ratio", "options": "{switch: opt_out}"},
            "have opted out of personalisation",
        ),
    ],
)
def test_a_finding_is_told_in_words_of_its_own(prepared, vendor, use, frame, settings, said):
    audit, folder = prepared(vendor, use, frame, **settings)
    where = begin(audit, folder / "run")
    run(audit, where)
    page = html(where.read_record(), (), "en")
    assert said in page
