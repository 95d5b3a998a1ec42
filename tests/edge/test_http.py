"""HTTP manners, on a small application of one's own."""

import io
import json
import logging
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chalice.app import Chalice
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from chalicelib.edge import observe
from chalicelib.edge.auth import Authenticator
from chalicelib.edge.callers import Caller, Scope, UnauthenticatedError
from chalicelib.edge.http import Answer, Api, Call, remember_request
from chalicelib.edge.openapi import document
from chalicelib.edge.pages import InvalidCursorError, read_cursor, write_cursor
from chalicelib.edge.texts import Text64
from chalicelib.kernel.errors import Kind, PlatformError, TryAgainError
from chalicelib.kernel.money import Money


class TooManyCupsError(PlatformError):
    kind = Kind.CONFLICT
    code = "too_many_cups"


class Pour(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tea: Text64
    cups: int
    price: Money | None = None


class Poured(BaseModel):
    tea: str
    cups: int


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = 5


class AnybodyIsWelcome:
    """Takes the token for the subject."""

    def caller(self, headers: Any) -> Caller:
        if "authorization" not in headers:
            raise UnauthenticatedError("who?")
        return Caller(subject=headers["authorization"], scopes=frozenset({Scope.MEMBER}))


def anybody() -> Authenticator:
    return AnybodyIsWelcome()  # type: ignore[return-value]


api = Api(__name__, authenticator=anybody)


@api.post(
    "/cups/{table}",
    scopes=[Scope.MEMBER],
    body=Pour,
    answer=Poured,
    status=201,
    idempotent=True,
    refusals=[TooManyCupsError],
)
def pour(call: Call, table: str, body: Pour) -> Poured | Answer:
    """Pour some tea."""
    if body.cups > 9:
        raise TooManyCupsError("too many", cups=body.cups, table=table)
    if body.cups < 0:
        raise ZeroDivisionError("a secret: hunter2")
    if body.cups == 0:
        return Answer(Poured(tea=call.idempotency_key, cups=0), status=202)
    return Poured(tea=body.tea, cups=body.cups)


@api.get("/who", scopes=[Scope.MEMBER], query=Asked)
def who(call: Call, query: Asked) -> Any:
    """Say who asks."""
    pause.wait(0.01)
    return {"subject": call.caller.subject, "limit": query.limit}


@api.get("/operators", scopes=[Scope.OPERATOR])
def operators(_call: Call) -> Any:
    """Show operators only."""
    return {}


@api.get("/busy")
def busy(_call: Call) -> Any:
    """Be busy."""
    raise TryAgainError("busy")


@api.post("/raw", raw=True, status=204)
def raw(call: Call) -> None:
    """Take bytes."""
    seen.append(call.raw_body)


pause = threading.Event()
seen: list[bytes] = []
app = Chalice("tea", configure_logs=False)
app.register_middleware(remember_request, "http")
app.register_blueprint(api.blueprint)


def ask(
    method: str,
    path: str,
    body: str | bytes | None = None,
    *,
    route: str | None = None,
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
) -> tuple[int, Any, dict[str, str]]:
    """Call the application as API Gateway does."""
    route = route or path
    text = body.decode("latin-1") if isinstance(body, bytes) else body
    event = {
        "headers": {"content-type": "application/json", "idempotency-key": "k"}
        | {"authorization": "me"}
        | (headers or {}),
        "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
        "pathParameters": {"table": path.rpartition("/")[2]},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route,
            "httpMethod": method,
            "requestId": "request-1",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": text,
        "isBase64Encoded": False,
    }
    answer = app(event, None)
    shown = json.loads(answer["body"]) if answer["body"] else None
    return answer["statusCode"], shown, answer["headers"]


def order(**body: Any) -> tuple[int, Any, dict[str, str]]:
    return ask("POST", "/cups/7", json.dumps(body), route="/cups/{table}")


def test_a_good_call_is_answered() -> None:
    status, body, headers = order(tea=" 乌龙 ", cups=2)
    assert (status, body) == (201, {"tea": "乌龙", "cups": 2})
    assert headers["X-Request-Id"] == "request-1"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert order(tea="茶", cups=0)[:2] == (202, {"tea": "k", "cups": 0})


def test_a_refusal_is_a_problem_with_its_facts() -> None:
    status, body, headers = order(tea="茶", cups=10)
    assert headers["Content-Type"] == "application/problem+json"
    assert (status, body) == (
        409,
        {
            "type": "/problems/too_many_cups",
            "title": "The state of things forbids it",
            "status": 409,
            "detail": "too many",
            "code": "too_many_cups",
            "cups": 10,
            "table": "7",
        },
    )


def test_a_bug_shows_nothing_of_itself() -> None:
    logging.disable(logging.CRITICAL)
    status, body, _ = order(tea="茶", cups=-1)
    logging.disable(logging.NOTSET)
    assert (status, body["code"]) == (500, "internal_error")
    assert "hunter2" not in json.dumps(body)
    assert "Traceback" not in json.dumps(body)


def test_what_may_be_repeated_says_when() -> None:
    status, body, headers = ask("GET", "/busy")
    assert (status, body["code"], headers["Retry-After"]) == (503, "try_again", "1")


def test_callers_are_known_and_their_scopes_checked() -> None:
    assert ask("GET", "/operators")[0] == 403
    event_headers = {"authorization": ""}
    assert ask("GET", "/who", headers=event_headers)[1]["subject"] == ""


@given(st.binary(max_size=200))
def test_no_body_ever_breaks_it(body: bytes) -> None:
    status, shown, _ = ask("POST", "/cups/7", body, route="/cups/{table}")
    assert status in {201, 202, 400, 409}, shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.fixed_dictionaries({"tea": json_values, "cups": json_values, "price": json_values}))
