"""One call: what it finds, what it keeps, what it gives back."""

import asyncio
import gc
import os
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from tests.api.people import CALL, MARKUP, even, guests, one_by_one, trained, uneven

import evenhand
from evenhand import messages
from evenhand.api.plans import money
from evenhand.audit.planfile import parse
from evenhand.datasets.vendors import loyal_markup
from evenhand.datasets.vendors.serve import start
from evenhand.errors import MissingExtraError, TargetError, UsageError

ROOT = Path(__file__).parents[2]
EVENHAND = str(Path(sys.executable).with_name("evenhand"))


@pytest.fixture(autouse=True)
def _english():
    messages.use("en")
    yield
    messages.use(None)


@pytest.fixture(scope="module")
def found():
    messages.use("en")
    with evenhand.run(uneven, personas=guests(), **CALL) as result:
        yield result


@pytest.fixture(scope="module")
def nothing():
    with evenhand.run(even, personas=guests(), **CALL) as result:
        yield result


# ------------------------------------------------------------------------------ what it finds


def test_a_markup_is_found_and_its_size_is_covered(found):
    (one,) = found.findings
    assert one.verdict == "established"
    assert one.direction == "dearer"
    assert one.percent.low <= 100 * MARKUP <= one.percent.high


def test_an_even_model_is_within_the_limit(nothing):
    (one,) = nothing.findings
    assert (one.verdict, one.real, one.percent.estimate) == ("cleared", False, 0.0)
    assert all(control.passed for control in nothing.record.content.controls)


def test_without_a_positive_control_nothing_is_within_the_limit():
    with evenhand.run(even, personas=guests(), **{**CALL, "positive": None}) as result:
        assert [one.verdict for one in result.findings] == ["inconclusive"]


def test_an_estimator_is_asked_for_the_columns_that_it_was_trained_on():
    table = guests()
    call = {**CALL, "conditions": None}
    with evenhand.run(trained(table, markup=0.3), personas=table, **call) as result:
        assert [one.verdict for one in result.findings] == ["established"]
        assert list(result.plan.data.target.request or ()) == ["nights", "room", "device"]
    with evenhand.run(trained(table, markup=0.0), personas=table, **call) as result:
        assert [one.verdict for one in result.findings] == ["cleared"]


def test_an_estimator_without_names_is_given_an_array():
    table = pd.DataFrame({"nights": [1, 2, 5, 7], "old": [0, 1, 0, 1]})
    model = LinearRegression().fit(table.to_numpy(), [100.0, 90.0, 260.0, 290.0])
    call = {**CALL, "treat": {"old": (0, [1])}, "conditions": ["nights"]}
    with evenhand.run(model, personas=table, **call) as result:
        assert [one.verdict for one in result.findings] == ["established"]


def test_a_function_of_one_question_finds_the_same(found):
    with evenhand.run(one_by_one, personas=guests(), batch=False, **CALL) as result:
        assert result.findings[0].effect == found.findings[0].effect


def test_without_people_conditions_with_levels_do():
    call = {**CALL, "conditions": {"nights": [1, 3, 7]}}
    with evenhand.run(uneven, **call) as result:
        assert [one.verdict for one in result.findings] == ["established"]


def test_items_are_offered():
    rooms = pd.DataFrame({"id": ["a", "b"], "base": [80.0, 120.0]})

    def price(table):
        return table["base"] * table["nights"]

    call = {**CALL, "conditions": ["nights"]}
    with evenhand.run(price, personas=guests(), items=rooms, **call) as result:
        assert [one.verdict for one in result.findings] == ["cleared"]


def test_cues_and_roles_are_given_as_in_a_plan():
    treat = {
        "wealth": {
            "role": "ability_to_pay",
            "reference": "poor",
            "levels": ["rich"],
            "cues": {"phone": {"poor": {"device": "old"}, "rich": {"device": "new"}}},
        }
    }
    with evenhand.run(uneven, personas=guests(), **{**CALL, "treat": treat}) as result:
        (one,) = result.findings
    assert (one.verdict, one.role, one.cues) == ("established", "ability_to_pay", ["phone"])


def test_a_model_in_memory_is_assumed_deterministic_in_its_plan(found):
    assert "assume: deterministic" in found.plan.to_yaml()


def test_a_noisy_model_is_not_accused():
    rng = np.random.default_rng(7)

    def shaky(table):
        return even(table) * np.exp(0.01 * rng.standard_normal(len(table)))

    with evenhand.run(shaky, personas=guests(), budget=2000, **CALL) as result:
        assert result.findings[0].verdict not in {"established", "indicated"}


def test_the_same_call_gives_the_same_record(found):
    with evenhand.run(uneven, personas=guests(), **CALL) as again:
        assert again.record.content_sha256 == found.record.content_sha256
    with evenhand.run(uneven, personas=guests(), seed=1, **CALL) as other:
        assert other.record.content_sha256 != found.record.content_sha256


