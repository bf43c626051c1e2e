"""The lock: the same for the same plan, wherever it lies and however hard it may press."""

import hashlib
import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit import planfile
from evenhand.audit.lock import GROUP, Lock, identities, identity, make_lock, wave_rng
from evenhand.audit.resolve import resolve
from evenhand.errors import EvidenceError
from evenhand.probes import registry

PLAN = """\
evenhand: 1
audit: {title: 标题, vendor: v, commissioned_by: c, paid_by: p, conflicts: n}
authorisation: {kind: order, by: City, file: consent.pdf, valid: [2026-11-20, 2026-12-20]}
seed: 9007199254740991
target:
  kind: http
  url: http://127.0.0.1/quote
  headers: {authorization: "Bearer ${TOKEN}"}
  request: {id: "{{identity}}", d: "{{persona.device}}", n: "{{persona.nights}}", i: "{{item.id}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: yuan, per: night, includes: [tax]}
  limits: {requests_per_second: 20, concurrency: 8}
personas:
  population: people.csv
  attributes:
    device: {role: ability_to_pay, reference: old, levels: [new, 1.5], because: x}
    nights: {role: condition}
items: rooms.csv
probes:
  - use: pricing.twins
    treat: [device]
    tolerance: {ratio: 1%, share: 2%, because: x}
budget: {queries: 5000}
report: {languages: [zh]}
"""


def lock_in(folder: Path, text: str = PLAN, *, people: str = "nights\n1\n2\n") -> Lock:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.csv").write_text(people)
    (folder / "rooms.csv").write_text("id\na\nb\n")
    (folder / "consent.pdf").write_bytes(b"yes")
    (folder / "plan.yaml").write_text(text, "utf-8")
    loaded = planfile.load(folder / "plan.yaml")
    study = resolve(loaded)
    hypotheses = [
        hypothesis
        for entry in loaded.plan.probes
        for hypothesis in registry.make(entry.use, entry.model_dump()).hypotheses(study)
    ]
    return make_lock(loaded, study, hypotheses)


@pytest.fixture(scope="module")
def lock(tmp_path_factory) -> Lock:
    return lock_in(tmp_path_factory.mktemp("plan"))


def test_a_lock_does_not_depend_on_where_the_plan_lies(tmp_path, lock):
    other = lock_in(tmp_path / "far" / "away")
    assert other.to_bytes() == lock.to_bytes()
    assert str(tmp_path).encode() not in other.to_bytes()


def test_files_count_by_what_they_hold_and_not_by_their_names(tmp_path, lock):
    folder = tmp_path / "x"
    lock_in(folder)
    (folder / "zimmer.csv").write_text("id\na\nb\n")
    assert lock_in(folder, PLAN.replace("rooms.csv", "zimmer.csv")).to_bytes() == lock.to_bytes()
    assert lock_in(folder, people="nights\n1\n3\n").plan_sha256 != lock.plan_sha256


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("report: {languages: [zh]}\n", ""),
        ("concurrency: 8", "concurrency: 3, timeout: 2s, attempts: 2"),
        ("evenhand: 1\n", "# a comment\nevenhand: 1\n"),
        ("ratio: 1%", "ratio: 0.01"),
        ("because: x}\nbudget", "because: {zh: x, en: x}}\nbudget"),
    ],
)
def test_what_does_not_change_the_question_does_not_change_the_lock(tmp_path, lock, old, new):
    assert old in PLAN
    assert lock_in(tmp_path, PLAN.replace(old, new)).to_bytes() == lock.to_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 9007199254740991", "seed: 1"),
        ("ratio: 1%", "ratio: 2%"),
        ("queries: 5000", "queries: 5001"),
        ("[new, 1.5]", "[new]"),
        ("by: City", "by: Town"),
        ('n: "{{persona.nights}}"', 'm: "{{persona.nights}}"'),
    ],
)  # fmt: skip
def test_what_changes_the_question_changes_both_hashes(tmp_path, lock, old, new):
    other = lock_in(tmp_path, PLAN.replace(old, new))
    assert other.plan_sha256 != lock.plan_sha256
    assert other.sha256 != lock.sha256


def test_the_rate_leaves_its_trace_in_the_size_of_waves_alone(tmp_path, lock):
    slow = lock_in(tmp_path, PLAN.replace("requests_per_second: 20", "requests_per_second: 1"))
    assert slow.plan_sha256 == lock.plan_sha256
    assert (lock.wave_limit, slow.wave_limit) == (1200, 60)


