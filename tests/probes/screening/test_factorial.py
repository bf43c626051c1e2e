"""screening.factorial against vendors of the zoo, from plan to verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from evenhand.audit.conduct import Conduct
from evenhand.audit.planfile import LoadedPlan, parse
from evenhand.audit.rehearsal import rehearse
from evenhand.audit.run import begin, prepare, run
from evenhand.audit.scoreboard.cases import Case, plan_of
from evenhand.datasets import vendors
from evenhand.errors import UsageError
from evenhand.reports.html import html

GUILTY = {"device", "battery", "past_spend"}


def _plan(vendor: str, seed: int, queries: int = 5000, **options: Any) -> LoadedPlan:
    """The plan that screens everything that a vendor is asked about."""
    stranger = vendors.get(vendor)
    effects = {
        effect.attribute: replace(effect, given={})
        for effect in reversed(stranger.truth.effects)
        if effect.outcome == "final"
    }
    case = Case(vendor=stranger, effects=tuple(effects.values()))
    made = json.loads(plan_of(case, seed=seed, queries=queries).text)
    made["probes"][0] |= {"use": "screening.factorial", "options": options}
    return parse(json.dumps(made, ensure_ascii=False), Path("screened.yaml"))


def _screened(vendor: str, seed: int, **more: Any) -> Conduct:
    return rehearse(prepare(_plan(vendor, seed, **more)))


def _labels(conduct: Conduct) -> dict[str, str]:
    return {one.evidence.hypothesis.treatment: one.label for one in conduct.decisions.values()}


@pytest.mark.parametrize("design", ["factorial", "random", "covering"])
@pytest.mark.parametrize("seed", range(2))
def test_the_three_guilty_of_nine_are_found_and_confirmed(design: str, seed: int) -> None:
    assert _labels(_screened("several", seed, design=design)) == dict.fromkeys(
        GUILTY, "established"
    )


@pytest.mark.parametrize("seed", range(3))
def test_what_only_two_things_together_do_is_found(seed: int) -> None:
    labels = _labels(_screened("pair_only", seed))
    assert labels.pop("past_spend+device") == "established"
    assert set(labels.values()) <= {"inconclusive", "cleared"}


@pytest.mark.parametrize("vendor", ["flat_fare", "fair_noise"])
def test_a_slot_that_stays_empty_is_never_cleared(vendor: str) -> None:
    conduct = _screened(vendor, 3)
    empty = [one for one in conduct.decisions.values() if one.evidence.n == 0]
    assert empty
    assert {one.label for one in empty} == {"inconclusive"}
    assert {one.reason for one in empty} == {"screening.nothing_stood_out"}
    assert all(one.label in {"inconclusive", "cleared"} for one in conduct.decisions.values())


def test_slots_are_declared_beforehand_and_counted() -> None:
    audit = prepare(_plan("several", 1, slots=4))
    assert [one.id for one in audit.lock.hypotheses] == [
        f"screening.factorial:slot{number}" for number in (1, 2, 3, 4)
    ]
    assert audit.lock.k == 4
    conduct = rehearse(audit)
    assert list(conduct.decisions) == [one.id for one in audit.lock.hypotheses]


def test_confirmation_rests_on_blocks_that_the_screening_has_not_seen() -> None:
    conduct = _screened("several", 0)
    observed = conduct.observed["screening.factorial"]
    probe = conduct.probes["screening.factorial"]
    level = 0.95
    found = probe.test(conduct.study, observed, level)
    # whatever the screening was answered after it had chosen, the evidence stays as it is
    arm, block = observed.column("arm"), observed.column("block")
    screening = arm >= 2 + 3
    assert set(block[screening]).isdisjoint(block[~screening])
    assert set(block[screening]) == set(range(40))
    shifted = dict(observed.values)
    shifted["final"] = np.where(
        screening, 1.01 * observed.values["final"], observed.values["final"]
    )
    again = probe.test(conduct.study, replace(observed, values=shifted), level)
    assert [one.claims for one in again] == [one.claims for one in found]
    assert [one.effect for one in again] == [one.effect for one in found]


def test_waves_of_a_slow_vendor_are_small_and_come_to_the_same_number_of_contexts() -> None:
    audit = prepare(_plan("several", 2))
    conduct = audit.conduct()
    conduct.rules = replace(conduct.rules, wave_limit=100)
    probe = conduct.probes["screening.factorial"]
    seen = replace(conduct._seen("screening.factorial"))
    wave = probe.design(conduct.study, seen, np.random.default_rng(1))
    assert wave is not None
    assert len(wave) == 96
    assert (
        probe.design(conduct.study, replace(seen, trials_left=11), np.random.default_rng(1)) is None
    )


def test_it_goes_on_file_and_onto_the_page(tmp_path: Path) -> None:
    audit = prepare(_plan("several", 5))
    folder = begin(audit, tmp_path / "run")
    run(audit, folder)
    record = folder.read_record()
    assert {one.treatment for one in record.content.findings} == GUILTY
    assert {one.verdict for one in record.content.findings} == {"established"}
    first = record.content.findings[0]
    assert [one.name for one in first.described] == ["screened"]
    for language in ("zh", "en"):
        assert first.method.model_dump()[language]
        assert first.label.model_dump()[language] in html(record, (), language)


@pytest.mark.parametrize(
    ("treat", "message"), [(["device"], "at least"), (["device", "past_spend"], None)]
)
def test_one_attribute_is_nothing_to_screen(treat: list[str], message: str | None) -> None:
    made = json.loads(_plan("several", 1).text)
    made["probes"][0]["treat"] = treat
    audit = prepare(parse(json.dumps(made), Path("x.yaml")))
    assert bool(audit.questions.get("screening.factorial")) == (message is None)


def test_a_wrong_setting_is_told() -> None:
    with pytest.raises(UsageError, match="factorial"):
        prepare(_plan("several", 1, design="quadratic"))


@pytest.mark.prove
def test_several_in_nineteen_of_twenty_seeds() -> None:
    found = [
        _labels(_screened("several", seed)) == dict.fromkeys(GUILTY, "established")
        for seed in range(20)
    ]
    assert sum(found) >= 19


@pytest.mark.prove
@pytest.mark.parametrize("vendor", ["flat_fare", "fair_noise", "heavy_tails"])
def test_false_claims_on_fair_vendors_stay_within_alpha(vendor: str) -> None:
    runs = 60
    accused = sum(
        any(label in {"established", "indicated"} for label in _labels(one).values())
        for one in (_screened(vendor, 100 + seed, queries=2500) for seed in range(runs))
    )
    assert binomtest(accused, runs, 0.05, alternative="greater").pvalue > 0.01
