"""Whole audits of sellers that watch: prices that remember, and caches that know devices."""

import json
from pathlib import Path

import pytest

from evenhand.audit.planfile import load
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import prepare
from evenhand.datasets.vendors.private import sellers

SELLERS = "evenhand.datasets.vendors.private.sellers"
WHY = "{zh: 事先约定, en: agreed beforehand}"
TOLERANCE = f"{{ratio: 1%, share: 2%, beyond: 5%, because: {WHY}}}"


def plan(folder: Path, seller: str, attributes: str, probe: str, steps: str, request: str) -> Path:
    """Write the plan of an audit of a seller, and its catalogue."""
    (folder / "catalogue.csv").write_text("id\n" + "\n".join(sellers.ITEMS) + "\n", "utf-8")
    path = folder / "plan.yaml"
    path.write_text(
        f"""evenhand: 1
audit: {{title: {{zh: 记忆, en: Memory}}, vendor: Seller, commissioned_by: us, paid_by: us,
        conflicts: none}}
seed: 11
target:
  kind: python
  function: {SELLERS}:{seller}
  table: false
  steps: {steps}
  request: {{identity: "{{{{identity}}}}", item: "{{{{item.id}}}}", step: "{{{{step}}}}", {request}}}
  response: {{final: $.final}}
  money: {{currency: CNY, unit: yuan, per: item, includes: [tax]}}
personas: {{attributes: {attributes}}}
items: catalogue.csv
probes: [{probe}]
budget: {{queries: 12000}}
""",
        "utf-8",
    )
    return path


def memory(folder, seller):
    return plan(
        folder,
        seller,
        f"{{paid: {{role: private, reference: 1.0, levels: [1.2], because: {WHY}}}}}",
        f"{{use: privacy.canary_price, treat: [paid], tolerance: {TOLERANCE}}}",
        "[buy, quote]",
        'paid: "{{persona.paid}}"',
    )


def household(folder, seller):
    devices = json.dumps([f"d{n:05d}" for n in range(1_500)])
    return plan(
        folder,
        seller,
        f"{{device: {{role: private, reference: none, levels: {devices}, because: {WHY}}}}}",
        f"{{use: privacy.cross_session, treat: [device], tolerance: {TOLERANCE}}}",
        "[view, quote]",
        'device: "{{persona.device}}"',
    )


def decision(path):
    (one,) = rehearse(prepare(load(path))).decisions.values()
    return one


def test_what_one_account_paid_comes_back_to_a_stranger(tmp_path):
    one = decision(memory(tmp_path, "learned"))
    assert one.label == "established"
    told = {part.name: part.estimate.value for part in one.evidence.described}
    assert told["returned"] == pytest.approx(sellers.PACE, abs=0.1)
    interval = one.evidence.effect.interval
    assert interval is not None
    assert interval.low < sellers.PACE * 0.1823 < interval.high
    assert 0 < told["epsilon"] <= told["epsilon_cap"]


def test_posted_prices_remember_nothing(tmp_path):
    one = decision(memory(tmp_path, "posted"))
    assert one.label == "inconclusive"  # without a positive control nothing is cleared
    assert one.evidence.claims[1.0].differs < 3


def test_a_cache_by_device_is_told_from_one_by_account(tmp_path):
    assert decision(household(tmp_path, "household_cache")).label == "established"
    clean = decision(household(tmp_path, "identity_cache"))
    assert clean.label == "inconclusive"
    assert min(clean.evidence.claims[1.0].inside) > 3


def test_the_coins_of_prices_are_committed_too(tmp_path):
    audit = prepare(load(memory(tmp_path, "posted")))
    assert set(audit.lock.commitments) == {"privacy.canary_price"}
