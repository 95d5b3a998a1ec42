"""Shipments: a token, a report, a receipt, a push."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalicelib.providers.wechat.push import WeChatPushes
from tests.sandbox.shop import NUMBER, Clock, Mailbox, Reply, Shop


def token(shop: Shop, **changed: Any) -> dict[str, Any]:
    asked = {
        "grant_type": "client_credential",
        "appid": shop.keys.app_id,
        "secret": shop.keys.app_secret,
    } | changed
    told: dict[str, Any] = post(shop, "/cgi-bin/stable_token", asked).json
    return told


def post(shop: Shop, path: str, value: Any) -> Reply:
    reply = shop.send("POST", path, json.dumps(value).encode(), {})
    assert reply.status == 200
    return reply


def call(shop: Shop, path: str, value: Any, access_token: str | None = None) -> dict[str, Any]:
    query = access_token or token(shop)["access_token"]
    told: dict[str, Any] = post(shop, f"/wxa/sec/order/{path}?access_token={query}", value).json
    return told


def paid(shop: Shop) -> str:
    shop.call("POST", "/v3/pay/transactions/jsapi", shop.form())
    return str(shop.control("pay", out_trade_no=NUMBER, deliver=False).json["transaction_id"])


def report(transaction_id: str, **changed: Any) -> dict[str, Any]:
    return {
        "order_key": {"order_number_type": 2, "transaction_id": transaction_id},
        "logistics_type": 1,
        "delivery_mode": 1,
        "shipping_list": [
            {"tracking_no": "SF1234567890", "express_company": "SF", "item_desc": "茶"}
        ],
        "upload_time": "2026-11-24T16:00:00.123+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
    } | changed


def test_a_token_stays_the_same_while_it_lives(shop: Shop, clock: Clock) -> None:
    first = token(shop)
    assert token(shop) == first
    clock.forward(seconds=7200)
    assert call(shop, "get_order", {}, first["access_token"])["errcode"] == 42001
    assert token(shop)["access_token"] != first["access_token"]
    assert call(shop, "get_order", {}, first["access_token"])["errcode"] == 40001
    assert token(shop, secret="wrong")["errcode"] == 40125
    assert token(shop, appid="wrong")["errcode"] == 40013


def test_a_parcel_is_reported_once(shop: Shop) -> None:
    transaction = paid(shop)
    assert call(shop, "get_order", {"transaction_id": transaction})["order"]["order_state"] == 1
    assert call(shop, "upload_shipping_info", report(transaction))["errcode"] == 0
    assert call(shop, "upload_shipping_info", report(transaction))["errcode"] == 10060002
    other = [{"tracking_no": "SF2", "express_company": "SF", "item_desc": "茶"}]
    corrected = report(transaction, shipping_list=other)
    assert call(shop, "upload_shipping_info", corrected)["errcode"] == 0
    again = report(transaction, shipping_list=[other[0] | {"tracking_no": "SF3"}])
    assert call(shop, "upload_shipping_info", again)["errcode"] == 10060003
    assert call(shop, "get_order", {"transaction_id": transaction})["order"]["order_state"] == 2


def test_what_is_wrong_is_refused_by_number(shop: Shop) -> None:
    transaction = paid(shop)
    for errcode, wrong in (
        (47001, {}),
        (47001, report(transaction, shipping_list=[])),
        (47001, report(transaction, payer={"openid": "somebody"})),
        (10060001, report("4200000000")),
    ):
        assert call(shop, "upload_shipping_info", wrong)["errcode"] == errcode
    shop.control("settings", payments_known=False)
    assert call(shop, "upload_shipping_info", report(transaction))["errcode"] == 10060001


def test_a_receipt_is_pushed_in_safe_mode(shop: Shop, mailbox: Mailbox) -> None:
    transaction = paid(shop)
    assert shop.control(f"parcels/{NUMBER}").status == 404
    call(shop, "upload_shipping_info", report(transaction))
    told = shop.control(f"parcels/{NUMBER}", outcome="received").json
    assert told["order_state"] == 3
    assert told["deliveries"]
    order = call(shop, "get_order", {"transaction_id": transaction})["order"]
    assert (order["order_state"], order["in_complaint"]) == (3, False)
    assert call(shop, "upload_shipping_info", report(transaction))["errcode"] == 10060004
    pushes = WeChatPushes(shop.keys.app_id, shop.keys.push_token, shop.keys.push_aes_key)
    letter = mailbox.wait_for(1)[-1]
    query = dict(parse_qsl(urlsplit(letter.headers[":path"]).query))
    assert pushes.read(query, letter.body).number == NUMBER


def test_a_complaint_shows_until_it_is_resolved(shop: Shop) -> None:
    transaction = paid(shop)
    call(shop, "upload_shipping_info", report(transaction))
    for outcome, expected in (("complaint", True), ("resolved", False)):
        shop.control(f"parcels/{NUMBER}", outcome=outcome, deliver=False)
        order = call(shop, "get_order", {"transaction_id": transaction})["order"]
        assert order["in_complaint"] is expected
    shop.control(f"parcels/{NUMBER}", outcome="settled", deliver=False)
    assert call(shop, "get_order", {"transaction_id": transaction})["order"]["order_state"] == 4
