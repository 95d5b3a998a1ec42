"""The sandbox's own description, OpenAPI 3.1, written from its table of calls."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from local.sandbox.call import JSON, OBJECT, PAY, REFUSED, SCHEMA, TEXT, Call, shape
from local.sandbox.calls import CALLS
from local.sandbox.orders import Delivery


def document(base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of the sandbox that answers at `base_url`."""
    return _document() | {"servers": [{"url": base_url}]}


@cache
def _document() -> dict[str, Any]:
    forms: list[type[BaseModel]] = [Delivery]
    for call in CALLS:
        forms += [form for form in (call.body, call.gives) if isinstance(form, type)]
    _, schemas = models_json_schema(
        [(each, "validation") for each in dict.fromkeys(forms)], ref_template=SCHEMA
    )
    error = shape("code", "message")
    error["properties"] = {**error["properties"], "detail": OBJECT}
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Shoukuan sandbox",
            "version": "1",
            "description": "WeChat Pay's server side, played on loopback for one merchant.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas["$defs"], "Error": error},
            "securitySchemes": {
                PAY: {"type": "http", "scheme": "WECHATPAY2-SHA256-RSA2048"},
            },
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    parts = [part[1:-1] for part in call.path.split("/") if part.startswith("{")]
    operation: dict[str, Any] = {
        "tags": [call.tag],
        "summary": call.summary,
        "operationId": f"{call.method}_{call.path.strip('/')}".replace("/", "_").translate(
            str.maketrans("-.", "__", "{}")
        ),
        "parameters": [
            {"name": name, "in": where, "required": required, "schema": TEXT}
            for where, required, names in (
                ("path", True, parts),
                ("query", True, call.query),
                ("query", False, call.optional),
            )
            for name in names
        ],
        "responses": {
            str(call.status): _response(call),
            "default": {
                "description": f"Refused: {REFUSED}…" if call.tag == PAY else "Refused",
                "content": {JSON: {"schema": {"$ref": SCHEMA.format(model="Error")}}},
            },
        },
    }
    if call.body:
        content = {call.body_type: {"schema": _schema(call.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if call.tag == PAY:
        operation["security"] = [{PAY: []}]
    return operation


def _response(call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {"description": call.summary}
    if call.gives is None and call.gives_type == JSON:
        return told
    schema = _schema(call.gives) if call.gives else TEXT
    if call.listed:
        items = {"type": "array", "items": schema}
        schema = OBJECT | {"properties": {"items": items, "next": {"type": "null"}}}
    return told | {"content": {call.gives_type: {"schema": schema}}}


def _schema(form: type[BaseModel] | dict[str, Any]) -> dict[str, Any]:
    return form if isinstance(form, dict) else {"$ref": SCHEMA.format(model=form.__name__)}