def test_the_lock_holds_hashes_that_anybody_can_compute(lock):
    data = json.loads(lock.to_bytes())
    assert data["files"] == {
        "authorisation": hashlib.sha256(b"yes").hexdigest(),
        "items": hashlib.sha256(b"id\na\nb\n").hexdigest(),
        "population": hashlib.sha256(b"nights\n1\n2\n").hexdigest(),
    }
    assert data["k"] == len(data["hypotheses"]) == 2
    assert data["plan"]["target"]["headers"] == {"authorization": "Bearer ${TOKEN}"}
    assert "limits" not in data["plan"]["target"]
    assert "report" not in data["plan"]
    assert set(data["versions"]) == {"evenhand", "numpy", "scipy", "python"}
    # RFC 8785: sorted keys, no spaces, UTF-8
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert lock.to_bytes() == canonical.encode()
    assert lock.sha256 == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_lock_reads_back_and_nothing_else_does(lock):
    data = lock.to_bytes()
    assert Lock.from_bytes(data) == lock
    for other in (
        b"",
        b"{}",
        b"[]",
        b"null",
        data[:-1],
        data + b"\n",
        data.replace(b'"k":2', b'"k":3'),
    ):
        with pytest.raises(EvidenceError):
            Lock.from_bytes(other)


def test_a_shipped_population_is_hashed_by_what_it_is(tmp_path):
    text = PLAN.replace("people.csv", "demo-city").replace(
        "nights: {role: condition}", "hour: {role: condition}"
    )
    text = text.replace("persona.nights", "persona.hour")
    other = lock_in(tmp_path, text)
    assert other.plan["personas"]["population"] == "demo-city"
    assert len(other.files["population"]) == 64


def test_each_wave_has_a_generator_of_its_own(lock, tmp_path):
    draws = {number: wave_rng(lock, number).integers(1 << 62) for number in range(-1, 50)}
    assert len(set(draws.values())) == 51
    assert wave_rng(lock, 7).integers(1 << 62) == draws[7]
    other = lock_in(tmp_path, PLAN.replace("seed: 9007199254740991", "seed: 1"))
    assert wave_rng(other, 7).integers(1 << 62) != draws[7]


# -------------------------------------------------------------------------------------- accounts


def test_one_account_is_the_same_as_among_many(lock):
    sessions = np.array([GROUP + 3, 0, 5 * GROUP, 1, GROUP - 1, 0])
    many = identities(lock, 3, sessions, "号{letters:4}-{digits:8}", restart=2)
    assert many == [
        identity(lock, 3, session, 2, "号{letters:4}-{digits:8}") for session in sessions.tolist()
    ]
    assert many[1] == many[5]
    assert all(
        len(one) == 14
        and one[0] == "号"
        and one[1:5].isalpha()
        and one[1:5].islower()
        and one[5] == "-"
        and one[6:].isdigit()
        for one in many
    )


def test_no_two_places_share_an_account(lock):
    sessions = np.arange(3 * GROUP)
    ids = [
        one
        for wave in range(3)
        for restart in range(3)
        for one in identities(lock, wave, sessions, "{hex:16}", restart=restart)
    ]
    assert len(set(ids)) == len(ids)


def test_ids_of_nobody_are_no_ids(lock):
    assert identities(lock, 0, np.zeros(0, dtype=np.int32), "{hex:16}") == []


@pytest.mark.parametrize(("kind", "size"), [("hex", 16), ("digits", 10), ("letters", 26)])
def test_every_sign_is_as_likely_at_every_place(lock, kind, size):
    ids = identities(lock, 1, np.arange(20_000), f"{{{kind}:6}}")
    for place in range(6):
        counts = Counter(one[place] for one in ids)
        assert len(counts) == size
        expected = len(ids) / size
        chi2 = sum((n - expected) ** 2 / expected for n in counts.values())
        # five standard deviations of chi-square: this stream is fixed, so it never fails by chance
        assert chi2 < (size - 1) + 5 * math.sqrt(2 * (size - 1))


def test_an_id_tells_nothing_of_its_place(lock):
    ids = identities(lock, 1, np.arange(4000), "{hex:16}")
    values = np.array([int(one, 16) for one in ids], dtype=float)
    order = np.corrcoef(np.arange(len(values)), values)[0, 1]
    neighbours = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert abs(order) < 5 / math.sqrt(len(values))
    assert abs(neighbours) < 5 / math.sqrt(len(values))


@pytest.mark.prove
def test_a_million_accounts_are_a_million(lock):
    ids = identities(lock, 0, np.arange(1_000_000), "{hex:24}")
    assert len(set(ids)) == len(ids)
