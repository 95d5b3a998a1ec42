"""Logs and counts: one line each, of named facts; never a secret, never a person, never dear."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from chalicelib.edge import observe
from chalicelib.edge.auth import Authenticator, Issuer, Sessions
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.oidc import IssuerKeys
from chalicelib.kernel import trace
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import MemberId
from tests.edge.calls import application, ask, listening
from tests.fakes.clock import StoppedClock

CLOCK = StoppedClock()
SECRET = "hunter2-never-to-be-seen"
_MICROSECONDS_MAX = 400  # about 25 alone on a quiet machine; this one is shared


def unreachable(_address: str) -> bytes:
    raise OSError("away")


SESSIONS = Sessions("k" * 32, clock=CLOCK, ttl_seconds=60)
ISSUER = Issuer(
    "https://issuer.example",
    "shoukuan",
    keys=IssuerKeys("https://issuer.example", fetch=unreachable, clock=CLOCK),
    clock=CLOCK,
)


def stumble(error: Exception) -> None:
    raise error


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str
    fault: str = ""


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = ""


class Stored(BaseModel):
    openid: int


api = Api("tests.notes", authenticator=lambda: Authenticator(sessions=SESSIONS, issuer=ISSUER))


@api.post("/notes/{name}", scopes=[Scope.MEMBER], body=Note, idempotent=True)
def write(call: Call, name: str, body: Note) -> Any:
    """Fail as we are told."""
    match body.fault:
        case "invalid":
            Stored.model_validate_json(f'{{"openid": "{body.text}"}}')
        case "key":
            raise KeyError(body.text)
        case "cause":
            try:
                stumble(ValueError(body.text))
            except ValueError as error:
                raise RuntimeError(call.idempotency_key) from error
        case "context":
            try:
                stumble(ValueError(body.text))
            except ValueError:
                int(name)
        case "refused":
            raise TryAgainError(body.text, text=body.text)
        case _:
            pass
    return {}


@api.get("/notes", scopes=[Scope.OPERATOR], query=Search)
def find(_call: Call, query: Search) -> Any:
    """Find nothing."""
    return {"found": query.text}


app = application(api)


def written(fault: str) -> int:
    token, _ = SESSIONS.open(MemberId.derive("a"))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": SECRET, "X-Other": SECRET}
    body = f'{{"text":"{SECRET}","fault":"{fault}"}}'
    with listening() as ear:
        reply = ask(app, "POST", "/notes/{name}", body, path={"name": SECRET}, headers=headers)
        said = ear.text
    (line,) = ear.about("request")
    assert (line["route"], line["scopes"]) == ("/notes/{name}", "member")
    assert (line["status"], line["request_id"]) == (reply.status, "request-1")
    for secret in (SECRET, token, MemberId.derive("a"), token.split(".")[2]):
        assert secret not in said
    return reply.status


@pytest.mark.parametrize(
    ("fault", "status"),
    [("", 200), ("invalid", 500), ("key", 500), ("cause", 500), ("context", 500), ("refused", 503)],
)
def test_no_log_repeats_what_was_sent(fault: str, status: int) -> None:
    assert written(fault) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {SECRET}"}, 401),
        ({"Authorization": f"Basic {SECRET}"}, 401),
        ({"Authorization": SECRET}, 401),
        ({"Cookie": SECRET}, 401),
        ({"Authorization": f"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.{SECRET}.{SECRET}"}, 503),
    ],
)
def test_no_log_repeats_a_token_or_a_query(headers: dict[str, str], status: int) -> None:
    with listening() as ear:
        assert ask(app, "GET", "/notes", headers=headers, query={"text": [SECRET]}).status == status
    assert SECRET not in ear.text
    assert set(ear.lines[-1]) == {
        *("level", "message", "timestamp", "service"),
        *("method", "route", "status", "code", "scopes", "milliseconds", "request_id", "trace"),
    }


def test_a_mishap_is_told_by_name_code_and_place() -> None:
    with listening() as ear:
        try:
            try:
                answer = {"Error": {"Code": "AccessDenied", "Message": SECRET}}
                stumble(ClientError(answer, "PutItem"))  # type: ignore[arg-type]
            except ClientError as error:
                raise TryAgainError(SECRET) from error
        except TryAgainError as error:
            observe.mishap("it failed", error, route="/x")
    (line,) = ear.about("it failed")
    assert (line["level"], line["route"]) == ("ERROR", "/x")
    told = [(one["error"], one["code"]) for one in line["errors"]]
    assert told == [("TryAgainError", "try_again"), ("ClientError", "AccessDenied")]
    assert "test_observe.py:" in line["errors"][0]["at"][0]
    assert SECRET not in ear.text


def test_a_mishap_without_end_is_told_briefly() -> None:
    def down(depth: int) -> None:
        try:
            down(depth + 1)
        except RecursionError as error:
            raise ValueError(SECRET) from error

    with listening() as ear:
        try:
            down(0)
        except (RecursionError, ValueError) as error:
            observe.mishap("deep", error)
    assert len(ear.text) < 20_000


def test_pydantic_really_would_have_told() -> None:
    """The danger is real: were messages logged, this one would quote what was sent."""
    with pytest.raises(ValidationError, match=SECRET):
        Stored.model_validate({"openid": SECRET})


def test_a_count_is_one_line_of_embedded_metrics() -> None:
    with listening() as ear:
        observe.count("Captured", provider="wechatpay", facts={"payment": "pay_1"})
    (line,) = ear.lines
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Metrics"][0]["Name"]) == ("Shoukuan", "Captured")
    assert metric["Dimensions"] == [["service", "provider"]] or metric["Dimensions"] == [
        ["provider", "service"]
    ]
    assert (line["Captured"], line["provider"], line["payment"]) == ([1.0], "wechatpay", "pay_1")


def test_what_is_told_in_one_line_is_one_unless_it_would_be_overwritten() -> None:
    with listening() as ear, trace.within("a" * 32), observe.one_line():
        observe.count("Committed", event="payment.captured")
        observe.measure("Took", 7, provider="wechatpay")
        with observe.one_line(apart=True):
            observe.count("AlarmRaised", alarm="x")
        with observe.one_line():
            observe.count("Booked", provider="wechatpay")
        assert len(ear.lines) == 1, "held until the end"
        observe.count("Committed", event="refund.sent")
    alarm, first, second = ear.lines
    assert {line["trace"] for line in ear.lines} == {"a" * 32}
    assert (alarm["AlarmRaised"], "Committed" in alarm) == ([1], False)
    assert (first["Committed"], first["Took"], first["Booked"]) == ([1], [7], [1])
    assert [one["Dimensions"] for one in first["_aws"]["CloudWatchMetrics"]] == [
        [["service", "event"]],
        [["service", "provider"]],
    ]
    assert "trace" not in str(first["_aws"]), "never a dimension"
    assert (second["Committed"], second["event"]) == ([1], "refund.sent")


def test_figures_of_another_thread_never_get_into_a_line() -> None:
    def stranger() -> None:
        observe.count("Theirs")

    with listening() as ear, ThreadPoolExecutor(1) as threads, observe.one_line():
        observe.count("Ours")
        threads.submit(trace.carried(stranger)).result()
    theirs, ours = ear.lines
    assert ("Theirs" in theirs, "Ours" in theirs) == (True, False)
    assert ("Theirs" in ours, "Ours" in ours) == (False, True)


def test_more_values_than_a_line_takes_go_into_several_and_none_into_none() -> None:
    with listening() as ear:
        observe.measure("Took")
        observe.measure("Took", *range(250))
    assert [len(line["Took"]) for line in ear.lines] == [100, 100, 50]
    assert [value for line in ear.lines for value in line["Took"]] == list(range(250))


def test_a_callers_trace_is_in_every_line_and_the_answer_or_else_the_requests_own() -> None:
    for given, expected in (
        (f"00-{'a' * 32}-{'b' * 16}-01", "a" * 32),
        (f"00-{SECRET}-{'b' * 16}-01", trace.named("request-1")),
        ("", trace.named("request-1")),
    ):
        with listening() as ear:
            reply = ask(app, "GET", "/notes", headers={"traceparent": given})
        assert reply.headers["X-Correlation-Id"] == expected
        assert reply.headers["X-Request-Id"] == "request-1"
        assert {line["trace"] for line in ear.lines} == {expected}
        assert SECRET not in ear.text


@pytest.mark.parametrize(
    "say",
    [
        lambda: observe.note("request", method="GET", route="/x", status=200, request_id="r"),
        lambda: observe.count("Captured", provider="wechatpay"),
    ],
)
def test_a_line_costs_little(say: Callable[[], None]) -> None:
    with listening():
        say()
        spent = []
        for _ in range(200):
            began = time.thread_time_ns()
            say()
            spent.append(time.thread_time_ns() - began)
    assert sorted(spent)[100] < _MICROSECONDS_MAX * 1000
