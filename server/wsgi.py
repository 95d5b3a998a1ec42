"""API Gateway's part, played locally: a WSGI request becomes a proxy event, the answer comes back.

What API Gateway itself would refuse (an unknown route, another method) is a problem here too.
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from chalice.app import Chalice

from chalicelib.edge.cors import CLOSED, Cors
from chalicelib.edge.problems import (
    PROBLEM_TYPE,
    SAFE_HEADERS,
    BodyTooLargeError,
    MethodNotAllowedError,
    RouteNotFoundError,
    problem,
)
from chalicelib.kernel.errors import InvalidBodyError, PlatformError
from server.context import LambdaContext

BODY_BYTES_MAX = 4 * 1024 * 1024  # each route takes less, and says how much

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Match:
    """A route, and what its braces hold."""

    route: str
    parameters: Mapping[str, str]


class Gateway:
    """A WSGI application around a Chalice application."""

    def __init__(self, app: Chalice, cors: Cors = CLOSED) -> None:
        self._app = app
        self._cors = cors
        self._routes = {route: route.strip("/").split("/") for route in app.routes}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        try:
            status, headers, body = self._served(environ)
        except PlatformError as error:
            status, headers, body = problem_answer(error)
        if environ["REQUEST_METHOD"] == "HEAD":
            body = b""
        if environ["REQUEST_METHOD"] != "OPTIONS":
            headers += self._cors.shown(_headers(environ))
        headers.append(("Content-Length", str(len(body))))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def _served(self, environ: Environ) -> tuple[int, list[tuple[str, str]], bytes]:
        match = self._match(_path(environ))
        allowed = sorted(self._app.routes[match.route])
        method = environ["REQUEST_METHOD"]
        asked = "GET" if method == "HEAD" and "GET" in allowed else method
        if method == "OPTIONS":
            told = self._cors.preflight(_headers(environ), allowed)
            return 204, [("Allow", ", ".join(allowed)), *told], b""
        if asked not in allowed:
            raise MethodNotAllowedError(f"{method} is not possible here", allow=allowed)
        event = _event(environ, match, asked, _body(environ))
        answer = self._app(event, LambdaContext(event["requestContext"]["requestId"]))
        return _answered(answer)

    def _match(self, path: str) -> Match:
        """Find the route of a path: plain words win over braces."""
        given = path.strip("/").split("/")
        found: list[Match] = []
        for route, segments in self._routes.items():
            if len(segments) != len(given):
                continue
            held: dict[str, str] = {}
            for segment, word in zip(segments, given, strict=True):
                if segment.startswith("{") and word:
                    held[segment[1:-1]] = _decoded(word)
                elif segment != word:
                    break
            else:
                found.append(Match(route, held))
        if not found:
            raise RouteNotFoundError("there is no such address")
        return min(found, key=lambda match: len(match.parameters))


def _path(environ: Environ) -> str:
    """Return the path as it was sent, still percent-encoded."""
    return str(environ["REQUEST_URI"]).partition("?")[0]


def _decoded(word: str) -> str:
    try:
        return unquote_to_bytes(word).decode()
    except UnicodeDecodeError:
        raise InvalidBodyError("the address is not UTF-8", errors=[]) from None


def _body(environ: Environ) -> bytes:
    try:
        length = max(0, int(environ.get("CONTENT_LENGTH") or 0))
    except ValueError:
        length = 0
    if length > BODY_BYTES_MAX:
        raise BodyTooLargeError("the body is too long", bytes_max=BODY_BYTES_MAX)
    return bytes(environ["wsgi.input"].read(length)) if length else b""


def _event(environ: Environ, match: Match, method: str, body: bytes) -> dict[str, Any]:
    headers = _headers(environ)
    pairs = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    many: dict[str, list[str]] = {}
    for name, value in pairs:
        many.setdefault(name, []).append(value)
    try:
        text, encoded = body.decode(), False
    except UnicodeDecodeError:
        text, encoded = base64.b64encode(body).decode(), True
    return {
        "resource": match.route,
        "path": _path(environ),
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": many or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": match.route,
            "path": _path(environ),
            "httpMethod": method,
            "stage": "local",
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": environ.get("REMOTE_ADDR", "")},
        },
        "body": text if body else None,
        "isBase64Encoded": encoded,
    }


def _headers(environ: Environ) -> dict[str, str]:
    headers = {
        name[5:].replace("_", "-").title(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").title()] = str(environ[name])
    return headers


def _answered(answer: Mapping[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.extend((name, str(value)) for value in values)
    body = answer.get("body") or ""
    raw = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    return int(answer["statusCode"]), headers, raw


def problem_answer(error: PlatformError) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return a refusal as status, headers and body."""
    document = problem(error)
    headers = [("Content-Type", PROBLEM_TYPE), *SAFE_HEADERS.items()]
    if "allow" in error.facts:
        headers.append(("Allow", ", ".join(error.facts["allow"])))
    return int(document["status"]), headers, json.dumps(document, ensure_ascii=False).encode()
