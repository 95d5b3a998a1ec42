"""The OpenAPI 3.1 document, written from the routes' own declarations."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib.edge.bodies import InvalidQueryError
from chalicelib.edge.callers import ForbiddenError, UnauthenticatedError
from chalicelib.edge.http import Api, IdempotencyKeyRequiredError
from chalicelib.edge.oidc import IssuerUnreachableError
from chalicelib.edge.operation import PATH_PARAMETER, Operation
from chalicelib.edge.problems import (
    PROBLEM_TYPE,
    STATUS,
    AddressTooLongError,
    BodyTooLargeError,
    HeadersTooLargeError,
    TooManyRequestsError,
    UnsupportedMediaTypeError,
)
from chalicelib.kernel.errors import (
    IdempotencyKeyReusedError,
    InvalidBodyError,
    PlatformError,
    TryAgainError,
)
from chalicelib.kernel.ids import InvalidIdError

_REF = "#/components/schemas/{model}"

# A body is described as it is read, an answer as it is written.
_Mode = Literal["validation", "serialization"]
_References = Mapping[tuple[type[BaseModel], _Mode], dict[str, Any]]

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
    references, schemas = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, references)
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM} | schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _schemas(operations: Iterable[Operation]) -> tuple[_References, dict[str, Any]]:
    """Return where each model is described, and the descriptions; namesakes are told apart."""
    wanted: dict[tuple[type[BaseModel], _Mode], None] = {}  # a set that keeps its order
    for operation in operations:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        if operation.answer is not None:
            wanted[operation.answer, "serialization"] = None
    found, schemas = models_json_schema(list(wanted), ref_template=_REF)
    return {one: found[one] for one in wanted}, dict(sorted(schemas.get("$defs", {}).items()))


def _operation(operation: Operation, references: _References) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method.lower()}{re.sub(r'[^a-z0-9]+', '_', operation.path)}",
        "parameters": _parameters(operation),
        "responses": _responses(operation, references),
    }
    if operation.scopes:
        described["security"] = [{"bearer": []}]
        described["x-scopes"] = [str(scope) for scope in operation.scopes]
    if operation.body is not None:
        content = _json(references[operation.body, "validation"])
        described["requestBody"] = {"required": True, "content": content}
    elif operation.raw:
        described["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "maxLength": 256},
        }
        for name in PATH_PARAMETER.findall(operation.path)
    ]
    if operation.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
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
            return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
        return {name: _inlined(value, definitions) for name, value in part.items()}
    return [_inlined(value, definitions) for value in part] if isinstance(part, list) else part


def _responses(operation: Operation, references: _References) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done"}
    if operation.answer is not None:
        done["content"] = _json(references[operation.answer, "serialization"])
    for media in operation.media:
        done.setdefault("content", {})[media] = {"schema": {"type": "string"}}
    responses = {str(status): dict(done) for status in (operation.status, *operation.also)}
    codes: dict[str, set[str]] = {}
    for refusal in (*operation.refusals, *_usual(operation)):
        codes.setdefault(str(STATUS[refusal.kind]), set()).add(refusal.code)
    for status, names in sorted(codes.items()):
        told = ", ".join(f"`{name}`" for name in sorted(names))
        response = responses.setdefault(status, {"description": told})
        problem = {PROBLEM_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
        response["content"] = response.get("content", {}) | problem
        response["x-codes"] = sorted(names)
    return responses


def _usual(operation: Operation) -> list[type[PlatformError]]:
    """Return what any route of this shape may refuse, whatever its room declares."""
    usual: list[type[PlatformError]] = [TryAgainError]
    usual += [AddressTooLongError, BodyTooLargeError, HeadersTooLargeError]
    if operation.scopes or operation.limit or operation.quiet:
        usual.append(TooManyRequestsError)
    if operation.scopes:
        usual += [UnauthenticatedError, ForbiddenError, IssuerUnreachableError]
    if operation.body is not None:
        usual += [InvalidBodyError, UnsupportedMediaTypeError]
    if operation.query is not None:
        usual.append(InvalidQueryError)
    if operation.idempotent:
        usual += [IdempotencyKeyRequiredError, IdempotencyKeyReusedError]
    if PATH_PARAMETER.search(operation.path):
        usual.append(InvalidIdError)
    return usual


def _json(reference: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": reference}}
