"""HTTP: one declaration a route, and the same manners for all of them.

    api = Api(__name__, authenticator=wiring.authenticator)

    @api.post("/v1/orders", scopes=[Scope.MEMBER], body=PlaceOrder, answer=OrderView, …)
    def place_order(call: Call, body: PlaceOrder) -> OrderView: ...

The declaration authenticates, reads, calls, presents, and turns every refusal into a problem;
`openapi.py` writes the document from the same declarations.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib.edge import observe
from chalicelib.edge.auth import Authenticator, Caller, ForbiddenError, Scope
from chalicelib.edge.bodies import read_body, read_query
from chalicelib.edge.problems import SAFE_HEADERS, InternalError, problem_response
from chalicelib.kernel.errors import Kind, PlatformError

_KEY = re.compile(r"^[\x21-\x7e]{1,128}$")

_REQUEST: ContextVar[Request] = ContextVar("request")
"""The request of this thread. Chalice keeps one on the app, which threads would share."""


class IdempotencyKeyRequiredError(PlatformError):
    """A POST that creates or moves money carries an Idempotency-Key."""

    kind = Kind.INVALID
    code = "idempotency_key_required"


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler gets beside its body."""

    headers: Mapping[str, str]
    raw_body: bytes
    request_id: str
    idempotency_key: str
    source: Caller | None

    @property
    def caller(self) -> Caller:
        """Return who is calling; routes with scopes have somebody."""
        assert self.source is not None
        return self.source


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose status is not the declared one."""

    body: BaseModel
    status: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One route as it was declared."""

    method: str
    path: str
    summary: str
    scopes: tuple[Scope, ...] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    idempotent: bool = False
    raw: bool = False
    quiet: bool = False  # its outcomes are counted, each with a line of its own
    refusals: tuple[type[PlatformError], ...] = ()


Handler = Callable[..., Any]


@dataclass
class Api:
    """A room's routes."""

    name: str
    authenticator: Callable[[], Authenticator]
    operations: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(self.name)

    def get(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a GET."""
        return self._route("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[Handler], Handler]:
        """Declare a POST."""
        return self._route("POST", path, **declared)

    def _route(
        self,
        method: str,
        path: str,
        *,
        scopes: Sequence[Scope] = (),
        refusals: Sequence[type[PlatformError]] = (),
        **declared: Any,
    ) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            operation = Operation(
                method=method,
                path=path,
                summary=(handler.__doc__ or "").strip().partition("\n")[0],
                scopes=tuple(scopes),
                refusals=tuple(refusals),
                **declared,
            )
            self.operations.append(operation)

            def view(**path_parameters: str) -> Response:
                return _run(self, operation, handler, path_parameters)

            view.__name__ = handler.__name__
            route = self.blueprint.route(path, methods=[method], content_types=["*/*"])
            route(view)
            return handler

        return register


def remember_request(request: Request, get_response: Callable[[Request], Response]) -> Response:
    """Keep the request where this thread alone finds it; registered as HTTP middleware."""
    token = _REQUEST.set(request)
    try:
        return get_response(request)
    finally:
        _REQUEST.reset(token)


def _run(
    api: Api, operation: Operation, handler: Handler, path_parameters: dict[str, str]
) -> Response:
    request = _REQUEST.get()
    began = time.perf_counter_ns()
    code = ""
    try:
        response = _answered(api, operation, handler, path_parameters, request)
    except PlatformError as error:
        code = error.code
        if error.kind is Kind.BUG:
            observe.logger().exception("a refusal nobody translated", code=error.code)
            error = InternalError("the log has it")
        response = problem_response(error)
    except Exception:  # noqa: BLE001  the last net: no stranger sees a trace
        code = InternalError.code
        observe.logger().exception("an error nobody expected", route=operation.path)
        response = problem_response(InternalError("the log has it"))
    request_id = _request_id(request)
    response.headers["X-Request-Id"] = request_id
    if operation.quiet and not code:
        return response
    observe.note(
        "request",
        method=operation.method,
        route=operation.path,
        status=response.status_code,
        code=code,
        milliseconds=(time.perf_counter_ns() - began) // 1_000_000,
        request_id=request_id,
    )
    return response


def _answered(
    api: Api,
    operation: Operation,
    handler: Handler,
    path_parameters: dict[str, str],
    request: Request,
) -> Response:
    source = _admitted(api, operation, request) if operation.scopes else None
    call = Call(
        headers=request.headers,
        raw_body=_raw_body(request),
        request_id=_request_id(request),
        idempotency_key=_idempotency_key(request) if operation.idempotent else "",
        source=source,
    )
    inputs: dict[str, Any] = dict(path_parameters)
    if operation.body is not None:
        content_type = str(request.headers.get("content-type", "application/json"))
        inputs["body"] = read_body(operation.body, call.raw_body, content_type)
    if operation.query is not None:
        inputs["query"] = read_query(operation.query, request.query_params or {})
    return _presented(operation, handler(call, **inputs))


def _presented(operation: Operation, answer: Any) -> Response:
    status = operation.status
    if isinstance(answer, Response):
        return answer
    if isinstance(answer, Answer):
        answer, status = answer.body, answer.status
    headers: dict[str, str | list[str]] = {**SAFE_HEADERS}
    if answer is None:
        return Response(body="", status_code=status, headers=headers)
    headers["Content-Type"] = "application/json"
    body = answer.model_dump_json() if isinstance(answer, BaseModel) else json.dumps(answer)
    return Response(body=body, status_code=status, headers=headers)


def _admitted(api: Api, operation: Operation, request: Request) -> Caller:
    caller = api.authenticator().caller(request.headers)
    if not caller.scopes & set(operation.scopes):
        raise ForbiddenError(
            "your token is for something else", needs=[str(scope) for scope in operation.scopes]
        )
    return caller


def _idempotency_key(request: Request) -> str:
    key = str(request.headers.get("idempotency-key", ""))
    if not _KEY.match(key):
        raise IdempotencyKeyRequiredError(
            "send an Idempotency-Key of 1 to 128 visible ASCII characters"
        )
    return key


def _raw_body(request: Request) -> bytes:
    try:
        raw = request.raw_body
    except ValueError:  # said to be base64, and is not
        return b""
    return raw.encode() if isinstance(raw, str) else raw or b""


def _request_id(request: Request) -> str:
    return str((request.context or {}).get("requestId", ""))
