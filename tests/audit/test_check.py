"""What a plan can come to, before anything is sent."""

import math
from pathlib import Path

import pytest

from evenhand.audit import planfile
from evenhand.audit.check import NOISES, Checked, check
from evenhand.audit.resolve import resolve
from evenhand.probes import registry

PLAN = """\
evenhand: 1
audit: {title: t, vendor: v, commissioned_by: c, paid_by: p, conflicts: n}
seed: 1
target:
  kind: http
  url: http://127.0.0.1/quote
  request: {id: "{{identity}}", d: "{{persona.device}}", t: "{{persona.tenure}}", n: "{{persona.nights}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: yuan, per: night, includes: []}
  limits: {requests_per_second: 10}
personas:
  attributes:
    device: {role: ability_to_pay, reference: a, levels: [b, c], because: x}
    tenure: {role: habit, reference: 0, levels: [36], because: x}
    nights: {role: condition, levels: [1, 2]}
probes:
  - use: pricing.twins
    treat: [device, tenure]
    tolerance: {ratio: 1%, share: 2%, beyond: 5%, because: x}
    clip: 50%
controls: {positive: {attribute: nights, from: 1, to: 2}}
budget: {queries: 20000}
"""
ONE = PLAN.replace("treat: [device, tenure]", "treat: [tenure]")


def checked(text: str, folder: Path) -> Checked:
    loaded = planfile.parse(text, folder / "plan.yaml")
    study = resolve(loaded)
    hypotheses = [
        hypothesis
        for entry in loaded.plan.probes
        for hypothesis in registry.make(entry.use, entry.model_dump()).hypotheses(study)
    ]
    return check(loaded, study, hypotheses)


def test_the_cost_is_that_of_the_design(tmp_path):
    """The design's own simulated table: queries to clear all, without the controls' 92."""
    controls = 2 * 30 + 2 * 16
    table = {(ONE, 0.0): 773, (ONE, 0.02): 1133, (PLAN, 0.0): 1459, (PLAN, 0.02): 2423}
    for (text, noise), queries in table.items():
        found = next(one for one in checked(text, tmp_path).outlooks if one.noise == noise)
        assert found.queries is not None
        assert found.queries - controls == pytest.approx(queries, rel=0.1)


def test_every_noise_is_looked_at(tmp_path):
    result = checked(PLAN, tmp_path)
    assert [one.noise for one in result.outlooks] == list(NOISES)
    assert result.hypotheses == 3
    assert (result.personas, result.items, result.budget) == (1, 0, 20000)
    assert result.reachable
    assert result.warnings == ()


def test_time_is_queries_at_the_rate_limit(tmp_path):
    for one in checked(PLAN, tmp_path).outlooks:
        assert one.minutes == (None if one.queries is None else one.queries / 10 / 60)
    free = checked(PLAN.replace("  limits: {requests_per_second: 10}\n", ""), tmp_path)
    assert all(one.minutes is None for one in free.outlooks)


def test_more_noise_needs_more_and_shows_less(tmp_path):
    outlooks = checked(PLAN, tmp_path).outlooks
    queries = [one.queries for one in outlooks if one.queries is not None]
    smallest = [one.smallest_detectable for one in outlooks if one.smallest_detectable is not None]
    assert queries == sorted(queries)
    assert len(smallest) == len(outlooks)
    assert smallest == sorted(smallest)


def test_too_much_noise_is_named_with_what_would_do(tmp_path):
    noisiest = checked(PLAN, tmp_path).outlooks[-1]
    assert (noisiest.reachable, noisiest.reason) == (False, "check.noise")
    wider = checked(PLAN.replace("beyond: 5%", "beyond: 20%"), tmp_path).outlooks[-1]
    assert wider.reachable


def test_a_budget_too_small_for_a_verdict_is_said_and_is_no_mistake(tmp_path):
    result = checked(PLAN.replace("queries: 20000", "queries: 300"), tmp_path)
    assert not result.reachable
    assert {one.reason for one in result.outlooks} == {"check.budget", "check.noise"}
    quiet = result.outlooks[0]
    assert quiet.queries is not None
    assert f"{quiet.queries:,}" in "\n".join(result.lines("en"))


def test_the_budget_is_enough_exactly_when_it_is(tmp_path):
    needed = checked(ONE, tmp_path).outlooks[0].queries
    for budget, enough in ((needed, True), ((needed or 0) - 1, False)):
        text = ONE.replace("queries: 20000", f"queries: {budget}")
        assert checked(text, tmp_path).outlooks[0].reachable is enough


