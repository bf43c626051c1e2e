"""What a served vendor's endpoints take and give, as OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import Vendor
from .desk import MONEY
from .shop import PRICED, STEPS

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_STATUS: Schema = {"type": "string", "enum": ["ok", "refused"]}
_ITEM: Schema = {"type": "object", "properties": {"id": _TEXT, "price": _NUMBER}}

_REPLY: Schema = {
    "type": "object",
    "required": ["status", "currency"],
    "properties": {
        "status": _STATUS,
        "price": {"type": "object", "properties": dict.fromkeys(MONEY, _NUMBER)},
        "units": _NUMBER,
        "offers": _NUMBER,
        "items": {"type": "array", "items": _ITEM},
        "notice": {"type": "boolean"},
        "currency": _TEXT,
    },
}
"""A vendor's reply holds those of the properties that it has."""

_NOTED: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": _STATUS, "token": _TEXT},
}


def described(vendor: Vendor) -> Schema:
    """Return an OpenAPI 3.1 document of a vendor's endpoints.

    Examples
    --------
    >>> from . import get
    >>> document = described(get("flat_fare"))
    >>> body = document["paths"]["/quote"]["post"]["requestBody"]["content"]["application/json"]
    >>> body["schema"]["properties"]["distance_km"], "/checkout" in document["paths"]
    ({'type': 'number'}, True)
    """
    asked = _object(
        {name: _NUMBER if kind is float else _TEXT for name, kind in vendor.columns.items()}
    )
    about = {"identity": _TEXT, **({vendor.frame.item: _TEXT} if vendor.frame.item else {})}
    told = {**_object(about), "required": ["identity"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": vendor.name, "version": "1"},
        "paths": {
            f"/{step}": _posted(*((asked, _REPLY) if step in PRICED else (told, _NOTED)))
            for step in STEPS
        },
    }


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "required": [*properties], "properties": dict(properties)}


def _posted(request: Schema, reply: Schema) -> Schema:
    return {
        "post": {
            "requestBody": {"required": True, "content": _json(request)},
            "responses": {
                "200": {"description": "the answer", "content": _json(reply)},
                "400": {"description": "the body is not JSON"},
                "422": {"description": "a field is missing or of another type"},
            },
        }
    }


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
