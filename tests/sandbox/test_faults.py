"""Planned misfortune strikes where and as often as it was planned."""

import time
from typing import Any

import pytest
import urllib3

from tests.sandbox.shop import JSAPI, NUMBER, Shop, is_signed


def plan(shop: Shop, **fault: Any) -> None:
    reply = shop.control("faults", **({"path": JSAPI, "method": "POST"} | fault))
    assert reply.status == 200, reply.json


def state_of(shop: Shop) -> str:
    reply = shop.query()
    return str(reply.json.get("trade_state") or reply.code)


def test_a_dropped_answer_has_done_its_work(shop: Shop) -> None:
    plan(shop, kind="drop_answer")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        shop.prepaid()
    assert state_of(shop) == "NOTPAY"
    assert shop.prepaid().startswith("wx")
    dropped = shop.listed("requests")[1]
    assert (dropped["status"], dropped["fault"], dropped["number"]) == (None, "drop_answer", NUMBER)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [("error_500", 500, "SYSTEM_ERROR"), ("error_429", 429, "FREQUENCY_LIMITED")],
)
def test_an_error_comes_before_the_work_and_is_signed(
    shop: Shop, kind: str, status: int, code: str
) -> None:
    plan(shop, kind=kind, times=2)
    for _ in range(2):
        reply = shop.call("POST", JSAPI, shop.form())
        assert (reply.status, reply.code) == (status, code)
        assert is_signed(shop.keys, reply.headers, reply.body)
    assert state_of(shop) == "ORDER_NOT_EXIST"
    assert shop.prepaid()


def test_an_edge_answers_in_html_unsigned(shop: Shop) -> None:
    plan(shop, kind="html_502")
    reply = shop.call("POST", JSAPI, shop.form())
    assert reply.status == 502
    assert reply.body.startswith(b"<html>")
    assert "wechatpay-signature" not in reply.headers
    assert state_of(shop) == "ORDER_NOT_EXIST"


@pytest.mark.parametrize(
    ("kind", "begins"),
    [("unsigned", None), ("bad_signature", ""), ("signtest", "WECHATPAY/SIGNTEST/")],
)
def test_a_good_answer_may_lack_a_good_signature(shop: Shop, kind: str, begins: str | None) -> None:
    plan(shop, kind=kind)
    reply = shop.call("POST", JSAPI, shop.form())
    assert reply.status == 200
    assert not is_signed(shop.keys, reply.headers, reply.body)
    signature = reply.headers.get("wechatpay-signature")
    assert signature is None if begins is None else str(signature).startswith(begins)
    again = shop.call("POST", JSAPI, shop.form())
    assert is_signed(shop.keys, again.headers, again.body)


def test_a_delay_is_only_slow(shop: Shop) -> None:
    plan(shop, kind="delay", delay_ms=80)
    before = time.monotonic()
    assert shop.prepaid()
    assert time.monotonic() - before >= 0.08


@pytest.mark.parametrize(
    ("path", "method", "left"),
    [
        ("/v3/pay", "*", 0),
        ("/v3/pay", "GET", 0),
        ("/v3/pay", "POST", 1),
        ("/v3/*", "*", 0),
        ("/v3/*/out-trade-no/*", "GET", 0),
        ("/v3/*/close", "*", 1),
        ("/v3/pay/transactions/out-trade-no/" + NUMBER, "*", 0),
        ("/v3/refund", "*", 1),
        ("*", "*", 0),
    ],
)
def test_a_path_is_a_prefix_or_a_pattern(shop: Shop, path: str, method: str, left: int) -> None:
    plan(shop, path=path, method=method, kind="error_500")
    assert shop.query().status == (404 if left else 500)
    assert len(shop.listed("faults")) == left


def test_faults_strike_the_login_and_the_issuer_too(shop: Shop) -> None:
    plan(shop, path="/sns/", method="GET", kind="error_500")
    assert shop.send("GET", "/sns/jscode2session", b"", {}).status == 500
    plan(shop, path="/oidc/jwks", method="GET", kind="html_502")
    assert shop.send("GET", "/oidc/jwks", b"", {}).status == 502


def test_faults_spare_the_controls(shop: Shop) -> None:
    plan(shop, path="/", method="*", kind="error_500", times=9)
    assert shop.send("GET", "/healthz", b"", {}).status == 200
    assert shop.control("reset").status == 200
    assert shop.prepaid()


@pytest.mark.parametrize(
    "fault",
    [
        {"path": JSAPI, "kind": "meteor"},
        {"path": JSAPI, "kind": "delay", "times": 0},
        {"path": JSAPI, "kind": "delay", "delay_ms": -1},
        {"kind": "delay"},
        {"path": JSAPI, "kind": "delay", "colour": "green"},
    ],
)
def test_a_wrong_plan_is_refused(shop: Shop, fault: dict[str, Any]) -> None:
    reply = shop.control("faults", **fault)
    assert (reply.status, reply.code) == (400, "PARAM_ERROR")
