from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.audit.served import answering
from tests.servers.plans import plan

from evenhand.audit.delivery import DELIVERY, Delivery, check_delivery
from evenhand.audit.planfile import load
from evenhand.audit.run import begin, prepare, run
from evenhand.messages import LANGUAGES, use


def checked(folder: Path, quote: Any, **target: Any) -> tuple[Delivery, list[Any]]:
    """Send the pilot and the checks to a server of MLflow's kind that prices each row by `quote`."""
    asked: list[Any] = []

    def answer(body: Any) -> tuple[int, Any]:
        rows = body.get("dataframe_records", [body])
        asked.extend(rows)
        try:
            prices = [quote(row) for row in rows]
        except (KeyError, TypeError, ValueError) as problem:
            return 400, {"error_code": "INVALID_PARAMETER_VALUE", "message": str(problem)}
        return 200, {"predictions": prices, "price": prices[0]}

    with answering(answer) as url:
        given = {"kind": "mlflow", "url": f"{url}/invocations", **target}
        path = plan(folder, {**given, "url": f"{url}/quote"} if given["kind"] == "http" else given)
        audit = prepare(load(path))
        where = begin(audit, folder / "run")
        conduct = run(audit, where, pilot_only=True)
        before = len(asked)
        found = check_delivery(audit, conduct, where)
        sent = asked[before:]
        assert check_delivery(audit, conduct, where) == found
        assert asked[before:] == sent  # what is on file is not asked again
        assert (where.path / DELIVERY).is_file()
        return found, sent


def base(row: Any) -> float:
    return float(row["base"] + 30 * row["nights"])


def reads_all(row: Any) -> Any:
    if row["phone"] not in {"android-budget", "iphone-new"}:
        raise ValueError("unknown phone")
    return base(row) + 5 * (row["phone"] == "iphone-new") + row["spend"] / 1000


def ignores_spend(row: Any) -> Any:
    return base(row) + 5 * (row["phone"] == "iphone-new")


def fills_in_and_cuts(row: Any) -> Any:
    spend = row.get("spend", 200)
    whole = int(spend) if isinstance(spend, int | float) else 200
    return base(row) + 5 * (row["phone"] == "iphone-new") + whole / 1000


def knows_one_phone(row: Any) -> float:
    if row["phone"] != "android-budget":
        raise ValueError("unknown category")
    return base(row)


def outcomes(found: Delivery) -> dict[str, Any]:
    return {one.attribute: (one.outcome, one.notes) for one in found.fields}


@pytest.mark.parametrize("kind", ["mlflow", "http"])
@pytest.mark.parametrize(
    ("quote", "phone", "spend"),
    [
        (reads_all, ("arrives", ()), ("arrives", ())),
        (ignores_spend, ("arrives", ()), ("unread", ())),
        (fills_in_and_cuts, ("arrives", ()), ("arrives", ("filled", "cut"))),
        (knows_one_phone, ("turned_away", ()), ("unread", ())),
    ],
)
def test_each_habit_of_a_server_has_its_own_name(tmp_path, kind, quote, phone, spend):
    response = {"response": {"final": "$.price"}} if kind == "http" else {}
    found, sent = checked(tmp_path, quote, kind=kind, **response)
    assert outcomes(found) == {"phone": phone, "spend": spend}
    assert len(sent) == len(found.sent) >= 5
    assert not found.canned
    if quote is knows_one_phone:
        (one,) = (one for one in found.fields if one.outcome == "turned_away")
        assert (one.level, one.status) == ("iphone-new", 400)
        assert "unknown category" in next(s.reply for s in found.sent if s.status == 400)


def test_one_field_is_changed_at_a_time_and_the_rest_stands_at_the_reference(tmp_path):
    _, sent = checked(tmp_path, reads_all)
    reference = sent[0]
    assert reference["phone"] == "android-budget"
    assert reference["spend"] == 200
    for row in sent:
        changed = {name for name in reference if row.get(name, "gone") != reference[name]}
        assert len(changed) <= 1
        assert changed <= {"phone", "spend"}
    assert any("spend" not in row for row in sent)
    assert any(row.get("spend") == 200.5 for row in sent)


def test_a_vendor_that_is_never_the_same_twice_is_not_called_deaf(tmp_path):
    counter = itertools.count()
    found, _ = checked(tmp_path, lambda row: base(row) + 0.01 * next(counter))
    assert outcomes(found) == {"phone": ("unsure", ()), "spend": ("unsure", ())}


def test_last_digits_of_a_sum_are_no_answer(tmp_path):
    found, _ = checked(
        tmp_path, lambda row: ignores_spend(row) * (1 + 1e-14 * (row["spend"] > 200))
    )
    assert outcomes(found)["spend"][0] != "arrives"


def test_answers_from_stock_and_prices_on_a_grid_are_named(tmp_path):
    for name in ("canned", "grid", "fine"):
        (tmp_path / name).mkdir()
    found, _ = checked(tmp_path / "canned", lambda _: 99.0)
    assert found.canned
    assert {one.outcome for one in found.fields} == {"unread"}
    counter = itertools.count()
    found, _ = checked(tmp_path / "grid", lambda _: 100.0 + 5 * (next(counter) % 12))
    assert (found.canned, found.grid) == (False, 5.0)
    found, _ = checked(tmp_path / "fine", lambda _: 100.0 + 0.01 * next(counter))
    assert found.grid is None


def test_every_outcome_is_told_in_both_languages(tmp_path):
    found, _ = checked(tmp_path, fills_in_and_cuts)
    for chosen in LANGUAGES:
        use(chosen)
        lines = list(found.lines())
        assert len(lines) == 5
        assert "spend" in lines[2]
    use(None)
