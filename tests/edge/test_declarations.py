"""What a declaration promises, and what it stops at import."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from chalice.test import Client
from pydantic import BaseModel, ConfigDict

from chalicelib.edge.auth import Authenticator
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.edge.problems import STATUS
from chalicelib.edge.sizes import SMALL
from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import MemberId
from chalicelib.kernel.money import fen
from tests.edge.calls import application, ask, listening


class Cup(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tea: str


class Lax(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = 1


class Loose(BaseModel):
    model_config = ConfigDict(strict=True)

    tea: str


class RefusedError(PlatformError):
    """Whatever kind and facts a test wants."""

    code = "refused"


def nobody() -> Authenticator:
    raise AssertionError("nobody is asked")


def api() -> Api:
    return Api("tests.small", authenticator=nobody)


def room(outcome: Any, **declared: Any) -> Any:
    """Serve one route, `POST /cups`, that answers so or raises so."""
    small = api()

    @small.post("/cups", **declared)
    def cups(_call: Call) -> Any:
        """Answer."""
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return application(small)


def takes(call: Call) -> None: ...
def takes_body(call: Call, body: Cup) -> None: ...
def takes_lax_body(call: Call, body: Lax) -> None: ...
def takes_loose_body(call: Call, body: Loose) -> None: ...
def takes_query(call: Call, query: Lax) -> None: ...
def takes_cup_id(call: Call, cup_id: str) -> None: ...
def takes_number(call: Call, cup_id: int) -> None: ...


@pytest.mark.parametrize(
    ("path", "declared", "handler"),
    [
        ("/cups", {}, takes),
        ("/cups", {"body": Cup}, takes_body),
        ("/cups", {"query": Lax}, takes_query),
        ("/cups/{cup_id}", {}, takes_cup_id),
    ],
)
def test_a_sound_declaration_is_taken(path: str, declared: Any, handler: Any) -> None:
    small = api()
    small.post(path, **declared)(handler)
    assert [operation.path for operation in small.operations] == [path]


@pytest.mark.parametrize(
    ("path", "declared", "handler"),
    [
        ("/cups", {"body": Cup}, takes),
        ("/cups", {}, takes_body),
        ("/cups", {"body": Cup}, takes_query),
        ("/cups", {"query": Lax}, takes_lax_body),
        ("/cups/{cup}", {}, takes_cup_id),
        ("/cups/{cup_id}", {}, takes),
        ("/cups/{cup_id}", {}, takes_number),
        ("/cups", {"body": Lax}, takes_lax_body),
        ("/cups", {"body": Loose}, takes_loose_body),
    ],
)
def test_a_slip_in_a_declaration_stops_at_import(path: str, declared: Any, handler: Any) -> None:
    with pytest.raises(AssertionError):
        api().post(path, **declared)(handler)


def test_a_declared_handler_is_still_itself() -> None:
    def cup(_call: Call) -> Cup:
        return Cup(tea="茶")

    assert api().get("/cups", answer=Cup)(cup) is cup


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_refusal_has_its_status(kind: Kind) -> None:
    refusal = type("OneError", (PlatformError,), {"kind": kind, "code": "one"})
    with listening() as ear:
        reply = ask(room(refusal("no", cups=3)), "POST", "/cups")
    assert (reply.status, reply.body["status"]) == (STATUS[kind], STATUS[kind])
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["X-Request-Id"] == "request-1"
    assert ear.about("request")[0]["code"] == "one"
    if kind is Kind.BUG:  # nobody translated it: the log has its name, the caller a sentence
        assert (reply.body["code"], "cups" in reply.body) == ("internal_error", False)
        return
    assert (reply.body["code"], reply.body["cups"]) == ("one", 3)
    assert ("WWW-Authenticate" in reply.headers) == (kind is Kind.UNAUTHENTICATED)
    later = {Kind.UNAVAILABLE, Kind.UNKNOWN_OUTCOME, Kind.TOO_MANY}
    assert ("Retry-After" in reply.headers) == (kind in later)


class ConflictError(RefusedError):
    kind = Kind.CONFLICT


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        (fen(5), {"amount": 5, "currency": "CNY"}),
        ([fen(5)], [{"amount": 5, "currency": "CNY"}]),
        (datetime(2026, 11, 24, tzinfo=UTC), "2026-11-24T00:00:00Z"),
        (Decimal("19.99"), "19.99"),
        (MemberId.derive("a"), MemberId.derive("a")),
        (Kind.BUG, "bug"),
        (b"\xff", "_w=="),
        ({"a"}, ["a"]),
        ("half \ud800", "half ?"),
        (ValueError("odd"), "odd"),
    ],
)
def test_a_refusal_is_a_problem_whatever_its_facts(fact: Any, shown: Any) -> None:
    reply = ask(room(ConflictError("no", fact=fact)), "POST", "/cups")
    assert (reply.status, reply.body["code"], reply.body["fact"]) == (409, "refused", shown)


def test_facts_never_take_the_place_of_the_problem_itself() -> None:
    facts: dict[str, Any] = {"type": "me", "status": 200, "title": "me", "code": "me"}
    reply = ask(room(ConflictError("no", **facts)), "POST", "/cups")
    assert (reply.body["type"], reply.body["status"]) == ("/problems/refused", 409)
    assert "me" not in {reply.body["title"], reply.body["code"]}


def test_an_answer_may_bring_its_own_status_and_headers() -> None:
    answer = Answer(Cup(tea="茶"), status=202, headers={"Location": "/cups/1"})
    reply = ask(room(answer, answer=Cup, status=201), "POST", "/cups")
    assert (reply.status, reply.headers["Location"]) == (202, "/cups/1")
    assert reply.headers["Cache-Control"] == "no-store"
    empty = ask(room(Answer(None, status=202)), "POST", "/cups")
    assert (empty.status, empty.body) == (202, None)


def test_nothing_but_the_declared_model_is_shown() -> None:
    with listening():
        reply = ask(room(fen(5), answer=Cup), "POST", "/cups")
    assert (reply.status, reply.body["code"]) == (500, "internal_error")


def keyed() -> Any:
    small = api()

    @small.post("/cups", body=Cup, answer=Cup, idempotent=True)
    def cups(call: Call, body: Cup) -> Cup:
        """Say the key."""
        return Cup(tea=call.idempotency_key)

    @small.get("/cups", query=Lax)
    def found(_call: Call, query: Lax) -> Any:
        """Say the limit."""
        return {"limit": query.limit}

    return application(small)


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("k", 200),
        ("!~" * 64, 200),
        ("", 400),
        ("k" * 129, 400),
        ("two words", 400),
        ("k\n", 400),
        ("é", 400),
        ("钥", 400),
        (None, 400),
    ],
)
def test_a_key_is_visible_ascii_and_not_too_long(key: str | None, status: int) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    reply = ask(keyed(), "POST", "/cups", '{"tea":"x"}', headers=headers)
    assert reply.status == status
    assert reply.body == ({"tea": key} if status == 200 else reply.body)
    assert status == 200 or reply.body["code"] == "idempotency_key_required"


@pytest.mark.parametrize(
    ("query", "limit", "wrong"),
    [
        (None, 1, set()),
        ({"limit": ["5"]}, 5, set()),
        ({"limit": ["5", "6"]}, 0, {"limit"}),
        ({"limit": ["5", "x"], "a": ["1"], "b": [""]}, 0, {"limit", "a", "b"}),
        ({"limit": []}, 1, set()),
    ],
)
def test_a_parameter_is_known_and_given_once(query: Any, limit: int, wrong: set[str]) -> None:
    reply = ask(keyed(), "GET", "/cups", query=query)
    if not wrong:
        assert (reply.status, reply.body) == (200, {"limit": limit})
        return
    assert (reply.status, reply.body["code"]) == (400, "invalid_query")
    assert {error["field"] for error in reply.body["errors"]} == wrong


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (None, 200),
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("text/plain", 415),
        ("application/jsonp", 415),
        ("", 415),
        ("*/*", 415),
        ("multipart/form-data; boundary=application/json", 415),
    ],
)
def test_a_body_is_said_to_be_json(content_type: str | None, status: int) -> None:
    headers = {"Idempotency-Key": "k"} | ({"Content-Type": content_type} if content_type else {})
    if content_type == "":
        headers["Content-Type"] = ""
    reply = ask(keyed(), "POST", "/cups", '{"tea":"x"}', headers=headers)
    assert reply.status == status
    assert status == 200 or reply.body["code"] == "unsupported_media_type"


@pytest.mark.parametrize(("spare", "status"), [(0, 200), (-1, 413)])
def test_a_body_has_a_longest_length(spare: int, status: int) -> None:
    body = '{"tea":"x"}'
    body += " " * (SMALL - len(body) - spare)
    assert ask(keyed(), "POST", "/cups", body, headers={"Idempotency-Key": "k"}).status == status


def test_a_flood_of_wrong_fields_is_counted_and_not_repeated() -> None:
    body = {"tea": "x", "n" * 5000: 0} | {f"x{number}": 0 for number in range(2_000)}
    reply = ask(keyed(), "POST", "/cups", json.dumps(body), headers={"Idempotency-Key": "k"})
    assert (reply.status, len(reply.body["errors"]), reply.body["more_errors"]) == (
        400,
        100,
        1_901,
    )
    assert len(json.dumps(reply.body)) < 20_000


@pytest.mark.parametrize("body", ["", "!", "gA==", "AAA", "é"])
def test_a_body_that_is_not_the_base64_it_claims_to_be_is_refused(body: str) -> None:
    headers = {"Idempotency-Key": "k"}
    reply = ask(keyed(), "POST", "/cups", body, encoded=True, headers=headers)
    assert (reply.status, reply.body["code"]) == (400, "invalid_body")


def test_chalices_own_test_client_is_answered_the_same() -> None:
    with Client(keyed()) as client:
        good = client.http.get("/cups?limit=7")
        bad = client.http.get("/cups?limit=x")
    assert (good.status_code, good.json_body) == (200, {"limit": 7})
    assert (bad.status_code, bad.json_body["code"]) == (400, "invalid_query")
