"""What a route says of itself, and that its handler takes what it says."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from pydantic import BaseModel

from chalicelib.edge.callers import Scope
from chalicelib.edge.limits import Limit
from chalicelib.edge.sizes import SMALL
from chalicelib.kernel.errors import PlatformError

PATH_PARAMETER = re.compile(r"{(\w+)}")


class Declared(TypedDict, total=False):
    """What a route may say of itself; see `Operation`."""

    scopes: Sequence[Scope]
    body: type[BaseModel]
    query: type[BaseModel]
    answer: type[BaseModel]
    status: int
    also: Sequence[int]
    media: Sequence[str]
    idempotent: bool
    raw: bool
    quiet: bool
    limit: Limit
    body_bytes_max: int
    refusals: Sequence[type[PlatformError]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as it was declared."""

    method: str
    path: str
    verb: str  # the handler's name
    summary: str
    scopes: Sequence[Scope] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    also: Sequence[int] = ()  # other statuses under which an `Answer` may carry the same body
    media: Sequence[str] = ()  # other types in which an `Answer` may come, as text
    idempotent: bool = False
    raw: bool = False
    quiet: bool = False  # its outcomes are counted, each with a line of its own
    limit: Limit | None = None
    body_bytes_max: int = SMALL
    refusals: Sequence[type[PlatformError]] = ()

    @property
    def route_class(self) -> str:
        """Return what it is to the promises of docs/slo.md."""
        if self.quiet:
            return "notification"
        if self.idempotent:
            return "money"
        return "read" if self.method == "GET" else "write"


def assert_sound(operation: Operation, handler: Callable[..., Any]) -> None:
    """Stop at import what could only fail at a request."""
    given: dict[str, Any] = dict.fromkeys(PATH_PARAMETER.findall(operation.path), str)
    if operation.body is not None:
        given["body"] = operation.body
        assert operation.body.model_config.get("strict"), (
            f"{operation.body} takes texts for numbers"
        )
    if operation.query is not None:
        given["query"] = operation.query
    for model in filter(None, (operation.body, operation.query)):
        assert model.model_config.get("extra") == "forbid", (
            f"{model} passes over what it can't read"
        )
    _, *taken = inspect.signature(handler).parameters.values()
    assert {one.name: one.annotation for one in taken} == given, (
        f"{handler.__name__} does not take what {operation.method} {operation.path} gives"
    )