def test_it_runs_where_a_loop_runs_already_as_in_a_notebook(found):
    async def cell():
        return evenhand.run(uneven, personas=guests(), **CALL)  # as a cell does: not awaited

    with asyncio.run(cell()) as result:
        assert result.record.content_sha256 == found.record.content_sha256


def test_what_a_model_raises_in_a_loop_comes_back_as_an_error():
    def broken(_):
        raise ZeroDivisionError

    async def cell():
        evenhand.run(broken, personas=guests(), **CALL)

    with pytest.raises(TargetError, match=r"ZeroDivisionError\(\)") as caught:
        asyncio.run(cell())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_url_is_asked():
    people = pd.DataFrame({"distance_km": [2.0, 8.0, 15.0], "hour": [9, 12, 18]})
    with (
        start("loyal_markup") as url,
        evenhand.run(
            url,
            personas=people,
            treat={"tenure": (0, [36])},
            conditions=["distance_km", "hour"],
            positive=("distance_km", 2.0, 15.0, "dearer"),
            fixed={"party": 1, "stops": 0, "ride": "compact", "device": "old", "past_spend": 200},
            money="CNY per ride",
            price="$.price.final",
            budget=3000,
            quiet=True,
        ) as result,
    ):
        assert [one.verdict for one in result.findings] == ["established"]
        assert result.plan.importable


def test_a_plan_file_is_run_as_it_is():
    plan = ROOT / "examples" / "loyal.yaml"
    with evenhand.run(plan, quiet=True) as result:
        assert [one.verdict for one in result.findings] == ["established"]
    with pytest.raises(UsageError, match="budget, personas"):
        evenhand.run(str(plan), budget=30, personas=guests(), quiet=True)


# ------------------------------------------------------------------------------ what it keeps


def written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_only_named_columns_are_kept(found):
    everything = written(found.folder)
    assert b"room" in everything
    for private in (b"diagnosis", b"hypertension", b"phone_number", b"1390000", b"518055"):
        assert private not in everything


def test_ids_are_hashes_on_file_and_real_for_the_model(tmp_path):
    table, seen = guests(), set()

    def price(asked):
        seen.update(asked["phone_number"])
        return even(asked)

    out = tmp_path / "run"
    result = evenhand.run(price, personas=table, ids="phone_number", out=out, **CALL)
    assert seen <= set(table["phone_number"])
    assert len(seen) > 50
    assert b"1390000" not in written(out)
    assert b"phone_number" in written(out)
    assert result.findings[0].verdict == "cleared"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_may_look_in(found):
    assert stat.S_IMODE(found.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(found.folder.parent.stat().st_mode) == 0o700


def test_a_temporary_folder_goes_with_the_result():
    result = evenhand.run(even, personas=guests(), **CALL)
    folder = result.folder
    assert folder.is_dir()
    result.close()
    assert not folder.exists()
    assert result.findings[0].verdict == "cleared"
    dropped = evenhand.run(even, personas=guests(), **CALL)
    folder = dropped.folder
    del dropped
    gc.collect()
    assert not folder.parent.exists()


def test_a_refused_call_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UsageError):
        evenhand.run(even, personas=guests(), **{**CALL, "money": "EURO"})
    with pytest.raises(TargetError):
        evenhand.run(lambda _: 1 / 0, personas=guests(), **CALL)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_named_stays_and_is_never_mixed_up(tmp_path):
    out = tmp_path / "run"
    evenhand.run(even, personas=guests(), out=out, **CALL).close()
    assert (out / "record.json").is_file()
    # another model under the same plan: its answers must not come from the first one's file
    with pytest.raises(UsageError, match="choose another out"):
        evenhand.run(lambda t: even(t) * 2, personas=guests(), out=out, **CALL)


def test_a_kept_copy_outlives_the_result(nothing, tmp_path):
    place = nothing.keep(tmp_path / "kept")
    assert (place / "record.json").is_file()
    with pytest.raises(UsageError):
        nothing.keep(place)


# --------------------------------------------------------------------------- the plan beneath


def test_the_plan_runs_unchanged_from_the_command_line(tmp_path):
    people = pd.DataFrame({"distance_km": [2.0, 8.0, 15.0], "hour": [9, 12, 18]})
    with evenhand.run(
        loyal_markup.quote,
        personas=people,
        treat={"tenure": (0, [36])},
        conditions=["distance_km", "hour"],
        positive=("distance_km", 2.0, 15.0),
        fixed={"party": 1, "stops": 0, "ride": "compact", "device": "old", "past_spend": 200},
        identity="identity",
        money="CNY per ride",
        quiet=True,
    ) as result:
        assert result.plan.importable
        (tmp_path / "mine.yaml").write_text(result.plan.to_yaml(), "utf-8")
        saved = result.plan.save(tmp_path / "saved")
        again = command("run", tmp_path / "mine.yaml", "--out", tmp_path / "run")
        assert again.returncode == 1, again.stderr
        record = evenhand.Record.model_validate_json((tmp_path / "run/record.json").read_bytes())
        assert record.content_sha256 == result.record.content_sha256
    # beside its tables the plan does not need the result any more
    assert command("check", saved).returncode == 0


