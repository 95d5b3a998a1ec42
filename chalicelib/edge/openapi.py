"""The OpenAPI 3.1 document, written from the routes' own declarations."""

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.edge.http import Api, Operation
from chalicelib.edge.problems import PROBLEM_TYPE, STATUS
from chalicelib.kernel.errors import Kind, PlatformError

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457; `code` names the refusal, other members are its facts",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def document(apis: Iterable[Api], *, title: str, version: str) -> dict[str, Any]:
    """Describe every operation of these rooms, in the order of their addresses."""
    operations = sorted(
        (operation for api in apis for operation in api.operations),
        key=lambda operation: (operation.path, operation.method),
    )
    models = sorted(_models(operations), key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REF
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM} | schemas.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _models(operations: Iterable[Operation]) -> set[type[BaseModel]]:
    return {
        model
        for operation in operations
        for model in (operation.body, operation.answer)
        if model is not None
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}{re.sub(r'[^a-z0-9]+', '_', operation.path)}",
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.scopes:
        described["security"] = [{"bearer": []}]
        described["x-scopes"] = [str(scope) for scope in operation.scopes]
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(operation.body)}
    elif operation.raw:
        described["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    if operation.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            }
        )
    if operation.query is not None:
        schema = operation.query.model_json_schema()
        parameters.extend(
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", []),
                "schema": _inlined(part, schema.get("$defs", {})),
            }
            for name, part in schema.get("properties", {}).items()
        )
    return parameters


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in place: parameters have no components of their own."""
    if isinstance(part, dict):
        if "$ref" in part:
            return definitions[part["$ref"].rpartition("/")[2]]
        return {name: _inlined(value, definitions) for name, value in part.items()}
    return [_inlined(value, definitions) for value in part] if isinstance(part, list) else part


def _responses(operation: Operation) -> dict[str, Any]:
    content = _json(operation.answer) if operation.answer is not None else None
    done: dict[str, Any] = {"description": "Done"}
    responses: dict[str, Any] = {
        str(operation.status): done | ({"content": content} if content else {})
    }
    codes: dict[str, list[str]] = {}
    for refusal in operation.refusals:
        codes.setdefault(str(STATUS[refusal.kind]), []).append(refusal.code)
    for kind in _usual(operation):
        codes.setdefault(str(STATUS[kind]), [])
    for status, names in sorted(codes.items()):
        if status not in responses:
            described = ", ".join(f"`{name}`" for name in sorted(names)) or "A problem"
            responses[status] = {
                "description": described,
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
    return responses


def _usual(operation: Operation) -> list[Kind]:
    kinds = [Kind.UNAVAILABLE, Kind.INVALID]
    if operation.scopes:
        kinds += [Kind.UNAUTHENTICATED, Kind.FORBIDDEN]
    if operation.body is not None:
        kinds += [Kind.TOO_LARGE, Kind.UNSUPPORTED_MEDIA]
    if operation.idempotent:
        kinds.append(Kind.UNPROCESSABLE)
    if "{" in operation.path:
        kinds.append(Kind.NOT_FOUND)
    return kinds


def _json(model: type[BaseModel]) -> dict[str, Any]:
    reference = {"$ref": _REF.format(model=_schema_name(model))}
    return {"application/json": {"schema": reference}}


def _schema_name(model: type[BaseModel]) -> str:
    """Spell a model's name as pydantic does in its definitions."""
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", model.__name__)


def codes(apis: Iterable[Api]) -> set[str]:
    """Return the code of every declared refusal, for the problem pages."""
    declared: set[type[PlatformError]] = {
        refusal for api in apis for operation in api.operations for refusal in operation.refusals
    }
    return {refusal.code for refusal in declared}