def test_no_json_ever_breaks_it(body: dict[str, Any]) -> None:
    logging.disable(logging.CRITICAL)
    status, shown, _ = order(**body)
    logging.disable(logging.NOTSET)
    negative = isinstance(body["cups"], int) and body["cups"] < 0
    assert status in {201, 202, 400, 409} or negative, shown


def test_raw_bodies_come_byte_by_byte() -> None:
    text = '{"a":1}\r\n  茶 \u2028'
    assert ask("POST", "/raw", text, headers={"content-type": "x/y"})[0] == 204
    assert seen[-1] == text.encode()


def test_threads_never_see_one_anothers_requests() -> None:
    def call(number: int) -> bool:
        subject = f"caller-{number}"
        _, body, _ = ask("GET", "/who", headers={"authorization": subject}, query={"limit": "3"})
        return bool(body == {"subject": subject, "limit": 3})

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(call, range(200)))


def test_a_log_line_names_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    captured = io.StringIO()
    monkeypatch.setattr(observe.logger().registered_handler, "stream", captured)
    monkeypatch.setattr(sys, "stdout", captured)
    order(tea="my-secret-tea", cups=11)
    ask("GET", "/who", headers={"authorization": "Bearer s3cret"}, query={"limit": "4711"})
    observe.count("Poured", tea="oolong", facts={"number": "n1"})
    said = captured.getvalue()
    lines = [json.loads(line) for line in said.splitlines()]
    requests = [line for line in lines if line.get("message") == "request"]
    assert [(line["status"], line["code"]) for line in requests] == [
        (409, "too_many_cups"),
        (200, ""),
    ]
    assert requests[0]["route"] == "/cups/{table}"
    assert lines[-1]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == "Poured"
    for secret in ("my-secret-tea", "s3cret", "4711"):
        assert secret not in said


def test_cursors_are_ours_or_refused() -> None:
    assert read_cursor("orders", write_cursor("orders", "here")) == "here"
    for cursor in ("", "x", "e30", write_cursor("others", "here"), "ééé", "A" * 600):
        with pytest.raises(InvalidCursorError):
            read_cursor("orders", cursor)


@given(st.text())
def test_no_cursor_ever_breaks_it(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        read_cursor("orders", text)


def test_the_document_is_written_from_the_declarations() -> None:
    described = document([api], title="Tea", version="1")
    operation = described["paths"]["/cups/{table}"]["post"]
    assert operation["summary"] == "Pour some tea."
    assert operation["security"] == [{"bearer": []}]
    assert {one["name"] for one in operation["parameters"]} == {"table", "Idempotency-Key"}
    assert "`too_many_cups`" in operation["responses"]["409"]["description"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    name = schema.rpartition("/")[2]
    assert set(described["components"]["schemas"][name]["properties"]) == {"tea", "cups", "price"}
    assert described["paths"]["/who"]["get"]["parameters"][0]["name"] == "limit"
