"""HTTP: one declaration a route, and the same manners for all of them.

    api = Api(__name__, authenticator=wiring.authenticator)

    @api.post("/v1/orders", scopes=[Scope.MEMBER], body=PlaceOrder, answer=OrderView, …)
    def place_order(call: Call, body: PlaceOrder) -> OrderView: ...

The declaration authenticates, reads, calls, presents, and turns every refusal into a problem;
`openapi.py` writes the document from the same declarations. What a handler takes is compared with
what was declared when the module is imported, so that no request is needed to find a slip.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel

from chalicelib.edge import observe
from chalicelib.edge.bodies import read_body, read_query
from chalicelib.edge.callers import Caller, ForbiddenError, UnauthenticatedError
from chalicelib.edge.limits import FORGED, UNAUTHENTICATED, Limit, Whose
from chalicelib.edge.operation import Declared, Operation, assert_sound
from chalicelib.edge.problems import (
    SAFE_HEADERS,
    InternalError,
    TooManyRequestsError,
    problem_response,
)
from chalicelib.edge.sizes import NOTIFICATION, assert_sizes
from chalicelib.edge.source import address_of
from chalicelib.edge.watch import UNWATCHED, Watch
from chalicelib.kernel import trace
from chalicelib.kernel.errors import Kind, PlatformError

if TYPE_CHECKING:
    from chalicelib.edge.auth import Authenticator

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
MISSED_MILLISECONDS = {"notification": 1000, "money": 3000, "write": 3000, "read": 2000}
"""An answer that takes longer has missed its promise (docs/slo.md), as a 5xx has."""

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
    parameters: Mapping[str, str]  # of the address; of one given twice, the last
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
    """An answer whose status or headers are not the declared ones."""

    body: BaseModel | str | None  # a text comes with its own Content-Type
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass
class Api:
    """A room's routes."""

    name: str
    authenticator: "Callable[[], Authenticator]"
    operations: list[Operation] = field(default_factory=list)
    views: dict[tuple[str, str], Callable[..., Response]] = field(default_factory=dict)
    watch: Callable[[], Watch] = lambda: UNWATCHED

    def __post_init__(self) -> None:
        self.blueprint = Blueprint(self.name)

    def get(self, path: str, **declared: Unpack[Declared]) -> Callable[[Handler], Handler]:
        """Declare a GET."""
        return self._route("GET", path, declared)

    def post(self, path: str, **declared: Unpack[Declared]) -> Callable[[Handler], Handler]:
        """Declare a POST."""
        return self._route("POST", path, declared)

    def _route(self, method: str, path: str, declared: Declared) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").strip().partition("\n")[0]
            if declared.get("quiet"):
                declared.setdefault("body_bytes_max", NOTIFICATION)
            operation = Operation(
                method=method, path=path, verb=handler.__name__, summary=summary, **declared
            )
            assert_sound(operation, handler)
            self.operations.append(operation)

            def view(**path_parameters: str) -> Response:
                request = _REQUEST.get()
                with trace.within(_trace_of(request)):
                    response = _run(self, operation, handler, path_parameters, request)
                    response.headers["X-Correlation-Id"] = trace.current()
                    return response

            view.__name__ = handler.__name__
            self.views[method, path] = view
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
    api: Api,
    operation: Operation,
    handler: Callable[..., Any],
    path_parameters: dict[str, str],
    request: Request,
) -> Response:
    if not operation.quiet:
        return _served(api, operation, handler, path_parameters, request)
    with observe.one_line():  # all that is counted of a notification
        return _served(api, operation, handler, path_parameters, request)


def _served(
    api: Api,
    operation: Operation,
    handler: Callable[..., Any],
    path_parameters: dict[str, str],
    request: Request,
) -> Response:
    began = time.perf_counter_ns()
    source: Caller | None = None
    code = ""
    try:
        body, most = _raw_body(request), operation.body_bytes_max
        assert_sizes(request, body, path_parameters, body_bytes_max=most)
        if operation.scopes:
            source = _admitted(api, operation, request)
        if operation.limit is not None:
            _count(api, operation.limit, request, source)
        response = _answered(operation, handler, path_parameters, request, source)
    except Exception as error:  # noqa: BLE001  the last net: no stranger sees a trace
        code, response = _refused(operation, request, _or_too_many(api, operation, request, error))
    if code and not (operation.quiet and response.status_code == HTTPStatus.BAD_REQUEST):
        observe.count("Refused", code=code)  # a forged notification is counted by its reason
    request_id = _request_id(request)
    response.headers["X-Request-Id"] = request_id
    took = (time.perf_counter_ns() - began) // 1_000_000
    _tell_served(operation, response.status_code, took, request_id)
    if (operation.quiet and not code) or code == TooManyRequestsError.code:
        return response  # counted; a flood writes no lines
    observe.note(
        "request",
        method=operation.method,
        route=operation.path,
        status=response.status_code,
        code=code,
        scopes=" ".join(sorted(source.scopes)) if source else "",
        milliseconds=took,
        request_id=request_id,
    )
    return response


