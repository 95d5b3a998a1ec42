"""Calling a small application as API Gateway does, and hearing what it logs."""

import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.app import Chalice

from chalicelib.edge import observe
from chalicelib.edge.http import Api, remember_request


def application(*apis: Api) -> Chalice:
    """Build an application of these rooms."""
    app = Chalice("small", configure_logs=False)
    app.register_middleware(remember_request, "http")
    for api in apis:
        app.register_blueprint(api.blueprint)
    return app


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


def ask(
    app: Chalice,
    method: str,
    route: str,
    body: str | None = None,
    *,
    encoded: bool = False,
    path: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    query: Mapping[str, Sequence[str]] | None = None,
) -> Reply:
    """Send one proxy event."""
    event = {
        "headers": headers or {},
        "multiValueQueryStringParameters": query and {name: [*query[name]] for name in query},
        "pathParameters": path,
        "stageVariables": None,
        "requestContext": {"resourcePath": route, "httpMethod": method, "requestId": "request-1"},
        "body": body,
        "isBase64Encoded": encoded,
    }
    answer = app(event, None)
    text, media = answer["body"], str(answer["headers"].get("Content-Type", "json"))
    body = json.loads(text) if text and "json" in media else text or None
    return Reply(answer["statusCode"], body, answer["headers"])


class Ear:
    """What was logged and counted."""

    def __init__(self) -> None:
        self.heard = io.StringIO()

    @property
    def text(self) -> str:
        return self.heard.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def about(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("message") == message]


@contextmanager
def listening() -> Iterator[Ear]:
    """Hear everything that goes to standard output and to the log."""
    ear = Ear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observe.logger().registered_handler, "stream", ear.heard)
        patch.setattr(sys, "stdout", ear.heard)
        patch.setattr(sys, "stderr", ear.heard)
        yield ear
