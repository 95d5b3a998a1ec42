"""Problems: every refusal as RFC 9457 `application/problem+json`, never a stack trace."""

import json
from typing import Any

from chalice.app import Response
from pydantic_core import to_jsonable_python

from chalicelib.kernel.errors import Kind, PlatformError

# The one table from what a refusal means to HTTP.
STATUS = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD_NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.ADDRESS_TOO_LONG: 414,
    Kind.UNSUPPORTED_MEDIA: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.TOO_MANY: 429,
    Kind.HEADERS_TOO_LARGE: 431,
    Kind.UNKNOWN_OUTCOME: 202,
    Kind.UNAVAILABLE: 503,
    Kind.BUG: 500,
}
_TITLES = {
    Kind.INVALID: "The request can't be understood",
    Kind.UNAUTHENTICATED: "Who are you?",
    Kind.FORBIDDEN: "Not yours to do",
    Kind.NOT_FOUND: "There is no such thing",
    Kind.METHOD_NOT_ALLOWED: "Not possible here",
    Kind.CONFLICT: "The state of things forbids it",
    Kind.TOO_LARGE: "Too large",
    Kind.ADDRESS_TOO_LONG: "Too long an address",
    Kind.UNSUPPORTED_MEDIA: "Send JSON, please",
    Kind.UNPROCESSABLE: "It contradicts what was said before",
    Kind.TOO_MANY: "Too often; try again later",
    Kind.HEADERS_TOO_LARGE: "Too many headers",
    Kind.UNKNOWN_OUTCOME: "Not known yet; ask again with the same key",
    Kind.UNAVAILABLE: "Nothing happened; try again",
    Kind.BUG: "Our mistake",
}
_HEADERS = {
    Kind.UNAUTHENTICATED: {"WWW-Authenticate": 'Bearer realm="shoukuan"'},
    Kind.UNAVAILABLE: {"Retry-After": "1"},
    Kind.UNKNOWN_OUTCOME: {"Retry-After": "1"},
}
SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
PROBLEM_TYPE = "application/problem+json"


class InternalError(PlatformError):
    """Our mistake; the log has it under the request's id."""


class RouteNotFoundError(PlatformError):
    """There is no such address."""

    kind = Kind.NOT_FOUND
    code = "route_not_found"


class MethodNotAllowedError(PlatformError):
    """The address is right, the method is not; `allow` lists those that are."""

    kind = Kind.METHOD_NOT_ALLOWED
    code = "method_not_allowed"


class BodyTooLargeError(PlatformError):
    """The body is longer than anything we ask for."""

    kind = Kind.TOO_LARGE
    code = "body_too_large"


class AddressTooLongError(PlatformError):
    """The address, with its query, is longer than anything we link to."""

    kind = Kind.ADDRESS_TOO_LONG
    code = "address_too_long"


class HeadersTooLargeError(PlatformError):
    """The headers are more than any caller of ours needs."""

    kind = Kind.HEADERS_TOO_LARGE
    code = "headers_too_large"


class TooManyRequestsError(PlatformError):
    """The caller asked too often; `retry_after_seconds` says when it is heard again."""

    kind = Kind.TOO_MANY
    code = "too_many_requests"


class UnsupportedMediaTypeError(PlatformError):
    """The body is not said to be JSON."""

    kind = Kind.UNSUPPORTED_MEDIA
    code = "unsupported_media_type"


def problem(error: PlatformError) -> dict[str, Any]:
    """Return the problem document of an error, its facts included."""
    return {
        **error.facts,
        "type": f"/problems/{error.code}",
        "title": _TITLES[error.kind],
        "status": STATUS[error.kind],
        "detail": error.detail,
        "code": error.code,
    }


def problem_response(error: PlatformError) -> Response:
    """Answer with a problem."""
    headers: dict[str, str | list[str]] = {
        "Content-Type": PROBLEM_TYPE,
        **SAFE_HEADERS,
        **_HEADERS.get(error.kind, {}),
    }
    if error.kind is Kind.TOO_MANY:
        headers["Retry-After"] = str(error.facts.get("retry_after_seconds", 1))
    return Response(body=_text(problem(error)), status_code=STATUS[error.kind], headers=headers)


def _text(document: dict[str, Any]) -> str:
    """Write a problem down, whatever its facts are: a refusal never ends in another one."""
    text = json.dumps(document, ensure_ascii=False, default=_plain)
    return text.encode(errors="replace").decode()


def _plain(fact: object) -> Any:
    return to_jsonable_python(fact, bytes_mode="base64", fallback=str)