def test_the_plan_of_a_model_in_memory_says_that_it_cannot_be_asked_elsewhere(tmp_path):
    with evenhand.run(lambda t: even(t), personas=guests(), **CALL) as result:  # noqa: PLW0108 - a model that nothing can import
        text = result.plan.to_yaml()
        assert not result.plan.importable
        path = tmp_path / "plan.yaml"
        path.write_text(text, "utf-8")
        assert text.startswith("# This model lived in the process")
        assert parse(text, path).plan.seed == result.plan.data.seed
        assert command("run", path, "--out", tmp_path / "run").returncode == 4


def command(*words):
    return subprocess.run([EVENHAND, *map(str, words)], capture_output=True, text=True, check=False)


# ------------------------------------------------------------------------ frames, both ways


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_callers_kind_goes_in_and_comes_out(library, found):
    table, seen = guests(), set()
    if library == "polars":
        table = pytest.importorskip("polars").DataFrame(table.to_dict("list"))
    if library == "pyarrow":
        table = pytest.importorskip("pyarrow").table(table.to_dict("list"))

    def price(asked):
        seen.add(type(asked))
        return uneven(asked)

    price.__name__ = uneven.__name__
    try:
        with evenhand.run(price, personas=table, **CALL) as result:
            assert seen == {type(table)}
            assert type(result.to_frame()) is type(table)
            assert result.findings[0].effect == found.findings[0].effect
    except MissingExtraError:
        pytest.fail("the library is there")


def test_a_frame_has_a_row_a_finding(found):
    table = found.to_frame()
    assert len(table) == 1
    assert table.loc[0, "percent"] == found.findings[0].percent.estimate


def test_texts_of_digits_and_categories_reach_the_model_as_they_were():
    table = guests().assign(room=lambda t: t["room"].astype("category"))
    seen = {}

    def price(asked):
        seen.update(asked.dtypes.astype(str))
        assert set(asked["postcode"]) <= {"518000", "518055"}
        return even(asked)

    call = {**CALL, "conditions": ["nights", "room", "postcode"]}
    with evenhand.run(price, personas=table, **call) as result:
        assert result.findings[0].verdict == "cleared"
    assert seen["room"] == "category"
    assert seen["nights"] == "int64"


def test_categories_of_numbers_and_items_of_digits_too():
    table = guests().assign(nights=lambda t: t["nights"].astype("category"))
    rooms = pd.DataFrame({"id": ["a", "b"], "code": ["101", "202"]})

    def price(asked):
        assert set(asked["code"]) <= {"101", "202"}
        assert not asked["nights"].isna().any()
        return 60.0 + 40.0 * asked["nights"].astype(int)

    call = {**CALL, "positive": ("nights", 1, 7)}
    with evenhand.run(price, personas=table, items=rooms, **call) as result:
        assert result.findings[0].verdict == "cleared"


def test_a_level_that_a_category_does_not_know_is_refused():
    table = guests().assign(device=lambda t: t["device"].astype("category"))
    call = {**CALL, "treat": {"device": ("old", ["brand-new"])}}
    with pytest.raises(UsageError, match="a category without brand-new"):
        evenhand.run(even, personas=table, **call)


def test_nullable_types_and_names_in_any_script():
    table = guests().convert_dtypes().rename(columns={"nights": "晚数 (n)"})
    call = {**CALL, "conditions": ["晚数 (n)", "room"], "positive": ("晚数 (n)", 1, 7)}

    def price(asked):
        return 60.0 + 40.0 * asked["晚数 (n)"]

    with evenhand.run(price, personas=table, **call) as result:
        assert result.findings[0].verdict == "cleared"


# ------------------------------------------------------------------------------ what is shown


def test_it_prints_as_sentences_in_both_languages(found):
    text = repr(found)
    assert "beyond the limit" in text
    assert "8.0 % more" in text
    messages.use("zh")
    assert "超限" in repr(found)
    assert "F01 ▲ 超限" in repr(found.findings)


