"""Pages of other origins: a browser lets none read, but for those that are listed."""

from collections.abc import Iterator, Mapping

import pytest
from pydantic import ValidationError

from chalicelib.edge.cors import CLOSED, Cors
from server.knobs import Knobs
from server.wsgi import Gateway
from tests.edge.calls import listening
from tests.fakes.premises import Premises, Reply, called, premises

DESK, EVIL = "https://desk.example", "https://evil.example"
SENT = "authorization,content-type,idempotency-key,traceparent"


@pytest.fixture(scope="module")
def house() -> Iterator[Premises]:
    with listening(), premises() as opened:
        yield opened


def asked(house: Premises, cors: Cors, method: str, path: str, headers: Mapping[str, str]) -> Reply:
    with listening():
        return called(Gateway(house.app, cors), method, path, headers)


def preflight(house: Premises, cors: Cors, origin: str, method: str = "POST") -> Reply:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": SENT,
    }
    return asked(house, cors, "OPTIONS", "/v1/orders", headers)


def spoken(reply: Reply) -> dict[str, str]:
    return {name: said for name, said in reply.headers.items() if name.startswith("Access-")}


def test_by_default_no_page_of_another_origin_reads_anything(house: Premises) -> None:
    assert spoken(preflight(house, CLOSED, DESK)) == {}
    for path in ("/healthz", "/v1/orders", "/nowhere"):
        assert spoken(asked(house, CLOSED, "GET", path, {"Origin": DESK})) == {}


def test_a_listed_origin_may_ask_and_read(house: Premises) -> None:
    cors = Cors([DESK])
    told = preflight(house, cors, DESK)
    assert (told.status, told.headers["Vary"]) == (204, "Origin")
    said = spoken(told)
    assert said["Access-Control-Allow-Origin"] == DESK
    assert said["Access-Control-Allow-Methods"] == "GET, POST"
    allowed = said["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(SENT.split(",")) <= set(allowed)
    answer = asked(house, cors, "GET", "/healthz", {"Origin": DESK})
    assert spoken(answer)["Access-Control-Allow-Origin"] == DESK
    shown = spoken(answer)["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-Id", "X-Correlation-Id"} <= set(shown)


def test_a_listed_page_can_read_why_it_was_refused(house: Premises) -> None:
    for path, status in (("/v1/orders", 401), ("/nowhere", 404)):
        reply = asked(house, Cors([DESK]), "GET", path, {"Origin": DESK})
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, DESK)


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "*",
        f"{DESK}.evil.example",
        f"{DESK}:8443",
        "http://desk.example",
        f"{DESK}/",
        f"{DESK}, {EVIL}",
        "",
    ],
)
def test_an_origin_that_is_not_listed_is_told_nothing(house: Premises, origin: str) -> None:
    cors = Cors([DESK])
    assert spoken(preflight(house, cors, origin)) == {}
    answer = asked(house, cors, "GET", "/healthz", {"Origin": origin})
    assert (spoken(answer), answer.headers["Vary"]) == ({}, "Origin")


def test_a_method_that_there_is_not_is_not_allowed(house: Premises) -> None:
    assert spoken(preflight(house, Cors([DESK]), DESK, method="DELETE")) == {}


@pytest.mark.parametrize("cors", [CLOSED, Cors([DESK])])
def test_no_answer_lets_everybody_in(house: Premises, cors: Cors) -> None:
    for origin in (DESK, EVIL, "*"):
        for reply in (
            preflight(house, cors, origin),
            asked(house, cors, "GET", "/healthz", {"Origin": origin}),
        ):
            assert reply.headers.get("Access-Control-Allow-Origin") != "*"
            assert "Access-Control-Allow-Credentials" not in reply.headers


def test_origins_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"{DESK}, http://localhost:5173,")
    assert Knobs().cors_origins == (DESK, "http://localhost:5173")
    monkeypatch.setenv("CORS_ORIGINS", "")
    assert Knobs().cors_origins == ()


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "desk.example",
        "http://desk.example",
        f"{DESK}/",
        "https://*.example",
        "https://A",
    ],
)
def test_what_is_no_origin_is_refused_early(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("CORS_ORIGINS", wrong)
    with pytest.raises(ValidationError, match="is no origin"):
        Knobs()
