"""The gate: what it stops, what it lets pass and says so, and what it refuses to begin."""

from datetime import date

import numpy as np
import pytest
from tests.api.people import CALL, MARKUP, even, guests, uneven

import evenhand
from evenhand import messages
from evenhand.api.allow import allowances
from evenhand.api.gate import LONGEST, UndecidedError, UnevenError, judge
from evenhand.errors import UsageError

TODAY = date(2026, 11, 23)
GATE = {name: value for name, value in CALL.items() if name != "quiet"}


@pytest.fixture(autouse=True)
def _english():
    messages.use("en")
    yield
    messages.use(None)


@pytest.fixture(scope="module")
def people():
    return guests()


@pytest.fixture(scope="module")
def baseline(people):
    """The uneven model as it was."""
    with evenhand.run(uneven, personas=people, **CALL) as result:
        yield result


def allow(**changes):
    entry = {
        "treatment": "device",
        "up_to": "12%",
        "direction": "dearer",
        "because": "New devices cost us a warranty.",
        "owner": "pricing",
        "until": "2027-06-30",
    }
    return entry | changes


def scaled(factor):
    """The uneven model with another markup on new devices."""

    def price(table):
        return even(table) * (1 + factor * (table["device"] == "new"))

    return price


# --------------------------------------------------------------------------------- assert_even


def test_an_even_model_passes_and_gives_its_audit(people):
    with evenhand.assert_even(even, personas=people, **GATE) as result:
        assert [one.verdict for one in result.findings] == ["cleared"]
        assert result.record.content.setting.alpha == 0.001


def test_an_uneven_model_is_an_assertion_error_that_holds_its_audit(people):
    with pytest.raises(AssertionError, match=r"F01 ▲ beyond the limit .* 8 % more") as caught:
        evenhand.assert_even(uneven, personas=people, **GATE)
    error = caught.value
    assert isinstance(error, UnevenError)
    assert error.result is not None
    assert error.result.findings[0].verdict == "established"
    assert "0.1 %" in str(caught.value)  # how rarely a fair model is stopped


def test_no_answer_is_an_error_and_not_a_pass(people):
    # the price does not move with the condition that was declared to move it
    with pytest.raises(UndecidedError, match="which is not a pass") as caught:
        evenhand.assert_even(lambda t: 0 * t["nights"] + 50.0, personas=people, **GATE)
    assert not isinstance(caught.value, AssertionError)
    assert caught.value.exit_code == 3


def test_a_budget_that_cannot_decide_is_refused_before_the_first_call(people):
    asked = []

    def price(table):
        asked.append(len(table))
        return even(table)

    with pytest.raises(UsageError, match=r"budget of 300 queries .*; ([\d,]+) can") as caught:
        evenhand.assert_even(price, personas=people, budget=300, **GATE)
    assert asked == []
    enough = int(caught.value.values["needed"].replace(",", ""))
    with evenhand.assert_even(price, personas=people, budget=enough, **GATE) as result:
        assert result.queries <= enough


def test_a_gate_that_can_never_pass_is_refused(people):
    with pytest.raises(UsageError, match="this gate can never pass"):
        evenhand.assert_even(even, personas=people, **{**GATE, "positive": None})


def test_an_argument_that_is_not_there_is_refused(people):
    with pytest.raises(UsageError, match="tolerence"):
        evenhand.assert_even(even, personas=people, **{**GATE, "tolerence": "1%"})


def test_a_result_is_judged_the_same_way(baseline):
    with pytest.raises(AssertionError):
        baseline.raise_for_findings()
    baseline.raise_for_findings(allow=[allow()], today=TODAY)


# --------------------------------------------------------------------------------------- allow


def test_what_is_allowed_stays_a_finding_and_passes(people):
    said: list[tuple[str, object]] = []
    with evenhand.assert_even(
        uneven,
        personas=people,
        allow=[allow()],
        today=TODAY,
        record_property=lambda name, value: said.append((name, value)),
        **GATE,
    ) as result:
        assert result.findings[0].verdict == "established"
    told = {name: str(value) for name, value in said}
    assert told["evenhand.device.new.verdict"] == "established"
    assert told["evenhand.device.new.percent"].startswith("8 [")
    assert "已说明的差异" in told["evenhand.device.new.allowed"]
    assert "pricing" in told["evenhand.device.new.allowed"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"until": "2026-11-22"}, "expired on 2026-11-22"),
        ({"until": TODAY + LONGEST * 2}, "twelve months"),
        ({"up_to": "5%"}, "F01 ▲"),
        ({"direction": "cheaper"}, "F01 ▲"),
        ({"treatment": "room"}, "matches no finding"),
        ({"probe": "pricing.coupons"}, "matches no finding"),
    ],
)
def test_an_entry_that_does_not_cover_it_fails(baseline, changes, said):
    with pytest.raises(AssertionError, match=said):
        baseline.raise_for_findings(allow=[allow(**changes)], today=TODAY)