def test_without_a_tolerance_no_size_is_settled(tmp_path):
    start, end = PLAN.index("    tolerance"), PLAN.index("    clip")
    result = checked(PLAN[:start] + PLAN[end:], tmp_path)
    assert {one.reason for one in result.outlooks} == {"check.no_tolerance"}
    assert all(one.queries is None for one in result.outlooks)
    assert all(one.smallest_detectable is not None for one in result.outlooks)


def test_what_is_not_delivered_is_named(tmp_path):
    result = checked(PLAN.replace(', d: "{{persona.device}}"', ""), tmp_path)
    assert {one.reason for one in result.outlooks} == {"check.not_delivered"}
    assert "device" in "\n".join(result.lines("zh"))
    assert result.hypotheses == 3  # what is not delivered still counts


def test_accounts_that_cannot_show_enough_are_counted(tmp_path):
    # without a hit, n pairs bound the share by 1 − (alpha/K)^(1/n): 149 pairs for 2 % at K = 1
    pool = (
        "identities: {source: pool, file: accounts.csv, tied: [tenure], assigned: lot}\npersonas:"
    )
    text = ONE.replace("personas:", pool, 1)
    for groups, enough in ((149, True), (148, False)):
        levels = (0, 0, 36) * groups
        rows = "\n".join(f"u{n},{level}" for n, level in enumerate(levels))
        (tmp_path / "accounts.csv").write_text(f"id,tenure\n{rows}\n")
        assert checked(text, tmp_path).outlooks[0].reachable is enough
    result = checked(text, tmp_path)
    assert result.outlooks[0].reason == "check.accounts"
    wanted = 3 * math.ceil(math.log(0.05) / math.log(0.98))
    assert str(wanted) in "\n".join(result.lines("en"))


def test_what_would_stop_the_run_is_said_beforehand(tmp_path):
    result = checked(PLAN.replace("127.0.0.1", "quotes.acme.example"), tmp_path)
    (warning,) = result.warnings
    assert (warning.message_id, warning.key) == ("authorise.none", "authorisation")
    assert warning.text("en").startswith("plan.yaml:")


def test_levels_that_a_population_overrules_are_said(tmp_path):
    (tmp_path / "people.csv").write_text("nights\n1\n5\n")
    text = PLAN.replace("personas:\n", "personas:\n  population: people.csv\n")
    assert checked(text, tmp_path).warnings == ()
    start, end = text.index("controls:"), text.index("budget:")
    found = {
        warning.message_id for warning in checked(text[:start] + text[end:], tmp_path).warnings
    }
    assert found == {"plan.warn_no_positive", "check.levels_unread"}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_lines_say_it_in_words(tmp_path, language):
    lines = checked(PLAN.replace("127.0.0.1", "quotes.acme.example"), tmp_path).lines(language)
    text = "\n".join(lines)
    assert "{" not in text
    assert "None" not in text
    assert sum("0.5%" in line or "0.5 %" in line for line in lines) == 1
    assert len(lines) == 2 + len(NOISES) + 1 + 2
    assert any("一" <= sign <= "鿿" for sign in text) == (language == "zh")


def test_a_probe_that_only_checks_costs_no_hypothesis_and_needs_no_limit(tmp_path):
    drift = PLAN.replace("probes:\n", "probes:\n  - use: pricing.drift\n")
    found, plain = checked(drift, tmp_path), checked(PLAN, tmp_path)
    assert found.hypotheses == plain.hypotheses
    assert [one.queries for one in found.outlooks] == [one.queries for one in plain.outlooks]
    assert not any("tolerance" in one.text("en") for one in found.warnings)


def test_what_is_changed_together_is_an_arm_of_its_own(tmp_path):
    pairs = PLAN.replace("clip: 50%", "options: {interactions: [[device, tenure]]}")
    found, plain = checked(pairs, tmp_path), checked(PLAN, tmp_path)
    assert found.hypotheses == plain.hypotheses + 2
    more, less = found.outlooks[0].queries, plain.outlooks[0].queries
    assert more is not None
    assert less is not None
    assert more > less


def test_several_outcomes_of_a_level_are_read_from_one_arm(tmp_path):
    told = PLAN.replace(
        "{final: $.price}", "{final: $.price, list: $.list, coupon: $.coupon}"
    ).replace("device, tenure", "tenure")
    parts, plain = told.replace("pricing.twins", "pricing.components"), told
    found = checked(parts, tmp_path)
    assert found.hypotheses == 3
    assert found.outlooks[0].queries == checked(plain, tmp_path).outlooks[0].queries