def _tell_served(operation: Operation, status: int, took: int, request_id: str) -> None:
    """Tell how long it took, and whether that kept the promise of its class."""
    kind = operation.route_class
    missed = status >= HTTPStatus.INTERNAL_SERVER_ERROR or took > MISSED_MILLISECONDS[kind]
    with observe.one_line():
        facts = {"request_id": request_id, "status": status}
        observe.measure("RequestMilliseconds", took, route_class=kind, facts=facts)
        observe.count("RequestMissed", times=int(missed), route_class=kind)
        if kind in {"notification", "money"}:
            observe.measure("VerbMilliseconds", took, verb=operation.verb)


def _refused(operation: Operation, request: Request, error: Exception) -> tuple[str, Response]:
    """Return the code for the log, and the problem for the caller."""
    if isinstance(error, PlatformError) and error.kind is not Kind.BUG:
        return error.code, problem_response(error)
    observe.mishap(
        "an error nobody expected", error, route=operation.path, request_id=_request_id(request)
    )
    code = error.code if isinstance(error, PlatformError) else InternalError.code
    return code, problem_response(InternalError("the log has it"))


def _answered(
    operation: Operation,
    handler: Callable[..., Any],
    path_parameters: dict[str, str],
    request: Request,
    source: Caller | None,
) -> Response:
    call = Call(
        headers=request.headers,
        raw_body=_raw_body(request),
        parameters={name: values[-1] for name, values in _parameters(request).items() if values},
        request_id=_request_id(request),
        idempotency_key=_idempotency_key(request) if operation.idempotent else "",
        source=source,
    )
    inputs: dict[str, Any] = dict(path_parameters)
    if operation.body is not None:
        content_type = str(request.headers.get("content-type", "application/json"))
        inputs["body"] = read_body(operation.body, call.raw_body, content_type)
    if operation.query is not None:
        inputs["query"] = read_query(operation.query, _parameters(request))
    return _presented(operation, handler(call, **inputs))


def _presented(operation: Operation, answer: Any) -> Response:
    status = operation.status
    headers: dict[str, str | list[str]] = {**SAFE_HEADERS}
    if isinstance(answer, Answer):
        headers.update(answer.headers)
        answer, status = answer.body, answer.status
    if answer is None:
        return Response(body="", status_code=status, headers=headers)
    if isinstance(answer, str):
        return Response(body=answer, status_code=status, headers=headers)
    assert operation.answer is None or isinstance(answer, operation.answer), (
        "another answer than the declared one"
    )
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


def _count(api: Api, limit: Limit, request: Request, source: Caller | None) -> None:
    watch = api.watch()
    if source is None or limit.whose is Whose.ADDRESS:
        watch.limiter.admit(limit, _address(watch, request))
    else:
        watch.limiter.admit(limit, source.subject)


def _or_too_many(api: Api, operation: Operation, request: Request, error: Exception) -> Exception:
    """Return a refusal, or that there were too many of its kind from one address.

    Counted after the verifying: who shares the address and is known passes all the same.
    """
    limit: Limit | None = None
    if isinstance(error, UnauthenticatedError):
        limit = UNAUTHENTICATED
    elif operation.quiet and isinstance(error, PlatformError) and error.kind is Kind.INVALID:
        limit = FORGED
    try:
        if limit is not None:
            _count(api, limit, request, None)
    except PlatformError as too_many:
        return too_many
    return error


def _address(watch: Watch, request: Request) -> str:
    identity = (request.context or {}).get("identity") or {}
    heard_from = str(identity.get("sourceIp", ""))
    return address_of(request.headers, heard_from, trusted_proxies=watch.trusted_proxies)


def _parameters(request: Request) -> Mapping[str, Sequence[str]]:
    given = request.query_params
    return {name: given.getlist(name) for name in given} if given else {}


def _idempotency_key(request: Request) -> str:
    key = str(request.headers.get("idempotency-key", ""))
    if not _KEY.fullmatch(key):
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


def _trace_of(request: Request) -> str:
    """Return the caller's trace if it is spelled as W3C says, else the request's own."""
    given = trace.of_parent(str(request.headers.get("traceparent", "")))
    return given or trace.named(_request_id(request))


def _request_id(request: Request) -> str:
    return str((request.context or {}).get("requestId", ""))
