"""One call of the sandbox, as it is described."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

PAY, LOGIN, OIDC, CASHIER, CONTROL, SELF = "APIv3", "login", "oidc", "cashier", "control", "self"
SCHEMA = "#/components/schemas/{model}"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
OBJECT: dict[str, Any] = {"type": "object"}
TEXT: dict[str, Any] = {"type": "string"}
REFUSED = "PARAM_ERROR, INVALID_REQUEST, ORDERPAID, ORDER_CLOSED, APPID_MCHID_NOT_MATCH"


@dataclass(frozen=True)
class Call:
    """One call: what it takes, what it gives."""

    method: str
    path: str
    tag: str
    summary: str
    body: type[BaseModel] | dict[str, Any] | None = None
    body_type: str = JSON
    query: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    gives: type[BaseModel] | dict[str, Any] | None = None
    gives_type: str = JSON
    status: int = 200
    listed: bool = False  # gives {"items": [...], "next": null}


def shape(*names: str) -> dict[str, Any]:
    """Return an object of texts by these names."""
    return OBJECT | {"properties": dict.fromkeys(names, TEXT), "required": list(names)}
