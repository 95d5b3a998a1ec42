"""Control calls say what is wrong; the description describes every call."""

import re
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import pytest

from local.sandbox import SandboxKeys, build
from tests.sandbox.shop import JSAPI, NUMBER, Shop


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"out_trade_no": NUMBER, "prepay_id": "wx"},
        {"out_trade_no": NUMBER, "outcome": "maybe"},
        {"out_trade_no": NUMBER, "times": 0},
        {"out_trade_no": NUMBER, "times": "1"},
        {"out_trade_no": NUMBER, "delay_ms": -1},
        {"out_trade_no": NUMBER, "sign_with": "crayon"},
        {"out_trade_no": NUMBER, "colour": "green"},
    ],
)
def test_a_wrong_payment_is_refused_with_its_reason(shop: Shop, asked: dict[str, Any]) -> None:
    reply = shop.control("pay", **asked)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
    assert reply.json["detail"]["issue"]


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"a":1,"a":2}'])
@pytest.mark.parametrize("path", ["pay", "faults", "settings"])
def test_a_body_that_is_no_object_is_refused(shop: Shop, path: str, body: bytes) -> None:
    reply = shop.send("POST", f"/control/{path}", body, {})
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")


def test_an_unknown_order_is_not_paid(shop: Shop) -> None:
    for asked in ({"out_trade_no": "unknown"}, {"prepay_id": "wx"}):
        assert shop.control("pay", **asked).code == "ORDER_NOT_EXIST"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "//[", 404),
        ("GET", "/%ff%00", 404),
        ("GET", "/cashier", 404),
        ("GET", "/control/pay", 405),
        ("PUT", "/control/reset", 405),
    ],
)
def test_an_unknown_route_is_said_in_json(shop: Shop, method: str, path: str, status: int) -> None:
    reply = shop.send(method, path, b"", {})
    assert reply.status == status
    assert reply.code in {"RESOURCE_NOT_EXISTS", "METHOD_NOT_ALLOWED"}


def test_requests_are_written_down_with_the_number_they_are_about(shop: Shop) -> None:
    prepay_id = shop.prepaid()
    shop.query()
    shop.send("GET", f"/cashier/{prepay_id}", b"", {})
    paid = shop.control("pay", out_trade_no=NUMBER, deliver=False).json
    shop.call("GET", f"/v3/pay/transactions/id/{paid['transaction_id']}?mchid=1")
    shop.send("GET", "/healthz", b"", {})
    seen = [(each["method"], each["status"], each["number"]) for each in shop.listed("requests")]
    assert seen == [
        ("POST", 200, NUMBER),
        ("GET", 200, NUMBER),
        ("GET", 200, NUMBER),
        ("POST", 200, NUMBER),
        ("GET", 400, NUMBER),
        ("GET", 200, None),
    ]
    assert shop.listed("requests")[0]["path"] == JSAPI


def test_orders_are_listed(shop: Shop) -> None:
    prepay_id = shop.prepaid()
    listed = shop.listed("orders")
    assert [(each["out_trade_no"], each["prepay_id"]) for each in listed] == [(NUMBER, prepay_id)]


def test_reset_forgets_orders_faults_and_settings_but_no_key(shop: Shop) -> None:
    shop.prepaid()
    shop.control("settings", sign_with="certificate", certificates_listed=False)
    shop.control("faults", path=JSAPI, kind="error_500")
    assert shop.control("reset").json == {"orders_forgotten": 1}
    assert shop.query().code == "ORDER_NOT_EXIST"
    assert shop.call("GET", "/v3/certificates").status == 200
    assert shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER)
    assert shop.listed("notifications")[0]["sign_with"] is None


def test_the_description_knows_every_call(shop: Shop) -> None:
    told = shop.send("GET", "/openapi.json", b"", {}).json
    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": shop.address}]
    described = {
        (method.upper(), path) for path, methods in told["paths"].items() for method in methods
    }
    app = build(shop.keys)
    routed = {
        (method, re.sub(r"\(\?P<\w+>\[\^/\]\+\)", "{}", pattern.pattern))
        for method, pattern, _ in app._routes._table
    }
    app.close()
    assert {(method, re.sub(r"\{\w+\}", "{}", path)) for method, path in described} == routed
    text = str(told)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in told["components"]["schemas"]


def asked_from(remote: str, keys: SandboxKeys) -> int:
    """Call the application from another address than loopback."""
    app = build(keys)
    statuses: list[str] = []

    def start(status: str, *_: Any) -> Callable[[bytes], object]:
        statuses.append(status)
        return lambda _: None

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "/control/reset",
        "REMOTE_ADDR": remote,
        "HTTP_HOST": "sandbox",
        "wsgi.input": BytesIO(b""),
    }
    answer: Iterable[bytes] = app(environ, start)
    assert b"".join(answer)
    app.close()
    return int(statuses[0][:3])


@pytest.mark.parametrize(
    ("remote", "status"), [("127.0.0.1", 200), ("::1", 200), ("10.1.2.3", 403)]
)
def test_controls_are_for_this_machine(keys: SandboxKeys, remote: str, status: int) -> None:
    assert asked_from(remote, keys) == status
