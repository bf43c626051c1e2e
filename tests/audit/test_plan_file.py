"""Plan files: encodings, what scalars mean, writing and reading back, and random damage."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evenhand.audit import planfile, planshape, planyaml
from evenhand.audit.plan import Plan
from evenhand.errors import PlanError, Problem, UsageError

PLAN = """\
evenhand: 1
audit:
  title: 某平台酒店报价测试
  vendor: 甲公司
  commissioned_by: 市消委
  paid_by: 市消委
  conflicts: 无
seed: 7
target:
  kind: http
  url: http://127.0.0.1:8000/quote
  request: {id: "{{identity}}", country: "{{persona.country}}", nights: "{{persona.nights}}"}
  response: {final: $.price}
  money: {currency: CNY, unit: fen, per: 晚, includes: []}
  limits: {timeout: 500ms}
personas:
  attributes:
    country: {role: protected, reference: NO, levels: [SE], because: 国籍不应影响价格}
    nights: {role: condition, levels: [1, 2]}
probes:
  - use: pricing.twins
    treat: [country]
    tolerance: {ratio: １％, share: 2 %, because: {zh: 小, en: small}}
controls: {positive: {attribute: nights, from: 1, to: 2}}
budget: {queries: 5000}
"""
FOLDER = Path("nowhere")
# a busy machine is no reason to fail
NO_CLOCK: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def parse(text: str) -> planfile.LoadedPlan:
    return planfile.parse(text, FOLDER / "plan.yaml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_plan_reads_alike_in_each_encoding(tmp_path, encoding, newline):
    path = tmp_path / "方案.yaml"
    path.write_bytes(PLAN.replace("\n", newline).encode(encoding))
    loaded = planfile.load(path)
    assert loaded.plan == parse(PLAN).plan
    assert loaded.plan.audit.vendor == "甲公司"


def test_text_in_no_known_encoding_is_refused(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"vendor: \xff\xfe\xff")
    with pytest.raises(PlanError) as caught:
        planfile.load(path)
    assert [problem.message_id for problem in caught.value.problems] == ["plan.encoding"]


def test_a_missing_file_is_a_usage_error(tmp_path):
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(UsageError) as caught:
            planfile.load(path)
        assert caught.value.message_id == "plan.cannot_open"


def test_short_forms_mean_what_they_say():
    plan = parse(PLAN).plan
    tolerance = plan.probes[0].tolerance
    assert tolerance is not None
    assert (tolerance.ratio, tolerance.share) == (0.01, 0.02)
    assert tolerance.beyond == 0.01  # where it is not given it is the ratio
    assert plan.target.limits.timeout == 0.5
    assert plan.audit.title.zh == plan.audit.title.en == "某平台酒店报价测试"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5s", 5.0), ("1.5 s", 1.5), ("500ms", 0.5), ("2min", 120.0), ("５秒", 5.0), ("7", 7.0)],
)
def test_durations(written, seconds):
    plan = parse(PLAN.replace("500ms", written)).plan
    assert plan.target.limits.timeout == pytest.approx(seconds)


def test_norway_is_a_country():
    assert parse(PLAN).plan.personas.attributes["country"].reference == "NO"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12), ("-3", -3), ("+4", 4), ("1.50", 1.5), ("1e3", 1000.0), ("true", True),
        ("False", False), ("null", None), ("~", None), ("", None),
        ("no", "no"), ("on", "on"), ("0101", "0101"), ("09:30", "09:30"), ("1_000", "1_000"),
        ("2026-11-20", "2026-11-20"), ("0x1F", "0x1F"), (".nan", ".nan"), ("1e999", "1e999"),
        ("123456789012345678901", "123456789012345678901"),
    ],
)  # fmt: skip
def test_what_a_plain_scalar_means(written, value):
    found = planyaml.read(f"key: {written}\n", "x").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_a_quoted_scalar_is_text():
    assert planyaml.read("key: '12'\n", "x").value == {"key": "12"}


def test_lines_are_those_of_the_file():
    source = planyaml.read("# note\na:\n  b: 1\n  c:\n    - 5\n    - x: 6\n", "x")
    lines = {planyaml.dotted(key): line for key, line in source.lines.items() if key}
    assert lines == {"a": 2, "a.b": 3, "a.c": 4, "a.c[0]": 5, "a.c[1]": 6, "a.c[1].x": 6}


def test_a_plan_that_is_written_reads_back_as_the_same_plan():
    plan = parse(PLAN).plan
    assert parse(planfile.to_yaml(plan)).plan == plan


LEVELS = st.one_of(
    st.text(max_size=12),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["no", "0101", "1e3", "~", "true", "12", "- a", "a: b", "#", "09:30", "１％"]),
)


@settings(max_examples=60, **NO_CLOCK)
@given(level=LEVELS)
@example("\x85")
@example("a\n b\u2028\ufeff")
def test_a_plan_made_in_python_runs_unchanged(level):
    data = parse(PLAN).plan.model_dump(by_alias=True)
    data["target"]["request"] = {"constant": level, "list": [level], "id": "{{identity}}"}
    plan = Plan.model_validate(data)
    text = planfile.to_yaml(plan)
    assert planyaml.read(text, "x").value["target"]["request"]["constant"] == level
    assert planyaml.read(text, "x").value["target"]["request"]["list"] == [level]


def test_warnings_say_what_a_plan_cannot_come_to():
    text = PLAN.replace("controls: {positive: {attribute: nights, from: 1, to: 2}}\n", "")
    text = text.replace('country: "{{persona.country}}", ', "")
    text = text.replace(
        "    tolerance: {ratio: １％, share: 2 %, because: {zh: 小, en: small}}\n", ""
    )
    found = {problem.message_id: problem for problem in parse(text).warnings}
    assert set(found) == {
        "plan.warn_no_positive",
        "plan.warn_no_tolerance",
        "plan.warn_not_carried",
    }
    assert found["plan.warn_not_carried"].key == "personas.attributes.country"
    assert "persona.country" in found["plan.warn_not_carried"].text("zh")


def test_a_cue_that_no_request_carries_is_warned_of():
    cue = "cues: {flag: {NO: {f: 1}, SE: {f: 2}}, name: {NO: {country: a}, SE: {country: b}}}"
    text = PLAN.replace("because: 国籍不应影响价格}", f"because: 国籍不应影响价格, {cue}}}")
    (warning,) = parse(text).warnings
    assert warning.key == "personas.attributes.country.cues.flag"


def test_secrets_are_named_and_not_read():
    text = PLAN.replace(
        "  response:", '  headers: {authorization: "Bearer ${TOKEN_A}"}\n  response:'
    )
    text = text.replace("/quote", "/quote?key=${KEY_B}")
    plan = parse(text).plan
    missing = planfile.missing_secrets(plan, {"KEY_B": "x"})
    assert [(problem.values["name"], problem.key) for problem in missing] == [
        ("TOKEN_A", "target.headers.authorization")
    ]
    assert planfile.missing_secrets(plan, {"KEY_B": "x", "TOKEN_A": "y"}) == ()


# -------------------------------------------------------------------------------- random damage

SIGNS = st.sampled_from(
    [*"{}[]:,-#&*!|>'\"%@`?~ \n\t", "：", "，", "\x00", "\ufeff", "evenhand", "1"]
)


def problems_of(text: str) -> tuple[Problem, ...] | None:
    try:
        parse(text)
    except PlanError as error:
        return error.problems
    return None


def only_plan_errors(text: str) -> None:
    found = problems_of(text)
    if found is None:
        return
    assert [problem.text(language) for problem in found for language in ("zh", "en")]
    assert all(problem.line > 0 for problem in found)
    assert [problem for problem in found if problem.message_id == "plan.cannot_be_used"] == []


@settings(max_examples=200, **NO_CLOCK)
@given(text=st.one_of(st.text(), st.lists(SIGNS, max_size=60).map("".join)))
def test_no_text_raises_anything_but_a_plan_error(text):
    only_plan_errors(text)


@settings(max_examples=100, **NO_CLOCK)
@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_plan_error(data):
    try:
        text = planyaml.decode(data, "plan.yaml")
    except PlanError:
        return
    only_plan_errors(text)


@settings(max_examples=200, **NO_CLOCK)
@given(at=st.integers(0, len(PLAN)), cut=st.integers(0, 8), put=st.lists(SIGNS, max_size=4))
def test_no_slip_of_the_hand_raises_anything_but_a_plan_error(at, cut, put):
    only_plan_errors(PLAN[:at] + "".join(put) + PLAN[at + cut :])


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(-2, 2), st.text(max_size=5),
    st.just([]), st.just({}), st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(st.sampled_from(["zh", "en", "path", "status", "kind"]), st.integers(), max_size=3),
    st.sampled_from(["http", "python", "1%", "5s", "{{identity}}", "${X}", "$.a", "device", "final"]),
)  # fmt: skip


def places(value: Any, at: planyaml.Key = ()) -> list[planyaml.Key]:
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
    return [at, *(place for key, part in inner for place in places(part, (*at, key)))]


TREE = yaml.safe_load(PLAN.replace("NO,", "'NO',"))
PLACES = [place for place in places(TREE) if place]


@settings(max_examples=250, **NO_CLOCK)
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_no_value_in_the_wrong_place_raises_anything_but_a_plan_error(place, value):
    tree = copy.deepcopy(TREE)
    parent = tree
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    only_plan_errors(yaml.dump(tree, allow_unicode=True, sort_keys=False))


def test_every_part_of_a_plan_knows_its_keys():
    tree = planyaml.read(PLAN, "x").value
    for place in places(tree):
        node = tree
        for key in place:
            node = node[key]
        free = {("target", "request"), ("personas", "attributes")}
        if isinstance(node, dict) and place not in free:
            assert set(node) <= set(planshape.known_keys(place, tree)), place