def test_its_html_has_no_script_and_nothing_from_outside(found):
    page = found._repr_html_()
    root = ET.fromstring(page)  # noqa: S314 - our own page, and that it parses is the point
    assert {one.tag for one in root.iter()} <= {
        "div", "p", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert all(set(one.attrib) <= {"style", "lang", "colspan"} for one in root.iter())
    assert "beyond the limit" in "".join(root.itertext())


def test_names_from_outside_are_harmless():
    evil = "<script>alert(1)</script>"
    call = {**CALL, "treat": {"device": ("old", [evil])}}
    with evenhand.run(even, personas=guests(), title=evil, **call) as result:
        assert "<script" not in result._repr_html_()
        assert "&lt;script" in result._repr_html_()


def test_it_explains_what_it_flagged_and_nothing_else(found, nothing):
    told = found.explain()
    assert any(line.startswith("F01") for line in told)
    assert "device" in repr(told)
    assert nothing.explain() != told
    assert len(nothing.explain()) == 1


def test_a_chart_says_what_it_shows(found):
    import matplotlib.pyplot as plt

    axes = found.plot()
    try:
        assert "8.0 %" in axes.get_title(loc="left")
        assert [one.get_text() for one in axes.get_yticklabels()] == ["F01 device: new"]
        markers = {line.get_marker() for line in axes.lines}
        assert "^" in markers
        assert found.plot(axes, language="zh") is axes
        axes.figure.canvas.draw()
    finally:
        plt.close(axes.figure)


def test_a_report_is_written_where_it_is_asked_for(found, tmp_path):
    page = found.report(tmp_path / "a" / "report.html", language="zh")
    assert 'lang="zh-Hans"' in page.read_text("utf-8")
    assert found.report(tmp_path / "f.json").read_text("utf-8").startswith("{")
    assert found.report(tmp_path / "f.pdf").read_bytes().startswith(b"%PDF-1.7")
    folder = found.report(tmp_path / "all")
    assert {one.name for one in folder.iterdir()} == {
        "report.zh.html", "report.en.html", "report.json",
    }  # fmt: skip
    with pytest.raises(UsageError, match=r"report\.pptx"):
        found.report(tmp_path / "report.pptx")


def test_it_is_quiet_where_nobody_looks(capfd):
    evenhand.run(even, personas=guests(), **{**CALL, "quiet": False}).close()
    assert capfd.readouterr() == ("", "")


def test_a_notebook_is_shown_how_far_it_is(monkeypatch):
    from evenhand.api import progress

    class Handle:
        said: list[str]

        def update(self, data, *, raw):
            assert raw
            self.said.append(data["text/plain"])

    handle = Handle()
    handle.said = []
    monkeypatch.setattr(progress, "_notebook", lambda: handle)
    monkeypatch.setattr(progress, "EVERY", 0.0)
    evenhand.run(even, personas=guests(), **{**CALL, "quiet": False}).close()
    assert any("of at most 20,000 queries" in line for line in handle.said)
    assert handle.said[-1] == " "


# ------------------------------------------------------------------- what cannot be meant


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": 3}, "got int"),
        ({"model": LinearRegression}, "the class LinearRegression"),
        ({"model": "prices"}, "no address"),
        ({"personas": {"nights": [1]}}, "got dict"),
        ({"conditions": ["nigths"]}, "no such columns: nigths"),
        ({"conditions": "nights"}, "must be a list"),
        ({"conditions": ["nights", "device"]}, "device cannot be both"),
        ({"conditions": None}, "does not say which columns"),
        ({"treat": None}, "treat must name"),
        ({"treat": {"device": "new"}}, r'treat\["device"\]'),
        ({"treat": {"device": ("old", "new")}}, r'treat\["device"\]'),
        ({"treat": {"device": ("old", ["old"])}}, "old"),
        ({"positive": ("nights", 1)}, "positive must be"),
        ({"positive": ("room", "A", "A")}, "positive"),
        ({"money": None}, "Say what a price is"),
        ({"money": "EURO"}, "currency"),
        ({"tolerance": "one"}, "1%"),
        ({"budget": 10}, "budget"),
        ({"model": trained(guests(), markup=0.1), "conditions": ["nights"]}, "columns .* room"),
        ({"personas": guests().assign(nights=np.nan)}, "400 missing values"),
        ({"personas": guests().head(0)}, "personas"),
        ({"personas": guests().assign(room="1.50")}, "1.50"),
        ({"personas": guests().assign(room=pd.Timestamp(0))}, "room"),
    ],
)
def test_a_call_that_cannot_be_meant_says_what_to_do(changes, said):
    given: dict[str, Any] = {"model": even, "personas": guests(), **CALL, **changes}
    with pytest.raises(UsageError, match=said):
        evenhand.run(given.pop("model"), **given)


def test_money_is_said_in_one_word_or_in_full():
    assert money("CNY")["per"] == "quote"
    assert money("CNY/night") == money("CNY per night")
    assert money({"currency": "CNY", "unit": "fen"})["unit"] == "fen"