def test_an_entry_lives_until_its_day_and_no_longer(baseline):
    entry = [allow(until="2027-06-30")]
    baseline.raise_for_findings(allow=entry, today=date(2027, 6, 30))
    with pytest.raises(AssertionError, match="expired"):
        baseline.raise_for_findings(allow=entry, today=date(2027, 7, 1))


def test_an_entry_with_nothing_left_to_allow_fails(people):
    with pytest.raises(AssertionError, match="take it out"):
        evenhand.assert_even(even, personas=people, allow=[allow()], today=TODAY, **GATE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"because": " "}, "needs because"),
        ({"owner": ""}, "needs owner"),
        ({"up_to": "much"}, "much"),
        ({"until": "soon"}, "soon"),
        ({"direction": "up"}, "got up"),
        ({"reason": "x"}, "has the keys"),
    ],
)
def test_an_entry_that_accounts_for_nothing_is_refused(baseline, changes, said):
    with pytest.raises(UsageError, match=said):
        judge(baseline.record, [allow(**changes)], today=TODAY)


def test_entries_stand_in_a_file(baseline, tmp_path):
    path = tmp_path / "allow.yaml"
    path.write_text(
        "allow:\n"
        "- {treatment: device, up_to: 12%, because: warranty, owner: pricing, until: 2027-06-30}\n",
        "utf-8",
    )
    (entry,) = allowances(path)
    assert (entry.up_to, entry.until) == (0.12, date(2027, 6, 30))
    baseline.raise_for_findings(allow=path, today=TODAY)
    with pytest.raises(UsageError, match="cannot be read"):
        allowances(tmp_path / "gone.yaml")


# ----------------------------------------------------------------------------- assert_no_worse


@pytest.mark.parametrize("factor", [0.0, MARKUP / 2, MARKUP])
def test_a_model_that_is_no_worse_passes(people, baseline, factor):
    evenhand.assert_no_worse(scaled(factor), baseline, personas=people, **GATE).close()


@pytest.mark.parametrize("factor", [MARKUP + 0.05, -MARKUP - 0.05])
def test_a_model_that_is_worse_is_stopped(people, baseline, factor):
    with pytest.raises(AssertionError, match="beyond the limit"):
        evenhand.assert_no_worse(scaled(factor), baseline, personas=people, **GATE)


def test_the_baseline_is_a_result_a_record_or_a_folder(people, baseline, tmp_path):
    place = baseline.keep(tmp_path / "baseline")
    for known in (baseline.record, place, place / "record.json"):
        evenhand.assert_no_worse(uneven, known, personas=people, **GATE).close()


def test_after_an_even_baseline_the_usual_limit_holds(people):
    with evenhand.run(even, personas=people, **CALL) as before:
        evenhand.assert_no_worse(even, before, personas=people, **GATE).close()
        with pytest.raises(AssertionError):
            evenhand.assert_no_worse(uneven, before, personas=people, **GATE)


def test_each_treatment_is_held_to_its_own_limit(people):
    def price(table):
        return uneven(table) * np.where(table["room"] == "B", 1.02, 1.0)

    call = {
        **GATE,
        "treat": {"device": ("old", ["new"]), "room": ("A", ["B"])},
        "conditions": ["nights"],
    }
    with evenhand.run(price, personas=people, quiet=True, **call) as before:
        with evenhand.assert_no_worse(price, before, personas=people, **call) as after:
            limits = {one.treatment: one.limits.ratio for one in after.findings if one.limits}
        assert limits["device"] == pytest.approx(MARKUP + 0.01, abs=0.005)
        assert limits["room"] == pytest.approx(0.03, abs=0.005)

        def worse(table):
            return price(table) * np.where(table["room"] == "B", 1.05, 1.0)

        with pytest.raises(AssertionError, match="F02 ▲") as caught:
            evenhand.assert_no_worse(worse, before, personas=people, **call)
        assert "F01" not in str(caught.value)
        entry = allow(treatment="room")
        evenhand.assert_no_worse(
            worse, before, personas=people, allow=[entry], today=TODAY, **call
        ).close()


def test_a_baseline_of_something_else_is_refused(people, baseline):
    call = {**GATE, "treat": {"room": ("A", ["B"])}, "conditions": ["nights"]}
    with pytest.raises(UsageError, match="did not test room"):
        evenhand.assert_no_worse(even, baseline, personas=people, **call)
