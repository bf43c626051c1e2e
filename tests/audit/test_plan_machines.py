"""What a plan says of machines, and what is told where it cannot be meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.servers.plans import REQUEST, plan

from evenhand.audit.check import check
from evenhand.audit.planfile import load
from evenhand.audit.run import prepare
from evenhand.errors import PlanError

SERVED = {"kind": "mlflow", "url": "http://127.0.0.1:1/invocations"}
MLMODEL = """
signature:
  inputs: '[{"type": "string", "name": "phone"}, {"type": "long", "name": "spend"},
    {"type": "long", "name": "nights"}, {"type": "double", "name": "base"}]'
"""


def told(folder: Path, target: dict[str, Any], **changes: Any) -> dict[str, str]:
    """Return the mistakes of a plan: key → message."""
    with pytest.raises(PlanError) as error:
        prepare(load(plan(folder, target, **changes)))
    for problem in error.value.problems:
        assert problem.line
        assert problem.text("zh") != problem.text("en")
    return {problem.key: problem.message_id for problem in error.value.problems}


def warned(folder: Path, target: dict[str, Any]) -> dict[str, str]:
    audit = prepare(load(plan(folder, target)))
    found = check(audit.loaded, audit.study, audit.lock.hypotheses)
    return {warning.key: warning.message_id for warning in found.warnings}


def test_a_batch_has_one_address_one_set_of_headers_and_flat_rows(tmp_path):
    target = {
        **SERVED,
        "url": "http://127.0.0.1:1/{{identity}}/invocations",
        "headers": {"x-device": "{{persona.phone}}"},
        "request": {**REQUEST, "deep": {"a": 1}},
    }
    assert told(tmp_path, target) == {
        "target.url": "serving.varies",
        "target.headers.x-device": "serving.varies",
        "target.request.deep": "serving.nested",
    }
    assert told(tmp_path, {**SERVED, "url": "nowhere"}) == {"target.url": "plan.must_url"}


def test_a_server_elsewhere_is_asked_by_permission_only(tmp_path):
    target = {**SERVED, "url": "https://models.acme.example/invocations"}
    assert "authorise.none" in warned(tmp_path, target).values()


def test_a_program_is_opened_only_where_this_very_file_is_trusted(tmp_path):
    (tmp_path / "m.pickle").write_bytes(b"whatever")
    target: dict[str, Any] = {"kind": "pickle", "file": "m.pickle"}
    assert told(tmp_path, target) == {"target.trust": "plan.missing"}
    trust = {"trust": {"sha256": "yes"}}
    assert told(tmp_path, target | trust) == {"target.trust.sha256": "serving.must_sha256"}
    trust = {"trust": {"sha256": "0" * 64}}
    assert told(tmp_path, target | trust) == {"target.trust.sha256": "serving.other_file"}
    assert "target.file" in told(tmp_path, {"kind": "onnx", "file": "none.onnx"})


@pytest.mark.parametrize(
    "schema",
    [
        MLMODEL,
        json.dumps(
            {
                "inputs": [
                    {"name": "phone", "datatype": "BYTES", "shape": [-1, 1]},
                    {"name": "spend", "datatype": "INT64", "shape": [-1, 1]},
                    {"name": "nights", "datatype": "INT32", "shape": [-1, 1]},
                    {"name": "base", "datatype": "FP64", "shape": [-1, 1]},
                ]
            }
        ),
    ],
)
def test_a_schema_says_what_arrives_and_what_would_be_cut(tmp_path, schema):
    (tmp_path / "schema").write_text(schema, "utf-8")
    target: dict[str, Any] = {**SERVED, "schema": "schema"}
    assert "serving.no_schema" in warned(tmp_path, SERVED).values()
    assert not [one for one in warned(tmp_path, target).values() if one.startswith("serving")]

    stranger = {**target, "request": {**REQUEST, "mood": "{{persona.phone}}"}}
    assert warned(tmp_path, stranger)["target.request.mood"] == "serving.not_in_schema"

    tree = yaml.safe_load(plan(tmp_path, target).read_text("utf-8"))
    spend = tree["personas"]["attributes"]["spend"]
    for level, message in ((200.5, "serving.cast"), ("rich", "serving.not_a_number")):
        spend["levels"] = [level]
        found = told(tmp_path, target, personas=tree["personas"])
        assert found == {"personas.attributes.spend": message}

    missing = {name: text for name, text in REQUEST.items() if name != "base"}
    found = told(tmp_path, {**target, "request": missing})
    assert found == {"target.request": "serving.missing_column"}


def test_a_treatment_that_the_model_does_not_know_is_not_delivered(tmp_path):
    (tmp_path / "schema").write_text(
        json.dumps({"inputs": [{"name": name} for name in ("phone", "nights", "base")]}), "utf-8"
    )
    audit = prepare(load(plan(tmp_path, {**SERVED, "schema": "schema"})))
    assert audit.study.carried == frozenset({"phone", "nights", "base"})
    before = audit.lock.plan_sha256
    (tmp_path / "schema").write_text(
        json.dumps({"inputs": [{"name": n} for n in REQUEST]}), "utf-8"
    )
    assert prepare(load(tmp_path / "plan.yaml")).lock.plan_sha256 != before


def test_a_value_that_the_model_has_never_seen_is_named(tmp_path):
    properties: dict[str, Any] = {name: {} for name in REQUEST} | {
        "phone": {"enum": ["iphone-new", "nokia"]}
    }
    body = {"content": {"application/json": {"schema": {"properties": properties}}}}
    document = {"openapi": "3.1.0", "paths": {"/q": {"post": {"requestBody": body}}}}
    (tmp_path / "schema").write_text(json.dumps(document), "utf-8")
    found = told(tmp_path, {**SERVED, "schema": "schema"})
    assert found == {"personas.attributes.phone": "serving.unknown_value"}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"inputs": 3}', b"a: 1", b"\xff\xfe\x00"])
def test_what_is_no_schema_is_told(tmp_path, data):
    (tmp_path / "schema").write_bytes(data)
    found = told(tmp_path, {**SERVED, "schema": "schema"})
    assert found == {"target.schema": "serving.schema_unreadable"}
