from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.audit.served import answering

from evenhand.audit.openapi import address, chosen, draft, read_document
from evenhand.audit.planfile import parse
from evenhand.audit.planshape import GAP
from evenhand.errors import PlanError, UsageError
from evenhand.messages import LANGUAGES

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Rooms: prices & more", "version": "1"},
    "servers": [{"url": "https://quotes.acme.example/v1"}],
    "paths": {
        "/health": {"get": {"responses": {"200": {"description": "ok"}}}},
        "/events": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/E"}}}
                },
                "responses": {"204": {"description": "noted"}},
            }
        },
        "/quote": {
            "post": {
                "requestBody": {"$ref": "#/components/requestBodies/Ask"},
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Quote"}}
                        }
                    }
                },
            }
        },
    },
    "components": {
        "requestBodies": {
            "Ask": {
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Ask"}}}
            }
        },
        "schemas": {
            "E": {"type": "object", "properties": {"kind": {"type": "string"}}},
            "Device": {"type": "string", "enum": ["android", "iphone"]},
            "Person": {
                "type": "object",
                "required": ["user_id", "device", "member"],
                "properties": {
                    "user_id": {"type": "string"},
                    "device": {"$ref": "#/components/schemas/Device"},
                    "member": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
                    "nickname": {"type": "string"},
                },
            },
            "Ask": {
                "type": "object",
                "required": ["person", "nights"],
                "properties": {
                    "person": {"$ref": "#/components/schemas/Person"},
                    "nights": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "How long\nthe stay # is",
                    },
                    "channel": {"enum": ["app", "web", 7]},
                },
            },
            "Quote": {
                "type": "object",
                "properties": {
                    "id": {"type": "string"},
                    "price": {
                        "type": "object",
                        "properties": {
                            "total price": {"type": "number"},
                            "currency": {"type": "string"},
                        },
                    },
                },
            },
        },
    },
}


def drafted(document: Any = DOCUMENT, **more: Any) -> Any:
    return yaml.safe_load(draft(document, "en", **more))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_document_says_is_filled_in_and_the_rest_is_named(language):
    text = draft(DOCUMENT, language)
    made = yaml.safe_load(text)
    assert made["target"]["url"] == "https://quotes.acme.example/v1/quote"
    assert made["target"]["request"] == {
        "person": {
            "user_id": "{{identity}}",
            "device": "{{persona.device}}",
            "member": "{{persona.member}}",
        },
        "nights": "{{persona.nights}}",
        "channel": "{{persona.channel}}",
    }
    assert made["target"]["response"]["final"] == '$.price["total price"]'
    attributes = made["personas"]["attributes"]
    assert list(attributes) == ["device", "member", "nights", "channel"]
    assert attributes["device"]["reference"] == "android"
    assert attributes["device"]["levels"] == ["iphone"]
    assert attributes["member"]["levels"] == [True]
    assert attributes["channel"]["levels"] == ["web", 7]
    assert attributes["nights"]["levels"] == [GAP]
    with pytest.raises(PlanError) as told:
        parse(text, Path("plan.yaml"))
    gaps = {problem.key for problem in told.value.problems if problem.message_id == "plan.gap"}
    assert len(told.value.problems) == len(gaps)
    for key in ("audit.vendor", "target.money.currency", "target.money.includes[0]"):
        assert key in gaps
    assert "personas.attributes.device.role" in gaps
    assert "probes[0].treat[0]" in gaps
    assert all(problem.line for problem in told.value.problems)


def test_the_operation_that_gives_a_price_is_taken_or_the_one_that_is_named():
    assert chosen(DOCUMENT, None)[:2] == ("/quote", "POST")
    assert chosen(DOCUMENT, None)[3] == ["POST /events"]
    made = drafted(operation="POST /events")
    assert made["target"]["response"]["final"] == GAP
    with pytest.raises(UsageError) as told:
        draft(DOCUMENT, "en", operation="POST /qote")
    assert "POST /quote" in told.value.text("en")
    with pytest.raises(UsageError) as told:
        draft({"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}, "en")
    assert told.value.message_id == "openapi.no_bodies"


@pytest.mark.parametrize(
    ("servers", "source", "wanted"),
    [
        ([], "http://127.0.0.1:8000/openapi.json", "http://127.0.0.1:8000/q"),
        (
            [{"url": "/api/"}],
            "http://127.0.0.1:8000/docs/openapi.json",
            "http://127.0.0.1:8000/api/q",
        ),
        ([{"url": "https://a.example"}], "http://127.0.0.1:8000/o.json", "https://a.example/q"),
        ([{"url": "/api"}], None, GAP),
        (["https://a.example"], None, GAP),
        ("nonsense", None, GAP),
    ],
)
def test_an_address_is_never_made_up(servers, source, wanted):
    assert address({"servers": servers}, "/q", source) == wanted


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Loop"},
        {"$ref": "https://elsewhere.example/schema.json"},
        {"properties": {"a": {"$ref": "#/nowhere"}}, "required": ["a"]},
        {"properties": {"deep": {"$ref": "#/components/schemas/Deep"}}, "required": ["deep"]},
        {"properties": {"a": 3, "b": {"enum": []}}, "required": "a"},
        {"properties": ["a"]},
        {"allOf": [{"properties": {"a": {"type": "string"}}}], "required": ["a"]},
    ],
)
def test_a_document_that_points_in_circles_or_nowhere_does_no_harm(schema):
    deep = {"properties": {"deep": {"$ref": "#/components/schemas/Deep"}}, "required": ["deep"]}
    document = {
        "openapi": "3.1.0",
        "paths": {
            "/q": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}
        },
        "components": {"schemas": {"Loop": {"$ref": "#/components/schemas/Loop"}, "Deep": deep}},
    }
    made = {"target": {"kind": "http"}}
    with suppress(UsageError):  # nothing to ask is an answer too
        made = yaml.safe_load(draft(document, "en"))
    assert made["target"]["kind"] == "http"


def test_a_text_of_the_document_stays_a_comment_and_a_string():
    document = json.loads(json.dumps(DOCUMENT))
    document["info"]["title"] = 'x"\nseed: 1 # {{identity}}'
    document["components"]["schemas"]["Ask"]["properties"]["nights"]["pattern"] = "a\nb: c"
    made = drafted(document)
    assert made["audit"]["title"] == document["info"]["title"]
    assert made["seed"] == 20261123
    assert "b" not in made["personas"]["attributes"]


def test_a_document_is_read_from_a_file_or_an_address(tmp_path):
    for name, text in (("o.json", json.dumps(DOCUMENT)), ("o.yaml", yaml.safe_dump(DOCUMENT))):
        (tmp_path / name).write_text(text, "utf-8")
        assert read_document(str(tmp_path / name)) == (DOCUMENT, None)
    for name, data in (("a", b"{"), ("b", b"[1]"), ("c", b"swagger: '2.0'"), ("d", b"\xff\xfe")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError) as told:
            read_document(str(tmp_path / name))
        assert told.value.message_id == "openapi.not_one"
    for nowhere in (str(tmp_path / "none"), "http://127.0.0.1:9/openapi.json", "http://[/"):
        with pytest.raises(UsageError) as told:
            read_document(nowhere)
        assert told.value.message_id == "openapi.unreachable"
    # a server that answers GET with an error is no document either
    with answering(lambda _: (200, {})) as url, pytest.raises(UsageError):
        read_document(f"{url}/openapi.json")
