"""Whole audits with planted pairs: the pause, the committed coins, and markets whose truth is known."""

import json
from pathlib import Path

import pytest

from evenhand.audit.lock import Lock
from evenhand.audit.planfile import load
from evenhand.audit.record import Record
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import begin, prepare, reopen, run
from evenhand.datasets.vendors.private import recommenders
from evenhand.errors import EvidenceError, PausedError

MARKET = "evenhand.datasets.vendors.private.recommenders"


def plan(folder: Path, market: str, *, seed: int = 5, canaries: int = 200, **options: int) -> Path:
    """Write the plan of an audit of a market, and its catalogue."""
    (folder / "catalogue.csv").write_text("id\n" + "\n".join(recommenders.ITEMS) + "\n", "utf-8")
    options = {"canaries": canaries, "places": 10, **options}
    path = folder / "plan.yaml"
    path.write_text(
        f"""evenhand: 1
audit: {{title: {{zh: 列表, en: Lists}}, vendor: Market, commissioned_by: us, paid_by: us,
        conflicts: none}}
seed: {seed}
target:
  kind: python
  function: {MARKET}:{market}
  table: false
  steps: [view, buy, search]
  request: {{identity: "{{{{identity}}}}", item: "{{{{item.id}}}}", step: "{{{{step}}}}"}}
  response: {{ranking: "$.ranking"}}
personas: {{attributes: {{}}}}
items: catalogue.csv
probes:
  - use: privacy.canary_list
    options: {json.dumps(options)}
    tolerance: {{difference: 5%, share: 5%, because: {{zh: 事先约定, en: agreed beforehand}}}}
budget: {{queries: 4000}}
""",
        "utf-8",
    )
    return path


def finding(record: Record):
    (one,) = record.content.findings
    return one


@pytest.fixture(scope="module")
def paused(tmp_path_factory):
    """A run that has planted and waits."""
    folder = tmp_path_factory.mktemp("canaries")
    audit = prepare(load(plan(folder, "item_knn")))
    made = begin(audit, folder / "run")
    with pytest.raises(PausedError, match="resum"):
        run(audit, made)
    return folder / "run"


def test_the_coins_are_hashed_into_the_lock_before_anything_is_planted(tmp_path):
    audit = prepare(load(plan(tmp_path, "item_knn")))
    assert set(audit.lock.commitments) == {"privacy.canary_list"}
    again = Lock.from_bytes(audit.lock.to_bytes())
    assert (again.commitments, again.sha256) == (audit.lock.commitments, audit.lock.sha256)
    other = prepare(load(plan(tmp_path, "item_knn", seed=6)))
    assert other.lock.commitments != audit.lock.commitments


def test_a_lock_without_coins_says_nothing_of_coins(tmp_path):
    audit = prepare(load(plan(tmp_path, "item_knn", canaries=2)))
    lock = json.loads(audit.lock.to_bytes())
    del lock["commitments"]
    assert (
        Lock(**{**vars(audit.lock), "commitments": {}}).to_bytes()
        == json.dumps(lock, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )


def test_coins_other_than_those_of_the_lock_are_refused(paused):
    lock = paused / "plan.lock.json"
    kept, told = lock.read_bytes(), json.loads(lock.read_bytes())
    told["commitments"]["privacy.canary_list"] = "0" * 64
    lock.chmod(0o644)
    lock.write_text(json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    with pytest.raises(EvidenceError, match="coins"):
        reopen(paused)
    lock.write_bytes(kept)


def test_whoever_resumes_says_that_the_vendor_has_trained_and_it_goes_on_to_the_end(paused):
    audit, folder = reopen(paused)
    conduct = run(audit, folder)
    assert [turn.wave.after for turn in conduct.waves if turn.question.startswith("privacy")] == [
        None,
        "retraining",
    ]
    one = finding(Record.model_validate_json(folder.record.read_bytes()))
    assert (one.kind, one.unit, one.n) == ("privacy.leak", "canary", 200)
    assert {"smallest", "exposure"} <= {part.name for part in one.described}


@pytest.mark.parametrize("market", recommenders.LEAKY)
def test_lists_that_give_single_customers_away_are_told(tmp_path, market):
    conduct = rehearse(prepare(load(plan(tmp_path, market))))
    (decision,) = conduct.decisions.values()
    assert decision.label in {"established", "indicated"}
    assert (decision.evidence.effect.value or 0.0) > 0.05


@pytest.mark.parametrize("market", recommenders.CLEAN)
def test_lists_that_cannot_are_not_accused(tmp_path, market):
    conduct = rehearse(prepare(load(plan(tmp_path, market))))
    (decision,) = conduct.decisions.values()
    assert decision.label in {"inconclusive", "cleared"}
